"""Compiled rules, kept in the user's cache folder: a warm start neither reads YAML nor parses nor checks.

A file's name is the hash of all that its content depends on: the policies' bytes (of our own, which nobody changes in
place, sizes and times), and the Python and the Transom that compile them. It is written aside and renamed, so that two runs
may start at once, and only read from a folder that nobody else may write to, because it holds code.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom import __version__
from transom.lang.cel import Program
from transom.model import findings, severity
from transom.model.digests import sha256
from transom.model.limits import MAX_POLICY_BYTES
from transom.rules import check
from transom.rules import policy as policies
from transom.rules.folder import cache_folder, only_ours, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from transom.lang.leaks.rules import LeakRules
    from transom.rules.load import Pack

PREFIX, PART = "rules-", ".part"
CHECKSUM_BYTES = 4
FILES_KEPT = 20  # packs of other Pythons, versions and folders; older ones are removed
MAX_CACHED_BYTES = 64 * 1024 * 1024  # hundreds of policies take about 1 MB

_STRUCTS: dict[str, type[Struct]] = {
    each.__name__: each
    for each in (
        *(policies.Policy, policies.Match, policies.ResourceRule, policies.Binding, policies.Expression),
        *(policies.Validation, check.Check, findings.Rule),
    )
}


def cached(
    files: Sequence[str], version: tuple[int, int], make: Callable[[], Pack], told: Callable[[str], bytes] | None = None
) -> Pack:
    """Return the pack of these files, made now if it was not kept; one with problems is never kept.

    told: what tells one state of a file from another, its content by default; see stamp.
    """
    from transom.rules.load import Pack

    folder = cache_folder()
    if folder is None:
        return make()
    path = os.path.join(folder, f"{PREFIX}{_key(files, version, told or content)}.bin")
    kept = _read(path)
    if kept is not None:
        return Pack(policies=kept[0], checks=kept[1])
    pack = make()
    if not pack.problems:
        _write(path, (pack.policies, pack.checks))
    return pack


def cached_leak_rules(file: str, make: Callable[[], LeakRules]) -> LeakRules:
    """Return what a file of ours with rules for credentials holds, read now if it was not kept: TOML takes 5 ms, this 1."""
    folder = cache_folder()
    if folder is None:
        return make()
    path = os.path.join(folder, f"{PREFIX}{_key([file], (0, 0), stamp)}.bin")
    kept: LeakRules | None = _read(path)
    if kept is None:
        kept = make()
        _write(path, kept)
    return kept


def _key(files: Sequence[str], version: tuple[int, int], told: Callable[[str], bytes]) -> str:
    digest = sha256(f"{__version__} {sys.version} {version} {_makers()}".encode())
    for path in files:
        state = told(path)
        digest.update(f"\0{path}\0{len(state)}\0".encode("utf-8", "surrogateescape") + state)
    return digest.hexdigest()[:40]


def content(path: str) -> bytes:
    """Return what a file holds, nothing where it cannot be read: without a stream, which costs four times as much."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:  # a file larger than a policy may be is none, whatever else it holds
            return os.read(descriptor, min(os.fstat(descriptor).st_size, MAX_POLICY_BYTES) + 1)
        finally:
            os.close(descriptor)
    except OSError:
        return b""


def stamp(path: str) -> bytes:
    """Return a file's size and times, for files that are only ever replaced: a third of the time of reading it."""
    try:
        status = os.stat(path)
    except OSError:
        return b""
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}".encode()


def _makers() -> str:
    """Return what tells this compiler from one that was changed without a new version."""
    rules = os.path.dirname(__file__)
    return state_of((rules, os.path.join(rules, "kyverno"), os.path.join(rules, "..", "lang", "cel")))


def _read(path: str) -> Any:
    content = read_kept(path)
    return None if content is None else _restored(marshal.loads(content))  # noqa: S302 - in a folder that only we may write to


def read_kept(path: str) -> bytes | None:
    """Return what write_kept wrote; None for a file that is cut off, is not there, or that others may have written."""
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not only_ours(status) or status.st_size > MAX_CACHED_BYTES:
                return None
            checksum, content = stream.read(CHECKSUM_BYTES), stream.read()
    except OSError:
        return None
    if not content or _checksum(content) != checksum:
        return None  # cut off, or not what was written: it is made again, because its readers trust what they read
    return content


def _checksum(content: bytes) -> bytes:
    return zlib.crc32(content).to_bytes(CHECKSUM_BYTES, "little")


def _write(path: str, value: Any) -> None:
    with suppress(ValueError):
        write_kept(path, marshal.dumps(_stored(value)))


def write_kept(path: str, content: bytes) -> None:
    """Write a file of the cache whole, or not at all; a full disk costs time, never a scan."""
    aside = f"{path.removesuffix('.bin')}.{os.getpid()}{PART}"
    if len(content) > MAX_CACHED_BYTES:
        return
    try:
        with open(aside, "xb", opener=_private) as stream:
            stream.write(_checksum(content) + content)
        os.replace(aside, path)
        _forget_old(os.path.dirname(path))
    except OSError:
        with suppress(OSError):
            os.unlink(aside)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def _forget_old(folder: str) -> None:
    found = [each for each in os.scandir(folder) if each.name.startswith(PREFIX)]
    for each in sorted(found, key=lambda each: each.stat().st_mtime, reverse=True)[FILES_KEPT:]:
        with suppress(FileNotFoundError):
            os.unlink(each.path)


def _stored(value: Any) -> Any:
    """Return a value as marshal can write it: structs by name and fields, programs by their dump.

    Of a struct the fields that marshal writes as they are stand together, so that they cost nothing to restore.
    """
    if _is_plain(value):
        return ("plain", value)
    if isinstance(value, severity.Severity):
        return ("severity", int(value))
    if isinstance(value, Program):
        return ("program", value.dump())
    if isinstance(value, Struct):
        fields = [getattr(value, field) for field in value.__struct_fields__]
        apart = {index: _stored(field) for index, field in enumerate(fields) if not _is_plain(field)}
        plain = [None if index in apart else field for index, field in enumerate(fields)]
        return ("struct", type(value).__name__, plain, apart)
    return ("tuple", [_stored(each) for each in value])


def _is_plain(value: Any) -> bool:
    """Tell whether marshal writes a value as it is."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return not isinstance(value, severity.Severity | Program | Struct)


def _restored(stored: Any) -> Any:
    kind = stored[0]
    if kind == "plain":
        return stored[1]
    if kind == "tuple":
        return tuple(map(_restored, stored[1]))
    if kind == "program":
        return Program.load(stored[1])
    if kind == "severity":
        return severity.Severity(stored[1])
    _, name, fields, apart = stored
    for index, field in apart.items():
        fields[index] = _restored(field)
    return _struct(name)(*fields)


def _struct(name: str) -> type[Struct]:
    if name in _STRUCTS:
        return _STRUCTS[name]
    from transom.lang.leaks import rules  # not before it is needed

    found: type[Struct] = getattr(rules, name)
    return found
