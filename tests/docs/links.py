#!/usr/bin/env python3
"""Every relative link in the Markdown files leads to a file, and every #anchor to a heading."""
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LEFT_OUT = {"build", ".git", ".cache"}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def anchors(text):
    """Anchors of the headings, as the usual renderers make them."""
    headings = re.findall(r"^#+\s+(.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.strip().lower()).replace(" ", "-") for h in headings}


def broken_links(path):
    text = path.read_text(encoding="utf-8")
    for link in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists():
            yield f"{link}: no such file"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{link}: no such heading"


def main():
    pages = [p for p in sorted(TOP.rglob("*.md")) if not LEFT_OUT & set(p.relative_to(TOP).parts)]
    broken = [f"{p.relative_to(TOP)}: {b}" for p in pages for b in broken_links(p)]
    print("\n".join(broken) or f"docs: {len(pages)} pages, all links lead somewhere")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
