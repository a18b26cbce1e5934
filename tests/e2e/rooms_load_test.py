#!/usr/bin/env python3
"""`sluice-bench rooms` fills a room service with members and measures its calls: small here, where
only the counts are judged."""
import json
import subprocess

import harness


def run(*options):
    command = [harness.program("sluice-bench"), "rooms", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def every_call_polls_and_notice_of_a_small_load_is_answered():
    options = ["--rooms", "20", "--calls", "100", "--parked", "40", "--seconds", "2"]
    options += ["--notice-members", "30", "--notices", "5"]
    done = run(*options, "--fail-if", "calls_failed>0,members_lost>0")
    harness.expect(done.returncode == 0, f"ended with {done.returncode}: {done.stderr}")
    report = json.loads(done.stdout)
    harness.expect(report["calls_answered"] == 200, f"{report}")
    # A message in ten calls, each to one of 20 rooms; 10 of them have 4 polls, the others none.
    harness.expect(report["polls_answered"] >= 5 * 30, f"{report}")
    for call in ("heartbeat", "get_pushers", "get_room_list", "message", "notice"):
        harness.expect(report[f"{call}_us_p99"] > 0, f"{call} was not timed: {report}")


def members_that_would_time_out_are_refused_before_the_run():
    done = run("--rooms", "5000", "--calls", "100")
    harness.expect(done.returncode == 2, f"ended with {done.returncode}")
    harness.expect("--calls: six of ten are heartbeats" in done.stderr, done.stderr)


def a_report_that_cannot_be_written_and_a_condition_that_cannot_be_read_are_told_first():
    for options, words in (
        (["--json", "/nonexistent/report.json"], "--json: "),
        (["--fail-if", "p99>soon"], "--fail-if: "),
    ):
        done = run(*options)
        harness.expect(done.returncode == 2, f"{options} ended with {done.returncode}")
        harness.expect(words in done.stderr, done.stderr)


def a_service_that_ends_is_told_with_its_last_words():
    done = run("--program", "/bin/false", "--rooms", "1", "--parked", "0")
    harness.expect(done.returncode == 5, f"ended with {done.returncode}")
    harness.expect("the room service: it ended" in done.stderr, done.stderr)


if __name__ == "__main__":
    harness.main(
        [
            every_call_polls_and_notice_of_a_small_load_is_answered,
            members_that_would_time_out_are_refused_before_the_run,
            a_report_that_cannot_be_written_and_a_condition_that_cannot_be_read_are_told_first,
            a_service_that_ends_is_told_with_its_last_words,
        ]
    )
