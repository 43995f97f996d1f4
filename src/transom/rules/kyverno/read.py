"""Which objects of policy files are Kyverno's, and what becomes of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transom.rules.fields import Unsupported
from transom.rules.kyverno import cluster_policies, validating_policies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transom.rules.fields import PolicyError
    from transom.rules.policy import Policy
    from transom.rules.sources import Source

_OTHERS = {
    "MutatingPolicy": "it changes objects instead of judging them",
    "GeneratingPolicy": "it makes objects instead of judging them",
    "DeletingPolicy": "it removes objects instead of judging them",
    "ImageValidatingPolicy": "it verifies signatures of images, which needs their registry",
    "CleanupPolicy": "it removes objects instead of judging them",
    "ClusterCleanupPolicy": "it removes objects instead of judging them",
    "PolicyException": "exceptions to policies are not applied",
}
_REASONS = {**_OTHERS, **{f"Namespaced{kind}": reason for kind, reason in _OTHERS.items()}}


def is_policy(source: Source) -> bool:
    """Tell whether an object is a policy of Kyverno's, or an exception to one; what only asserts its status is none."""
    return _is_known(source) and isinstance(source.value.get("spec"), dict)


def _is_known(source: Source) -> bool:
    if source.group == "kyverno.io":
        return source.kind in cluster_policies.KINDS or source.kind in _REASONS
    return source.group == "policies.kyverno.io" and (
        source.kind in validating_policies.KINDS or source.kind in _REASONS
    )


def read_kyverno(source: Source, version: tuple[int, int]) -> Iterator[Policy | PolicyError]:
    """Yield the policies that an object stands for, and what is wrong with its rules; raises PolicyError for the whole."""
    if source.kind in _REASONS:
        raise Unsupported(_REASONS[source.kind], (), source.name, "leave it to Kyverno")
    if source.kind in cluster_policies.KINDS and source.group == "kyverno.io":
        yield from cluster_policies.read_cluster_policy(source, version)
    else:
        yield from validating_policies.read_validating_policy(source, version)
