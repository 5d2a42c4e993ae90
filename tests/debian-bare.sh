#!/bin/bash
# A clean checkout in a bare Debian: debootstrap's smallest system in a folder, a clone of the last
# commit in it, then what README tells a newcomer to type: as root, and the demo once more as an
# ordinary user. Needs root, debootstrap and some 3 GiB; the mirror is the one that this host's apt uses.
# Usage: tests/debian-bare.sh [--keep] [SUITE] [STEP...]
#   SUITE  bookworm (default), trixie, or another that the mirror holds. MIRROR=URL names another mirror,
#          BARE_COMPONENTS=main,universe more than main (Ubuntu needs it, and its keyring)
#   STEP   of: demo test user (default all)
set -eu
keep=
if [ "${1:-}" = --keep ]; then
	keep=yes
	shift
fi
suite=${1:-bookworm}
shift || true
[ $# -gt 0 ] || set -- demo test user

# everything that is mounted lives in a mount namespace of our own and goes away with it
if [ -z "${EXPUNGE_BARE_INSIDE:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "debian-bare: needs root" >&2; exit 77; }
	command -v debootstrap >/dev/null || { echo "debian-bare: needs debootstrap" >&2; exit 69; }
	export EXPUNGE_BARE_INSIDE=yes
	# not in a PID namespace of its own: there the interlock could not see who uses a device
	exec unshare --mount --propagation private "$0" ${keep:+--keep} "$suite" "$@"
fi

cd "$(dirname "$0")/.."
top=$PWD
home=$top/build/bare
bare=$home/$suite
mirror=${MIRROR:-$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)}
mkdir -p "$home"

clean_up() {
	umount -R "$bare" 2>/dev/null || true
	if [ -z "$keep" ] && ! grep -qE " $bare(/| )" /proc/self/mountinfo; then
		rm -rf --one-file-system "$bare"
	fi
}
trap clean_up EXIT

echo "debian-bare: $suite from the host's mirror"
rm -rf --one-file-system "$bare"
if [ ! -s "$home/$suite.tar" ]; then
	script=
	[ -e "/usr/share/debootstrap/scripts/$suite" ] || script=gutsy # the one of all Ubuntu releases
	debootstrap --variant=minbase --components="${BARE_COMPONENTS:-main}" "$suite" "$bare" "$mirror" $script >"$home/$suite.debootstrap.log" 2>&1 ||
		{ tail -n 5 "$home/$suite.debootstrap.log"; exit 1; }
	tar -C "$bare" -cf "$home/$suite.tar.new" . && mv "$home/$suite.tar.new" "$home/$suite.tar"
else
	mkdir -p "$bare"
	tar -C "$bare" -xpf "$home/$suite.tar"
fi

# the host's way to the mirror
cp -L /etc/resolv.conf /etc/hosts "$bare/etc/" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d/. "$bare/etc/apt/apt.conf.d/"
# shellcheck disable=SC1091
if [ "$suite" = "$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" ] && [ -z "${MIRROR:-}" ]; then
	rm -f "$bare/etc/apt/sources.list"
	cp -r /etc/apt/sources.list /etc/apt/sources.list.d "$bare/etc/apt/" 2>/dev/null || true
fi
# a root that is a mount point, as that of a machine
mount --bind "$bare" "$bare"
mount -t proc proc "$bare/proc"
mount --rbind /sys "$bare/sys"
mount --rbind /dev "$bare/dev"
git clone -q --no-hardlinks "$top" "$bare/root/expunge"

in_bare() {
	chroot "$bare" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LC_ALL=C.UTF-8 CI=true \
		DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}
in_bare sh -c 'apt-get -q update && apt-get -q -y install --no-install-recommends make' \
	>"$home/$suite.make.log" 2>&1

failed=0
for step in "$@"; do
	log=$home/$suite.$step.log
	begin=$SECONDS
	case $step in
	demo) in_bare make -C /root/expunge demo >"$log" 2>&1 && rc=0 || rc=$? ;;
	test) in_bare make -C /root/expunge test >"$log" 2>&1 && rc=0 || rc=$? ;;
	user)
		chroot "$bare" useradd -m -s /bin/sh newcomer
		git clone -q --no-hardlinks "$top" "$bare/home/newcomer/expunge"
		chroot "$bare" chown -R newcomer:newcomer /home/newcomer
		in_bare setpriv --reuid newcomer --regid newcomer --init-groups env HOME=/home/newcomer \
			make -C /home/newcomer/expunge demo >"$log" 2>&1 && rc=0 || rc=$?
		;;
	*)
		echo "debian-bare: no step $step" >&2
		exit 64
		;;
	esac
	tail -n 3 "$log" | sed 's/^/    /'
	echo "debian-bare: $suite $step: $([ "$rc" -eq 0 ] && echo good || echo "exit code $rc") after $((SECONDS - begin)) s (${log#"$top"/})"
	[ "$rc" -eq 0 ] || failed=1
done
exit "$failed"
