"""A git repository's blobs, by git itself: three processes whatever the length of the history, none for a commit.

Nothing that a repository brings is executed: no hooks, pagers, filters, signature programs or file watchers, and nothing is
fetched. Blobs are read in the order of the packs, each once.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterable, Iterator, Sequence
from tempfile import TemporaryFile
from typing import IO

from msgspec import Struct

from transom.lang.leaks.batches import BATCHED_BYTES
from transom.model.errors import UsageError

SAFE = (
    *("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.pager=cat", "log.showSignature=false"),
    *("protocol.allow=never", "diff.external=", "submodule.recurse=false", "core.quotePath=false", "gc.auto=0"),
)
"""Settings that keep git from starting anything else."""

HANDED_ON = (
    *("GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
    *("GIT_CONFIG_", "GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
)
"""How variables begin that git is told; settings among them run nothing, since SAFE comes after them."""

CHUNK_BYTES = 1024 * 1024
MAX_BLOBS = 5_000_000  # some 500 bytes each; the history of Linux has about as many
SUBMODULE = "160000"  # the mode of one, whose history is its own
NOTHING = frozenset("0")


class Commit(Struct, frozen=True):
    """A commit: its id, author, and the seconds since 1970 when it was authored; number: in the order of the history."""

    id: str
    author: str
    time: int
    number: int


class Change(Struct, frozen=True):
    """A file that a commit, or the index, has otherwise than before. old: the blobs before it, new: "" where it is gone."""

    path: str
    old: tuple[str, ...]
    new: str
    mode: str


class BrokenError(Exception):
    """Why git could not tell all of it."""


def git(folder: str, *words: str) -> list[str]:
    """Return the words that run git in a folder, with nothing else started by it."""
    return ["git", *(word for setting in SAFE for word in ("-c", setting)), "-C", folder, *words]


def environment() -> dict[str, str]:
    """Return what git is told: to ask nobody, to fetch nothing, to leave the index alone.

    Of its own variables only those are handed on that say where objects and the index are, as hooks have them: others name
    programs, files to trace into, or another repository.
    """
    told = {key: value for key, value in os.environ.items() if not key.startswith("GIT_") or key.startswith(HANDED_ON)}
    return {**told, "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


def check(folder: str) -> None:
    """Raise UsageError where a folder lies in no repository that git reads."""
    told = _run(folder, "rev-parse", "--git-dir")
    if told.returncode:
        why = told.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UsageError(f"cannot read the history of {folder}", why[0] if why else "", "name a git repository")


def resolve(folder: str, revision: str) -> str:
    """Return the id of a revision's commit; raises UsageError."""
    told = _run(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if told.returncode:
        step = "name a commit, branch or tag of the repository"
        raise UsageError(f"cannot read the history since {revision}", "git finds no such revision", step)
    return told.stdout.decode().strip()


def history(folder: str, paths: Sequence[str], since: str = "") -> Iterator[tuple[Commit, Change]]:
    """Yield what each commit of all refs changed below a folder, parents first; since: only what HEAD has beyond it.

    Raises BrokenError where git breaks off.
    """
    words = ["--raw", "-z", "--no-abbrev", "--no-renames", "-c", "--root", "--relative", "--topo-order", "--reverse"]
    words += ["--no-ext-diff", "--no-textconv", "--no-show-signature", "--format=%x01%H%x02%an <%ae>%x02%at"]
    which = [f"{since}..HEAD"] if since else ["--all", "HEAD"] if _has_head(folder) else ["--all"]
    number, commit = 0, Commit("", "", 0, 0)
    fields = _fields(folder, ["log", *words, *which, "--", *paths])
    for field in fields:
        field = field.lstrip("\n")
        if field.startswith("\x01"):
            number += 1
            id_, author, time = [*field[1:].split("\x02"), "", ""][:3]
            commit = Commit(id_, author, int(time) if time.isdecimal() else 0, number)
        elif field.startswith(":"):
            yield commit, _change(field, next(fields, ""))


def staged(folder: str, paths: Sequence[str]) -> Iterator[Change]:
    """Yield what the index has otherwise than HEAD below a folder; raises BrokenError."""
    words = ["--cached", "--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--relative"]
    fields = _fields(folder, ["diff", *words, "--ignore-submodules=all", "--", *paths])
    for field in fields:
        yield _change(field, next(fields, ""))


def blobs(folder: str, ids: Iterable[str]) -> Iterator[tuple[str, bytes | Iterator[bytes]]]:
    """Yield blobs with all their bytes, those of large ones to be read before the next one is asked for.

    Raises BrokenError after the last one.
    """
    with TemporaryFile() as asked, TemporaryFile() as told:
        asked.write("".join(f"{id_}\n" for id_ in ids).encode())
        asked.seek(0)
        command = git(folder, "cat-file", "--batch", "--buffer")
        with subprocess.Popen(command, stdin=asked, stdout=subprocess.PIPE, stderr=told, env=environment()) as process:  # noqa: S603
            assert process.stdout is not None
            missing = yield from _batch(process.stdout)
            process.stdout.close()
        if process.returncode or missing:
            raise BrokenError(f"{missing:,} objects are missing" if missing else _why(told))


def in_pack_order(folder: str, wanted: set[str]) -> Iterator[str]:
    """Yield the wanted ids as they lie in the packs, where neighbours are deltas of each other; then the others."""
    words = ["cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)"]
    left = set(wanted)
    with subprocess.Popen(  # noqa: S603
        git(folder, *words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            id_ = line.decode("ascii", "replace").strip()
            if id_ in left:
                left.discard(id_)
                yield id_
    yield from sorted(left)


def _batch(stream: IO[bytes]) -> Generator[tuple[str, bytes | Iterator[bytes]], None, int]:
    """Yield what `git cat-file --batch` writes; return how many objects it has not."""
    missing = 0
    while header := stream.readline(512):
        words = header.split()
        if len(words) != 3:
            missing += 1
            continue
        size = int(words[2])
        content = _content(stream, size)
        if words[1] == b"blob":
            yield words[0].decode(), b"".join(content) if size <= BATCHED_BYTES else content
        for _ in content:
            pass  # what nobody wanted to read
    return missing


def _content(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0 and (chunk := stream.read(min(size, CHUNK_BYTES))):
        size -= len(chunk)
        yield chunk
    stream.read(1)  # the line break behind it


def _change(field: str, path: str) -> Change:
    """Read one raw line: `:MODE MODE OLD NEW STATUS`, with one more mode and id, and one more colon, for each parent."""
    parents = len(field) - len(field.lstrip(":"))
    words = field[parents:].split(" ")
    modes, ids = words[: parents + 1], words[parents + 1 : 2 * parents + 2]
    old = tuple(id_ for id_ in ids[:-1] if set(id_) != NOTHING)
    new = ids[-1] if ids and set(ids[-1]) != NOTHING else ""
    return Change(path, old, new, modes[-1] if new else "")


def _fields(folder: str, words: Sequence[str]) -> Iterator[str]:
    """Yield what git writes between NULs; raises BrokenError where it fails."""
    with TemporaryFile() as told:
        with subprocess.Popen(  # noqa: S603
            git(folder, *words), stdout=subprocess.PIPE, stderr=told, env=environment()
        ) as process:
            assert process.stdout is not None
            held = b""
            while chunk := process.stdout.read(CHUNK_BYTES):
                *whole, held = (held + chunk).split(b"\0")
                yield from (each.decode("utf-8", "surrogateescape") for each in whole)
        if process.returncode:
            raise BrokenError(_why(told))


def _why(told: IO[bytes]) -> str:
    told.seek(0)
    lines = told.read(4_096).decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else "git broke off"


def _has_head(folder: str) -> bool:
    return not _run(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").returncode


def _run(folder: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(git(folder, *words), capture_output=True, check=False, env=environment())  # noqa: S603
    except FileNotFoundError:
        raise UsageError("cannot read a git repository", "there is no git here", "install git") from None
