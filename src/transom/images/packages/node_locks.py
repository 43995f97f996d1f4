"""Node: the lock files of Yarn and pnpm. They are read line by line, many times quicker than a YAML reader is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from transom.images.packages.node import is_version, made, split
from transom.images.packages.once import once
from transom.images.packages.reach import reachable
from transom.images.packages.texts import text_lines
from transom.model.packages import Package

_FIELD = re.compile(r"^ {2}\"?([a-zA-Z]+)\"?:? +\"?([^\" ][^\"]*)\"?$")


@once
def read_yarn_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a yarn.lock, of version 1 and of Berry, which says `npm:` and knows workspaces."""
    head, number, fields = "", 0, dict[str, str]()
    for at, line in text_lines(content):
        if line[:1] not in ("", " ", "#", "\t"):
            yield from _yarn(path, head, number, fields)
            head, number, fields = line.rstrip(": "), at, {}
        elif match := _FIELD.match(line):
            fields[match[1]] = match[2]
    yield from _yarn(path, head, number, fields)


def _yarn(path: str, head: str, line: int, fields: dict[str, str]) -> Iterator[Package]:
    version = fields.get("version", "")
    if not head or not is_version(version) or fields.get("linkType") == "soft" or head == "__metadata":
        return
    spec = fields.get("resolution") or head.split(",")[0].strip(' "')
    name, asked = split(spec)
    if not asked.startswith(("workspace:", "link:", "portal:", "file:")):
        yield made(path, name, version, "yarn.lock", line)


class _Block(Struct):
    """An entry of pnpm's packages or snapshots."""

    key: str
    line: int
    development: bool = False
    fields: dict[str, str] = {}


@once
def read_pnpm_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a pnpm-lock.yaml, versions 5 to 9; since 9 what only development needs must be found out."""
    version, blocks, graph, roots = _pnpm(content)
    modern = not version.startswith(("5", "6"))
    needed = reachable(graph, roots)
    for block in blocks:
        name, number = _pnpm_key(block.key, slashes=version.startswith("5"))
        name, number = block.fields.get("name", name), block.fields.get("version", number)
        if name and is_version(number):
            unneeded = modern and bool(roots) and f"{name}@{number}" not in needed
            yield made(path, name, number, "pnpm-lock.yaml", block.line, block.development or unneeded)


def _pnpm(content: bytes) -> tuple[str, list[_Block], dict[str, list[str]], list[str]]:
    """Return the format's version, the packages, what each needs, and what the projects themselves need to run."""
    version = section = kind = name = ""
    blocks: list[_Block] = []
    graph: dict[str, list[str]] = {}
    roots: list[str] = []
    key = ""
    for number, line in text_lines(content):
        bare = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        if not bare or bare[0] == "#":
            continue
        field, _, value = (part.strip().strip("'\"") for part in _parted(bare))
        if indent == 0:
            section, kind = field, ""
            version = value if field == "lockfileVersion" else version
        elif section in ("packages", "snapshots") and indent == 2:
            key, kind = field, ""
            if section == "packages":
                blocks.append(_Block(key, number))
        elif section in ("packages", "snapshots") and indent == 4 and blocks:
            kind = field
            if section == "packages":
                _note(blocks[-1], field, value)
        elif section == "snapshots" and indent == 6 and kind in ("dependencies", "optionalDependencies"):
            graph.setdefault(_plain(key), []).append(_need(field, value))
        elif section == "importers" and indent == 4:
            kind = field
        elif section == "importers" and indent == 6:
            name = field
        elif section == "importers" and indent == 8 and field == "version" and kind in RUNTIME:
            roots.append(_need(name, value))
    return version, blocks, graph, roots


RUNTIME = ("dependencies", "optionalDependencies")


def _parted(line: str) -> tuple[str, str, str]:
    """Part `key: value`; keys with an `@` in front stand in quotes and may hold a colon."""
    if line[:1] in "'\"":
        end = line.find(line[0], 1)
        return line[1:end], ":", line[end + 1 :].lstrip(":")
    field, _, value = line.partition(": ")
    return field.removesuffix(":"), ":", value


def _note(block: _Block, field: str, value: str) -> None:
    if field == "dev":
        block.development = value == "true"
    elif field in ("name", "version"):
        block.fields[field] = value


def _plain(key: str) -> str:
    """Return a key without the peers in brackets behind it."""
    return key.partition("(")[0]


def _need(name: str, value: str) -> str:
    plain = _plain(value)
    return plain if "@" in plain[1:] else f"{name}@{plain}"


def _pnpm_key(key: str, slashes: bool) -> tuple[str, str]:
    """Return the name and version of a key: `/@scope/name/1.0.0_peer`, `/name@1.0.0(peer)`, `name@1.0.0`."""
    key = _plain(key).removeprefix("/")
    if slashes:
        name, _, version = key.rpartition("/")
        return name, version.partition("_")[0]
    return split(key)
