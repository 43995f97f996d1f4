"""How fast leaks are found: rules in the gitleaks format over source text."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from transom.lang.leaks import LeakFinder, read_rules


def megabytes_a_second(rules: Path, folder: Path) -> tuple[float, float]:
    """Return MB for each second of CPU: over the text of a folder, and over text in which no keyword stands."""
    texts = [file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()]
    finder = LeakFinder(read_rules(str(rules)))
    _rate(finder.find, texts)  # compiles what is met
    return _rate(finder.find, texts), _rate(finder.find, [b"\n" * 1_000_000] * 20)


def megabytes_a_second_of_files(rules: Path, folder: Path) -> tuple[float, int]:
    """Return MB for each second of CPU through everything that `transom secrets` does with a text, and how many leak.

    All files of the folder are one text, as large files are read: in pieces.
    """
    from transom.lang.leaks.stream import leaks_of
    from transom.rules.leaks import searcher

    found = searcher(str(rules))
    text = b"\n".join(file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file())
    chunks = [text[at : at + 1_000_000] for at in range(0, len(text), 1_000_000)]
    list(leaks_of(found, "text", chunks[:1]))  # compiles what is met
    start = time.process_time()
    count = len(list(leaks_of(found, "text", chunks)))
    return len(text) / 1e6 / (time.process_time() - start), count


def _rate(find: Callable[[bytes], object], texts: Sequence[bytes]) -> float:
    start = time.process_time()
    for text in texts:
        find(text)
    return sum(map(len, texts)) / 1e6 / (time.process_time() - start)
