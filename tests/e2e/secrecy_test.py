#!/usr/bin/env python3
"""What an observer on the way can read: nothing of the media, no name, no key used twice.

    sluice push --> impairing_proxy --> sluice-relay --> impairing_proxy --> sluice pull
                    (stores every datagram)
"""

import collections
import math

import harness

ROOM, STREAM = "quiet-room-4711", "silent-stream-0815"
WINDOW_BYTES = 16
INIT, INIT_TICKET_LENGTH_AT, INIT_TICKET_AT, EPHEMERAL_BYTES = 0x01, 44, 46, 32  # P-HS-01
ACCEPT, ACCEPT_EPHEMERAL_AT = 0x03, 20  # P-HS-07
RECORDS = {}


def recorded():
    """One push and two pulls through a storing proxy, made once for all claims."""
    if not RECORDS:
        with harness.Processes() as processes:
            relay = harness.Relay(processes)
            store = processes.folder / "store"
            proxy = harness.Proxy(processes, relay.udp, "--store", store)
            through = ["--address", proxy.udp]
            # Short, so that all its windows fit into memory; pushed over and over.
            clip = processes.folder / "clip.flv"
            whole = harness.clip_file(harness.ROOM[0])
            harness.ffmpeg("-i", whole, "-t", "4", "-c", "copy", clip)
            pusher = relay.push(STREAM, clip, "--loop", *through, room=ROOM)
            arguments = ["-o", "/dev/null", "--seconds", "4", *through]
            pulls = [relay.pull(STREAM, f"it{i}", *arguments, room=ROOM) for i in range(2)]
            for pull in pulls:
                code = pull.wait(30)
                harness.expect(code == 0, f"the pull ended with {code}: {harness.last_line(pull)}")
            pusher.stop()
            proxy.process.stop()
            RECORDS["datagrams"] = harness.stored_datagrams(store)
            RECORDS["clip"] = clip.read_bytes()
        harness.expect(len(RECORDS["datagrams"]) > 1000, "there is something to look at")
    return RECORDS["datagrams"]


def windows_of(data):
    return (data[i : i + WINDOW_BYTES] for i in range(len(data) - WINDOW_BYTES + 1))


def readable(datagrams):
    """The first window of the media that a datagram holds, with its leg; None without one."""
    if "windows" not in RECORDS:
        # Runs of one value are padding, and may be anywhere.
        RECORDS["windows"] = {w for w in windows_of(RECORDS["clip"]) if len(set(w)) > 4}
    for _, leg, data in datagrams:
        for window in windows_of(data):
            if window in RECORDS["windows"]:
                return leg, window.hex()
    return None


def no_window_of_the_media_is_in_any_datagram():
    found = readable(recorded())
    harness.expect(found is None, f"readable on leg, bytes: {found}")
    # The search itself works: a datagram that did hold some would be found.
    planted = [(0, 0, bytes(40) + RECORDS["clip"][100_003:100_019] + bytes(40))]
    harness.expect(readable(planted) is not None, "a planted window is found")


def no_name_is_in_any_datagram():
    for _, leg, data in recorded():
        for name in (ROOM, STREAM):
            harness.expect(name.encode() not in data, f"{name} is readable on leg {leg}")


def ephemerals(datagrams):
    """The ephemeral public keys of both ends, by the handshake they belong to."""
    for direction, leg, data in datagrams:
        if direction == 0 and data[:1] == bytes([INIT]):
            at = INIT_TICKET_AT + int.from_bytes(data[INIT_TICKET_LENGTH_AT:INIT_TICKET_AT], "big")
            yield direction, leg, data[at : at + EPHEMERAL_BYTES]
        if direction == 1 and data[:1] == bytes([ACCEPT]):
            yield direction, leg, data[ACCEPT_EPHEMERAL_AT : ACCEPT_EPHEMERAL_AT + EPHEMERAL_BYTES]


def two_connections_never_share_an_ephemeral():
    owners = collections.defaultdict(set)
    for direction, leg, key in ephemerals(recorded()):
        owners[key].add((direction, leg))
    legs = {leg for holders in owners.values() for _, leg in holders}
    harness.expect(len(legs) == 3, f"three connections were made, seen {len(legs)}")
    harness.expect(len(owners) >= 6, f"two keys for each, seen {len(owners)}")
    harness.expect(
        all(len(h) == 1 for h in owners.values()), "each key belongs to one end of one leg"
    )


def sealed_bytes_look_random():
    """Shannon entropy over the bodies of DATA: below 7.99 bits a byte something is in the clear."""
    counts = collections.Counter()
    for direction, _, data in recorded():
        if data[:1] in (b"\x40", b"\x41") and len(data) > 200:
            counts.update(data[10 if direction == 0 else 4 :])
    total = sum(counts.values())
    entropy = -sum(n / total * math.log2(n / total) for n in counts.values())
    harness.expect(entropy > 7.99, f"{entropy:.4f} bits a byte over {total} bytes")


if __name__ == "__main__":
    harness.main(
        [
            no_window_of_the_media_is_in_any_datagram,
            no_name_is_in_any_datagram,
            two_connections_never_share_an_ephemeral,
            sealed_bytes_look_random,
        ]
    )
