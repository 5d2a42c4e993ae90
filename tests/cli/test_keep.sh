#!/bin/bash
# Boxes on a stick: what stood in the state folder is there again when the state folder is gone, whenever
# the power went; certificates are exported from them; what cannot be relied on is refused beforehand.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh
cd "${TMPDIR:?}" || exit 1
rounds=${KILL_ROUNDS:-4}
S=state
K=stick
run() {
	"$EXPUNGE" run "$1" --level clear --technique overwrite-random --confirm "$1" --keep "${2:-$K}" --state "$S" \
		--quiet --json >run.out 2>run.err </dev/null
}
image() { head -c "${2:-4194304}" /dev/urandom >"$1"; }
exits() { # exits CODE COMMAND...
	local want=$1 got=0
	shift
	"$@" >out.txt 2>&1 </dev/null || got=$?
	[ "$got" -eq "$want" ] || { sed 's/^/# /' out.txt; return 1; }
}
untouched() { cmp -s "$1" "$1.before"; }

# --- made, and never over others ---
check 'boxes are made' exits 0 "$EXPUNGE" keep make "$K" --bytes 8388608
is 'both have the size' "$(stat -c %s "$K"/expunge-[ab].box | tr '\n' ' ')" '8388608 8388608 '
check 'they are not made over others' exits 4 "$EXPUNGE" keep make "$K" --bytes 8388608
check 'a size that is none' exits 64 "$EXPUNGE" keep make other --bytes 100

# --- nothing is missed: what stands in the state folder comes back from the boxes alone ---
mkdir "$K/certificates"
image one.img
check 'a run keeps everything there, too' run one.img
"$EXPUNGE" status --all --keep "$K" --state again >status.txt 2>&1
is 'all of it comes back, but for tiles that wider ones replaced' \
	"$(diff -r "$S" again | grep -vE 'tile/.*\.p: |(log\.lock|keep\.id)$')" ''
is 'with the modes of keys' "$(stat -c %a again/log.key again/host.key again/jobs/*/journal.jsonl | tr '\n' ' ')" \
	'600 600 600 '
check 'status shows the job' grep -q 'ended' status.txt
id=$(jq -r '.results[0].job' run.out)

# --- exported ---
check 'certificates stand beside the boxes by themselves' test -s "$K/certificates/$id.json.p7s"
check 'export writes them' exits 0 "$EXPUNGE" export out --keep "$K"
check 'they verify' exits 0 "$EXPUNGE_CERT" verify out --trust out/host.crt --log-key out/log.vkey \
	--require-level clear --require-scope logical-unit
check 'the log verifies' exits 0 "$EXPUNGE_CERT" log verify out/log --log-key out/log.vkey
is 'neither keys nor journals go along' "$(find out -name '*.key' -o -name '*.jsonl')" ''
"$EXPUNGE" export out --keep "$K" --json >report.json
is 'again it writes nothing' "$(jq -r '[.written, .mended, (.missing | length), (.differs | length)] | join(" ")' report.json)" '0 0 0 0'
truncate -s 100 "out/$id.json"
head -c 500 /dev/zero >"out/$id.json.p7s"
echo x >"out/.$id.json.0123456789abcdef.tmp"
"$EXPUNGE" export out --keep "$K" --json >report.json
is 'what a pulled stick left torn is whole again' "$(jq -r .mended report.json)" 2
check 'and verifies' exits 0 "$EXPUNGE_CERT" verify out --trust out/host.crt --log-key out/log.vkey --require-level clear --require-scope logical-unit
is 'half a file is gone' "$(find out -name '*.tmp')" ''
jq -cS '.case = "another"' "$S/certificates/$id.json" | tr -d '\n' >"out/$id.json"
check 'a whole file that says something else is left' exits 1 "$EXPUNGE" export out --keep "$K"
check 'and is named' grep -q "$id.json" out.txt
"$EXPUNGE" export out2 --state "$S" >/dev/null 2>&1
is 'from the state folder the same comes' "$(diff -rq out out2 | grep -v "$id.json")" ''
mkdir foreign
"$EXPUNGE_CERT" keys setup ca --organization O --name N >/dev/null 2>&1
sed 's/^[^+]*/other.example\/usb-1/' out2/log.vkey >foreign/log.vkey
"$EXPUNGE" keep make stick2 --bytes 4194304 2>/dev/null
image two.img
S=state2 run two.img stick2
cp out2/log.vkey foreign/
check 'a folder with the log of another stick is refused' exits 4 "$EXPUNGE" export foreign --keep stick2
if command -v mkfs.vfat >/dev/null && [ "$(id -u)" -eq 0 ] && losetup -f >/dev/null 2>&1; then
	truncate -s 1M tiny.fat && mkfs.vfat tiny.fat >/dev/null && mkdir tiny
	if mount -o loop tiny.fat tiny 2>/dev/null; then
		trap 'umount tiny 2>/dev/null' EXIT
		head -c 1034000 /dev/zero >tiny/filler 2>/dev/null
		check 'a full folder: what is missing is named' exits 1 "$EXPUNGE" export tiny --keep "$K"
		check 'by its name' grep -q 'could not be written: .*json' out.txt
		rm tiny/filler
		check 'with room it is all there' exits 0 "$EXPUNGE" export tiny --keep "$K"
		umount tiny
		trap - EXIT
	else
		skip 'a full folder' 'no mount here'
	fi
