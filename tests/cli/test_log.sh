#!/bin/bash
# `expunge-cert log`: a log as a stranger gets it, whole, damaged, cut, rolled back and forked; and read
# once more by Python and openssl, which share nothing with us.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
# tests/data/log: state/ is a log of 5 entries by example.com/usb-0001; older.checkpoint is its own at 3,
# later.checkpoint one at 6 that the same key signed, fork.checkpoint one at 3 over other entries,
# other.checkpoint another log's
data=tests/data/log
key=$data/state/log.vkey

fresh() {
	rm -rf "$TMPDIR/s"
	cp -r "$data/state" "$TMPDIR/s"
}
codes() {
	jq -r '[.findings[].code] | join(" ")' "$TMPDIR/out"
}
verify() {
	"$EXPUNGE_CERT" log verify "$TMPDIR/s" --log-key "$key" --json "$@"
}

fresh
exits "a whole log passes" 0 verify
is "its entries are counted" "$(jq -c '[.entries.hashed, .entries.starts, .entries.records]' "$TMPDIR/out")" \
	'["5","3","2"]'
is "the job without a record is open" "$(jq -r '.open_jobs[].id' "$TMPDIR/out")" \
	01980000-0000-7000-8000-000000000002
exits "log/ itself may be named" 0 "$EXPUNGE_CERT" log verify "$TMPDIR/s/log" --log-key "$key"
check "people see the open job" grep -q 'entry 2: 01980000-0000-7000-8000-000000000002 began' "$TMPDIR/out"
exits "without a key it is indeterminate" 2 "$EXPUNGE_CERT" log verify "$TMPDIR/s" --json
is "and says why" "$(codes)" I_LOG_KEY_UNKNOWN

exits "an older checkpoint is its beginning" 0 verify --old $data/older.checkpoint
is "which is said" "$(jq .old.holds "$TMPDIR/out")" true
exits "a log that was shorter is a rollback" 1 verify --old $data/later.checkpoint
is "E_LOG_ROLLBACK" "$(codes)" E_LOG_ROLLBACK
exits "a log of other entries is a fork" 1 verify --old $data/fork.checkpoint
is "E_LOG_FORK" "$(codes)" E_LOG_FORK
exits "another log's checkpoint is told" 1 verify --old $data/other.checkpoint
is "E_LOG_OTHER" "$(codes)" "I_LOG_KEY_UNKNOWN E_LOG_OTHER"
exits "what is no checkpoint is told" 1 verify --old $data/record.json
is "E_LOG_OLD" "$(codes)" E_LOG_OLD

# damage FILE CODES NAME COMMAND...
damage() {
	fresh
	local file=$TMPDIR/s/$1 want=$2 name=$3
	shift 3
	"$@" "$file"
	exits "$name" 1 verify
	is "$want" "$(codes)" "$want"
}
flip_last() {
	local len
	len=$(stat -c %s "$1")
	printf '\x55' | dd of="$1" bs=1 seek=$((len - 40)) conv=notrunc status=none
}
damage log/tile/0/000.p/5 E_LOG_TILE "a tile that was changed" flip_last
damage log/tile/0/000.p/5 E_LOG_TILE "a tile that is gone" rm
damage log/tile/0/000.p/5 E_LOG_TILE "a tile that was cut" truncate -s 100
damage log/tile/entries/000.p/5 "E_LOG_ENTRIES E_LOG_TILE E_LOG_ROOT" "an entry that was changed" flip_last
damage log/tile/entries/000.p/5 E_LOG_ENTRIES "entries that were cut" truncate -s 300
damage log/tile/entries/000.p/5 E_LOG_ENTRIES "entries that are gone" rm
damage log/checkpoint E_LOG_CHECKPOINT "a checkpoint that was cut" truncate -s 60
damage log/checkpoint E_LOG_CHECKPOINT "a checkpoint that is gone" rm
damage log/checkpoint E_LOG_SIGNATURE "a signature that was changed" \
	sed -i '$ s/....=$/AAA0=/'
fresh
cp $data/older.checkpoint "$TMPDIR/s/log/checkpoint"
exits "an earlier state of the log is a log" 0 verify
exits "and is seen against what left it" 1 verify --old $data/later.checkpoint

fresh
cp $data/record.json "$TMPDIR/s/record.json"
exits "a proof is written beside the record" 0 "$EXPUNGE_CERT" log prove "$TMPDIR/s" --log-key "$key" \
	--record "$TMPDIR/s/record.json"
