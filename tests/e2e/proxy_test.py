#!/usr/bin/env python3
"""The impairing proxy does to real datagrams what the impairment model says.

    client 1..n  --UDP-->  impairing_proxy  --UDP-->  echo (this script)
                 <-------                   <-------
"""
import json
import socket
import struct
import tempfile
import time
from pathlib import Path

import harness


class Echo:
    """A UDP echo on its own thread's worth of polling: answers what has come so far."""

    def __init__(self, family):
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.sources = set()

    @property
    def address(self):
        host, port = self.socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def answer(self):
        while True:
            try:
                data, source = self.socket.recvfrom(2048)
            except BlockingIOError:
                return
            self.sources.add(source)
            self.socket.sendto(data, source)


def exchange(proxy, echo, count, clients=1, rate_per_s=2000):
    """Sends `count` numbered datagrams; returns the numbers that came back, with their delays."""
    host, port = proxy.host_port
    sockets = [socket.socket(echo.socket.family, socket.SOCK_DGRAM) for _ in range(clients)]
    for s in sockets:
        s.setblocking(False)
    sent_at, back = {}, {}
    end = None
    number = 0
    start = time.monotonic()
    while end is None or time.monotonic() < end:
        if number < count and time.monotonic() >= start + number / rate_per_s:
            sent_at[number] = time.monotonic()
            sockets[number % clients].sendto(struct.pack("!I", number) + bytes(96), (host, port))
            number += 1
        elif number == count and end is None:
            end = time.monotonic() + 0.5
        echo.answer()
        for s in sockets:
            try:
                value = struct.unpack("!I", s.recv(2048)[:4])[0]
                back.setdefault(value, []).append(time.monotonic() - sent_at.get(value, 0))
            except BlockingIOError:
                pass
    for s in sockets:
        s.close()
    return back


def run(arguments, count=2000, clients=1, family=socket.AF_INET):
    echo = Echo(family)
    with tempfile.TemporaryDirectory() as folder, harness.Processes() as processes:
        json_file, store = Path(folder, "counters.json"), Path(folder, "store")
        files = ["--json", json_file, "--store", store]
        proxy = harness.Proxy(processes, echo.address, *arguments, *files)
        back = exchange(proxy, echo, count, clients)
        proxy.process.stop()
        return (
            back,
            json.loads(json_file.read_text()),
            harness.stored_datagrams(store),
            echo.sources,
        )


def passes_everything_by_default():
    for family in (socket.AF_INET, socket.AF_INET6):
        back, counters, stored, _ = run([], count=500, family=family)
        harness.expect(len(back) == 500, f"all came back, got {len(back)}")
        harness.expect(counters["to_relay"]["delivered"] == 500, "counted")
        harness.expect(len(stored) == 1000, f"both directions are stored, got {len(stored)}")


def loses_what_it_is_told():
    back, counters, _, _ = run(["--loss", "10%", "--seed", "3"], count=4000)
    harness.expect(
        abs(len(back) / 4000 - 0.81) < 0.04, f"81 % of round trips, got {len(back) / 40} %"
    )
    lost = counters["to_relay"]["lost_random"]
    harness.expect(300 < lost < 500, f"10 % lost on the way there, got {lost}")


def equal_seeds_lose_equal_datagrams():
    lost = []
    for _ in range(2):
        back, _, _, _ = run(["--loss", "10%", "--seed", "4", "--direction", "to"], count=1000)
        lost.append(set(range(1000)) - set(back))
    harness.expect(lost[0] == lost[1] and len(lost[0]) > 50, "the same ones both times")


def delays_both_ways():
    back, _, _, _ = run(["--latency", "20"], count=500)
    delays = sorted(d for values in back.values() for d in values)
    harness.expect(0.040 <= delays[0], f"no round trip below 40 ms, got {delays[0]}")
    there, _, _, _ = run([], count=500)
    without = sorted(d for values in there.values() for d in values)
    added = delays[len(delays) // 2] - without[len(without) // 2]
    harness.expect(added >= 0.030, f"half of them 40 ms later than without, got {added}")


def keeps_clients_apart():
    back, counters, stored, sources = run([], count=600, clients=6)
    harness.expect(len(back) == 600 and counters["legs"] == 6, "six legs, nothing missing")
    harness.expect(len(sources) == 6, "one upstream address for each client")
    harness.expect({leg for _, leg, _ in stored} == set(range(6)), "stored by leg")


def changes_addresses():
    _, _, _, sources = run(["--rebind-ms", "200"], count=2000)
    harness.expect(len(sources) >= 4, f"a new source port every 200 ms, got {len(sources)}")


if __name__ == "__main__":
    harness.main(
        [
            passes_everything_by_default,
            loses_what_it_is_told,
            equal_seeds_lose_equal_datagrams,
            delays_both_ways,
            keeps_clients_apart,
            changes_addresses,
        ]
    )
