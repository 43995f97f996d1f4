"""The simple commands of a shell script: enough of the shell to tell what RUN calls, and with which words.

Quotes and escapes are followed; what a variable or another command would give is left as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

MAX_COMMANDS = 1_000  # of one instruction
_TOKEN = re.compile(
    r"""(?P<space>[ \t]+)|(?P<comment>(?<![^\s;&|])\#[^\n]*)|(?P<end>&&|\|\||;;|[;&\n()]|\|&?)"""
    r"""|(?P<piece>'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s;&|()'"\\]+|.)""",
    re.S,
)
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_BEFORE = frozenset(("!", "{", "do", "else", "elif", "exec", "if", "then", "time", "until", "while", "command", "env"))
"""Words before a command that are not it."""
_PYTHON = re.compile(r"python[\d.]*")


class Command(Struct, frozen=True):
    """A command: its name without folders, its words without the name, and which command it reads from.

    What sudo calls follows sudo as a command of its own; `python -m pip` is pip.
    """

    name: str
    words: tuple[str, ...]
    piped_from: str = ""


def commands(script: str) -> Iterator[Command]:
    """Yield the commands of a script, at most MAX_COMMANDS."""
    before = ""
    for number, (words, end) in enumerate(_lists(script)):
        if number == MAX_COMMANDS:
            return
        made = _command(words, before)
        if made is not None and made.name == "sudo":
            yield made
            made = _command([word for word in made.words if word != "-E"], before) or made
        if made is not None and made.name != "sudo":
            yield made
        before = made.name if made is not None and end.startswith("|") and end != "||" else ""


def _lists(script: str) -> Iterator[tuple[list[str], str]]:
    """Yield the words between two operators, and the operator behind them."""
    words: list[str] = []
    word: list[str] | None = None
    for token in _TOKEN.finditer(script):
        if token.lastgroup == "piece":
            word = [*(word or ()), _plain(token[0])]
            continue
        if word is not None:
            words.append("".join(word))
            word = None
        if token.lastgroup == "end":
            yield words, token[0]
            words = []
    if word is not None:
        words.append("".join(word))
    yield words, ""


def _plain(piece: str) -> str:
    if len(piece) > 1 and piece[0] == piece[-1] and piece[0] in "'\"":
        return piece[1:-1]
    return piece[1:] if len(piece) == 2 and piece[0] == "\\" and piece != "\\\n" else piece.replace("\\\n", "")


def _command(words: list[str], before: str) -> Command | None:
    rest = list(words)
    while rest and (rest[0] in _BEFORE or _ASSIGNMENT.match(rest[0])):
        rest.pop(0)
    if not rest:
        return None
    name = rest[0].rpartition("/")[2]
    if len(rest) > 2 and rest[1] == "-m" and _PYTHON.fullmatch(name):
        return Command(rest[2], tuple(rest[3:]), before)  # a module that is called like a program
    return Command(name, tuple(rest[1:]), before)


def words_of(text: str) -> list[str]:
    """Return the words of one line, quotes removed."""
    return [word for words, _ in _lists(text.replace("\n", " ")) for word in words]
