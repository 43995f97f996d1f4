"""One rule of a role: what it allows, and what it covers of other rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from transom.kube.authorizer.questions import Question

ALL = "*"


_FIELDS = {"api_groups": "apiGroups", "resource_names": "resourceNames", "non_resource_urls": "nonResourceURLs"}


class PolicyRule(Struct, frozen=True, omit_defaults=True, rename=_FIELDS):
    """Verbs on resources of API groups, or on URLs that are no resources. No names means all names."""

    verbs: tuple[str, ...]
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = ()


FULL_AUTHORITY = (
    PolicyRule((ALL,), (ALL,), (ALL,)),
    PolicyRule((ALL,), non_resource_urls=(ALL,)),
)
"""What cluster-admin may: everything. Whoever covers this is an administrator, whatever the role is called."""


def allows_rule(rule: PolicyRule, question: Question) -> bool:
    """Tell whether a rule allows what is asked; who asks does not matter here."""
    if not _has(rule.verbs, question.verb):
        return False
    if question.path is not None:
        return any(url_matches(url, question.path) for url in rule.non_resource_urls)
    return (
        _has(rule.api_groups, question.group)
        and any(resource in rule.resources for resource in resource_names(question.resource, question.subresource))
        and (not rule.resource_names or question.name in rule.resource_names)
    )


def _has(words: tuple[str, ...], word: str) -> bool:
    return ALL in words or word in words


def resource_names(resource: str, subresource: str) -> tuple[str, ...]:
    """Return what a rule may call a resource: `*`, its name, and for a subresource `*/subresource`.

    `pods` does not name `pods/exec`; `pods/*` and `*/*` name nothing but a subresource that is called `*`.
    """
    return (ALL, f"{resource}/{subresource}", f"*/{subresource}") if subresource else (ALL, resource)


def url_matches(pattern: str, path: str) -> bool:
    """Tell whether a pattern names a path: equal, or by what stands before trailing stars."""
    return pattern == path or (pattern.endswith(ALL) and path.startswith(pattern.rstrip(ALL)))


def covers(owned: Sequence[PolicyRule], wanted: Iterable[PolicyRule]) -> bool:
    """Tell whether who owns some rules may hand out others without the verbs `escalate` or `bind`."""
    return not uncovered(owned, wanted)


def uncovered(owned: Sequence[PolicyRule], wanted: Iterable[PolicyRule]) -> list[PolicyRule]:
    """Return the atoms of the wanted rules that the owned ones do not cover, as the escalation check finds them.

    An atom has one verb, one group, one resource, at most one name; or one verb and one URL. Each must be covered by
    one owned rule alone. This is stricter than `allows`: a rule with names covers no rule without.
    """
    rules = list(dict.fromkeys(owned))
    return [atom for rule in wanted for atom in atoms(rule) if not any(covers_atom(owner, atom) for owner in rules)]


def atoms(rule: PolicyRule) -> Iterator[PolicyRule]:
    """Yield a rule taken apart."""
    names: tuple[tuple[str, ...], ...] = tuple((name,) for name in rule.resource_names) or ((),)
    for group in rule.api_groups:
        for resource in rule.resources:
            for verb in rule.verbs:
                for name in names:
                    yield PolicyRule((verb,), (group,), (resource,), name)
    for url in rule.non_resource_urls:
        for verb in rule.verbs:
            yield PolicyRule((verb,), non_resource_urls=(url,))


def covers_atom(owner: PolicyRule, atom: PolicyRule) -> bool:
    """Tell whether one rule covers an atom of another."""
    return (
        (ALL in owner.verbs or atom.verbs[0] in owner.verbs)
        and (ALL in owner.api_groups or all(group in owner.api_groups for group in atom.api_groups))
        and all(_resource_covered(owner.resources, resource) for resource in atom.resources)
        and all(any(url_matches(ours, url) for ours in owner.non_resource_urls) for url in atom.non_resource_urls)
        and (not owner.resource_names or bool(atom.resource_names and atom.resource_names[0] in owner.resource_names))
    )


def _resource_covered(owned: tuple[str, ...], resource: str) -> bool:
    if ALL in owned or resource in owned:
        return True
    _, slash, subresource = resource.partition("/")
    return bool(slash) and f"*/{subresource}" in owned
