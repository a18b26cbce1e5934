"""Clips of real encoder output: test pictures and tones as H.264 and AAC, encoded once and kept.

A clip's name in the cache carries a hash of how it was made, so changed settings make new clips and
nobody has to clear anything.
"""

import fcntl
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .processes import Failed

SECONDS = 20
KEY_FRAME_SECONDS = 2

# A chirp over a little noise: no two AAC frames are equal, so a missing one is always seen.
TONE = "aevalsrc=0.2*sin(2*PI*({base}+25*t)*t)+0.02*(random(0)-0.5):s=48000:d={seconds}"


@dataclass(frozen=True)
class Clip:
    """What one member pushes. `fps` 0: audio only."""

    name: str
    fps: int = 0
    b_frames: int = 0
    hue: int = 0
    tone_hz: int = 300

    def arguments(self):
        sources, video = [], []
        if self.fps:
            picture = f"testsrc2=size=1280x720:rate={self.fps}:duration={SECONDS},hue=h={self.hue}"
            sources = ["-f", "lavfi", "-i", picture]
            gop = self.fps * KEY_FRAME_SECONDS
            video = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
            video += ["-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M", "-bf", self.b_frames]
            video += ["-g", gop, "-keyint_min", gop, "-sc_threshold", "0"]
        sources += ["-f", "lavfi", "-i", TONE.format(base=self.tone_hz, seconds=SECONDS)]
        audio = ["-c:a", "aac", "-b:a", "128k", "-ar", "48000", "-ac", "2"]
        return [str(a) for a in [*sources, *video, *audio, "-f", "flv"]]


ROOM = [
    Clip("anna", fps=30, tone_hz=300),
    Clip("bert", fps=30, hue=120, tone_hz=500),
    Clip("cleo", fps=25, b_frames=2, hue=240, tone_hz=700),
    Clip("dora", tone_hz=900),
]


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base, "sluice")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def ffmpeg(*arguments):
    """Runs ffmpeg and returns what it writes to standard output."""
    command = ["ffmpeg", "-nostdin", "-v", "error", *map(str, arguments)]
    try:
        result = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        raise Failed("ffmpeg is not installed") from None
    if result.returncode != 0:
        raise Failed(f"{' '.join(command)}: {result.stderr.decode(errors='replace')[-800:]}")
    return result.stdout


def made_once(name, recipe, make):
    """The file `name` of the cache, made by make(path) when it is not there; safe side by side."""
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    stem, suffix = name.rsplit(".", 1)
    path = cache_folder() / f"{stem}-{digest}.{suffix}"
    with open(cache_folder() / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = path.with_name(f"unfinished-{path.name}")
            make(unfinished)
            unfinished.rename(path)
    return path


def clip_file(clip):
    recipe = " ".join(clip.arguments())
    name = f"{clip.name}.flv"
    return made_once(name, recipe, lambda path: ffmpeg("-y", *clip.arguments(), path))


def hashes(path, kind):
    """MD5s of a file's `kind`: "pictures" as decoded, "video" or "audio" frames as encoded."""
    how = {
        "pictures": ["-map", "0:v:0", "-fps_mode", "passthrough"],
        "video": ["-map", "0:v:0", "-c", "copy"],
        "audio": ["-map", "0:a:0", "-c", "copy"],
    }[kind]
    text = ffmpeg("-i", path, *how, "-f", "framemd5", "-").decode()
    return [line.split(",")[-1].strip() for line in text.splitlines() if line[:1] not in ("#", "")]


def clip_hashes(clip, kind):
    """hashes() of a clip, kept beside it."""
    path = clip_file(clip)

    def make(target):
        target.write_text("\n".join(hashes(path, kind)))

    return made_once(f"{path.stem}-{kind}.md5", kind + path.name, make).read_text().split()
