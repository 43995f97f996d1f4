"""Which kinds somebody reads: what a source need not bring where nobody would look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from transom.kube.kinds import kind_of, template_path
from transom.rules.match import could_match
from transom.rules.policy import Policy

if TYPE_CHECKING:
    from transom.rules.check import Check

JOINED = frozenset((("", "Namespace"), ("apiextensions.k8s.io", "CustomResourceDefinition")))
"""Read for every rule: the Namespace is part of what a policy is asked about, and definitions tell which custom kinds
carry pod templates. So are all kinds that make pods."""


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


def named(rules: Iterable[Policy | Check]) -> Iterator[tuple[str, str]]:
    """Yield group and plural of every resource that rules name one by one, whether or not a cluster serves it."""
    for rule in rules:
        if isinstance(rule, Policy):
            for each in rule.match.include:
                plurals = [plural for plural in each.resources if "*" not in plural and "/" not in plural]
                yield from ((group, plural) for group in each.groups if group != "*" for plural in plurals)
        else:
            for told in (*rule.judges, *rule.reads):
                group, _, kind = told.rpartition("/")
                if kind[:1].isupper():
                    yield group, kind_of(f"{group}/v1" if group else "v1", kind).plural
