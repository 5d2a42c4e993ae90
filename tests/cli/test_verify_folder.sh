#!/usr/bin/env bash
# expunge-cert verify on folders that somebody else arranged: nothing in them is passed over in silence.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
umask 022
cert() { "$EXPUNGE_CERT" "$@"; }
says() { grep -q "$1" "${TMPDIR}/err"; }
clean() { ! LC_ALL=C grep -q "$(printf '[\001-\011\013-\037\177]')" "${TMPDIR}/out" "${TMPDIR}/err"; }

cert keys setup ca --organization O --name Alice --no-passphrase >/dev/null
cert keys person ca --name Val --role validator --no-passphrase >/dev/null
head -c 65536 /dev/urandom >disk.img
"$EXPUNGE" run disk.img --level clear --confirm disk.img --key ca/performer.key --cert ca/performer.pem \
	--state state --out done.d >/dev/null 2>&1
record=$(find done.d -name '*.json')
exits 'somebody rejects the record' 0 cert validate "$record" --decision reject --key ca/validator.key \
	--cert ca/validator.pem --state vstate --json
decision=done.d/$(jq -r .id out).json
exits 'which weighs' 3 cert verify done.d --trust ca/root.pem

# --- a decision whose signature cannot be read: it neither counts nor vanishes
mv "$decision.p7s" kept.p7s
ln -s "$(basename "$decision").p7s" "$decision.p7s"
exits 'a decision that cannot be read is told' 66 cert verify done.d --trust ca/root.pem
check 'by its name' says "$(basename "$decision").p7s"
is 'once' "$(grep -c "$(basename "$decision")" err)" 1
exits 'also alone' 66 cert verify "$decision" --trust ca/root.pem --json
is 'in the document' "$(jq -r .exit out)" 66
exits 'and by line' 66 cert verify done.d --trust ca/root.pem --jsonl
exits 'and in the summary' 66 cert verify done.d --trust ca/root.pem --summary
rm "$decision.p7s"
exits 'one without a signature fails' 1 cert verify done.d --trust ca/root.pem
mkdir "$decision.p7s"
exits 'as with a folder in its place' 1 cert verify done.d --trust ca/root.pem
rmdir "$decision.p7s"
mkfifo "$decision.p7s"
exits 'and with a pipe' 1 timeout 20 "$EXPUNGE_CERT" verify done.d --trust ca/root.pem
(echo x >"$decision.p7s") 2>/dev/null &
writer=$!
sleep 0.3
exits 'one that somebody waits to write to' 1 timeout 20 "$EXPUNGE_CERT" verify done.d --trust ca/root.pem
exits 'also as what is shown' 66 timeout 20 "$EXPUNGE_CERT" show "$decision.p7s"
check 'which is never opened: that alone may do something' kill -0 "$writer"
kill "$writer" 2>/dev/null
rm "$decision.p7s"
mv kept.p7s "$decision.p7s"

# --- what only begins like a decision
mkdir odd.d
printf '{"kind":"validation","schema":"expunge-record/1"}' >odd.d/a.json
ln -s a.json.p7s odd.d/a.json.p7s
exits 'a false decision is told, too' 66 cert verify odd.d --trust ca/root.pem
rm odd.d/*

# --- things in the place of files
cp "$record" "$record.p7s" odd.d
mkfifo odd.d/pipe.json
ln -s nowhere odd.d/gone.json
ln -s loop.json odd.d/loop.json
ln -s /dev/zero odd.d/endless.json
ln -s .. odd.d/up
mkdir odd.d/folder.json odd.d/folder.json.p7s
exits 'pipes, loops and devices end as findings' 1 timeout 60 "$EXPUNGE_CERT" verify odd.d --trust ca/root.pem --json
is 'the record passes beside them' "$(jq -r '[.results[] | select(.verdict == "passed")] | length' out)" 1
is 'and is the only one' "$(jq -r .passed out)" 1
check 'a loop is told' says 'loop.json'
check 'and a link to a folder' says 'odd.d/up: a link to a folder'
rm -r odd.d && mkdir odd.d

# --- a folder that is there by a link alone
mkdir linked.d
cp "$record" "$record.p7s" linked.d
exits 'without it all is well' 0 cert verify linked.d --trust ca/root.pem
ln -s ../done.d linked.d/more
exits 'what it holds was not checked' 66 cert verify linked.d --trust ca/root.pem --summary
check 'which is told' says 'linked.d/more: a link to a folder'
exits 'who names it has it checked' 3 cert verify linked.d/more --trust ca/root.pem

# --- large ones
head -c 16777216 /dev/zero | tr '\0' '[' >odd.d/deep.json
cp "$record.p7s" odd.d/deep.json.p7s
{ head -c -1 "$record" && head -c 16777216 /dev/zero | tr '\0' ' ' && printf '}'; } >odd.d/wide.json
cp "$record.p7s" odd.d/wide.json.p7s
cp "$record" odd.d/signed.json
head -c 16777217 /dev/zero >odd.d/signed.json.p7s
exits 'files beyond every limit fail' 1 timeout 60 "$EXPUNGE_CERT" verify odd.d --trust ca/root.pem --json
is 'each with its code' "$(jq -r '.results[].findings[0].code' out | paste -sd ' ')" 'E_JSON_DEPTH E_CMS_SIZE E_JSON_SIZE'
rm -r odd.d && mkdir odd.d

# --- names
name=$(printf 'x\033[2J\r\n\t\xff\xe2\x80\xae')
cp "$record" "odd.d/$name.json"
cp "$record.p7s" "odd.d/$name.json.p7s"
printf '{"schema":"expunge-record/1"}' >"odd.d/%s%n$name.json"
exits 'names that would move the cursor' 1 cert verify odd.d --trust ca/root.pem
check 'do not reach the terminal' clean
exits 'nor break a line of JSON' 1 cert verify odd.d --trust ca/root.pem --jsonl
is 'of which there is one for each record' "$(jq -s length out)" 2
check 'without raw control characters' clean
long=$(printf 'n%.0s' {1..247})
cp "$record" "odd.d/$long.json"
exits 'a name too long for a signature beside it is told' 66 cert verify "odd.d/$long.json" --trust ca/root.pem
sed 's/"kind":"sanitization"/"kind":"validation"/' "$record" >"odd.d/$long.json"
exits 'and is not lost as a decision' 66 cert verify "odd.d/$long.json" --trust ca/root.pem
done_testing
