"""How bad it is, by whose word: the vendor's, CVSS, NVD's; each rating with its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from transom.model.advisories import Rating
from transom.model.severity import Severity

WORDS = {
    **dict.fromkeys(("none", "negligible", "unimportant", "untriaged", "informational"), Severity.INFO),
    **dict.fromkeys(("low", "minor"), Severity.LOW),
    **dict.fromkeys(("medium", "moderate"), Severity.MEDIUM),
    **dict.fromkeys(("high", "important"), Severity.HIGH),
    **dict.fromkeys(("critical", "urgent"), Severity.CRITICAL),
}
"""The words of the sources (RHEL's, Debian's, Ubuntu's, GHSA's, SUSE's) on our scale."""

BANDS = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM), (0.1, Severity.LOW))
"""CVSS's own qualitative scale: from this score on."""

MAX_VECTOR_CHARS = 400  # a full CVSS 4 vector has below 200


def severity_named(word: str) -> Severity | None:
    """Return the severity that a source's word means, None for one that rates nothing."""
    return WORDS.get(word.strip().rstrip("*").lower())


def severity_of_score(score: float) -> Severity:
    """Return the severity of a CVSS score."""
    return next((severity for least, severity in BANDS if score >= least), Severity.INFO)


def rated_by_vector(source: str, vector: str) -> Rating | None:
    """Return the rating of a CVSS vector of version 2, 3 or 4; None for what is none."""
    score = _score(vector[:MAX_VECTOR_CHARS])
    return None if score is None else Rating(source, severity_of_score(score), score, vector)


@lru_cache(4096)  # a feed of 10,000 records has some hundred vectors
def _score(vector: str) -> float | None:
    from cvss import CVSS2, CVSS3, CVSS4
    from cvss.exceptions import CVSSError

    read = CVSS4 if vector.startswith("CVSS:4") else CVSS3 if vector.startswith("CVSS:3") else CVSS2
    try:
        return float(read(vector).scores()[0])
    except (CVSSError, ValueError, IndexError):
        return None


def chosen(ratings: Iterable[Rating], order: Sequence[str]) -> Rating | None:
    """Return the rating that counts: of the source that stands first in order, there the one of the newest CVSS."""

    def rank(rating: Rating) -> tuple[int, bool, str]:
        place = order.index(rating.source) if rating.source in order else len(order)
        return (place, not rating.vector.startswith("CVSS:4"), rating.vector)

    return min(ratings, key=rank, default=None)
