"""What the end-to-end tests share. A test script is a list of functions, each a claim; it runs them
in order (or those named on the command line) and exits 0 or 1. Programs, the relay and the members
come from deploy/demo_room, so the demo and the tests cannot drift apart.
"""

import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))

from demo_room.clips import ROOM, clip_file, ffmpeg  # noqa: E402,F401
from demo_room.processes import Failed, Processes, program  # noqa: E402,F401
from demo_room.room import Relay, host_port, last_line, start_pushers  # noqa: E402,F401
from demo_room.verify import expect, verify  # noqa: E402,F401


class Proxy:
    """An impairing proxy in front of `to`, with its bound address in `udp`."""

    def __init__(self, processes, to, *arguments):
        host = "[::1]" if to.startswith("[") else "127.0.0.1"
        command = ["--to", to, "--listen", f"{host}:0", *arguments]
        self.process = processes.start("impairing_proxy", *command, label="proxy")
        self.udp = self.process.wait_for(r"listening (\S+)\n")[1]

    @property
    def host_port(self):
        host, port = self.udp.rsplit(":", 1)
        return host.strip("[]"), int(port)


def stored_datagrams(path):
    """[(direction, leg, bytes)] of a proxy's store file; direction 0 is towards the relay."""
    data, offset, result = Path(path).read_bytes(), 0, []
    while offset < len(data):
        direction, leg, size = struct.unpack_from("!BHI", data, offset)
        result.append((direction, leg, data[offset + 7 : offset + 7 + size]))
        offset += 7 + size
    return result


def main(claims):
    """Runs the claims, a line each; exits 0 when all hold."""
    wanted = sys.argv[1:]
    failures = 0
    for claim in claims:
        if wanted and claim.__name__ not in wanted:
            continue
        name, began = claim.__name__.replace("_", " "), time.monotonic()
        try:
            claim()
            verdict = "ok"
        except Failed as failure:
            verdict, failures = f"FAILED: {failure}", failures + 1
        print(f"{time.monotonic() - began:6.1f} s  {name}: {verdict}", flush=True)
    sys.exit(1 if failures else 0)
