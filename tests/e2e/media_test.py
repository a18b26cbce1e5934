#!/usr/bin/env python3
"""What members push arrives at the others whole and unchanged, over IPv4, IPv6 and a bad network.

    sluice push --UDP--> [impairing_proxy] --> sluice-relay --> [impairing_proxy] --> sluice pull
"""

import json

import harness

SECONDS = 6
VIDEO, B_FRAMES, AUDIO = harness.ROOM[0], harness.ROOM[2], harness.ROOM[3]


def pushed_and_pulled(
    clip, host="127.0.0.1", proxy=(), env=None, seconds=SECONDS, pull=(), seen=lambda relay: None
):
    """Pushes a clip and pulls it, both through a proxy when there are arguments for one; the
    Verdict on what arrived, and the puller's stats. `pull`: more arguments of the puller's. `seen`
    looks at the relay before it ends."""
    with harness.Processes(env) as processes:
        relay = harness.Relay(processes, host)
        through = []
        if proxy:
            through = ["--address", harness.Proxy(processes, relay.udp, *proxy).udp]
        relay.push(clip.name, harness.clip_file(clip), "--loop", *through)
        file, stats = processes.folder / "pulled.flv", processes.folder / "stats.json"
        arguments = ["-o", file, "--seconds", seconds, "--stats", stats, *through, *pull]
        puller = relay.pull(clip.name, "it", *arguments)
        code = puller.wait(seconds + 30)
        harness.expect(code == 0, f"the pull ended with {code}: {harness.last_line(puller)}")
        verdict = harness.verify(file, clip, seconds)
        harness.expect(not verdict.problems, "; ".join(verdict.problems))
        seen(relay)
        harness.expect(relay.process.stop() == 0, "the relay ends with 0 on SIGTERM")
        return verdict, json.loads(stats.read_text())


def arrives_bit_exact_over_ipv4():
    for clip in (VIDEO, B_FRAMES):
        pushed_and_pulled(clip)


def arrives_bit_exact_over_ipv6():
    pushed_and_pulled(VIDEO, host="::1")


def a_stream_of_audio_alone_is_ordinary():
    pushed_and_pulled(AUDIO)


def nothing_is_missing_at_five_per_cent_loss():
    _, stats = pushed_and_pulled(VIDEO, proxy=["--loss", "5%", "--latency", "10", "--seed", "5"])
    harness.expect(stats["lost"] > 0, "packets were lost on the way")
    harness.expect(stats["recovered_by_retransmission"] > 0, "and came back")
    harness.expect(stats["skipped_frames"] == 0, "no frame was skipped")


def nothing_is_missing_with_bursts_duplicates_and_reordering():
    faults = ["--loss", "3%", "--burst", "4", "--dup", "3%", "--reorder", "5%", "--jitter", "5"]
    pushed_and_pulled(B_FRAMES, proxy=[*faults, "--seed", "6"])


def another_address_of_both_members_leaves_no_gap():
    # What is sent to an old port is lost; 250 ms are two round trips of 40 and time to be heard.
    faults = ["--latency", "20", "--rebind-ms", "1237", "--seed", "8"]
    _, stats = pushed_and_pulled(VIDEO, proxy=faults, pull=["--live", "--delay", "250"])
    harness.expect(stats["lost"] > 0, "nothing was sent to an old address")
    harness.expect(stats["skipped_frames"] == 0, f"{stats['skipped_frames']} frames were skipped")


def arrives_with_the_receive_buffers_of_stock_debian():
    pushed_and_pulled(VIDEO, env={"LD_PRELOAD": harness.program("held_buffers.so")})


def offload_threads(relay, kind):
    """Threads of the relay whose kernel takes (segmentation) or gives (coalescing) several
    datagrams at once."""
    name = f'sluice_relay_udp_offload_threads{{kind="{kind}"}} '
    page = relay.get("/metrics").splitlines()
    return int(next(line for line in page if line.startswith(name)).removeprefix(name))


def arrives_where_the_kernel_cuts_and_glues_nothing():
    def seen(relay):
        harness.expect(offload_threads(relay, "segmentation") == 0, "segmentation is off")
        harness.expect(offload_threads(relay, "coalescing") == 0, "coalescing is off")

    env = {"LD_PRELOAD": harness.program("refused_offload.so"), "SLUICE_REFUSE": "options"}
    pushed_and_pulled(VIDEO, env=env, seen=seen)


def arrives_where_a_device_refuses_what_is_to_be_cut():
    def seen(relay):
        workers = offload_threads(relay, "coalescing") - 1  # the door's thread sends no runs
        left = offload_threads(relay, "segmentation")
        harness.expect(left <= workers, f"{left} threads still have their messages cut")

    env = {"LD_PRELOAD": harness.program("refused_offload.so"), "SLUICE_REFUSE": "sends"}
    pushed_and_pulled(VIDEO, env=env, seen=seen)


def no_flipped_bit_is_delivered():
    faults = ["--flip", "5%", "--latency", "5", "--seed", "7"]
    pushed_and_pulled(VIDEO, proxy=faults)


if __name__ == "__main__":
    harness.main(
        [
            arrives_bit_exact_over_ipv4,
            arrives_bit_exact_over_ipv6,
            a_stream_of_audio_alone_is_ordinary,
            nothing_is_missing_at_five_per_cent_loss,
            nothing_is_missing_with_bursts_duplicates_and_reordering,
            another_address_of_both_members_leaves_no_gap,
            arrives_with_the_receive_buffers_of_stock_debian,
            arrives_where_the_kernel_cuts_and_glues_nothing,
            arrives_where_a_device_refuses_what_is_to_be_cut,
            no_flipped_bit_is_delivered,
        ]
    )
