#!/bin/bash
# expunge's ATA techniques on drives behind the kernel's own libata: each of them.
# shellcheck disable=SC2034 # for the script below
export VM_TIMEOUT=${VM_TIMEOUT:-460}
rig_file=tests/vm/rigs/sata.json hdd_serial=LAHDD0001 ssd_serial=LASSD0001 parts=erases
. tests/vm/ata_erase.sh
