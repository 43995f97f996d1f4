"""Which scanners a command runs, and what of known vulnerabilities it tells."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from transom.cli.indexes import vulnerability_index
from transom.model.errors import UsageError
from transom.model.vulnerabilities import MAX_AGE_DAYS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from transom.images.vulnerable import VulnerabilityOptions
    from transom.inventory import Inventory
    from transom.lang.leaks.stream import Searcher
    from transom.model.findings import Skipped
    from transom.model.vulnerabilities import Rebase
    from transom.report.summary import Report
    from transom.rules.load import Pack
    from transom.rules.waivers import Waiver
    from transom.scan import ScanOptions

SCANNERS = ("vuln", "misconfig", "secret")
"""What a scan may look for, in the words that people know; each where the target has something of the kind."""

IGNORE_FILES = (".trivyignore", ".trivyignore.yaml", ".trivyignore.yml", ".grype.yaml", ".grype.yml")
"""Where other scanners look by themselves for what they ignore."""

VULNERABLE = "vulnerable-package"  # the one rule whose findings an index makes


def add_scanner_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which scanners run, and what of known vulnerabilities is told."""
    parser.add_argument(
        "--scanners",
        metavar="NAMES",
        type=scanners_named,
        help=f"of {','.join(SCANNERS)} (default: all that a target has something for)",
    )
    add_vulnerability_arguments(parser)


def add_vulnerability_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which index is asked, and what of its answers is told."""
    group = parser.add_argument_group("known vulnerabilities")
    add_index_argument(group)
    group.add_argument(
        "--only-fixable", "--ignore-unfixed", action="store_true", help="only those that a newer version mends"
    )
    group.add_argument("--kev", action="store_true", help="only those that are known to be exploited")
    group.add_argument("--min-epss", metavar="SCORE", type=_score, default=0.0, help="only those at least as likely")
    group.add_argument(
        "--max-db-age",
        metavar="DAYS",
        type=int,
        default=MAX_AGE_DAYS,
        help=f"a source older than this is skipped, which is never clean (default: {MAX_AGE_DAYS})",
    )
    group.add_argument(
        "--reachable", action="store_true", help="not those whose vulnerable functions are not in the Go program"
    )
    group.add_argument(
        "--ignore-file",
        "--ignorefile",
        metavar="FILE",
        action="append",
        help="what trivy or grype ignores (default: their files in this folder; repeatable)",
    )
    group.add_argument(
        "--vex",
        metavar="FILE",
        action="append",
        default=[],
        help="what is known to matter or not: OpenVEX, CycloneDX or CSAF, a file or folder, or oci: what is attached to "
        "images (repeatable)",
    )


def add_grouping_argument(parser: argparse.ArgumentParser) -> None:
    """Add how the table shows vulnerabilities."""
    parser.add_argument(
        "--group-by",
        choices=("package", "layer", "base"),
        default="package",
        help="by what the table shows vulnerabilities of an image (default: package)",
    )


def advised(report: Report, inventory: Inventory, options: ScanOptions) -> Report:
    """Return a report with what clears its vulnerabilities: upgrades, and other bases that were inspected before."""
    if not any(finding.vulnerability for finding in report.findings):
        return report
    from msgspec.structs import replace

    from transom.images.upgrades import upgrades

    return replace(report, upgrades=upgrades(report.findings), rebases=tuple(_rebases(report, inventory, options)))


def _rebases(report: Report, inventory: Inventory, options: ScanOptions) -> Iterator[Rebase]:
    from pathlib import Path

    from transom.rules.folder import cache_folder

    folder = cache_folder() if options.images is None or options.images.cached else None
    if folder is None or options.vulnerabilities is None or not any(bill.base for bill in inventory.bills):
        return
    from transom.advisories import Index
    from transom.images.bases import rebases
    from transom.images.cache import LayerCache

    with Index(options.vulnerabilities.index) as index:
        cache = LayerCache(Path(folder) / "layers")
        yield from rebases(inventory.bills, report.findings, index, options.vulnerabilities, cache)


def add_index_argument(parser: argparse._ActionsContainer) -> None:
    """Add which index is asked."""
    parser.add_argument(
        "--db", metavar="FILE", default=vulnerability_index(), help="the index (default: $TRANSOM_DB, else your own)"
    )


def scanners_named(text: str) -> frozenset[str]:
    """Read names with commas between them."""
    names = frozenset(text.lower().split(","))
    unknown = sorted(names - set(SCANNERS))
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no scanner; choose from {', '.join(SCANNERS)}")
    return names


def _score(text: str) -> float:
    score = float(text)
    if not 0 <= score <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no EPSS score; give one from 0 to 1")
    return score


def wanted(arguments: argparse.Namespace) -> frozenset[str]:
    """Return the scanners that run; commands that have no such choice judge rules only."""
    if arguments.rule == [VULNERABLE]:
        return frozenset(("vuln",))
    return getattr(arguments, "scanners", None) or frozenset(SCANNERS)


def of_rules(names: Sequence[str]) -> list[str]:
    """Return the ids that rules have, without that of what the index makes."""
    return [name for name in names if name != VULNERABLE]


def of_scanners(pack: Pack, chosen: Collection[str]) -> Pack:
    """Return the rules that the chosen scanners ask: those of the window of secrets are both's."""
    if "misconfig" in chosen:
        return pack
    from msgspec.structs import replace

    def kept(window: str) -> bool:
        return "secret" in chosen and window == "secrets"

    return replace(
        pack,
        policies=tuple(each for each in pack.policies if kept(each.window)),
        checks=tuple(each for each in pack.checks if kept(each.window)),
    )


