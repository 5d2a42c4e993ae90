#!/usr/bin/env bash
# Where nothing can be written any more, no input is missing: the exit code is 1, or 4 before anything is touched.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
says() { grep -q "$1" "${TMPDIR}/out" "${TMPDIR}/err"; }
trap 'umount small 2>/dev/null' EXIT

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
for who in Val:validator Site:site; do
	cert keys person ca --name "${who%:*}" --role "${who#*:}" --no-passphrase >/dev/null
done
head -c 1M /dev/urandom >full-disk.img
"$EXPUNGE" run full-disk.img --level clear --confirm full-disk.img --out done.d --state state >/dev/null 2>&1
record=$(find done.d -name '*.json')
accept=(validate "$record" --decision accept --key ca/validator.key --cert ca/validator.pem)
endorse=(endorse done.d --key ca/site.key --cert ca/site.pem --trust state/host.crt)

# --- decisions
exits 'a decision, with a new log' 1 full cert "${accept[@]}" --out new.d --state new
check 'is told' says 'File too large'
exits 'one, to see that it can be' 0 cert "${accept[@]}" --out first.d --state vstate
exits 'a decision, with a log that is there' 1 full cert "${accept[@]}" --out second.d --state vstate
check 'is told, too' says 'File too large'
is 'and leaves nothing' "$(find second.d -type f)" ''
exits 'an endorsement' 1 full cert "${endorse[@]}" --out third.d --state vstate
check 'is told as well' says 'File too large'
for place in nowhere:/proc/self/nowhere folder:full-disk.img; do
	exits "a decision into what is no ${place%%:*}" 1 cert "${accept[@]}" --out "${place#*:}" --state vstate
	exits "an endorsement into what is no ${place%%:*}" 1 cert "${endorse[@]}" --out "${place#*:}" --state vstate
	exits "a state folder in what is no ${place%%:*}" 1 cert "${accept[@]}" --out x.d --state "${place#*:}/state"
	exits "keys in what is no ${place%%:*}" 1 cert keys ca "${place#*:}/ca" --organization O --no-passphrase
	exits "a job whose certificates go into what is no ${place%%:*}" 4 "$EXPUNGE" run full-disk.img --level clear \
		--confirm full-disk.img --state state --out "${place#*:}"
	check 'is refused before anything is touched' says 'nothing was touched: --out'
	exits "an export into what is no ${place%%:*}" 1 "$EXPUNGE" export "${place#*:}" --state state
done
exits 'a record that is not there' 66 full cert validate nowhere.json --decision accept --key ca/validator.key \
	--cert ca/validator.pem --state vstate
exits 'keys' 1 full cert keys ca ca.2 --organization O --no-passphrase
exits 'a request' 1 full cert keys request ca.3 --name Z --role site --no-passphrase
exits 'a renewed list' 1 full cert keys revoke ca
exits 'a proof' 1 full cert log prove state --record "$record"

# --- room for the record, none for its signature
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=1M,nr_inodes=2 none small 2>/dev/null; then
	exits 'a record without room for its signature' 1 cert "${accept[@]}" --out small --state vstate
	check 'it says why' says 'No space left'
	is 'neither stands there' "$(find small -type f)" ''
	umount small
else
	skip 'a record without room for its signature' 'needs root'
fi

# --- standard output
for command in list 'plan full-disk.img --level clear' 'inspect full-disk.img' 'status --all --state state' \
	"verify full-disk.img --record $record" \
	'run full-disk.img --level clear --confirm full-disk.img --state state --quiet'; do
	# shellcheck disable=SC2086
	for json in '' --json; do
		"$EXPUNGE" $command $json >/dev/full 2>err
		is "expunge ${command%% *} $json with standard output full" $? 1
		"$EXPUNGE" $command $json >&- 2>err
		is "expunge ${command%% *} $json with standard output closed" $? 1
	done
done
for command in "show $record" "verify $record --trust state/host.crt" 'log verify state --log-key state/log.vkey' 'log checkpoint state' \
	'keys revoke ca'; do
	# shellcheck disable=SC2086
	cert $command >/dev/full 2>err
	is "expunge-cert ${command%% *} with standard output full" $? 1
	# shellcheck disable=SC2086
	cert $command >&- 2>err
	is "expunge-cert ${command%% *} with standard output closed" $? 1
done
done_testing
