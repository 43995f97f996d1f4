"""What the terminal can show: colour, width, language; and progress on long work."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

from transom.cli import language as language
from transom.model.language import translator

if TYPE_CHECKING:
    from transom.report.options import ReportOptions

UNITS = ("B", "kB", "MB", "GB", "TB")  # of 1,000s, as sizes of files and images are told

DEFAULT_WIDTH = 120  # of a file or pipe, where nobody says
MIN_WIDTH = 40
PROGRESS_AFTER_S = 1.0  # shorter work needs no telling
PROGRESS_EVERY_S = 0.25


def wants_colour(stream: TextIO) -> bool:
    """Tell whether to colour: a terminal, unless NO_COLOR or TERM=dumb; anything where FORCE_COLOR is set."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int:
    """Return the columns of the terminal; COLUMNS overrides."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return max(int(given), MIN_WIDTH)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, MIN_WIDTH)
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def speaks_unicode(stream: TextIO) -> bool:
    """Tell whether the stream's encoding can carry more than ASCII."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def say(text: str) -> str:
    """Return an English text in the reader's language."""
    return translator(language())(text)


def report_options(stream: TextIO) -> ReportOptions:
    """Return what a report on this stream may show."""
    from transom.report.options import ReportOptions

    return ReportOptions(
        colour=wants_colour(stream), width=width(stream), unicode=speaks_unicode(stream), language=language()
    )


def file_options() -> ReportOptions:
    """Return what a report in a file may show."""
    from transom.report.options import ReportOptions

    return ReportOptions(width=DEFAULT_WIDTH, language=language())


@contextmanager
def progress(describe: Callable[[], str]) -> Iterator[None]:
    """Show, on a terminal's stderr, one line that describe renews while the work takes long."""
    if not sys.stderr.isatty():
        yield
        return
    from threading import Event, Thread

    done = Event()
    shown = Event()

    def tell() -> None:
        wait = PROGRESS_AFTER_S
        while not done.wait(wait):
            shown.set()
            sys.stderr.write(f"\r\x1b[K{describe()}")
            sys.stderr.flush()
            wait = PROGRESS_EVERY_S

    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        if shown.is_set():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def write_json(value: Any) -> None:
    """Write a value to stdout as indented JSON."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=1).decode() + "\n")


def size(count: int) -> str:
    """Return a number of bytes in three figures and a unit of 1,000s."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {UNITS[unit]}"
