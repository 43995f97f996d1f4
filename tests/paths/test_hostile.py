"""No object makes the search for paths fail, whatever stands in it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transom.inventory import Inventory, Origin
from transom.paths.attack import JEWELS, entries_of, field_of, removal, story

KINDS = (
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "Node"),
    ("v1", "Namespace"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("v1", "ConfigMap"),
    ("v1", "PersistentVolume"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
)
_TEXT = """
spec template metadata name namespace labels annotations containers volumes volumeMounts hostPath path securityContext
privileged capabilities add nodeName serviceAccountName selector matchLabels ports hostPort type rules backend service
http paths backendRefs claimRef subjects roleRef kind verbs apiGroups resources resourceNames status data secret
kubernetes.io/config.mirror pod-security.kubernetes.io/enforce eks.amazonaws.com/role-arn ownerReferences controller
"""
WORDS = _TEXT.split()
_LEAVES = (
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(("", "a", "*", "/", "restricted", "ClusterRole"))
)
_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=20,
)
_OBJECTS = st.lists(
    st.tuples(
        st.sampled_from(KINDS), st.dictionaries(st.sampled_from(WORDS), _JSON, max_size=4), st.sampled_from("abc")
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_OBJECTS)
def test_no_object_makes_it_fail(objects: list[tuple[tuple[str, str], dict[str, Any], str]]) -> None:
    inventory = Inventory()
    for (version, kind), body, name in objects:
        metadata = body.get("metadata")
        metadata = {**metadata, "name": name} if isinstance(metadata, dict) else {"name": name}
        inventory.add({**body, "apiVersion": version, "kind": kind, "metadata": metadata}, Origin("hostile"))
    field = field_of(inventory)
    entries = entries_of(field, ("exposed", "pods", "subjects"))
    for jewel in JEWELS:
        story(field, entries, jewel)
    removal(field, entries, "node", 3)
