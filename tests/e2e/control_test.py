"""The relay as a program of this machine: --dev, its files, its control socket, its end."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import harness

ENVIRONMENT, BAD_INPUT = 5, 2
TOP = Path(__file__).resolve().parents[2]


def dev_relay(processes, runtime, *arguments):
    """--dev with nothing else said, but for a free HTTP port."""
    listen = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    env = {"XDG_RUNTIME_DIR": str(runtime)}
    relay = processes.start("sluice-relay", "--dev", *listen, *arguments, label="relay", env=env)
    relay.wait_for("Ctrl-C ends it")
    return relay


def runtime_folder(processes):
    runtime = processes.folder / "runtime"
    runtime.mkdir(mode=0o700)
    return runtime


def ends_with(process, code, *words):
    got = process.wait(10)
    text = process.output() + process.errors()
    harness.expect(got == code, f"exit code {code}, got {got}: {text}")
    for word in words:
        harness.expect(word in text, f"{word!r} in {text!r}")


def the_dev_file_says_where_the_relay_is_and_goes_with_it():
    with harness.Processes() as processes:
        runtime = runtime_folder(processes)
        relay = dev_relay(processes, runtime)
        file = runtime / "sluice" / "dev.json"
        harness.expect(file.stat().st_mode & 0o777 == 0o600, "the file is private")
        entry = json.loads(file.read_text())
        harness.expect(entry["pid"] == relay.popen.pid, "its pid")
        harness.expect(len(bytes.fromhex(entry["relay_key"])) == 32, "a key of 32 bytes")
        harness.expect(entry["address"] in relay.output(), "the greeting names the address")
        harness.expect(Path(entry["control"]).is_socket(), "the socket is there")
        harness.expect(relay.stop() == 0, "SIGTERM ends it with 0")
        left = sorted(path.name for path in (runtime / "sluice").iterdir())
        # The next relay of this user tells the clients of this one that it is gone (P-RESET-01).
        harness.expect(left == ["reset_secret"], f"nothing is left but that secret: {left}")


def several_run_side_by_side():
    with harness.Processes() as processes:
        runtime = runtime_folder(processes)
        shared = runtime / "sluice" / "dev.json"
        first = dev_relay(processes, runtime)
        own = processes.folder / "second.sock"
        second = dev_relay(processes, runtime, "--control", own)
        entry = json.loads(Path(f"{own}.json").read_text())
        harness.expect(entry["pid"] == second.popen.pid, "the second has a file of its own")
        harness.expect(f"--control {own}" in second.output(), "and says how to reach it")
        harness.expect(json.loads(shared.read_text())["pid"] == first.popen.pid, "the first stays")
        third = processes.start(
            "sluice-relay", "--dev", label="third", env={"XDG_RUNTIME_DIR": str(runtime)}
        )
        ends_with(third, ENVIRONMENT, "in use", "--control PATH")
        harness.expect(shared.exists(), "which takes nothing away from the first")
        harness.expect(first.stop() == 0 and second.stop() == 0, "both end with 0")


def the_socket_of_a_dead_relay_is_replaced():
    with harness.Processes() as processes:
        runtime = runtime_folder(processes)
        dead = dev_relay(processes, runtime)
        dead.kill()
        harness.expect((runtime / "sluice" / "control.sock").exists(), "it left its socket")
        relay = dev_relay(processes, runtime)
        entry = json.loads((runtime / "sluice" / "dev.json").read_text())
        harness.expect(entry["pid"] == relay.popen.pid, "the file is the new one's")
        harness.expect(relay.stop() == 0, "it ends with 0")


def dev_is_for_this_machine_alone():
    with harness.Processes() as processes:
        env = {"XDG_RUNTIME_DIR": str(runtime_folder(processes))}
        relay = processes.start("sluice-relay", "--dev", "--listen", "0.0.0.0:0", env=env)
        ends_with(relay, ENVIRONMENT, "for this machine alone")


def flags_that_make_no_sense_are_named():
    with harness.Processes() as processes:
        ends_with(processes.start("sluice-relay", "--bogus"), BAD_INPUT, "--bogus")
        ends_with(processes.start("sluice-relay", "--workers", "99"), ENVIRONMENT, "0 to 32")
        check = processes.start("sluice-relay", "--check-config", "--listen", "127.0.0.1:1")
        ends_with(check, 0, 'address = "127.0.0.1:1"')


def answers_in(data):
    """How many whole messages the bytes hold."""
    count = 0
    while len(data) >= 4:
        (length,) = struct.unpack_from("!I", data)
        if len(data) < 4 + length:
            break
        data, count = data[4 + length :], count + 1
    return count


def junk_on_the_control_socket_is_answered():
    with harness.Processes() as processes:
        runtime = runtime_folder(processes)
        relay = dev_relay(processes, runtime)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(runtime / "sluice" / "control.sock"))
            for size in (1, 8, 1000):
                connection.sendall(struct.pack("!I", size) + os.urandom(size))
            got = b""
            while answers_in(got) < 4:  # Hello and three answers
                got += connection.recv(65536)
            connection.sendall(b"GET / HTTP/1.1\r\n")
            while data := connection.recv(65536):
                got += data
        harness.expect(answers_in(got) == 5, "the last answer comes before the end")
        harness.expect(relay.stop() == 0, "it ends with 0 afterwards")


def a_second_signal_does_not_wait_for_the_drain():
    with harness.Processes() as processes:
        folder = processes.folder
        arguments = ["--listen", "127.0.0.1:0", "--http", "", "--control", folder / "c.sock"]
        relay = processes.start("sluice-relay", *arguments)
        relay.wait_for("relay_started")
        relay.popen.send_signal(signal.SIGTERM)
        relay.wait_for("draining")
        relay.popen.send_signal(signal.SIGTERM)
        harness.expect(relay.wait(5) == 0, "it ends with 0")
        harness.expect(not (folder / "c.sock").exists(), "the socket is gone")


def the_python_client_of_the_docs_works():
    python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
    missing = subprocess.run([python, "-c", "import flatbuffers"], capture_output=True).returncode
    if missing:
        print("not run: python3-flatbuffers is not installed", end="; ")
        return
    with harness.Processes() as processes:
        runtime = runtime_folder(processes)
        relay = dev_relay(processes, runtime)
        schemas = sorted(map(str, (TOP / "proto" / "schema").glob("*.fbs")))
        subprocess.run(["flatc", "--python", "-o", processes.folder, *schemas], check=True)
        text = (TOP / "docs" / "CONTROL.md").read_text()
        script = processes.folder / "rooms.py"
        script.write_text(re.search(r"```python\n(.*?)```", text, re.S)[1])
        client = subprocess.run(
            [python, script, runtime / "sluice" / "control.sock"],
            env={**os.environ, "PYTHONPATH": str(processes.folder)},
            capture_output=True,
            timeout=20,
        )
        harness.expect(client.returncode == 0, client.stderr.decode())
        harness.expect(relay.stop() == 0, "it ends with 0")


if __name__ == "__main__":
    harness.main(
        [
            the_dev_file_says_where_the_relay_is_and_goes_with_it,
            several_run_side_by_side,
            the_socket_of_a_dead_relay_is_replaced,
            dev_is_for_this_machine_alone,
            flags_that_make_no_sense_are_named,
            junk_on_the_control_socket_is_answered,
            a_second_signal_does_not_wait_for_the_drain,
            the_python_client_of_the_docs_works,
        ]
    )
