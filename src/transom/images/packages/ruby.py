"""Ruby: the specifications of installed gems, and Gemfile.lock."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

MAX_SPECIFICATION_BYTES = 1024 * 1024
_STUB = re.compile(r"^#\s*stub:\s*(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[ \t]*\w+\.name[ \t]*=[ \t]*['\"]([^'\"]+)['\"]", re.MULTILINE)
_VERSION = re.compile(
    r"^[ \t]*\w+\.version[ \t]*=[ \t]*(?:Gem::Version\.new[ \t]*\(?[ \t]*)?['\"]([^'\"]+)['\"]", re.MULTILINE
)
_LICENCES = re.compile(r"^[ \t]*\w+\.licenses?[ \t]*=[ \t]*(.+)$", re.MULTILINE)
_QUOTED = re.compile(r"['\"]([^'\"]+)['\"]")
_LOCKED = re.compile(r"^ {4}(\S+) \(([^)]+)\)$")
_PLATFORM = re.compile(r"-(?:x86|x64|i\d86|arm|aarch|java|mswin|mingw|universal|ruby|jruby|powerpc|riscv).*$")


def read_specification(path: str, content: bytes) -> Iterator[Package]:
    """Yield the gem of a .gemspec that RubyGems wrote when it installed it; Ruby is never run."""
    source = content[:MAX_SPECIFICATION_BYTES].decode("utf-8", "replace")
    stub = _STUB.search(source)
    name, version = _NAME.search(source), _VERSION.search(source)
    found = (stub[1], stub[2]) if stub else (name[1], version[1]) if name and version else None
    if found is None:
        return
    licences = _LICENCES.search(source)
    yield Package(
        "gem",
        *found,
        licences=tuple(_QUOTED.findall(licences[1])) if licences else (),
        places=(Place(path),),
        evidence="gemspec",
    )


def read_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the gems of a Gemfile.lock, each once whatever its platforms."""
    seen: set[tuple[str, str]] = set()
    section = ""
    for number, line in text_lines(content):
        if line and line[0] != " ":
            section = line.strip()
        match = _LOCKED.match(line) if section in ("GEM", "GIT", "PATH") else None
        if match and section != "PATH":
            found = (match[1], _PLATFORM.sub("", match[2]))
            if found not in seen:
                seen.add(found)
                yield Package("gem", *found, places=(Place(path, line=number),), evidence="Gemfile.lock")
