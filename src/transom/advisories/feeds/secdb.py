"""secdb: in which version Alpine, Wolfi, Chainguard and their relatives fixed what, as JSON or YAML."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from transom.advisories.documents import BROKEN
from transom.model.advisories import Advisory, Interval, Refused, State, Statement, Told

NEVER_AFFECTED = "0"  # the "version" under which stand the bugs that a package never had
PUBLISHERS = (
    ("wolfi", "wolfi"),
    ("chainguard", "chainguard"),
    ("cgr.dev", "chainguard"),
    ("mini.dev", "minimos"),
    ("cve0.io", "secureos"),
)
"""Who publishes a document without a release, by what its address names."""
ALPINE = "alpinelinux.org"
MAX_FIXES = 20_000  # of one package; the most has below 1,000


class Packaged(Struct):
    """A package and its fixes: by version, the ids that are fixed in it."""

    name: str
    secfixes: dict[str, list[str] | str | None] | str | None = None  # YAML of plain strings has "" for null


class Entry(Struct):
    """One entry of the list."""

    pkg: Packaged


class Database(Struct):
    """A document: one repository of one release."""

    packages: list[msgspec.Raw] | None = None
    distroversion: str = ""
    urlprefix: str = ""
    apkurl: str = ""
    reponame: str = ""


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each id, with a statement for each package that fixed it."""
    if content.lstrip()[:1] == b"{":
        database = msgspec.json.decode(content, type=Database)
        entries: Any = database.packages
        convert = msgspec.json.Decoder(Entry).decode
    else:
        from transom.advisories.feeds import from_yaml

        top = from_yaml(content)
        database = msgspec.convert({**top, "packages": None}, Database, strict=False)
        entries = top.get("packages")

        def convert(told: Any) -> Entry:
            return msgspec.convert(told, Entry, strict=False)

    feed, channel = _whose(database)
    fixes: dict[str, list[Statement]] = defaultdict(list)
    for told in entries or ():
        try:
            packaged = convert(told).pkg
        except BROKEN as error:
            yield Refused(name, f"a package that is not as secdb is written: {error}", feed)
            continue
        for bug, statement in _fixes(channel, packaged):
            fixes[bug].append(statement)
    for bug, statements in fixes.items():
        yield Advisory(bug, feed, tuple(statements), record=name)


def _whose(database: Database) -> tuple[str, str]:
    """Return the feed and the channel of a document. Raises ValueError where it does not say whose it is."""
    address = f"{database.urlprefix} {database.apkurl}".lower()
    for word, publisher in PUBLISHERS:
        if word in address:
            return publisher, publisher
    if database.distroversion and ALPINE in address:
        return "alpine", f"alpine-{database.distroversion.removeprefix('v')}"
    raise ValueError("it does not say of which distribution it is")


def _fixes(channel: str, packaged: Packaged) -> Iterator[tuple[str, Statement]]:
    fixes = packaged.secfixes if isinstance(packaged.secfixes, dict) else {}
    for version, bugs in islice(fixes.items(), MAX_FIXES):
        for told in bugs if isinstance(bugs, list) else ():
            for bug in told.split()[:1]:  # `CVE-2019-1 XSA-2 (+ a remark)`: the first names the bug
                if version == NEVER_AFFECTED:
                    yield bug, Statement(channel, packaged.name, State.NOT_AFFECTED)
                else:
                    yield bug, Statement(channel, packaged.name, intervals=(Interval(fixed=version),))
