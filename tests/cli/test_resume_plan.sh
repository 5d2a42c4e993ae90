#!/usr/bin/env bash
# What is told of a job that is taken up, before anybody agrees to it: where it stands, what is left, what it earns.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
run() { "$EXPUNGE" run "$@" --level clear --confirm plan.img --state state; }
steps() { sed -n '/^  steps /,/^  will claim/p' err | grep -oE '[0-9]\. [a-z]+' | sed 's/.* //' | paste -sd ' '; }
# as if it had died behind the Nth line of that type
cut_behind() {
	local journal
	journal=$(ls -d state/jobs/*/journal.jsonl)
	jq -c . whole.jsonl | awk -v type="\"type\":\"$1\"" -v n="$2" '{ print } index($0, type) && ++seen == n { exit }' >"$journal"
	rm -rf state/certificates && mkdir -m 700 state/certificates
}
again() {
	cut_behind "$1" "$2"
	exits "one that died behind $1 $2 goes on" 0 run plan.img --if-needed
	is 'it claims what it said' "$(sed -n 's/^  will claim *//p' err)" "$(sed -n 's/^  claim *//p' out)"
	check 'and says what it destroys' grep -q '^  destroys *plan.img: all 3000000 bytes' err
}
begin() {
	rm -rf state
	head -c 3000000 /dev/urandom >plan.img
	run plan.img --quiet --technique "$@" >/dev/null 2>&1
	cp state/jobs/*/journal.jsonl whole.jsonl
}

begin overwrite-random
job=$(basename state/jobs/*)
again job 1
check 'it says which job' grep -q "1\. resume: goes on with job $job of 20..-..-..T" err
check 'where that stands' grep -q 'which was interrupted: nothing was written yet' err
is 'and what is left to do' "$(steps)" 'resume identify overwrite readback identify record'
again checkpoint 1
check 'it stands in the middle' grep -q 'pass 1 of 1 goes on at byte [0-9]' err
is 'all is still to be done' "$(steps)" 'resume identify overwrite readback identify record'
again phase-end 2
check 'it stands behind the erase' grep -q 'all is written already' err
is 'nothing is written again' "$(steps)" 'resume identify readback identify record'

begin overwrite-pattern --pattern C0FFEE
again phase-begin 1
check 'it is the same pattern' grep -q 'the pattern c0ffee over all' err
check 'and nobody asked for it today' grep -q 'as the job was begun with' err
check 'which is what is written' cmp -s <(head -c 7 plan.img) <(printf '\xc0\xff\xee\xc0\xff\xee\xc0')

# --- a file whose name is gone
mkdir d
head -c 100000 /dev/urandom >d/plan.img
rm -rf state
"$EXPUNGE" run d/plan.img --technique file-overwrite --level clear --confirm plan.img --state state --quiet >/dev/null 2>&1
check 'its name is gone' test ! -e d/plan.img
sed -i '$d' state/jobs/*/journal.jsonl
"$EXPUNGE" resume --state state >out 2>err </dev/null
rc=$?
check 'its job comes to its end' test $rc -eq 0 -o $rc -eq 3
is 'once' "$("$EXPUNGE" status --state state --json | jq -c .jobs)" '[]'
done_testing
