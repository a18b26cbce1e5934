"""A relay and a room service of our own and the members around them, as processes on the loopback
interface.

    push anna --\\                    /--> pull of anna by bert, by cleo, by dora
    push bert ---+--> sluice-relay --+--> pull of bert by anna, ...
    push ...  --/                    \\--> ...
"""

import json
import socket
import urllib.error
import urllib.request

from .clips import clip_file
from .processes import Failed

ROOM_NAME = "demo"


def free_port(kind, host="127.0.0.1"):
    """A port nobody has now. If somebody takes it before we do, the relay says so and exits."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def host_port(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Relay:
    """sluice-relay --dev with ports and a runtime folder of its own: many run side by side. Not
    `dev`: one that others may reach, too."""

    def __init__(self, processes, host="127.0.0.1", arguments=(), dev=True):
        self.processes, self.host = processes, host
        self.runtime = processes.folder / f"runtime-{len(processes.started)}"
        self.runtime.mkdir(mode=0o700)
        self.env = {"XDG_RUNTIME_DIR": str(self.runtime)}
        self.udp = host_port(host, free_port(socket.SOCK_DGRAM, host))
        self.http = host_port(host, free_port(socket.SOCK_STREAM, host))
        self.control = str(self.runtime / "control.sock")
        listen = ["--listen", self.udp, "--http", self.http, "--control", self.control]
        self.found_by = [] if dev else ["--control", self.control]
        self.command = [*(["--dev"] if dev else []), *listen, *arguments]
        self.start_relay("relay")

    def start_relay(self, label):
        """Also again, after its end: on the same ports."""
        self.process = self.processes.start(
            "sluice-relay", *self.command, label=label, env=self.env
        )
        self.process.wait_until(self.is_ready, "ready")

    def is_ready(self):
        try:
            return self.get("/readyz") is not None
        except (OSError, urllib.error.URLError):
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.http}{path}", timeout=5) as response:
            return response.read().decode()

    def url(self, name, room=ROOM_NAME):
        return f"sluice://{self.udp}/{room}/{name}"

    def stream(self, name, room=ROOM_NAME):
        """How push and pull name a stream: by the room service, where there is one."""
        return [self.url(name, room), *self.found_by]

    def push(self, name, file, *arguments, room=ROOM_NAME):
        """A member that pushes `file` as its stream `name`."""
        command = ["push", *self.stream(name, room), file, *arguments]
        return self.processes.start("sluice", *command, label=f"push-{name}", env=self.env)

    def pull(self, name, label, *arguments, room=ROOM_NAME, within=()):
        command = ["pull", *self.stream(name, room), *arguments]
        return self.processes.start(
            "sluice", *command, label=f"pull-{label}", env=self.env, within=within
        )


class RelayWithRooms(Relay):
    """With sluice-rooms --dev beside it, and a multi_room whose members pushes and pulls are."""

    def __init__(self, processes, room=ROOM_NAME):
        super().__init__(processes)
        listen = ["--listen", host_port(self.host, free_port(socket.SOCK_STREAM, self.host))]
        self.rooms_url = f"http://{listen[1]}"
        self.rooms_command = ["--dev", *listen, "--relay", self.control]
        self.start_rooms("rooms")
        self.rooms.wait_for("relay_attached")
        # Made by nobody who is in it: so it lasts whoever leaves.
        if self.ask_rooms("create", room, "--type", "multi", "--user", "demo").wait(10) != 0:
            raise Failed("the room was not made")

    def start_rooms(self, label):
        """Also again, after its end: on the same port, with the same state."""
        self.rooms = self.processes.start(
            "sluice-rooms", *self.rooms_command, label=label, env=self.env
        )
        self.rooms.wait_for("serves rooms on")

    def ask_rooms(self, *arguments):
        """sluice room ..."""
        command = ["room", "--rooms", self.rooms_url, *arguments]
        return self.processes.start("sluice", *command, label=f"room-{arguments[0]}", env=self.env)

    def stream(self, name, room=ROOM_NAME):
        return ["--rooms", self.rooms_url, f"{room}/{name}"]


class Subscription:
    """One member's pull of another's stream into a file, the client's own figures beside it."""

    def __init__(self, relay, clip, subscriber, seconds):
        self.clip, self.label = clip, f"{clip.name}-by-{subscriber.name}"
        self.file = relay.processes.folder / f"{self.label}.flv"
        self.stats_file = relay.processes.folder / f"{self.label}.json"
        arguments = ["-o", self.file, "--seconds", seconds, "--stats", self.stats_file]
        self.process = relay.pull(clip.name, self.label, *arguments)

    def finish(self, seconds):
        if (code := self.process.wait(seconds)) != 0:
            raise Failed(f"the pull {self.label} ended with {code}: {last_line(self.process)}")
        return json.loads(self.stats_file.read_text())


def last_line(process):
    lines = (process.errors() or process.output()).strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def start_pushers(relay, clips, *arguments):
    """Every member pushes its clip, over and over."""
    return [relay.push(c.name, clip_file(c), "--loop", "--stamp", *arguments) for c in clips]


def subscriptions(relay, clips, seconds):
    """Everyone pulls everyone else."""
    return [Subscription(relay, c, s, seconds) for c in clips for s in clips if s is not c]
