"""The Node authorizer: a kubelet may read what the pods bound to its node need, and little else.

Followed: plugin/pkg/auth/authorizer/node of Kubernetes 1.36. Everything that leads to a node is kept as one look-up:
what (kind, namespace, name) -> the nodes that may ask for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from transom.kube.authorizer.questions import NODE_PREFIX, NODES, Question, User
from transom.kube.authorizer.rules import PolicyRule, allows_rule
from transom.kube.authorizer.versions import LATEST, Version, has
from transom.kube.reading import map_at, maps_at, text_at

LEASES = "kube-node-lease"
MIRROR = "kubernetes.io/config.mirror"
OWN_OBJECT_VERBS = ("get", "create", "update", "patch", "delete")
READ = ("get", "list", "watch")
CONTAINERS = ("initContainers", "containers", "ephemeralContainers")

Thing = tuple[str, str, str]
"""A resource, a namespace and a name."""


class Verdict(Struct, frozen=True):
    """Whether the Node authorizer allows it, else why it has no opinion, where it says so."""

    allowed: bool
    reason: str = ""


YES = Verdict(True)
SILENT = Verdict(False)


class NodeAuthorizer:
    """Decides what nodes may do. rules: those of the ClusterRole system:node, for what depends on no pod."""

    def __init__(
        self, objects: Iterable[Mapping[str, Any]], rules: Sequence[PolicyRule], version: Version = LATEST
    ) -> None:
        self.reach = _reach(objects)
        self.rules = tuple(rules)
        self.version = version

    def decide(self, user: User, question: Question) -> Verdict:
        """Decide; what is no node, or unknown, is left to the other authorizers."""
        if not user.name.startswith(NODE_PREFIX) or NODES not in user.groups:
            return SILENT
        node = user.name.removeprefix(NODE_PREFIX)
        if not node:
            return Verdict(False, f'unknown node for user "{user.name}"')
        if question.path is None:
            judge = _JUDGES.get((question.group, question.resource))
            verdict = judge(self, node, question) if judge else None
            if verdict is not None:
                return verdict
        return YES if any(allows_rule(rule, question) for rule in self.rules) else SILENT

    def nodes_for(self, question: Question) -> frozenset[str]:
        """Return the nodes that may do what is asked because of the pods that are bound to them."""
        known = self.reach.get((question.resource, question.namespace, question.name), frozenset())
        return frozenset(node for node in known if self.decide(User(NODE_PREFIX + node, (NODES,)), question).allowed)

    def _related(self, node: str, question: Question) -> Verdict:
        if not question.name:
            return Verdict(False, "No Object name found")
        if node in self.reach.get((question.resource, question.namespace, question.name), frozenset()):
            return YES
        return Verdict(False, f"no relationship found between node '{node}' and this object")

    def _readable(self, node: str, question: Question) -> Verdict:
        if question.verb not in READ:
            return Verdict(False, "can only read resources of this type")
        if question.subresource:
            return Verdict(False, "cannot read subresource")
        if not question.namespace:
            return Verdict(False, "can only read namespaced object of this type")
        return self._related(node, question)

    def _gettable(self, node: str, question: Question) -> Verdict:
        if question.verb != "get":
            return Verdict(False, "can only get individual resources of this type")
        if question.subresource:
            return Verdict(False, "cannot get subresource")
        return self._related(node, question)

    def _claim(self, node: str, question: Question) -> Verdict:
        if question.subresource != "status":
            return self._gettable(node, question)
        if question.verb not in ("update", "patch"):
            return Verdict(False, "can only get/update/patch this type")
        return self._related(node, question)

    def _account(self, node: str, question: Question) -> Verdict:
        if question.verb == "get" and not question.subresource:
            if not has(self.version, "KubeletServiceAccountTokenForCredentialProviders"):
                return Verdict(False, "not allowed to get service accounts")
            return self._readable(node, question)
        if question.verb != "create" or not question.name:
            return Verdict(False, "can only create tokens for individual service accounts")
        if question.subresource != "token":
            return Verdict(False, "can only create token subresource of serviceaccount")
        return self._related(node, question)

    def _lease(self, node: str, question: Question) -> Verdict:
        if question.verb not in OWN_OBJECT_VERBS:
            return Verdict(False, "can only get, create, update, patch, or delete a node lease")
        if question.namespace != LEASES:
            return Verdict(False, f'can only access leases in the "{LEASES}" system namespace')
        if question.verb != "create" and question.name != node:
            return Verdict(False, "can only access node lease with the same name as the requesting node")
        return YES

    def _csi_node(self, node: str, question: Question) -> Verdict:
        if question.verb not in OWN_OBJECT_VERBS:
            return Verdict(False, "can only get, create, update, patch, or delete a CSINode")
        if question.subresource:
            return Verdict(False, "cannot authorize CSINode subresources")
        if question.verb != "create" and question.name != node:
            return Verdict(False, "can only access CSINode with the same name as the requesting node")
        return YES

    def _slice(self, node: str, question: Question) -> Verdict:
        if question.subresource:
            return Verdict(False, "cannot authorize ResourceSlice subresources")
        if question.verb == "create":
            return YES
        if question.verb in ("get", "update", "patch", "delete"):
            return self._related(node, question)
        if question.verb in ("watch", "list", "deletecollection"):
            if not has(self.version, "AuthorizeNodeWithSelectors") or _selects(question, "spec.nodeName", node):
                return YES
            reason = "can only list/watch/deletecollection resourceslices with nodeName field selector"
            return Verdict(False, reason)
        verbs = "get, watch, list, create, update, patch, delete, deletecollection"
        return Verdict(False, f"only the following verbs are allowed for a ResourceSlice: {verbs}")

    def _node(self, node: str, question: Question) -> Verdict | None:
        if not has(self.version, "AuthorizeNodeWithSelectors"):
            return None
        if question.subresource == "status":
            return YES if question.verb in ("update", "patch") else SILENT
        if question.subresource:
            return SILENT
        if question.verb in ("create", "update", "patch"):
            return YES
        if question.verb not in READ:
            return SILENT
        if question.name == node:
            return YES
        what = f"'{question.name}'" if question.name else "all nodes"
        return Verdict(False, f"node '{node}' cannot read {what}, only its own Node object")

    def _pod(self, node: str, question: Question) -> Verdict | None:
        if not has(self.version, "AuthorizeNodeWithSelectors"):
            return None
        verb, subresource = question.verb, question.subresource
        if (subresource, verb) in _POD_WRITES:
            return YES
        if subresource or verb not in READ:
            return SILENT
        if verb == "get":
            return self._gettable(node, question)
        if _selects(question, "spec.nodeName", node):
            return YES
        if question.name:
            return self._related(node, question)
        return Verdict(False, "can only list/watch pods with spec.nodeName field selector")

    def _certificate(self, node: str, question: Question) -> Verdict:
        return SILENT  # the gate PodCertificateRequest is off by default


_POD_WRITES = frozenset(
    (("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"))
)
_JUDGES = {
    ("", "secrets"): NodeAuthorizer._readable,
    ("", "configmaps"): NodeAuthorizer._readable,
    ("", "persistentvolumeclaims"): NodeAuthorizer._claim,
    ("", "persistentvolumes"): NodeAuthorizer._gettable,
    ("resource.k8s.io", "resourceclaims"): NodeAuthorizer._gettable,
    ("storage.k8s.io", "volumeattachments"): NodeAuthorizer._gettable,
    ("", "serviceaccounts"): NodeAuthorizer._account,
    ("coordination.k8s.io", "leases"): NodeAuthorizer._lease,
    ("storage.k8s.io", "csinodes"): NodeAuthorizer._csi_node,
    ("resource.k8s.io", "resourceslices"): NodeAuthorizer._slice,
    ("", "nodes"): NodeAuthorizer._node,
    ("", "pods"): NodeAuthorizer._pod,
    ("certificates.k8s.io", "podcertificaterequests"): NodeAuthorizer._certificate,
}
"""What is decided by more than the static rules; None from a judge leaves it to these."""


def _selects(question: Question, field: str, value: str) -> bool:
    return (field, "=", value) in question.fields


# which things lead to which nodes


def _reach(objects: Iterable[Mapping[str, Any]]) -> dict[Thing, frozenset[str]]:
    reach: dict[Thing, set[str]] = {}
    volumes = []
    for value in objects:
        kind = value.get("kind")
        if kind == "Pod":
            _add_pod(value, reach)
        elif kind == "PersistentVolume":
            volumes.append(value)
        elif kind in ("VolumeAttachment", "ResourceSlice"):
            node = text_at(value, "spec", "nodeName")
            if node:
                reach.setdefault((f"{kind.lower()}s", "", _name_of(value)[1]), set()).add(node)
    for volume in volumes:
        claim = map_at(volume, "spec", "claimRef")
        nodes = reach.get(("persistentvolumeclaims", text_at(claim, "namespace"), text_at(claim, "name")), set())
        for thing in (("persistentvolumes", "", _name_of(volume)[1]), *_volume_secrets(volume, claim)):
            reach.setdefault(thing, set()).update(nodes)
    return {thing: frozenset(nodes) for thing, nodes in reach.items() if nodes}


def _add_pod(pod: Mapping[str, Any], reach: dict[Thing, set[str]]) -> None:
    spec = map_at(pod, "spec")
    node = text_at(spec, "nodeName")
    if not node:
        return
    namespace, name = _name_of(pod)
    reach.setdefault(("pods", namespace, name), set()).add(node)
    if MIRROR in map_at(pod, "metadata", "annotations"):
        return  # a node must not open anything to itself by a pod that it tells of
    for resource, other in needs(pod, spec, name):
        if other:
            reach.setdefault((resource, namespace, other), set()).add(node)


def needs(pod: Mapping[str, Any], spec: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Yield resource and name of each object of its namespace that a pod needs; names may be empty."""
    yield "serviceaccounts", text_at(spec, "serviceAccountName")
    for _, secret in maps_at(spec, "imagePullSecrets"):
        yield "secrets", text_at(secret, "name")
    for field in CONTAINERS:
        for _, container in maps_at(spec, field):
            yield from _environment(container)
    for _, volume in maps_at(spec, "volumes"):
        yield from _volume(volume, name)
    yield from _claims(pod, spec)


