"""Exit codes, and which one wins."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command tells the shell."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3


def exit_code(*, findings_at_threshold: int, skipped: int, judged: int) -> Exit:
    """Return the code of a scan; incomplete outranks findings, and nothing judged at all is incomplete.

    findings_at_threshold: findings at or above --fail-on; skipped: those not allowed by name; judged: verdicts reached.
    """
    if skipped or not judged:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if findings_at_threshold else Exit.CLEAN
