"""Findings as a page shows them."""

from __future__ import annotations

import io

from transom.model.findings import Evidence, Finding
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Vulnerability
from transom.report.formats import write
from transom.report.options import ReportOptions
from transom.report.summary import gather


def test_a_vulnerability_is_named_beside_its_rule() -> None:
    found = Finding(
        "vulnerable-package",
        Ref(scope="image", name="web"),
        Severity.HIGH,
        "CVE-2026-1 in zlib 1.0, 1.1 has the fix",
        (Evidence(Locator("web")),),
        title="CVE-2026-1 in zlib 1.0",
        vulnerability=Vulnerability("CVE-2026-1", "pkg:deb/debian/zlib@1.0", "zlib", "1.0", "fixed"),
    )
    stream = io.BytesIO()
    write("html", gather([found], rules={}, targets=("web",), threshold=Severity.HIGH), stream, ReportOptions())
    assert b'<span class="container">CVE-2026-1 in zlib 1.0</span>' in stream.getvalue()
