"""From an entrypoint to the packages that it needs: programs, their libraries and interpreters, and what packages require."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from transom.images.needs.dependencies import Known, known
from transom.images.needs.system import System
from transom.lang.dockerfile.commands import commands

SEARCHED = ("usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin")
MAX_STEPS = 100_000  # files and packages that are followed; an image has some 10,000 programs
SHELLS = frozenset(("sh", "bash", "ash", "dash", "zsh", "ksh"))
MERGED = re.compile(r"usr/(?=(?:s?bin|lib(?:32|64|x32)?)/)")  # where a system has its programs in one of both


class Need(Struct, frozen=True):
    """A package that is needed, and by what: a file, or another package that requires it."""

    package: str
    of: str


class Needs(Struct, frozen=True):
    """What an image's entrypoint needs. candidates: packages that nothing was seen to need, which is no proof.

    started: the programs that it begins with; unknown: why nothing, or not all, can be said; empty where it can.
    """

    started: tuple[str, ...]
    needed: tuple[Need, ...]
    candidates: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def needs_of(system: System, words: Sequence[str], search: str = "") -> Needs:
    """Return what the command of an image needs of its packages; search: its PATH, "" for the usual one."""
    folders = [each.strip("/") for each in search.split(":") if each.startswith("/")] or list(SEARCHED)
    try:
        told = known(system.databases)
    except ValueError as error:
        return Needs((), (), (), (f"a database of packages cannot be read: {error}",))
    started = tuple(dict.fromkeys(_started(system, words, folders)))
    if not told.requires:
        return Needs(started, (), (), ("there is no database of packages",))
    if not started:
        return Needs((), (), (), ("what it starts is not among its programs",))
    files = _files(system, started, folders)
    of_files = ((_owner(told, path), f"/{path}") for path in files)
    needed = _required(told, [(owner, path) for owner, path in of_files if owner])
    candidates = sorted(told.requires.keys() - needed.keys())
    return Needs(
        started,
        tuple(Need(package, of) for package, of in sorted(needed.items())),
        tuple(candidates),
        tuple(system.unread),
    )


def _started(system: System, words: Sequence[str], folders: Sequence[str]) -> Iterator[str]:
    """Yield the programs that the words of a command name: the command, what a wrapper is given, what a shell calls."""
    for index, word in enumerate(words):
        found = _program(system, word, folders)
        if found:
            yield found
        if index and words[index - 1] == "-c":
            yield from _called(system, word, folders)


def _called(system: System, script: str, folders: Sequence[str]) -> Iterator[str]:
    for command in commands(script):
        for word in (command.name, *command.words):
            found = _program(system, word, folders)
            if found:
                yield found


def _program(system: System, word: str, folders: Iterable[str]) -> str:
    """Return the path of a program that a word names, "" where it names none."""
    if word.startswith("/"):
        return system.find(word)
    if not word or "/" in word:
        return ""
    return next(filter(None, (system.find(f"{folder}/{word}") for folder in folders)), "")


def _files(system: System, started: Iterable[str], folders: Sequence[str]) -> list[str]:
    """Return the programs, libraries and interpreters that programs lead to, themselves first."""
    libraries: dict[str, list[str]] = {}
    for path in (*system.programs, *system.links.targets):
        name = path.rpartition("/")[2]
        if ".so" in name:
            libraries.setdefault(name, []).append(path)
    found: dict[str, None] = {}
    waiting = list(started)
    while waiting and len(found) < MAX_STEPS:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = None
        program = system.programs[path]
        for name in program.needed:
            waiting += filter(None, map(system.find, libraries.get(name, ())))
        waiting += filter(None, (_program(system, word, folders) for word in program.interpreter.split()))
        if program.script and program.interpreter.split()[0].rpartition("/")[2] in (*SHELLS, "env"):
            waiting += _called(system, program.script, folders)
    return list(found)


def _owner(told: Known, path: str) -> str:
    """Return the package that owns a file, whichever of /usr and / its list names."""
    other = MERGED.sub("", path) if path.startswith("usr/") else f"usr/{path}"
    return told.owners.get(path) or told.owners.get(other, "")


def _required(told: Known, owners: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the packages that are needed, each with the first that needs it."""
    needed: dict[str, str] = {}
    waiting = list(owners)[::-1]
    while waiting and len(needed) < MAX_STEPS:
        package, of = waiting.pop()
        if package in needed:
            continue
        needed[package] = of
        waiting += [(each, package) for each in told.required_by(package) if each not in needed]
    return needed
