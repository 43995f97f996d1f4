"""Ignore files of other scanners: what each of their rules accepts, and what is told of those that accept nothing."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.model.errors import TransomError
from transom.model.findings import Evidence, Finding, Skipped
from transom.model.places import Locator
from transom.model.refs import image_ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Vulnerability
from transom.rules.ignores import Ignored, read_ignores

TOLD = Vulnerability(
    "CVE-2026-0001",
    "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12",
    "libssl3",
    "3.0.11-1",
    "not-fixed",
    ("GHSA-aaaa-bbbb-cccc",),
    upgrade="openssl",
)


def finding(**changes: Any) -> Finding:
    from msgspec.structs import replace

    path = changes.pop("path", "var/lib/dpkg/status")
    told = replace(TOLD, **changes)
    return Finding(
        "vulnerable-package", image_ref("web"), Severity.HIGH, "", (Evidence(Locator(path)),), vulnerability=told
    )


def rules(tmp_path: Path, text: str, name: str = ".grype.yaml") -> list[Ignored | Skipped]:
    (tmp_path / name).write_text(text)
    return list(read_ignores(str(tmp_path / name)))


def fits(tmp_path: Path, text: str, name: str = ".grype.yaml", **changes: Any) -> bool:
    (rule,) = rules(tmp_path, text, name)
    assert isinstance(rule, Ignored), rule
    return rule.fits(finding(**changes), lambda _: {})


def test_lines_name_ids_with_their_last_day_and_reason(tmp_path: Path) -> None:
    text = "# a comment\nCVE-2026-0001 exp:2027-01-31 # being replaced\nAVD-KSV-0012\n\nGHSA-aaaa-bbbb-cccc\n"
    first, second = rules(tmp_path, text, ".trivyignore")
    assert isinstance(first, Ignored)
    assert (first.vulnerability, first.expires, first.reason) == ("CVE-2026-0001", date(2027, 1, 31), "being replaced")
    assert first.locator.line == 2
    assert isinstance(second, Ignored)
    assert second.fits(finding(), lambda _: {})


@pytest.mark.parametrize(
    ("entry", "accepts"),
    [
        ("{id: CVE-2026-0001}", True),
        ("{id: CVE-2026-0002}", False),
        ("{id: CVE-2026-0001, purls: ['pkg:deb/debian/libssl3']}", True),
        ("{id: CVE-2026-0001, purls: ['pkg:deb/debian/libssl3@3.0.11-1']}", True),
        ("{id: CVE-2026-0001, purls: ['pkg:deb/debian/libssl3@3.0.11-2']}", False),
        ("{id: CVE-2026-0001, purls: ['pkg:deb/debian/openssl']}", False),
        ("{id: CVE-2026-0001, paths: ['var/lib/dpkg/*']}", True),
        ("{id: CVE-2026-0001, paths: ['var/*/status']}", False),
        ("{id: CVE-2026-0001, paths: ['**/status']}", True),
    ],
)
def test_trivys_rules_name_packages_and_paths(tmp_path: Path, entry: str, accepts: bool) -> None:
    assert fits(tmp_path, f"vulnerabilities:\n- {entry}\n", ".trivyignore.yaml") is accepts


@pytest.mark.parametrize(
    ("entry", "accepts"),
    [
        ("{vulnerability: CVE-2026-0001}", True),
        ("{vulnerability: CVE-2026-0001, fix-state: fixed}", False),
        ("{fix-state: not-fixed}", True),
        ("{package: {name: libssl3}}", True),
        ("{package: {name: libssl}}", False),
        ("{package: {name: 'lib.*'}}", True),
        ("{package: {upstream-name: openssl}}", True),
        ("{package: {type: deb, version: 3.0.11-1}}", True),
        ("{package: {type: rpm}}", False),
        ("{package: {location: /var/lib/**}}", True),
        ("{package: {language: python}}", False),
    ],
)
def test_grypes_rules_hold_where_all_of_them_fits(tmp_path: Path, entry: str, accepts: bool) -> None:
    assert fits(tmp_path, f"ignore:\n- {entry}\n") is accepts


@pytest.mark.parametrize(
    "entry",
    [
        "{vulnerability: CVE-2026-0001, vex-status: fixed}",
        "{vulnerability: CVE-2026-0001, namespace: 'debian:distro:debian:12'}",
        "{package: {name: '['}}",
        "{package: {type: cobol}}",
        "{reason: only a reason}",
    ],
)
def test_a_rule_that_cannot_be_asked_accepts_nothing_and_is_told(tmp_path: Path, entry: str) -> None:
    (told,) = rules(tmp_path, f"ignore:\n- {entry}\n")
    assert isinstance(told, Skipped)
    assert "accepts nothing here" in told.reason
    assert told.locator.line == 2


def test_a_day_that_is_none_is_told(tmp_path: Path) -> None:
    (told,) = rules(tmp_path, "CVE-2026-0001 exp:soon\n", ".trivyignore")
    assert isinstance(told, Skipped)


@pytest.mark.parametrize("text", ["ignore: [", "a: &a [*a]"])
def test_broken_yaml_is_an_error_or_nothing(tmp_path: Path, text: str) -> None:
    try:
        assert rules(tmp_path, text) == []
    except TransomError as error:
        assert "cannot use" in error.what


@given(st.text(max_size=40), st.sampled_from([".trivyignore", ".trivyignore.yaml", ".grype.yaml"]))
def test_whatever_stands_in_a_file_nothing_else_is_raised(
    tmp_path_factory: pytest.TempPathFactory, text: str, name: str
) -> None:
    path = tmp_path_factory.mktemp("ignores") / name
    path.write_bytes(f"ignore: [{text}]\n".encode("utf-8", "surrogatepass"))
    try:
        list(read_ignores(str(path)))
    except TransomError:
        return
