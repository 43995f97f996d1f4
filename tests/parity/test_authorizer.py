"""What the API server says of thousands of random questions over random policies is what `kube/authorizer` says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from tests.cluster import defaults
from tests.cluster.api import Api
from tests.cluster.binary import NoClusterError, binaries
from tests.kube.authorizer import random_policies
from transom.kube.authorizer import Authorizer, Question, Role, User, allows_rule, covers, read_policy
from transom.kube.authorizer.defaults import default_policy, node_rules
from transom.kube.authorizer.impersonation import Wanted, impersonate
from transom.kube.authorizer.nodes import NodeAuthorizer
from transom.kube.authorizer.reviews import answer
from transom.kube.scratch import ControlPlane, Wishes

POLICIES, QUESTIONS = 6, 600
REVIEWS = "/apis/authorization.k8s.io/v1"
CONTROLLERS = "kube-controller-manager"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A Kubernetes of our own: what is bound here would show in the questions of other tests."""
    try:
        found = binaries()
    except NoClusterError as reason:
        pytest.skip(str(reason))
    with ControlPlane(found) as made:
        yield made


@pytest.fixture(scope="module")
def server(plane: ControlPlane) -> Iterator[Api]:
    connection = Api(plane)
    for name in random_policies.NAMESPACES:
        connection.namespace(name)
    yield connection
    connection.close()


def review(user: User, question: Question) -> dict[str, Any]:
    spec: dict[str, Any] = {"user": user.name, "groups": list(user.groups)}
    if question.path is not None:
        spec["nonResourceAttributes"] = {"verb": question.verb, "path": question.path}
    else:
        spec["resourceAttributes"] = {
            "verb": question.verb,
            "group": question.group,
            "resource": question.resource,
            "subresource": question.subresource,
            "namespace": question.namespace,
            "name": question.name,
        }
        if question.fields:
            raw = ",".join(f"{field}{operator}{value}" for field, operator, value in question.fields)
            spec["resourceAttributes"]["fieldSelector"] = {"rawSelector": raw}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def asked(server: Api, body: dict[str, Any]) -> dict[str, Any]:
    said = server.request("POST", f"{REVIEWS}/subjectaccessreviews", body)
    assert said.status == 201, said.message
    status: dict[str, Any] = said.body["status"]
    return status


def settle(server: Api, marker: str) -> None:
    """Wait until the authorizer knows of what was written before the marker."""
    objects = [
        {"kind": "ClusterRole", "rules": [{"verbs": ["get"], "nonResourceURLs": [f"/{marker}"]}]},
        {
            "kind": "ClusterRoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": marker},
            "subjects": [{"kind": "User", "name": marker, "apiGroup": "rbac.authorization.k8s.io"}],
        },
    ]
    for each in objects:
        made = server.create({"apiVersion": random_policies.RBAC, "metadata": {"name": marker}, **each})
        assert made.status == 201, made.message
    for _ in range(200):
        if asked(server, review(User(marker), Question("get", path=f"/{marker}")))["allowed"]:
            break
        time.sleep(0.05)
    time.sleep(0.5)  # kinds are watched apart from each other
    for each in reversed(objects):
        server.delete({"apiVersion": random_policies.RBAC, "metadata": {"name": marker}, **each})


def possible_reasons(authorizer: Authorizer, user: User, question: Question) -> set[str]:
    grants = authorizer.grants(user, question.namespace)
    return {f"RBAC: allowed by {grant}" for grant in grants if allows_rule(grant.rule, question)}


def sorted_reason(reason: str) -> str:
    prefix, bracket, inside = reason.partition("[")
    return prefix + ", ".join(sorted(inside.rstrip("]").split(", "))) if bracket else reason


@pytest.mark.parametrize("seed", range(POLICIES))
def test_reviews_are_answered_as_the_server_does(server: Api, seed: int) -> None:
    random = Random(seed)
    objects = random_policies.policy(random, 20)
    for each in objects:
        made = server.create(each)
        assert made.status == 201, made.message
    try:
        settle(server, f"settled-{seed}")
        policy, refused = read_policy(objects)
        assert not refused
        authorizer = Authorizer(policy.with_defaults(default_policy()))  # rules as stored: no controller runs here
        differences, allowed = [], 0
        for _ in range(QUESTIONS):
            user, question = random_policies.user(random), random_policies.question(random)
            body = review(user, question)
            theirs, (ours, _) = asked(server, body), answer(authorizer, json.dumps(body).encode())
            allowed += theirs["allowed"]
            if ours["status"]["allowed"] is not theirs["allowed"]:
                differences.append((user, question, theirs, ours["status"]))
            elif theirs["allowed"]:
                assert theirs["reason"] in possible_reasons(authorizer, user, question)
            else:
                assert sorted_reason(ours["status"].get("reason", "")) == sorted_reason(theirs.get("reason", ""))
        assert differences == []
        assert 0 < allowed < QUESTIONS  # questions that everybody or nobody may would be no test
    finally:
        for each in objects:
            server.delete(each)


