#!/bin/bash
# No mutable globals but the log's sink and the cancel flag.
# shellcheck source=tests/lint/lint.sh
. "$(dirname "$0")/lint.sh"
need_objects
# what may stand: the sink, the cancel flag, the name that messages begin with (set once, at the start)
allowed='^base/log\.o |^cli/[a-z_]*\.o [a-z_]*(cancel|signal|interrupt)[a-z_]*$|^cli/output\.o program_name$'
live_objects | while read -r o; do
	objdump -t "$o" | awk -v o="${o#"$B"/obj/}" '
		{ for (i = 2; i <= 4; i++)
			if ($i == "O" && $(i + 1) ~ /^\.t?(bss|data)/ && $(i + 1) !~ /^\.data\.rel\.ro/) print o, $NF }'
done | grep -vE "$allowed" | report "no mutable globals"
finish
