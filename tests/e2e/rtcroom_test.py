"""What clients of the RTCRoom API see, from login to the room's end: the service beside a relay."""

import json
import re
import select
import socket
import time
from contextlib import contextmanager

import harness
from rooms_test import Rooms
from rtcroom import GET_MESSAGE, GROUPS, Client


@contextmanager
def service(**env):
    """A relay, and the room service that has found it."""
    with harness.Processes() as processes:
        runtime = processes.folder / "runtime"
        runtime.mkdir(mode=0o700)
        listen = ["--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
        relay_env = {"XDG_RUNTIME_DIR": str(runtime)}
        relay = processes.start("sluice-relay", "--dev", *listen, label="relay", env=relay_env)
        relay.wait_for("Ctrl-C ends it")
        rooms = Rooms(processes, env=env)
        rooms.process.wait_for("relay_attached")
        yield rooms


def clients(rooms, *names, kind="multi_room"):
    return [Client(rooms.host_port, name, kind) for name in names]


def the_recorded_flow_of_a_multi_room():
    with service(SLUICE_ROOMS_ROOMS_CREATOR_DISSOLVES_MULTI="false") as rooms:
        alice, bob, carol = clients(rooms, "alice", "bob", "carol")
        harness.expect(alice.call("get_room_list", index=0, cnt=20)["rooms"] == [], "no rooms")
        room = alice.create()
        harness.expect(bob.call("get_room_list", index=0, cnt=20)["rooms"] == [], "inactive")
        bob.call("get_pushers", 3, roomID=room)
        alice.enter(room)
        harness.expect(len(bob.call("get_room_list", index=0, cnt=20)["rooms"]) == 1, "one room")
        bob.enter(room)
        alice.wait("onPusherJoin", "bob")
        bob.wait("onPusherJoin", "alice")
        carol.enter(room)
        alice.wait("onPusherJoin", "carol")
        bob.wait("onPusherJoin", "carol")
        carol.wait("onPusherJoin", "alice", "bob")
        text = "hello [微笑] }} x"
        bob.say(text)
        for client in (alice, bob, carol):
            client.wait("onRecvRoomTextMsg", "bob", text)
        bob.exit()
        for client in (alice, carol):
            client.wait("onPusherQuit", "bob")
        alice.exit()
        carol.wait("onPusherQuit", "alice")
        creator = carol.call("get_pushers", roomID=room)["roomCreator"]
        harness.expect(creator == "alice", "still the creator")
        carol.call("delete_pusher", roomID=room, userID="carol")
        carol.wait("onRoomClose")
        harness.expect(alice.call("get_room_list", index=0, cnt=20)["rooms"] == [], "gone")
        for client in (alice, bob, carol):
            harness.expect(client.events == [], f"nothing else: {client.name} {client.events}")
        alice.call("logout")
        alice.call("get_room_list", 7, index=0, cnt=20)
        for client in (alice, bob, carol):
            client.end()


def a_double_room_ends_with_its_creator():
    with service() as rooms:
        alice, bob, carol = clients(rooms, "alice", "bob", "carol", kind="double_room")
        room = alice.create()
        alice.enter(room)
        bob.enter(room)
        alice.wait("onPusherJoin", "bob")
        carol.add_pusher(room, 5001)
        began = time.monotonic()
        alice.call("delete_pusher", roomID=room, userID="alice")
        for client in (alice, bob):
            client.wait("onRoomClose")
        harness.expect(time.monotonic() - began < 1, "at once")
        alice.call("destroy_room", 3, roomID=room, userID="alice")
        for client in (alice, bob, carol):
            client.end()


def a_live_room_with_link_mic():
    with service() as rooms:
        anchor, linker, viewer = clients(rooms, "anchor", "linker", "viewer", kind="live_room")
        room = anchor.create_live()
        anchor.wait("onPushersChange")
        for client in (linker, viewer):
            seen = client.watch(room)
            harness.expect(seen["roomCreator"] == "anchor", f"{seen}")
        live = viewer.call("get_room_list", index=0, cnt=20)["rooms"][0]
        harness.expect(live["audienceCount"] == 2, f"{live}")
        viewer.request_to_push("anchor")
        anchor.wait("onRecvJoinPusherRequest", "viewer")
        anchor.respond("viewer", "reject")
        viewer.wait("response", "reject")
        linker.request_to_push("anchor")
        anchor.wait("onRecvJoinPusherRequest", "linker")
        anchor.respond("linker", "accept")
        linker.wait("response", "accept")
        linker.add_pusher(room)
        for client in (anchor, viewer):
            happened = client.wait("onPusherJoin", "linker")
            harness.expect(happened[-2][0] == "onPushersChange", f"{client.name}: {happened}")
        linker.wait("onPushersChange", "anchor")
        streams = [{"input_stream_id": name} for name in ("anchor", "linker")]
        layout = {"interface": {"para": {"input_stream_list": streams}}}
        merged = anchor.call("merge_stream", roomID=room, userID="anchor", mergeParams=layout)
        harness.expect(merged["result"]["code"] != 0, "mixing is not feigned")
        viewer.say("go", "CustomCmdMsg")
        anchor.wait("onRecvRoomCustomMsg", "viewer", "go")
        data = {"userID": "viewer", "userName": "viewer", "userAvatar": "", "msg": "hi"}
        viewer.send("anchor", "app", data)
        anchor.wait("onRecvC2CCustomMsg", "viewer", "app", "hi")
        anchor.kick_out("linker")
        linker.wait("onKickOut", room)
        linker.call("delete_pusher", roomID=room, userID="linker")
        for client in (anchor, viewer):
            client.wait("onPusherQuit", "linker")
        viewer.call("delete_pusher", 5, roomID=room, userID="viewer")
        anchor.call("destroy_room", roomID=room, userID="anchor")
        for client in (anchor, linker, viewer):
            client.wait("onRoomClose")
            client.end()


def a_held_poll_ends_before_quit_group_is_answered():
    with service() as rooms:
        (alice,) = clients(rooms, "alice")
        alice.enter("r")
        alice.key = None  # no chain of its own from here on
        answer = alice.im(GROUPS + "apply_join_group", GroupId="r")
        for turn in range(10):
            body = {"StartSeq": 0, "HoldTime": 50, "Key": answer["LongPollingKey"]}
            poll = send(rooms, f"{GET_MESSAGE}?{alice.im_query}", body)
            wait_for_polls(rooms, 2)
            call = "quit_group" if turn % 2 == 0 else "apply_join_group"
            late = send(rooms, f"{GROUPS}{call}?{alice.im_query}", {"GroupId": "r"})
            late.recv(1, socket.MSG_PEEK)
            harness.expect(select.select([poll], [], [], 0)[0], f"{call}: before the poll")
            for connection in (poll, late):
                connection.close()
            answer = alice.im(GROUPS + "apply_join_group", GroupId="r")
        alice.end()


def send(rooms, path, body):
    """A socket with this request under way."""
    connection, text = rooms.connect(), json.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(text)}"
    connection.sendall(f"{head}\r\n\r\n{text}".encode())
    return connection


