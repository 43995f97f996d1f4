"""Checks that join objects: loaded from data, asked of entries, counted, excepted and adapted like policies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from transom.inventory import Inventory, Origin
from transom.model.clusters import ClusterFacts, Gap
from transom.model.errors import UsageError
from transom.model.findings import Accepted, Finding, Judged, Skipped
from transom.model.severity import Severity
from transom.rules import joined
from transom.rules.check import Check, Fault
from transom.rules.examples import run_examples
from transom.rules.exceptions import declared
from transom.rules.load import builtin_pack, load_pack
from transom.rules.select import select
from transom.scan import assess

SERVICE = yaml.safe_load("""
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
""")
POD = yaml.safe_load("""
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: app, image: example.com/app:1.4}]}
""")


def check(name: str = "service-selects-nothing") -> Check:
    return next(each for each in builtin_pack().checks if each.id == name)


def results(values: list[dict[str, Any]], rule: Check, target: str = "here", **options: Any) -> list[Any]:
    inventory = Inventory()
    for value in values:
        inventory.add(value, Origin(target))
    return list(assess(inventory, [rule], **options))


def test_a_fault_is_a_finding_with_its_place_and_the_texts_of_the_rule() -> None:
    finding, judged = results([SERVICE, POD], check())
    assert isinstance(finding, Finding)
    assert (finding.ref.short, finding.place.path, finding.severity) == (
        "shop/Service/web",
        "spec.selector",
        Severity.LOW,
    )
    assert finding.evidence[0].observed == "selector: {app: web}"
    assert finding.fix == check().face.fix
    assert judged == Judged("service-selects-nothing", 1, 0)


def test_what_does_not_apply_is_not_counted() -> None:
    assert results([SERVICE], check()) == [Judged("service-selects-nothing", 0, 0)]


def test_a_join_reads_entries_that_are_not_to_be_judged() -> None:
    inventory = Inventory()
    inventory.add(POD, Origin("here"))
    service = inventory.add(SERVICE, Origin("here"))
    assert len([each for each in assess(inventory, [check()], [service]) if isinstance(each, Finding)]) == 1


def test_a_join_never_leaves_its_target() -> None:
    inventory = Inventory()
    inventory.add(POD, Origin("there"))
    inventory.add(SERVICE, Origin("here"))
    assert list(assess(inventory, [check()])) == [Judged("service-selects-nothing", 0, 0)]


def test_a_selector_that_the_api_server_refuses_is_skipped() -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"-": "x"}}},
    }
    skipped, judged = results([POD, policy], check("network-policy-selects-nothing"))
    assert isinstance(skipped, Skipped)
    assert "selector" in skipped.reason
    assert judged.judged == 0


def test_a_fault_that_the_file_accepts_is_accepted() -> None:
    service = {
        **SERVICE,
        "metadata": {**SERVICE["metadata"], "annotations": {"transom.dev/allow": f"{check().id} soon"}},
    }
    inventory = Inventory()
    inventory.add(POD, Origin("here"))
    inventory.add(service, Origin("here"))
    allowances, _ = declared(inventory, inventory.entries(), {check().id})
    accepted, _ = assess(inventory, [check()], None, allowances)
    assert isinstance(accepted, Accepted)


def test_a_hostile_number_of_faults_is_cut_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "MAX_FAULTS", 2)
    monkeypatch.setattr(
        "transom.network.services.selects_nothing", lambda *_: [Fault("a", witness=str(n)) for n in range(5)]
    )
    found = results([SERVICE, POD], check())
    assert [type(each).__name__ for each in found] == ["Finding", "Finding", "Skipped", "Judged"]


def test_checks_are_chosen_and_left_out_like_policies() -> None:
    pack = builtin_pack()
    only = select(pack, [check().id])
    assert (only.policies, [each.id for each in only.checks]) == ((), [check().id])
    assert check().id not in select(pack, without=[check().id]).faces


def test_settings_change_the_severity_of_a_check() -> None:
    adapted = builtin_pack().adapted({check().id: Severity.HIGH}, {})
    assert adapted.faces[check().id].severity is Severity.HIGH


def test_settings_for_parameters_that_a_check_has_not_are_an_error() -> None:
    with pytest.raises(UsageError, match="no parameters"):
        builtin_pack().adapted({}, {check().id: {"minimum": "1"}})


def test_a_parameter_that_must_be_a_number_says_so() -> None:
    with pytest.raises(UsageError, match="whole number"):
        replace(check(), parameters={"minimum": "many"}).number("minimum")


def test_a_check_of_others_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: transom.dev/v1\nkind: Check\nmetadata: {name: a}\nspec: {judges: [Pod]}\n"
    )
    (problem,) = load_pack([str(tmp_path)]).problems
    assert "only checks that come with Transom" in problem.reason


def test_an_example_that_does_not_keep_its_promise_fails() -> None:
    def nothing_wrong(*_: Any) -> list[Any]:
        return []

    outcomes = list(run_examples([check().file], assess=nothing_wrong))
    assert {outcome.state for outcome in outcomes} == {"passed", "failed"}
    assert all("nothing was found" in outcome.why for outcome in outcomes if outcome.state == "failed")


@pytest.mark.parametrize("refused", [True, False])
def test_what_a_cluster_did_not_tell_is_no_fault(refused: bool) -> None:
    inventory = Inventory()
    for value in (SERVICE, POD, {**SERVICE, "metadata": {"name": "api", "namespace": "shop"}}):
        inventory.add(value, Origin("cluster"))
    inventory.clusters["cluster"] = ClusterFacts("test", "v1.36.0", gaps=(Gap("", "Pod", refused),))
    assert list(assess(inventory, [check()])) == [Judged("service-selects-nothing", 0, 0)]
