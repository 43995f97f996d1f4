"""Where something is: object paths and locators."""

from __future__ import annotations

import re
from functools import lru_cache

from msgspec import Struct

Path = tuple[str | int, ...]
"""A way into an object: map keys and list indexes from the root."""

PATHS_KEPT = 10_000  # the same few thousand paths come again and again over a large estate
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


class Locator(Struct, frozen=True, omit_defaults=True):
    """A place: in a file, in an object, or both.

    line and column count from 1, 0 means unknown; start and end are byte offsets in the file, end exclusive.
    path is the object path as text (`spec.containers[0].image`).
    """

    file: str = ""
    line: int = 0
    column: int = 0
    start: int = 0
    end: int = 0
    path: str = ""


_STEP = re.compile(r"""\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]""")


def parse_path(text: str) -> Path:
    """Read an object path as path_text writes it."""
    return tuple(
        int(index) if index else plain or re.sub(r"\\(.)", r"\1", quoted)
        for plain, index, quoted in _STEP.findall(text)
    )


@lru_cache(PATHS_KEPT)
def path_text(path: Path) -> str:
    """Write an object path the way kubectl users do; a key that is not a plain word is quoted in brackets."""
    out: list[str] = []
    for step in path:
        if isinstance(step, int):
            out.append(f"[{step}]")
        elif _PLAIN_KEY.match(step):
            out.append(f".{step}" if out else step)
        else:
            quoted = step.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'["{quoted}"]')
    return "".join(out)
