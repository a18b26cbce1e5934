#!/usr/bin/env python3
"""deploy/demo's own half, after installing and building: the room with its four members.

Without --check it runs until Ctrl-C and shows how the room does. With --check it measures for some
ten seconds, verifies every subscription frame by frame, prints one summary line and exits 0 or 1.
"""

import argparse
import json
import os
import signal
import sys
import time

from demo_room import measure
from demo_room.clips import ROOM, SECONDS, cache_folder, clip_file, clip_hashes
from demo_room.processes import Failed, Processes, program
from demo_room.room import ROOM_NAME, RelayWithRooms, last_line, start_pushers, subscriptions
from demo_room.verify import Verdict, verify

PULL_SECONDS = 10
WINDOWS, WINDOW_SECONDS = 5, 0.8  # of added latency and echo each, within the pull
SETTLE_SECONDS = 1  # until all have joined and the cached pictures are sent
JOINS = 50
PATIENCE_SECONDS = 20  # beyond the time a program was told to run

# What --check holds the room to.
ADDED_LATENCY_US_P50_MAX = 500
ADDED_TO_ECHO_P99_MAX = 3
FIRST_FRAME_MS_P50_MAX = 150


class Progress:
    """A redrawn line on a terminal, a plain line every five seconds otherwise."""

    def __init__(self):
        self.redraws = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
        self.last = 0.0

    def __call__(self, text):
        if self.redraws:
            sys.stderr.write(f"\r\033[K{text}")
        elif time.monotonic() - self.last >= 5:
            sys.stderr.write(text + "\n")
            self.last = time.monotonic()
        sys.stderr.flush()

    def step(self, text):
        """Something new begins: always shown."""
        self.last = 0.0
        self(text)

    def clear(self):
        if self.redraws:
            sys.stderr.write("\r\033[K")


def prepare_clips(progress, with_hashes):
    for number, clip in enumerate(ROOM, 1):
        progress(f"test pictures: clip {number} of {len(ROOM)} ({cache_folder()})")
        clip_file(clip)
        if with_hashes:
            for kind in ["pictures", "video", "audio"] if clip.fps else ["audio"]:
                clip_hashes(clip, kind)


def wait_until_pushed(relay, pushers):
    """Until the relay has every member's stream."""

    def all_there():
        for pusher in pushers:
            if pusher.popen.poll() is not None:
                raise Failed(f"{pusher.label} ended: {last_line(pusher)}")
        return measure.total(relay.get("/metrics"), "sluice_relay_streams") >= len(pushers)

    relay.process.wait_until(all_there, "carrying every member's stream")


def others_load():
    """What else keeps the machine busy, in cores; None when little enough to measure latencies."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return f"load {load:.1f} on {cores} cores" if load > cores else None


def check(arguments, progress):
    busy = others_load()
    with Processes() as processes:
        relay = RelayWithRooms(processes)
        pushers = start_pushers(relay, ROOM)
        wait_until_pushed(relay, pushers)
        progress.step(f"{len(ROOM)} members, pulling one another for {PULL_SECONDS} s")
        pulls = subscriptions(relay, ROOM, PULL_SECONDS)
        time.sleep(SETTLE_SECONDS)
        latency, cpu = measure.AddedLatency(relay), measure.CpuMeter(relay.process.popen.pid)
        latency.run(WINDOWS, WINDOW_SECONDS)
        cpu_percent = cpu.percent()
        stats = [pull.finish(PULL_SECONDS + PATIENCE_SECONDS) for pull in pulls]
        progress.step("joining at random moments")
        joins = measure.join_often(relay, [c for c in ROOM if c.fps], JOINS, progress)
        end_codes = [p.stop() for p in [*pushers, relay.rooms, relay.process]]
        verdicts = {}
        for number, pull in enumerate(pulls, 1):
            progress(f"decoding subscription {number} of {len(pulls)}")
            verdicts[pull.label] = verify(pull.file, pull.clip, PULL_SECONDS)
        report = make_report(verdicts, stats, joins, latency.figures(), cpu_percent)
        problems = find_problems(verdicts, end_codes)
        slow = find_slow(report)
        if busy and slow:
            progress.clear()
            excuse = f"the machine is busy with other things ({busy})"
            print(f"demo: not held to its latencies, {excuse}: {'; '.join(slow)}", file=sys.stderr)
        else:
            problems += slow
        report["ok"], report["latency_ok"] = not problems, not slow
        write_report(arguments.json, report, problems, progress)
        if problems and arguments.logs:
            print("\n".join(p.log() for p in processes.started[: 3 + len(ROOM)]), file=sys.stderr)
        return 0 if report["ok"] else 1


def make_report(verdicts, stats, joins, latency, cpu_percent):
    total = Verdict()
    for verdict in verdicts.values():
        total.video_sent += verdict.video_sent
        total.video_decoded += verdict.video_decoded
        total.video_exact += verdict.video_exact
        total.audio_exact += verdict.audio_exact
    p50s = [s["latency_us_p50"] / 1000 for s in stats]
    p99s = [s["latency_us_p99"] / 1000 for s in stats]
    return {
        "ok": False,
        "members": len(ROOM),
        "subscriptions": len(verdicts),
        "video_frames_sent": total.video_sent,
        "video_frames_decoded": total.video_decoded,
        "frames_bit_exact": total.video_exact,
        "audio_frames_bit_exact": total.audio_exact,
        "join_ms_p50": measure.median([s["join_ms"] for s in joins]),
        "first_frame_ms_p50": measure.median([s["first_frame_ms"] for s in joins]),
        **latency,
        "end_to_end_ms_p50": round(measure.median(p50s), 2),
        "end_to_end_ms_p99": round(max(p99s), 2),
        "relay_cpu_percent": round(cpu_percent, 1),
    }


def find_problems(verdicts, end_codes):
    problems = [f"{label}: {p}" for label, v in verdicts.items() for p in v.problems]
    if any(end_codes):
        problems.append(f"exit codes of pushers, rooms and relay after SIGTERM: {end_codes}")
    return problems


def find_slow(report):
    problems = []
    if report["added_latency_us_p50"] >= ADDED_LATENCY_US_P50_MAX:
        problems.append(f"added latency p50 is not below {ADDED_LATENCY_US_P50_MAX} us")
    if report["added_latency_us_p99"] > ADDED_TO_ECHO_P99_MAX * report["echo_latency_us_p99"]:
        problems.append(f"added latency p99 is above {ADDED_TO_ECHO_P99_MAX}x the bare echo's")
    if report["first_frame_ms_p50"] >= FIRST_FRAME_MS_P50_MAX:
        problems.append(f"first frame p50 is not below {FIRST_FRAME_MS_P50_MAX} ms")
    return problems


def write_report(json_file, report, problems, progress):
    progress.clear()
    for problem in problems:
        print(f"demo: {problem}", file=sys.stderr)
    if json_file:
        with open(json_file, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2)
            file.write("\n")
    verdict = "ok" if report["ok"] else "FAILED"
    print(
        f"demo: {verdict}: {report['members']} members, {report['subscriptions']} subscriptions, "
        f"{report['frames_bit_exact']} of {report['video_frames_sent']} video frames bit exact, "
        f"added latency {report['added_latency_us_p50']}/{report['added_latency_us_p99']} us "
        f"(bare echo p99 {report['echo_latency_us_p99']}), "
        f"first frame {report['first_frame_ms_p50']} ms, relay {report['relay_cpu_percent']} % CPU",
        flush=True,
    )


def run(arguments, progress):
    del arguments
    with Processes() as processes:
        relay = RelayWithRooms(processes)
        pushers = start_pushers(relay, ROOM)
        wait_until_pushed(relay, pushers)
        # Nobody watches yet, but a relay without subscribers would show nothing.
        pulls = [
            relay.pull(c.name, f"{c.name}-by-{s.name}", "--live", "-o", "/dev/null")
            for c in ROOM
            for s in ROOM
            if s is not c
        ]
        progress.clear()
        print(invitation(relay), flush=True)
        watch(relay, [*pushers, *pulls], progress)
    return 0


def invitation(relay):
    sluice = os.path.relpath(program("sluice"))
    rooms = f"--rooms {relay.rooms_url}"
    anna, dora = f"{ROOM_NAME}/{ROOM[0].name}", f"{ROOM_NAME}/{ROOM[-1].name}"
    return f"""
