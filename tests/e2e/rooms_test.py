"""The room service as a program: logins, rooms, restarts, bad clients, and a relay beside it."""

import json
import re
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import harness


class Rooms:
    """sluice-rooms --dev in a runtime folder of its own."""

    def __init__(self, processes, *arguments, label="rooms", env=None):
        self.processes, self.arguments = processes, arguments
        self.env = {"XDG_RUNTIME_DIR": str(processes.folder / "runtime"), **(env or {})}
        Path(self.env["XDG_RUNTIME_DIR"]).mkdir(mode=0o700, exist_ok=True)
        self.start(label, "127.0.0.1:0")

    def start(self, label, listen):
        self.process = self.processes.start(
            "sluice-rooms", "--dev", "--listen", listen, *self.arguments, label=label, env=self.env
        )
        self.host_port = self.process.wait_for(r"rooms on (127\.0\.0\.1:\d+)\.")[1]

    def again(self, label):
        """After its end, on the same port."""
        self.start(label, self.host_port)

    @property
    def state(self):
        return Path(self.env["XDG_RUNTIME_DIR"]) / "sluice" / "rooms"

    def ask(self, path, body=None, **headers):
        """(status, text) of a request; POST when there is a body."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", **headers}
        request = urllib.request.Request(f"http://{self.host_port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def connect(self):
        host, port = self.host_port.split(":")
        return socket.create_connection((host, int(port)), timeout=15)


class User:
    """A client of the RTCRoom API."""

    def __init__(self, rooms, name, kind="multi_room"):
        self.rooms, self.name, self.kind = rooms, name, kind
        _, text = rooms.ask(f"/weapp/utils/get_login_info?userID={name}")
        info = json.loads(text)
        query = f"accountType={info['accType']}&sdkAppID={info['sdkAppID']}"
        query += f"&userSig={info['userSig']}&userID={name}"
        self.token = json.loads(rooms.ask(f"/weapp/{kind}/login?{query}", {})[1])["token"]

    def call(self, call, expected=0, **body):
        path = f"/weapp/{self.kind}/{call}?userID={self.name}&token={self.token}"
        status, text = self.rooms.ask(path, body)
        answer = json.loads(text)
        harness.expect(status == 200, f"{call}: {status}")
        harness.expect(answer["code"] == expected, f"{call}: {answer}, not {expected}")
        return answer

    def push_url(self, **body):
        return self.call("get_push_url", userID=self.name, **body)

    def enter(self, room, expected=0, **body):
        url = self.push_url()["pushURL"]
        fields = {"userName": self.name, "userAvatar": "123", "pushURL": url, **body}
        return self.call("add_pusher", expected, roomID=room, userID=self.name, **fields)

    def leave(self, room, expected=0):
        return self.call("delete_pusher", expected, roomID=room, userID=self.name)

    def names(self, room):
        pushers = self.call("get_pushers", roomID=room)["pushers"]
        return [pusher["userID"] for pusher in pushers]


HOSTS = {
    "SLUICE_ROOMS_ADDRESSES_PUSH_HOST": "push.test",
    "SLUICE_ROOMS_ADDRESSES_PLAY_HOST": "play.test",
}


def without_relay(processes):
    return Rooms(processes, "--relay", "", env=HOSTS)


def the_recorded_flow_of_a_multi_room():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice, bob, carol = (User(rooms, name) for name in ("alice", "bob", "carol"))
        harness.expect(alice.call("get_room_list", index=0, cnt=20)["rooms"] == [], "no rooms")
        url = alice.push_url()["pushURL"]
        harness.expect(re.match(r"rtmp://push.test/live/8888_alice_\w{4}\?bizid=8888&", url), url)
        room = alice.call("create_room", userID="alice", roomInfo="demo room")["roomID"]
        harness.expect(bob.call("get_room_list", index=0, cnt=20)["rooms"] == [], "not entered yet")
        bob.call("get_pushers", 3, roomID=room)
        alice.enter(room, roomInfo="demo room")
        bob.enter(room)
        carol.enter(room)
        harness.expect(bob.names(room) == ["alice", "bob", "carol"], "in their order")
        bob.leave(room)
        harness.expect(carol.names(room) == ["alice", "carol"], "without bob")
        alice.leave(room)
        carol.call("get_pushers", 3, roomID=room)
        alice.call("logout")
        alice.call("get_room_list", 7, index=0, cnt=1)
        harness.expect(rooms.process.stop() == 0, "SIGTERM ends it with 0")


def a_double_room_and_a_live_room_keep_their_limits():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        for kind, most in (("double_room", 2), ("live_room", 4)):
            users = [User(rooms, f"u{i}", kind) for i in range(most + 1)]
            for user in users[:-1]:
                user.enter(f"r_{kind}")
            users[-1].enter(f"r_{kind}", 5001)
            users[1].leave(f"r_{kind}")
            users[-1].enter(f"r_{kind}")
            users[0].leave(f"r_{kind}")
            users[1].call("get_pushers", 3, roomID=f"r_{kind}")


def a_silent_member_goes_between_20_and_26_seconds():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice, bob = User(rooms, "alice"), User(rooms, "bob")
        alice.enter("r")
        bob.enter("r")
        began, gone = time.monotonic(), None
        while gone is None and time.monotonic() < began + 30:
            time.sleep(0.5)
            alice.call("pusher_heartbeat", roomID="r", userID="alice")
            if alice.names("r") == ["alice"]:
                gone = time.monotonic() - began
        harness.expect(gone is not None and 20 <= gone <= 26, f"gone after {gone} s")


def a_killed_service_is_back_with_all_it_knew():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice, viewer = User(rooms, "alice", "live_room"), User(rooms, "viewer", "live_room")
        gone = User(rooms, "gone", "live_room")
        alice.enter("r", roomInfo="show")
        viewer.call("add_audience", roomID="r", userID="viewer", userInfo="{}")
        viewer.call("set_custom_field", roomID="r", fieldName="likes", operation="inc")
        gone.call("logout")
        before = alice.call("get_pushers", roomID="r")
        for i in range(5):
            rooms.process.kill()
            began = time.monotonic()
            rooms.again(f"rooms{i}")
            after = alice.call("get_pushers", roomID="r")
            harness.expect(time.monotonic() - began < 2, "back within 2 s")
            for field in ("roomInfo", "roomCreator", "mixedPlayURL", "custom"):
                harness.expect(after[field] == before[field], f"{field}: {after}")
            harness.expect(alice.names("r") == ["alice"], "its member")
            count = alice.call("get_audiences", roomID="r")["audienceCount"]
            harness.expect(count == 1, "its audience")
            gone.call("get_audiences", 7, roomID="r")
        rooms.process.kill()
        with open(rooms.state / "journal", "ab") as journal:
            journal.write(b'0123456789abcdef {"op":"pusher","room"')
        rooms.again("cut")
        rooms.process.wait_for("journal_cut")
        harness.expect(alice.names("r") == ["alice"], "a cut line takes nothing along")


def its_files_are_its_own():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        harness.expect(rooms.state.stat().st_mode & 0o777 == 0o700, "the folder")
        for name in ("secret", "journal", "lock"):
            mode = (rooms.state / name).stat().st_mode & 0o777
            harness.expect(mode == 0o600, f"{name}: {mode:o}")
        second = processes.start(
            "sluice-rooms", "--dev", "--listen", "127.0.0.1:0", label="second", env=rooms.env
        )
        harness.expect(second.wait(10) == 5, "a second one in the same folder")
        harness.expect("another room service" in second.errors(), second.errors())
        harness.expect(rooms.process.stop() == 0, "SIGTERM ends it with 0")
        (rooms.state / "secret").chmod(0o644)
        open_secret = processes.start(
            "sluice-rooms", "--dev", "--listen", "127.0.0.1:0", label="open", env=rooms.env
        )
        harness.expect(open_secret.wait(10) == 5, "a secret that others read")
        harness.expect("chmod 600" in open_secret.errors(), open_secret.errors())


def help_and_wrong_flags_say_what_to_type():
    with harness.Processes() as processes:
        shown = processes.start("sluice-rooms", "--help", label="help")
        harness.expect(shown.wait(10) == 0, "--help")
        for line in ("  sluice-rooms --dev\n", "  sluice-rooms --config /etc/sluice/rooms.toml\n"):
            harness.expect(line in shown.output(), f"{line!r} in {shown.output()}")
        wrong = processes.start("sluice-rooms", "--bogus", label="wrong")
        harness.expect(wrong.wait(10) == 2, "flags that make no sense")
        check = processes.start("sluice-rooms", "--check-config", label="check")
        harness.expect(check.wait(10) == 0, "--check-config")
        harness.expect('address = "127.0.0.1:5757"' in check.output(), check.output())
        public = processes.start("sluice-rooms", "--dev", "--listen", "0.0.0.0:0", label="public")
        harness.expect(public.wait(10) == 5, "--dev is for this machine alone")


def bad_clients_get_codes_and_change_nothing():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice = User(rooms, "alice")
        alice.enter("r")
        for path in ("/", "/weapp/multi_room/none", "/v2/rooms", "/weapp/utils/../secret"):
            status, text = rooms.ask(path, {})
            harness.expect(status == 404 and json.loads(text)["code"] == 404, f"{path}: {text}")
        status, text = rooms.ask("/weapp/multi_room/login", "x" * 70000)
        harness.expect(status == 413 and json.loads(text)["code"] == 413, f"a large body: {text}")
        mallory = User(rooms, "mallory")
        mallory.call("delete_pusher", 7, roomID="r", userID="alice")
        mallory.call("destroy_room", 3, roomID="r", userID="mallory")
        token, mallory.token = mallory.token, alice.token
        mallory.call("get_pushers", 7, roomID="r")
        mallory.token = token[:-1] + ("A" if token[-1] != "A" else "B")
        mallory.call("get_pushers", 7, roomID="r")
        with rooms.connect() as slow:
            slow.sendall(b"POST /weapp/multi_room/login HTTP/1.1\r\nHost: h\r\n")
            slow.sendall(b"Content-Length: 9\r\n\r\n{")
            began = time.monotonic()
            harness.expect(slow.recv(100) == b"", "no answer")
            waited = time.monotonic() - began
            harness.expect(waited < 14, f"{waited} s for a body that does not come")
        harness.expect(alice.names("r") == ["alice"], "nothing changed")


def the_log_tells_no_secret():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice = User(rooms, "alice")
        alice.enter("r")
        url = alice.push_url()["pushURL"]
        alice.leave("r")
        harness.expect(rooms.process.stop() == 0, "it ends")
        log = rooms.process.errors() + rooms.process.output()
        harness.expect("room_dissolved" in log, "what happened is told")
        for secret in (alice.token, "txSecret", re.search(r"txSecret=(\w+)", url)[1]):
            harness.expect(secret not in log, f"{secret} in the log")


def metrics_name_nobody():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        User(rooms, "alice").enter("secret-room")
        rooms.ask("/weapp/multi_room/secret-path", {})
        status, page = rooms.ask("/metrics")
        harness.expect(status == 200, page)
        harness.expect('sluice_rooms_rooms{type="multi"} 1' in page, page)
        harness.expect('route="add_pusher",code="0"} 1' in page, page)
        for name in ("alice", "secret-room", "secret-path"):
            harness.expect(name not in page, name)
        for path, word in (("/healthz", "ok"), ("/readyz", "ready")):
            harness.expect(rooms.ask(path) == (200, word + "\n"), path)


def media_at_the_relay_keeps_a_member():
    with harness.Processes() as processes:
        runtime = processes.folder / "runtime"
        runtime.mkdir(mode=0o700)
        listen = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        env = {"XDG_RUNTIME_DIR": str(runtime)}
        relay = processes.start("sluice-relay", "--dev", *listen, label="relay", env=env)
        relay.wait_for("Ctrl-C ends it")
        rooms = Rooms(processes)
        rooms.process.wait_for("relay_attached")
        alice, bob = User(rooms, "alice"), User(rooms, "bob")
        access = alice.push_url(roomID="r")["relay"]
        ticket = processes.folder / "ticket.json"
        ticket.write_text(json.dumps(access))
        clip = harness.clip_file(harness.ROOM[0])
        url = "sluice://127.0.0.1/r/camera"
        pusher = processes.start(
            "sluice", "push", url, clip, "--loop", "--ticket-file", ticket, label="push", env=env
        )
        pusher.wait_until(lambda: "relay_streams 1" in rooms.ask("/metrics")[1], "a stream")
        alice.enter("r")
        bob.enter("r")
        time.sleep(26)
        harness.expect(alice.names("r") == ["alice"], "who sends nothing is gone")
        rooms.process.kill()
        rooms.again("again")
        rooms.process.wait_for("relay_attached")
        harness.expect(alice.names("r") == ["alice"], "alice stays over a restart")
        alice.leave("r")
        relay.wait_until(lambda: "relay_streams 0" in rooms.ask("/metrics")[1], "the room's end")
        harness.expect(rooms.process.stop() == 0, "it ends with 0")


if __name__ == "__main__":
    harness.main(
        [
            help_and_wrong_flags_say_what_to_type,
            the_recorded_flow_of_a_multi_room,
            a_double_room_and_a_live_room_keep_their_limits,
            a_killed_service_is_back_with_all_it_knew,
            its_files_are_its_own,
            bad_clients_get_codes_and_change_nothing,
            the_log_tells_no_secret,
            metrics_name_nobody,
            a_silent_member_goes_between_20_and_26_seconds,
            media_at_the_relay_keeps_a_member,
        ]
    )
