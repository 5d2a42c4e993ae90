/*
 * record: the master document of a job, as a C struct and as canonical JSON
 * (certs/record.schema.json). Reading is strict: closed objects, typed fields, canonical bytes, or
 * it is refused.
 */
#pragma once
#include "base/clock.h"
#include "base/rng.h"
#include "claim/claim.h"

#include <jansson.h>

#define XP_RECORD_SCHEMA    "expunge-record/1"
#define XP_RECORD_MAX_BYTES (16u << 20)

enum xp_record_kind {
	XP_RECORD_SANITIZATION,
	XP_RECORD_FAILURE,
	XP_RECORD_VALIDATION,
	XP_RECORD_DESTRUCTION,
	XP_RECORD_CUSTODY,
	XP_RECORD_VOID,
};
const char *xp_record_kind_name(enum xp_record_kind v);
bool xp_record_kind_parse(enum xp_record_kind *out, const char *name);

/* A person that stands behind a record. Empty: not given. */
struct xp_person {
	char role[16]; /* performer, validator, site, host */
	char name[128];
	char name_latin[128];
	char title[128];
	char organization[128];
	char location[128];
	char contact[128];
};

/* What the signature will carry; matches the SignerInfos one to one. */
struct xp_signer {
	char role[16];
	uint8_t cert_sha256[32];
	char alg[32]; /* "ecdsa-p256-sha256" */
};

struct xp_hidden_note {
	char controller[128];
	char reason[256];
};

/* A mapping of a LUKS volume on the target, taken down before the job began. */
struct xp_closed_mapping {
	char name[128];
	char uuid[41]; /* the volume's; empty: it was not known */
	int64_t at_s;  /* wall clock, UTC */
};

#define XP_CLOSED_MAX  16
#define XP_PERSONS_MAX 4
#define XP_SIGNERS_MAX 4

enum xp_decision { XP_DECISION_ACCEPT, XP_DECISION_REJECT };
const char *xp_decision_name(enum xp_decision v);
bool xp_decision_parse(enum xp_decision *out, const char *name);

struct xp_signature_digest {
	uint8_t sha256[32]; /* of the octets of a signature */
};

/* What a validator or a site decided about another record, the subject. */
struct xp_validation {
	char subject_id[XP_UUID_LEN];
	enum xp_record_kind subject_kind;
	uint8_t subject_sha256[32];			       /* of its bytes */
	struct xp_signature_digest signatures[XP_SIGNERS_MAX]; /* its own; sorted */
	unsigned signatures_n;
	enum xp_decision decision;
	char remarks[256]; /* the person's own words */
	/*
	 * What the decision has to weigh [SP 800-88r2 4.5.2], as far as a program sees it in the
	 * subject: is there something to be said on this point?
	 */
	struct xp_concerns {
		enum xp_answer unreached;     /* places that were not written or not read */
		enum xp_answer technique;     /* not the right one for this medium */
		enum xp_answer qualification; /* people and tools */
		enum xp_answer outcome;	      /* less than was asked for */
		enum xp_answer scope;	      /* narrower than the drive, or drives unseen */
	} concerns;
};

struct xp_record {
	char id[XP_UUID_LEN];
	uint8_t nonce[32];
	enum xp_record_kind kind;
	char supersedes_id[XP_UUID_LEN]; /* empty: none */
	uint8_t supersedes_sha256[32];
	int64_t issued_s;
	enum xp_level asked;
	enum xp_level accepted; /* the lowest level the operator accepted; asked if nothing lower */
	char tenant[128], case_no[128];

	/* media: the identity is that of the evidence; these are the operator's own words */
	char manufacturer[128];
	char property_no[128], asset_tag[128], ticket[128], source[256], slot[64];
	char classification_before[64], classification_after[64];
	char backup_status[16]; /* yes, no, unknown; empty: not given */
	char backup_location[128];
	char destination[64]; /* internal-reuse, external-reuse, recycling, manufacturer, other */
	char deadline[XP_TIME_LEN];
	char header_backups[256]; /* what the operator says of key or header backups */
	/* was data stored in plain text before it was encrypted? yes, no, unknown; empty: not given
	 */
	char plaintext_before[16];

	struct xp_closed_mapping closed[XP_CLOSED_MAX];
	unsigned closed_n;

	struct xp_identity media; /* as found before the job */
	uint64_t capacity_after_bytes;
	bool capacity_after_known;

	char method[16]; /* clear, purge, destroy: the method that was applied */
	enum xp_technique technique;
	struct xp_evidence evidence;
	struct xp_claim claim;
	char *policy_json; /* the policy; in the record as its canonical form; freed with the record
			    */
	size_t policy_len;

	struct {
		char model[128], serial[128];
		uint64_t drives_seen;
		struct xp_hidden_note hidden[16];
		unsigned hidden_n;
		char complete[8]; /* yes, no, unknown */
	} host;
	struct {
		char source[16]; /* system, operator, ntp */
		bool synchronized;
		int64_t offset_ns;
		char boot_id[37];
	} clock;
	struct {
		char name[32], version[32];
		char build_sha256[65]; /* of the program that ran; hex; empty: unknown */
		char image_sha256[65]; /* of the boot image; empty: none */
	} tool;
	struct xp_signer signers[XP_SIGNERS_MAX];
	unsigned signers_n;
	struct xp_person persons[XP_PERSONS_MAX];
	unsigned persons_n;
	struct {
		bool present;
		char origin[256];
		uint64_t start_index;
		uint64_t checkpoint_size; /* an earlier checkpoint */
		uint8_t checkpoint_root[32];
	} log;
	struct xp_validation validation; /* kind validation; of the rest only what belongs to it */
	json_t *ext; /* extensions by reverse DNS, none of them critical; NULL: none */
};

void xp_record_free(struct xp_record *r); /* the members, not r itself */

/*
 * The record as canonical JSON: *OUT malloc'ed, a NUL behind its *LEN bytes. It is read again
 * before it is handed out: what would not be accepted is not written. Errors: XP_E_INTERNAL where a
 * field breaks its type, with its path (xp_record_rehearse of certs/record_check.h finds that
 * before the erase).
 */
MUST_USE enum xp_rc xp_record_write(char **out, size_t *len, const struct xp_record *r,
				    struct xp_err *err);

/* One thing that the checks found. Codes are stable: E_* failed, I_* indeterminate, P_* policy. */
struct xp_finding {
	char code[48];
	char text[256];
};
struct xp_findings {
	struct xp_finding *list;
	size_t n;
	size_t cap;
	bool lost; /* memory ran out and a finding is missing: never to be taken for a pass */
};
/* Past some hundred the rest is one E_MORE_FINDINGS. */
void xp_findings_add(struct xp_findings *f, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void xp_findings_free(struct xp_findings *f);

/*
 * Reads a record from hostile bytes: size, canonical form, schema, types. Everything wrong is added
 * to FINDINGS; XP_OK only where nothing with E_ or I_ was added.
 */
MUST_USE enum xp_rc xp_record_parse(struct xp_record *out, const char *json, size_t len,
				    struct xp_findings *findings, struct xp_err *err);
