"""The HTML page: CPU seconds to write it, and its size, for a number of findings of the generated estate."""

from __future__ import annotations

import io
import statistics
import time
from pathlib import Path

import msgspec

from bench.estate import write_estate
from transom.cli.excerpts import excerpts
from transom.cli.scan import parser
from transom.cli.selection import scan_options
from transom.inventory import Inventory
from transom.model.severity import Severity
from transom.report.html import write
from transom.report.options import ReportOptions
from transom.report.summary import Report, gather
from transom.scan import scan

DEPLOYMENTS = 600  # more than 10,000 findings
RUNS = 3


class Page(msgspec.Struct, frozen=True):
    """The median of the runs, each with sources that nobody has asked for excerpts before."""

    findings: int
    cpu_s: float
    size_mb: float


def pages(folder: Path, *counts: int) -> list[Page]:
    """Scan the estate once, and measure a page of each number of findings."""
    write_estate(folder, DEPLOYMENTS)
    inventory, report = _scanned(folder)
    return [_page(inventory, report, count) for count in counts]


def _scanned(folder: Path) -> tuple[Inventory, Report]:
    options = scan_options(parser().parse_args([str(folder)]))
    inventory = Inventory()
    results = scan([str(folder)], options, inventory)
    return inventory, gather(results, rules=options.faces, targets=(str(folder),), threshold=Severity.HIGH)


def _page(inventory: Inventory, report: Report, count: int) -> Page:
    if len(report.findings) < count:
        raise RuntimeError(f"the estate has {len(report.findings)} findings, not {count}")
    fewer = msgspec.structs.replace(report, findings=report.findings[:count])
    figures, size = [], 0
    for _ in range(RUNS):
        stream = io.BytesIO()
        before = time.process_time()
        write(fewer, stream, ReportOptions(excerpts=excerpts(inventory)))
        figures.append(time.process_time() - before)
        size = stream.tell()
    return Page(count, statistics.median(figures), size / 1e6)
