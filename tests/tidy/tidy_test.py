#!/usr/bin/env python3
"""Tests of tidy itself: for each rule a bad sample that it must find, and a good one."""
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import repository_rules  # noqa: E402
import rules  # noqa: E402
import tidy  # noqa: E402
from source import Finding, Repository, Source, functions  # noqa: E402

HEADER = "// Says what it is for.\n#pragma once\n"


def found_by(rule, path, text):
    return [f.rule for f in rule(Source(path, text))]


def repository(files):
    """A Repository made of {path: text}."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        return Repository.read(folder)


def body(lines):
    return "".join(f"  step_{i}();\n" for i in range(lines))


class Functions(unittest.TestCase):
    def lengths(self, text):
        return {f.name: f.lines for f in functions(Source("relay/x.cpp", text))}

    def test_measures_functions_methods_and_tests(self):
        text = (
            "namespace a {\nint f(int x) {\n  return x;\n}\nclass C {\n public:\n  int g() const "
            "{ return 1; }\n};\nTEST(Subject, Claims) {\n  f(1);\n}\n}\n"
        )
        self.assertEqual(self.lengths(text), {"f": 3, "g": 1, "TEST(Subject, Claims)": 3})

    def test_counts_the_head_of_a_long_signature(self):
        self.assertEqual(self.lengths("void f(int a,\n       int b) {\n  a = b;\n}\n"), {"f": 4})

    def test_sees_through_constructors_lambdas_and_initializers(self):
        text = (
            "X::X() : a_{1}, b_(2) {\n  run([] {\n    go();\n  });\n}\nint t[] = {1, 2};\n"
            "struct P {\n  int x = 0;\n};\nauto g() -> int {\n  return 0;\n}\n"
        )
        self.assertEqual(self.lengths(text), {"X::X": 5, "g": 3})

    def test_is_not_led_astray_by_literals_and_comments(self):
        text = "void f() {\n  // }\n  puts(\"}}\");\n  char c = '}';\n  int n = 10'000;\n}\n"
        text += "void g() {}\n"
        self.assertEqual(self.lengths(text), {"f": 6, "g": 1})

    def test_has_the_limit_of_seventy(self):
        good, bad = f"void f() {{\n{body(68)}}}\n", f"void f() {{\n{body(69)}}}\n"
        self.assertEqual(found_by(rules.function_lines, "relay/x.cpp", good), [])
        self.assertEqual(found_by(rules.function_lines, "relay/x.cpp", bad), ["function-lines"])


class FileRules(unittest.TestCase):
    def test_columns(self):
        self.assertEqual(found_by(rules.columns, "a.h", "x" * 100 + "\n" + "\u00fc" * 100), [])
        self.assertEqual(found_by(rules.columns, "a.h", "x" * 101), ["columns"])

    def test_file_lines(self):
        for path, lines, expected in [
            ("net/a.cpp", 500, []),
            ("net/a.cpp", 501, ["file-lines"]),
            ("net/a.cpp", 801, ["file-lines-hard"]),
            ("proto/link/link.cpp", 601, ["file-lines-hard"]),
        ]:
            self.assertEqual(found_by(rules.file_lines, path, "x\n" * lines), expected)

    def test_include_edges(self):
        for path, include, allowed in [
            ("proto/wire/a.h", '"proto/base/bytes.h"', True),
            ("proto/base/a.h", '"proto/wire/packet.h"', False),
            ("proto/wire/a.h", '"proto/crypto/aead.h"', False),
            ("proto/rtmp/a.h", '"proto/flv/tag.h"', False),
            ("net/a.h", '"proto/wire/packet.h"', False),
            ("relay/a.h", '"client/pusher.h"', False),
            ("client/a.h", '"relay/room.h"', False),
            ("relay/room/a.h", '"proto/link/link.h"', True),
            ("relay/room/a.h", '"room.h"', False),
            ("proto/schema/a.cpp", '"control_generated.h"', True),
            ("proto/link/a.cpp", "<sodium.h>", False),
            ("proto/crypto/a.cpp", "<sodium.h>", True),
            ("relay/a.cpp", "<sys/socket.h>", False),
            ("relay/a.cpp", "<uv.h>", False),
            ("net/tcp.cpp", "<sys/epoll.h>", False),
            ("net/posix/a.cpp", "<linux/filter.h>", False),
            ("net/linux/a.cpp", "<sys/timerfd.h>", True),
            ("relay/main.cpp", "<CLI/CLI.hpp>", False),
            ("daemon/command_line.cpp", "<CLI/CLI.hpp>", True),
            ("relay/config.cpp", "<CLI/CLI.hpp>", False),
            ("net/tcp.cpp", "<spdlog/spdlog.h>", False),
            ("net/log.cpp", "<spdlog/spdlog.h>", True),
            ("proto/link/a.h", "<mutex>", False),
            ("proto/base/a.h", "<vector>", True),
        ]:
            with self.subTest(path=path, include=include):
                found = found_by(rules.include_edges, path, f"#include {include}\n")
                self.assertEqual(found, [] if allowed else ["include-edge"])

    def test_banned_words(self):
        for path, line, expected in [
            ("proto/link/a.cpp", "auto t = std::chrono::steady_clock::now();", "clock"),
            ("relay/stream/a.cpp", "clock_gettime(CLOCK_MONOTONIC, &t);", "clock"),
            ("proto/wire/a.cpp", "int x = rand();", "randomness"),
            ("relay/a.cpp", "auto* p = new Room{};", "new"),
            ("client/a.cpp", "void* p = malloc (3);", "new"),
            ("relay/a.h", "std::shared_ptr<Room> room;", "shared_ptr"),
            ("proto/link/a.h", "std::function<void()> done;", "std::function"),
            ("relay/worker/a.h", "std::function<void()> done;", "std::function"),
            ("net/a.cpp", "throw 1;", "exception"),
            ("relay/a.cpp", 'printf("%d", 1);', "print"),
            ("proto/crypto/a.cpp", "return memcmp(a, mac1.data(), 16) == 0;", "secret-compare"),
            ("bench/a.cpp", "using namespace std;", "using-namespace"),
            ("relay/a.cpp", "std::format(x);", "not-in-both-compilers"),
            ("relay/a.h", "class RoomManager {", "name"),
            ("relay/a.h", "int publisher_count;", "word"),
        ]:
            with self.subTest(line=line):
                self.assertEqual(found_by(rules.banned_words, path, line + "\n"), [expected])

    def test_words_with_a_place_there(self):
        for path, line in [
            ("net/loop.cpp", "auto t = std::chrono::steady_clock::now();"),
            ("proto/crypto/keys.cpp", "randombytes_buf(a, 3);"),
            ("net/uv_handle.h", "auto* p = new T{};"),
            ("client/a.h", "std::function<void()> done;"),
            ("relay/config.cpp", "throw 1;"),
            ("proto/link/a.cpp", "// a new clock, and rand()"),
            ("proto/link/a.cpp", 'x("try std::function");'),
            ("relay/a.h", "struct Renewal { int new_seq; };"),
            ("relay/a.h", "class Metadata {"),
        ]:
            with self.subTest(line=line):
                self.assertEqual(found_by(rules.banned_words, path, line + "\n"), [])

    def test_open_points(self):
        self.assertEqual(
            found_by(rules.open_points, "relay/a.cpp", "// TODO: later\n"), ["open-point"]
        )
        self.assertEqual(found_by(rules.open_points, "relay/a.cpp", "// toDo lists\n"), [])

    def test_header_purpose(self):
        self.assertEqual(found_by(rules.header_purpose, "net/a.h", HEADER), [])
        self.assertEqual(
            found_by(rules.header_purpose, "net/a.h", "#pragma once\n"), ["header-purpose"]
        )
        self.assertEqual(found_by(rules.header_purpose, "net/a.h", "// Why.\n"), ["header-purpose"])


class RepositoryRules(unittest.TestCase):
    def found(self, rule, files):
        return [(f.rule, f.subject) for f in rule(repository(files))]

    def test_limits_are_commented(self):
        text = HEADER + (
            "/// Why.\ninline constexpr int kA = 1;\ninline constexpr int kB =\n    2;\n"
            "inline constexpr int kC = 3;\n\ninline constexpr int kBare = 1;\n"
        )
        self.assertEqual(
            self.found(repository_rules.limits_are_commented, {"proto/base/limits.h": text}),
            [("limit-comment", "kBare")],
        )

    def test_protocol_rules_are_cited(self):
        protocol = (
            "**P-A-01** x\n**P-A-02** x\n**P-A-03** x\n**P-A-04** x\n"
            "## 9. Not in version 1 yet\nP-A-04\n"
        )
        files = {
            "docs/PROTOCOL.md": protocol,
            "proto/a.cpp": "// P-A-01 P-A-02 P-A-09\n",
            "tests/unit/a_test.cpp": "// P-A-01\n",
        }
        self.assertEqual(
            self.found(repository_rules.protocol_rules_are_cited, files),
            [
                ("rule-not-in-test", "P-A-02"),
                ("rule-not-in-code", "P-A-03"),
                ("rule-not-in-test", "P-A-03"),
                ("rule-unknown", "P-A-09"),
            ],
        )

    def test_sources_are_in_cmake(self):
        files = {
            "net/CMakeLists.txt": "add_library(n a.cpp sub/b.cpp)\n# c.cpp\n",
            "net/a.cpp": "",
            "net/sub/b.cpp": "",
            "net/c.cpp": "",
            "net/aa.cpp": "",
            "tests/fuzz/CMakeLists.txt": "sluice_fuzz(packet LIBS x)\n",
            "tests/fuzz/packet_fuzz.cpp": "",
            "tests/fuzz/other_fuzz.cpp": "",
        }
        self.assertEqual(
            self.found(repository_rules.sources_are_in_cmake, files),
            [
                ("not-in-cmake", "net/aa.cpp"),
                ("not-in-cmake", "net/c.cpp"),
                ("not-in-cmake", "tests/fuzz/other_fuzz.cpp"),
            ],
        )

    def test_sources_are_tested(self):
        files = {
            "net/a.h": HEADER + '#include "net/types.h"\n#include "proto/base/far.h"\n',
            "net/a.cpp": '#include "net/a.h"\n#include "net/inner.h"\n',
            "net/types.h": HEADER,
            "net/inner.h": HEADER,
            "net/inner.cpp": '#include "net/inner.h"\n',
            "net/part.cpp": '#include "net/a.h"\n',
            "net/linux/part.cpp": '#include "net/a.h"\n',
            "net/linux/b.cpp": '#include "net/b.h"\n',
            "net/named.cpp": "",
            "net/b.h": HEADER,
            "net/b.cpp": '#include "net/b.h"\n',
            "proto/base/far.h": HEADER,
            "proto/base/far.cpp": '#include "proto/base/far.h"\n',
            "relay/main.cpp": "",
            "tests/unit/net/a_test.cpp": '#include "net/a.h"\n',
            "tests/unit/net/named_test.cpp": "",
        }
        self.assertEqual(
            self.found(repository_rules.sources_are_tested, files),
            [
                ("untested", "net/b.cpp"),
                ("untested", "net/b.h"),
                ("untested", "net/linux/b.cpp"),
                ("untested", "proto/base/far.cpp"),
            ],
        )


class Exceptions(unittest.TestCase):
    def judged(self, found, text):
        left, stale = tidy.judge(found, tidy.read_exceptions(text))
        return [f.subject for f in left], stale

    def test_a_known_finding_is_forgiven_up_to_its_value(self):
        found = [Finding("function-lines", "a.cpp:f", 1, "", 80), Finding("new", "b.cpp", 2, "")]
        text = "# why\nfunction-lines a.cpp:f 80  # grew with the feature\nnew b.cpp\n"
        self.assertEqual(self.judged(found, text), ([], []))
        self.assertEqual(self.judged(found, text.replace("80 ", "79 "))[0], ["a.cpp:f"])

    def test_an_entry_that_is_not_needed_as_it_stands_is_a_finding(self):
        found = [Finding("function-lines", "a.cpp:f", 1, "", 80)]
        self.assertEqual(
            self.judged(found, "function-lines a.cpp:f 90\nnew b.cpp\n")[1],
            [("function-lines", "a.cpp:f"), ("new", "b.cpp")],
        )

    def test_the_hard_limit_has_no_exception(self):
        found = [Finding("file-lines-hard", "a.cpp", 1, "")]
        self.assertEqual(self.judged(found, "file-lines-hard a.cpp\n")[0], ["a.cpp"])

    def test_shrinking_only_takes_out(self):
        text = "# head\nnew a.cpp\nnew b.cpp\n"
        self.assertEqual(tidy.shrunk(text, [("new", "a.cpp")]), "# head\nnew b.cpp\n")


if __name__ == "__main__":
    unittest.main()
