#!/usr/bin/env bash
# Somebody cuts, punches or lengthens an image while it is erased: no certificate says that it was overwritten.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state

# begins a job on $2 bytes of m.img, with what $1 says; returns when a part of it is written
begin() {
	rm -f ev.jsonl m.img
	truncate -s "$1" m.img
	shift
	"$EXPUNGE" run m.img --level clear --confirm m.img --state "$S" --quiet --json --events ev.jsonl "$@" \
		>run.out 2>run.err </dev/null &
	pid=$!
	until jq -es 'map(select(.event == "progress" and (.done_bytes // .done | tonumber) > 10000000)) | length > 0' \
		ev.jsonl >/dev/null 2>&1; do
		kill -0 $pid 2>/dev/null || break
		sleep 0.01
	done
}
# name, what is done to the file, the reason's word
meddle() {
	local name=$1 record
	shift
	begin 2G --verify full
	kill -0 $pid 2>/dev/null || echo "# it was over too soon"
	"$@"
	wait $pid
	is "$name: exit 1" $? 1
	is "$name: nothing is claimed" "$(jq -r '.results[0] | .outcome + " " + .claim' run.out)" 'failed none'
	record=$S/certificates/$(jq -r '.results[0].record' run.out)
	is "$name: the record is one of failure" "$(jq -r .kind "$record")" failure
	"$EXPUNGE_CERT" verify "$record" --json >out 2>err
	is "$name: and a sound one" "$(grep -cE '"E_(EVIDENCE|CLAIM|SCHEMA|CANONICAL)' out)" 0
}
meddle 'cut below what is written' truncate -s 4M m.img
meddle 'cut above what is written' truncate -s 2000M m.img
meddle 'punched' fallocate -p -o 4096 -l 1M m.img
is 'the hole is listed' "$(jq -r '[.evidence[] | select(.phase == "erase") | .overwrite.unwritten.list[0]][0] | tostring' \
	"$S/certificates/$(jq -r '.results[0].record' run.out)" | grep -c 4096)" 1
meddle 'lengthened' truncate -s 3G m.img
done_testing
