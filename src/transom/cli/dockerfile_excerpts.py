"""The lines around a finding in a Dockerfile; hidden is whatever may be a secret in them.

That is every value that ARG and ENV set unless its form says that it is none, what follows a name or an option like
PASSWORD, logins in addresses, and what the rules for credentials know by its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.inventory.dockerfiles import DockerfileSource
from transom.lang.dockerfile.parse import Instruction
from transom.rules.leaks import finder

UNTOLD = ("dockerfile-known-credential", "dockerfile-password-set", "dockerfile-secret-in-build")
"""Rules that find secrets, wherever in a line; their lines are not shown."""
HARMLESS = re.compile(rb"(?:true|false|[\d.]{1,12}|[/.~$][^\s=@]*)")
_NOT_PLAIN = re.compile(rb"[\\`](?!\r?\n)|\S[\\`]\r?\n")  # an escape, or a word that goes on in the next line
_PAIR = re.compile(
    rb"""(?:[A-Za-z_][\w.-]*=|(?:ARG|ENV)\s+[A-Za-z_]\w*\s+)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'\\]+)""", re.I
)
_NAMED = re.compile(
    rb"""(?i)[\w-]*(?:password|passwd|passphrase|pwd|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|credential)\w*"""
    rb"""(?:\s*[=:]\s*|\s+)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"'\\]+)"""
)
_LOGIN = re.compile(rb"//([^/@\s]+)@")


def masked_lines(source: DockerfileSource) -> list[str]:
    """Return the lines of a Dockerfile as they may be shown; each hidden run of characters is `***`."""
    text = bytearray(source.text)
    for start, end in _secrets(source):
        text[start:end] = bytes(each if each == 10 else 0 for each in text[start:end])
    return re.sub("\0+", "***", text.decode("utf-8", "replace")).split("\n")


def _secrets(source: DockerfileSource) -> Iterator[tuple[int, int]]:
    text = source.text
    for each in source.parsed.instructions:
        if each.name in ("ARG", "ENV"):
            yield from _values(text, each)
    for pattern in (_NAMED, _LOGIN):
        yield from (found.span(1) for found in pattern.finditer(text))
    yield from ((leak.secret_start, leak.secret_end) for leak in finder().find(text))


def _values(text: bytes, instruction: Instruction) -> Iterator[tuple[int, int]]:
    """Yield the values that an instruction sets, and all behind its name where they are not written plainly."""
    raw = text[instruction.start : instruction.end]
    if _NOT_PLAIN.search(raw) or (instruction.name == "ENV" and b"=" not in raw):
        yield instruction.start + len(raw.split(None, 2)[0]) + 1, instruction.end
        return
    for found in _PAIR.finditer(raw):
        if not HARMLESS.fullmatch(found[1].strip(b"\"'")):
            yield instruction.start + found.start(1), instruction.start + found.end(1)
