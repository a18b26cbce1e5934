"""/v1 as its clients meet it: tokens of an application by the document's own snippets, members of
both APIs in one room, restarts, several relays."""

import hashlib
import hmac
import http.client
import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import harness
import rtcroom
from rooms_test import HOSTS, Rooms, User, without_relay
from websocket import Refused, WebSocket

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "API.md"


def snippet(language):
    """The document's program that makes a token."""
    section = DOCUMENT.read_text().split("**The application's tokens**")[1]
    return re.search(rf"```{language}\n(.*?)```", section, re.S)[1]


class Client:
    """Asks /v1 with a token."""

    def __init__(self, rooms, token=None, user=None):
        self.rooms, self.token = rooms, token
        if user:
            self.token = self.call("POST", "/v1/tokens", 201, {"user": user})["token"]

    def call(self, method, path, expected, body=None):
        data = json.dumps(body or {}).encode() if method in ("POST", "PUT", "PATCH") else None
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        url = f"http://{self.rooms.host_port}{path}"
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        harness.expect(status == expected, f"{method} {path}: {status}, not {expected}: {text}")
        return json.loads(text) if text else None


def run(program, *arguments):
    done = subprocess.run([*program, *map(str, arguments)], capture_output=True, text=True)
    harness.expect(done.returncode == 0, done.stderr)
    return done.stdout.strip()


def a_token_by_the_documents_python_is_good():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        script = processes.folder / "token.py"
        script.write_text(snippet("python"))
        key = rooms.state / "application.key"
        harness.expect(key.stat().st_mode & 0o777 == 0o600, "the key is its own")
        token = run([sys.executable, script], key, "alice")
        alice = Client(rooms, token)
        alice.call("POST", "/v1/rooms", 201, {"room": "lobby"})
        alice.call("POST", "/v1/rooms/lobby/members", 201, {"name": "Alice"})
        other = processes.folder / "other.key"
        other.write_bytes(bytes(32))
        forged = run([sys.executable, script], other, "alice")
        problem = Client(rooms, forged).call("GET", "/v1/rooms", 401)
        harness.expect(problem["code"] == "token_bad", problem)


def a_token_by_the_documents_node_is_good():
    node = shutil.which("node")
    if not node or not shutil.which("openssl"):
        print("skipped: needs node and openssl for the document's EdDSA snippet")
        return
    with harness.Processes() as processes:
        secret, public = processes.folder / "app.pem", processes.folder / "app.pub"
        run(["openssl", "genpkey", "-algorithm", "ed25519", "-out"], secret)
        run(["openssl", "pkey", "-pubout", "-in", secret, "-out"], public)
        script = processes.folder / "token.js"
        script.write_text(snippet("js"))
        env = {"SLUICE_ROOMS_V1_ED25519_KEY_FILE": str(public)}
        rooms = Rooms(processes, "--relay", "", env=env)
        alice = Client(rooms, run([node, script], secret, "alice"))
        alice.call("POST", "/v1/rooms", 201, {"room": "lobby"})
        harness.expect(alice.call("GET", "/v1/rooms", 200)["rooms"][0]["creator"] == "alice", "")
        made = (rooms.state / "application.key").exists()
        harness.expect(not made, "no key that nobody asked for")


