"""Timestamps and durations: reading, writing, ranges and parts, to the nanosecond, as Go does."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from transom.lang.cel.errors import EvaluationError, NoSuchOverload
from transom.lang.cel.values import INT_MAX, INT_MIN, Duration, Timestamp, type_name

SECOND = 10**9
MIN_TIMESTAMP = -62135596800 * SECOND  # 0001-01-01T00:00:00Z
MAX_TIMESTAMP = 253402300799 * SECOND + SECOND - 1  # 9999-12-31T23:59:59.999999999Z

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_DURATION = re.compile(r"([-+]?)((?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)\Z")
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)")
_TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?(Z|[-+][0-9]{2}:[0-9]{2})\Z"
)
_OFFSET = re.compile(r"([-+]?)([0-9]{1,2}):([0-9]{2})\Z")
MAX_TIME_CHARS = 100  # the longest that has a meaning has about 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span(nanoseconds: int) -> Duration:
    """Return a duration; raises EvaluationError where it does not fit 64 bits."""
    if INT_MIN <= nanoseconds <= INT_MAX:
        return Duration(nanoseconds)
    raise EvaluationError("duration overflow")


def moved(nanoseconds: int) -> Timestamp:
    """Return a timestamp; raises EvaluationError outside the years 1 to 9999."""
    if MIN_TIMESTAMP <= nanoseconds <= MAX_TIMESTAMP:
        return Timestamp(nanoseconds)
    raise EvaluationError("timestamp overflow")


def duration_(value: Any) -> Duration:
    """`duration("1h30m")`."""
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):
        raise NoSuchOverload(f"no such overload: duration({type_name(value)})")
    if value in ("0", "+0", "-0"):
        return Duration(0)
    match = _DURATION.match(value) if len(value) <= MAX_TIME_CHARS else None
    if not match:
        raise EvaluationError(f"{value[:MAX_TIME_CHARS]!r} is no duration")
    total = 0
    for whole, fraction, unit in _DURATION_PART.findall(match[2]):
        total += int(whole or 0) * _UNITS[unit]
        if fraction:
            total += int(fraction) * _UNITS[unit] // 10 ** len(fraction)
    return span(-total if match[1] == "-" else total)


def timestamp_(value: Any) -> Timestamp:
    """`timestamp("2026-01-02T03:04:05Z")`, or of seconds since 1970."""
    if isinstance(value, Timestamp):
        return value
    if value.__class__ is int:
        return moved(value * SECOND)
    if not isinstance(value, str):
        raise NoSuchOverload(f"no such overload: timestamp({type_name(value)})")
    match = _TIMESTAMP.match(value) if len(value) <= MAX_TIME_CHARS else None
    if not match:
        raise EvaluationError(f"{value[:MAX_TIME_CHARS]!r} is no timestamp")
    try:
        local = datetime(*(int(match[part]) for part in range(1, 7)), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError as error:
        raise EvaluationError(f"{value!r} is no timestamp: {error}") from None
    offset = 0
    if match[8] != "Z":
        hours, minutes = int(match[8][1:3]), int(match[8][4:])
        if hours > 24 or minutes > 60:
            raise EvaluationError(f"{value!r} is no timestamp")
        offset = (-1 if match[8][0] == "-" else 1) * (hours * 3600 + minutes * 60)
    seconds = (local - _EPOCH) // timedelta(seconds=1) - offset
    return moved(seconds * SECOND + int((match[7] or "0")[:9].ljust(9, "0")))


def timestamp_text(value: Timestamp) -> str:
    """Write a timestamp as RFC 3339, its fraction without trailing zeros."""
    seconds, nanoseconds = divmod(value.nanoseconds, SECOND)
    moment = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{nanoseconds:09}".rstrip("0") if nanoseconds else ""
    return f"{moment.year:04}-{moment:%m-%dT%H:%M:%S}{fraction}Z"


def duration_text(value: Duration) -> str:
    """Write a duration in seconds: `5400s`, `0.25s`."""
    from decimal import Decimal

    seconds = format(Decimal(repr(value.nanoseconds / SECOND)), "f")
    return f"{seconds.rstrip('0').rstrip('.') if '.' in seconds else seconds}s"


def _zone(name: str) -> tzinfo:
    match = _OFFSET.match(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes >= 24 * 60:
            raise EvaluationError(f"{name!r} is no time zone")
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return UTC if name in ("", "UTC") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise EvaluationError(f"{name[:MAX_TIME_CHARS]!r} is no time zone") from None


def _moment(value: Any, zone: str) -> datetime:
    if not isinstance(value, Timestamp) or not isinstance(zone, str):
        raise NoSuchOverload(f"no such overload: {type_name(value)} has no part of a date")
    try:
        return (_EPOCH + timedelta(seconds=value.nanoseconds // SECOND)).astimezone(_zone(zone))
    except OverflowError:
        raise EvaluationError("timestamp overflow") from None


def _of_duration(value: Any, unit: int) -> int | None:
    if not isinstance(value, Duration):
        return None
    return abs(value.nanoseconds) // unit * (-1 if value.nanoseconds < 0 else 1)


def getFullYear_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the year."""
    return _moment(value, zone).year


def getMonth_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the month, January 0."""
    return _moment(value, zone).month - 1


def getDayOfYear_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the day of the year, the first 0."""
    return _moment(value, zone).timetuple().tm_yday - 1


def getDayOfMonth_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the day of the month, the first 0."""
    return _moment(value, zone).day - 1


def getDate_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the day of the month, the first 1."""
    return _moment(value, zone).day


def getDayOfWeek_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the day of the week, Sunday 0."""
    return _moment(value, zone).isoweekday() % 7


def getHours_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the hour of a timestamp, or the whole hours of a duration."""
    hours = _of_duration(value, 3600 * SECOND)
    return _moment(value, zone).hour if hours is None else hours


def getMinutes_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the minute of a timestamp, or the whole minutes of a duration."""
    minutes = _of_duration(value, 60 * SECOND)
    return _moment(value, zone).minute if minutes is None else minutes


def getSeconds_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the second of a timestamp, or the whole seconds of a duration."""
    seconds = _of_duration(value, SECOND)
    return _moment(value, zone).second if seconds is None else seconds


def getMilliseconds_(value: Any, zone: str = "") -> int:  # noqa: N802 - CEL's own name
    """Return the milliseconds within the second of a timestamp, or those within the second of a duration."""
    if isinstance(value, Duration):
        return (abs(value.nanoseconds) // 10**6 % 1000) * (-1 if value.nanoseconds < 0 else 1)
    _moment(value, zone)
    return int(value.nanoseconds // 10**6 % 1000)


def seconds_of(value: Timestamp) -> int:
    """Return the whole seconds since 1970."""
    return value.nanoseconds // SECOND
