"""The table of removed API versions agrees with what each release serves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from transom.inventory import Inventory, Origin
from transom.model.findings import Finding
from transom.rules.load import builtin_pack
from transom.scan import assess
from transom.workloads.api_versions import Removal, release, removals

CHECKS = {check.id: check for check in builtin_pack().checks}
FIRST, LAST = 25, 37  # releases whose schemas the package tells


def found(rule: str, api_version: str, kind: str, version: tuple[int, int]) -> list[str]:
    inventory = Inventory()
    inventory.add({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}}, Origin("here"))
    results = assess(inventory, [replace(CHECKS[rule], version=version)])
    return [each.message for each in results if isinstance(each, Finding)]


@pytest.mark.parametrize(
    ("version", "gone", "going"), [((1, 20), 0, 0), ((1, 21), 0, 1), ((1, 24), 0, 1), ((1, 25), 1, 0), ((1, 36), 1, 0)]
)
def test_a_version_is_deprecated_then_gone_as_releases_go_by(version: tuple[int, int], gone: int, going: int) -> None:
    assert len(found("removed-api-version", "batch/v1beta1", "CronJob", version)) == gone
    assert len(found("deprecated-api-version", "batch/v1beta1", "CronJob", version)) == going


def test_what_takes_its_place_is_told() -> None:
    assert removals()["policy/v1beta1", "PodDisruptionBudget"].instead == "policy/v1"


@pytest.fixture(scope="module")
def served() -> dict[int, set[tuple[str, str]]]:
    package = pytest.importorskip("kubernetes_validate", reason="the extra schemas is not installed")
    folder = Path(package.__file__).parent / "kubernetes-json-schema"
    return {minor: _kinds(folder / f"v1.{minor}.0-local" / "_definitions.json") for minor in range(FIRST, LAST + 1)}


def _kinds(file: Path) -> set[tuple[str, str]]:
    definitions = json.loads(file.read_bytes())["$defs"].values()
    named = (each for schema in definitions for each in schema.get("x-kubernetes-group-version-kind", ()))
    return {("/".join(filter(None, (each["group"], each["version"]))), each["kind"]) for each in named}


def test_what_is_gone_is_in_no_release_from_then_on(served: dict[int, set[tuple[str, str]]]) -> None:
    for key, removal in removals().items():
        gone = release(removal.removed)[1] if removal.removed else LAST + 1
        assert [minor for minor in served if minor >= gone and key in served[minor]] == [], removal
        if FIRST < gone <= LAST:
            assert key in served[gone - 1], removal


def test_every_version_that_went_is_in_the_table(served: dict[int, set[tuple[str, str]]]) -> None:
    known: dict[tuple[str, str], Removal] = removals()
    for minor in range(FIRST + 1, LAST + 1):
        went = {
            key
            for key in served[minor - 1] - served[minor]
            if not key[1].endswith(("List", "Event", "Status", "Options"))
        }
        assert went - set(known) == set(), f"1.{minor}"
