"""Source files as the rules see them: text, text without comments and strings, functions.

No compiler: a character scanner and a brace counter that know enough of C++ to be right on code
that clang-format has laid out.
"""
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

CODE_SUFFIXES = {".h", ".cpp"}
SCRIPT_SUFFIXES = {".py", ".sh", ".fbs"}
LEFT_OUT = {"build", ".git", ".cache", "__pycache__", "corpus", "vectors"}


@dataclass
class Finding:
    """A rule broken. `subject` names it in the exceptions file; `value` is what was counted."""

    rule: str
    subject: str
    line: int
    text: str
    value: int = 0


@dataclass
class Source:
    path: str  # from the repository's top, with slashes
    text: str

    @property
    def folder(self):
        return self.path.rsplit("/", 1)[0] if "/" in self.path else ""

    @property
    def is_code(self):
        return Path(self.path).suffix in CODE_SUFFIXES

    @cached_property
    def lines(self):
        return self.text.splitlines()

    @cached_property
    def code(self):
        """The text with comments and the insides of literals blanked; lines stay where they are."""
        return blanked(self.text)

    @cached_property
    def code_lines(self):
        return self.code.splitlines()

    @cached_property
    def includes(self):
        """[(line, name, is_system)]"""
        found = []
        for number, line in enumerate(self.lines, 1):
            if match := re.match(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', line):
                found.append((number, match[1] or match[2], match[1] is None))
        return found


@dataclass
class Repository:
    top: Path
    sources: list = field(default_factory=list)  # all Source files, docs not included
    docs: dict = field(default_factory=dict)  # path -> text of *.md
    cmake: dict = field(default_factory=dict)  # path -> text of CMakeLists.txt

    @classmethod
    def read(cls, top):
        repository = cls(Path(top))
        for path in sorted(repository.top.rglob("*")):
            inside = path.relative_to(repository.top)
            if LEFT_OUT & set(inside.parts) or not path.is_file():
                continue
            repository.add(inside.as_posix(), path)
        return repository

    def add(self, name, path):
        suffix = Path(name).suffix
        if suffix in CODE_SUFFIXES | SCRIPT_SUFFIXES or is_script(path):
            self.sources.append(Source(name, path.read_text(encoding="utf-8")))
        elif suffix == ".md":
            self.docs[name] = path.read_text(encoding="utf-8")
        elif path.name == "CMakeLists.txt":
            self.cmake[name] = path.read_text(encoding="utf-8")

    def code(self, *folders):
        return [s for s in self.sources if s.is_code and s.path.split("/")[0] in folders]


def is_script(path):
    if path.suffix:
        return False
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


LITERALS = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1\""""
    r"""|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def blanked(text):
    def blank(match):
        inside = match[0]
        if inside.startswith(("//", "/*")):
            return re.sub(r"[^\n]", " ", inside)
        return inside[0] + re.sub(r"[^\n]", " ", inside[1:-1]) + inside[-1]

    return LITERALS.sub(blank, text)


@dataclass
class Function:
    name: str
    line: int
    lines: int


@dataclass
class Brace:
    kind: str  # scope, function, initializer or block
    line: int
    name: str


def functions(source):
    """Every function with its length, from the first line of its head to the closing brace."""
    code = re.sub(r"(?m)^[ \t]*#.*(?:\\\n.*)*$", "", source.code)
    if code.count("\n") != source.code.count(
        "\n"
    ):  # a macro over several lines went: keep the count
        code = re.sub(r"(?m)^[ \t]*#.*$", "", source.code)
    found, stack, head, line, head_line = [], [], "", 1, 1
    for character in code:
        if character == "\n":
            line += 1
        inside_function = any(b.kind == "function" for b in stack)
        if character == "{":
            kind = "block" if inside_function else brace_kind(head)
            stack.append(Brace(kind, head_line, function_name(head)))
            head = head + "(" if kind == "initializer" else ""
        elif character == "}" and stack:
            closed = stack.pop()
            if closed.kind == "function":
                found.append(Function(closed.name, closed.line, line - closed.line + 1))
            head = head + ")" if closed.kind == "initializer" else ""
        elif character == ";" and not (stack and stack[-1].kind == "initializer"):
            head = ""
        elif character == ":" and head.strip() in ("public", "protected", "private"):
            head = ""
        else:
            if not head.strip():
                head_line = line
            head += character
    return found


def brace_kind(head):
    head = re.sub(r"\[\[.*?\]\]", "", head).strip()
    if re.search(r"\)\s*(noexcept)?\s*:(?!:)", head) and re.search(r"[\w>]$", head):
        return "initializer"  # a member's in a constructor's list: the body is still to come
    if re.search(r"\b(namespace|extern)\b", head):
        return "scope"
    if re.search(r"\b(class|struct|union|enum)\b(?![^<]*>)", head) and not head.endswith(")"):
        return "scope"
    if head.endswith(("=", ",", "(", "return")) or re.search(
        r"(?<!operator)(?<![=!<>])=(?!=)[^()]*$", head
    ):
        return "block"
    if re.search(
        r"\)\s*(const|noexcept|override|final|mutable|&{1,2}|->\s*[\w:<>,\s*&]+|\s)*$", head
    ):
        return "function"
    return "block"


def function_name(head):
    match = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", head)
    if not match:
        return "?"
    if match[1] in ("TEST", "TEST_F", "TEST_P"):
        return re.sub(r"\s+", " ", head[match.start() :].split(")")[0]) + ")"
    return match[1]
