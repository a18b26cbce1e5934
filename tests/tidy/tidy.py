#!/usr/bin/env python3
"""tidy: the half of the conventions that a program can check.

    tests/tidy/tidy.py             every finding, a line each; exits 1 when there is one
    tests/tidy/tidy.py --shrink    also takes out of exceptions.txt what is no longer needed

An entry of exceptions.txt is `rule subject [value]`: the finding is known and stays for now. The
list may only shrink: an entry that matches nothing, or whose value is higher than it need be, is a
finding itself.
"""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from repository_rules import REPOSITORY_RULES  # noqa: E402
from rules import FILE_RULES  # noqa: E402
from source import Finding, Repository  # noqa: E402

EXCEPTIONS = HERE / "exceptions.txt"
NO_EXCEPTION = {"file-lines-hard", "rule-unknown"}


def findings_of(repository):
    for source in repository.sources:
        for rule in FILE_RULES:
            yield from rule(source)
    for rule in REPOSITORY_RULES:
        yield from rule(repository)


def read_exceptions(text):
    """{(rule, subject): value}; the value is 0 for rules without one."""
    entries = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            value = int(words.pop()) if len(words) > 2 and re.fullmatch(r"\d+", words[-1]) else 0
            entries[words[0], " ".join(words[1:])] = value
    return entries


def judge(found, exceptions):
    """What is left when known findings are forgiven, and the entries that nobody needs any more."""
    left, worst = [], {}
    for finding in found:
        key = finding.rule, finding.subject.strip()
        if (
            key in exceptions
            and finding.rule not in NO_EXCEPTION
            and finding.value <= exceptions[key]
        ):
            worst[key] = max(worst.get(key, 0), finding.value)
        else:
            left.append(finding)
    stale = [key for key, value in exceptions.items() if worst.get(key, -1) < value]
    return left, stale


def shrunk(text, stale):
    kept = [line for line in text.splitlines() if not (set(read_exceptions(line)) & set(stale))]
    return "\n".join(kept) + "\n"


def main():
    text = EXCEPTIONS.read_text()
    left, stale = judge(findings_of(Repository.read(HERE.parents[1])), read_exceptions(text))
    if "--shrink" in sys.argv:
        EXCEPTIONS.write_text(shrunk(text, stale))
        stale = []
    left += [
        Finding(
            "exception",
            " ".join(key),
            0,
            "is not needed any more as it stands: take it out " "or lower it (--shrink takes out)",
        )
        for key in stale
    ]
    for finding in left:
        place = finding.subject if not finding.line else f"{finding.subject}:{finding.line}"
        print(f"{place}: {finding.rule}: {finding.text}")
    print(f"tidy: {len(left)} findings")
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
