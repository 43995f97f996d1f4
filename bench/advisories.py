"""The index of the public corpora: how long it takes to build, how large it is, how fast it answers."""

from __future__ import annotations

import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from transom.model.packages import Bill, Package

FEEDS = ("osv-go", "osv-pypi", "kev")
LOOK_UPS = 20_000
PACKAGES = 1_000  # of one image
ROUNDS = 5
IMAGES, HELD, POOL = 2_000, 300, 20_000  # kept bills, their packages, and how many distinct ones there are
RECORDS = 40  # that are new in an index, as on a busy day
EVERY = 113  # of 6,800 records 60 are new, and 60 changed: more than the share that OSV changes in a day


class Answered(Struct, frozen=True):
    """What was measured. hit_s, miss_s: one look-up; image_s: CPU of matching 1,000 packages, with the index just opened.

    delta_ratio: the changes of one day beside the packed index; changed: how many records these are.
    """

    records: int
    build_s: float
    size_ratio: float
    hit_s: float
    miss_s: float
    image_s: float
    matches: int
    delta_ratio: float
    changed: int


def whole(corpora: Path, folder: Path) -> Answered:
    """Measure everything over the corpora; folder: for the index and the packed feeds."""
    from transom.advisories import Index
    from transom.advisories.building import build
    from transom.advisories.feeds import told

    path = folder / "bench-advisories.db"
    start = time.process_time()
    built = build((each for feed in FEEDS for each in told(str(corpora / feed))), path, afresh=True)
    build_s = time.process_time() - start
    packed_bytes = _packed(corpora, folder / "bench-feeds.zip")
    with Index(path) as index:
        names = _names(index)
        hit_s, miss_s = _look_up(index, names), _look_up(index, [(channel, f"no-{name}") for channel, name in names])
    image_s, matches = min(_match(path, names) for _ in range(ROUNDS))
    size_ratio = built.size_bytes / packed_bytes
    delta_ratio, changed = _day(corpora, folder)
    return Answered(built.records, build_s, size_ratio, hit_s, miss_s, image_s, matches, delta_ratio, changed)


def _day(corpora: Path, folder: Path) -> tuple[float, int]:
    """Return what a day's delta is of the packed index, and how many records changed: one of 113 is new, one says more."""
    from msgspec.structs import replace

    from transom.advisories.building import build
    from transom.advisories.feeds import told
    from transom.advisories.shipping import export
    from transom.model.advisories import Advisory

    today = [each for feed in FEEDS for each in told(str(corpora / feed))]
    before, changed = [], 0
    for number, each in enumerate(today):
        turn = number % EVERY if isinstance(each, Advisory) else 0
        changed += turn in (1, 2)
        if turn == 2:
            each = replace(each, modified="2020-01-01T00:00:00Z", summary="", statements=each.statements[:1])
        if turn != 1:
            before.append(each)
    path, mirror = folder / "bench-day.db", folder / "bench-mirror"
    build(before, path, afresh=True)
    export(path, mirror)
    build(today, path)
    manifest = export(path, mirror)
    return manifest.deltas[-1].size_bytes / manifest.packed_bytes, changed


class Rematched(Struct, frozen=True):
    """What was measured of kept bills. all_s, changed_s: CPU for one image, of all advisories and of RECORDS new ones."""

    images: int
    keep_s: float
    all_s: float
    changed_s: float
    findings: int