def test_rules_of_a_user_are_those_of_a_rules_review(plane: ControlPlane, server: Api) -> None:
    random = Random(77)
    objects = random_policies.policy(random)
    for each in objects:
        assert server.create(each).status == 201
    try:
        settle(server, "settled-rules")
        policy, _ = read_policy(objects)
        authorizer = Authorizer(policy.with_defaults(default_policy()))
        for user in (User("alice", ("devs",)), User("system:serviceaccount:red:web", ("ops",)), User("nobody")):
            own = Api(plane, user.name, user.groups)
            for namespace in random_policies.NAMESPACES:
                body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
                said = own.request(
                    "POST", f"{REVIEWS}/selfsubjectrulesreviews", {**body, "spec": {"namespace": namespace}}
                )
                known = User(user.name, (*user.groups, "system:authenticated"))
                assert told_rules(said.body["status"]) == our_rules(authorizer, known, namespace)
            own.close()
    finally:
        for each in objects:
            server.delete(each)


def told_rules(status: dict[str, Any]) -> list[str]:
    rules = (*status["resourceRules"], *status["nonResourceRules"])
    return sorted(json.dumps({key: each for key, each in rule.items() if each}, sort_keys=True) for rule in rules)


def our_rules(authorizer: Authorizer, user: User, namespace: str) -> list[str]:
    import msgspec

    rules = [msgspec.to_builtins(rule) for rule in authorizer.rules_for(user, namespace)]
    return sorted(json.dumps({key: each for key, each in rule.items() if each}, sort_keys=True) for rule in rules)


def test_covers_is_what_the_server_lets_somebody_hand_out(plane: ControlPlane, server: Api) -> None:
    random = Random(8)
    differences, allowed = [], 0
    for number in range(12):
        name = f"owner-{number}"
        rules = [random_policies.rule(random, False) for _ in range(random.randint(1, 4))]
        writing = {"verbs": ["create"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"]}
        role = {"kind": "ClusterRole", "rules": [*rules, writing]}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        subjects = [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]
        objects = [
            {"apiVersion": random_policies.RBAC, "metadata": {"name": name}, **each}
            for each in (role, {"kind": "ClusterRoleBinding", "roleRef": reference, "subjects": subjects})
        ]
        for each in objects:
            assert server.create(each).status == 201
        settle(server, f"settled-{name}")
        policy, _ = read_policy(objects)
        authorizer = Authorizer(policy.with_defaults(default_policy()))
        user = User(name, ("system:authenticated",))
        may_escalate = authorizer.allows(
            user, Question("escalate", "rbac.authorization.k8s.io", "clusterroles", name="wanted")
        )
        own = Api(plane, name)
        for _ in range(60):
            wanted = [random_policies.rule(random, False) for _ in range(random.randint(1, 2))]
            if random.random() < 0.6:  # a part of what is owned, so that some are covered
                part = random.choice(rules)
                wanted = [{**part, "verbs": part["verbs"][:1]}]
            made = own.create(
                {
                    "apiVersion": random_policies.RBAC,
                    "kind": "ClusterRole",
                    "metadata": {"name": "wanted"},
                    "rules": wanted,
                },
                dry_run=True,
            )
            ((asked_role,), _) = _roles(wanted)
            ours = may_escalate or covers(authorizer.rules_for(user, ""), asked_role.rules)
            allowed += made.status == 201
            if ours is not (made.status == 201):
                differences.append((rules, wanted, made.message))
        own.close()
        for each in objects:
            server.delete(each)
    assert differences == []
    assert 0 < allowed < 12 * 60


def _roles(rules: list[dict[str, Any]]) -> tuple[list[Role], Any]:
    policy, refused = read_policy(
        [{"apiVersion": random_policies.RBAC, "kind": "ClusterRole", "metadata": {"name": "wanted"}, "rules": rules}]
    )
    return list(policy.roles.values()), refused


def test_defaults_are_those_of_a_fresh_server(server: Api) -> None:
    from transom.kube.resources import shipped

    def ordered(rows: Any) -> list[str]:
        return sorted(json.dumps(row, sort_keys=True) for row in rows)

    assert ordered(defaults.policy(server)) == ordered(shipped("rbac"))
    assert ordered(defaults.resources(server)) == ordered(shipped("resources"))


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "namespace": "red"},
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "web",
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [
            {
                "name": "c",
                "image": "example.com/a",
                "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "k"}}},
                ],
                "envFrom": [{"secretRef": {"name": "from"}}, {"configMapRef": {"name": "conf-from"}}],
            }
        ],
        "volumes": [
            {"name": "s", "secret": {"secretName": "mounted"}},
            {"name": "c", "configMap": {"name": "mounted"}},
            {"name": "p", "projected": {"sources": [{"secret": {"name": "projected"}}]}},
            {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
            {
                "name": "e",
                "ephemeral": {
                    "volumeClaimTemplate": {
                        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
                    }
                },
            },
            {"name": "x", "csi": {"driver": "d.example.com", "nodePublishSecretRef": {"name": "csi"}}},
        ],
    },
}
VOLUME = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "pv"},
    "spec": {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "claimRef": {"namespace": "red", "name": "data"},
        "csi": {
            "driver": "d.example.com",
            "volumeHandle": "h",
            "nodeStageSecretRef": {"name": "stage", "namespace": "green"},
            "controllerPublishSecretRef": {"name": "control", "namespace": "green"},
        },
    },
}
ATTACHMENT = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "VolumeAttachment",
    "metadata": {"name": "va"},
    "spec": {"attacher": "d.example.com", "nodeName": "n1", "source": {"persistentVolumeName": "pv"}},
}
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web", "namespace": "red"}}
NAMES = "mounted pull env from conf conf-from projected data web-e csi stage control web pv va n1 n2 other"
RESOURCES = "secrets configmaps persistentvolumeclaims persistentvolumes serviceaccounts pods nodes services"


