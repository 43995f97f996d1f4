"""How old what is known is: a source that nobody has looked at for long knows nothing of what came since."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime

from transom.advisories.index import Index
from transom.model.advisories import FeedAge
from transom.model.findings import Skipped
from transom.model.language import mark
from transom.model.refs import Ref
from transom.model.vulnerabilities import MAX_AGE_DAYS

MIN_SHARE = 0.75  # of the records that were known: feeds grow, and withdraw a few in a hundred


READ = mark("{} was read {} days ago: what became known since is not looked for")
CHANGED = mark("{} was last changed {} days ago: what became known since is not looked for")
SPEAKS_OF = {
    "pypa": ("pypi",),
    "govulndb": ("golang",),
    "rustsec": ("cargo",),
    "bitnami": ("bitnami",),
    "amazon": ("amzn",),
    **dict.fromkeys(("debian", "debian-lists"), ("debian",)),
    **dict.fromkeys(("ubuntu", "ubuntu-vex"), ("ubuntu",)),
    **dict.fromkeys(("chainguard", "chainguard-vex", "wolfi", "wolfi-vex"), ("chainguard", "wolfi")),
    **dict.fromkeys(("redhat", "redhat-oval"), ("rhel",)),
    "suse": ("sles", "opensuse"),
    "oracle": ("ol",),
    **{name: (name,) for name in ("alpine", "almalinux", "rocky", "fedora", "photon", "minimos", "echo")},
}
"""Sources that speak of some distributions or languages only; every other one may speak of anything."""


def outdated(
    index: Index,
    now: datetime | None = None,
    max_age_days: int = MAX_AGE_DAYS,
    channels: Collection[str] | None = None,
) -> Iterator[Skipped]:
    """Yield each source that came too long ago, or whose newest record is that old though it came since.

    channels: that are asked for; a source that speaks of none of them may be as old as it likes. None for all.
    """
    today = now or datetime.now(UTC)
    if not index.feeds:
        reason = "the index names no source: nothing is known by it"
        yield Skipped(Ref("package", name="index"), reason, "build the index anew, or `transom db update`")
    for feed in index.feeds:
        for told, time in ((READ, feed.retrieved), (CHANGED, feed.modified)):
            days = age_days(time, today)
            if feed.records and days is not None and days > max_age_days and _matters(feed.feed, channels):
                reason = told.format(feed.feed, days)
                yield Skipped(Ref("package", name=feed.feed), reason, "build the index anew, or `transom db update`")
                break


def _matters(feed: str, channels: Collection[str] | None) -> bool:
    """Tell whether a source may speak of one of the channels."""
    of = SPEAKS_OF.get(feed)
    return channels is None or of is None or any(channel.partition("-")[0] in of for channel in channels)


def age_days(time: str, today: datetime) -> int | None:
    """Return the whole days since a time, RFC 3339 or its date alone; None for what is no time."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        return None
    return (today - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).days


def setback(known: Iterable[FeedAge], offered: Iterable[FeedAge]) -> str:
    """Return why a source is offered with less than is known of it: missing, older, fewer records; "" where none is."""
    by_name = {each.feed: each for each in offered if each.records}
    for each in known:
        other = by_name.get(each.feed)
        if other is None:
            if each.records:
                return f"it has no {each.feed}, which ours has"
            continue
        if other.modified < each.modified:
            return f"its {each.feed} is of {other.modified or 'no told time'}, ours of {each.modified}"
        if other.records < each.records * MIN_SHARE:
            return f"its {each.feed} has {other.records:,} records, ours {each.records:,}"
    return ""
