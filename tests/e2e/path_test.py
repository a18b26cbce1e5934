#!/usr/bin/env python3
"""What members do on a path whose address, MTU or existence changes, in network namespaces:

    sluice push, sluice-relay (10.9.0.1) --veth-- sluice pull (10.9.0.2) in a namespace of its own

Skipped (77) where no network namespace may be made: that takes root, or a kernel that lets users
make them (sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces; not in most
containers), and the programs unshare, nsenter (util-linux) and ip (iproute2).
"""

import json
import os
import shutil
import subprocess
import sys
import time

import harness

RELAY, MEMBER, MOVED = "10.9.0.1", "10.9.0.2", "10.9.0.3"
CLIP = harness.ROOM[0]
SKIPPED = 77
INSIDE = "SLUICE_TEST_NAMESPACE"


def enter_or_skip():
    """Starts this script again in a user and network namespace of its own, where it is root."""
    if INSIDE in os.environ:
        return
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            print(f"skipped: the program {tool} is not there")
            sys.exit(SKIPPED)
    enter = ["unshare", "--user", "--map-root-user", "--net"]
    tried = subprocess.run([*enter, "ip", "link", "add", "type", "veth"], capture_output=True)
    if tried.returncode != 0:
        print(f"skipped: no network namespace: {tried.stderr.decode().strip()}")
        sys.exit(SKIPPED)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", [*enter, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def ip(*arguments, within=()):
    subprocess.run([*within, "ip", *arguments], check=True)


class Path:
    """Two ends of a veth: ours with the relay's address, and the member's in another namespace."""

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        ours, pid = os.readlink("/proc/self/ns/net"), self.holder.pid
        while os.readlink(f"/proc/{pid}/ns/net") == ours:
            time.sleep(0.01)  # until unshare has done it; there is nothing to wait on
        self.within = ["nsenter", f"--net=/proc/{pid}/ns/net"]
        ip("link", "set", "lo", "up")
        ip("link", "add", "relay", "type", "veth", "peer", "name", "member", "netns", str(pid))
        ip("address", "add", f"{RELAY}/24", "dev", "relay")
        ip("link", "set", "relay", "up")
        self.member("address", "add", f"{MEMBER}/24", "dev", "member")
        self.member("link", "set", "member", "up")
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.wait()
        subprocess.run(["ip", "link", "delete", "relay"], check=False, capture_output=True)

    def member(self, *arguments):
        ip(*arguments, within=self.within)


def call(disturb, seconds, *arguments):
    """A pull of `seconds` through the veth with `disturb(path)` in the middle of it; the
    Verdict on what arrived, what the puller says of itself, and the relay of all."""
    with Path() as path, harness.Processes() as processes:
        relay = harness.Relay(processes, RELAY, dev=False)
        relay.push(CLIP.name, harness.clip_file(CLIP), "--loop")
        file, stats = processes.folder / "pulled.flv", processes.folder / "stats.json"
        how = ["-o", file, "--seconds", seconds, "--stats", stats, *arguments]
        puller = relay.pull(CLIP.name, "it", *how, within=path.within)
        puller.wait_until(lambda: file.exists() and file.stat().st_size > 200_000, "receiving")
        disturb(path)
        code = puller.wait(seconds + 30)
        harness.expect(code == 0, f"the pull ended with {code}: {harness.last_line(puller)}")
        metrics = relay.get("/metrics")
        return harness.verify(file, CLIP, seconds), json.loads(stats.read_text()), metrics


def another_address_of_the_machine_leaves_no_gap():
    def move(path):
        path.member("address", "delete", f"{MEMBER}/24", "dev", "member")
        path.member("address", "add", f"{MOVED}/24", "dev", "member")

    verdict, stats, _ = call(move, 6, "--live", "--delay", "250")
    harness.expect(not verdict.problems, "; ".join(verdict.problems))
    harness.expect(stats["skipped_frames"] == 0, f"{stats['skipped_frames']} frames were skipped")


def two_seconds_without_a_path_need_no_other_join():
    def cut(path):
        path.member("link", "set", "member", "down")
        time.sleep(2)  # the outage itself
        path.member("link", "set", "member", "up")

    _, stats, metrics = call(cut, 10, "--live", "--delay", "250")
    joins = [line for line in metrics.splitlines() if 'handshakes_total{result="accepted"}' in line]
    harness.expect([line.split()[-1] for line in joins] == ["2"], f"joins: {joins}")
    # 10 s of pictures less 2 s of outage and the rest of a GOP, until a key frame comes.
    harness.expect(stats["frames"] > 0.5 * 10 * CLIP.fps, f"only {stats['frames']} frames")


def a_smaller_path_is_refused_with_the_cure():
    # At the member's own end its kernel refuses full datagrams, at the other they just vanish.
    for small in ("member", "relay"):
        with Path() as path, harness.Processes() as processes:
            relay = harness.Relay(processes, RELAY, dev=False)
            path.member("link", "set", "member", "mtu", "1240" if small == "member" else "1500")
            ip("link", "set", "relay", "mtu", "1240" if small == "relay" else "1500")
            output = ["-o", processes.folder / "pulled.flv"]
            puller = relay.pull(CLIP.name, "it", *output, within=path.within)
            code, said = puller.wait(20), harness.last_line(puller)
            harness.expect(code in (3, 4), f"MTU 1240 of the {small}: it ended with {code}: {said}")
            harness.expect("datagrams of 1232 bytes get lost" in said, f"it says: {said}")


if __name__ == "__main__":
    enter_or_skip()
    harness.main(
        [
            another_address_of_the_machine_leaves_no_gap,
            two_seconds_without_a_path_need_no_other_join,
            a_smaller_path_is_refused_with_the_cure,
        ]
    )