def members_of_both_apis_meet_in_one_room():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice = Client(rooms, user="alice")
        alice.call("POST", "/v1/rooms", 201, {"room": "r", "info": "both"})
        entry = alice.call("POST", "/v1/rooms/r/members", 201, {"name": "Alice", "avatar": "a"})
        harness.expect(entry["addresses"]["push"].startswith("rtmp://push.test/live/"), entry)
        bob = User(rooms, "bob")
        bob.enter("r")
        harness.expect(bob.names("r") == ["alice", "bob"], "as the other API has it")
        members = alice.call("GET", "/v1/rooms/r/members", 200)["members"]
        harness.expect([m["user"] for m in members] == ["alice", "bob"], members)
        harness.expect(Client(rooms, bob.token).call("GET", "/v1/rooms/r", 200)["members"] == 2, "")
        alice.call("DELETE", "/v1/rooms/r/members/bob", 204)
        harness.expect(bob.names("r") == ["alice"], "kicked")
        alice.call("PUT", "/v1/rooms/r/bans/bob", 204)
        bob.enter("r", -1)
        rooms.process.kill()
        rooms.again("again")
        bob.enter("r", -1)
        harness.expect(alice.call("GET", "/v1/rooms/r/bans", 200)["bans"] == ["bob"], "still")
        alice.call("DELETE", "/v1/rooms/r/members/alice", 204)
        alice.call("GET", "/v1/rooms/r", 404)


def a_text_is_heard_by_members_of_both_apis():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        bob = rtcroom.Client(rooms.host_port, "bob")
        room = bob.create()
        bob.enter(room)
        alice = Client(rooms, user="alice")
        alice.call("POST", f"/v1/rooms/{room}/members", 201, {"role": "viewer"})
        ear = listen(rooms, alice, room)
        alice.call("POST", f"/v1/rooms/{room}/messages", 201, {"text": "hello [smile] }} Bob"})
        bob.wait("onRecvRoomTextMsg", "alice", "hello [smile] }} Bob")
        event = next_event(ear)
        harness.expect((event["user"], event["text"]) == ("alice", "hello [smile] }} Bob"), event)
        bob.say("hello [smile] Alice")
        event = next_event(ear)
        harness.expect((event["kind"], event["user"]) == ("text", "bob"), event)
        harness.expect(event["text"] == "hello [smile] Alice", event)
        bob.wait("onRecvRoomTextMsg", "bob", "hello [smile] Alice")
        harness.expect(("onRecvRoomTextMsg", "alice") not in bob.events, "once each")
        bob.end()


