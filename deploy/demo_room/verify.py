"""Is what arrived what was sent? Frames in their encoded form say that nothing is missing, decoded
pictures that all of it plays, bit for bit."""

from dataclasses import dataclass

from .clips import clip_hashes, hashes
from .processes import Failed


@dataclass
class Verdict:
    """About one subscription; `problems` is empty when all is well."""

    video_sent: int = 0
    video_decoded: int = 0
    video_exact: int = 0
    audio_exact: int = 0
    problems: tuple = ()


def contiguous_from(received, source):
    """Where `received` starts in the endlessly repeated `source`, all elements equal; else None."""
    if not received:
        return None
    for start, value in enumerate(source):
        if value != received[0]:
            continue
        if all(r == source[(start + i) % len(source)] for i, r in enumerate(received)):
            return start
    return None


def first_difference(received, source):
    """For a person: which received element is the first that does not follow the one before it."""
    if not received:
        return "nothing arrived"
    if received[0] not in source:
        return "the first frame is none of the source's"
    start = source.index(received[0])
    for i, value in enumerate(received):
        if value != source[(start + i) % len(source)]:
            kind = "out of place" if value in source else "altered"
            return f"frame {i} of {len(received)} is {kind}, or frames are missing before it"
    return "no difference"


def exact_count(received, source):
    """How many of the received are in the source, in the source's order (which may start over)."""
    index = {value: i for i, value in enumerate(source)}
    count, before = 0, None
    for value in received:
        at = index.get(value)
        if at is None:
            continue
        in_order = before is None or 0 < (at - before) % len(source) <= len(source) // 2
        count += in_order
        before = at
    return count


def verify(path, clip, seconds):
    """A Verdict on a file pulled for about `seconds` of `clip`, which is pushed over and over."""
    verdict, problems = Verdict(), []
    audio = hashes(path, "audio")
    if contiguous_from(audio, clip_hashes(clip, "audio")) is None:
        problems.append("audio: " + first_difference(audio, clip_hashes(clip, "audio")))
    else:
        verdict.audio_exact = len(audio)
    if len(audio) < 0.7 * seconds * 48000 / 1024:
        problems.append(f"audio: only {len(audio)} frames")
    if clip.fps:
        problems += verify_video(path, clip, seconds, verdict)
    verdict.problems = tuple(problems)
    return verdict


def verify_video(path, clip, seconds, verdict):
    frames, source = hashes(path, "video"), clip_hashes(clip, "video")
    verdict.video_sent = len(frames)
    if contiguous_from(frames, source) is None:
        yield "video: " + first_difference(frames, source)
    if len(frames) < 0.7 * seconds * clip.fps:
        yield f"video: only {len(frames)} frames"
    pictures = hashes(path, "pictures")
    verdict.video_decoded = len(pictures)
    verdict.video_exact = exact_count(pictures, clip_hashes(clip, "pictures"))
    if not len(pictures) == verdict.video_exact == len(frames):
        yield (
            f"pictures: {len(frames)} frames came, {len(pictures)} decode, "
            f"{verdict.video_exact} are bit exact"
        )


def expect(holds, what):
    if not holds:
        raise Failed(what)
