"""What `admits` says of an object and a user is what the server answers when that user creates it (dry run)."""

from __future__ import annotations

import copy
import re
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Answer, Api, ask_all, collection
from tests.parity.figures import record
from tests.parity.warnings import warned_alike
from transom.inventory import Inventory, Origin
from transom.inventory.sources import fill
from transom.kube.authorizer import implied
from transom.kube.kinds import is_built_in, kind_of
from transom.kube.scratch import ControlPlane
from transom.rules.admits import Answer as Told
from transom.rules.admits import Requester, admits

MARK = {"transom.dev/admits": "true"}
PSA = "pod-security.kubernetes.io/"
NAMESPACES: dict[str, dict[str, str]] = {
    "admits-open": {},
    "admits-baseline": {f"{PSA}enforce": "baseline"},
    "admits-restricted": {f"{PSA}enforce": "restricted", f"{PSA}enforce-version": "v1.24", "team": "red"},
    "admits-warned": {f"{PSA}enforce": "privileged", f"{PSA}warn": "restricted", "team": "blue"},
}
ADA = implied("ada", ("engineers",))
USERS = {"ada": Requester(ADA.name, ADA.groups), "bob": Requester("bob", implied("bob").groups)}
REFUSED = re.compile(r"ValidatingAdmissionPolicy '[^']+' with binding '[^']+' denied request|violates PodSecurity")
DENIED = re.compile(r"ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request: (.*)", re.S)
WORKLOADS = [
    {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods", "services"]},
    {"apiGroups": ["apps"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]},
]
CONFIG = "admissionregistration.k8s.io/v1"


def policy(name: str, expression: str, rules: Any = WORKLOADS, **spec: Any) -> dict[str, Any]:
    message = {"message": f"{name} says no"}
    made = {
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": expression, **message}],
        **spec,
    }
    return {
        "apiVersion": CONFIG,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": f"admits-{name}"},
        "spec": made,
    }


def binding(name: str, actions: tuple[str, ...] = ("Deny",), team: str = "", **spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": {**MARK, **({"team": team} if team else {})}}
    made = {
        "policyName": f"admits-{name}",
        "validationActions": list(actions),
        "matchResources": {"namespaceSelector": selector},
        **spec,
    }
    metadata = {"name": f"admits-{name}-{team or 'all'}"}
    return {"apiVersion": CONFIG, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": made}


def conditions(*expressions: str) -> list[dict[str, str]]:
    return [{"name": f"c{number}", "expression": each} for number, each in enumerate(expressions)]


PARAMS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "admits", "namespace": "admits-open"}}
REFERENCE = {"name": "admits", "namespace": "admits-open"}
PODS = WORKLOADS[:1]
CONFIGURATION = [
    PARAMS | {"data": {"limit": "3"}},
    policy("labelled", "has(object.metadata.labels) && 'app' in object.metadata.labels"),
    binding("labelled", team="red"),
    policy("replicas", "!has(object.spec.replicas) || object.spec.replicas < int(params.data.limit)",
           paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
    binding("replicas", paramRef={**REFERENCE, "parameterNotFoundAction": "Deny"}),
    policy("warns", "object.metadata.name.size() < 12"),
    binding("warns", ("Warn", "Audit")),
    policy("engineers", "!('engineers' in request.userInfo.groups) || object.kind != 'Service'"),
    binding("engineers"),
    policy("who", "request.userInfo.username != 'bob' || request.namespace != 'admits-open'",
           matchConditions=conditions("object.kind == 'DaemonSet'", "request.operation == 'CREATE'")),
    binding("who"),
    policy("pulls", "object.spec.containers.all(c, c.imagePullPolicy == 'Always')", PODS,
           matchConditions=conditions("request.resource.resource == 'pods'")),
    binding("pulls", team="blue"),
    policy("fails-open", "object.spec.nowhere == 1", failurePolicy="Ignore"),
    binding("fails-open"),
    policy("fails-shut", "object.spec.strategy.type == 'RollingUpdate'", WORKLOADS[1:]),
    binding("fails-shut", team="blue"),
    policy("authorized", "authorizer.group('').resource('secrets').namespace(request.namespace).check('get').allowed()"),
    binding("authorized", team="red"),
    policy("unbound", "false"),
    policy("namespaced", "namespaceObject.metadata.labels[?'team'].orValue('') != 'blue' || object.kind != 'Deployment'"),
    binding("namespaced"),
    policy("spoken", "object.kind != 'StatefulSet'", WORKLOADS[1:],
           validations=[{"expression": "object.kind != 'StatefulSet'", "messageExpression": "'no ' + object.kind"}]),
    binding("spoken"),
    {
        "apiVersion": CONFIG,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "admits-elsewhere"},
        "webhooks": [
            {
                "name": "elsewhere.example.com",
                "clientConfig": {"url": "https://127.0.0.1:9/"},
                "rules": WORKLOADS,
                "namespaceSelector": {"matchLabels": MARK},
                "matchConditions": conditions("object.metadata.name == 'asked-of-a-webhook'"),
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 1,
            }
        ],
    },
]  # fmt: skip
RIGHTS = [
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "admits-creators"},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["create"]}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "admits-creators"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admits-creators"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name} for name in USERS],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "admits-engineers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "engineers"}],
    },
]
READ = {
    "v1": ("Namespace", "ConfigMap", "ResourceQuota", "LimitRange"),
    CONFIG: ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"),
    "rbac.authorization.k8s.io/v1": ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
}


