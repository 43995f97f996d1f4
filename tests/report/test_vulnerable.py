"""The table's part for known vulnerabilities."""

from __future__ import annotations

import io

import pytest
from msgspec.structs import replace

from tests.images.test_upgrades import finding
from transom.images.upgrades import upgrades
from transom.model.severity import Severity
from transom.model.vulnerabilities import Rebase, Upgrade
from transom.report.formats import write
from transom.report.options import ReportOptions
from transom.report.summary import gather

FINDINGS = (
    finding(
        "CVE-2026-0001",
        "libssl3",
        "3.0.12",
        Severity.HIGH,
        upgrade="openssl",
        layer=1,
        base="debian:12",
        rated_by="nvd",
    ),
    finding(
        "CVE-2026-0002",
        "libssl3",
        "",
        upgrade="openssl",
        layer=1,
        base="debian:12",
        exploited="2026-01-01",
        epss=0.5,
        rated_by="nvd",
    ),
    finding(
        "CVE-2026-0003", "x/net", "0.1", kind="golang", place="bin/a", layer=2, reach="linked", instruction="COPY a"
    ),
)


def table(group_by: str = "package", width: int = 100) -> str:
    report = gather(FINDINGS, rules={}, targets=("web",), threshold=Severity.HIGH)
    report = replace(
        report,
        upgrades=upgrades(report.findings),
        rebases=(Rebase("web", "debian:12", "debian:12.9", 2, ("CVE-2026-0001",), ("CVE-2026-0009",)),),
    )
    stream = io.BytesIO()
    write("table", report, stream, ReportOptions(width=width, group_by=group_by))
    return stream.getvalue().decode()


def test_a_package_stands_above_its_vulnerabilities() -> None:
    lines = [line.rstrip() for line in table().splitlines()]
    at = lines.index("  libssl3 1  var/lib/dpkg/status · layer 1 · debian:12")
    assert lines[at + 1] == "    HIGH      CVE-2026-0001     → 3.0.12"
    assert lines[at + 2] == "    MEDIUM    CVE-2026-0002     no fix yet · exploited since 2026-01-01 · EPSS 50.0%"
    assert any("rated by nobody · in the program" in line for line in lines)


@pytest.mark.parametrize(
    ("group_by", "headings"),
    [("layer", ["  layer 1", "  layer 2  COPY a"]), ("base", ["  brought by debian:12", "  not of a known base"])],
)
def test_they_stand_together_by_layer_or_base(group_by: str, headings: list[str]) -> None:
    lines = [line.rstrip() for line in table(group_by).splitlines()]
    assert all(heading in lines for heading in headings)


def test_what_to_upgrade_is_told_with_what_it_clears() -> None:
    text = table()
    assert "2 upgrades clear 2 of 3" in text
    assert "openssl → 3.0.12: CVE-2026-0001" in text
    assert "x/net → 0.1 (bin/a): CVE-2026-0003" in text


def test_another_base_is_told_with_what_is_gone_in_it() -> None:
    told = " ".join(table().split())
    assert "1 of the 2 that debian:12 brings are gone in debian:12.9, which brings 1 of its own" in told


def test_the_page_tells_upgrades_and_bases() -> None:
    report = gather(FINDINGS, rules={}, targets=("web",), threshold=Severity.HIGH)
    upgraded = replace(
        report,
        upgrades=(*upgrades(report.findings), Upgrade("<b>", "<script>", ("1",), "2", "<i>", ("CVE-1",))),
        rebases=(Rebase("web", "debian:12", "debian:12.9", 2, ("CVE-2026-0001",)),),
    )
    pages = []
    for each in (report, upgraded):
        stream = io.BytesIO()
        write("html", each, stream, ReportOptions())
        pages.append(stream.getvalue().decode())
    assert "What to upgrade" not in pages[0]
    assert "<code>openssl</code>" in pages[1]
    assert "debian:12.9" in pages[1]
    assert "&lt;script&gt;" in pages[1]
    assert "<code><script>" not in pages[1]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, table(width=width).splitlines())) <= max(width, 50)
