"""Rules about one source file: sizes, includes, words that have no place in a folder."""
import re

from source import Finding, functions

COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_WARN = 500  # beyond it a file needs an entry in exceptions.txt
FILE_LINES_MAX = 800  # beyond it there is no exception
FILE_LINES_MAX_OF = {"proto/link/link.cpp": 600}

# Folder -> folders of ours that it may include; itself always. The longest matching name counts.
EDGES = {
    "proto/base": [],
    "proto/wire": ["proto/base"],
    "proto/crypto": ["proto/base", "proto/wire"],
    "proto/congestion": ["proto/base"],
    "proto/fec": ["proto/base"],
    "proto/link": ["proto/base", "proto/wire", "proto/crypto", "proto/congestion", "proto/fec"],
    "proto/rtmp": ["proto/base"],
    "proto/flv": ["proto/base"],
    "proto/codec": ["proto/base"],
    "proto/schema": ["proto/base"],
    "net": ["proto/base"],
    "daemon": ["proto/base", "net"],
    "relay": ["proto", "net", "daemon"],
    "client": ["proto", "net"],
    "rooms": ["proto/base", "proto/crypto", "proto/schema", "net", "daemon"],
    "sim": ["proto/base"],
    "sim/proxy": ["proto/base", "sim"],
    "sim/relay": ["proto", "net", "relay", "sim"],
    "bench": ["proto", "net", "client", "relay", "sim"],
    "tests": ["proto", "net", "daemon", "client", "relay", "rooms", "sim", "bench"],
}

# System header (as a pattern) -> the files that may include it (as a pattern).
SYSTEM_HEADERS = [
    (r"sodium(\.h|/)", r"proto/crypto/|tests/"),
    (r"intel-ipsec-mb\.h", r"proto/crypto/|bench/floor/"),
    (r"openssl/", r"proto/crypto/|net/tls|tests/|bench/"),
    (r"uv\.h", r"net/|tests/unit/net/"),
    (
        r"(sys/(socket|epoll|timerfd|un)|netinet/.*|arpa/.*|netdb|poll)(\.h)?",
        r"net/|sim/proxy/|tests/|bench/",
    ),
    # What Linux alone has: net/posix stands in for net/linux elsewhere (arm64 asks glibc for AES).
    (r"linux/.*|sys/(epoll|timerfd|inotify|signalfd|eventfd|prctl|syscall|auxv)\.h",
     r"net/linux/|proto/crypto/suite\.cpp|tests/|bench/"),
    (r"libwebsockets\.h", r"net/"),
    (r"(spdlog|fmt)/", r"net/log\.cpp"),
    (r"prometheus/", r"relay/|rooms/|tests/unit/relay/"),
    (r"CLI/", r"daemon/command_line\.cpp|(client|bench|tests)/(.*/)?\w*main\.cpp|client/cli/|"
     r"bench/"),
    (r"toml\+\+/", r"daemon/|client/|bench/"),
    (r"nlohmann/", r"relay/|rooms/|client/|bench/|tests/"),
    (r"flatbuffers/", r"proto/schema/|relay/control/|tests/"),
    (r"(thread|mutex|condition_variable|future)", r"(?!proto/)"),
    (r"(iostream|random)", r"tests/"),
    (r"(format|expected|print|source_location)", r"(?!.)"),
]

CLOCKS = (
    r"(steady|system|high_resolution)_clock|\b(clock_gettime|gettimeofday|uv_hrtime|uv_now)\b"
    r"|\bstd::time\b"
)
EXCEPTIONS = r"\b(throw|try|catch)\b"

