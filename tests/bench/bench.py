#!/usr/bin/env python3
"""Speed against the peers that are installed: ratios of one interleaved run, medians, CPU seconds.

MB/s and CPU seconds are those of the job itself where the program tells them (expunge, fio), else of
the program's whole run (nwipe takes two seconds to start). Only loop devices that this script attached itself, over files that it made in a temporary folder, are
ever written to; before each destructive command that is checked again. Needs root.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GIB = 1 << 30
BENCH = "build/release/bench/bench_io"
PREFIX = "expunge-bench-"


class Device:
    """A file and the loop device over it."""

    def __init__(self, folder, name, size):
        self.file = os.path.join(folder, PREFIX + name + ".img")
        self.size = size
        self.path = None
        with open(self.file, "wb") as f:
            block = b"\0" * (4 << 20)
            for _ in range(size // len(block)):
                f.write(block)
        out = subprocess.run(
            ["losetup", "-f", "--show", "--direct-io=on", "--sector-size", "4096", self.file],
            capture_output=True, text=True)
        if out.returncode != 0:
            raise SystemExit("no loop device: " + out.stderr.strip())
        self.path = out.stdout.strip()
        self.check()

    def check(self):
        """The device is ours, or nothing goes on."""
        if not re.fullmatch(r"/dev/loop[0-9]+", self.path or ""):
            raise SystemExit(f"{self.path} is no loop device")
        with open(f"/sys/block/{os.path.basename(self.path)}/loop/backing_file") as f:
            if f.read().strip() != self.file:
                raise SystemExit(f"{self.path} is no longer over {self.file}")
        return self.path

    def close(self):
        if self.path:
            subprocess.run(["losetup", "-d", self.path], check=False)
        if os.path.exists(self.file):
            os.unlink(self.file)


def watch_rss(pid, peak, stop):
    """The peak of the program itself: that of wait4 holds what was there before its exec, too."""
    while not stop.wait(0.05):
        try:
            with open(f"/proc/{pid}/status") as f:
                found = re.search(r"VmHWM:\s*(\d+)", f.read())
        except OSError:
            return
        if found:
            peak[0] = max(peak[0], int(found.group(1)))


def run(argv, env=None):
    """Runs a program: wall and CPU seconds, peak RSS in KiB, output, exit code."""
    t0 = time.monotonic_ns()
    full = dict(os.environ, **(env or {}), LC_ALL="C")
    with tempfile.TemporaryFile("w+") as out:
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.STDOUT, env=full)
        peak, stop = [0], threading.Event()
        watcher = threading.Thread(target=watch_rss, args=(p.pid, peak, stop))
        watcher.start()
        _, status, usage = os.wait4(p.pid, 0)
        wall = (time.monotonic_ns() - t0) / 1e9
        stop.set()
        watcher.join()
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "rss": peak[0], "out": text, "rc": p.returncode}


def ours(op, content, devices, *more):
    r = run([BENCH, *more, op, content, *[d.check() for d in devices]],
            {"XP_BENCH_T0_NS": str(time.monotonic_ns())})
    if r["rc"] != 0:
        raise SystemExit("bench_io: " + r["out"])
    j = json.loads(r["out"].strip().splitlines()[-1])
    if j["mismatches"]:
        raise SystemExit(f"{op} {content}: {j['mismatches']} blocks differ")
    return {"seconds": j["seconds"], "wall": r["wall"], "bytes": j["bytes"],
            "cpu": j["cpu_s"], "rss": j["rss_kib"], "detail": j}


def fio(rw, device, *more):
    argv = ["fio", "--name=b", "--filename=" + device.check(), "--rw=" + rw,
            "--ioengine=io_uring", "--direct=1", "--output-format=json", "--thread",
            "--fallocate=none", "--randrepeat=0", *more]
    if "read" in rw:
        argv.append("--readonly")
    r = run(argv)
    if r["rc"] != 0:
        raise SystemExit("fio: " + r["out"][-400:])
    job = json.loads(r["out"][r["out"].index("{"):])["jobs"][0]
    side = job["read" if "read" in rw else "write"]
    return {"seconds": side["bw_bytes"] and side["io_bytes"] / side["bw_bytes"],
            "wall": r["wall"], "bytes": side["io_bytes"], "rss": r["rss"],
            "cpu": (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] / 1000}


FIO_LIMIT = ["--bs=4M", "--iodepth=2", "--fixedbufs", "--registerfiles"]


def nwipe(method, device, *more):
    log = os.path.join(os.path.dirname(device.file), "nwipe.log")
    if os.path.exists(log):
        os.unlink(log)
    r = run(["nwipe", "--nogui", "--autonuke", "--nowait", "--noblank", "--verify=off",
             "--method=" + method, "--logfile=" + log, *more, device.check()])
    if r["rc"] != 0:
        return None
    return {"seconds": r["wall"], "wall": r["wall"], "bytes": device.size, "cpu": r["cpu"],
            "rss": r["rss"]}


def shred(device, *more):
    r = run(["shred", *more, device.check()])
    if r["rc"] != 0:
        return None
    return {"seconds": r["wall"], "wall": r["wall"], "bytes": device.size, "cpu": r["cpu"],
            "rss": r["rss"]}


def interleave(contestants, rounds):
    """A B A B: {name: [samples]}; one that cannot run is left out. The first round only warms up."""
    samples = {name: [] for name, _ in contestants}
    gone = set()
    for i in range(rounds + 1):
        for name, one in contestants:
            if name in gone:
                continue
            s = one()
            if s is None:
                gone.add(name)
            elif i:
                samples[name].append(s)
    return {name: s for name, s in samples.items() if s and name not in gone}


def median(samples, key):
    return statistics.median(s[key] for s in samples)


def rate(samples):
    return statistics.median(s["bytes"] / s["seconds"] / 1e6 for s in samples)


def cpu_per_gib(samples):
    return statistics.median(s["cpu"] / (s["bytes"] / GIB) for s in samples)


def has_vaes():
    with open("/proc/cpuinfo") as f:
        return re.search(r"\bvaes\b", f.read()) is not None


class Report:
    def __init__(self):
        self.rows = []
        self.goals = []

    def add(self, test, results):
        for name, samples in results.items():
            self.rows.append({"test": test, "who": name, "n": len(samples),
                              "mb_s": round(rate(samples), 1),
                              "cpu_s_gib": round(cpu_per_gib(samples), 4),
                              "rss_mib": round(median(samples, "rss") / 1024, 1)})

    def goal(self, number, text, value, limit, met):
        self.goals.append({"goal": number, "what": text, "value": value, "limit": limit,
                           "met": bool(met)})

    def show(self):
        print(f"{'test':<22} {'who':<22} {'n':>2} {'MB/s':>9} {'CPU-s/GiB':>10} {'RSS MiB':>8}")
        for r in self.rows:
            print(f"{r['test']:<22} {r['who']:<22} {r['n']:>2} {r['mb_s']:>9.0f} "
                  f"{r['cpu_s_gib']:>10.3f} {r['rss_mib']:>8.1f}")
        print()
        for g in self.goals:
            print(f"goal {g['goal']}: {'met   ' if g['met'] else 'MISSED'} {g['what']}: "
                  f"{g['value']} ({g['limit']})")


def bench_zero_write(report, dev, rounds, have):
    who = [("expunge", lambda: ours("write", "zero", [dev]))]
    if have["fio"]:
        who.append(("fio 4M qd2 fixed", lambda: fio("write", dev, "--zero_buffers", *FIO_LIMIT)))
    who.append(("shred -n0 -z", lambda: shred(dev, "-n0", "-z")))
    if have["nwipe"]:
        who.append(("nwipe zero", lambda: nwipe("zero", dev)))
    res = interleave(who, rounds)
    report.add("write zero", res)
    cpu = cpu_per_gib(res["expunge"])
    report.goal(1, "zero overwrite, CPU-s/GiB", round(cpu, 4), "<= 0.03", cpu <= 0.03)
    if "fio 4M qd2 fixed" in res:
        ratio = rate(res["expunge"]) / rate(res["fio 4M qd2 fixed"])
        report.goal(1, "zero overwrite, ratio to fio 4M fixedbufs", round(ratio, 3), ">= 0.95",
                    ratio >= 0.95)


def bench_random_write(report, dev, rounds, have):
    who = [("expunge", lambda: ours("write", "random", [dev])),
           ("expunge, EVP", lambda: ours("write", "random", [dev], "--portable")),
           ("shred -n1", lambda: shred(dev, "-n1"))]
    if have["nwipe"]:
        who += [(f"nwipe {p}", lambda p=p: nwipe("random", dev, "--prng=" + p))
                for p in ("isaac64", "twister")]
    res = interleave(who, rounds)
    report.add("write random", res)
    evp = cpu_per_gib(res["expunge, EVP"])
    report.goal(2, "random overwrite by EVP, CPU-s/GiB", round(evp, 4), "<= 0.22", evp <= 0.22)
    if has_vaes():
        cpu = cpu_per_gib(res["expunge"])
        report.goal(2, "random overwrite by VAES, CPU-s/GiB", round(cpu, 4), "<= 0.10",
                    cpu <= 0.10)
    peers = [rate(s) for n, s in res.items() if n.startswith("nwipe")]
    if peers:
        # both by the whole run of the program
        mine = statistics.median(s["bytes"] / s["wall"] / 1e6 for s in res["expunge"])
        report.goal(2, "random overwrite, ratio to nwipe's fastest", round(mine / max(peers), 2),
                    ">= 2", mine >= 2 * max(peers))


def bench_verify(report, dev, rounds, have):
    for content, limit in (("zero", 0.09), ("random", 0.27)):
        ours("write", content, [dev])
        who = [("expunge", lambda c=content: ours("verify", c, [dev])),
               ("expunge, portable", lambda c=content: ours("verify", c, [dev], "--portable"))]
        if have["fio"]:
            who.append(("fio read 4M qd2", lambda: fio("read", dev, *FIO_LIMIT)))
        if have["nwipe"] and content == "zero":
            who.append(("nwipe verify_zero", lambda: nwipe("verify_zero", dev)))
        res = interleave(who, rounds)
        report.add("verify " + content, res)
        cpu = cpu_per_gib(res["expunge, portable"])
        report.goal(3, f"full verify of {content}, no wide instructions, CPU-s/GiB",
                    round(cpu, 4), f"<= {limit}", cpu <= limit)
        if content == "random" and has_vaes():
            cpu = cpu_per_gib(res["expunge"])
            report.goal(3, "full verify of random by VAES, CPU-s/GiB", round(cpu, 4), "<= 0.15",
                        cpu <= 0.15)
        delivered = min(s["bytes"] for s in res["expunge"])
        report.goal(3, f"full verify of {content}, bytes delivered by the device", delivered,
                    f"== {dev.size}", delivered == dev.size)


def bench_many(report, folder, size, rounds):
    cap = 250_000_000
    devices = []
    try:
        for i in range(8):
            devices.append(Device(folder, f"many{i}", size))
        res = interleave(
            [("expunge, 8 drives", lambda: ours("write", "random", devices, f"--cap={cap}")),
             ("expunge, 1 drive", lambda: ours("write", "random", devices[:1], f"--cap={cap}"))],
            rounds)
    finally:
        for d in devices:
            d.close()
    report.add("write random, 250 MB/s", res)
    eight, one = res["expunge, 8 drives"], res["expunge, 1 drive"]
    slowest = statistics.median(
        min(d["bytes"] / d["seconds"] for d in s["detail"]["drives"]) for s in eight)
    report.goal(4, "eight drives capped at 250 MB/s, the slowest one's share of its cap",
                round(slowest / cap, 3), ">= 0.95", slowest >= 0.95 * cap)
    rss = median(eight, "rss") / 1024
    report.goal(4, "eight drives, RSS in MiB", round(rss, 1), "<= 80", rss <= 80)
    ratio = cpu_per_gib(eight) / cpu_per_gib(one)
    report.goal(4, "eight drives, CPU per GiB against that of one", round(ratio, 3), "<= 1.1",
                ratio <= 1.1)


def bench_sample(report, dev, rounds, have):
    n = 2000
    ours("write", "zero", [dev])
    who = [("expunge", lambda: ours(f"sample={n}", "zero", [dev]))]
    always = ours("sample=1", "zero", [dev])
    if have["fio"]:
        # the same bytes: the drawn places, and as much more as the places that are always read
        total = ours(f"sample={n}", "zero", [dev])["bytes"]
        who.append(("fio randread 4k qd32",
                    lambda: fio("randread", dev, "--bs=4k", "--iodepth=32", "--fixedbufs",
                                "--registerfiles", "--norandommap",
                                f"--number_ios={total // 4096}")))
    res = interleave(who, max(rounds, 11))
    report.add("sampled verify", res)
    if len(res) == 2:
        ratio = (median(res["expunge"], "seconds") /
                 median(res["fio randread 4k qd32"], "seconds"))
        report.goal(5, f"sampled verify of {n} extents and {always['bytes'] >> 20} MiB of fixed "
                    "places, time against fio randread of as many bytes", round(ratio, 3),
                    "<= 1.1", ratio <= 1.1)


def bench_start(report, dev, rounds):
    res = [ours("write", "zero", [dev])["detail"]["first_write_s"] for _ in range(rounds)]
    first = statistics.median(res)
    report.goal(8, "start of the program to the first write, seconds", round(first, 4), "<= 0.1",
                first <= 0.1)


def bench_others(report):
    """Any other bench_* program: lines of JSON {goal, what, value, limit, met}."""
    folder = os.path.dirname(BENCH)
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name == "bench_io" or not os.access(path, os.X_OK):
            continue
        r = run([path])
        if r["rc"] != 0:
            print(f"{name}: exit {r['rc']}: {r['out'][-400:]}", file=sys.stderr)
            continue
        for line in r["out"].splitlines():
            if line.startswith("{"):
                g = json.loads(line)
                report.goal(g["goal"], g["what"], g["value"], g["limit"], g["met"])


def machine():
    with open("/proc/cpuinfo") as f:
        model = re.search(r"model name\s*:\s*(.*)", f.read())
    return {"cpu": model.group(1) if model else "unknown", "cores": os.cpu_count(),
            "kernel": os.uname().release, "load": os.getloadavg()[0]}


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--size-mib", type=int, default=1024, help="size of the target")
    ap.add_argument("--rounds", type=int, default=5)
    ap.add_argument("--folder", default="/dev/shm", help="where the backing files are made")
    ap.add_argument("--only", default="zero,random,verify,many,sample,start,others")
    ap.add_argument("--without", default="", help="peers to leave out: fio,nwipe")
    ap.add_argument("--json", default="build/bench.json")
    args = ap.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("make bench: needs root, for loop devices")
    without = args.without.split(",")
    have = {p: bool(shutil.which(p)) and p not in without for p in ("fio", "nwipe")}
    report = Report()
    wanted = args.only.split(",")
    began = time.time()
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=args.folder) as folder:
        dev = None
        try:
            dev = Device(folder, "a", args.size_mib << 20)
            steps = [("zero", lambda: bench_zero_write(report, dev, args.rounds, have)),
                     ("random", lambda: bench_random_write(report, dev, args.rounds, have)),
                     ("verify", lambda: bench_verify(report, dev, args.rounds, have)),
                     ("sample", lambda: bench_sample(report, dev, args.rounds, have)),
                     ("start", lambda: bench_start(report, dev, args.rounds))]
            for name, step in steps:
                if name in wanted:
                    print(f"... {name}", file=sys.stderr)
                    step()
        finally:
            if dev:
                dev.close()
        if "many" in wanted:
            print("... many", file=sys.stderr)
            bench_many(report, folder, args.size_mib << 20 >> 1, max(3, args.rounds // 2))
    if "others" in wanted:
        bench_others(report)
    report.goals.sort(key=lambda g: g["goal"])
    m = machine()
    print(f"{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}, load {m['load']:.1f}, "
          f"{time.time() - began:.0f} s\n")
    report.show()
    os.makedirs(os.path.dirname(args.json) or ".", exist_ok=True)
    with open(args.json, "w") as f:
        json.dump({"machine": m, "size_mib": args.size_mib, "rows": report.rows,
                   "goals": report.goals}, f, indent=1)
    print(f"\nwritten to {args.json}")


if __name__ == "__main__":
    main()
