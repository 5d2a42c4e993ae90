#!/bin/bash
# The link proves the rooms: expunge-cert holds no drive code and needs no hardware library.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"
need_objects
if [ ! -x "$B/expunge-cert" ] || [ ! -x "$B/expunge" ]; then
	echo "run make first" | report "both programs are built"
	finish
fi

readelf -d "$B/expunge-cert" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
	grep -vE '^lib(jansson|crypto|c|m|asan|ubsan)\.so|^ld-linux' | sed 's/^/needs /' |
	report "expunge-cert links JSON, OpenSSL and the C library, nothing else"
nm "$B/expunge-cert" | awk '{ print $NF }' |
	grep -E '^xp_(transport|interlock|permit|inventory|target|uses|extent_io|overwrite_run|verify_run|engine|journal|plan_make)' |
	sed 's/^/holds /' | report "expunge-cert holds no function that reaches a drive"

# what each archive asks of the others
tmp=$(mktemp) || exit 1
trap 'rm -f "$tmp"' EXIT
for r in base protocol claim device sanitize verify certs; do
	nm --defined-only "$B/lib$r.a" 2>/dev/null | awk -v r="$r" 'NF == 3 && $2 ~ /[TDRBV]/ { print $3, r }'
done | sort -u >"$tmp"
asks() {
	nm -u "$B/lib$1.a" 2>/dev/null | awk '{ print $NF }' | sort -u | join - "$tmp" |
		awk -v from="$1" -v ok="^($2)$" '$2 !~ ok { print from " asks " $2 " for " $1 }'
}
asks base base | report "base stands alone"
asks protocol 'protocol|base' | report "device/protocol stands on base"
asks device 'device|protocol|base' | report "device stands on device/protocol and base"
asks claim 'claim|protocol|base' | report "claim stands on device/protocol and base"
asks sanitize 'sanitize|claim|device|protocol|base' | report "sanitize never sees verify or certs"
asks verify 'verify|claim|device|protocol|base' | report "verify never sees sanitize or certs"
asks certs 'certs|claim|protocol|base' | report "certs never opens a drive"
cut -d' ' -f1 "$tmp" | sort | uniq -d | sed 's/^/defined twice: /' | report "public names are defined once"
cut -d' ' -f1 "$tmp" | grep -v '^xp_' | sed 's/^/exported: /' | report "what crosses a file is named xp_"

for p in expunge expunge-cert; do
	readelf -lWd "$B/$p" >"$tmp"
	grep -q 'GNU_RELRO' "$tmp" || echo "$p: no RELRO"
	grep -q 'NOW' "$tmp" || echo "$p: binds lazily"
	grep -q 'GNU_STACK.*RWE' "$tmp" && echo "$p: executable stack"
	readelf -h "$B/$p" | grep -q 'DYN' || echo "$p: not position-independent"
done | report "both programs are hardened"
finish
