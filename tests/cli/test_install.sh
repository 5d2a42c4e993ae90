#!/bin/bash
# make install and uninstall: everything is there, works from there, and goes away again.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
top=$TMPDIR/top
put() { make --no-print-directory "$1" DESTDIR="$top" prefix=/usr/local >"$TMPDIR/log" 2>&1; }

check 'make install' put install
for f in bin/expunge bin/expunge-cert share/man/man8/expunge.8 share/man/man1/expunge-cert.1 \
	share/expunge/policies/nist-800-88r2.json share/expunge/policies/nist-800-88r1.json \
	share/expunge/record.schema.json share/bash-completion/completions/expunge \
	share/bash-completion/completions/expunge-cert share/doc/expunge/README.md share/doc/expunge/LICENSE; do
	check "$f is there" test -s "$top/usr/local/$f"
done
is 'nothing of it can be written by others' "$(find "$top" -type f -perm /022)" ''
is 'it says its version' "$("$top/usr/local/bin/expunge" --version)" "expunge $(cat VERSION)"
is 'so does the other' "$("$top/usr/local/bin/expunge-cert" --version)" "expunge-cert $(cat VERSION)"
check 'make uninstall' put uninstall
is 'nothing is left' "$(find "$top" -type f -o -type l)" ''
done_testing
