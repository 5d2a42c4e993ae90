/*
 * check: is a record with its signature what it says? Built once (anchors, lists, roster, demands),
 * then asked for any number of pairs. All findings are collected, each with a stable code: E_*
 * failed, I_* indeterminate, P_* the demands are not met, W_* only said.
 */
#pragma once
#include "base/clock.h"
#include "certs/chain.h"
#include "certs/cms.h"
#include "certs/log_check.h"
#include "certs/person.h"
#include "certs/pki.h"

struct xp_check; /* the context */

#define XP_CHECK_CHAIN_MAX 8

/* What the verifier demands of the record. */
struct xp_requirements {
	bool level_given; /* else the level that the record itself asked for */
	enum xp_level level;
	bool scope_given; /* else drive where a level is given, and any scope where none is */
	enum xp_scope scope;
	bool role_given;
	enum xp_role role;
	bool time;	    /* the time of the signature must be proven */
	const char *serial; /* NULL: any drive; must live as long as the context */
};

/* CLOCK must live as long as the context. One context serves one thread at a time. */
MUST_USE enum xp_rc xp_check_new(struct xp_check **out, const struct xp_clock *clock,
				 struct xp_err *err);
/*
 * A context for another thread: it sees C's anchors, lists, roster and peers, which were parsed
 * once, and must go before C. What is added to C afterwards is undefined.
 */
MUST_USE enum xp_rc xp_check_share(struct xp_check **out, const struct xp_check *c,
				   struct xp_err *err);
void xp_check_free(struct xp_check **c);
/*
 * From here on nothing is remembered from one record to the next: each goes the long way through
 * all checks. Slower, and never of another opinion, which is what tests use it for.
 */
void xp_check_without_memory(struct xp_check *c);
/* For xp_trust_add_*: anchors, fingerprints and lists. */
struct xp_trust *xp_check_trust(struct xp_check *c);
/* For xp_trust_add_anchors: who is believed about time. Nobody in xp_check_trust is. */
struct xp_trust *xp_check_tsa(struct xp_check *c);
void xp_check_require(struct xp_check *c, const struct xp_requirements *r);
/*
 * The roster: {"roster":[{"cert_sha256":HEX,"person":TEXT,"role":ROLE},...]}. It grants a role to a
 * certificate and says which certificates are one person's. XP_E_USAGE with the place.
 */
MUST_USE enum xp_rc xp_check_set_roster(struct xp_check *c, const char *json, size_t len,
					const char *name, struct xp_err *err);

/* Does the roster give ROLE to this very certificate? */
bool xp_check_roster_grants(const struct xp_check *c, const uint8_t cert_sha256[32],
			    enum xp_role role);
/* Whose certificate the roster says it is; NULL: it does not know it. Lives as long as the roster.
 */
const char *xp_check_roster_person(const struct xp_check *c, const uint8_t cert_sha256[32]);

/* One signer, as far as it could be found out. Texts are what the certificates say. */
struct xp_check_signer {
	char role[16]; /* as the record says; empty: it names no such signer */
	bool role_is_granted;
	bool role_is_beyond_ca; /* a CA on the way up may not grant it */
	char name[128], name_latin[128], organization[128];
	char person_id[64]; /* the certificate's subject serialNumber, or the roster's person */
	struct xp_person_mark who;
	uint8_t cert_sha256[32];
	uint8_t key_sha256[32];
	uint8_t signature_sha256[32]; /* over the octets of the signature */
	bool signature_is_good;
	int64_t signing_time_s;
	int64_t valid_from_s; /* the certificate's notBefore; INT64_MIN: it has none */
	bool is_trusted;
	bool is_self_issued;		     /* the anchor is this certificate itself */
	char chain[XP_CHECK_CHAIN_MAX][128]; /* names above the signer, the anchor's last */
	unsigned chain_n;
	uint8_t anchor_sha256[32];
	uint8_t issuer_key_sha256[32]; /* of who issued it; its own key where it is the anchor */
	bool crl_known;
	int64_t crl_date_s;
	bool time_is_proven; /* by a timestamp */
	int64_t proven_s;    /* the signature is older */
	char tsa[128];	     /* who says so */
	uint8_t tsa_anchor_sha256[32];
};

/* What somebody decided about a record, in a record of their own. */
struct xp_check_voice {
	enum xp_decision decision;
	char role[16];
	char name[128];
	char id[XP_UUID_LEN]; /* of their record */
};
#define XP_CHECK_VOICES_MAX 16

struct xp_check_result {
	struct xp_findings findings;
	struct xp_record *record; /* NULL: it could not be read, or is not valid */
	uint8_t json_sha256[32];
	unsigned signers_n, voices_n;
	bool time_is_proven; /* of every signature */
	struct {
		bool is_proven; /* record and signatures stand in the log, by the verifier's key */
		uint64_t index;
		char origin[256];
		uint64_t size;	  /* of the tree of the checkpoint */
		uint8_t root[32]; /* ... and its root */
	} log;
	/* large, and only as much of each as there is: the rest is not made zeros */
	struct xp_check_signer signers[XP_CMS_SIGNERS_MAX];
	/* who accepted or rejected this record, of the validations that were given with it */
	struct xp_check_voice voices[XP_CHECK_VOICES_MAX];
};

/*
 * What records of one batch say of each other (certs/check_peers.h). NULL: nothing is known. PEERS
 * must live as long as the context is used.
 */
struct xp_check_peers;
void xp_check_set_peers(struct xp_check *c, const struct xp_check_peers *peers);

/*
 * Checks one pair. P7S NULL: there is no signature file. What is wrong with the pair is in the
 * findings; an error is our own trouble only. RESULT is freed with xp_check_result_free either way.
 */
MUST_USE enum xp_rc xp_check_pair(struct xp_check_result *result, const struct xp_check *c,
				  const void *json, size_t json_len, const void *p7s,
				  size_t p7s_len, struct xp_err *err);
/*
 * What the log says of a pair that was checked: PROOF is the tlog-proof file's bytes, NULL: there
 * is none. Adds to the findings.
 */
void xp_check_log(struct xp_check_result *result, const char *proof, size_t len,
		  const struct xp_note_vkeys *keys);
void xp_check_result_free(struct xp_check_result *r);
/* 0 passed, 1 failed, 2 indeterminate, 3 authentic but the demands are not met, 70. */
int xp_check_exit_code(const struct xp_check_result *r);
/* The worse of two: 1, 70, 66, 2, 3, 0. */
int xp_check_exit_worse(int a, int b);
