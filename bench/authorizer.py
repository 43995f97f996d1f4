"""RBAC decisions over a large generated policy: the compiled authorizer beside the literal one, in the same run."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

from tests.kube.authorizer.reference import LiteralAuthorizer
from transom.kube.authorizer import Authorizer, Policy, Question, User, implied, read_policy
from transom.kube.authorizer.defaults import default_policy

RBAC = "rbac.authorization.k8s.io/v1"
ACCOUNTS, ROLE_BINDINGS, CLUSTER_BINDINGS, CLUSTER_ROLES, ROLES, NAMESPACES = 5_000, 10_000, 500, 400, 6_000, 250
GROUPS = ("", "apps", "batch", "networking.k8s.io", "example.com")
BATCH = 100_000  # questions, made apart from the deciding that is timed
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete")
RESOURCES = tuple(f"{word}{number}" for number in range(12) for word in ("pods", "secrets", "deployments", "widgets"))


class Decided(msgspec.Struct, frozen=True):
    """Decisions in a CPU second of both, seconds to compile, and peak memory."""

    ours: float
    literal: float
    compile_s: float
    peak_mb: float


def policy(seed: int = 1) -> Policy:
    """Return a policy of the size of a large cluster's."""
    random = Random(seed)
    objects: list[dict[str, Any]] = []
    for number in range(CLUSTER_ROLES):
        objects.append(_role(random, "ClusterRole", {"name": f"cluster-role-{number}"}))
    for number in range(ROLES):
        metadata = {"name": f"role-{number}", "namespace": f"team-{number % NAMESPACES}"}
        objects.append(_role(random, "Role", metadata))
    for number in range(CLUSTER_BINDINGS):
        name = f"cluster-role-{random.randrange(CLUSTER_ROLES)}"
        objects.append(_binding(random, {"name": f"cluster-binding-{number}"}, "ClusterRole", name))
    for number in range(ROLE_BINDINGS):
        namespace = number % NAMESPACES
        own = random.random() < 0.6
        role = random.randrange(ROLES // NAMESPACES) * NAMESPACES + namespace
        name = f"role-{role}" if own else f"cluster-role-{random.randrange(CLUSTER_ROLES)}"
        metadata = {"name": f"binding-{number}", "namespace": f"team-{namespace}"}
        objects.append(_binding(random, metadata, "Role" if own else "ClusterRole", name))
    made, _ = read_policy(objects)
    return made.with_defaults(default_policy())


def _role(random: Random, kind: str, metadata: dict[str, str]) -> dict[str, Any]:
    rules = []
    for _ in range(random.randint(1, 4)):
        rule = {
            "apiGroups": random.sample(GROUPS, random.randint(1, 2)),
            "resources": random.sample(RESOURCES, random.randint(1, 6)),
            "verbs": random.sample(VERBS, random.randint(1, 5)),
        }
        if random.random() < 0.1:
            rule["resourceNames"] = [f"name-{random.randrange(50)}"]
        rules.append(rule)
    return {"apiVersion": RBAC, "kind": kind, "metadata": metadata, "rules": rules}


def _binding(random: Random, metadata: dict[str, str], kind: str, role: str) -> dict[str, Any]:
    subjects = []
    for _ in range(random.randint(1, 3)):
        number = random.randrange(ACCOUNTS)
        if random.random() < 0.8:
            account = {"kind": "ServiceAccount", "name": f"sa-{number}", "namespace": f"team-{number % NAMESPACES}"}
            subjects.append(account)
        else:
            subjects.append({"kind": "Group", "name": f"group-{number % 200}"})
    body = {"roleRef": {"kind": kind, "name": role}, "subjects": subjects}
    kind = "RoleBinding" if "namespace" in metadata else "ClusterRoleBinding"
    return {"apiVersion": RBAC, "kind": kind, "metadata": metadata, **body}


def questions(count: int, seed: int = 2) -> list[tuple[User, Question]]:
    """Return random questions of the policy's own service accounts, and of users with groups."""
    random = Random(seed)
    made = []
    for _ in range(count):
        number = random.randrange(ACCOUNTS)
        user = implied(f"system:serviceaccount:team-{number % NAMESPACES}:sa-{number}")
        if random.random() < 0.2:
            user = implied(f"user-{number}", (f"group-{number % 200}",))
        made.append((user, _question(random, number)))
    return made


def _question(random: Random, number: int) -> Question:
    return Question(
        verb=random.choice(VERBS),
        group=random.choice(GROUPS),
        resource=random.choice(RESOURCES),
        namespace=f"team-{number % NAMESPACES if random.random() < 0.7 else random.randrange(NAMESPACES)}",
        name=random.choice(("", f"name-{random.randrange(50)}")),
    )


def compare(count: int = 1_000_000, literally: int = 2_000) -> Decided:
    """Return the figures of both; every literal answer must be ours."""
    whole = policy()
    start = time.process_time()
    compiled = Authorizer(whole)
    compile_s = time.process_time() - start
    batches = range(count // BATCH)
    ours_s = sum(_seconds(compiled.allows, questions(BATCH, seed)) for seed in batches)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    reference, few = LiteralAuthorizer(whole), questions(literally, seed=count)
    differences = [each for each in few if compiled.allows(*each) is not reference.allows(*each)]
    if differences:
        raise RuntimeError(f"{len(differences)} decisions differ, the first: {differences[0]}")
    literal_s = _seconds(reference.allows, few)
    return Decided(count / ours_s, literally / literal_s, compile_s, peak_mb)


def _seconds(decide: Callable[[User, Question], bool], asked: Sequence[tuple[User, Question]]) -> float:
    start = time.process_time()
    for user, question in asked:
        decide(user, question)
    return time.process_time() - start


if __name__ == "__main__":
    print(msgspec.json.encode(compare()).decode())
