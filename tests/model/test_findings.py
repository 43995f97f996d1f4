"""The words of the model keep their promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from transom.model.exits import Exit, exit_code
from transom.model.findings import Evidence, Finding
from transom.model.places import Locator, path_text
from transom.model.refs import Ref
from transom.model.severity import Severity

WEB = Ref(group="apps", kind="Deployment", namespace="shop", name="web")


def finding(**changes: object) -> Finding:
    seen = Evidence(Locator("web.yaml", 7, 3, path="spec"), "privileged: true")
    made = Finding(
        "privileged-container", WEB, Severity.CRITICAL, "a container runs privileged", (seen,), witness="app"
    )
    return structs.replace(made, **changes)


def test_a_finding_without_evidence_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="without evidence"):
        finding(evidence=())


def test_a_fingerprint_survives_moved_lines_and_renamed_clusters() -> None:
    moved = finding(
        evidence=(Evidence(Locator("elsewhere.yaml", 99, 1)),),
        ref=structs.replace(WEB, cluster="production"),
        message="said otherwise",
        severity=Severity.LOW,
    )
    assert moved.fingerprint == finding().fingerprint


@pytest.mark.parametrize(
    "change", [{"rule": "host-pid"}, {"ref": structs.replace(WEB, name="api")}, {"witness": "second"}]
)
def test_another_rule_thing_or_witness_is_another_finding(change: dict[str, object]) -> None:
    assert finding(**change).fingerprint != finding().fingerprint


@given(st.text(), st.text())
def test_parts_of_a_fingerprint_do_not_run_into_each_other(left: str, right: str) -> None:
    if "\0" in left + right or not right:
        return
    one = finding(rule=left + right, witness="")
    other = finding(rule=left, witness=right)
    assert one.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "containers", 0, "image"), "spec.containers[0].image"),
        (("metadata", "annotations", "a.b/c"), 'metadata.annotations["a.b/c"]'),
        (("items", 3), "items[3]"),
        (("data", 'quo"te\\'), 'data["quo\\"te\\\\"]'),
        ((), ""),
    ],
)
def test_paths_read_as_kubectl_users_write_them(path: tuple[str | int, ...], text: str) -> None:
    assert path_text(path) == text


@pytest.mark.parametrize(
    ("findings", "skipped", "judged", "expected"),
    [(0, 0, 5, Exit.CLEAN), (2, 0, 5, Exit.FINDINGS), (2, 1, 5, Exit.INCOMPLETE), (0, 0, 0, Exit.INCOMPLETE)],
)
def test_incomplete_outranks_findings(findings: int, skipped: int, judged: int, expected: Exit) -> None:
    assert exit_code(findings_at_threshold=findings, skipped=skipped, judged=judged) is expected


def test_refs_have_one_canonical_text() -> None:
    assert str(WEB) == "k8s:apps/Deployment/shop/web"
    assert str(Ref(kind="Namespace", name="shop", cluster="prod")) == "k8s:prod@Namespace//shop"
    assert str(Ref(scope="file", name="a.yaml")) == "file:a.yaml"
    assert WEB.short == "shop/Deployment/web"
