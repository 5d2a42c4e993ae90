#!/bin/bash
# Who may call what, read from the objects: ioctls, other programs, printing, exits, writes, libraries.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"
need_objects
symbols=$(mktemp) || exit 1
trap 'rm -f "$symbols"' EXIT
undefined_symbols >"$symbols"
mapfile -t all < <(code)
mapfile -t below_cli < <(code | grep -v '^cli/')
mapfile -t extent < <(files 'device/extent*.c')

only_in "ioctls only where drives, block nodes, device-mapper, file maps and the terminal are" 'ioctl' \
	'device/transport_[a-z0-9_]*\.o|device/(block|dm_control)\.o|device/extent[a-z_]*\.o|cli/tui/.*|cli/(job_progress|output)\.o' "$symbols"
grep_code '\bioctl\s*\(' "${extent[@]}" | grep -vE 'FS_IOC_|FIGETBSZ|FIBMAP' |
	report "device/extent asks only for file maps"
grep_code '\bioctl\s*\(' cli/job_progress.c cli/output.c | grep -v 'TIOCGWINSZ' | report "cli asks only how wide the terminal is"
only_in "no other program is run" \
	'system|popen|execv|execve|execvp|execvpe|execl|execlp|execle|fexecve|execveat|posix_spawnp?|vfork' \
	'none' "$symbols"
# extent flushes in a child that can be left behind when the target never answers
only_in "only cli forks" 'fork|clone|daemon|setsid' '(cli/.*|device/extent[.]o)' "$symbols"
only_in "only cli prints" \
	'v?printf|puts|putchar|putchar_unlocked|perror|v?errx?|v?warnx?|error|psignal|stdout|stderr' \
	'cli/.*' "$symbols"
grep_code '\bSTD(OUT|ERR)_FILENO\b' "${below_cli[@]}" | report "only cli names the standard descriptors"
only_in "only cli exits" 'exit|_exit|_Exit|quick_exit|abort|raise|kill' '(cli/.*|device/extent[.]o)' "$symbols"
# (cli/state_folder keeps room for a record; cli/box writes in place into a file that it saw is a regular one)
only_in "only device writes to places" \
	'pwrite(64)?|pwritev(64)?|pwritev(64)?2|fallocate(64)?|posix_fallocate(64)?|copy_file_range|splice|sendfile(64)?' \
	'device/.*|sanitize/method_.*|cli/(state_folder|box)\.o' "$symbols"
only_in "only the extent interface uses io_uring" '(__)?io_uring_.*' 'device/extent[a-z_]*\.o' "$symbols"
only_in "of libnvme only the pass-through, and only in the transport" 'nvme_submit_admin_passthru' \
	'device/transport_nvme\.o' "$symbols"
awk '$2 ~ /^nvme_/ && $2 != "nvme_submit_admin_passthru" { print $1 ": uses " $2 }' "$symbols" |
	report "nothing else of libnvme"
reading='init|init_by_name|init_data_device|load|free|get_[a-z0-9_]*|dump|dump_json|deactivate|deactivate_by_name'
reading+='|metadata_locking|set_log_callback|set_debug_level|status|keyslot_(status|max|area|get_[a-z_]*)'
reading+='|token_(status|max|json_get)'
awk -v ok="^crypt_($reading)$" '$2 ~ /^crypt_/ && $2 !~ ok { print $1 ": uses " $2 }' "$symbols" |
	report "libcryptsetup reads and deactivates only"
only_in "only device asks blkid" 'blkid_.*' 'device/.*' "$symbols"
only_in "no random numbers but base/rng's" \
	's?rand(om)?|rand_r|[dlm]rand48|arc4random.*|RAND_pseudo_bytes' 'none' "$symbols"
awk '$1 ~ /^(claim|device\/protocol)\// &&
	$2 ~ /^(open|openat|read|pread|write|close|fopen|stat|fstat|getenv|time|clock_gettime|xp_clock_system|xp_rng_.*|xp_file_.*)$/ {
	print $1 ": uses " $2 }' "$symbols" | report "claim and device/protocol are pure"
only_in "no forbidden functions" \
	'strcpy|strcat|stpcpy|v?sprintf|gets|strtok|ato[ilf]|atoll|alloca|te?mpnam|mktemp|asctime|ctime|gmtime|localtime' \
	'none' "$symbols"

# one choke point
grep_code '(->|\.)exec\s*\(' "${all[@]}" | grep -v '^device/transport' |
	report "commands go through xp_transport_exec"
grep_code '^struct xp_permit\s*\{' "${all[@]}" | grep -vE '^device/interlock[a-z_]*\.[ch]:' |
	report "only device/interlock knows what a permit is made of"
grep_code '(malloc|calloc|realloc)\s*\(.*xp_permit|\((const )?struct xp_permit \*\s*\)' "${all[@]}" |
	grep -vE '^device/interlock[a-z_]*\.c:' | report "only device/interlock makes permits"
finish
