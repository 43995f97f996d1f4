"""The smallest set of upgrades that clears what can be cleared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.images.upgrades import upgrades
from transom.model.findings import Evidence, Finding
from transom.model.places import Locator
from transom.model.refs import image_ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Vulnerability


def finding(
    bug: str, name: str, fixed: str, severity: Severity = Severity.MEDIUM, image: str = "web", **more: Any
) -> Finding:
    kind = more.pop("kind", "deb")
    place = more.pop("place", "var/lib/dpkg/status")
    purl = f"pkg:deb/debian/{name}@1?distro=debian-12" if kind == "deb" else f"pkg:{kind}/{name}@1"
    told = Vulnerability(
        bug, purl, name, more.pop("version", "1"), "fixed" if fixed else "not-fixed", fixed=fixed, **more
    )
    return Finding(
        "vulnerable-package", image_ref(image), severity, "", (Evidence(Locator(place)),), vulnerability=told
    )


def told(*findings: Finding) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(each.name, each.to, each.clears) for each in upgrades(findings)]


def test_one_upgrade_of_the_source_clears_all_its_binaries() -> None:
    assert told(
        finding("CVE-1", "libssl3", "3.0.11-2", upgrade="openssl"),
        finding("CVE-2", "openssl", "3.0.11-10", upgrade="openssl"),
    ) == [("openssl", "3.0.11-10", ("CVE-1", "CVE-2"))]


@pytest.mark.parametrize(
    ("kind", "versions", "greatest"),
    [
        ("deb", ("1.9", "1.10"), "1.10"),
        ("deb", ("1:1.0", "2.0"), "1:1.0"),
        ("pypi", ("3.2.9", "3.2.10"), "3.2.10"),
        ("npm", ("1.2.3", "1.2.3-rc.1"), "1.2.3"),
        ("golang", ("0.9.0", "0.10.0"), "0.10.0"),
    ],
)
def test_the_greatest_fix_is_told_by_the_order_of_its_ecosystem(
    kind: str, versions: tuple[str, str], greatest: str
) -> None:
    (upgrade,) = upgrades([finding(f"CVE-{n}", "a", each, kind=kind, upgrade="a") for n, each in enumerate(versions)])
    assert upgrade.to == greatest


def test_versions_without_an_order_are_all_named() -> None:
    assert told(finding("CVE-1", "a", "x", kind="cobol"), finding("CVE-2", "a", "y", kind="cobol")) == [
        ("a", "x, y", ("CVE-1", "CVE-2"))
    ]


def test_what_no_version_mends_is_in_no_upgrade() -> None:
    assert told(finding("CVE-1", "a", "", upgrade="a")) == []


def test_modules_are_upgraded_in_each_program_by_themselves() -> None:
    found = upgrades([finding("CVE-1", "x/net", "1.2", kind="golang", place=place) for place in ("bin/a", "bin/b")])
    assert [each.place for each in found] == ["bin/a", "bin/b"]


def test_the_worst_stand_first_and_images_apart() -> None:
    found = upgrades(
        [
            finding("CVE-1", "a", "2", upgrade="a"),
            finding("CVE-2", "b", "2", Severity.CRITICAL, upgrade="b"),
            finding("CVE-3", "c", "2", Severity.CRITICAL, "db", upgrade="c"),
        ]
    )
    assert [(each.image, each.name) for each in found] == [("db", "c"), ("web", "b"), ("web", "a")]


FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["CVE-1", "CVE-2", "CVE-3"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["", "1.1", "1.2", "1.10"]),
        st.sampled_from(list(Severity)),
        upgrade=st.just("source"),
    ),
    max_size=8,
)


@given(FINDINGS)
def test_all_that_can_be_cleared_is_and_nothing_is_upgraded_twice(findings: list[Finding]) -> None:
    found = upgrades(findings)
    fixable = {each.vulnerability.id for each in findings if each.vulnerability and each.vulnerability.fixed}
    assert {bug for each in found for bug in each.clears} == fixable
    assert len({(each.image, each.name, each.place, each.base) for each in found}) == len(found)
