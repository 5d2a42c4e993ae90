#!/usr/bin/env bash
# expunge-cert verify with records of several logs: a host's, and the site's that vouches for them.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
# what speaks against the record or the decision
codes() { jq -r --arg file "$1" '[.results[] | select(.file == $file).findings[].code | select(startswith("W_") | not)] | join(" ")' out; }
believe=(--trust ca/root.pem --trust us/host.crt --crl ca/root.crl --json)

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
cert keys person ca --name Site --role site --no-passphrase >/dev/null
head -c 1048576 /dev/urandom >a.img
"$EXPUNGE" run a.img --level clear --confirm a.img --out all.d --state us >/dev/null 2>&1
record=$(find all.d -name '*.json')
exits 'a site vouches for it' 0 cert endorse all.d --key ca/site.key --cert ca/site.pem --state them --trust us/host.crt
decision=$(grep -l '"kind":"validation"' all.d/*.json)
verify() { cert verify all.d "${believe[@]}" "$@"; }

exits 'without a key no log is asked' 0 verify --require-role site
exits 'with the key of one log alone' 2 verify --log-key us/log.vkey --require-role site
is 'the other one is not known' "$(codes "$decision")" I_LOG_KEY_UNKNOWN
exits 'nor with that of the other' 2 verify --log-key them/log.vkey
is 'is the first' "$(codes "$record")" I_LOG_KEY_UNKNOWN
exits 'with both keys all of it passes' 0 verify --log-key us/log.vkey --log-key them/log.vkey --require-role site
is 'each by its own log' "$(jq -r '[.results[].log.origin] | sort | join(" ")' out)" \
	"$(cut -d+ -f1 us/log.vkey them/log.vkey | sort | xargs)"
exits 'in any order, one of them twice' 0 verify --log-key them/log.vkey --log-key us/log.vkey --log-key them/log.vkey --require-role site
cat us/log.vkey them/log.vkey us/log.vkey >site.vkeys
exits 'in one file, one a line' 0 verify --log-key site.vkeys --require-role site

# --- keys that are none, of others, or changed
{
	cat us/log.vkey
	echo
	cat them/log.vkey
} >gap.vkeys
exits 'a file with a line that is none' 64 verify --log-key gap.vkeys
check 'is named' grep -q 'gap.vkeys: not the verifier key of a log' err
: >empty.vkeys
exits 'one without a key' 64 verify --log-key us/log.vkey --log-key empty.vkeys
exits 'one that is not there' 66 verify --log-key us/log.vkey --log-key nowhere
paste -d+ <(cut -d+ -f1 us/log.vkey) <(cut -d+ -f2- them/log.vkey) >swapped.vkey
exits 'the key of one log under the name of the other' 64 verify --log-key us/log.vkey --log-key swapped.vkey
head -c 1048576 /dev/urandom >b.img
"$EXPUNGE" run b.img --level clear --confirm b.img --out b.d --state third >/dev/null 2>&1
exits 'the key of a third log helps neither' 2 verify --log-key third/log.vkey
is 'not the record' "$(codes "$record")" I_LOG_KEY_UNKNOWN
is 'nor the decision' "$(codes "$decision")" I_LOG_KEY_UNKNOWN

# --- what one log proves is no proof in the other
both=(--log-key us/log.vkey --log-key them/log.vkey)
cp -r all.d kept.d
cp "${decision%.json}.tlog-proof" "${record%.json}.tlog-proof"
exits "the decision's proof beside the record" 1 verify "${both[@]}"
is 'is of something else' "$(codes "$record")" E_LOG_LEAF
proof=kept.d/$(basename "${record%.json}.tlog-proof")
sed "s|$(cut -d+ -f1 us/log.vkey)|$(cut -d+ -f1 them/log.vkey)|" "$proof" >"${record%.json}.tlog-proof"
exits "the record's own proof under the other log's name" 2 verify "${both[@]}"
is 'is signed by nobody who is trusted' "$(codes "$record")" I_LOG_KEY_UNKNOWN
{
	cat "$proof"
	tail -n 1 "${decision%.json}.tlog-proof"
} >"${record%.json}.tlog-proof"
exits "the other log's signature under it as well" 1 verify "${both[@]}"
is 'does not hold' "$(codes "$record")" E_LOG_SIGNATURE
cp "$proof" "${record%.json}.tlog-proof"
exits 'as they were, they pass' 0 verify "${both[@]}"

# --- a log that was copied and went on twice, under one key: each proof holds, not both of them
fork() {
	head -c 65536 /dev/urandom >"$1.img"
	"$EXPUNGE" run "$1.img" --level clear --confirm "$1.img" --out fork.d --state "$2" >/dev/null 2>&1
}
fork one us
cp -r us other
fork two us
all() { cert verify fork.d --trust us/host.crt --log-key us/log.vkey "$@"; }
exits 'what stands in one history passes' 0 all --json
fork three other
first=$(grep -l '"name":"one.img"' fork.d/*.json)
forked() { jq -r '.results[] | select(.findings[].code == "E_LOG_FORK").exit' out | xargs; }
exits 'two histories of one log fail' 1 all --json
is 'the two records that cannot both be' "$(forked)" '1 1'
is 'not those before the fork' "$(jq -r --arg file "$first" '.results[] | select(.file == $file).verdict' out)" passed
exits 'in the summary, too' 1 all --summary
check 'which names both' grep -q 'E_LOG_FORK: one log has two histories.*: fork.d/.*json and fork.d/.*json' err
exits 'line by line' 1 all --jsonl
cp "$(grep -l '"name":"two.img"' fork.d/*.json)" fork.d/0-copy.json
two=$(grep -l '"name":"two.img"' fork.d/01*.json)
cp "$two.p7s" fork.d/0-copy.json.p7s
cp "${two%.json}.tlog-proof" fork.d/0-copy.tlog-proof
exits 'beside a copy of one' 1 all --json
is 'the copy fails as well' "$(forked)" '1 1 1'
exits 'without the key no log is asked' 0 cert verify fork.d --trust us/host.crt
done_testing
