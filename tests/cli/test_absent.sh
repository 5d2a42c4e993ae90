#!/usr/bin/env bash
# What stands on the expect list and is not here: the JSON document names it, as the exit code says it.
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
head -c 1M /dev/urandom >absent-here.img
printf 'serial\nabsent-here.img\nabsent-one\nabsent-two\n' >expect.csv
exits 'what is here is done' 6 "$EXPUNGE" run absent-here.img --level clear --expect expect.csv --state state --json
is 'its result stands there' "$(jq -r '.results[0].outcome' out)" sanitized
is 'and who is absent' "$(jq -c .absent out)" '["absent-one","absent-two"]'
printf 'serial\nabsent-here.img\n' >expect.csv
exits 'with nothing absent' 0 "$EXPUNGE" run absent-here.img --level clear --expect expect.csv --state state --json
is 'the list is empty' "$(jq -c .absent out)" '[]'
exits 'without a list' 0 "$EXPUNGE" run absent-here.img --level clear --confirm absent-here.img --state state --json
is 'there is none' "$(jq -c 'keys' out)" '["results"]'
done_testing
