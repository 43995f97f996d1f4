"""Which parameter objects a binding gives to a policy, as CollectParams of the API server chooses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import kind_of
from transom.kube.selectors import compile_selector
from transom.lang.cel.values import Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transom.inventory import Inventory
    from transom.rules.match import Request
    from transom.rules.policy import Binding, Policy


class NoParams(Struct, frozen=True):
    """Parameters that cannot be had, which the API server counts as an error of the policy."""

    reason: str


def with_told(policies: Sequence[Policy], inventory: Inventory) -> Sequence[Policy]:
    """Return policies with the parameter objects that live clusters tell, for those that take any and have none."""
    if not inventory.clusters:
        return policies
    return [
        replace(policy, params=_told(*policy.param_kind, inventory))
        if policy.param_kind and not policy.params
        else policy
        for policy in policies
    ]


def _told(api_version: str, kind: str, inventory: Inventory) -> tuple[Any, ...]:
    group = api_version.rpartition("/")[0]
    return tuple(entry.object for target in inventory.clusters for entry in inventory.of_kind(group, kind, target))


_NULL: Sequence[Any] = (None,)


def chosen_params(policy: Policy, binding: Binding | None, request: Request) -> Sequence[Any]:
    """Return the parameter objects for a request, each of which must be satisfied; none at all: nothing is judged.

    A None stands for parameters that are null, a NoParams for an error, an Unknown for what no file tells. Without a
    binding all parameter objects beside the policy count.
    """
    if policy.param_kind is None or (binding is not None and binding.param_ref is None):
        return _NULL
    if binding is None:
        return policy.params or (Unknown(f"its parameters, a {policy.param_kind[1]}"),)
    reference = binding.param_ref
    namespaced = kind_of(*policy.param_kind).namespaced
    if reference.get("namespace") and not namespaced:
        return (NoParams("paramRef names a namespace, but its parameters are cluster-wide"),)
    if not namespaced:
        return _found([each for each in policy.params if _is_meant(each, reference)], reference)
    namespace = reference.get("namespace") or request.namespace
    if not namespace and not request.kind.namespaced:
        return (NoParams("paramRef names no namespace for the parameters of a cluster-wide object"),)
    meant = [each for each in policy.params if _is_meant(each, reference)]
    if not namespace and any(_namespace(each) for each in meant):
        return (Unknown("the namespace it is put into, from which its parameters are taken"),)
    return _found([each for each in meant if _namespace(each) in ("", namespace)], reference)


def _found(params: Sequence[Any], reference: Any) -> Sequence[Any]:
    if not params and reference.get("parameterNotFoundAction") == "Deny":
        return (NoParams("the parameters that its binding names are not there"),)
    return params


def _is_meant(value: Any, reference: Any) -> bool:
    metadata = value.get("metadata") or {}
    if reference.get("name"):
        return bool(metadata.get("name") == reference["name"])
    return compile_selector(reference.get("selector"))(metadata.get("labels") or {})


def _namespace(value: Any) -> str:
    """Return a parameter object's namespace, "" where its file leaves that to whoever applies it."""
    return str((value.get("metadata") or {}).get("namespace") or "")
