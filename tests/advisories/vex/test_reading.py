"""VEX documents of all three formats, and what is none."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.advisories.vex import Said, Status, Vex, read_vex
from transom.advisories.vex.products import Product
from transom.model.advisories import Match, State
from transom.model.packages import Bill, Package

DJANGO = Package("pypi", "django", "3.2.0")
FOUND = Match(DJANGO, "CVE-2026-0001", State.FIXED, (), ("GHSA-aaaa-bbbb-cccc",))
BILL = Bill("web", (DJANGO,))

OPENVEX: dict[str, Any] = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "author": "Shop",
    "timestamp": "2026-01-01T00:00:00Z",
    "statements": [
        {
            "vulnerability": {"name": "CVE-2026-0001"},
            "products": [{"@id": "pkg:pypi/django@3.2.0"}],
            "status": "not_affected",
            "justification": "vulnerable_code_not_in_execute_path",
            "impact_statement": "nothing is rendered",
        }
    ],
}
CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [{"type": "library", "bom-ref": "d", "purl": "pkg:pypi/django@3.2.0", "name": "django"}],
    "vulnerabilities": [
        {
            "id": "CVE-2026-0001",
            "analysis": {
                "state": "false_positive",
                "justification": "code_not_reachable",
                "detail": "nothing is rendered",
            },
            "affects": [{"ref": "d"}],
        }
    ],
}
CSAF: dict[str, Any] = {
    "document": {
        "category": "csaf_vex",
        "publisher": {"name": "Shop"},
        "tracking": {"id": "1", "current_release_date": "2026-01-01T00:00:00Z"},
    },
    "product_tree": {
        "full_product_names": [
            {"product_id": "D", "name": "d", "product_identification_helper": {"purl": "pkg:pypi/django@3.2.0"}}
        ]
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2026-0001",
            "product_status": {"known_not_affected": ["D"]},
            "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["D"]}],
            "threats": [{"category": "impact", "details": "nothing is rendered", "product_ids": ["D"]}],
        }
    ],
}


def statements(document: Any, digests: tuple[str, ...] = ()) -> list[Said]:
    return [each for each in read_vex(json.dumps(document).encode(), "a.json", digests) if isinstance(each, Said)]


@pytest.mark.parametrize("document", [OPENVEX, CYCLONEDX, CSAF], ids=["openvex", "cyclonedx", "csaf"])
def test_every_format_says_that_it_is_not_affected_and_why(document: dict[str, Any]) -> None:
    said = Vex(statements(document)).about(FOUND, BILL)
    assert said is not None
    assert said.status is Status.NOT_AFFECTED
    assert said.justification
    assert "nothing is rendered" in said.told


@pytest.mark.parametrize("document", [OPENVEX, CYCLONEDX, CSAF], ids=["openvex", "cyclonedx", "csaf"])
def test_another_version_is_not_meant(document: dict[str, Any]) -> None:
    other = Package("pypi", "django", "3.1.0")
    found = Match(other, "CVE-2026-0001", State.FIXED, ())
    assert Vex(statements(document)).about(found, Bill("web", (other,))) is None


def test_the_last_statement_decides() -> None:
    later = {
        **OPENVEX["statements"][0],
        "status": "affected",
        "action_statement": "upgrade",
        "timestamp": "2026-02-01T00:00:00Z",
    }
    said = Vex(statements({**OPENVEX, "statements": [later, *OPENVEX["statements"]]})).about(FOUND, BILL)
    assert said is not None
    assert said.status is Status.AFFECTED


def test_an_alias_names_the_same_bug() -> None:
    statement = {**OPENVEX["statements"][0], "vulnerability": {"name": "ghsa-AAAA-bbbb-cccc"}}
    assert Vex(statements({**OPENVEX, "statements": [statement]})).about(FOUND, BILL) is not None


def test_the_first_versions_of_openvex_are_read() -> None:
    old = {
        "vulnerability": "CVE-2026-0001",
        "products": ["pkg:oci/web?repository_url=ghcr.io/shop/web"],
        "subcomponents": ["pkg:pypi/django"],
        "status": "fixed",
    }
    (said,) = statements({"@context": "https://openvex.dev/ns", "statements": [old]})
    assert said.products == (Product("pkg:oci/web?repository_url=ghcr.io/shop/web", parts=("pkg:pypi/django",)),)


def test_a_bom_link_names_a_package_of_another_bill() -> None:
    bug = {**CYCLONEDX["vulnerabilities"][0], "affects": [{"ref": "urn:cdx:3e671687/1#pkg%3Apypi%2Fdjango%403.2.0"}]}
    assert Vex(statements({**CYCLONEDX, "components": [], "vulnerabilities": [bug]})).about(FOUND, BILL)


def test_a_component_of_a_distribution_is_meant_in_that_release() -> None:
    tree = {
        "branches": [
            {
                "product": {
                    "product_id": "R9",
                    "name": "RHEL 9",
                    "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9"},
                }
            },
            {
                "product": {
                    "product_id": "b",
                    "name": "b",
                    "product_identification_helper": {"purl": "pkg:rpm/redhat/bash"},
                }
            },
        ],
        "relationships": [
            {
                "product_reference": "b",
                "relates_to_product_reference": "R9",
                "full_product_name": {"product_id": "R9:b", "name": "b in 9"},
            }
        ],
    }
    bug = {"cve": "CVE-2026-0002", "product_status": {"known_not_affected": ["R9:b"]}}
    vex = Vex(statements({**CSAF, "product_tree": tree, "vulnerabilities": [bug]}))
    bash = Package("rpm", "bash", "5.1-2.el9", "redhat", distro="rhel-9.2")
    found = Match(bash, "CVE-2026-0002", State.AFFECTED, ())
    assert vex.about(found, Bill("a", (bash,), distro="rhel-9.2"))
    older = Package("rpm", "bash", "5.1-2.el9", "redhat", distro="rhel-8.2")
    assert not vex.about(Match(older, "CVE-2026-0002", State.AFFECTED, ()), Bill("a", (older,), distro="rhel-8.2"))


def test_an_attestation_is_about_its_subject() -> None:
    digest = "a" * 64
    statement = {key: value for key, value in OPENVEX["statements"][0].items() if key != "products"}
    inner = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "web", "digest": {"sha256": digest}}],
        "predicateType": "https://openvex.dev/ns/v0.2.0",
        "predicate": {**OPENVEX, "statements": [statement]},
    }
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": b64encode(json.dumps(inner).encode()).decode(),
        "signatures": [],
    }
    vex = Vex(statements(envelope))
    assert vex.about(FOUND, Bill("web", (DJANGO,), f"sha256:{digest}"))
    assert not vex.about(FOUND, Bill("web", (DJANGO,), f"sha256:{'b' * 64}"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"@context": "https://openvex.dev/ns", "statements": 1}',
        b'{"payload": "no base64!"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_vex_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="no VEX document"):
        list(read_vex(content, "a"))


def test_statements_that_say_nothing_are_told() -> None:
    nobody = {**OPENVEX["statements"][0], "products": []}
    odd = {**OPENVEX["statements"][0], "status": "perhaps"}
    content = json.dumps({**OPENVEX, "statements": [nobody, odd]}).encode()
    assert [each for each in read_vex(content, "a") if isinstance(each, str)] == [
        "statement 1: it names no product",
        "statement 2: the status 'perhaps' is not known",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([OPENVEX, CYCLONEDX, CSAF]), st.data())
def test_whatever_stands_in_a_document_nothing_else_is_raised(document: dict[str, Any], data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(document)))
    changed = {**document, field: data.draw(JSON)}
    with suppress(ValueError):
        statements(changed)
