"""What the end-to-end tests share: starting programs, ending every one of them, saying what failed.

Standard library only. The programs come from $SLUICE_BIN, build/release/bin or build/dev/bin, in
that order.
A test script is a list of functions, each a claim; it runs them in order and exits 0 or 1.
"""
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
START_SECONDS = 10  # a program that has not said its address by then is not going to


class Failed(Exception):
    """A claim that does not hold."""


def expect(holds, what):
    if not holds:
        raise Failed(what)


def program(name):
    """The path of a program of ours; tools of the tests exist in the dev build only."""
    folders = [TOP / "build" / preset / "bin" for preset in ("release", "dev")]
    if "SLUICE_BIN" in os.environ:
        folders.insert(0, Path(os.environ["SLUICE_BIN"]).resolve())
    for folder in folders:
        if (path := folder / name).exists():
            return str(path)
    raise Failed(f"{name} is not built: cmake --build --preset dev, or set SLUICE_BIN")


class Process:
    """One program under test; its output goes to files that a failure prints."""

    def __init__(self, command, folder, name, env=None):
        self.command, self.name = command, name
        self.out_path, self.err_path = Path(folder, name + ".out"), Path(folder, name + ".err")
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(
                command,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
            )
        self.address = None

    def wait_for(self, pattern, seconds=START_SECONDS):
        """Waits until standard output or error matches; returns the match."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for path in (self.out_path, self.err_path):
                if found := re.search(pattern, path.read_text(errors="replace")):
                    return found
            if self.popen.poll() is not None:
                raise Failed(
                    f"{self.name} ended with {self.popen.returncode} before saying {pattern!r}"
                )
            time.sleep(0.02)
        raise Failed(f"{self.name} did not say {pattern!r} within {seconds} s")

    def wait(self, seconds=60):
        """The exit code, which must come in time."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} still runs after {seconds} s") from None

    def stop(self, seconds=10):
        """Ends it as an operator would, by force if it does not listen; returns the exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
                raise Failed(f"{self.name} did not end within {seconds} s of SIGTERM") from None
        return self.popen.returncode

    def log(self):
        text = self.out_path.read_bytes()[-2000:] + self.err_path.read_bytes()[-4000:]
        return text.decode(errors="replace")


class Processes:
    """A folder and all programs started in it; nothing of either is left behind."""

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="sluice-e2e-")
        self.folder = Path(self.temporary.name)
        self.started = []
        return self

    def __exit__(self, kind, error, trace):
        for process in self.started:
            if process.popen.poll() is None:
                process.popen.kill()
                process.popen.wait()
        if kind is not None:
            for process in self.started:
                print(f"--- {' '.join(process.command)} (exit {process.popen.returncode})")
                print(process.log())
        self.temporary.cleanup()

    def start(self, name, *arguments, label=None, env=None):
        process = Process(
            [program(name), *map(str, arguments)],
            self.folder,
            f"{label or name}-{len(self.started)}",
            env,
        )
        self.started.append(process)
        return process

    def proxy(self, to, *arguments):
        """An impairing proxy in front of `to`, with its bound (host, port) in `address`."""
        process = self.start("impairing_proxy", "--to", to, *arguments)
        found = process.wait_for(r"listening (\S+):(\d+)\n")
        process.address = (found[1].strip("[]"), int(found[2]))
        return process


def stored_datagrams(path):
    """[(direction, leg, bytes)] of a proxy's store file; direction 0 is towards the relay."""
    data, offset, result = Path(path).read_bytes(), 0, []
    while offset < len(data):
        direction, leg, size = struct.unpack_from("!BHI", data, offset)
        result.append((direction, leg, data[offset + 7 : offset + 7 + size]))
        offset += 7 + size
    return result


def main(claims):
    """Runs the claims (or those named on the command line), a line each; exits 0 when all hold."""
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
