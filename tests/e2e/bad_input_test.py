#!/usr/bin/env python3
"""Bad input gets one line that names what is wrong, and the right exit code.

    sluice push|pull --> sluice-relay        (exit 2 bad input, 3 refused, 4 unreachable)
    anything at all  --> sluice-relay        (counted, never answered)
    sluice-relay with bad settings           (exit 5)
"""

import os
import random
import socket
import time

import harness
from demo_room.measure import total
from demo_room.room import free_port

BAD_INPUT, REFUSED, UNREACHABLE, ENVIRONMENT = 2, 3, 4, 5


def ends_with(process, code, *words, seconds=30):
    """The program ends with `code` and says one line that has all of `words`."""
    got = process.wait(seconds)
    line = harness.last_line(process)
    harness.expect(got == code, f"{process.label} ended with {got}, not {code}: {line}")
    lines = process.errors().strip().splitlines()
    harness.expect(len(lines) == 1, f"{process.label} said {len(lines)} lines: {lines}")
    for word in words:
        harness.expect(str(word) in line, f"{process.label}: {word!r} is not in {line!r}")


def bad_files(folder):
    """[(path, words that the line about it must have)]"""
    good = harness.clip_file(harness.ROOM[0]).read_bytes()
    no_flv, cut = folder / "no.flv", folder / "cut.flv"
    headless, foreign = folder / "headless.flv", folder / "foreign.flv"
    no_flv.write_bytes(b"this is not a video\n" * 50)
    cut.write_bytes(good[:200_000])
    headless.write_bytes(without_sequence_headers(good))
    arguments = ["-f", "lavfi", "-i", "testsrc2=duration=1", "-c:v", "flv1", "-f", "flv"]
    harness.ffmpeg("-y", *arguments, foreign)
    return [
        (no_flv, ["no.flv"]),
        (cut, ["cut.flv"]),
        (headless, ["headless.flv"]),
        (foreign, ["foreign.flv"]),
        (folder / "absent.flv", ["absent.flv"]),
    ]


def without_sequence_headers(data):
    """An FLV without its AVC and AAC sequence headers."""
    out, at = bytearray(data[:13]), 13
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        body = data[at + 11 : at + 11 + size]
        if data[at] not in (8, 9) or body[1:2] != b"\x00":
            out += data[at : at + 15 + size]
        at += 15 + size
    return bytes(out)


def files_that_are_no_media_are_named_and_nothing_is_sent():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        for path, words in bad_files(processes.folder):
            ends_with(relay.push("x", path), BAD_INPUT, *words)
        received = total(relay.get("/metrics"), "sluice_relay_frames_total", step="received")
        harness.expect(received == 0, f"the relay got {received} frames of them")


def a_relay_that_is_not_there_is_said_so():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        nobody = f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"
        puller = relay.pull("anna", "nobody", "-o", "/dev/null", "--address", nobody)
        ends_with(puller, UNREACHABLE, nobody)


def a_relay_without_control_socket_is_said_so():
    with harness.Processes() as processes:
        path = processes.folder / "none.sock"
        url = "sluice://127.0.0.1/demo/anna"
        puller = processes.start("sluice", "pull", url, "-o", "/dev/null", "--control", path)
        code = puller.wait(30)
        harness.expect(code in (UNREACHABLE, ENVIRONMENT), f"exit code 4 or 5, got {code}")


