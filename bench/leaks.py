"""How fast leaks are found: rules in the gitleaks format over source text."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
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


COMMITS = 10_000
FILES, LINES = 400, 60  # of the history that is made: a service of a few people, some years old


def history(folder: Path) -> Path:
    """Return a repository of COMMITS commits, each of which changes a line in one or two of its files; made once."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
        subprocess.run(["git", "-C", folder, "fast-import", "--quiet"], input=b"".join(_commits()), check=True)
        (folder / "done").touch()
    return folder


def _commits() -> Iterator[bytes]:
    random = Random(1)
    files = [f"src/part{number % 20}/file{number}.py" for number in range(FILES)]
    texts = {file: [_line(random) for _ in range(LINES)] for file in files}
    for number in range(COMMITS):
        who = f"committer A{number % 7} <a{number % 7}@example.com> {1_600_000_000 + number} +0000"
        yield f"commit refs/heads/main\nmark :{number + 1}\n{who}\ndata 0\n".encode()
        if number:
            yield f"from :{number}\n".encode()
        for file in sorted({random.choice(files) for _ in range(2)}) if number else files:
            texts[file][random.randrange(LINES)] = _line(random)
            content = "\n".join(texts[file]).encode()
            yield f"M 100644 inline {file}\ndata {len(content)}\n".encode() + content + b"\n"


def _line(random: Random) -> str:
    return f"value_{random.randrange(10**6)} = {random.randrange(10**9)}"
