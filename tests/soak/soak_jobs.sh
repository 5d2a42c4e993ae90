#!/bin/bash
# Whole jobs on emulated NVMe and SAS drives, killed or without power at every boundary of every command; in
# `make test` at some of them.
set -u
cd "$(dirname "$0")/../.." || exit 1
b=${B:-build/release}
bad=0
for t in test_job_nvme test_job_nvme_verify test_job_reduced test_job_sas_cut; do
	make --no-print-directory "$b/tests/$t" || exit 1
	JOB_CUT_STRIDE=1 "$b/tests/$t" || bad=1
done
exit "$bad"
