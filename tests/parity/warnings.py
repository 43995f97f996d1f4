"""What policies that only warn say, as the server and as we tell it."""

from __future__ import annotations

from tests.cluster.api import Answer
from transom.rules.admits import Answer as Told

BEGINNING = "Validation failed for ValidatingAdmissionPolicy "
MAX_TOTAL, MAX_EACH = 4 * 1024, 256  # characters: where all are more than the first, the server cuts each to the second


def server_warnings(answer: Answer) -> set[str]:
    """Return what policies warned of."""
    return {text for text in answer.warnings if text.startswith(BEGINNING)}


def told_warnings(told: Told, answer: Answer) -> set[str]:
    """Return what we warn of, in the server's words, cut as it cuts them where it had much to say."""
    texts = {_worded(text) for text in told.warnings if " with binding " in text}
    total = sum(map(len, texts)) + sum(len(text) for text in answer.warnings if not text.startswith(BEGINNING))
    return {text[:MAX_EACH] for text in texts} if total > MAX_TOTAL else texts


def _worded(text: str) -> str:
    by, _, message = text.partition(": ")
    name, _, bound = by.removeprefix("ValidatingAdmissionPolicy ").partition(" with binding ")
    return f"{BEGINNING}'{name}' with binding '{bound}': {message}"
