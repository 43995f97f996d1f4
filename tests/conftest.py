"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.cluster.api import Api
    from transom.kube.scratch import ControlPlane
    from transom.model.findings import Result

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")  # a machine that others load too makes no test fail
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def no_index_of_the_user(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have an index of their own; no test finds it."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / f"data-{uuid4().hex}"))
    monkeypatch.delenv("TRANSOM_DB", raising=False)
    monkeypatch.delenv("TRANSOM_JARS", raising=False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of public test material: TRANSOM_CORPORA, or `shared/corpora` beside the checkout."""
    folder = Path(os.environ.get("TRANSOM_CORPORA") or ROOT.parent / "shared" / "corpora")
    if not folder.is_dir():
        pytest.skip(f"no public test material: {folder} is not a folder; set TRANSOM_CORPORA")
    return folder


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A Kubernetes for the whole run, shared by tests: they take namespaces of their own and leave the rest alone."""
    from tests.cluster.binary import binaries_or_skip
    from transom.kube.scratch import ControlPlane

    with ControlPlane(binaries_or_skip()) as plane:
        yield plane


@pytest.fixture(scope="session")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    """An administrator's connection to the shared Kubernetes."""
    from tests.cluster.api import Api

    connection = Api(control_plane)
    for each in _keeper():
        assert connection.create(each).status in (201, 409)
    yield connection
    connection.close()


def _keeper() -> Iterator[dict[str, Any]]:
    """Yield a policy that holds nowhere: once the last one with ConfigMaps as parameters is gone, none can have them.

    The API server stops its informer of parameters then, and what is stopped never starts again.
    """
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    nowhere = {"matchLabels": {"transom.dev/nowhere": "true"}}
    spec = {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": nowhere},
        "validations": [{"expression": "true"}],
    }
    bound = {"policyName": "keeper", "paramRef": {"name": "none", "parameterNotFoundAction": "Allow"}}
    for kind, fields in (("", spec), ("Binding", {**bound, "validationActions": ["Audit"]})):
        group = "admissionregistration.k8s.io/v1"
        kind = f"ValidatingAdmissionPolicy{kind}"
        yield {"apiVersion": group, "kind": kind, "metadata": {"name": "keeper"}, "spec": fields}


def scanned(*targets: Path | str) -> list[Result]:
    """Return everything that a scan with Transom's own rules yields."""
    from transom.inventory import Inventory
    from transom.rules.load import builtin_pack
    from transom.scan import ScanOptions, scan

    pack = builtin_pack()
    return list(
        scan([str(target) for target in targets], ScanOptions(policies=pack.policies, checks=pack.checks), Inventory())
    )
