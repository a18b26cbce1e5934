"""Rules about the repository as a whole: what must be named, cited or tested somewhere else."""
import re

from source import Finding

PROGRAM_FOLDERS = ("proto", "net", "daemon", "relay", "rooms", "client")
RULE_ID = re.compile(r"\bP-[A-Z0-9]+-\d\d\b")
PROTOCOL = "docs/PROTOCOL.md"
NOT_YET = "Not in version 1 yet"


def limits_are_commented(repository):
    """A constant of limits.h stands under a comment, alone or with its neighbours."""
    for source in repository.sources:
        if source.path != "proto/base/limits.h":
            continue
        before = ""
        for number, line in enumerate(source.lines, 1):
            if match := re.match(r"inline constexpr .*?\b(k\w+)\b", line):
                if before not in ("comment", "constant"):
                    yield Finding(
                        "limit-comment", match[1], number, "says where its number comes from"
                    )
                before = "constant"
            elif line.startswith("///"):
                before = "comment"
            elif not (before == "constant" and line.startswith(" ")):  # not a continued line
                before = ""


def protocol_rules_are_cited(repository):
    """Each rule of PROTOCOL.md is cited by code and by a test; each cited rule exists."""
    text = repository.docs.get(PROTOCOL, "")
    defined = {
        i for line in text.splitlines() for i in re.findall(r"\*\*(P-[A-Z0-9]+-\d\d)\*\*", line)
    }
    not_yet = set(RULE_ID.findall(text.split(NOT_YET, 1)[1])) if NOT_YET in text else set()
    in_code = cited_in(repository.code(*PROGRAM_FOLDERS))
    in_tests = cited_in(
        [
            s
            for s in repository.sources
            if s.path.startswith("tests/") and not s.path.startswith("tests/tidy/")
        ]
    )
    for rule in sorted(defined - not_yet):
        if rule not in in_code:
            yield Finding("rule-not-in-code", rule, 0, f"{rule} is cited by no code")
        if rule not in in_tests:
            yield Finding("rule-not-in-test", rule, 0, f"{rule} is cited by no test")
    for rule, path in sorted({**in_tests, **in_code}.items()):
        if rule not in defined:
            yield Finding(
                "rule-unknown", rule, 0, f"{path} cites {rule}, which {PROTOCOL} does not have"
            )


def cited_in(sources):
    return {rule: source.path for source in sources for rule in RULE_ID.findall(source.text)}


def sources_are_in_cmake(repository):
    """Without globbing a file nobody names is not built: its folder's list has it, or one above."""
    for source in repository.sources:
        if not source.path.endswith(".cpp"):
            continue
        if not any(listed(source.path, folder, text) for folder, text in cmake_folders(repository)):
            yield Finding("not-in-cmake", source.path, 0, "is in no CMakeLists.txt")


def cmake_folders(repository):
    for path, text in repository.cmake.items():
        yield path[: -len("CMakeLists.txt")], re.sub(r"#.*", "", text)


def listed(path, folder, text):
    if not path.startswith(folder):
        return False
    inside = path[len(folder) :]
    stem = re.escape(inside[: -len(".cpp")])
    if re.search(rf"(?<![\w/.-]){re.escape(inside)}(?![\w.-])", text):
        return True
    # A function may add the suffix: sluice_fuzz(packet) for packet_fuzz.cpp.
    return stem.endswith("_fuzz") and re.search(
        rf"sluice_fuzz\w*\([^)]*\b{stem[:-len('_fuzz')]}\b", text
    )


def sources_are_tested(repository):
    """Each source is touched by a test, which includes its header or bears its name.

    A header may also be reached through other headers, a .cpp only through its own folder's files:
    a private part is tested through the public one, a neighbour folder is not.
    """
    tests = [s for s in repository.sources if s.path.startswith("tests/") and s.is_code]
    programs = repository.code(*PROGRAM_FOLDERS)
    direct = {name for test in tests for _, name, _ in test.includes}
    named = {test.path.rsplit("/", 1)[1] for test in tests}
    headers = closure(direct, programs, lambda source, name: source.path.endswith(".h"))
    inside = closure(direct, programs, lambda source, name: name.startswith(home(source) + "/"))
    for source in programs:
        name = source.path.rsplit("/", 1)[1].rsplit(".", 1)[0]
        own = source.path if source.path.endswith(".h") else own_header(source)
        if name.endswith("main") or name + "_test.cpp" in named or own in inside:
            continue
        if not (source.path.endswith(".h") and own in headers):
            yield Finding("untested", source.path, 0, "no test includes its header or has its name")


def closure(names, sources, follows):
    """`names` and what the sources behind them include, as far as `follows` lets through."""
    reached = set(names)
    while True:
        further = {
            name
            for source in sources
            if source.path in reached
            or (source.path.endswith(".cpp") and own_header(source) in reached)
            for _, name, is_system in source.includes
            if not is_system and follows(source, name)
        }
        if further <= reached:
            return reached
        reached |= further


def own_header(source):
    """A .cpp without a header of its name implements the first of its folder that it includes."""
    own = source.path[: -len("cpp")] + "h"
    names = [name for _, name, is_system in source.includes if not is_system]
    if own in names:
        return own
    return next((name for name in names if name.startswith(home(source) + "/")), None)


def home(source):
    """What differs between systems has a folder of its own beside its header: net/linux."""
    return re.sub(r"/(linux|posix)$", "", source.path.rsplit("/", 1)[0])


REPOSITORY_RULES = [
    limits_are_commented,
    protocol_rules_are_cited,
    sources_are_in_cmake,
    sources_are_tested,
]
