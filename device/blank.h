/* blank: takes the names that tell one drive from its twins out of a drive's answer. */
#pragma once
#include "device/transport.h"

/*
 * DATA is the LEN bytes that CMD brought. Serial numbers, WWNs, EUIs and subsystem names become
 * spaces or zeros where a standard puts them (IDENTIFY DEVICE, also inside VPD page 89h, VPD 80h
 * and 83h, Identify Controller and Namespace); the checksum of IDENTIFY DEVICE is mended.
 */
void xp_blank_serials(const struct xp_cmd *cmd, uint8_t *data, size_t len);
