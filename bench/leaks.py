"""How fast leaks are found: rules in the gitleaks format over source text."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

from msgspec import Struct

from transom.lang.leaks import LeakFinder, read_rules
from transom.lang.leaks.batches import BATCHED_BYTES
from transom.lang.leaks.stream import Searcher

RUNS = 5  # of which the median counts: other work on the machine makes single ones slower


def megabytes_a_second(rules: Path, folder: Path) -> tuple[float, float]:
    """Return MB for each second of CPU: over the text of a folder, and over text in which no keyword stands."""
    texts = [file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()]
    finder = LeakFinder(read_rules(str(rules)))
    _rate(finder.find, texts)  # compiles what is met
    return _rate(finder.find, texts), _rate(finder.find, [b"\n" * 1_000_000] * 20)


class Speed(Struct, frozen=True):
    """MB for each second of CPU, of all threads, and how many leaks: with files as one text, and file by file."""

    joined: float
    joined_leaks: int
    apart: float
    apart_leaks: int


def through_files(rules: Path | None, folder: Path) -> Speed:
    """Return how fast everything goes that `transom secrets` does with texts: search, decoding, doubts, places.

    Once all files of the folder are one text, as large files are read, in pieces; once each is a file of its own. Files are
    read before, and expressions that are met compiled. rules: None for our own.
    """
    from transom.rules.leaks import searcher

    found = searcher(str(rules) if rules else "")
    files = [(str(file), file.read_bytes()) for file in sorted(folder.rglob("*")) if file.is_file()]
    text = b"\n".join(content for _, content in files)
    chunks = [text[at : at + 2**20] for at in range(0, len(text), 2**20)]
    joined_leaks, apart_leaks = _joined(found, chunks), _apart(found, files)
    megabytes = len(text) / 1e6
    joined = [megabytes / _cpu_s(lambda: _joined(found, chunks)) for _ in range(RUNS)]
    apart = [megabytes / _cpu_s(lambda: _apart(found, files)) for _ in range(RUNS)]
    return Speed(median(joined), joined_leaks, median(apart), apart_leaks)


def _joined(searcher: Searcher, chunks: Sequence[bytes]) -> int:
    from transom.lang.leaks.stream import leaks_of

    return sum(1 for _ in leaks_of(searcher, "text", chunks))


def _apart(searcher: Searcher, files: Sequence[tuple[str, bytes]]) -> int:
    from transom.secrets.search import Tally, Text, leaks_of_texts

    texts = (Text(path, content if len(content) <= BATCHED_BYTES else [content]) for path, content in files)
    return sum(len(told[1]) for told in leaks_of_texts(searcher, texts, Tally(searcher)) if isinstance(told, tuple))


def _cpu_s(measured: Callable[[], object]) -> float:
    start = time.process_time()
    measured()
    return time.process_time() - start


def _rate(find: Callable[[bytes], object], texts: Sequence[bytes]) -> float:
    start = time.process_time()
    for text in texts:
        find(text)
    return sum(map(len, texts)) / 1e6 / (time.process_time() - start)