else
	skip 'a full folder' 'no FAT here'
fi

# --- refused before the first erase ---
image victim.img
cp victim.img victim.img.before
S=state3
refused() { # refused NAME KEEP WORD: run refuses, says WORD, touches nothing
	run victim.img "$2"
	is "$1: exits 4" $? 4
	check "$1: says why" grep -q "$3" run.err run.out
	check "$1: untouched" untouched victim.img
}
refused 'no such folder' nowhere 'no_durable_output'
refused 'no boxes' foreign 'keep make'
cp -r --sparse=never "$K" gone && rm gone/expunge-b.box
refused 'one box gone' gone 'keep repair'
check 'one box is enough to export' exits 0 "$EXPUNGE" export out3 --keep gone
check 'repaired' exits 0 "$EXPUNGE" keep repair gone
is 'as the other' "$(cmp gone/expunge-a.box gone/expunge-b.box 2>&1 | grep -c EOF)" 0
cp -r --sparse=never "$K" mixed && cp --sparse=never stick2/expunge-b.box mixed/
refused 'another size' mixed 'different sticks'
cp -r --sparse=never "$K" torn
for box in torn/expunge-[ab].box; do printf 'XXXXXXXX' | dd of="$box" conv=notrunc 2>/dev/null; done
refused 'both damaged' torn 'neither box can be used'
mkdir sparse && truncate -s 4M sparse/expunge-a.box sparse/expunge-b.box
refused 'boxes with holes' sparse 'holes'
"$EXPUNGE" keep make small --bytes 1048576 2>/dev/null
image v2.img && cp v2.img v2.img.before
"$EXPUNGE" run victim.img v2.img --level clear --confirm victim.img --confirm v2.img --keep small --state state4 \
	--json >run.out 2>run.err </dev/null
is 'room for one of two: exits 4' $? 4
is 'both are refused, before the first erase' "$(jq -r '[.results[].outcome] | unique | join(" ")' run.out)" refused
check 'and untouched' untouched victim.img
check 'the other, too' untouched v2.img
S=state2
refused 'the state folder of another stick' "$K" 'holds something else'

# --- killed at any moment, and started again with nothing but the stick ---
S=state
lost=0 ended=0 left=0
for ((i = 0; i < rounds || (left == 0 && i < 40); i++)); do
	rm -rf "$S"
	"$EXPUNGE" status --keep "$K" --state "$S" >/dev/null 2>&1
	mapfile -t before < <(ls "$S/jobs")
	image kill.img $((4 << 20))
	"$EXPUNGE" run kill.img --level clear --technique overwrite-random --confirm kill.img --keep "$K" --state "$S" --quiet \
		>run.out 2>run.err </dev/null &
	pid=$!
	while now=("$S"/jobs/*) && [ ${#now[@]} -le ${#before[@]} ] && kill -0 $pid 2>/dev/null; do sleep 0.002; done
	new=${now[-1]##*/}
	# a machine may be too fast for that: a moment less each time
	sleep "0.0$(printf %02d $((RANDOM % (90 / (i + 1)) + 2)))"
	{ kill -9 $pid && wait $pid; } 2>/dev/null
	rm -rf "$S"
	state=$("$EXPUNGE" status --all --keep "$K" --state "$S" --json 2>/dev/null | jq -r --arg j "$new" '.jobs[] | select(.job == $j) | .state')
	case $state in
	interrupted)
		left=$((left + 1))
		"$EXPUNGE" resume "$new" --keep "$K" --state "$S" --quiet >res.out 2>&1 </dev/null || {
			sed 's/^/# /' res.out
			lost=$((lost + 1))
		}
		;;
	ended) ended=$((ended + 1)) ;;
	'') ;; # it died before its first line: then nothing was touched
	*) lost=$((lost + 1)) ;;
	esac
	rm -rf "$S"
done
echo "# $left were interrupted, $ended had ended"
is 'each goes on to its end from the boxes alone' $lost 0
check 'some were interrupted' test $left -gt 0
rm -rf all
check 'all is exported' exits 0 "$EXPUNGE" export all --keep "$K"
check 'all verifies' exits 0 "$EXPUNGE_CERT" verify all --trust all/host.crt --log-key all/log.vkey --require-level clear --require-scope logical-unit
check 'and the log holds all of it' exits 0 "$EXPUNGE_CERT" log verify all/log --log-key all/log.vkey
done_testing
