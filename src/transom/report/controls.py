"""The controls of a framework as a table in a terminal: the worst state first, each with what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from transom.report.compliance import (
    FAILED,
    FORMULA,
    NOT_APPLICABLE,
    PASSED,
    STATES,
    UNKNOWN,
    Compliance,
    ControlResult,
    reasons,
)
from transom.report.text import BOLD, DIM, GREEN, RED, YELLOW, Look, columns, wrapped

COLOURS = {FAILED: RED + BOLD, UNKNOWN: YELLOW + BOLD, PASSED: GREEN, NOT_APPLICABLE: DIM}
SHOWN_RULES = 6  # failing rules of one control; the rest is counted


def lines(reached: Compliance, look: Look) -> Iterator[str]:
    """Yield the framework, its controls, and what they come to."""
    yield look.paint(look.cut(look.safe(reached.framework.name), look.width), BOLD)
    states = max(columns(look.say(state)) for state in STATES)
    ids = max((columns(result.control.id) for result in reached.results), default=0)
    for result in sorted(reached.results, key=lambda each: STATES.index(each.state)):
        yield from _control(result, states, ids, look)
    yield ""
    counts = look.say(", ").join(f"{look.say(state)} {count:,}" for state, count in reached.counts.items() if count)
    percent = look.say("no control is applicable") if reached.percent is None else f"{reached.percent}%"
    yield look.say("{}: {}").format(look.paint(percent, BOLD), counts)
    yield from (look.paint(line, DIM) for line in wrapped(look.say(FORMULA), look.width))


def _control(result: ControlResult, states: int, ids: int, look: Look) -> Iterator[str]:
    state, control = look.say(result.state), result.control
    begin = f"{look.paint(state, COLOURS[result.state])}{' ' * (states - columns(state))}  "
    counted = f"{result.passed:,}/{result.judged:,}" if result.judged else ""
    room = max(look.width - states - ids - columns(counted) - 6, 8)
    title = look.cut(look.told(control.title), room)
    gap = " " * (room - columns(title))
    yield f"{begin}{control.id}{' ' * (ids - columns(control.id))}  {title}{gap}  {counted}".rstrip()
    indent = " " * (states + ids + 4) if look.width > states + ids + 44 else "    "
    for text in _told(result, look):
        yield from (look.paint(line, DIM) for line in wrapped(text, look.width, indent, indent))


def _told(result: ControlResult, look: Look) -> Iterator[str]:
    """Yield what keeps a control from passing: its failing rules, and why more is not known."""
    if result.failing:
        named = ", ".join(map(look.safe, result.failing[:SHOWN_RULES]))
        more = len(result.failing) - SHOWN_RULES
        yield f"{named} {look.say('and {:,} more').format(more)}" if more > 0 else named
    for words, values in reasons(result):
        yield look.safe(look.say(words).format(**values))
