"""Elixir and Erlang: what mix and rebar3 locked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

_MIX = re.compile(r'^\s*"[^"]+":\s*\{:hex,\s*:"?([\w-]+)"?,\s*"([^"]+)"')
_REBAR = re.compile(r'\{<<"[^"]+">>,\s*\{pkg,\s*<<"([^"]+)">>,\s*<<"([^"]+)">>')


def read_mix_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a mix.lock that came from Hex."""
    yield from _locked(path, content, _MIX, "mix.lock")


def read_rebar_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a rebar.lock that came from Hex."""
    yield from _locked(path, content, _REBAR, "rebar.lock")


def _locked(path: str, content: bytes, pattern: re.Pattern[str], evidence: str) -> Iterator[Package]:
    for number, line in text_lines(content):
        for name, version in pattern.findall(line):
            yield Package("hex", name, version, places=(Place(path, line=number),), evidence=evidence)
