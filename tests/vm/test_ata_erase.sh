#!/bin/bash
# long
#
# expunge's ATA techniques on drives behind a translation layer (vhost-user-scsi).
# shellcheck disable=SC2034 # for the script below
export VM_TIMEOUT=${VM_TIMEOUT:-460}
rig_file=tests/vm/rigs/sat.json hdd_serial=VMHDD0001 ssd_serial=VMSSD0001
. tests/vm/ata_erase.sh
