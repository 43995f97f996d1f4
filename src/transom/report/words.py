"""Words that several formats say, in English; each is said in the reader's language where it stands."""

from __future__ import annotations

from transom.model.language import mark
from transom.model.severity import Severity

SEVERITY_WORDS = {
    Severity.CRITICAL: mark("critical"),
    Severity.HIGH: mark("high"),
    Severity.MEDIUM: mark("medium"),
    Severity.LOW: mark("low"),
    Severity.INFO: mark("info"),
}
MORE = mark("and {count:,} more; -o json names every one")