def rematch(corpora: Path, folder: Path) -> Rematched:
    """Measure how long kept bills take against an index, and against what is new in it."""
    from transom.advisories import Index
    from transom.advisories.building import build
    from transom.advisories.feeds import told
    from transom.images.rematch import rematched
    from transom.images.stored import Catalogue
    from transom.images.vulnerable import VulnerabilityOptions
    from transom.model.advisories import Advisory

    records = [each for feed in FEEDS for each in told(str(corpora / feed))]
    fresh = set(random.Random(2).sample([n for n, each in enumerate(records) if isinstance(each, Advisory)], RECORDS))
    before, after, kept = (folder / f"bench-{name}.db" for name in ("before", "after", "bills"))
    build(records, after, afresh=True)
    build([each for n, each in enumerate(records) if n not in fresh], before, afresh=True)
    kept.unlink(missing_ok=True)
    with Index(after) as index:
        bills = _bills(_names(index))
    with Catalogue(str(kept)) as catalogue:
        keep_s, _ = _timed(lambda: catalogue.keep(bills))
        options = VulnerabilityOptions(str(after))
        all_s, findings = _timed(lambda: sum(1 for _ in rematched(catalogue, options)))
        changed_s, _ = _timed(lambda: sum(1 for _ in rematched(catalogue, options, str(before))))
    return Rematched(IMAGES, keep_s / IMAGES, all_s / IMAGES, changed_s / IMAGES, findings)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def bill_file(folder: Path) -> Path:
    """Write a bill of PACKAGES packages, of which every fifth has advisories, and return its path."""
    from transom.advisories import Index
    from transom.images.sbom.cyclonedx import write
    from transom.model.packages import Bill

    with Index(folder / "bench-advisories.db") as index:
        packages = _packages(_names(index))
    path = folder / "bench-bill.cdx.json"
    path.write_bytes(write(Bill("registry.example.com/bench:1", tuple(packages)), "2026-01-01T00:00:00Z"))
    return path


def _bills(names: list[tuple[str, str]]) -> list[Bill]:
    """Return bills of packages of one pool, of which every fifth has advisories."""
    from transom.model.packages import Bill, Package

    chance = random.Random(3)
    pool = []
    for number in range(POOL):
        channel, name = names[number % len(names)]
        whole = name if number % 5 == 0 else f"{name}-x{number}"
        version = f"{chance.randrange(3)}.{chance.randrange(20)}.0"
        pool.append(Package(channel, whole.rpartition("/")[2], version, whole.rpartition("/")[0]))
    return [
        Bill(f"registry.example.com/app-{n}:1", tuple(chance.sample(pool, HELD)), f"sha256:{n:064x}")
        for n in range(IMAGES)
    ]


def _packed(corpora: Path, path: Path) -> int:
    """Return how large the feeds are as their publishers pack them: one zip of a file for each record."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for feed in FEEDS:
            for each in sorted((corpora / feed).rglob("*")):
                if each.suffix in (".json", ".yaml"):
                    archive.write(each, each.relative_to(corpora))
    size_bytes = path.stat().st_size
    path.unlink()
    return size_bytes


def _names(index: object) -> list[tuple[str, str]]:
    found = sorted({tuple(package.split("/", 1)) for _, package, _ in index.every_range()})  # type: ignore[attr-defined]
    random.Random(1).shuffle(found)
    return found  # type: ignore[return-value]


def _look_up(index: object, names: list[tuple[str, str]]) -> float:
    from transom.advisories.intervals import key_of

    key = key_of("semver", "1.0.0")
    start = time.process_time()
    for number in range(LOOK_UPS):
        index.affecting(*names[number % len(names)], key)  # type: ignore[attr-defined]
    return (time.process_time() - start) / LOOK_UPS


def _match(path: Path, names: list[tuple[str, str]]) -> tuple[float, int]:
    """Return the CPU seconds of an image in which every fifth package has advisories, and its matches."""
    from transom.advisories import Index, match

    packages = _packages(names)
    start = time.process_time()
    with Index(path) as index:
        matches = sum(1 for _ in match(packages, "", index))
    return time.process_time() - start, matches


def _packages(names: list[tuple[str, str]]) -> list[Package]:
    """Return PACKAGES packages, of which every fifth has advisories."""
    from transom.model.packages import Package

    known = [(channel, name) for channel, name in names[: PACKAGES // 5]]
    asked = [*known, *((channel, f"{name}-x{n}") for n in range(4) for channel, name in known)][:PACKAGES]
    return [
        Package(channel, name.rpartition("/")[2], "1.4.0", name.rpartition("/")[0], evidence="bench")
        for channel, name in asked
    ]
