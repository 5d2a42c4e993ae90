#!/usr/bin/env bash
# Never the wrong target: names that fit two, lists that name nothing, jobs of another file.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
S=$TMPDIR/state
run() { "$EXPUNGE" run --state "$S" --level clear --quiet "$@"; }
image() { head -c "$2" /dev/urandom >"$1"; }
is_zero() { cmp -s "$1" <(head -c "$(stat -c %s "$1")" /dev/zero); }

# --- one name, two files
mkdir -p wt-a wt-b
image wt-a/wt.img 1048576
image wt-b/wt.img 1048576
before=$(cat wt-a/wt.img wt-b/wt.img | sha256sum)
exits 'a name that fits two targets of the command confirms none' 4 run wt-a/wt.img wt-b/wt.img \
	--confirm wt.img --json
is 'its code' "$(jq -r '.results[].refusals[0].code' out | sort -u)" confirm_ambiguous
is 'not a byte changed' "$(cat wt-a/wt.img wt-b/wt.img | sha256sum)" "$before"
long=$(jq -r '.results[1].confirm' out)
exits 'the long string confirms one of them' 4 run wt-a/wt.img wt-b/wt.img --confirm "$long" --json
is 'that one' "$(jq -r '[.results[].outcome] | join(" ")' out)" 'refused sanitized'
check 'it is erased' is_zero wt-b/wt.img
printf 'serial\nwt.img\n' >expect.csv
before=$(sha256sum wt-a/wt.img)
exits 'nor does a list that names it once' 4 run wt-a/wt.img wt-b/wt.img --expect expect.csv
is 'not a byte changed' "$(sha256sum wt-a/wt.img)" "$before"

# --- a list that lists nothing
printf 'serial\n' >expect.csv
exits 'an empty list expects nothing' 4 run wt-a/wt.img --expect expect.csv --json
is 'and the target is not on it' "$(jq -r '.results[0].refusals[0].message | test("not on the expect list")' out)" true
is 'not a byte changed' "$(sha256sum wt-a/wt.img)" "$before"
done_testing