def test_nodes_may_what_the_server_lets_them(server: Api) -> None:
    objects = (ACCOUNT, POD, VOLUME, ATTACHMENT)
    for each in objects:
        made = server.create(each)
        assert made.status == 201, made.message
    time.sleep(1)
    authorizer = Authorizer(default_policy(), NodeAuthorizer(objects, node_rules()))
    differences, allowed = [], 0
    for question in node_questions(Random(5)):
        for node in ("n1", "n2"):
            user = User(f"system:node:{node}", ("system:nodes", "system:authenticated"))
            body = review(user, question)
            theirs, (ours, _) = asked(server, body), answer(authorizer, json.dumps(body).encode())
            allowed += theirs["allowed"]
            if {key: ours["status"].get(key, "") for key in ("allowed", "reason")} != {
                key: theirs.get(key, "") for key in ("allowed", "reason")
            }:
                differences.append((node, question, theirs, ours["status"]))
    assert differences == []
    assert allowed > 40


def node_questions(random: Random) -> Iterator[Question]:
    names, resources = NAMES.split(), RESOURCES.split()
    for resource in resources:
        for name in names:
            namespace = "" if resource in ("persistentvolumes", "nodes") else "red"
            yield Question("get", "", resource, "", namespace, name)
            yield Question("get", "", resource, "", "green", name)
    groups = {
        "coordination.k8s.io": ("leases",),
        "storage.k8s.io": ("csinodes", "volumeattachments", "csidrivers"),
        "resource.k8s.io": ("resourceslices", "resourceclaims"),
        "certificates.k8s.io": ("certificatesigningrequests", "podcertificaterequests"),
        "": tuple(resources),
    }
    for _ in range(500):
        group = random.choice(list(groups))
        fields = random.choice(((), (), (("spec.nodeName", "=", random.choice(("n1", "n2"))),)))
        yield Question(
            verb=random.choice(random_policies.VERBS),
            group=group,
            resource=random.choice(groups[group]),
            subresource=random.choice(("", "", "", "status", "token", "eviction", "exec")),
            namespace=random.choice(("red", "", "kube-node-lease")),
            name=random.choice(("", *names)),
            fields=fields,
        )


