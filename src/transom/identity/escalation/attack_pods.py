"""Whether a namespace would take a pod that gets to its node: asked of Pod Security, and of all else in its admission."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from transom.inventory import Entry, Inventory
from transom.kube.podsecurity import Malformed, evaluate, parse_level
from transom.model.errors import UsageError
from transom.rules.admits import State, admits

ENFORCE = "pod-security.kubernetes.io/enforce"
GROUP = "admissionregistration.k8s.io"
VOICES = (
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
)
"""Kinds of which one must be there for somebody other than Pod Security to have a say."""

_PLAIN = {"name": "a", "image": "example.com/a:1", "resources": {"limits": {"cpu": "10m", "memory": "16Mi"}}}
ATTACKS: tuple[dict[str, Any], ...] = (
    {"containers": [{**_PLAIN, "securityContext": {"privileged": True}}]},
    {
        "containers": [{**_PLAIN, "volumeMounts": [{"name": "h", "mountPath": "/h"}]}],
        "volumes": [{"name": "h", "hostPath": {"path": "/"}}],
    },
    {"hostPID": True, "containers": [{**_PLAIN, "securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}}}]},
    {"containers": [{**_PLAIN, "securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}]},
)
"""Pods, each of which gets to its node in another way: a policy that refuses one may take the next."""


class AttackPods:
    """What the admission of each namespace says of the pods that an attacker would make."""

    def __init__(self, inventory: Inventory, version: tuple[int, int]) -> None:
        self._inventory = inventory
        self._version = version
        self._namespaces = {entry.ref.name: entry for entry in inventory.of_kind("", "Namespace")}
        self._has_voices = any(inventory.of_kind(GROUP, kind) for kind in VOICES)
        self._target = next((entry.origin.target for entry in inventory.entries()), "")

    def admitted(self, namespace: str) -> State:
        """Return yes where one of the pods would be taken, no where all would be refused, else unknown."""
        entry = self._namespaces.get(namespace)
        states = {self._says(spec, namespace, entry) for spec in ATTACKS if not _insecure(spec, entry)}
        return "yes" if "yes" in states else "unknown" if "unknown" in states else "no"

    def _says(self, spec: dict[str, Any], namespace: str, entry: Entry | None) -> State:
        if not self._has_voices:
            return "yes"
        metadata = {"name": "a", "namespace": namespace}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        target = entry.origin.target if entry else self._target
        return admits(pod, None, self._inventory, target, self._version).state


def _insecure(spec: dict[str, Any], namespace: Entry | None) -> bool:
    """Tell whether Pod Security refuses a pod; a namespace that nobody labelled takes every pod."""
    labels = namespace.labels if namespace else {}
    if ENFORCE not in labels:
        return False
    return _violates(ATTACKS.index(spec), labels[ENFORCE], labels.get(f"{ENFORCE}-version", ""))


@lru_cache(maxsize=1_000)  # a level and a version are text that others write
def _violates(attack: int, level: str, version: str) -> bool:
    try:
        return bool(evaluate({}, ATTACKS[attack], *parse_level(f"{level}@{version}")))
    except UsageError:
        return True  # a level that is none is taken for the strictest
    except Malformed:
        return False
