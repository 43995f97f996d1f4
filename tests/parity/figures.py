"""The figures of the comparison with the server, kept for whoever writes them down: build/parity.json."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).parents[2] / "build" / "parity.json"


def record(what: str, cases: int, equal: int, explained: Mapping[str, int] | None = None, **left: int) -> None:
    """Keep how many cases were asked, how many were answered alike, and why the others were not.

    explained: by reason, differences that are meant; left: by reason, cases that cannot be put to a server.
    """
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a+") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        stream.seek(0)
        figures = json.loads(stream.read() or "{}")
        figures[what] = {"cases": cases, "equal": equal, "different": dict(explained or {}), "not asked": left}
        stream.seek(0)
        stream.truncate()
        stream.write(json.dumps(dict(sorted(figures.items())), indent=1) + "\n")
