#!/usr/bin/env python3
"""The metrics page of a live relay passes `promtool check metrics`, and names no member or room."""

import subprocess
import sys
import time

import harness

LABELS_MAX = 600  # samples of an ordinary page: a label of unbounded values would pass this soon


def lint(relay):
    clip = harness.ROOM[0]
    relay.push(clip.name, harness.clip_file(clip), "--loop", room="secret-room")
    time.sleep(1)
    page = relay.get("/metrics")
    result = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, check=False
    )
    print(result.stdout + result.stderr, end="")
    harness.expect(result.returncode == 0, "promtool check metrics")
    harness.expect("secret-room" not in page, "a room's name is in the metrics")
    harness.expect(clip.name not in page, "a member's name is in the metrics")
    lines = [line for line in page.splitlines() if not line.startswith("#")]
    harness.expect(len(lines) < LABELS_MAX, f"{len(lines)} samples")
    print(f"metrics: {len(lines)} samples, no findings")


if __name__ == "__main__":
    try:
        with harness.Processes() as everything:
            lint(harness.Relay(everything))
    except harness.Failed as failure:
        sys.exit(f"metrics: {failure}")
