"""An object as admission sees it: decoded and defaulted by the API server, before any policy is asked.

The tables are those of `defaults`, which say what equals what; here they say what is written. The server writes what is
not empty, and those empty values that its types hold as pointers. Templates are defaulted less than pods, and a CronJob
leaves its Job for later.
"""

from __future__ import annotations

from typing import Any

from transom.kube.defaults import DEFAULTS, Completion, Mark, Shape, shape_of
from transom.kube.kinds import template_path
from transom.lang.quantity import canonical

EMPTY: tuple[Any, ...] = (False, "", 0, {}, [])
"""What the server leaves out when it writes an object, pointers apart."""

POINTERS = (
    *(".spec.suspend", ".spec.podSelector", ".resources", ".hostPath.type", ".grpc.service", ".azureDisk.readOnly"),
    *(".spec.securityContext", ".jobTemplate.metadata", ".template.metadata", ".spec.conversion"),
    *(".namespaceSelector", ".objectSelector", ".spec.manualSelector"),
)
"""Fields whose empty default is written, by the end of their path."""

NEVER = (".procMount", ".spec.externalTrafficPolicy", ".allocateLoadBalancerNodePorts")
"""Fields whose default the server does not write, or not in every case."""

OF_PODS_ONLY = (".spec.enableServiceLinks",)
"""What pods are given, and templates are not."""

OF_JOBS_ONLY = (".backoffLimit", ".parallelism", ".completions", ".completionMode", ".suspend", ".manualSelector")
"""What Jobs are given, and the template of a CronJob is not."""

NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
TOLERATION_S = 300  # what DefaultTolerationSeconds gives


def defaulted(value: dict[str, Any], group: str, kind: str) -> dict[str, Any]:
    """Return an object of a built-in kind with the fields that decoding and defaulting add; others as they are.

    What only the storage adds (addresses of Services, generated selectors) is not there; see admitted for plug-ins.
    """
    if (group, kind) not in DEFAULTS and template_path(group, kind) is None:
        return value
    filled: dict[str, Any] = _filled(value, shape_of(group, kind), f"{kind}:")
    if (group, kind) == ("", "Service"):
        filled["spec"] = _service(filled.get("spec"))
    if (group, kind) == ("", "Namespace"):
        filled["metadata"] = _namespace(filled.get("metadata") or {})
    return filled


def admitted(value: dict[str, Any], group: str, kind: str) -> dict[str, Any]:
    """Return what policies see: the defaulted object after the mutating plug-ins that are on in every API server.

    For pods: the service account, the priority, and tolerations of nodes that are not ready. The token's volume, which
    has a random name, is left out.
    """
    filled = defaulted(value, group, kind)
    spec = filled.get("spec")
    if (group, kind) != ("", "Pod") or not isinstance(spec, dict):
        return filled
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    added: dict[str, Any] = {"serviceAccountName": account, "serviceAccount": account}
    if not spec.get("priorityClassName"):
        added |= {"priority": 0, "preemptionPolicy": spec.get("preemptionPolicy", "PreemptLowerPriority")}
    added["tolerations"] = _tolerations(spec.get("tolerations"))
    return {**filled, "spec": {**spec, **added}}


def _filled(value: Any, shape: Shape, path: str) -> Any:
    if isinstance(value, list):
        return [_filled(each, shape.elements, path) for each in value] if shape.elements else value
    if shape.mark is Mark.QUANTITY:
        return canonical(value)
    if not isinstance(value, dict):
        return value
    whole = {key: each for key, each in value.items() if each is not None}
    for name, child in shape.children.items():
        if name not in whole and _is_written(child, f"{path}.{name}"):
            whole[name] = child.default
    if shape.complete is not None and not path.endswith(".resources"):
        whole = _completed(whole, shape.complete, path)
    if path.startswith("Pod:") and path.endswith(".resources") and shape.complete is not None:
        whole = {**whole, **shape.complete(whole)}
    return {key: _filled(each, shape.child(key), f"{path}.{key}") for key, each in whole.items()}


def _is_written(child: Shape, path: str) -> bool:
    if not isinstance(child.default, str | int | bool | dict | list) or path.endswith(NEVER):
        return False
    if not path.startswith("Pod:") and path.endswith(OF_PODS_ONLY):
        return False
    if ".jobTemplate.spec." in path and path.endswith(OF_JOBS_ONLY):
        return False
    return child.default not in EMPTY or path.endswith(POINTERS)


def _completed(value: dict[str, Any], complete: Completion, path: str) -> dict[str, Any]:
    """Return a map with what hangs on its neighbours; the names of a service account are mirrored, never invented."""
    made = dict(complete(value))
    if "serviceAccountName" in made and not (value.get("serviceAccountName") or value.get("serviceAccount")):
        made = {key: each for key, each in made.items() if not key.startswith("serviceAccount")}
    if made.get("apiGroup") == "":
        del made["apiGroup"]  # a subject's, which is written where it is not empty
    whole = {**value, **made}
    return {key: each for key, each in whole.items() if each is not None}


def _service(spec: Any) -> Any:
    if not isinstance(spec, dict):
        return spec
    open_outside = spec.get("type") in ("NodePort", "LoadBalancer")
    added: dict[str, Any] = {"externalTrafficPolicy": "Cluster"} if open_outside else {}
    if spec.get("type") == "LoadBalancer":
        added["allocateLoadBalancerNodePorts"] = True
    return {**added, **spec}


def _namespace(metadata: dict[str, Any]) -> dict[str, Any]:
    name = metadata.get("name")
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name}
    return {**metadata, "labels": labels} if isinstance(name, str) else metadata


def _tolerations(given: Any) -> list[Any]:
    """Return tolerations with those of nodes that are not ready, unless something tolerates that already."""
    own = given if isinstance(given, list) else []
    told = [each for each in own if isinstance(each, dict) and each.get("effect") in (None, "", "NoExecute")]
    missing = [taint for taint in NODE_TAINTS if not any(each.get("key") in (None, "", taint) for each in told)]
    rest = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_S}
    return [*own, *({"key": taint, **rest} for taint in missing)]
