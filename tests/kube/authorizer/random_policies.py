"""Random roles, bindings and questions over a small universe, so that they meet often."""

from __future__ import annotations

from random import Random
from typing import Any

from transom.kube.authorizer import Question, User

RBAC = "rbac.authorization.k8s.io/v1"
NAMESPACES = ("red", "green", "blue")
USERS = ("alice", "bob", "system:serviceaccount:red:web", "system:serviceaccount:green:web", "system:kube-scheduler")
GROUPS = ("devs", "ops", "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:red")
ACCOUNTS = ("web", "job")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "bind", "*", "GET")
API_GROUPS = ("", "apps", "batch", "example.com", "*")
RESOURCES = (
    "pods",
    "secrets",
    "deployments",
    "pods/exec",
    "pods/*",
    "*/scale",
    "deployments/scale",
    "*",
    "*/*",
    "nodes",
)
NAMES = ("a", "b", "c", "*")
URLS = ("/healthz", "/healthz/*", "/api*", "/foo/*", "*", "/foo**", "/version")
PATHS = (
    "/healthz",
    "/healthz/",
    "/healthz/etcd",
    "/api",
    "/apis/apps",
    "/foo",
    "/foo/",
    "/foo/bar",
    "/version",
    "/",
    "",
)


def some(random: Random, words: tuple[str, ...], most: int = 3) -> list[str]:
    return random.sample(words, random.randint(1, min(most, len(words))))


def rule(random: Random, namespaced: bool) -> dict[str, Any]:
    if not namespaced and random.random() < 0.25:
        return {"verbs": some(random, VERBS), "nonResourceURLs": some(random, URLS)}
    made: dict[str, Any] = {
        "verbs": some(random, VERBS),
        "apiGroups": some(random, API_GROUPS),
        "resources": some(random, RESOURCES),
    }
    if random.random() < 0.35:
        made["resourceNames"] = some(random, NAMES)
    return made


def subject(random: Random, namespaced: bool) -> dict[str, Any]:
    kind = random.choice(("User", "Group", "ServiceAccount"))
    if kind == "User":
        return {"kind": kind, "name": random.choice(USERS), "apiGroup": RBAC.partition("/")[0]}
    if kind == "Group":
        return {"kind": kind, "name": random.choice(GROUPS), "apiGroup": RBAC.partition("/")[0]}
    made = {"kind": kind, "name": random.choice(ACCOUNTS), "namespace": random.choice(NAMESPACES)}
    if namespaced and random.random() < 0.3:
        del made["namespace"]
    return made


def policy(random: Random, size: int = 12) -> list[dict[str, Any]]:
    """Return objects that an API server takes: roles, some aggregated, and bindings, some of them to nothing."""
    objects: list[dict[str, Any]] = []
    names = [f"r{number}" for number in range(size)]
    for name in names:
        labels = {"part": random.choice("xyz")}
        made = {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name, "labels": labels}}
        if random.random() < 0.15:
            selector = {"matchLabels": {"part": random.choice("xyz")}}
            objects.append({**made, "aggregationRule": {"clusterRoleSelectors": [selector]}, "rules": []})
        else:
            objects.append({**made, "rules": [rule(random, False) for _ in range(random.randint(0, 3))]})
        namespace = random.choice(NAMESPACES)
        rules = [rule(random, True) for _ in range(random.randint(0, 3))]
        metadata = {"name": name, "namespace": namespace}
        objects.append({"apiVersion": RBAC, "kind": "Role", "metadata": metadata, "rules": rules})
    for number in range(size):
        reference = {
            "apiGroup": RBAC.partition("/")[0],
            "kind": "ClusterRole",
            "name": random.choice([*names, "ghost"]),
        }
        metadata = {"name": f"c{number}"}
        subjects = [subject(random, False) for _ in range(random.randint(0, 2))]
        made = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": metadata, "roleRef": reference}
        objects.append({**made, "subjects": subjects})
        kind = random.choice(("Role", "ClusterRole"))
        reference = {**reference, "kind": kind, "name": random.choice([*names, "ghost"])}
        metadata = {"name": f"b{number}", "namespace": random.choice(NAMESPACES)}
        subjects = [subject(random, True) for _ in range(random.randint(0, 2))]
        made = {"apiVersion": RBAC, "kind": "RoleBinding", "metadata": metadata, "roleRef": reference}
        objects.append({**made, "subjects": subjects})
    return objects


def user(random: Random) -> User:
    name = random.choice((*USERS, "nobody", "system:serviceaccount:blue:job"))
    return User(name, tuple(random.sample(GROUPS, random.randint(0, 3))))


def question(random: Random) -> Question:
    if random.random() < 0.2:
        return Question(random.choice(VERBS), path=random.choice(PATHS))
    return Question(
        verb=random.choice(VERBS),
        group=random.choice(API_GROUPS[:4]),
        resource=random.choice(("pods", "secrets", "deployments", "nodes", "widgets")),
        subresource=random.choice(("", "", "exec", "scale", "*")),
        namespace=random.choice((*NAMESPACES, "")),
        name=random.choice(("", "a", "b", "d", "*")),
    )
