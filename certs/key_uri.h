/*
 * key_uri: "pkcs11:" URIs that name a private key on a token. Pure. Attributes that could lead to a
 * key other than the one that is meant, that hold a PIN, or that let a library be searched for, are
 * refused and not skipped. [RFC 7512]
 */
#pragma once
#include "base/err.h"

#define XP_KEY_URI_PATH_MAX 4096

/* An empty text and id_len 0: not named. */
struct xp_key_uri {
	char token[33];	 /* the token's label */
	char serial[17]; /* the token's serial number */
	char object[256];
	uint8_t id[256];
	size_t id_len;
	char module_path[XP_KEY_URI_PATH_MAX]; /* absolute */
	char pin_path[XP_KEY_URI_PATH_MAX];    /* pin-source, absolute */
};

/* Does TEXT begin as such a URI does? */
bool xp_key_uri_is(const char *text);
/* XP_E_USAGE, with what is wrong. */
MUST_USE enum xp_rc xp_key_uri_parse(struct xp_key_uri *out, const char *text, struct xp_err *err);
/* The same key, with a module-path. XP_E_USAGE where TEXT names one, or PATH is not absolute. */
MUST_USE enum xp_rc xp_key_uri_add_module(char *out, size_t size, const char *text,
					  const char *path, struct xp_err *err);
