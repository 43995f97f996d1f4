"""What an advisory says in a line of a table; whoever wants more follows its id."""

from __future__ import annotations

MAX_SUMMARY_CHARS = 120


def summary_of(text: str) -> str:
    """Return the first paragraph of a text on one line, cut where it is longer than that."""
    line = " ".join(text.strip().partition("\n\n")[0][: 4 * MAX_SUMMARY_CHARS].split())
    return line if len(line) <= MAX_SUMMARY_CHARS else line[: MAX_SUMMARY_CHARS - 1].rstrip() + "…"
