#!/usr/bin/env python3
"""What README and the files for operators say of ports and paths is what the relay does by default.

    tests/docs/defaults.py PATH_OF_SLUICE_RELAY
"""
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

# setting: the texts of files that name it, {} for the value or its port
NAMED = {
    "listen.address": {"README.md": "| {port}/udp |", "deploy/Dockerfile": "EXPOSE {port}/udp"},
    "http.address": {
        "README.md": "| {port}/tcp, loopback |",
        "deploy/prometheus.yml": 'targets: ["{value}"]',
    },
    "control.path": {
        "README.md": "| `{value}` |",
        "docs/CONTROL.md": "default `{value}`",
        "deploy/Dockerfile": '"--control", "{value}"',
    },
}


def defaults(relay):
    """{section.key: value} of a relay without any configuration."""
    text = subprocess.run([relay, "--check-config"], capture_output=True, text=True, check=True)
    section, values = "", {}
    for line in text.stdout.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line.strip()):
            section = header[1]
        elif setting := re.match(r'(\w+) = "?([^"#]*)"?', line.strip()):
            values[f"{section}.{setting[1]}"] = setting[2].strip()
    return values


def main():
    values, wrong = defaults(sys.argv[1]), 0
    for setting, places in NAMED.items():
        value = values[setting]
        for file, form in places.items():
            words = form.format(value=value, port=value.rpartition(":")[2])
            if words not in (TOP / file).read_text(encoding="utf-8"):
                print(f"{file}: does not say {words!r}, the default of {setting}")
                wrong += 1
    print(f"docs: {wrong} wrong defaults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
