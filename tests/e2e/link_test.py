#!/usr/bin/env python3
"""`sluice-bench link` measures a cell over real processes and sockets: pusher, impairing proxy,
relay, impairing proxy, subscriber."""
import json
import subprocess

import harness


def measure(*options):
    command = [harness.program("sluice-bench"), "link", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    harness.expect(done.returncode == 0, f"{options} ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def a_lossy_cell_is_measured_in_five_seconds():
    report = measure("--seconds", "5", "--loss", "5%", "--rtt", "20", "--budget", "250")
    harness.expect(not report["simulated"], "it is said to be simulated")
    harness.expect(report["frames_sent"] == 90, f"{report['frames_sent']} frames counted, not 90")
    # The machine may stall; most frames come through all the same, and were lost without recovery.
    harness.expect(report["frames_missed"] <= 9, f"{report['frames_missed']} frames missed")
    overhead = report["overhead_ratio"]
    harness.expect(0.05 < overhead < 0.30, f"overhead {overhead}")
    up, down = report["legs"]
    harness.expect(up["overhead_ratio"] < 0.06, f"the clean leg's overhead {up['overhead_ratio']}")
    harness.expect(down["overhead_retransmitted"] > 0, "nothing was sent again")


def an_outage_of_two_seconds_costs_little_more_than_its_frames():
    # The same cell in virtual time misses 54: what B reaches back before the end comes again.
    report = measure("--seconds", "10", "--rtt", "20", "--budget", "250", "--outage", "4:2000")
    missed = report["frames_missed"]
    harness.expect(45 <= missed <= 75, f"{missed} of {report['frames_sent']} frames missed")


def without_a_relay_it_says_so():
    command = [harness.program("sluice-bench"), "link", "--relay", "/nonexistent", "--seconds", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    harness.expect(done.returncode == 5, f"ended with {done.returncode}")
    harness.expect("cannot run /nonexistent" in done.stderr, done.stderr)


if __name__ == "__main__":
    harness.main(
        [
            a_lossy_cell_is_measured_in_five_seconds,
            an_outage_of_two_seconds_costs_little_more_than_its_frames,
            without_a_relay_it_says_so,
        ]
    )
