"""Which kinds somebody reads: what a source need not bring where nobody would look at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from transom.kube.kinds import kind_of, template_path
from transom.rules.match import could_match

if TYPE_CHECKING:
    from transom.rules.check import Check
    from transom.rules.policy import Policy

JOINED = frozenset((("", "Namespace"),))
"""Read for every rule: the Namespace is part of what a policy is asked about. So are all kinds that make pods."""


def reader(policies: Sequence[Policy], checks: Sequence[Check] = ()) -> Callable[[str, str], bool]:
    """Return what tells whether any of the rules, or a join between objects, reads a kind, by apiVersion and kind."""

    def reads(api_version: str, kind_name: str) -> bool:
        kind = kind_of(api_version, kind_name)
        known = (kind.group, kind.kind)
        return (
            known in JOINED
            or template_path(*known) is not None
            or any(check.concerns(*known) for check in checks)
            or any(policy.param_kind is not None and kind_of(*policy.param_kind) == kind for policy in policies)
            or any(could_match(policy.match, kind) for policy in policies)
        )

    return reads