def test_aggregated_roles_come_to_what_the_controller_makes() -> None:
    try:
        found = binaries()
    except NoClusterError as reason:
        pytest.skip(str(reason))
    if not found.has(CONTROLLERS):
        pytest.skip("there is no controller manager")
    with ControlPlane(found, Wishes(parts=(CONTROLLERS,))) as plane:
        server = Api(plane)
        roles = [each for each in random_policies.policy(Random(3), 30) if each["kind"] == "ClusterRole"]
        for each in roles:
            assert server.create(each).status == 201
        policy, _ = read_policy(roles)
        wanted = {
            key: set(role.rules) for key, role in policy.with_defaults(default_policy()).aggregated().roles.items()
        }
        for _ in range(100):
            stored, _ = read_policy(
                {"apiVersion": random_policies.RBAC, "kind": "ClusterRole", **each}
                for each in server.request("GET", f"/apis/{random_policies.RBAC}/clusterroles").body["items"]
            )
            different = [
                key for key, role in stored.roles.items() if set(role.rules) != wanted.get(key, set(role.rules))
            ]
            if not different:
                break
            time.sleep(0.2)
        server.close()
    assert different == []
    assert any(role.selectors for role in policy.roles.values())


IMPERSONATORS = (
    [{"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users", "groups", "serviceaccounts"]}],
    [{"verbs": ["impersonate"], "apiGroups": [""], "resources": ["users"], "resourceNames": ["bob"]}],
    [
        {"verbs": ["impersonate:user-info"], "apiGroups": ["authentication.k8s.io"], "resources": ["users", "groups"]},
        {"verbs": ["impersonate-on:user-info:list"], "apiGroups": [""], "resources": ["pods"]},
    ],
    [
        {
            "verbs": ["impersonate:serviceaccount"],
            "apiGroups": ["authentication.k8s.io"],
            "resources": ["serviceaccounts"],
        },
        {"verbs": ["impersonate-on:serviceaccount:list"], "apiGroups": [""], "resources": ["*"]},
    ],
    [
        {"verbs": ["impersonate:arbitrary-node"], "apiGroups": ["*"], "resources": ["nodes"], "resourceNames": ["n1"]},
        {"verbs": ["impersonate-on:arbitrary-node:list"], "apiGroups": [""], "resources": ["pods"]},
    ],
)
WANTED = (
    Wanted("bob"),
    Wanted("eve"),
    Wanted("bob", ("ops",)),
    Wanted("bob", ("system:masters",)),
    Wanted("system:serviceaccount:red:web"),
    Wanted("system:node:n1"),
    Wanted("system:node:n2"),
    Wanted("system:anonymous"),
)


def test_impersonation_is_allowed_as_the_server_does(plane: ControlPlane, server: Api) -> None:
    objects = []
    for number, rules in enumerate(IMPERSONATORS):
        name = f"impersonator-{number}"
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name}
        subjects = [{"kind": "User", "name": name, "apiGroup": "rbac.authorization.k8s.io"}]
        made = {"apiVersion": random_policies.RBAC, "metadata": {"name": name}}
        objects += [
            {**made, "kind": "ClusterRole", "rules": rules},
            {**made, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": subjects},
        ]
    for each in objects:
        assert server.create(each).status == 201
    settle(server, "settled-impersonation")
    policy, _ = read_policy(objects)
    authorizer = Authorizer(policy.with_defaults(default_policy()), NodeAuthorizer((), node_rules()))
    for number in range(len(IMPERSONATORS)):
        name = f"impersonator-{number}"
        own = Api(plane, name)
        for wanted in WANTED:
            for resource in ("pods", "services"):
                headers = {"Impersonate-User": wanted.name} | dict.fromkeys(
                    ("Impersonate-Group",) if wanted.groups else (), "".join(wanted.groups)
                )
                own._connection.request("GET", f"/api/v1/namespaces/red/{resource}", headers=headers)
                answered = own._connection.getresponse()
                message = json.loads(answered.read()).get("message", "")
                refused = "impersonate" in message and answered.status == 403
                question = Question("list", resource=resource, namespace="red")
                became = impersonate(authorizer, User(name, ("system:authenticated",)), wanted, question)
                assert (became is None) is refused, (name, wanted, resource, message)
                if became is not None:
                    assert authorizer.allows(became.user, question) is (answered.status == 200), (wanted, message)
        own.close()
    for each in objects:
        server.delete(each)