# (rule, folders, files left out, pattern, why)
BANNED = [
    (
        "clock",
        r"proto/|rooms/|relay/(worker|room|stream|door)/", r"$^", CLOCKS, "time is an argument",
    ),
    (
        "randomness",
        r"proto/|daemon/|relay/|rooms/",
        r"proto/crypto/",
        r"\b(rand|srand|random_device|mt19937\w*|randombytes_\w+|getrandom)\b",
        "randomness is an argument",
    ),
    (
        "new",
        r"(proto|net|daemon|relay|rooms|client)/",
        r"net/uv_\w+\.h",
        r"\bnew\s+[\w(]|\b(malloc|calloc|free)\s*\(",
        "values first, unique_ptr second",
    ),
    (
        "shared_ptr",
        r"(proto|daemon|relay|rooms)/", r"$^", r"\bshared_ptr\b", "one owner for everything",
    ),
    (
        "std::function",
        r"proto/|net/(?!http|tls|log)|relay/(worker|room|stream|door)/",
        r"$^",
        r"\bstd::function\b",
        "it allocates; this is the data path",
    ),
    ("exception", r"(proto|net)/", r"net/log\.cpp", EXCEPTIONS, "errors are values here"),
    (
        "print",
        r"(proto|net|daemon|relay|rooms)/",
        r"proto/base/check\.cpp|net/log\.cpp|daemon/command_line\.cpp",
        r"\b(printf|fprintf|puts|fputs)\s*\(|\bstd::(cout|cerr)\b",
        "net/log is how we speak",
    ),
    (
        "secret-compare",
        r"(proto|net|daemon|relay|rooms|client)/",
        r"$^",
        r"\bmemcmp\s*\([^;]*\b\w*(mac|tag|token)\w*\b",
        "comparison of secrets takes constant time",
    ),
    (
        "using-namespace",
        r"(proto|net|daemon|relay|rooms|client|bench)/",
        r"$^",
        r"\busing namespace (?!std::(chrono_)?literals)",
        "say the name",
    ),
    (
        "not-in-both-compilers",
        r"",
        r"$^",
        r"\bstd::(expected|format|views|source_location|print)\b",
        "g++ 12 or clang 14 lacks it",
    ),
    (
        "name",
        r"(proto|net|daemon|relay|rooms|client|bench)/",
        r"$^",
        r"\b(class|struct)\s+\w*(Manager|Helper|Utils?|Impl|Data|Info)\b",
        "a name that says nothing",
    ),
    (
        "word",
        r"(proto|net|daemon|relay|rooms|client|bench)/",
        r"$^",
        r"(?i)\b\w*(publisher|broadcaster|participant)\w*\b",
        "the word is pusher, or member",
    ),
]

OPEN_POINT = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def columns(source):
    for number, line in enumerate(source.lines, 1):
        if len(line) > COLUMNS_MAX:
            yield Finding(
                "columns", source.path, number, f"{len(line)} columns, {COLUMNS_MAX} at most"
            )


def function_lines(source):
    if not source.is_code:
        return
    for function in functions(source):
        if function.lines > FUNCTION_LINES_MAX:
            yield Finding(
                "function-lines",
                f"{source.path}:{function.name}",
                function.line,
                f"{function.name} has {function.lines} lines, {FUNCTION_LINES_MAX} at most",
                function.lines,
            )


def file_lines(source):
    count = len(source.lines)
    hard = FILE_LINES_MAX_OF.get(source.path, FILE_LINES_MAX)
    if count > hard:
        yield Finding("file-lines-hard", source.path, hard, f"{count} lines, {hard} at most")
    elif count > FILE_LINES_WARN:
        yield Finding(
            "file-lines",
            source.path,
            FILE_LINES_WARN,
            f"{count} lines: list it as an exception or split it",
            count,
        )


def may_include(path, included):
    own = max((f for f in EDGES if path.startswith(f + "/")), key=len, default=None)
    if own is None:
        return False
    return any(included.startswith(allowed + "/") for allowed in [own, *EDGES[own]])


def include_edges(source):
    if not source.is_code:
        return
    for line, name, is_system in source.includes:
        if not is_system:
            if "/" not in name:
                allowed = name.endswith(("_generated.h", ".inc"))
                why = "name it from the repository's top"
            else:
                allowed, why = may_include(source.path, name), "docs/ARCHITECTURE.md says who may"
            if not allowed:
                yield Finding(
                    "include-edge", f"{source.path}:{name}", line, f'"{name}" not here: {why}'
                )
            continue
        for header, files in SYSTEM_HEADERS:
            if re.match(
                header + r"$" if not header.endswith("/") else header, name
            ) and not re.match(files, source.path):
                yield Finding(
                    "include-edge", f"{source.path}:{name}", line, f"<{name}> has no place here"
                )


def banned_words(source):
    if not source.is_code:
        return
    for rule, folders, left_out, pattern, why in BANNED:
        if not re.match(folders, source.path) or re.match(left_out, source.path):
            continue
        for number, line in enumerate(source.code_lines, 1):
            if match := re.search(pattern, line):
                yield Finding(rule, f"{source.path}", number, f"{match[0].strip()}: {why}")


def open_points(source):
    """Looked for in comments, which the other rules do not see."""
    if source.path.startswith("tests/tidy/"):
        return  # names them
    for number, line in enumerate(source.lines, 1):
        if match := OPEN_POINT.search(line):
            yield Finding("open-point", source.path, number, f"{match[0]}: open points go to docs/")


def header_purpose(source):
    if not source.path.endswith(".h"):
        return
    if not source.text.startswith("// "):
        yield Finding(
            "header-purpose", source.path, 1, "starts with a comment that says what it is for"
        )
    if "#pragma once" not in source.text:
        yield Finding("header-purpose", source.path, 1, "#pragma once is missing")


FILE_RULES = [
    columns,
    function_lines,
    file_lines,
    include_edges,
    banned_words,
    open_points,
    header_purpose,
]
