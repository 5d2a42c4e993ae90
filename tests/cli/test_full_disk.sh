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
check 'leave nothing' test ! -e ca.2
setup=(--organization O --name Alice --no-passphrase)
exits 'keys with a certificate' 1 full cert keys setup ca.2 "${setup[@]}"
check 'leave nothing either' test ! -e ca.2
exits 'a certificate that cannot be made' 64 cert keys setup ca.2 --organization O --name "$(printf 'x%.0s' {1..80})" --no-passphrase
check 'leaves no root behind' test ! -e ca.2
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

# --- room for some of the files of a new root
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=1M,nr_inodes=2 none small 2>/dev/null; then
	left='' codes=''
	for inodes in 3 4 5 6 7 8; do
		mount -o "remount,nr_inodes=$inodes" small
		cert keys setup small/ca "${setup[@]}" >/dev/null 2>&1
		codes="$codes $?"
		left=$left$(find small -mindepth 1)
	done
	is 'keys without room for all of their files' "$codes" ' 1 1 1 1 1 1'
	is 'leave nothing, however many had room' "$left" ''
	mkdir small/ca && : >small/ca/mine
	mount -o remount,nr_inodes=8 small
	exits 'in a folder that is not empty' 1 cert keys setup small/ca "${setup[@]}"
	is 'what was there stays alone' "$(find small -type f)" small/ca/mine
	mount -o remount,nr_inodes=40 small
	exits 'with room they are made there' 0 cert keys setup small/ca "${setup[@]}"
	exits 'and only once' 64 cert keys setup small/ca "${setup[@]}"
	before=$(find small | sort)
	mount -o "remount,nr_inodes=$(($(find small | wc -l) + 2))" small
	exits 'a person without room for the certificate' 1 cert keys person small/ca --name Bob --role validator --no-passphrase
	is 'has no key either' "$(find small | sort)" "$before"
	umount small
else
	skip 'keys without room for all of their files' 'needs root'
fi

# --- killed in the middle: before anything has its name, and between root.key and root.pem
setup_killed() {
	(
		ulimit -c 0
		prlimit --fsize="$1" "$EXPUNGE_CERT" keys setup cut "${setup[@]}"
		exit $?
	) >/dev/null 2>&1
}
setup_killed 100
is 'killed at the first file' "$? $(find cut -type f)" '153 '
exits 'the next setup goes on in that folder' 0 cert keys setup cut "${setup[@]}"
root=$(stat -c %s cut/root.pem)
rm -r cut
setup_killed $((root - 40)) # signatures are not all of one length
is 'killed at the last file of the root' "$? $(find cut -type f | sort | tr '\n' ' ')" '153 cut/root.crl cut/root.key '
exits 'the next setup does not take it for a root' 64 cert keys setup cut "${setup[@]}"
check 'and says the way out' says 'Remove root.key and root.crl'
rm cut/root.key cut/root.crl
exits 'which is one' 0 cert keys setup cut "${setup[@]}"
rm -r cut/performer.* cut/issued
exits 'a root without its performer is a root' 64 cert keys setup cut "${setup[@]}"
check 'with its way out' says 'keys person cut --role performer'
exits 'which is one, too' 0 cert keys person cut --role performer --name Alice --no-passphrase

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
