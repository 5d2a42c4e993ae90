#!/bin/bash
# Includes go down, never sideways or up; they are written from the root; hardware libraries stay in
# the rooms that talk to drives.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"

# includes FILE: "LINE PATH" of its quoted includes
includes() {
	sed -nE '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/{=;s/[^"]*"([^"]*)".*/\1/p}' "$1" | paste -d' ' - -
}

# may_include FOLDER ALLOWED-REGEX: what its quoted includes may begin with
may_include() {
	local f line inc
	files "$1/*.c" "$1/*.h" | while read -r f; do
		[ "$1" = device ] && [[ $f == device/protocol/* ]] && continue
		[[ $f == tests/emu/emu_transport*.[ch] ]] && continue # the door inside the process
		includes "$f" | while read -r line inc; do
			[[ $inc =~ ^($2) ]] || echo "$f:$line: includes $inc"
		done
	done | report "$1 includes only what stands below it"
}
may_include base 'base/'
may_include device/protocol 'device/protocol/|base/'
may_include device 'device/|base/'
may_include claim 'claim/|device/protocol/|base/'
may_include sanitize 'sanitize/|claim/|device/|base/'
may_include verify 'verify/|claim/|device/|base/'
may_include certs 'certs/|claim/|device/protocol/|base/'
may_include cli 'cli/|sanitize/|verify/|certs/|claim/|device/|base/'
may_include tests/emu 'tests/emu/|base/'
for f in tests/emu/emu_transport*.[ch]; do
	[ -e "$f" ] && includes "$f" | while read -r line inc; do
		[[ $inc =~ ^(tests/emu/|base/|device/transport\.h$) ]] || echo "$f:$line: includes $inc"
	done
done | report "an emulated drive's door knows the transport and nothing else of the project"

# system NAME REGEX FILE...: system headers that these files must not include
system_out() {
	local name=$1 regex=$2 f
	shift 2
	for f in "$@"; do
		grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($regex)" "$f" | sed "s|^|$f:|"
	done | report "$name"
}
mapfile -t shared < <(files 'cli/*.c' 'cli/*.h' |
	grep -vE '^cli/(cmd_[^/]*|job[^/]*|boot[^/]*|upload[^/]*|expect[^/]*|expunge\.c|commands_expunge\.h|tui/.*)$')
mapfile -t pure < <(files 'base/*.[ch]' 'claim/*.[ch]' 'certs/*.[ch]')
mapfile -t above < <(files 'verify/*.[ch]' 'cli/*.[ch]')
mapfile -t protocol < <(files 'device/protocol/*.[ch]')
mapfile -t claim < <(files 'claim/*.[ch]')
system_out "what expunge-cert is made of includes no drive code" \
	'sanitize/|verify/|device/[^p]|device/p[^r]' "${shared[@]}"
system_out "base, claim and certs include no hardware library" \
	'blkid/|libnvme|libcryptsetup|liburing|scsi/|linux/nvme|linux/fs\.h|linux/hdreg|mtd/' "${pure[@]}"
system_out "verify and cli reach no drive past device" \
	'libnvme|libcryptsetup|liburing|scsi/|linux/nvme|linux/hdreg|mtd/' "${above[@]}"
system_out "device/protocol does no input or output" \
	'fcntl|unistd|sys/ioctl|sys/stat|blkid/|libcryptsetup|liburing|scsi/sg' "${protocol[@]}"
system_out "claim does no input or output" \
	'fcntl\.|unistd\.|sys/ioctl|sys/stat|time\.h|base/file|base/rng' "${claim[@]}"

{ code; files 'tests/*.c' 'tests/*.h'; } | while read -r f; do
	includes "$f" | while read -r line inc; do
		[ -e "$inc" ] || echo "$f:$line: no file $inc below the root"
	done
done | report "includes are written from the root"
finish
