"""Figures from outside: the relay's metrics page, its CPU time, a bare echo beside it, joins."""

import json
import os
import random
import re
import subprocess
import time
from collections import Counter

from .clips import KEY_FRAME_SECONDS
from .processes import Failed, program

JOINS_AT_ONCE = 4
# The room's: its video frames a second, and as rarely as there a key frame among all turns.
ECHO_SHAPE = ["--bursts-per-s", "85", "--key-every", "180", "--json", "-"]
FORWARD_LATENCY = "sluice_relay_forward_latency_seconds"
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")


def samples(text):
    """[(name, {label: value}, value)] of a metrics page."""
    found = []
    for line in text.splitlines():
        if match := SAMPLE.match(line):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            found.append((match[1], labels, float(match[3])))
    return found


def total(text, name, **labels):
    """Sum of a metric over all its label sets that have `labels`."""
    return sum(v for n, l, v in samples(text) if n == name and labels.items() <= l.items())


def histogram(text, name):
    """{upper bound in seconds: cumulated count}, summed over workers."""
    buckets = Counter()
    for sample, labels, value in samples(text):
        if sample == name + "_bucket":
            buckets[float(labels["le"])] += value
    return buckets


def quantile(buckets, q):
    """In seconds, linear within its bucket as Prometheus has it; 0 without samples."""
    rank = q * max(buckets.values(), default=0)
    below, lower = 0, 0.0
    for bound, cumulated in sorted(buckets.items()):
        if cumulated >= rank > 0:
            share = (rank - below) / (cumulated - below)
            return lower if bound == float("inf") else lower + share * (bound - lower)
        below, lower = cumulated, bound
    return 0.0


def median(values):
    values = sorted(values)
    return values[len(values) // 2] if values else 0


class AddedLatency:
    """The relay's added latency and a bare echo's, in windows that alternate: a machine that is
    slow for one is then slow for the other."""

    def __init__(self, relay):
        self.relay = relay
        self.p50_us, self.p99_us, self.echo_p99_us = [], [], []

    def run(self, windows, seconds):
        for _ in range(windows):
            self.relay_window(seconds)
            self.echo_window(seconds)

    def relay_window(self, seconds):
        before = histogram(self.relay.get("/metrics"), FORWARD_LATENCY)
        time.sleep(seconds)
        after = histogram(self.relay.get("/metrics"), FORWARD_LATENCY)
        after.subtract(before)
        if max(after.values(), default=0) == 0:
            raise Failed(f"the relay's metrics page has no new samples of {FORWARD_LATENCY}")
        self.p50_us.append(quantile(after, 0.5) * 1e6)
        self.p99_us.append(quantile(after, 0.99) * 1e6)

    def echo_window(self, seconds):
        command = [program("sluice-bench"), "echo", "--seconds", str(seconds), *ECHO_SHAPE]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise Failed(f"sluice-bench echo: {result.stderr.strip()}")
        self.echo_p99_us.append(json.loads(result.stdout)["turnaround_us_p99"])

    def figures(self):
        """The middle window of each kind: one that something else disturbed decides nothing."""
        return {
            "added_latency_us_p50": round(median(self.p50_us)),
            "added_latency_us_p99": round(median(self.p99_us)),
            "echo_latency_us_p99": round(median(self.echo_p99_us)),
        }


def cpu_seconds(pid):
    """CPU time of all threads of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class CpuMeter:
    def __init__(self, pid):
        self.pid, self.cpu, self.at = pid, cpu_seconds(pid), time.monotonic()

    def percent(self):
        """Of one core, since the last call."""
        cpu, at = cpu_seconds(self.pid), time.monotonic()
        percent = 100 * (cpu - self.cpu) / max(at - self.at, 1e-3)
        self.cpu, self.at = cpu, at
        return percent


def join_often(relay, clips, joins, on_progress):
    """Joins streams at random moments of their GOP, a few at a time; the stats of each join."""
    stats = []
    moments = random.Random(7)  # the GOP's phase is not ours, so a fixed seed is as random as any
    while len(stats) < joins:
        batch = []
        for number in range(len(stats), min(len(stats) + JOINS_AT_ONCE, joins)):
            time.sleep(moments.uniform(0, KEY_FRAME_SECONDS / JOINS_AT_ONCE))
            batch.append(start_join(relay, clips[number % len(clips)], number))
        stats += [finish_join(*started) for started in batch]
        on_progress(f"join {len(stats)} of {joins}")
    return stats


def start_join(relay, clip, number):
    file = relay.processes.folder / f"join-{number}.json"
    arguments = ["--live", "-o", "/dev/null", "--seconds", "1", "--stats", file]
    return relay.pull(clip.name, f"join-{number}", *arguments), file


def finish_join(process, file):
    if (code := process.wait(20)) != 0:
        raise Failed(f"{process.label} ended with {code}: {process.errors().strip()[-200:]}")
    return json.loads(file.read_text())
