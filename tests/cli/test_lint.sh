#!/bin/bash
# The checks of tests/lint: each must find what it is there for, in a small tree of its own.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
tree=$TMPDIR/tree
mkdir -p "$tree/tests"
cp -r tests/lint "$tree/tests/"
cd "$tree" || exit 1
export B=build/release
export GIT_DIR=/nonexistent # the tree is no checkout, though it may lie in one

# put FILE TEXT: a source file, and its object
put() {
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "$2" >"$1"
	[[ $1 == *.c ]] || return 0
	mkdir -p "$(dirname "$B/obj/$1")"
	gcc -std=gnu17 -D_GNU_SOURCE -I. -w -O2 -D_FORTIFY_SOURCE=3 -c -o "$B/obj/${1%.c}.o" "$1"
}

# finds CHECK WHAT FILE TEXT: the check must fail with a line that matches WHAT once FILE is there
finds() {
	put "$3" "$4"
	if tests/lint/"check_$1.sh" >"$TMPDIR/found" 2>/dev/null; then
		not_ok "$1 finds $2 in $3"
	elif grep -qE "^#.*$2" "$TMPDIR/found"; then
		ok "$1 finds $2 in $3"
	else
		not_ok "$1 finds $2 in $3"
		sed 's/^/# /' "$TMPDIR/found"
	fi
	rm -f "$3" "$B/obj/${3%.c}.o"
}

put base/good.h '/* good: what it is for. */
#pragma once'
put base/good.c '#include "base/good.h"'
for c in layers calls globals shape codes; do
	check "$c is content with a good tree" sh -c "tests/lint/check_$c.sh >/dev/null 2>&1"
done
put verify/v.h '/* v: there. */
#pragma once'
put sanitize/s.h '/* s: there. */
#pragma once'
put device/d.h '/* d: there. */
#pragma once'
finds layers 'includes verify/v.h' sanitize/a.c '#include "verify/v.h"'
finds layers 'includes sanitize/s.h' verify/a.c '#include "sanitize/s.h"'
finds layers 'includes device/d.h' certs/a.c '#include "device/d.h"'
finds layers 'includes device/d.h' claim/a.c '#include "device/d.h"'
finds layers 'includes device/d.h' base/a.c '#include "device/d.h"'
finds layers 'includes device/d.h' tests/emu/a.c '#include "device/d.h"'
finds layers 'includes device/d.h' tests/emu/emu_transport.c '#include "device/d.h"'
finds layers 'cli/cert_a.c:1' cli/cert_a.c '#include "device/d.h"'
finds layers 'blkid' certs/a.c '#include <blkid/blkid.h>'
finds calls 'uses ioctl' verify/a.c '#include <sys/ioctl.h>
int a(int fd); int a(int fd) { return ioctl(fd, 1, 2); }'
finds calls 'uses system' device/a.c '#include <stdlib.h>
int a(void); int a(void) { return system("x"); }'
finds calls 'uses (printf|puts)' certs/a.c '#include <stdio.h>
void a(int i); void a(int i) { printf("%d\n", i); }'
finds calls 'uses exit' device/a.c '#include <stdlib.h>
void a(void); void a(void) { exit(0); }'
finds calls 'uses pwrite' sanitize/a.c '#include <unistd.h>
long a(int f); long a(int f) { return pwrite(f, "", 1, 0); }'
finds calls 'uses crypt_format' sanitize/a.c 'int crypt_format(void); int a(void); int a(void) { return crypt_format(); }'
finds calls 'uses nvme_format_nvm' device/transport_nvme.c 'int nvme_format_nvm(void); int a(void); int a(void) { return nvme_format_nvm(); }'
finds calls 'uses open' claim/a.c '#include <fcntl.h>
int a(void); int a(void) { return open("/", 0); }'
finds calls 'exec' sanitize/a.c 'struct o { int (*exec)(void); };
int a(struct o *o); int a(struct o *o) { return o->exec(); }'
finds calls 'xp_permit' sanitize/a.c 'struct xp_permit {
int a; };'
finds globals 'base/a.o counter' base/a.c 'int counter;
int a(void); int a(void) { return ++counter; }'
finds globals 'kept' base/a.c 'int a(void); int a(void) { static int kept; return ++kept; }'
finds codes 'E_NOWHERE: not in docs' certs/a.c 'const char *a(void); const char *a(void) { return "E_NOWHERE"; }'
finds codes 'E_NOWHERE: no test has it' certs/a.c 'const char *a(void); const char *a(void) { return "E_NOWHERE"; }'
finds codes 'E_NOBODY: nothing finds it' docs/a.md '| `E_NOBODY` | never |'
finds shape '601 lines' base/a.c "$(yes ';' | head -n 601)"
finds shape 'base/a.h' base/a.h '/* a: not once. */'
finds shape 'base/a.h|undeclared|unknown' base/a.h '/* a: does not stand alone. */
#pragma once
size_t a(void);'
finds shape 'strcpy' base/a.c '#include <string.h>
void a(char *x); void a(char *x) { strcpy(x, "y"); }'
finds shape 'TODO' base/a.c '/* TODO later */'
finds shape 'good.c' claim/good.c '#include "base/good.h"'
finds shape 'packed' base/a.c 'struct a { int b; } __attribute__((packed));'
done_testing