def bad_requests_get_problems():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice = Client(rooms, user="alice")
        harness.expect(Client(rooms).call("GET", "/v1/rooms", 401)["code"] == "token_missing", "")
        harness.expect(alice.call("GET", "/v1/none", 404)["code"] == "path_unknown", "")
        big = {"info": "x" * 70000}
        harness.expect(alice.call("POST", "/v1/rooms", 413, big)["code"] == "body_too_large", "")
        harness.expect(alice.call("PUT", "/v1/rooms", 405)["code"] == "method_wrong", "")
        with rooms.connect() as raw:
            raw.sendall(b"POST /v1/rooms HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
            answer = b""
            while more := raw.recv(4000):  # headers and body come apart; the service hangs up
                answer += more
            harness.expect(b"length_missing" in answer, f"chunked: {answer}")


def statuses(service, path, count, source):
    """Of so many questions in a row from one address, over one connection."""
    connection = http.client.HTTPConnection(service, timeout=10, source_address=(source, 0))
    answers = []
    for _ in range(count):
        connection.request("GET", path)
        answer = connection.getresponse()
        answers.append((answer.status, answer.read()))
    connection.close()
    return answers


def a_flood_from_one_address_leaves_the_others_alone():
    with harness.Processes() as processes:
        # As for strangers: --dev, all of whose clients have one address, has no such limit.
        env = {"SLUICE_ROOMS_SERVICE_STATE_FOLDER": str(processes.folder / "state")}
        arguments = ("--listen", "127.0.0.1:0", "--relay", "")
        process = processes.start("sluice-rooms", *arguments, env=env)
        rooms = process.wait_for(r"rooms_started address=(127\.0\.0\.1:\d+)")[1]
        flood = statuses(rooms, "/v1/rooms", 3000, "127.0.0.3")
        refused = [body for status, body in flood if status == 429]
        harness.expect(len(refused) > 1000, f"only {len(refused)} of 3000 refused")
        harness.expect(json.loads(refused[-1])["code"] == "too_many_requests", refused[-1])
        flood = statuses(rooms, "/weapp/utils/check_config", 100, "127.0.0.3")
        refused = [body for status, body in flood if status == 429]
        harness.expect(refused and json.loads(refused[-1])["code"] == 429, "the other API has none")
        good = statuses(rooms, "/weapp/utils/check_config", 20, "127.0.0.2")
        harness.expect({status for status, _ in good} == {200}, good)


def listen(rooms, client, room, query="", **options):
    headers = [("Authorization", f"Bearer {client.token}")]
    return WebSocket(rooms.host_port, f"/v1/rooms/{room}/events{query}", headers, **options)


def next_event(listener):
    text = listener.receive()
    return json.loads(text) if text else None


def events_reach_who_listens_and_who_comes_back():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice, bob = (Client(rooms, user=name) for name in ("alice", "bob"))
        alice.call("POST", "/v1/rooms", 201, {"room": "r"})
        alice.call("POST", "/v1/rooms/r/members", 201)
        ear = listen(rooms, alice, "r")
        bob.call("POST", "/v1/rooms/r/members", 201, {"name": "Bob"})
        event = next_event(ear)
        came = (event["kind"], event["user"], event["name"])
        harness.expect(came == ("join", "bob", "Bob"), event)
        said = bob.call("POST", "/v1/rooms/r/messages", 201, {"text": "hello \u4f60"})
        harness.expect(next_event(ear) == said, said)
        ear.close()
        bob.call("POST", "/v1/rooms/r/messages", 201, {"data": {"gift": 3}})
        bob.call("POST", "/v1/rooms/r/members/bob/heartbeat", 200, {"quality": 4})
        alice.call("PATCH", "/v1/rooms/r/members/bob", 200, {"rights": {"say": False}})
        bob.call("POST", "/v1/rooms/r/messages", 403, {"text": "muted"})
        back = listen(rooms, alice, "r", f"?after={said['seq']}")
        events = [next_event(back) for _ in range(3)]
        kinds = [event["kind"] for event in events]
        harness.expect(kinds == ["custom", "quality", "change"], events)
        harness.expect(events[0]["data"] == {"gift": 3}, events[0])
        harness.expect(events[2]["rights"]["say"] is False, events[2])
        late = WebSocket(rooms.host_port, f"/v1/rooms/r/events?access_token={bob.token}")
        texts = [next_event(late)["kind"] for _ in range(2)]
        harness.expect(texts == ["text", "custom"], "who comes late hears the messages")
        alice.call("DELETE", "/v1/rooms/r/members/bob", 204)
        harness.expect(next_event(late)["reason"] == "kicked", "he is told")
        harness.expect(late.receive() is None and late.reason == "kicked", late.reason)
        harness.expect(next_event(back)["kind"] == "leave", "and so are the others")
        rooms.process.kill()
        rooms.again("again")
        again = listen(rooms, alice, "r", f"?after={said['seq']}")
        harness.expect(next_event(again)["kind"] == "gap", "a restart is a gap")
        alice.call("DELETE", "/v1/rooms/r", 204)
        event = next_event(again)
        harness.expect((event["kind"], event["reason"]) == ("dissolve", "destroyed"), event)
        harness.expect(event["seq"] > said["seq"], "numbers never go back")
        harness.expect(again.receive() is None and again.reason == "dissolved", again.reason)


def strangers_get_no_events():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice, eve = (Client(rooms, user=name) for name in ("alice", "eve"))
        alice.call("POST", "/v1/rooms", 201, {"room": "r"})
        alice.call("POST", "/v1/rooms/r/members", 201)
        cases = [("/v1/rooms/r/events", eve.token, 403), ("/v1/rooms/none/events", eve.token, 404)]
        cases += [("/v1/rooms/r/events", "", 401), ("/v1/rooms/r/events", "x.y.z", 401)]
        cases += [("/v1/rooms/r/events?after=x", alice.token, 400)]
        cases += [("/v1/rooms/r", alice.token, 404), ("/weapp/multi_room/login", "", 404)]
        for path, token, expected in cases:
            try:
                headers = [("Authorization", f"Bearer {token}")] if token else []
                WebSocket(rooms.host_port, path, headers)
                harness.expect(False, f"{path} let somebody in")
            except Refused as refused:
                harness.expect(refused.status == expected, f"{path}: {refused}")
                harness.expect(json.loads(refused.text)["status"] == expected, refused.text)
        eve.call("GET", "/v1/rooms/r/messages", 403)
        eve.call("POST", "/v1/rooms/r/messages", 403, {"text": "x"})
        alice.call("GET", "/v1/rooms/r/events", 426)


def a_listener_who_does_not_read_is_closed_by_name():
    with harness.Processes() as processes:
        rooms = without_relay(processes)
        alice = Client(rooms, user="alice")
        alice.call("POST", "/v1/rooms", 201, {"room": "r"})
        alice.call("POST", "/v1/rooms/r/members", 201)
        slow = listen(rooms, alice, "r", buffer=4096)
        good = listen(rooms, alice, "r")
        heard = 0
        # Kernel buffers of both ends first, then our half MiB.
        for _ in range(1500):
            alice.call("POST", "/v1/rooms/r/messages", 201, {"text": "x" * 4000})
            heard += next_event(good)["kind"] == "text"
        harness.expect(heard == 1500, "the others hear all of it")
        while slow.receive() is not None:
            pass
        harness.expect((slow.code, slow.reason) == (1013, "slow_listener"), slow.reason)


def streams_are_events_too():
    with harness.Processes() as processes:
        (processes.folder / "runtime").mkdir(mode=0o700)
        env = {"XDG_RUNTIME_DIR": str(processes.folder / "runtime")}
        control, relay = relay_of(processes, "one", env)
        rooms = Rooms(processes, "--relay", str(control))
        rooms.process.wait_for("relay_attached")
        alice = Client(rooms, user="alice")
        alice.call("POST", "/v1/rooms", 201, {"room": "r"})
        entry = alice.call("POST", "/v1/rooms/r/members", 201)
        ticket = processes.folder / "ticket.json"
        ticket.write_text(json.dumps(entry["relay"]))
        ear = listen(rooms, alice, "r", timeout=30)
        clip = harness.clip_file(harness.ROOM[0])
        push = ["push", "sluice://127.0.0.1/r/camera", clip, "--loop", "--ticket-file", ticket]
        pusher = processes.start("sluice", *push, label="push", env=env)
        event = next_event(ear)
        harness.expect((event["kind"], event["user"]) == ("stream_up", "alice"), event)
        streams = alice.call("GET", "/v1/rooms/r/streams", 200)["streams"]
        harness.expect(streams == [{"user": "alice", "stream": event["stream"]}], streams)
        pusher.stop()
        event = next_event(ear)
        harness.expect((event["kind"], event["user"]) == ("stream_down", "alice"), event)


class Receiver(http.server.BaseHTTPRequestHandler):
    """An application that is told by webhook; `answers` says how it takes the next ones."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.heard.append((self.headers["sluice-signature"], body))
        answer = self.server.answers.pop(0) if self.server.answers else 204
        if answer == "hang":
            self.server.let_go.wait(20)
            return
        self.send_response(answer)
        if answer == 302:
            self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_):
        pass


def told(server, kind):
    """How often the application heard of this kind."""
    return sum(json.loads(body)["kind"] == kind for _, body in server.heard)


def the_application_is_told_and_can_check_who_tells():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.heard, server.let_go = [], threading.Event()
    # The first is tried again twice, and the fourth, a redirect, not.
    server.answers = [500, "hang", 204, 302]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with harness.Processes() as processes:
        url = f"http://127.0.0.1:{server.server_port}/hook"
        rooms = Rooms(processes, "--relay", "", env={**HOSTS, "SLUICE_ROOMS_WEBHOOK_URL": url})
        alice = Client(rooms, user="alice")
        alice.call("POST", "/v1/rooms", 201, {"room": "r"})
        alice.call("POST", "/v1/rooms/r/members", 201, {"name": "Alice"})
        alice.call("DELETE", "/v1/rooms/r/members/alice", 204)
        began = time.monotonic()
        alice.call("GET", "/v1/rooms", 200)
        harness.expect(time.monotonic() - began < 1, "a receiver that hangs holds up nobody")
        rooms.process.wait_until(lambda: told(server, "dissolve") == 1, "all of them", 25)
        kinds = [json.loads(body)["kind"] for _, body in server.heard]
        harness.expect(kinds == ["create"] * 3 + ["join", "leave", "dissolve"], kinds)
        key = (rooms.state / "application.key").read_bytes()
        for signature, body in server.heard:
            when, mac = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", signature).groups()
            made = hmac.new(key, when.encode() + b"." + body, hashlib.sha256).hexdigest()
            harness.expect(hmac.compare_digest(mac, made), "the signature is of the shared key")
            harness.expect(abs(time.time() - int(when)) < 60, when)
        leave = json.loads(server.heard[4][1])
        harness.expect((leave["user"], leave["reason"]) == ("alice", "left"), leave)
        server.let_go.set()
        harness.expect(rooms.process.stop() == 0, "it ends with 0")
    server.shutdown()


def operator_token(key):
    """As the document's snippet makes them, with another right."""
    script = snippet("python").replace('["push", "pull", "say", "create"]', '["operate"]')
    return run([sys.executable, "-c", script], key, "operator")


def an_operator_reads_the_logs_and_nobody_else():
    with harness.Processes() as processes:
        folder = processes.folder / "logs"
        folder.mkdir()
        env = {**HOSTS, "SLUICE_ROOMS_SERVICE_LOG_FOLDER": str(folder)}
        env["SLUICE_ROOMS_SERVICE_LOG_LEVEL"] = "debug"
        rooms = Rooms(processes, "--relay", "", env=env)
        alice = Client(rooms, user="alice")
        alice.call("GET", "/v1/rooms", 200)
        token = operator_token(rooms.state / "application.key")
        page = f"http://{rooms.host_port}/weapp/utils/logfilelist"
        with urllib.request.urlopen(f"{page}?token={token}", timeout=10) as answer:
            names = re.findall(r'file=([^"]+)', answer.read().decode())
        harness.expect(sorted(name[:7] for name in names) == ["errors-", "request"], names)
        for name in names:
            url = page.replace("logfilelist", f"getlogfile?file={name}&token={token}")
            with urllib.request.urlopen(url, timeout=10) as answer:
                text = answer.read().decode()
            harness.expect(("rooms_started" in text) == name.startswith("requests"), text)
            harness.expect(token not in text and alice.token not in text, "a token in the log")
        for bad in ("", f"?token={alice.token}", "?token=x.y.z"):
            with urllib.request.urlopen(page + bad, timeout=10) as answer:
                harness.expect(json.loads(answer.read())["code"] == 7, bad)
        harness.expect("rooms_started" not in rooms.process.errors(), "it went to the files")


def the_log_tells_no_secret_of_v1():
    with harness.Processes() as processes:
        (processes.folder / "runtime").mkdir(mode=0o700)
        env = {"XDG_RUNTIME_DIR": str(processes.folder / "runtime")}
        control, _ = relay_of(processes, "one", env)
        rooms = Rooms(processes, "--relay", str(control))
        rooms.process.wait_for("relay_attached")
        alice = Client(rooms, user="alice")
        alice.call("POST", "/v1/rooms", 201, {"room": "r", "password": "open-sesame"})
        entry = alice.call("POST", "/v1/rooms/r/members", 201, {"password": "open-sesame"})
        WebSocket(rooms.host_port, f"/v1/rooms/r/events?access_token={alice.token}").close()
        alice.call("POST", "/v1/rooms/r/messages", 201, {"text": "private-words"})
        alice.call("DELETE", "/v1/rooms/r", 204)
        harness.expect(rooms.process.stop() == 0, "it ends")
        log = rooms.process.errors() + rooms.process.output()
        harness.expect("room_dissolved" in log, "what happened is told")
        secrets = [alice.token, "open-sesame", "private-words", "access_token"]
        secrets += [entry["relay"][name] for name in ("ticket", "psk")]
        journal = (rooms.state / "journal").read_text()
        for secret in secrets:
            harness.expect(secret not in log, f"{secret} in the log")
            harness.expect(secret not in journal, f"{secret} in the journal")


def relay_of(processes, name, env):
    control = processes.folder / f"{name}.sock"
    listen = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--control", control]
    relay = processes.start("sluice-relay", "--dev", *listen, label=name, env=env)
    relay.wait_for("Ctrl-C ends it")
    return control, relay


def rooms_are_spread_over_relays_and_stay_where_they_are():
    with harness.Processes() as processes:
        (processes.folder / "runtime").mkdir(mode=0o700)
        env = {"XDG_RUNTIME_DIR": str(processes.folder / "runtime")}
        controls, relays = zip(*(relay_of(processes, name, env) for name in ("one", "two")))
        settings = {"SLUICE_ROOMS_RELAY_PUBLIC_ADDRESS": ",two.test"}
        paths = ",".join(map(str, controls))
        rooms = Rooms(processes, "--relay", paths, env=settings)
        rooms.process.wait_until(lambda: "relays_ready 2" in rooms.ask("/metrics")[1], "both")
        alice = Client(rooms, user="alice")
        addresses = {}
        for room in ("a", "b"):
            alice.call("POST", "/v1/rooms", 201, {"room": room})
            entry = alice.call("POST", f"/v1/rooms/{room}/members", 201)
            addresses[room] = entry["relay"]["address"]
        harness.expect(addresses["a"].startswith("127.0.0.1:"), addresses)
        harness.expect(addresses["b"].startswith("two.test:"), addresses)
        rooms.process.kill()
        rooms.again("again")
        rooms.process.wait_until(lambda: "relays_ready 2" in rooms.ask("/metrics")[1], "both again")
        for room, address in addresses.items():
            entry = alice.call("POST", f"/v1/rooms/{room}/members", 200)
            harness.expect(entry["relay"]["address"] == address, f"{room} moved: {entry['relay']}")
        relays[1].kill()
        rooms.process.wait_until(lambda: "relays_ready 1" in rooms.ask("/metrics")[1], "one less")
        entry = alice.call("POST", "/v1/rooms/b/members", 200)
        harness.expect(entry["relay"] is None, "its room waits for it")
        harness.expect(alice.call("POST", "/v1/rooms/a/members", 200)["relay"], "the other goes on")


if __name__ == "__main__":
    harness.main(
        [
            a_token_by_the_documents_python_is_good,
            a_token_by_the_documents_node_is_good,
            members_of_both_apis_meet_in_one_room,
            a_text_is_heard_by_members_of_both_apis,
            bad_requests_get_problems,
            a_flood_from_one_address_leaves_the_others_alone,
            events_reach_who_listens_and_who_comes_back,
            strangers_get_no_events,
            a_listener_who_does_not_read_is_closed_by_name,
            streams_are_events_too,
            the_application_is_told_and_can_check_who_tells,
            an_operator_reads_the_logs_and_nobody_else,
            the_log_tells_no_secret_of_v1,
            rooms_are_spread_over_relays_and_stay_where_they_are,
        ]
    )
