"""What changes in what is known: verdicts that were reached, and verdicts that hold no more."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from transom.model.findings import Accepted, Finding, Skipped

Verdict = Finding | Accepted | Skipped

State = Literal["present", "appeared", "vanished"]


class Turn(Struct, frozen=True):
    """A verdict that was reached now (appeared), or holds no more."""

    verdict: Verdict
    appeared: bool