def vulnerability_options(arguments: argparse.Namespace, windows: Collection[str]) -> VulnerabilityOptions | None:
    """Return which index is asked; None where the words of the command line are about something else."""
    asked = arguments.scanners if hasattr(arguments, "scanners") else frozenset()
    if asked is None:
        elsewhere = "images" not in windows or getattr(arguments, "framework", None)
        named = not arguments.rule or VULNERABLE in arguments.rule
        asked = {"vuln"} if named and not elsewhere and VULNERABLE not in arguments.skip_rule else frozenset()
    return index_options(arguments) if "vuln" in asked else None


def ignores(arguments: argparse.Namespace) -> tuple[list[Waiver], list[Skipped]]:
    """Return what ignore files of other scanners accept, and which of their rules cannot be asked here."""
    named = getattr(arguments, "ignore_file", ())  # None where nobody names one
    if getattr(arguments, "no_exceptions", False) or named == ():
        return [], []
    import os

    files = named if named is not None else [name for name in IGNORE_FILES if os.path.isfile(name)]  # noqa: PTH113
    if not files:
        return [], []
    from transom.model.findings import Skipped
    from transom.rules.ignores import read_ignores

    found = [each for file in files for each in read_ignores(file)]
    return [each for each in found if not isinstance(each, Skipped)], [
        each for each in found if isinstance(each, Skipped)
    ]


def searcher_of_images(arguments: argparse.Namespace, rules: str, windows: Collection[str]) -> Searcher | None:
    """Return what looks for credentials in images; None where the words of the command line are about something else.

    rules: the file of rules, "" for Transom's own.
    """
    if not hasattr(arguments, "scanners"):
        return None
    asked = arguments.scanners
    if asked is None:
        elsewhere = "secrets" not in windows or getattr(arguments, "framework", None) or arguments.rule
        asked = frozenset() if elsewhere else {"secret"}
    if "secret" not in asked:
        return None
    from transom.rules.leaks import searcher

    return searcher(rules)


def searcher_of_files(arguments: argparse.Namespace, rules: str) -> Searcher | None:
    """Return what looks for credentials in files of any kind; None where nobody asks for it: it reads all of a folder.

    rules: the file of rules, "" for Transom's own.
    """
    if not getattr(arguments, "git", False) and "secret" not in (getattr(arguments, "scanners", None) or ()):
        return None
    from transom.rules.leaks import searcher

    return searcher(rules)


def index_options(arguments: argparse.Namespace) -> VulnerabilityOptions:
    """Return which index is asked, and what of its answers is told."""
    from transom.images.vulnerable import VulnerabilityOptions

    told = (arguments.only_fixable, arguments.kev, arguments.min_epss)
    more = (tuple(arguments.vex), arguments.reachable, arguments.max_db_age)
    return VulnerabilityOptions(arguments.db, *told, *more)


def check_index(arguments: argparse.Namespace) -> None:
    """Raise UsageError where there is no index: nothing is fetched by itself."""
    from pathlib import Path

    if not Path(arguments.db).is_file():
        raise UsageError(f"there is no index {arguments.db}", "", "transom db build FEED…, or transom db update MIRROR")
