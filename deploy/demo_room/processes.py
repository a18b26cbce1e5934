"""Programs as children: started with a log, waited for with a deadline, every one of them ended."""

import ctypes
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
START_SECONDS = 10  # a program that has not said what it should by then is not going to
STOP_SECONDS = 10


PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None)


def end_with_parent():
    """In the child: it ends when we do, even when we are killed and cannot end it."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Failed(Exception):
    """Something does not hold; the message is for a person."""


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
    """One program; its output goes to files that a failure prints."""

    def __init__(self, command, folder, label, env=None):
        self.command, self.label = command, label
        self.out_path, self.err_path = Path(folder, label + ".out"), Path(folder, label + ".err")
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen(
                command,
                stdout=out,
                stderr=err,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # a terminal's Ctrl-C is ours to pass on, in our order
                preexec_fn=end_with_parent,
            )

    def output(self):
        return self.out_path.read_text(errors="replace")

    def errors(self):
        return self.err_path.read_text(errors="replace")

    def wait_for(self, pattern, seconds=START_SECONDS):
        """Waits until standard output or error matches; returns the match."""

        def said():
            return re.search(pattern, self.output()) or re.search(pattern, self.errors())

        return self.wait_until(said, f"saying {pattern!r}", seconds)

    def wait_until(self, holds, what, seconds=START_SECONDS):
        """Waits for a condition as long as the program lives; returns what was true."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if result := holds():
                return result
            if self.popen.poll() is not None:
                raise Failed(f"{self.label} ended with {self.popen.returncode} before {what}")
            time.sleep(0.02)
        raise Failed(f"{self.label} is not {what} within {seconds} s")

    def wait(self, seconds=60):
        """The exit code, which must come in time."""
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.label} still runs after {seconds} s") from None

    def stop(self):
        """Ends it as an operator would; returns the exit code. One that does not listen fails."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                message = f"{self.label} did not end within {STOP_SECONDS} s of SIGTERM"
                raise Failed(message) from None
        return self.popen.returncode

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()

    def log(self):
        text = (self.output()[-2000:] + self.errors()[-4000:]).rstrip()
        return f"--- {' '.join(self.command)} (exit {self.popen.returncode})\n{text}"


class Processes:
    """A folder and all programs started in it; nothing of either is left behind."""

    def __init__(self, env=None):
        self.started, self.env = [], env or {}

    def __enter__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="sluice-")
        self.folder = Path(self.temporary.name)
        return self

    def __exit__(self, kind, error, trace):
        for process in self.started:
            process.kill()
        if kind is not None and issubclass(kind, Exception):
            for process in self.started:
                print(process.log(), flush=True)
        self.temporary.cleanup()

    def start(self, name, *arguments, label=None, env=None, within=()):
        """`within`: a command that runs another one, such as nsenter with its options."""
        label, env = f"{label or name}-{len(self.started)}", {**self.env, **(env or {})}
        command = [*within, program(name), *map(str, arguments)]
        process = Process(command, self.folder, label, env)
        self.started.append(process)
        return process