@pytest.fixture(scope="module")
def cluster(api: Api) -> Iterator[Inventory]:
    """What the server holds, as an inventory, once its policies are in force."""
    for name, labels in NAMESPACES.items():
        api.namespace(name, {**MARK, **labels})
    for each in (*CONFIGURATION, *RIGHTS):
        answer = api.create(each, validation="Strict")
        assert answer.status == 201, (each["metadata"]["name"], answer.message)
        assert answer.warnings == []
    _wait_until_in_force(api)
    yield _read(api)
    for each in reversed((*CONFIGURATION, *RIGHTS)):
        api.delete(each)


def _wait_until_in_force(api: Api) -> None:
    """Return when the policy that was made last refuses, and the webhook is asked."""
    metadata = {"name": "asked-of-a-webhook", "namespace": "admits-open"}
    stateful = {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}}}
    stateful["template"]["spec"] = {"containers": [{"name": "a", "image": "a"}]}
    last = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": stateful}
    end = time.monotonic() + 60
    while (
        "failed calling webhook" not in (said := api.create(last, dry_run=True).message)
        and "no StatefulSet" not in said
    ):
        assert time.monotonic() < end, said
        time.sleep(0.5)
    time.sleep(2)


def _read(api: Api) -> Inventory:
    found = Inventory()
    for version, kinds in READ.items():
        for kind in kinds:
            plural = kind_of(version, kind).plural
            root = f"/apis/{version}" if "/" in version else f"/api/{version}"
            for each in api.request("GET", f"{root}/{plural}").body["items"]:
                found.add({"apiVersion": version, "kind": kind, **each}, Origin("server"))
    return found


def test_the_server_takes_and_refuses_what_we_say(
    cluster: Inventory, control_plane: ControlPlane, corpora: Path
) -> None:
    things = list(_things(corpora))
    each_has = dict(zip(USERS, (things[::2], things[1::2]), strict=True))
    differences, left, states = [], Counter[str](), Counter[str]()
    for name, user in USERS.items():
        asked = [partial(Api.create, thing=thing, dry_run=True) for thing in each_has[name]]
        groups = tuple(group for group in user.groups if group != "system:authenticated")
        for thing, answer in zip(each_has[name], ask_all(control_plane, asked, name, groups), strict=True):
            if answer.status >= 300 and not REFUSED.search(answer.message):
                left["invalid by itself"] += 1
                continue
            told = admits(thing, user, cluster, "server")
            states[told.state] += 1
            if not _agree(told, answer):
                where = f"{thing['metadata']['namespace']} {thing['kind']} {thing['metadata'].get('name')}"
                differences.append((name, where, told.reasons, told.warnings, answer.message[:300], answer.warnings))
    cases = sum(states.values())
    record("admits: objects × namespaces × users", cases, cases - len(differences), None, **left)
    assert differences[:3] == []
    assert states["yes"] > 800
    assert states["no"] > 400
    assert states["unknown"] == 0


def _agree(told: Told, answer: Answer) -> bool:
    if told.state != ("yes" if answer.status < 300 else "no"):
        return False
    if answer.status < 300:
        secured = any("would violate PodSecurity" in text for text in answer.warnings)
        return warned_alike(told, answer) and secured is any(text.startswith("would violate") for text in told.warnings)
    denied = DENIED.search(answer.message)
    if denied is None:
        return any(say.by == "Pod Security" for say in told.reasons)
    name, bound, message = denied.groups()
    by = f"ValidatingAdmissionPolicy {name} with binding {bound}"
    return any(say.by == by and say.why == message for say in told.reasons)


def _things(corpora: Path) -> Iterator[dict[str, Any]]:
    """Yield the namespaced objects of the public manifests, each in every namespace of the test."""
    inventory = Inventory()
    for folder in ("kubernetes-goat", "microservices-demo", "kubernetes-examples"):
        list(fill(inventory, str(corpora / folder)))
    for number, entry in enumerate(inventory.entries()):
        kind = kind_of(entry.api_version, entry.ref.kind)
        if not (
            is_built_in(entry.ref.group, entry.ref.kind)
            and kind.namespaced
            and entry.ref.group in ("", "apps", "batch")
        ):
            continue
        for namespace in [*NAMESPACES, *reversed(NAMESPACES)][number % 2 :: 2]:  # each user meets each namespace
            thing = copy.deepcopy(entry.object)
            thing["metadata"]["namespace"] = namespace
            yield thing


def test_a_third_party_webhook_has_a_mind_of_its_own(cluster: Inventory) -> None:
    metadata = {"name": "asked-of-a-webhook", "namespace": "admits-open"}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [{"name": "a", "image": "a"}]},
    }
    told = admits(pod, USERS["bob"], cluster, "server")
    assert told.state == "unknown"
    assert [say.by for say in told.reasons] == [
        "webhook elsewhere.example.com of ValidatingWebhookConfiguration admits-elsewhere"
    ]


def test_collections_are_where_objects_are_created() -> None:
    assert collection({"apiVersion": "v1", "kind": "Pod"}) == "/api/v1/namespaces/default/pods"
