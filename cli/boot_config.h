/*
 * boot_config: what a boot stick was told beforehand: expunge.json beside the containers, and words
 * of the kernel's command line. Nothing in it is guessed: a key that is not known is an error with
 * its place, since a misspelt rule would otherwise be no rule at all. docs/unattended.md explains
 * every key.
 */
#pragma once
#include "base/err.h"
#include "certs/record.h"
#include "claim/evidence.h"
#include "claim/terms.h"

#define XP_BOOT_CONFIG_MAX_BYTES (1u << 20)
#define XP_BOOT_PATH_MAX	 1024
#define XP_BOOT_URL_MAX		 1024

#define XP_BOOT_SETTLE_S     30
#define XP_BOOT_SETTLE_MAX_S 600
#define XP_BOOT_COUNTDOWN_S  60

enum xp_boot_then { XP_BOOT_WAIT, XP_BOOT_POWEROFF, XP_BOOT_REBOOT };

struct xp_boot_upload {
	char url[XP_BOOT_URL_MAX];	    /* https; empty: nothing is uploaded */
	char ca[XP_BOOT_PATH_MAX];	    /* PEM; empty: the system's store */
	bool system_ca;			    /* "ca": "system" */
	char header_file[XP_BOOT_PATH_MAX]; /* one header line, such as Authorization: ... */
};

struct xp_boot_unattended {
	bool present; /* false: nothing is done without a person, unless the command line says so */
	char expect[XP_BOOT_PATH_MAX]; /* a file, or an https address; empty: none was named */
	/* whom the list's server is checked against (PEM); empty: as the upload's */
	char expect_ca[XP_BOOT_PATH_MAX];
	bool expect_system_ca;
	uint32_t settle_s, settle_max_s, countdown_s;
	enum xp_boot_then then;
};

/* File names are absolute: those in the file count from the folder that it lies in. */
struct xp_boot_config {
	char path[XP_BOOT_PATH_MAX];   /* of the file; empty: there was none */
	char policy[XP_BOOT_PATH_MAX]; /* a name or a file; empty: the default */
	bool has_level, has_accept, has_verify;
	enum xp_level level, accept;
	enum xp_readback_mode verify;
	bool has_performer; /* "operator" was given: its role is performer, its name is set */
	struct xp_person performer;
	char *record_json; /* what --record-fields would take, the operator among it; NULL: none */
	char key[XP_BOOT_PATH_MAX]; /* or a pkcs11: URI */
	char cert[XP_BOOT_PATH_MAX];
	char passphrase_file[XP_BOOT_PATH_MAX];
	struct xp_boot_upload upload;
	struct xp_boot_unattended unattended;
	char keyboard[64]; /* name of a keymap; empty: as it is */
	char ntp[254];	   /* server that the time is asked from; empty: none is asked */
};

/* The defaults, and nothing else. */
void xp_boot_config_init(struct xp_boot_config *c);
/*
 * Reads PATH. Errors: XP_E_NOENT (no such file), XP_E_PERM, XP_E_IO, and XP_E_USAGE for what is
 * wrong in it, with the place. OUT is to be freed also after an error.
 */
MUST_USE enum xp_rc xp_boot_config_read(struct xp_boot_config *out, const char *path,
					struct xp_err *err);
/* The same from memory; PATH is what the bytes are called, and whose folder names count from. */
MUST_USE enum xp_rc xp_boot_config_parse(struct xp_boot_config *out, const char *json, size_t len,
					 const char *path, struct xp_err *err);
void xp_boot_config_free(struct xp_boot_config *c);

const char *xp_boot_then_name(enum xp_boot_then v); /* "wait", "poweroff", "reboot" */
bool xp_boot_then_parse(enum xp_boot_then *out, const char *name);

/* What the boot loader said: expunge.WORD=VALUE; words that are not ours are nobody's business. */
struct xp_boot_cmdline {
	bool has_unattended, unattended;  /* expunge.unattended=1 */
	char config[XP_BOOT_PATH_MAX];	  /* expunge.config=PATH */
	char expect[XP_BOOT_PATH_MAX];	  /* expunge.expect=PATH or URL */
	char upload[XP_BOOT_URL_MAX];	  /* expunge.upload=URL */
	char upload_ca[XP_BOOT_PATH_MAX]; /* expunge.upload_ca=PATH, or `system` */
};

/*
 * TEXT as /proc/cmdline has it. A word of ours twice with different values, one that is too long,
 * or expunge.unattended with something else than 0 or 1: XP_E_USAGE.
 */
MUST_USE enum xp_rc xp_boot_cmdline_parse(struct xp_boot_cmdline *out, const char *text, size_t len,
					  struct xp_err *err);
/*
 * What the command line names goes before what the file says; paths there count from CONFIG's
 * folder. `expunge.unattended=0` starts nothing, whatever the file says.
 */
MUST_USE enum xp_rc xp_boot_config_override(struct xp_boot_config *c,
					    const struct xp_boot_cmdline *cmdline,
					    struct xp_err *err);
