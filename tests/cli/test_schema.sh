#!/bin/bash
# certs/record.schema.json, read by a JSON Schema validator that is not ours, and the reader in C agree:
# good records pass both, and whatever the schema refuses is refused by `expunge-cert show` as well.
# shellcheck source=tests/cli/tap.sh
. tests/cli/tap.sh

if ! python3 -c 'import jsonschema; jsonschema.Draft202012Validator' 2>"$TMPDIR/python"; then
	skip "the schema agrees with the reader" "no python3-jsonschema with draft 2020-12"
	done_testing
fi

cat >"$TMPDIR/agree.py" <<'PYTHON'
import copy, glob, json, re, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
import jsonschema

program, folder = sys.argv[1], sys.argv[2]
schema = json.load(open("certs/record.schema.json"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
goods = {p: json.load(open(p)) for p in sorted(glob.glob("tests/fuzz/corpus/record/good-*.json"))}


def canonical(tree):
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def nodes(value, path=()):
    yield path
    if isinstance(value, dict):
        for k, v in value.items():
            # what an organization writes there is its own
            if path + (k,) not in (("policy", "document"), ("ext",)):
                yield from nodes(v, path + (k,))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from nodes(v, path + (i,))


def at(tree, path):
    for step in path:
        tree = tree[step]
    return tree


def other_type(value):
    return {str: 7, bool: "yes", int: "7", dict: [], list: {}}[type(value)]


def changed(tree, path, value):
    tree = copy.deepcopy(tree)
    at(tree, path[:-1])[path[-1]] = value
    return tree


def mutants():
    seen = set()
    for tree in goods.values():
        for path in nodes(tree):
            kind = at(tree, path[:-1]).get("kind", "") if path and isinstance(at(tree, path[:-1]), dict) else ""
            place = tuple("#" if isinstance(s, int) else s for s in path) + (str(kind),)
            if place in seen:
                continue
            seen.add(place)
            name, value = "/".join(map(str, path)) or "(root)", at(tree, path)
            if isinstance(value, dict):
                bad = copy.deepcopy(tree)
                at(bad, path)["unheard_of"] = 1
                yield "unknown key in " + name, bad
            if not path:
                continue
            yield "other type at " + name, changed(tree, path, other_type(value))
            if isinstance(path[-1], str):
                bad = copy.deepcopy(tree)
                del at(bad, path[:-1])[path[-1]]
                yield "without " + name, bad
            if isinstance(value, str):
                yield "odd text at " + name, changed(tree, path, "\u00e9 ~")
                yield "long text at " + name, changed(tree, path, value * (150000 // len(value)))
            elif isinstance(value, int) and not isinstance(value, bool):
                yield "negative " + name, changed(tree, path, -1)
                yield "huge " + name, changed(tree, path, 2**53)
    # fields that belong to another kind of phase, content or readback
    tree = goods["tests/fuzz/corpus/record/good-full.json"]
    sample = goods["tests/fuzz/corpus/record/good-sample.json"]
    device = goods["tests/fuzz/corpus/record/good-command.json"]["evidence"]
    command, before = device[1]["command"], device[4]["baseline"]
    back, erase = tree["evidence"][2]["readback"], tree["evidence"][1]["overwrite"]
    for i, key, value in ((0, "technique", "overwrite-zero"), (0, "readback", back), (1, "readback", back),
                          (1, "command", command), (2, "overwrite", erase), (2, "command", command),
                          (0, "baseline", before), (2, "baseline", before)):
        yield f"stray {key} in phase {i}", changed(tree, ("evidence", i, key), value)
    for key in ("scheme", "seed", "seed_mode"):
        value = sample["evidence"][2]["readback"][key]
        yield "stray " + key, changed(tree, ("evidence", 2, "readback", key), value)
    for key, value in (("pattern", "00"), ("key", "00" * 16)):
        yield "stray " + key, changed(tree, ("evidence", 1, "overwrite", "content", key), value)
    yield "stray partition start", changed(tree, ("media", "partition_start_bytes"), "0")
    yield "partition without start", changed(tree, ("media", "partition"), 1)
    for key, value in tree["verification"].items():
        none = changed(tree, ("verification",), {"mode": "none"})
        if key != "mode":
            none["verification"][key] = value
            yield "none with " + key, none


def show(name):
    done = subprocess.run([program, "show", name], capture_output=True)
    return done.returncode, done.stderr.decode()


count = 0


def report(good, text):
    global count
    count += 1
    print("ok" if good else "not ok", count, "-", text)


for path, tree in goods.items():
    errors = [f"{e.json_path}: {e.message[:80]}" for e in validator.iter_errors(tree)]
    code, said = show(path)
    report(not errors and code == 0, f"{path} passes both")
    for line in errors + said.splitlines():
        print("#", line)

cases = []
every = 5 if "/san/" in program else 1  # a sanitizer's start takes its time
for i, (name, tree) in enumerate(mutants()):
    if i % every:
        continue
    path = f"{folder}/mutant-{i}.json"
    open(path, "w").write(canonical(tree))
    cases.append((name, path, validator.is_valid(tree)))
with ThreadPoolExecutor(2) as pool:
    answers = list(pool.map(show, [c[1] for c in cases]))

# beyond form: what only the reader can see is no matter of the schema
beyond = re.compile(r"E_RECORD_DERIVED|E_JSON_|E_SCHEMA_STRING_TOO_LONG|E_SCHEMA_VALUE: crit|E_SCHEMA_VALUE: ext\.")
refused = missed = stricter = 0
for (name, path, valid), (code, said) in zip(cases, answers):
    refused += not valid
    if not valid and code not in (1, 2):
        missed += 1
        print("# the reader accepts:", name)
    elif valid and code != 0 and not beyond.search(said):
        stricter += 1
        print("# the schema accepts:", name, "-", said.strip()[:160])
    elif code not in (0, 1, 2):
        missed += 1
        print("# exit code", code, "for", name)
report(refused > 500 // every, f"the schema refuses {refused} of {len(cases)} changed records")
report(missed == 0, "the reader refuses each of them")
report(stricter == 0, "what the reader refuses by form, the schema refuses")
print(f"1..{count}")
PYTHON
python3 "$TMPDIR/agree.py" "$EXPUNGE_CERT" "$TMPDIR"
