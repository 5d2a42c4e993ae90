#!/bin/bash
# long
# The stick is pulled out, or the power goes, at three random moments: tests/soak/soak_stick.sh.
SOAK_N=3 exec tests/soak/soak_stick.sh
