"""What one part of admission says of a request."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

State = Literal["yes", "no", "unknown"]


class Say(Struct, frozen=True):
    """One voice. by: who says it; why: in the API server's words where it refuses.

    changes: whether it may change the object before others judge it.
    """

    by: str
    state: State
    why: str
    changes: bool = False
