#!/usr/bin/env bash
# plan --replay: a plan for a drive that is not here, from its transcript.
. tests/cli/tap.sh
here=$PWD/tests/replay
cd "${TMPDIR:?}" || exit 1
plan() { "$EXPUNGE" plan --json --level clear --replay "$@"; }

exits 'an SSD' 0 plan "$here/samsung-870-qvo-4tb.jsonl"
is 'its model' "$(jq -r '.targets[0].model' out)" 'Samsung SSD 870 QVO 4TB'
is 'its media' "$(jq -r '.targets[0].media' out)" ssd
is 'what an overwrite would earn' "$(jq -r '.targets[0].expected_claim + " " + .targets[0].scope' out)" 'clear drive'
exits 'an NVMe SSD' 0 plan "$here/lexar-nm790-4tb.jsonl"
is 'an overwrite reaches one namespace' "$(jq -r '.targets[0].scope' out)" logical-unit
exits 'a disk that hides capacity' 69 plan "$here/constructed-hdd-4kn.jsonl"
is 'earns nothing by an overwrite' "$(jq -r '.targets[0].expected_claim' out)" none
check 'and the plan says why' jq -e '[.targets[0].reasons[].text | test("HPA")] | any' out
exits 'purge by an overwrite is a lower level' 3 "$EXPUNGE" plan --replay "$here/samsung-870-qvo-4tb.jsonl"
exits 'a target and a transcript' 64 plan "$here/samsung-870-qvo-4tb.jsonl" x.img
exits 'neither' 64 "$EXPUNGE" plan
printf 'nonsense\n' >bad.jsonl
exits 'a file that is no transcript' 66 plan bad.jsonl
head -c 3000 "$here/samsung-870-qvo-4tb.jsonl" >cut.jsonl
exits 'a transcript that is cut' 66 plan cut.jsonl
exits 'no such file' 66 plan nowhere.jsonl
is 'nothing was written' "$(find . -name 'state*' -o -name '*.p7s')" ''
done_testing