check "as a tlog-proof" grep -qx 'c2sp.org/tlog-proof@v1' "$TMPDIR/s/record.tlog-proof"
printf '{"id":"01980000-0000-7000-8000-000000000001","note":"another"}' >"$TMPDIR/s/two.json"
exits "another record of that id has none" 1 "$EXPUNGE_CERT" log prove "$TMPDIR/s" --record "$TMPDIR/s/two.json"
check "and leaves no file" test ! -e "$TMPDIR/s/two.tlog-proof"
exits "what is no record is refused" 66 "$EXPUNGE_CERT" log prove "$TMPDIR/s" --record "$key"
exits "a record must be named" 64 "$EXPUNGE_CERT" log prove "$TMPDIR/s"
exits "no such folder" 66 "$EXPUNGE_CERT" log verify "$TMPDIR/nowhere"
exits "no such key" 66 "$EXPUNGE_CERT" log verify "$TMPDIR/s" --log-key "$TMPDIR/nowhere"
exits "what is no key" 66 "$EXPUNGE_CERT" log verify "$TMPDIR/s" --log-key $data/record.json

exits "the checkpoint is printed" 0 "$EXPUNGE_CERT" log checkpoint "$TMPDIR/s" --log-key "$key"
check "byte for byte" cmp -s "$TMPDIR/out" "$TMPDIR/s/log/checkpoint"
sed 's/usb-0001/usb-0002/' "$key" >"$TMPDIR/other.vkey"
exits "a key whose hash does not fit is refused" 66 "$EXPUNGE_CERT" log checkpoint "$TMPDIR/s" \
	--log-key "$TMPDIR/other.vkey"

# the second opinion: entries, root, proof and the signed bytes by hashlib; the signature by openssl
cat >"$TMPDIR/opinion.py" <<'PYTHON'
import base64, hashlib, struct, sys

state, proof, out = sys.argv[1:4]
sha = lambda b: hashlib.sha256(b).digest()


def mth(d):
    if len(d) == 1:
        return sha(b"\0" + d[0])
    k = 1
    while 2 * k < len(d):
        k *= 2
    return sha(b"\1" + mth(d[:k]) + mth(d[k:]))


data = open(state + "/log/tile/entries/000.p/5", "rb").read()
entries = []
while data:
    n = struct.unpack(">H", data[:2])[0]
    entries.append(data[2 : 2 + n])
    data = data[2 + n :]
note = open(state + "/log/checkpoint", "rb").read()
text, sigs = note.rsplit(b"\n\n", 1)
text += b"\n"
origin, size, root = text.decode().split("\n")[:3]
assert int(size) == len(entries) == 5
assert mth(entries) == base64.b64decode(root), "root"
assert open(state + "/log/tile/0/000.p/5", "rb").read() == b"".join(sha(b"\0" + e) for e in entries), "tile"
name, kid, key = open(state + "/log.vkey").read().strip().split("+", 2)
key = base64.b64decode(key)
assert name == origin and key[0] == 1
assert sha(name.encode() + b"\n" + key)[:4].hex() == kid, "key id"
dash, signer, sig = sigs.decode().strip().split(" ")
sig = base64.b64decode(sig)
assert dash == "\u2014" and signer == origin and sig[:4].hex() == kid
lines = open(proof).read().split("\n\n", 1)
head = lines[0].split("\n")
assert head[:2] == ["c2sp.org/tlog-proof@v1", "index 1"] and lines[1].encode() == note, "proof text"
path = [base64.b64decode(h) for h in head[2:]]
# entry 1 of 5: sibling on the left, then two on the right
h = sha(b"\1" + path[0] + sha(b"\0" + entries[1]))
h = sha(b"\1" + h + path[1])
h = sha(b"\1" + h + path[2])
assert len(path) == 3 and h == base64.b64decode(root), "path"
open(out + ".text", "wb").write(text)
open(out + ".sig", "wb").write(sig[4:])
# SubjectPublicKeyInfo of Ed25519: a fixed beginning and the key [RFC 8410]
open(out + ".der", "wb").write(bytes.fromhex("302a300506032b6570032100") + key[1:])
PYTHON
if command -v python3 >/dev/null && command -v openssl >/dev/null; then
	exits "Python agrees on entries, tiles, root, key and proof" 0 \
		python3 "$TMPDIR/opinion.py" "$TMPDIR/s" "$TMPDIR/s/record.tlog-proof" "$TMPDIR/o"
	exits "openssl agrees on the signature" 0 openssl pkeyutl -verify -pubin -keyform DER \
		-inkey "$TMPDIR/o.der" -rawin -in "$TMPDIR/o.text" -sigfile "$TMPDIR/o.sig"
else
	skip "a second opinion" "no python3 or no openssl"
fi
done_testing
