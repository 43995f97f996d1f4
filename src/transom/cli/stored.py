"""Kept bills on the command line: where they are, what is asked of them, and which workloads run their images."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transom.cli.indexes import kept_bills
from transom.model.errors import UsageError

if TYPE_CHECKING:
    from transom.images.stored import Catalogue
    from transom.inventory import Inventory
    from transom.model.findings import Result
    from transom.model.packages import Bill
    from transom.scan import ScanOptions


def add_keep_argument(parser: argparse.ArgumentParser) -> None:
    """Add whether bills are kept."""
    parser.add_argument(
        "--keep",
        metavar="FILE",
        nargs="?",
        const="",
        help="keep the bill of each image, for transom vulns --stored (default: in the user's data folder)",
    )


def add_stored_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is asked of kept bills."""
    group = parser.add_argument_group("kept bills")
    group.add_argument(
        "--stored",
        metavar="PATH",
        nargs="?",
        const="",
        help="all kept bills instead of a target: those of --keep, or a folder of SBOM files",
    )
    group.add_argument("--changed-since", metavar="INDEX", help="only what this index of before did not tell")
    group.add_argument(
        "--workloads", metavar="TARGET", help="name the workloads that run the images: a snapshot, or cluster[:CONTEXT]"
    )


def keep(arguments: argparse.Namespace, bills: Iterable[Bill]) -> None:
    """Keep bills where --keep says so."""
    if arguments.keep is None:
        return
    from transom.images.stored import Catalogue

    with Catalogue(arguments.keep or kept_bills()) as catalogue:
        catalogue.keep(bills)


def of_stored(arguments: argparse.Namespace, options: ScanOptions) -> Iterator[Result]:
    """Yield what an index says of all kept bills."""
    from datetime import date

    from transom.images.rematch import rematched
    from transom.inventory import Inventory
    from transom.rules.waivers import with_waivers

    yield from options.problems
    if options.vulnerabilities is None:
        return
    inventory = Inventory()
    problems: list[Result] = list(_fill(inventory, arguments.workloads)) if arguments.workloads else []
    with _opened(arguments.stored) as catalogue:
        if os.path.isdir(arguments.stored):  # noqa: PTH112
            problems += catalogue.follow(arguments.stored)
        if not len(catalogue):
            raise UsageError(
                "no bills are kept there", "", "transom sbom TARGET --keep, or name a folder of SBOM files"
            )
        yield from problems
        found = rematched(catalogue, options.vulnerabilities, arguments.changed_since or "", _workloads(inventory))
        yield from with_waivers(found, options.waivers, inventory, options.today or date.today())


def _opened(path: str) -> Catalogue:
    """Return the catalogue in a file, or the one that is kept in the cache of a folder's files."""
    from transom.images.stored import Catalogue

    if not path or not os.path.exists(path):  # noqa: PTH110
        if path or not os.path.isfile(kept_bills()):  # noqa: PTH113
            raise UsageError(f"there are no kept bills at {path or kept_bills()}", "", "transom sbom TARGET --keep")
        return Catalogue(kept_bills())
    if not os.path.isdir(path):  # noqa: PTH112
        return Catalogue(path)
    from hashlib import sha256

    from transom.rules.folder import cache_folder

    folder = cache_folder()
    if folder is None:
        return Catalogue(":memory:")
    name = sha256(os.path.realpath(path).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return Catalogue(os.path.join(folder, "bills", f"{name}.db"))  # noqa: PTH118


def _fill(inventory: Inventory, target: str) -> Iterator[Result]:
    """Fill an inventory with what runs, so that workloads can be named; yield what could not be read."""
    from transom.inventory.cluster import ClusterOptions
    from transom.inventory.sources import fill

    yield from fill(inventory, target, cluster=ClusterOptions())


def _workloads(inventory: Inventory) -> dict[str, tuple[str, ...]]:
    """Return the workloads that run each image, by digest and by name."""
    from transom.images.running import running

    found: dict[str, set[str]] = {}
    targets = {entry.origin.target for entry in inventory.entries()}
    for target in targets:
        for image, users in running(inventory, target).items():
            names = {ref.short for ref in users}
            for key in filter(None, (image.identity.partition("@")[2], image.identity, image.name)):
                found.setdefault(key, set()).update(names)
    return {key: tuple(sorted(names)) for key, names in found.items()}
