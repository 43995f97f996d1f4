"""The role that a command is said to need is what it needs: no refusal under it, and no verb of it unused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.api import Api
from tests.cluster.binary import binaries_or_skip
from tests.cluster.estates import apply
from transom.cli import main
from transom.kube.scratch import ControlPlane, Wishes

AUDIT = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}
RBAC = "rbac.authorization.k8s.io"
Verb = tuple[str, str, str]
"""Verb, API group and resource."""


@pytest.fixture(scope="module")
def audited(repository: Path) -> Iterator[ControlPlane]:
    """A server that writes down every request, with an estate and a custom resource that rules read."""
    with ControlPlane(binaries_or_skip(), Wishes(audit_policy=AUDIT)) as plane:
        api = Api(plane)
        apply(api, repository / "examples" / "shop")
        assert api.create(definition("monitoring.coreos.com", "ServiceMonitor", "servicemonitors")).status == 201
        assert api.create(definition("example.com", "Machine", "machines", template=True)).status == 201
        api.close()
        yield plane


def definition(group: str, kind: str, plural: str, template: bool = False) -> dict[str, Any]:
    """A definition of a custom kind; template: whether its objects carry a pod template."""
    text = {"type": "string"}
    containers = {"type": "array", "items": {"type": "object", "properties": {"name": text, "image": text}}}
    spec = {"type": "object", "properties": {"containers": containers}}
    nested = {"properties": {"spec": {"type": "object", "properties": {"template": spec}}}} if template else {}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True, **nested}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def role_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["permissions", *arguments]) == 0
    role: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    return role


def bound(plane: ControlPlane, role: dict[str, Any], user: str) -> str:
    """Create a role and bind it to a user; returns the user's kubeconfig."""
    api = Api(plane)
    namespace = role["metadata"].get("namespace")
    role["metadata"]["name"] = user
    metadata = {"name": user, **({"namespace": namespace} if namespace else {})}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": f"{role['kind']}Binding",
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": role["kind"], "name": user},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
    for thing in (role, binding):
        made = api.create(thing)
        assert made.status == 201, made.message
    api.close()
    return str(plane.kubeconfig(user, ()))


def granted(role: dict[str, Any]) -> set[Verb]:
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def used(plane: ControlPlane, user: str) -> set[Verb]:
    """What a user asked of resources; none of it may have been refused."""
    verbs = set()
    for line in plane.audit_log.read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"] != user:
            continue
        assert event["annotations"]["authorization.k8s.io/decision"] == "allow", event["requestURI"]
        asked = event.get("objectRef")
        if asked:
            verbs.add((event["verb"], asked.get("apiGroup", ""), asked["resource"]))
    return verbs


COMMANDS = {
    "scan": [["scan", "cluster"]],
    "scan --secrets": [["scan", "cluster", "--secrets"]],
    "scan -n shop": [["scan", "cluster", "-n", "shop"]],
    "scan --only network": [["scan", "cluster", "--only", "network"]],
    "snapshot": [["snapshot", "cluster", "-o", "{folder}/estate.transom"]],
    "diff": [["diff", "cluster", "{estate}"]],
    "explain": [["explain", "abcdef", "--from", "cluster"]],
    "who-can": [["who-can", "get", "secrets", "--from", "cluster"]],
}
"""What `transom permissions` is asked, and what is run under the role that it prints."""


@pytest.mark.parametrize("asked", COMMANDS)
def test_a_command_runs_under_its_role_and_uses_all_of_it(
    asked: str,
    audited: ControlPlane,
    repository: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = str(audited.kubeconfig())
    role = role_of(capsys, *asked.split(), "--from", "cluster", "--kubeconfig", admin)
    user = "transom-" + "".join(letter if letter.isalpha() else "-" for letter in asked)
    monkeypatch.setenv("KUBECONFIG", bound(audited, role, user))
    names = {"folder": tmp_path, "estate": repository / "examples" / "shop"}
    for command in COMMANDS[asked]:
        code = main([word.format(**names) for word in command])
        assert code != 3 or command[0] == "diff", capsys.readouterr()
    assert used(audited, user) == granted(role)


def test_the_role_for_any_cluster_is_that_of_this_one_and_what_it_does_not_serve(
    audited: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    anywhere = granted(role_of(capsys, "scan"))
    here = granted(role_of(capsys, "scan", "--from", "cluster", "--kubeconfig", str(audited.kubeconfig())))
    assert here - anywhere == {("list", "example.com", "machines")}  # a custom kind, which only its cluster knows
    api = Api(audited)
    for _, group, resource in anywhere - here:
        root = f"/apis/{group}" if group else "/api"
        versions = api.request("GET", root).body.get("versions", [])
        served = [
            each["name"]
            for version in versions
            for each in api.request("GET", f"/apis/{version['groupVersion']}").body["resources"]
        ]
        assert resource not in served, (group, resource)
    api.close()


def test_secrets_are_in_no_role_unless_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert ("list", "", "secrets") not in granted(role_of(capsys, "scan"))
    assert ("list", "", "secrets") in granted(role_of(capsys, "scan", "--secrets"))


def test_no_role_lets_its_holder_change_anything(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("scan", "snapshot", "diff", "explain", "watch", "who-can", "can", "rbac"):
        assert {verb for verb, _, _ in granted(role_of(capsys, command))} <= {"get", "list", "watch"}


def test_a_namespace_has_a_role_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    role = role_of(capsys, "scan", "-n", "shop")
    assert (role["kind"], role["metadata"]["namespace"]) == ("Role", "shop")
    assert ("list", "", "nodes") not in granted(role)


def test_a_command_that_reads_no_cluster_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["permissions", "version"]) == 2
    assert "choose from scan" in capsys.readouterr().err
