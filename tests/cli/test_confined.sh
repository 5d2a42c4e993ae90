#!/bin/bash
# What reads a stranger's bytes has given away its rights before: show, verify, log verify, log
# checkpoint. (What the cage itself holds is tried in test_confine.)
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
root=$PWD
record=$root/tests/fuzz/corpus/record/good-full.json
"$EXPUNGE_CERT" verify "$record" --json >"$TMPDIR/v.json" 2>/dev/null
seccomp=$(jq -r .confined.seccomp "$TMPDIR/v.json")
landlock=$(jq -r .confined.landlock "$TMPDIR/v.json")
if [ "$seccomp" != true ] || [ "$landlock" != true ]; then
	skip "what reads strangers' bytes is confined" "no seccomp or no Landlock here"
	done_testing
fi

# a text that does not fit into a pipe: show waits while nobody reads, and can be looked at
jq -cjS '.ext = {"org.example.long": ("x" * 300000)}' "$record" >"$TMPDIR/long.json"
mkfifo "$TMPDIR/pipe"
"$EXPUNGE_CERT" show --json "$TMPDIR/long.json" >"$TMPDIR/pipe" 2>"$TMPDIR/err" &
pid=$!
exec 3<"$TMPDIR/pipe"
# until it is caged, or writes (system call 1) without being so
until grep -q '^Seccomp:.2' "/proc/$pid/status" || grep -q '^1 ' "/proc/$pid/syscall" || ! [ -e "/proc/$pid/status" ]; do
	sleep 0.02
done 2>/dev/null
is "show writes with its rights given away" "$(awk '/^Seccomp:/ {print $2}' "/proc/$pid/status")" 2
is "and can get none back" "$(awk '/^NoNewPrivs:/ {print $2}' "/proc/$pid/status")" 1
cat <&3 >"$TMPDIR/shown"
exec 3<&-
wait "$pid"
is "it ends well" $? 0
check "and has shown everything" test "$(jq -r '.record.ext["org.example.long"] | length' "$TMPDIR/shown")" = 300000

# a log that stands elsewhere than in the folder that was named is no input
cp -r tests/data/log/state "$TMPDIR/s"
mkdir "$TMPDIR/t"
ln -s ../s/log "$TMPDIR/t/log"
for command in verify checkpoint; do
	exits "log $command reads what was named" 0 "$EXPUNGE_CERT" log "$command" "$TMPDIR/s" \
		--log-key tests/data/log/state/log.vkey
	"$EXPUNGE_CERT" log "$command" "$TMPDIR/t" --log-key tests/data/log/state/log.vkey \
		>"$TMPDIR/out" 2>"$TMPDIR/err"
	check "log $command reads nothing else" test $? -ne 0
done
done_testing
