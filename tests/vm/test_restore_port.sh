#!/bin/bash
# long
#
# Capacity of a drive at a SATA port of the kernel's own is given back.
# shellcheck disable=SC2034,SC2154 # for the script below, and from it
rig_file=tests/vm/rigs/restore-port.json
. tests/vm/restore.sh
restores port VMRPORT
done_testing