def wait_for_polls(rooms, count, seconds=10):
    until = time.monotonic() + seconds
    while f"sluice_rooms_polls_waiting {count}\n" not in rooms.ask("/metrics")[1]:
        harness.expect(time.monotonic() < until, f"{count} polls:\n{rooms.ask('/metrics')[1]}")
        time.sleep(0.02)


def who_goes_silent_is_reported_after_20_to_26_seconds():
    with service() as rooms:
        alice = Client(rooms.host_port, "alice")
        bob = Client(rooms.host_port, "bob", heartbeats=False)
        alice.enter("r")
        bob.enter("r")
        alice.wait("onPusherJoin", "bob")
        began, before = time.monotonic(), alice.poll_requests
        alice.wait("onPusherQuit", "bob", seconds=30)
        waited = time.monotonic() - began
        harness.expect(20 <= waited <= 26, f"{waited} s")
        harness.expect(alice.poll_requests - before <= 2, "no poll but the one that told it")
        for client in (alice, bob):
            client.end()


def a_killed_service_loses_no_listener():
    with service() as rooms:
        alice, bob = clients(rooms, "alice", "bob")
        alice.enter("r")
        bob.enter("r")
        alice.wait("onPusherJoin", "bob")
        rooms.process.kill()
        rooms.again("again")
        wait_for_polls(rooms, 4)
        bob.say("still here")
        alice.wait("onRecvRoomTextMsg", "bob", "still here")
        harness.expect(alice.events == [], f"nobody left: {alice.events}")
        for client in (alice, bob):
            client.end()


def a_waiting_poll_costs_little_and_goes_with_its_client():
    with service(SLUICE_ROOMS_LISTEN_CONNECTIONS_PER_ADDRESS="4096") as rooms:
        (alice,) = clients(rooms, "alice")
        alice.enter("r")
        wait_for_polls(rooms, 2)
        members, sockets = 500, []
        users = [Login(rooms, alice, f"u{i}") for i in range(members)]
        before = resident_kib(rooms)
        for user in users:
            sockets += user.park()
        wait_for_polls(rooms, 2 + 2 * members, 60)
        each = (resident_kib(rooms) - before) / members
        harness.expect(each <= 12, f"{each} KiB a member with two polls")
        began = time.monotonic()
        alice.say("hello")
        alice.wait("onRecvRoomTextMsg", "alice", "hello")
        told = time.monotonic() - began
        harness.expect(told < 1, f"{members} listeners: {told} s")
        for connection in sockets:
            connection.close()
        wait_for_polls(rooms, 2)
        alice.end()


def resident_kib(rooms):
    page = rooms.ask("/metrics")[1]
    return float(re.search(r"\nprocess_resident_memory_bytes (\S+)", page)[1]) / 1024


class Login:
    """A listener of the room "r" that only polls, on two sockets."""

    def __init__(self, rooms, other, name):
        self.rooms = rooms
        info = other.post(f"/weapp/utils/get_login_info?userID={name}", {})[1]
        app = f"sdkappid={info['sdkAppID']}&accounttype={info['accType']}"
        query = f"{app}&identifier={name}&usersig={info['userSig']}"
        answer = other.post(f"/v4/openim/login?{query}", {"State": "Online"})[1]
        self.query = f"{app}&tinyid={answer['TinyId']}&a2={answer['A2Key']}"
        joined = other.post(f"{GROUPS}apply_join_group?{self.query}", {"GroupId": "r"})[1]
        self.key = joined["LongPollingKey"]

    def park(self):
        user = {"Timeout": 50, "Cookie": {}}
        group = {"StartSeq": 0, "HoldTime": 50, "Key": self.key}
        return [
            send(self.rooms, f"/v4/openim/longpolling?{self.query}", user),
            send(self.rooms, f"{GET_MESSAGE}?{self.query}", group),
        ]


if __name__ == "__main__":
    harness.main(
        [
            the_recorded_flow_of_a_multi_room,
            a_double_room_ends_with_its_creator,
            a_live_room_with_link_mic,
            a_held_poll_ends_before_quit_group_is_answered,
            a_killed_service_loses_no_listener,
            who_goes_silent_is_reported_after_20_to_26_seconds,
            a_waiting_poll_costs_little_and_goes_with_its_client,
        ]
    )
