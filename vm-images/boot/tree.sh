# shellcheck shell=bash
# tree.sh: the files of the initial file system that come from this repository and from this machine, in
# trees below a folder. Sourced by build.sh, and by tests/vm/stick_small.sh for a smaller one.
# Whoever sources it sets `making` (the folder) and `programs` (where ours were built), and has
#   note NAME FILE PACKAGE   told of every file
#   owner FILE               the package of a library
#   cannot WHY               ends it all

# put TREE MODE FILE NAME PACKAGE
put() {
	# shellcheck disable=SC2154 # set by whoever sources this
	install -D -m "$2" "$3" "$making/$1/$4"
	note "$4" "$making/$1/$4" "$5"
}

# put_program FILE NAME: one of ours, without what only a debugger reads
put_program() {
	cp "$1" "$making/program"
	strip --strip-all -R .note.gnu.build-id -R .comment "$making/program"
	put programs 0755 "$making/program" "$2" expunge
}

tree_programs() {
	local name
	# shellcheck disable=SC2154 # set by whoever sources this
	for name in expunge expunge-cert; do
		put_program "$programs/$name" "usr/bin/$name"
	done
	put_program "$programs/boot-init" init
}

# the libraries that our programs find here, and what their screens are told by
tree_libraries() {
	local file name real
	while read -r file; do
		real=$(realpath "$file")
		name=${file#/}
		put system 0755 "$real" "usr/${name#usr/}" "$(owner "$real")"
	done < <({
		ldd "$programs/expunge" "$programs/expunge-cert" | grep -oE '(=> )?/[^ ]+' | sed 's/^=> //'
		# loaded only when a thread is cancelled
		PATH=$PATH:/usr/sbin:/sbin ldconfig -p | sed -n 's/.*x86-64.*=> \(.*libgcc_s\.so\.1\)$/\1/p' | head -n 1
	} | grep -v ':$' | sort -u)
	for name in bin lib lib64; do
		ln -s "usr/$name" "$making/system/$name"
	done
	ln -s usr/bin "$making/system/sbin"
	for name in l/linux v/vt100 v/vt102 v/vt220 x/xterm x/xterm-256color s/screen; do
		for file in /lib/terminfo/$name /usr/lib/terminfo/$name /usr/share/terminfo/$name; do
			[ ! -e "$file" ] || { put system 0644 "$file" "usr/lib/terminfo/$name" "$(owner "$file")" && break; }
		done
	done
}

# the commands of the busybox that is there already
tree_busybox() {
	local name
	for name in sh cat cp cut date df dmesg echo grep head hexdump ip kill less ls lsmod mkdir mount nslookup \
		ping poweroff ps reboot rm sed sha256sum sleep sort sync tail tar umount uname vi wget; do
		ln -s busybox "$making/system/usr/bin/$name"
	done
}

tree_texts() {
	local file
	put programs 0755 vm-images/boot/udhcpc.sh etc/udhcpc expunge
	for file in vm-images/boot/etc/*; do
		put programs 0644 "$file" "etc/${file##*/}" expunge
	done
}

tree_folders() {
	mkdir -p "$making/system"/{dev,proc,sys,run,tmp,root,usr/lib64}
}

# tree_drivers MODULES PACKAGE GROUP NAME...: unpacked, since the whole is compressed once
tree_drivers() {
	local modules=$1 package=$2 group=$3 file name
	shift 3
	vm-images/module_order.py "$modules" "$@" >"$making/order" || cannot "a driver is missing in $modules"
	while read -r file; do
		name=${file##*/}
		name=${name%.ko*}.ko
		if [ ! -e "$making/drivers/modules/$name" ]; then
			case $file in
			*.ko.xz) xz -dc "$modules/$file" >"$making/module" ;;
			*.ko.zst) zstd -dcq "$modules/$file" >"$making/module" ;;
			*.ko.gz) gzip -dc "$modules/$file" >"$making/module" ;;
			*) cp "$modules/$file" "$making/module" ;;
			esac
			put drivers 0644 "$making/module" "modules/$name" "$package"
		fi
		echo "$name" >>"$making/group-$group"
	done <"$making/order"
	put programs 0644 "$making/group-$group" "modules/$group" expunge
}

# tree_whole TREE...: into the last of them, which is unpacked last: what all of them are made of
tree_whole() {
	local trees=("${@/#/$making/}")
	vm-images/boot/whole.py "${trees[@]}" >"$making/whole"
	install -D -m 0644 "$making/whole" "$making/${*: -1}/etc/expunge/whole"
}
