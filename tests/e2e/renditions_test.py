#!/usr/bin/env python3
"""One picture in three renditions: each pull gets the best within its limit, and what it writes
decodes, a switch in mid-stream included.

    3 files --> sluice push --rendition ... --> sluice-relay --> sluice pull --video-max KBITS
"""

import re
import subprocess

import harness
from demo_room.clips import made_once

FPS = 25
SECONDS = 12
# name, size, kbit/s
RENDITIONS = [("hi", "640x360", 1200), ("mid", "320x180", 450), ("lo", "160x90", 120)]


def rendition_file(name, size, kbit, video_seconds=SECONDS):
    """Test pictures with a key frame each second; the sound goes on to the end."""
    picture = f"testsrc2=size={size}:rate={FPS}:duration={video_seconds}"
    video = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-b:v", f"{kbit}k"]
    video += ["-maxrate", f"{kbit}k", "-bufsize", f"{kbit // 2}k", "-bf", "0"]
    video += ["-g", FPS, "-keyint_min", FPS, "-sc_threshold", "0"]
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={SECONDS}"]
    arguments = ["-f", "lavfi", "-i", picture, *sound, *video, "-c:a", "aac", "-f", "flv"]
    arguments = [str(argument) for argument in arguments]
    recipe = " ".join(arguments)
    return made_once(
        f"rendition-{name}.flv", recipe, lambda path: harness.ffmpeg("-y", *arguments, path)
    )


def push_renditions(relay, *arguments, hi_seconds=SECONDS):
    options = []
    for name, size, kbit in RENDITIONS:
        seconds = hi_seconds if name == "hi" else SECONDS
        options += ["--rendition", f"{name}={rendition_file(name, size, kbit, seconds)}"]
    return relay.push("cam", *options, *arguments)


def metric(relay, name):
    found = re.search(rf"^sluice_relay_{re.escape(name)} (\S+)$", relay.get("/metrics"), re.M)
    return float(found[1]) if found else 0.0


def decoded_sizes(file):
    """The size of each picture as decoded; nothing may be said about the file."""
    command = ["ffprobe", "-v", "warning", "-select_streams", "v:0", "-show_entries"]
    command += ["frame=width,height", "-of", "csv=p=0:s=x", str(file)]
    done = subprocess.run(command, capture_output=True, check=False)
    said = done.stderr.decode(errors="replace")
    harness.expect(done.returncode == 0 and not said, f"the decoder says {said[:300]!r}")
    return [line.strip("x") for line in done.stdout.decode().split()]


def pull(relay, label, *arguments):
    file = relay.processes.folder / f"{label}.flv"
    return file, relay.pull("cam", label, "-o", file, *arguments)


def each_pull_gets_the_best_within_its_limit():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        pusher = push_renditions(relay, "--loop")
        # Rates are known to the relay by then.
        received = 'frames_total{step="received"}'
        pusher.wait_until(lambda: metric(relay, received) > 5 * FPS * 3, "media at the relay")
        wanted = {"all": (), "some": ("--video-max", 800), "few": ("--video-max", 250)}
        pulls = {
            label: pull(relay, label, "--seconds", 4, *limit) for label, limit in wanted.items()
        }
        for (label, (file, process)), (name, size, _) in zip(pulls.items(), RENDITIONS):
            code = process.wait(40)
            harness.expect(code == 0, f"{label} ended with {code}: {harness.last_line(process)}")
            sizes = decoded_sizes(file)
            harness.expect(len(sizes) >= 3 * FPS, f"{label} has {len(sizes)} pictures")
            harness.expect(set(sizes) == {size}, f"{label} wants {name}, got {set(sizes)}")
        harness.expect(metric(relay, "rendition_switches_total") == 0, "nobody switched")


def a_rendition_that_ends_is_followed_by_the_next_without_a_fault():
    for mode in ((), ("--live",)):
        with harness.Processes() as processes:
            relay = harness.Relay(processes)
            file, puller = pull(relay, "it", "--priority", 1, *mode)
            push_renditions(relay, hi_seconds=5)
            code = puller.wait(60)
            harness.expect(code == 0, f"the pull ended with {code}: {harness.last_line(puller)}")
            sizes = decoded_sizes(file)
            switches = sum(a != b for a, b in zip(sizes, sizes[1:]))
            harness.expect(switches == 1, f"{switches} switches")
            harness.expect(sizes[0] == "640x360" and sizes[-1] == "320x180", f"{set(sizes)}")
            harness.expect(len(sizes) >= 10 * FPS, f"only {len(sizes)} pictures")
            harness.expect(metric(relay, "rendition_switches_total") == 1, "the relay counts it")


def a_limit_below_all_is_a_pause_by_name():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        push_renditions(relay, "--loop")
        _, puller = pull(relay, "none", "--video-max", 20, "--seconds", 20)
        puller.wait_until(lambda: metric(relay, "subscriptions_paused") == 1, "the pause")
        puller.wait_for(r"paused: as wanted")


def what_is_no_rendition_is_refused():
    with harness.Processes() as processes:
        relay = harness.Relay(processes)
        hi = rendition_file(*RENDITIONS[0])
        both = [hi, "--rendition", f"hi={hi}"]
        for arguments in (["--loop"], both, ["--rendition", "hi=/nowhere"]):
            pusher = relay.push("cam", *arguments)
            code = pusher.wait(20)
            harness.expect(code == 2, f"{arguments} ends with {code}, not 2")


if __name__ == "__main__":
    harness.main(
        [
            each_pull_gets_the_best_within_its_limit,
            a_rendition_that_ends_is_followed_by_the_next_without_a_fault,
            a_limit_below_all_is_a_pause_by_name,
            what_is_no_rendition_is_refused,
        ]
    )
