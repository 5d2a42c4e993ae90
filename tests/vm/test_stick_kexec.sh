#!/bin/bash
# long
# A host starts the boot image in its own place by docs/examples/kexec.sh: from the running kernel, without
# firmware, stick, or a restart of the machine.
. tests/vm/stick_tap.sh
stick_image
cat >"$TMPDIR/guest.sh" <<'GUEST'
#!/bin/bash
# this machine has no systemd: what its services would do first is left out
mkdir -p /tmp/bin
printf '#!/bin/sh\n[ "$1" = kexec ] && exec kexec -e\n' >/tmp/bin/systemctl
chmod 0755 /tmp/bin/systemctl
PATH=/tmp/bin:$PATH:/usr/sbin
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/ca.key -out /tmp/ca.pem \
	-subj /CN=site -days 2 2>/dev/null
docs/examples/kexec.sh build/image/netboot https://192.0.2.1/list.csv https://192.0.2.1/put /tmp/ca.pem
GUEST
chmod 0755 "$TMPDIR/guest.sh"
VM_TIMEOUT=400 VM_APPEND="$stick_patience" tests/vm/run.sh --keep "$stick_folder/run" - "$TMPDIR/guest.sh" \
	>"$TMPDIR/run.log" 2>&1 &
stick_job=$!
shows "the image's kernel and first program run in place of the host's" 'expunge: started by BIOS' 300
shows "... the words came along: a network is asked for" 'expunge.*address|no network|expunge.expect|192\.0\.2\.1' 120
sed 's/^/# /' "$TMPDIR/run.log" | head -n 5
stick_kill
done_testing