def _environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for _, each in maps_at(container, "envFrom"):
        yield "secrets", text_at(each, "secretRef", "name")
        yield "configmaps", text_at(each, "configMapRef", "name")
    for _, each in maps_at(container, "env"):
        value_from = map_at(each, "valueFrom")
        yield "secrets", text_at(value_from, "secretKeyRef", "name")
        yield "configmaps", text_at(value_from, "configMapKeyRef", "name")


_SECRET_REFERENCES = ("cephfs", "cinder", "flexVolume", "rbd", "scaleIO", "iscsi", "storageos")


def _volume(volume: Mapping[str, Any], pod: str) -> Iterator[tuple[str, str]]:
    yield "secrets", text_at(volume, "secret", "secretName")
    yield "secrets", text_at(volume, "azureFile", "secretName")
    yield "configmaps", text_at(volume, "configMap", "name")
    yield "persistentvolumeclaims", text_at(volume, "persistentVolumeClaim", "claimName")
    if isinstance(volume.get("ephemeral"), dict):
        yield "persistentvolumeclaims", f"{pod}-{text_at(volume, 'name')}"
    for kind in _SECRET_REFERENCES:
        yield "secrets", text_at(volume, kind, "secretRef", "name")
    yield "secrets", text_at(volume, "csi", "nodePublishSecretRef", "name")
    for _, source in maps_at(volume, "projected", "sources"):
        yield "secrets", text_at(source, "secret", "name")
        yield "configmaps", text_at(source, "configMap", "name")


