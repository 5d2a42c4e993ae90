/*
 * method_nvme_format: Format NVM with an erase, in the format that the namespace has. It is over
 * when it is answered.
 */
#pragma once
#include "sanitize/method.h"

extern const struct xp_method xp_method_nvme_format_crypto;
extern const struct xp_method xp_method_nvme_format_user;

/* The namespace that is formatted: the target itself; 0: it is not known. */
uint32_t xp_nvme_format_target(const struct xp_nvme_facts *f);
/* Does a format of it leave namespaces, or capacity that no namespace has? What is not known does.
 */
bool xp_nvme_format_leaves(const struct xp_nvme_facts *f);
