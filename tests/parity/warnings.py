"""What policies that only warn say, as the server and as we tell it."""

from __future__ import annotations

from tests.cluster.api import Answer
from transom.rules.admits import Answer as Told

BEGINNING = "Validation failed for ValidatingAdmissionPolicy "
MAX_TOTAL, MAX_EACH = 4 * 1024, 256
"""Characters: where all warnings are more than the first, the server cuts each to the second, and ends at the first."""


def warned_alike(told: Told, answer: Answer) -> bool:
    """Tell whether the server warned in the words that we say, as far as it had room for them."""
    ours, theirs = told_warnings(told), server_warnings(answer)
    others = sum(len(text) for text in answer.warnings if not text.startswith(BEGINNING))
    if sum(map(len, ours)) + others <= MAX_TOTAL:
        return ours == theirs
    cut = {text[:MAX_EACH] for text in ours}
    return theirs == cut or (theirs < cut and sum(map(len, theirs)) + others > MAX_TOTAL - MAX_EACH)


def server_warnings(answer: Answer) -> set[str]:
    """Return what policies warned of."""
    return {text for text in answer.warnings if text.startswith(BEGINNING)}


def told_warnings(told: Told) -> set[str]:
    """Return what we warn of, in the server's words."""
    return {_worded(text) for text in told.warnings if " with binding " in text}


def _worded(text: str) -> str:
    by, _, message = text.partition(": ")
    name, _, bound = by.removeprefix("ValidatingAdmissionPolicy ").partition(" with binding ")
    return f"{BEGINNING}'{name}' with binding '{bound}': {message}"