def _claims(pod: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    status = map_at(pod, "status")
    made = {
        text_at(each, "name"): text_at(each, "resourceClaimName")
        for _, each in maps_at(status, "resourceClaimStatuses")
    }
    for _, claim in maps_at(spec, "resourceClaims"):
        yield "resourceclaims", text_at(claim, "resourceClaimName") or made.get(text_at(claim, "name"), "")
    yield "resourceclaims", text_at(status, "extendedResourceClaimStatus", "resourceClaimName")


_PLAIN_NAMESPACE = ("cinder", "storageos")  # whose secrets are never looked for in the claim's namespace
_CSI_SECRETS = ("nodePublishSecretRef", "nodeStageSecretRef", "nodeExpandSecretRef")


def _volume_secrets(volume: Mapping[str, Any], claim: Mapping[str, Any]) -> Iterator[Thing]:
    spec, claimed = map_at(volume, "spec"), text_at(claim, "namespace")
    azure = map_at(spec, "azureFile")
    references = [(text_at(azure, "secretNamespace") or claimed, text_at(azure, "secretName"))]
    for kind in _SECRET_REFERENCES:
        reference = map_at(spec, kind, "secretRef")
        inherited = "" if kind in _PLAIN_NAMESPACE else claimed
        references.append((text_at(reference, "namespace") or inherited, text_at(reference, "name")))
    for field in _CSI_SECRETS:
        reference = map_at(spec, "csi", field)
        references.append((text_at(reference, "namespace"), text_at(reference, "name")))
    for namespace, name in references:
        if name:
            yield "secrets", namespace, name


def _name_of(value: Mapping[str, Any]) -> tuple[str, str]:
    metadata = map_at(value, "metadata")
    return text_at(metadata, "namespace") or "default", text_at(metadata, "name")
