#!/usr/bin/env bash
# run on targets that are not there: nothing is made for them, no key, no log, no folder.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
run() { "$EXPUNGE" run "$@" --state state; }
nothing() { [ ! -e state ] && [ ! -e out.d ] && [ ! -e events ]; }
options=(--level clear --out out.d --events events)

exits 'one that is not there' 66 run nowhere.img --confirm nowhere.img "${options[@]}"
check 'nothing was made' nothing
check 'it is named' grep -q 'nowhere.img: No such file' err
exits 'as a JSON document' 66 run nowhere.img --confirm nowhere.img "${options[@]}" --json
is 'with its result' "$(jq -c '.results[] | [.path, .outcome, .claim, .record, .job, .exit_code]' out)" \
	'["nowhere.img","error","none","","",66]'
exits 'as lines' 66 run nowhere.img elsewhere.img "${options[@]}" --jsonl
is 'one each' "$(jq -r .path out | paste -sd ' ')" 'nowhere.img elsewhere.img'
: >empty.img
mkdir folder
exits 'what can be no target' 69 run nowhere.img empty.img folder "${options[@]}"
check 'nothing was made for that either' nothing
exits 'a folder that is not there' 66 run folder.2 --recursive --technique file-overwrite "${options[@]}"
exits 'one without files' 64 run folder --recursive --technique file-overwrite "${options[@]}"
exits 'for which no clock is set' 66 run nowhere.img --clock 2001-01-01T00:00:00Z "${options[@]}"
check 'nothing is there' nothing

head -c 1M /dev/urandom >here.img
exits 'one of two is there' 66 run nowhere.img here.img --confirm here.img "${options[@]}" --json
is 'and done' "$(jq -c '[.results[].outcome]' out)" '["error","sanitized"]'
check 'now there is a key' test -s state/host.key
done_testing
