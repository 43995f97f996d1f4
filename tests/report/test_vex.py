"""VEX out: each format satisfies its schema, and what it says is what a scan reads back."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.images.sbom.test_bills import faults_of_cyclonedx
from transom.advisories.vex import Said, Status, Vex, read_vex
from transom.model.advisories import Match, State
from transom.model.findings import Accepted, Evidence, Finding
from transom.model.packages import Bill, Package
from transom.model.places import Locator
from transom.model.refs import image_ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Vulnerability
from transom.report.formats import write
from transom.report.options import ReportOptions
from transom.report.summary import gather

DIGEST = f"sha256:{'a' * 64}"
NAME = "ghcr.io/shop/web:1"
DJANGO = Package("pypi", "django", "3.2.0")
FORMATS = ["openvex", "cyclonedx-vex", "csaf"]
each_format = pytest.mark.parametrize("form", FORMATS)


def finding(bug: str = "CVE-2026-0001", digest: str = DIGEST, **more: Any) -> Finding:
    told = Vulnerability(
        bug, "pkg:pypi/django@3.2.0", "django", "3.2.0", "fixed", ("GHSA-a",), "3.2.5", "a bug", digest=digest, **more
    )
    evidence = (Evidence(Locator("a")),)
    return Finding("vulnerable-package", image_ref(NAME), Severity.HIGH, "", evidence, witness=bug, vulnerability=told)


def written(form: str, *results: Finding | Accepted) -> bytes:
    stream = io.BytesIO()
    report = gather(results, rules={}, targets=(NAME,), threshold=Severity.HIGH)
    write(form, report, stream, ReportOptions(made_at="2026-11-25T12:00:00"))
    return stream.getvalue()


def said_of(content: bytes, bug: str = "CVE-2026-0001", digest: str = DIGEST) -> Said | None:
    vex = Vex([each for each in read_vex(content, "a.json") if isinstance(each, Said)])
    return vex.about(Match(DJANGO, bug, State.FIXED, ()), Bill(NAME, (DJANGO,), digest))


@each_format
@pytest.mark.parametrize("status", ["not_affected", "fixed", "affected", "under_investigation"])
def test_what_a_team_decides_is_read_back(form: str, status: str) -> None:
    accepted = Accepted(
        finding(), "nothing is rendered", Locator("a"), False, status, "vulnerable_code_not_in_execute_path"
    )
    said = said_of(written(form, accepted))
    assert said is not None
    assert said.status.value == status
    if status == "not_affected":
        assert said.justification in ("vulnerable_code_not_in_execute_path", "code_not_reachable")
        assert "nothing is rendered" in said.told


@each_format
def test_what_nobody_decided_is_under_investigation(form: str) -> None:
    said = said_of(written(form, finding()))
    assert said is not None
    assert said.status is Status.UNDER_INVESTIGATION


@each_format
def test_what_is_accepted_without_a_status_is_affected(form: str) -> None:
    said = said_of(written(form, Accepted(finding(), "we live with it")))
    assert said is not None
    assert said.status is Status.AFFECTED
    if form != "csaf":
        assert "we live with it" in said.told


@each_format
def test_a_program_without_the_vulnerable_functions_is_not_affected(form: str) -> None:
    said = said_of(written(form, finding(reach="absent")))
    assert said is not None
    assert said.status is Status.NOT_AFFECTED


@pytest.mark.parametrize("form", ["openvex", "csaf"])
def test_another_image_is_not_meant(form: str) -> None:
    content = written(form, Accepted(finding(), "a", status="not_affected"))
    assert said_of(content, digest=f"sha256:{'b' * 64}") is None


@each_format
def test_without_a_digest_the_package_is_meant(form: str) -> None:
    content = written(form, Accepted(finding(digest=""), "a", status="not_affected"))
    assert said_of(content, digest="")


@each_format
def test_the_same_decisions_have_the_same_bytes(form: str) -> None:
    assert written(form, finding(), finding("CVE-2026-0002")) == written(form, finding("CVE-2026-0002"), finding())


def test_cyclonedx_satisfies_its_schema() -> None:
    results = (finding(score=9.8, vector="CVSS:3.1/AV:N", rated_by="ghsa", epss=0.5), Accepted(finding("GHSA-b"), "a"))
    assert faults_of_cyclonedx(written("cyclonedx-vex", *results)) is None


def test_csaf_has_what_its_profile_asks_for() -> None:
    accepted = Accepted(finding(), "why", status="not_affected")
    other = Accepted(finding("GHSA-b"), "we live with it")
    document = json.loads(written("csaf", accepted, other, finding("CVE-2026-0003")))
    meta = document["document"]
    assert (meta["category"], meta["csaf_version"], meta["tracking"]["status"]) == ("csaf_vex", "2.0", "interim")
    known = {each["product_id"] for each in document["product_tree"]["full_product_names"]}
    known |= {each["full_product_name"]["product_id"] for each in document["product_tree"]["relationships"]}
    for bug in document["vulnerabilities"]:
        assert bug.get("cve") or bug["ids"]
        for status, products in bug["product_status"].items():
            assert set(products) <= known
            explained = {"known_not_affected": "threats", "known_affected": "remediations"}.get(status)
            assert explained is None or {each for one in bug[explained] for each in one["product_ids"]} >= set(products)


def test_openvex_has_what_its_specification_asks_for() -> None:
    accepted = Accepted(finding(), "why", status="not_affected")
    document = json.loads(written("openvex", accepted, Accepted(finding("CVE-2026-0002"), "we live with it")))
    assert {"@context", "@id", "author", "timestamp", "version", "statements"} <= document.keys()
    for said in document["statements"]:
        assert said["products"][0]["subcomponents"][0]["@id"] == "pkg:pypi/django@3.2.0"
        if said["status"] == "not_affected":
            assert said.get("justification") or said.get("impact_statement")
        if said["status"] == "affected":
            assert said["action_statement"]
