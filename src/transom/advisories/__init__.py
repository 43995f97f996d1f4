"""What the world knows of software: vulnerability feeds, exploited lists, end-of-life dates; one index, one matcher.

A window asks it like this:

    from transom.advisories import Index, match, outdated, why_not

    with Index(path) as index:
        for each in match(packages, "debian-12", index):     # Match, or Skipped: what could not be judged
            ...
        list(why_not(package, "CVE-2024-21626", "debian-12", index))   # NonMatch with its reason, or the Match
        index.feeds                                          # every source with its age: say it in each report
        list(outdated(index))                                # Skipped: sources that are too old to call anything clean

Feeds (`feeds/`) yield advisories, `building` makes one file of them, `index` reads it, `matching` decides. It stands on
model/ and lang/ alone. A look-up never fetches anything.
"""

from __future__ import annotations

from transom.advisories.ages import outdated
from transom.advisories.index import Index
from transom.advisories.matching import match
from transom.advisories.reasons import why_not

__all__ = ["Index", "match", "outdated", "why_not"]
