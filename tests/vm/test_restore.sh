#!/bin/bash
# long
#
# Capacity of a drive behind a translation layer is given back.
# shellcheck disable=SC2034,SC2154 # for the script below, and from it
rig_file=tests/vm/rigs/restore.json
. tests/vm/restore.sh
restores sat VMRSAT
done_testing
