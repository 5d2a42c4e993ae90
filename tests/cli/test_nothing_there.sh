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

# --- with a list
printf 'serial\nnowhere-1\nnowhere-2\n' >expect.csv
exits 'none of a list' 6 run --expect expect.csv "${options[@]}"
check 'nothing was made for it' nothing
check 'each is named' test "$(grep -c 'nowhere-. is on the expect list and is not here' err)" = 2
exits 'as a JSON document' 6 run --expect expect.csv "${options[@]}" --json
is 'with who is absent' "$(jq -c '[.results, .absent]' out)" '[[],["nowhere-1","nowhere-2"]]'
exits 'as lines' 6 run --expect expect.csv "${options[@]}" --jsonl
is 'none' "$(cat out)" ''
printf 'serial\nnowhere.img\n' >expect.csv
exits 'a target of a list that is not there' 6 run nowhere.img --expect expect.csv "${options[@]}" --json
is 'with its result, and as absent' "$(jq -c '[.results[0].exit_code, .absent]' out)" '[66,["nowhere.img"]]'
exits 'what may be resumed' 6 run --expect expect.csv --if-needed "${options[@]}"
printf 'host_serial,serial\nANOTHER-HOST,nowhere.img\n' >expect.csv
exits "another host's list" 4 run nowhere.img --expect expect.csv "${options[@]}"
printf 'serial\ntwice\ntwice\n' >expect.csv
exits 'a list that is none' 64 run --expect expect.csv "${options[@]}"
exits 'a list that is not there' 66 run --expect nowhere.csv "${options[@]}"
check 'nothing is there yet' nothing

head -c 1M /dev/urandom >here.img
exits 'one of two is there' 66 run nowhere.img here.img --confirm here.img "${options[@]}" --json
is 'and done' "$(jq -c '[.results[].outcome]' out)" '["error","sanitized"]'
check 'now there is a key' test -s state/host.key
done_testing
