"""push, pull and `sluice room` through a room service, and what a killed daemon does to them."""

import json
import time

import harness
from demo_room.room import RelayWithRooms

KILLS = 20
BACK_WITHIN_SECONDS = 2


def ask(relay, *arguments, expected=0):
    """Standard output of sluice room."""
    process = relay.ask_rooms(*arguments)
    code = process.wait(10)
    harness.expect(code == expected, f"{arguments}: {code}: {process.errors()}")
    return process.output() if expected == 0 else process.errors()


def members(relay):
    return [line.split()[0] for line in ask(relay, "members", "demo").splitlines()[1:]]


def push_anna(relay):
    pusher = relay.push("anna", harness.clip_file(harness.ROOM[0]), "--loop")
    page = "sluice_relay_streams"
    pusher.wait_until(lambda: f"{page} 1" in relay.get("/metrics"), "pushing")
    return pusher


def push_and_pull_come_and_go_as_members():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        pusher = push_anna(relay)
        harness.expect(members(relay) == ["anna"], "who pushes is in")
        file = processes.folder / "copy.flv"
        pull = relay.pull("anna", "copy", "-o", file, "--seconds", "2")
        pull.wait_until(lambda: len(members(relay)) == 2, "in the room")
        harness.expect(pull.wait(30) == 0, pull.errors())
        harness.expect(file.stat().st_size > 100_000, "a stream")
        harness.expect(members(relay) == ["anna"], "who pulled has left")
        harness.expect(pusher.stop() == 0, pusher.errors())
        harness.expect(ask(relay, "list").count("demo") == 0, "the last one out dissolves it")


def room_commands_do_what_they_say():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        ask(relay, "members", "nowhere", expected=3)
        harness.expect(ask(relay, "create", "two", "--user", "anna").strip() == "two", "its name")
        ask(relay, "create", "two", expected=3)
        entered = relay.ask_rooms("enter", "two", "--user", "anna")
        entered.wait_for("anna is in two")
        ticket = json.loads(entered.output())
        harness.expect(ticket["user"] == "anna" and ticket["address"] == relay.udp, str(ticket))
        ask(relay, "kick", "two", "anna", "--user", "bert", expected=3)
        ask(relay, "destroy", "two", "--user", "bert", expected=3)
        harness.expect("two " in ask(relay, "list"), "still there")
        harness.expect(entered.stop() == 0, entered.errors())
        harness.expect("two " not in ask(relay, "list"), "its creator has left")
        pusher = push_anna(relay)
        ask(relay, "kick", "demo", "anna", "--user", "demo")
        harness.expect(pusher.wait(10) == 3, "kicked: no way back by itself")
        harness.expect("kicked" in pusher.errors(), pusher.errors())


def who_watches_hears_what_happens_and_what_is_said():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        watch = relay.ask_rooms("watch", "demo", "--user", "eve")
        watch.wait_for("listening to demo")
        pusher = push_anna(relay)
        watch.wait_until(lambda: "anna pushes " in watch.output(), "the stream")
        ask(relay, "say", "demo", "hello to all", "--user", "bert")
        watch.wait_until(lambda: "bert is out: left" in watch.output(), "the message")
        words = [line[9:] for line in watch.output().splitlines()]
        told = [line for line in words if line.startswith("bert")]
        harness.expect(
            told == ["bert came in as viewer", "bert says hello to all", "bert is out: left"], told
        )
        ask(relay, "say", "demo", "I stay", "--user", "anna")
        harness.expect("anna" in members(relay), "who is in already stays in after a word")
        # It goes on where it was, over a death of the service.
        relay.rooms.kill()
        relay.start_rooms("again")
        ask(relay, "say", "demo", "still there?", "--user", "bert")
        watch.wait_until(lambda: "bert says still there?" in watch.output(), "after a restart", 10)
        harness.expect(watch.output().count("hello to all") == 1, watch.output())
        ask(relay, "kick", "demo", "eve", "--user", "demo")
        harness.expect(watch.wait(10) == 3, watch.errors())
        harness.expect("out of the room: kicked" in watch.errors(), watch.errors())
        second = relay.ask_rooms("watch", "demo", "--json")
        second.wait_for("listening to demo")
        ask(relay, "destroy", "demo", "--user", "demo")
        harness.expect(second.wait(10) == 0, second.errors())
        last = json.loads(second.output().splitlines()[-1])
        harness.expect((last["kind"], last["reason"]) == ("dissolve", "destroyed"), last)
        pusher.stop()


def a_password_keeps_others_out():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        right, wrong = processes.folder / "right", processes.folder / "wrong"
        right.write_text("open sesame\n")
        wrong.write_text("open barley\n")
        ask(relay, "create", "cave", "--user", "ali", "--password-file", str(right))
        for arguments in ([], ["--password-file", str(wrong)]):
            refused = relay.ask_rooms("enter", "cave", "--user", "kasim", *arguments)
            harness.expect(refused.wait(10) == 3, refused.errors())
            harness.expect("password" in refused.errors(), refused.errors())
        inside = relay.ask_rooms("enter", "cave", "--user", "ali", "--password-file", str(right))
        inside.wait_for("ali is in cave")
        ask(relay, "say", "cave", "hello", "--user", "zeinab", "--password-file", str(right))


