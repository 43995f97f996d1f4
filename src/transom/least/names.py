"""Names that somebody chose, and names that a machine made and will never make again."""

from __future__ import annotations

import re

_MADE = re.compile(
    r"""
    -[bcdfghjklmnpqrstvwxz2456789]{5}$                    # generateName: five letters and digits without vowels
    | -[bcdfghjklmnpqrstvwxz2456789]{8,10}(-|$)           # a ReplicaSet's hash of its template
    | [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-    # a UUID
    | \.[0-9a-f]{16}$                                     # an event
    | -\d{8,10}(-|$)                                      # a CronJob's minute
    | [0-9a-f]{20,}                                       # a digest
    """,
    re.X,
)
_DIGIT_OR_RARE = re.compile(r"[0-9]|[bcdfghjklmnpqrstvwxz]{4}")


def is_generated(name: str) -> bool:
    """Tell whether a name looks made by a machine; a word such as `-proxy` has vowels, or fewer consonants in a row."""
    found = _MADE.search(name)
    return bool(found and _DIGIT_OR_RARE.search(found.group()))