def junk_is_counted_and_never_answered():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        host, port = relay.udp.rsplit(":", 1)
        junk = random.Random(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            for first in range(256):
                for size in (0, 1, 20, 21, 27, 64, 600, 1200, 1232, 1400):
                    data = bytes([first])[:size] + junk.randbytes(max(size - 1, 0))
                    stranger.sendto(data, (host, int(port)))
                time.sleep(0.001)
            time.sleep(0.3)
            try:
                answer = stranger.recv(2048)
            except BlockingIOError:
                answer = None
        if answer is not None:
            # A RESET for an unknown connection id is allowed, nothing else, and it is smaller.
            harness.expect(answer[0] == 0x04 and len(answer) == 23, f"answered {answer[:8].hex()}")
        dropped = total(relay.get("/metrics"), "sluice_relay_drops_total")
        harness.expect(dropped > 2000, f"all of it is counted, got {dropped}")
        harness.expect(relay.process.stop() == 0, "the relay ends with 0 afterwards")


def a_port_in_use_is_named():
    with harness.Processes() as processes:
        first = harness.Relay(processes)
        folder = processes.folder / "second"
        folder.mkdir(mode=0o700)
        listen = ["--listen", first.udp, "--http", "127.0.0.1:0", "--control", folder / "c.sock"]
        env = {"XDG_RUNTIME_DIR": str(folder)}
        second = processes.start("sluice-relay", "--dev", *listen, label="second", env=env)
        ends_with(second, ENVIRONMENT, first.udp.rsplit(":", 1)[1])


def a_config_that_cannot_be_read_or_understood_is_named():
    with harness.Processes() as processes:
        unknown = processes.folder / "unknown.toml"
        unknown.write_text('[listen]\nadress = "127.0.0.1:0"\n')
        broken = processes.folder / "broken.toml"
        broken.write_text("[listen\n")
        for path, word in [
            (processes.folder / "absent.toml", "absent.toml"),
            (unknown, "unknown.toml:2"),
            (broken, "broken.toml:1"),
        ]:
            relay = processes.start("sluice-relay", "--config", path, label=path.stem)
            ends_with(relay, ENVIRONMENT, word)
        if os.geteuid() == 0:
            return  # root reads everything
        secret = processes.folder / "secret.toml"
        secret.touch(mode=0o000)
        ends_with(processes.start("sluice-relay", "--config", secret), ENVIRONMENT, "secret.toml")


def a_wrong_ticket_is_refused():
    """A ticket that another relay made lets nobody in, and the reason is found out (P-HS-13)."""
    with harness.Processes() as processes:
        relay, other = harness.Relay(processes), harness.Relay(processes)
        puller = relay.pull("x", "foreign", "-o", "/dev/null", "--control", other.control)
        ends_with(puller, REFUSED, "make a new")


def a_ticket_is_for_its_room():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        arguments = ["--control", relay.control, "--room", "lobby", "--user", "gus"]
        printed = processes.start("sluice", "ticket", *arguments, label="ticket")
        harness.expect(printed.wait(10) == 0, "a ticket is printed")
        arguments = ["--ticket-file", printed.out_path]
        clip = harness.clip_file(harness.ROOM[0])
        pusher = processes.start("sluice", "push", relay.url("x", room="private"), clip, *arguments)
        ends_with(pusher, BAD_INPUT, "for the room lobby, not private")


def a_command_line_that_makes_no_sense_is_named():
    with harness.Processes() as processes:
        for line, *words in [
            (["pul"], "no command pul", "push, pull", "sluice --help"),
            (["ctl", "room"], "no command room", "members", "sluice ctl --help"),
            (["push"], "url", "sluice push --help"),
            (["pull", "sluice://127.0.0.1/r/s", "--seconds", "abc"], "--seconds"),
            (["push", "sluice://127.0.0.1/r/s", "-"], "stdin"),  # which is /dev/null
        ]:
            ends_with(processes.start("sluice", *line, label=line[0]), BAD_INPUT, *words)


def a_push_takes_the_place_of_the_one_that_was_killed():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        clip = harness.clip_file(harness.ROOM[0])
        for _ in range(2):
            pusher = relay.push("camera", clip, "--loop", "--stats", "-")
            pusher.wait_until(lambda: "frames" in pusher.errors(), "pushing")
            pusher.kill()
        pusher = relay.push("camera", clip, "--seconds", "1")
        harness.expect(pusher.wait(30) == 0, f"the third pushes: {harness.last_line(pusher)}")


if __name__ == "__main__":
    harness.main(
        [
            files_that_are_no_media_are_named_and_nothing_is_sent,
            a_relay_that_is_not_there_is_said_so,
            a_relay_without_control_socket_is_said_so,
            junk_is_counted_and_never_answered,
            a_port_in_use_is_named,
            a_config_that_cannot_be_read_or_understood_is_named,
            a_wrong_ticket_is_refused,
            a_ticket_is_for_its_room,
            a_command_line_that_makes_no_sense_is_named,
            a_push_takes_the_place_of_the_one_that_was_killed,
        ]
    )
