"""Every scenario of a deliberately insecure cluster has the findings that its fault deserves."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.inventory import Inventory
from transom.model.findings import Finding
from transom.rules.load import builtin_pack
from transom.rules.profiles import DEFAULT, in_profiles
from transom.scan import ScanOptions, scan

SCENARIOS: dict[str, tuple[str, set[str]]] = {
    "batch-check": (
        "a Job that mines: an image of no fixed version, without limits, free to call home",
        {"image-tag-latest", "image-digest-missing", "memory-limit-missing", "pod-without-network-policy"},
    ),
    "build-code": (
        "keys in a build, behind a service that anyone inside reaches",
        {"image-tag-latest", "pod-without-network-policy", "namespace-without-default-deny", "run-as-non-root"},
    ),
    "cache-store": (
        "a cache without a password that every namespace reaches",
        {"pod-without-network-policy", "namespace-without-default-deny", "namespace-without-level"},
    ),
    "docker-bench-security": (
        "a benchmark with the whole node in its hands",
        {"privileged-container", "container-runtime-socket", "host-pid", "host-ipc", "host-network", "hostpath-volume"}
        | {"sensitive-host-directory", "run-as-root-user", "added-capabilities"},
    ),
    "health-check": (
        "commands that reach the container runtime of the node",
        {"privileged-container", "container-runtime-socket", "writable-host-directory", "hostpath-volume"},
    ),
    "hidden-in-layers": (
        "a secret in a layer of an image of no fixed version",
        {"image-tag-latest", "image-digest-missing", "memory-limit-missing"},
    ),
    "hunger-check": (
        "a pod that takes all memory, and an account that reads Secrets",
        {"memory-limit-missing", "wildcard-rule", "namespace-without-level"},
    ),
    "insecure-rbac": ("an account bound to cluster-admin", {"cluster-admin-bound", "token-by-default"}),
    "internal-proxy": (
        "a proxy that asks any address for whoever asks it",
        {"pod-without-network-policy", "namespace-without-default-deny", "node-port-service"},
    ),
    "kube-bench-security": (
        "a benchmark that reads the node",
        {"host-pid", "hostpath-volume", "sensitive-host-directory", "memory-limit-missing"},
    ),
    "kubernetes-goat-home": (
        "the home page, with root's rights and no probes",
        {"run-as-non-root", "privilege-escalation", "liveness-probe-missing", "pod-without-network-policy"},
    ),
    "kyverno-namespace-exec-block": ("a defence, which has no fault", set()),
    "metadata-db": (
        "a database of metadata with root's rights, its token mounted",
        {"image-tag-latest", "run-as-non-root", "service-account-token-mounted", "pod-without-network-policy"},
    ),
    "poor-registry": (
        "a registry without a password, which anyone inside reaches",
        {"image-tag-latest", "pod-without-network-policy", "namespace-without-default-deny"},
    ),
    "system-monitor": (
        "a monitor that sees, and may change, the whole node",
        {"privileged-container", "host-pid", "host-ipc", "hostpath-volume", "sensitive-host-directory"}
        | {"writable-host-directory"},
    ),
}
"""By folder: the fault, and the rules of the default profile that must find something."""


@pytest.fixture(scope="module")
def folder(corpora: Path) -> Path:
    return corpora / "kubernetes-goat" / "scenarios"


def found(target: Path) -> set[str]:
    pack = in_profiles(builtin_pack(), [DEFAULT])
    options = ScanOptions(policies=pack.policies, checks=pack.checks)
    return {each.rule for each in scan([str(target)], options, Inventory()) if isinstance(each, Finding)}


def test_every_scenario_is_listed(folder: Path) -> None:
    assert {path.name for path in folder.iterdir() if path.is_dir()} == set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_has_the_findings_that_its_fault_deserves(folder: Path, scenario: str) -> None:
    fault, deserved = SCENARIOS[scenario]
    assert deserved - found(folder / scenario) == set(), fault


def test_a_defence_has_no_findings(folder: Path) -> None:
    assert found(folder / "kyverno-namespace-exec-block") == set()
