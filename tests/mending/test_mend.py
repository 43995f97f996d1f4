"""Mending on generated objects: what a fix claims is gone or told, nothing is new, and files hold what was wanted."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from transom.inventory import Inventory
from transom.kube.rendering import same
from transom.mending import Options, mend
from transom.mending.differences import applied, differences
from transom.model.errors import TransomError
from transom.model.findings import Finding
from transom.model.patches import Edit, FilePatch, digest
from transom.rules.fixes import fixes_of
from transom.rules.load import builtin_pack
from transom.rules.select import select
from transom.scan import ScanOptions, scan

PACK = select(builtin_pack(), profiles=["default"])
FIXES, _ = fixes_of((*PACK.policies, *PACK.checks))
SCAN = ScanOptions(policies=PACK.policies, checks=PACK.checks)


def maybe(**fields: Any) -> Any:
    return st.fixed_dictionaries({}, optional=fields)


CAPABILITIES = st.lists(
    st.sampled_from(["ALL", "NET_RAW", "SYS_ADMIN", "CHOWN", "NET_BIND_SERVICE"]), max_size=2, unique=True
)
SECURITY = maybe(
    privileged=st.booleans(),
    allowPrivilegeEscalation=st.just(False),
    readOnlyRootFilesystem=st.booleans(),
    runAsNonRoot=st.booleans(),
    runAsUser=st.sampled_from([0, 100, 20000]),
    capabilities=maybe(add=CAPABILITIES, drop=CAPABILITIES),
    seccompProfile=st.sampled_from([{"type": "RuntimeDefault"}, {"type": "Unconfined"}]),
)
PORTS = st.lists(
    st.sampled_from([{"containerPort": 80, "hostPort": 80}, {"containerPort": 81}]), max_size=2, unique_by=str
)
CONTAINER = maybe(securityContext=SECURITY, ports=PORTS, imagePullPolicy=st.sampled_from(["Always", "IfNotPresent"]))
SPECS = st.fixed_dictionaries(
    {"containers": st.lists(CONTAINER, min_size=1, max_size=3)},
    optional={
        "initContainers": st.lists(CONTAINER, max_size=1),
        "hostPID": st.booleans(),
        "hostNetwork": st.booleans(),
        "automountServiceAccountToken": st.booleans(),
        "securityContext": maybe(runAsNonRoot=st.booleans(), runAsUser=st.sampled_from([0, 7])),
        "volumes": st.just([{"name": "run", "hostPath": {"path": "/run/docker.sock"}}]),
    },
)
WRITERS = {
    "yaml": lambda value: yaml.safe_dump(value, sort_keys=False),
    "flow": lambda value: yaml.safe_dump(value, default_flow_style=None),
    "json": lambda value: json.dumps(value, indent=2),
}


def _deployment(spec: dict[str, Any]) -> dict[str, Any]:
    for field in ("containers", "initContainers"):
        for number, container in enumerate(spec.get(field, ())):
            container.update(name=f"{field[:4].lower()}{number}", image="example.com/app:1")
    metadata = {"name": "web", "namespace": "shop"}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    selector = {"matchLabels": {"app": "web"}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"selector": selector, "template": template},
    }


def _found(file: Path) -> Counter[str]:
    results = scan([str(file)], SCAN, Inventory())
    return Counter(each.fingerprint for each in results if isinstance(each, Finding))


@given(SPECS, st.sampled_from(sorted(WRITERS)), st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mended_file_has_lost_what_was_told_and_gained_nothing(tmp_path, spec, writer, safe_only):
    file = tmp_path / ("web.json" if writer == "json" else "web.yaml")
    file.write_text(WRITERS[writer](_deployment(spec)))
    before = _found(file)
    mended = mend([str(file)], Options(SCAN, FIXES, safe_only=safe_only))
    for edit in mended.edits.values():
        file.write_bytes(edit.after)
    after = _found(file)
    gone = Counter(each.fingerprint for step in mended.steps for each in step.mends)
    assert after - before == Counter(each.fingerprint for each in mended.revealed)
    assert before - after == gone
    assert all(each.reason for each in mended.left)
    assert sum(gone.values()) + len(mended.left) == sum(before.values())
    assert not safe_only or all(step.safe for step in mended.steps)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=1), inner, max_size=3),
)


@given(JSON, JSON)
def test_the_differences_of_two_values_make_one_of_the_other(old, new):
    assert same(applied(old, differences(old, new)), new)


def test_a_patch_is_refused_for_another_content():
    patch = FilePatch("a.yaml", digest(b"abc"), (Edit(1, 2, b"x"),))
    assert patch.applied(b"abc") == b"axc"
    with pytest.raises(TransomError, match="changed"):
        patch.applied(b"abd")


def test_edits_that_overlap_are_refused():
    with pytest.raises(ValueError, match="overlap"):
        FilePatch("a", digest(b"abc"), (Edit(0, 2, b""), Edit(1, 3, b""))).applied(b"abc")


ON_THE_NODE = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {hostNetwork: true, containers: [{name: app, image: example.com/app:1}]}
"""


def test_what_a_worse_fault_kept_from_being_judged_is_told_and_is_not_new(tmp_path):
    (tmp_path / "web.yaml").write_text(ON_THE_NODE)
    made = mend([str(tmp_path)], Options(SCAN, FIXES, only=("host-network",)))
    assert b"hostNetwork" not in made.edits[f"{tmp_path}/web.yaml"].after
    assert [each.rule for each in made.revealed] == ["pod-without-network-policy"]
    assert made.revealed[0] in made.after


def test_what_no_fix_names_as_hidden_is_new_and_the_fix_is_dropped(tmp_path):
    (tmp_path / "web.yaml").write_text(ON_THE_NODE)
    fixes = {rule: replace(fix, reveals=frozenset()) for rule, fix in FIXES.items()}
    made = mend([str(tmp_path)], Options(SCAN, fixes, only=("host-network",)))
    assert not made.edits
    assert [each.reason for each in made.left] == ["its fix would give rise to pod-without-network-policy elsewhere"]
