# shellcheck shell=bash
# packages.sh: sourced by what builds images out of packages that are downloaded and unpacked, never
# installed (tests/vm/image.sh, vm-images/boot/build.sh). Needs no root.

# packages_of KIND: the names that packages.txt has for it
packages_of() {
	awk -v kind="$1" '$1 == kind { print $2 }' packages.txt
}

declare -A packages_versions

# packages_know NAME...: asks apt once for all of them; asking for each takes seconds
packages_know() {
	local word value name=
	while read -r word value; do
		case $word in
		Package:) name=$value ;;
		Version:) [ -n "${packages_versions[$name]:-}" ] || packages_versions[$name]=$value ;;
		esac
	done < <(apt-cache show --no-all-versions "${@%:*}" 2>/dev/null)
}

# packages_version NAME: the one that apt would take
packages_version() {
	echo "${packages_versions[${1%:*}]:-}"
}

# packages_file DEBS NAME: where its file is, or nothing
packages_file() {
	local version found
	version=$(packages_version "$2")
	found=("$1/${2%:*}_${version//:/%3a}_"*.deb)
	[ -n "$version" ] && [ -e "${found[0]}" ] && echo "${found[0]}"
}

# packages_download DEBS LOG NAME...: into the folder DEBS, those that are not there
packages_download() {
	local debs=$1 log=$2 name
	shift 2
	mkdir -p "$debs"
	packages_versions=()
	packages_know "$@"
	for name in "$@"; do
		[ -n "$(packages_file "$debs" "$name")" ] && continue
		(cd "$debs" && apt-get -q download "$name") >>"$log" 2>&1 || return 1
	done
}

# packages_unpack DEBS TREE NAME...: one tree, with /bin, /sbin and /lib where merged systems have them
packages_unpack() {
	local debs=$1 tree=$2 name folder one
	shift 2
	mkdir -p "$tree"
	one=$tree.one
	for name in "$@"; do
		rm -rf "$one"
		dpkg-deb -x "$(packages_file "$debs" "$name")" "$one" || return 1
		for folder in bin sbin lib lib64; do
			[ -d "$one/$folder" ] && [ ! -L "$one/$folder" ] || continue
			mkdir -p "$one/usr/$folder"
			cp -a "$one/$folder/." "$one/usr/$folder/"
			rm -rf "${one:?}/$folder"
		done
		cp -a "$one/." "$tree/"
	done
	rm -rf "$one"
}

# packages_depmod TREE RELEASE: its modules.dep; what depmod says goes to standard error
packages_depmod() {
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$1/usr" "$2" || PATH=$PATH:/usr/sbin:/sbin depmod -b "$1" "$2" ||
		return 1
	[ -s "$1/usr/lib/modules/$2/modules.dep" ]
}
