#!/bin/bash
# Every test in the virtual machine, also the long ones that `make test` leaves out; once.
set -u
cd "$(dirname "$0")/../.." || exit 1
exec tests/run-tests vm/
