#!/usr/bin/env python3
"""What the codecs' headers call discardable can be left out: real encoders' streams decode, without
it, to the same pictures as with it, but for those that are gone.

    ffmpeg encodes --> thin_stream leaves out --> ffmpeg decodes, picture by picture
"""

import json
import subprocess
import tempfile
from pathlib import Path

import harness

PICTURES = 90
TEMPORAL_LAYERS = "ts_number_layers=3:ts_target_bitrate=100,200,300:ts_rate_decimator=4,2,1"
TEMPORAL_LAYERS += ":ts_periodicity=4:ts_layer_id=0,2,1,2:ts_layering_mode=3"
H264 = ["-bsf:v", "h264_metadata=aud=insert", "-f", "h264", "-c:v", "libx264"]
HEVC = ["-f", "hevc", "-c:v", "libx265", "-x265-params"]
VP9 = ["-f", "ivf", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "300k"]


def encoded(arguments):
    """Test pictures, by an encoder; to a file, for one of the encoders talks on stdout."""
    source = f"testsrc2=size=320x180:rate=30:duration={PICTURES / 30}"
    command = ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "clip")
        subprocess.run([*command, *arguments, file], check=True, capture_output=True)
        return file.read_bytes()


def decoded(stream, demuxer):
    """A hash of each picture; nothing may be said about the stream."""
    command = ["ffmpeg", "-loglevel", "warning", "-f", demuxer, "-i", "-", "-f", "framehash", "-"]
    done = subprocess.run(command, input=stream, capture_output=True)
    ok = done.returncode == 0 and not done.stderr
    harness.expect(ok, f"the decoder ends with {done.returncode} and says {done.stderr[:200]!r}")
    lines = done.stdout.decode().splitlines()
    return [line.split(",")[-1].strip() for line in lines if not line.startswith("#")]


def thinned(stream, codec, layer):
    command = [harness.program("thin_stream"), codec, str(layer)]
    done = subprocess.run(command, input=stream, check=True, capture_output=True)
    return done.stdout, json.loads(done.stderr)


def check(codec, arguments, layer=3, least=0.0):
    """Thins a stream; at least this share of its pictures must be found to be discardable."""
    stream = encoded(arguments)
    thin, counts = thinned(stream, codec, layer)
    demuxer = "ivf" if codec in ("vp9", "av1") else codec
    before, after = decoded(stream, demuxer), decoded(thin, demuxer)
    harness.expect(len(before) == PICTURES, f"{len(before)} of {PICTURES} pictures were encoded")
    gone = counts["dropped"]
    harness.expect(len(after) == PICTURES - gone, f"{len(after)} are left, {gone} gone")
    rest = iter(before)
    harness.expect(all(picture in rest for picture in after), "the others are as before")
    harness.expect(counts["discardable"] >= least * PICTURES, f"only {counts} are discardable")
    return counts


def h264_b_frames_are_discardable():
    check("h264", [*H264, "-bf", "3", "-x264-params", "b-pyramid=normal"], least=0.3)


def h264_p_frames_are_not():
    harness.expect(check("h264", [*H264, "-bf", "0"])["dropped"] == 0, "no picture is discardable")


def hevc_has_temporal_layers():
    parameters = "bframes=4:b-pyramid=1:temporal-layers=1:aud=1:log-level=none"
    counts = check("hevc", [*HEVC, parameters], layer=0, least=0.3)
    harness.expect(counts["layers"][1] > 0, f"there is a second layer: {counts}")


def vp9_top_layer_is_discardable():
    check("vp9", [*VP9, "-error-resilient", "1", "-ts-parameters", TEMPORAL_LAYERS], least=0.4)


def vp9_that_hands_its_state_on_is_not():
    harness.expect(check("vp9", VP9)["dropped"] == 0, "no picture is discardable")


def av1_leaves_are_discardable():
    check("av1", ["-f", "ivf", "-c:v", "libsvtav1", "-preset", "12"], least=0.2)


if __name__ == "__main__":
    harness.main(
        [
            h264_b_frames_are_discardable,
            h264_p_frames_are_not,
            hevc_has_temporal_layers,
            vp9_top_layer_is_discardable,
            vp9_that_hands_its_state_on_is_not,
            av1_leaves_are_discardable,
        ]
    )
