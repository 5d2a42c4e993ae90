#!/bin/bash
# Installs the packages of packages.txt that are missing. With all present it does nothing and needs no
# root; without root it says what is missing and the command that installs it.
# Usage: tests/deps.sh KIND...
set -u
cd "$(dirname "$0")/.." || exit 1

if [ $# -eq 0 ]; then
	echo "usage: tests/deps.sh KIND..., a KIND being one of:" \
		"$(sed -n 's/^\([a-z]\{1,\}\) .*/\1/p' packages.txt | sort -u | tr '\n' ' ')" >&2
	exit 64
fi

wanted=()
for kind in "$@"; do
	mapfile -t names < <(awk -v k="$kind" '$1 == k { print $2 }' packages.txt)
	if [ ${#names[@]} -eq 0 ]; then
		echo "deps: packages.txt has no kind '$kind'" >&2
		exit 64
	fi
	wanted+=("${names[@]}")
done
mapfile -t wanted < <(printf '%s\n' "${wanted[@]}" | sort -u)

if ! command -v dpkg-query >/dev/null; then
	echo "deps: no Debian or Ubuntu; what stands for these packages must be there:" \
		"${wanted[*]}" >&2
	exit 0
fi

find_missing() {
	missing=()
	for name in "${wanted[@]}"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | head -c 9)
		[ "$state" = installed ] || missing+=("$name")
	done
}

find_missing
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ]; then
	{
		echo "deps: missing: ${missing[*]}"
		echo "deps: install them, then come back:"
		echo "  sudo apt-get install --no-install-recommends ${missing[*]}"
	} >&2
	exit 77
fi

echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
mkdir -p build
{
	"${apt[@]}" install --no-install-recommends "${missing[@]}" ||
		{ "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; }
} </dev/null >build/deps.log 2>&1
find_missing
if [ ${#missing[@]} -ne 0 ]; then
	tail -n 25 build/deps.log >&2
	echo "deps: could not be installed: ${missing[*]} (build/deps.log)" >&2
	exit 69
fi
