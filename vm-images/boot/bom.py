#!/usr/bin/env python3
"""Writes the bill of materials of the boot image, SPDX 2.3 as JSON: every package with its version, every
file with its hashes.

    bom.py VERSION SECONDS-SINCE-1970 <LIST

LIST has a line a file: its name in the image, the file here, the package, the package's version, with tabs
between them."""
import hashlib
import json
import re
import sys
import time


def digests(path):
    with open(path, "rb") as f:
        data = f.read()
    return hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest()


def package(name, version, ours):
    return {
        "SPDXID": "SPDXRef-Package-" + re.sub(r"[^A-Za-z0-9.-]", "-", name),
        "name": name,
        "versionInfo": version,
        "supplier": "NOASSERTION" if ours else "Organization: the distribution's package " + name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0" if ours else "NOASSERTION",
        "copyrightText": "NOASSERTION",
    }


def main():
    version, seconds = sys.argv[1], int(sys.argv[2])
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    lines = sorted(tuple(line.rstrip("\n").split("\t")) for line in sys.stdin)
    packages, files, relations, sha1s = {}, [], [], []
    for number, (name, path, origin, origin_version) in enumerate(lines, 1):
        sha1, sha256 = digests(path)
        sha1s.append(sha1)
        known = packages.setdefault(origin, package(origin, origin_version, origin == "expunge"))
        if known["versionInfo"] != origin_version:
            sys.exit("bom: two versions of " + origin)
        spdx = "SPDXRef-File-%d" % number
        files.append({
            "SPDXID": spdx,
            "fileName": "./" + name,
            "checksums": [{"algorithm": "SHA1", "checksumValue": sha1},
                          {"algorithm": "SHA256", "checksumValue": sha256}],
            "licenseConcluded": "NOASSERTION",
            "licenseInfoInFiles": ["NOASSERTION"],
            "copyrightText": "NOASSERTION",
        })
        relations.append((spdx, "GENERATED_FROM", known["SPDXID"]))
    code = hashlib.sha1("".join(sorted(sha1s)).encode()).hexdigest()
    image = {
        "SPDXID": "SPDXRef-Image",
        "name": "expunge-boot-image",
        "versionInfo": version,
        "supplier": "NOASSERTION",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": True,
        "packageVerificationCode": {"packageVerificationCodeValue": code},
        "hasFiles": [f["SPDXID"] for f in files],
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "licenseInfoFromFiles": ["NOASSERTION"],
        "copyrightText": "NOASSERTION",
    }
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")] + [
        ("SPDXRef-Image", "CONTAINS", p["SPDXID"]) for _, p in sorted(packages.items())
    ] + relations
    json.dump({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "expunge-boot-image-" + version,
        "documentNamespace": "https://spdx.org/spdxdocs/expunge-boot-image-%s-%s" % (version, code),
        "creationInfo": {"created": created, "creators": ["Tool: expunge-boot-image-" + version]},
        "packages": [image] + [p for _, p in sorted(packages.items())],
        "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b}
                          for a, kind, b in relations],
    }, sys.stdout, indent=1, sort_keys=True)
    print()


main()
