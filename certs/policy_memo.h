/*
 * policy_memo: policies that were read already. Ten thousand records embed the same one: it is
 * parsed, hashed and judged once, and known again by its bytes.
 */
#pragma once
#include "certs/known_policies.h"
#include "certs/record.h"

/* A policy, nothing about which is worth a finding but whose it is. */
struct xp_policy_seen {
	char *json; /* in canonical form; NULL: the slot is empty */
	size_t len;
	uint8_t sha256[32];
	char name[64], standard[64], edition[64];
	enum xp_policy_origin origin; /* never XP_POLICY_SWAPPED */
	struct xp_policy *policy;
};

#define XP_POLICY_MEMO_SLOTS 8

struct xp_policy_memo {
	struct xp_policy_seen slots[XP_POLICY_MEMO_SLOTS];
	unsigned next;
};

void xp_policy_memo_clear(struct xp_policy_memo *m);
/* The policy that the LEFT bytes at AT begin with; NULL: none that is known. */
const struct xp_policy_seen *xp_policy_memo_find(const struct xp_policy_memo *m, const char *at,
						 size_t left);
/* JSON is the policy of a record that was read and found canonical. What has a flaw is not kept. */
void xp_policy_memo_learn(struct xp_policy_memo *m, const char *json, size_t len);