A room named "{ROOM_NAME}" with {len(ROOM)} members is running:
relay {relay.udp}, rooms {relay.rooms_url}.

  watch    {sluice} pull {rooms} {anna} -o - | ffplay -
  listen   {sluice} pull {rooms} {dora} -o - | ffplay -nodisp -
  push     {sluice} push {rooms} {ROOM_NAME}/me {clip_file(ROOM[1])} --loop
  rooms    {sluice} room list {rooms}
  members  {sluice} room members {ROOM_NAME} {rooms}
  metrics  curl http://{relay.http}/metrics
  web page: not yet

Ctrl-C ends everything.
"""


def watch(relay, clients, progress):
    """A line a second about the room, until a program ends or Ctrl-C."""
    cpu = measure.CpuMeter(relay.process.popen.pid)
    before, at = relay.get("/metrics"), time.monotonic()
    while True:
        time.sleep(1)
        for process in [relay.process, relay.rooms, *clients]:
            if process.popen.poll() is not None:
                raise Failed(f"{process.label} ended: {last_line(process)}")
        page, now = relay.get("/metrics"), time.monotonic()
        progress(room_line(before, page, now - at, cpu.percent()))
        before, at = page, now


def room_line(before, page, seconds, cpu_percent):
    def growth(name, **labels):
        name = "sluice_relay_" + name
        return measure.total(page, name, **labels) - measure.total(before, name, **labels)

    latency = measure.histogram(page, measure.FORWARD_LATENCY)
    latency.subtract(measure.histogram(before, measure.FORWARD_LATENCY))
    return (
        f"{measure.total(page, 'sluice_relay_members'):.0f} links, "
        f"{growth('bytes_total', direction='in') * 8e-6 / seconds:.1f} Mbit/s in, "
        f"{growth('bytes_total', direction='out') * 8e-6 / seconds:.1f} out, "
        f"{growth('packets_lost_total'):.0f} lost, {growth('drops_total'):.0f} dropped, "
        f"added latency {measure.quantile(latency, 0.5) * 1e6:.0f}/"
        f"{measure.quantile(latency, 0.99) * 1e6:.0f} us, relay {cpu_percent:.1f} % CPU"
    )


def parse():
    parser = argparse.ArgumentParser(prog="deploy/demo", description=__doc__.split("\n\n")[0])
    parser.add_argument("--check", action="store_true", help="verify everything, then end")
    parser.add_argument("--json", metavar="FILE", help="with --check: the figures")
    parser.add_argument("--no-logs", dest="logs", action="store_false", help="no logs on failure")
    return parser.parse_args()


def interrupted(signum, frame):
    raise KeyboardInterrupt


def main():
    arguments, progress = parse(), Progress()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    try:
        prepare_clips(progress, arguments.check)
        sys.exit((check if arguments.check else run)(arguments, progress))
    except Failed as failure:
        progress.clear()
        print(f"demo: FAILED: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        progress.clear()
        print("demo: ended", file=sys.stderr)
        sys.exit(130 if arguments.check else 0)


if __name__ == "__main__":
    main()
