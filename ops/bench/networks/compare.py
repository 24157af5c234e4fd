"""Every network here and elsewhere, turn and turn about in one run: see `run`.

One process a contestant, all of a row alive together, each in turn alone at work. Of PyTorch's layouts the better one
takes part. A ratio is the median over turns of peer's time by ours.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

import torch

import peers


def peak_mebibytes():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) // 1024


class Contestant:
    """A process that answers a line `N` with the seconds of N calls, and says first that it is ready."""

    def __init__(self, name, reader, writer, process):
        self.name, self.reader, self.writer, self.process, self.peak = name, reader, writer, process, 0
        self.times, self.alive = [], self.answer() is not None

    def answer(self):
        line = self.reader.readline()
        if not line:
            return None
        said = json.loads(line)
        self.peak = said["peakMiB"]
        return said["seconds"]

    def turn(self, calls):
        self.writer.write(f"{calls}\n")
        self.writer.flush()
        seconds = self.answer()
        if seconds is None:
            self.alive = False
            return float("nan")
        return min(seconds)

    def end(self):
        for stream in (self.writer, self.reader):
            with contextlib.suppress(OSError):
                stream.close()
        if isinstance(self.process, int):
            os.waitpid(self.process, 0)
        else:
            self.process.wait()


def forked(name, prepare, threads, everyone):
    """PyTorch is loaded once; each peer is a copy of this process."""
    ours, theirs = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        for other in everyone:
            other.writer.close()
        os.close(ours[1])
        os.close(theirs[0])
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        if not os.environ.get("VERBOSE"):
            os.dup2(null, 2)
        status = 1
        try:
            torch.set_num_threads(threads)
            torch.manual_seed(1)
            call = prepare()
            with os.fdopen(ours[0]) as turns, os.fdopen(theirs[1], "w") as answers:
                if call:
                    serve(call, turns, answers)
            status = 0
        except Exception as error:
            print(name, error, file=sys.stderr)
        finally:
            os._exit(status)
    os.close(ours[0])
    os.close(theirs[1])
    return os.fdopen(theirs[0]), os.fdopen(ours[1], "w"), child


def serve(call, turns, answers):
    call()
    line = "0"
    while line:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - start)
        answers.write(json.dumps({"seconds": seconds, "peakMiB": peak_mebibytes()}) + "\n")
        answers.flush()
        line = turns.readline()


def multiplies_bf16():
    with open("/proc/cpuinfo") as file:
        flags = file.read().split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


class Comparison:
    def __init__(self, options):
        self.options = options
        self.cache = options.cache
        # Elsewhere all emulate bf16, many times slower than fp32: nobody would run it.
        self.precisions = ("fp32", "bf16") if multiplies_bf16() else ("fp32",)
        os.makedirs(self.cache, exist_ok=True)

    def ours(self, row, precision):
        command = [self.options.program, "bench", "networks", "--row", row, "--precision", precision, "--threads", str(self.options.threads)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return Contestant(f"{'peak' if row == 'peak' else 'ours'} {precision}", process.stdout, process.stdin, process)

    def peer(self, row, name, variant, everyone):
        path = os.path.join(self.cache, row + ".onnx")
        return Contestant(
            f"{name} {variant}",
            *forked(name, lambda: peers.PEERS[name](row, variant, path), self.options.threads, everyone))

    def aside(self, name, work):
        """In a process of its own; what it makes stays in a file."""
        reader, writer, child = forked(name, work, self.options.threads, [])
        reader.close(), writer.close()
        return os.waitpid(child, 0)[1] == 0

    def operations(self, row):
        path = os.path.join(self.cache, row + ".operations")
        if not os.path.exists(path):

            def count():
                total = peers.operations(row)
                with open(path, "w") as file:
                    file.write(str(total))

            self.aside("counting", count)
        return int(open(path).read()) if os.path.exists(path) else None

    def better(self, row, precision, everyone):
        """The better of PyTorch's two layouts, by two calls each."""
        kept = None
        for layout in ("eager", "last"):
            new = self.peer(row, "pytorch", f"{precision}-{layout}", everyone + ([kept] if kept else []))
            new.first = new.turn(2) if new.alive else float("inf")
            if kept is None or new.first < kept.first:
                kept, new = new, kept
            if new:
                new.end()
        return kept

    def contestants(self, row):
        made = []
        try:
            for precision in self.precisions:
                made.append(self.ours(row, precision))
            if not self.options.ours:
                for precision in self.precisions:
                    made.append(self.better(row, precision, made))
                if row in peers.INFERENCE:
                    path = os.path.join(self.cache, row + ".onnx")
                    if not all(os.path.exists(file) for file in peers.graphs(row, path)):
                        self.aside("export", lambda: peers.export(row, path))
                    others = [("onnxruntime", "fp32")] + [("openvino", precision) for precision in self.precisions]
                    for name, variant in others:
                        made.append(self.peer(row, name, variant, made))
        finally:
            for contestant in made:
                if not contestant.alive:
                    print(f"   {contestant.name}: not measured (VERBOSE=1 says why)", flush=True)
        return made

    def run(self, row):
        operations = self.operations(row)
        everyone = self.contestants(row)
        # What matrix products reach is measured in the same turns: it changes with whoever else uses the machine. A call's
        # seconds are those of a thousand million operations.
        peaks = {precision: self.ours("peak", precision) for precision in self.precisions}
        present = [c for c in everyone if c.alive] + [c for c in peaks.values() if c.alive]
        guess = {c.name: c.turn(1) for c in present}
        present = [c for c in present if c.alive]
        calls = {c.name: max(1, min(20, int(0.3 / guess[c.name]))) for c in present}
        for contestant in peaks.values():
            calls[contestant.name] = 1
        one = sum(guess[c.name] * calls[c.name] for c in present) + 0.6 * len(peaks)
        turns = max(self.options.least, min(9, int(self.options.seconds / max(one, 1e-3))))
        for turn in range(turns):
            # Every other turn backwards, so that none always follows the same one.
            for contestant in present if turn % 2 == 0 else present[::-1]:
                contestant.times.append(contestant.turn(calls[contestant.name]))
        result = {"row": row, "turns": turns, "threads": self.options.threads, "operations": operations, "peakGFLOPS": {p: 1 / statistics.median(c.times) for p, c in peaks.items() if c.times}, "load": os.getloadavg()[0]}
        images = int(row.rsplit("x", 1)[1]) if row.startswith("train") else 1
        for precision in self.precisions:
            mine = next((c for c in present if c.name == f"ours {precision}"), None)
            if not mine:
                continue
            middle = statistics.median(mine.times)
            peak, share = peaks[precision], None
            if operations and peak.times:
                share = statistics.median(operations * 1e-9 * a / b for a, b in zip(peak.times, mine.times))
            ratios = {}
            for c in present:
                if c.name.split()[0] in peers.PEERS and precision in c.name:
                    ratios[c.name] = {
                        "ratio": statistics.median(a / b for a, b in zip(c.times, mine.times)),
                        "milliseconds": statistics.median(c.times) * 1e3, "peakMiB": c.peak}
            result[precision] = {
                "milliseconds": middle * 1e3, "imagesPerSecond": images / middle, "shareOfPeak": share,
                "peakMiB": mine.peak, "peers": ratios}
            told = f"   {precision} {middle * 1e3:8.1f} ms {images / middle:7.2f} images/s"
            told += f" {100 * share:3.0f} % of {1 / statistics.median(peak.times):.0f} GFLOP/s" if share else ""
            told += f", {mine.peak} MiB"
            for name, found in ratios.items():
                told += f" | {found['ratio']:.2f}x {name} ({found['milliseconds']:.1f} ms, {found['peakMiB']} MiB)"
            print(told, flush=True)
        for contestant in everyone + list(peaks.values()):
            contestant.end()
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, prog="ops/bench/networks/run")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="all unless named: " + ", ".join(peers.ROWS))
    parser.add_argument("--quick", action="store_true", help="fewer turns")
    parser.add_argument("--ours", action="store_true", help="without peers")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: all processors")
    parser.add_argument("--out", help="write what was measured to this file, a line of JSON a row")
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--cache", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    unknown = [row for row in options.rows if row not in peers.ROWS]
    if unknown:
        parser.error(f"no row {unknown[0]}; there are " + ", ".join(peers.ROWS))
    options.seconds, options.least = (8, 2) if options.quick else (20, 3)
    comparison, start = Comparison(options), time.time()
    print(f"{options.threads} threads, load {os.getloadavg()[0]:.1f}, PyTorch {torch.__version__}; a ratio above 1: we are faster", flush=True)
    if len(comparison.precisions) == 1:
        print("this processor does not multiply bf16: fp32 only", flush=True)
    for row in options.rows or peers.ROWS:
        print(row, flush=True)
        result = comparison.run(row)
        if options.out:
            with open(options.out, "a") as file:
                file.write(json.dumps(result) + "\n")
    print(f"{time.time() - start:.0f} s", flush=True)


main()
