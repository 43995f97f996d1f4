"""Debian's lists of advisories (data/DSA/list, data/DLA/list): each update, its bugs, and the fixed version by release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from transom.advisories.channels import DEBIAN
from transom.model.advisories import Advisory, Interval, Refused, State, Statement, Told

FEED = "debian-lists"
MAX_LINE_CHARS = 20_000  # the longest line of bugs has some thousands
_HEAD = re.compile(
    r"\[(?P<day>\d\d? \w{3} \d{4})\] (?P<id>D[SL]A-\d+(?:-\d+)?) (?P<package>\S+)(?:[ -]+(?P<summary>.*))?"
)
_BUGS = re.compile(r"\s+\{(?P<bugs>[^}]*)\}")
_FIX = re.compile(r"\s+\[(?P<release>\w+)\] - (?P<package>\S+) (?P<version><[^>]+>|\S+)")
STATES = {
    "<not-affected>": State.NOT_AFFECTED,
    "<end-of-life>": State.END_OF_LIFE,
    "<unfixed>": State.NOT_FIXED,
    "<ignored>": State.WONT_FIX,
    "<postponed>": State.NOT_FIXED,
    "<no-dsa>": State.NOT_FIXED,
    "<undetermined>": State.UNDER_INVESTIGATION,
}


def read(name: str, content: bytes) -> Iterator[Told]:
    """Yield an advisory for each update, with a statement for each release."""
    head: re.Match[str] | None = None
    bugs: list[str] = []
    statements: list[Statement] = []
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        line = line[:MAX_LINE_CHARS]
        if line[:1] == "[":
            if head:
                yield _advisory(head, bugs, statements, name)
            head, bugs, statements = _HEAD.fullmatch(line.rstrip()), [], []
            if not head:
                yield Refused(f"{name}:{number}", "the head of an advisory that cannot be read", FEED)
        elif found := _BUGS.match(line):
            bugs += found["bugs"].split()
        elif found := _FIX.match(line):
            statements += _statement(found)
    if head:
        yield _advisory(head, bugs, statements, name)


def _statement(found: re.Match[str]) -> Iterator[Statement]:
    if found["release"] not in DEBIAN:
        return
    channel, version = f"debian-{DEBIAN[found['release']]}", found["version"]
    if not version.startswith("<"):
        yield Statement(channel, found["package"], intervals=(Interval(fixed=version),))
    elif version in STATES:
        yield Statement(channel, found["package"], STATES[version])


def _advisory(head: re.Match[str], bugs: list[str], statements: list[Statement], name: str) -> Advisory:
    try:
        published = datetime.strptime(head["day"], "%d %b %Y").date().isoformat()
    except ValueError:  # a 31st of February
        published = ""
    summary = f"{head['package']}: {head['summary'] or ''}"
    covers = tuple(dict.fromkeys(bugs))
    return Advisory(
        head["id"], FEED, tuple(statements), (), covers, summary, published=published, modified=published, record=name
    )