def what_makes_no_sense_is_refused_with_its_cure():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        clip = harness.clip_file(harness.ROOM[0])
        rooms = ["--rooms", relay.rooms_url]
        cases = [
            (["pull", *rooms, "demo"], 2, "ROOM/NAME"),
            (["pull", *rooms, "nowhere/anna"], 3, "room"),
            (["pull", *rooms, "demo/anna", "--ticket-file", "x"], 2, "--ticket-file"),
            (["push", "--token-file", "x", "sluice://h/a/b", clip], 2, "--rooms"),
            (["push", "--rooms", "ftp://127.0.0.1", "demo/a", clip], 2, "http[s]"),
            (["push", "--rooms", "http://127.0.0.1:1", "demo/a", clip], 4, "room service"),
            (["room", *rooms, "create", "no such"], 2, "letters"),
            (["room", *rooms, "fly"], 2, "see sluice room --help"),
        ]
        for arguments, code, text in cases:
            process = processes.start("sluice", *arguments, label="wrong")
            harness.expect(process.wait(20) == code, f"{arguments}: {process.errors()}")
            harness.expect(text in process.errors(), f"{arguments}: {process.errors()}")


def a_killed_service_takes_nothing_from_a_live_room():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        pusher = push_anna(relay)
        seconds = 4 * KILLS
        stats = processes.folder / "stats.json"
        pull = relay.pull("anna", "long", "--seconds", seconds, "--stats", stats, "-o", "/dev/null")
        pull.wait_until(lambda: len(members(relay)) == 2, "in the room")
        before, began = sorted(members(relay)), time.monotonic()
        slowest = 0.0
        for number in range(KILLS):
            if pull.popen.poll() is not None:
                break
            relay.rooms.kill()
            killed = time.monotonic()
            relay.start_rooms(f"rooms{number}")
            harness.expect(sorted(members(relay)) == before, f"kill {number}: {members(relay)}")
            slowest = max(slowest, time.monotonic() - killed)
            relay.rooms.wait_for("relay_attached")
            log = relay.rooms.errors() + relay.rooms.output()
            harness.expect("member_left" not in log, log)
            harness.expect("room_dissolved" not in log, log)
        took = time.monotonic() - began
        harness.expect(number == KILLS - 1, f"{number} kills in {took:.0f} s")
        harness.expect(slowest < BACK_WITHIN_SECONDS, f"back after {slowest:.2f} s")
        harness.expect(pusher.popen.poll() is None, pusher.errors())
        harness.expect(pull.stop() == 0, pull.errors())
        figures = json.loads(stats.read_text())
        harness.expect(figures["skipped_frames"] == 0 and figures["lost"] == 0, str(figures))
        harness.expect(members(relay) == ["anna"], "heartbeats and leaving go to the new one")
        print(f"         {KILLS} kills: back after {slowest:.2f} s, {figures['frames']} frames")


def pictures_of(file):
    """(timestamp in ms, whether it is a key frame) of each picture in an FLV."""
    data, at, pictures = file.read_bytes(), 13, []
    while at + 11 <= len(data):
        size = int.from_bytes(data[at + 1 : at + 4], "big")
        body = data[at + 11 : at + 11 + size]
        if data[at] == 9 and len(body) > 1 and body[1] == 1:  # video, AVC, no sequence header
            time_ms = int.from_bytes(data[at + 7 : at + 8] + data[at + 4 : at + 7], "big")
            pictures.append((time_ms, body[0] >> 4 == 1))
        at += 11 + size + 4
    return pictures


def expect_no_hole(pictures):
    """Each picture once, in its order; some may be missing before a key frame alone."""
    harness.expect(len(pictures) > 40, f"{len(pictures)} pictures")
    for (before, _), (time_ms, is_key) in zip(pictures, pictures[1:]):
        step = time_ms - before
        harness.expect(0 < step, f"the picture at {before} ms is followed by one at {time_ms} ms")
        harness.expect(step <= 35 or is_key, f"pictures after {before} ms are missing")


def a_killed_relay_gets_its_members_back():
    with harness.Processes() as processes:
        relay = RelayWithRooms(processes)
        pusher = push_anna(relay)
        file = processes.folder / "out.flv"
        pull = relay.pull("anna", "long", "-o", file)
        pull.wait_until(lambda: file.exists() and file.stat().st_size > 50_000, "receiving")
        waits = []
        for number in range(5):
            relay.process.kill()
            size, killed = file.stat().st_size, time.monotonic()
            relay.start_relay(f"relay{number}")
            # What was on its way to the file when the relay was killed is not counted.
            grown = lambda: file.stat().st_size > size + 100_000  # noqa: E731,B023
            pull.wait_until(grown, "receiving again", 20)
            waits.append(time.monotonic() - killed)
        harness.expect(pull.stop() == 0, pull.errors())
        harness.expect(pusher.stop() == 0, pusher.errors())
        expect_no_hole(pictures_of(file))
        waits.sort()
        print("         receiving again after " + ", ".join(f"{wait:.2f}" for wait in waits) + " s")


if __name__ == "__main__":
    harness.main(
        [
            push_and_pull_come_and_go_as_members,
            room_commands_do_what_they_say,
            who_watches_hears_what_happens_and_what_is_said,
            a_password_keeps_others_out,
            what_makes_no_sense_is_refused_with_its_cure,
            a_killed_service_takes_nothing_from_a_live_room,
            a_killed_relay_gets_its_members_back,
        ]
    )
