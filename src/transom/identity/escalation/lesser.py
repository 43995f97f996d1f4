"""A role without that in it which leads on: the same rules, less what the primitives need."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from transom.identity.escalation.profile import Profiles
from transom.kube.authorizer import PolicyRule, Question
from transom.kube.authorizer.rules import ALL, resource_names
from transom.kube.resources import Resources

EVERY_VERB = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def lesser(
    rules: tuple[PolicyRule, ...], profiles: Profiles, resources: Resources, ways: Collection[str]
) -> tuple[PolicyRule, ...]:
    """Return rules without what they meet of any primitive for all names, or of the named ones for some.

    ways: ids of primitives. What stars allow beside that is not written out: a rule on all groups or all resources goes as
    a whole, since nobody can tell what of it is needed.
    """
    needed = list(profiles.needed(rules, ways))
    return tuple(each for rule in rules for each in _narrowed(rule, needed, resources))


def _narrowed(rule: PolicyRule, needed: Sequence[Question], resources: Resources) -> Iterator[PolicyRule]:
    if ALL in rule.api_groups or ALL in rule.resources or ALL in rule.non_resource_urls:
        return
    if rule.non_resource_urls or not any(_asks(rule, each) for each in needed):
        yield rule
        return
    for group in rule.api_groups:
        by_verbs: dict[tuple[str, ...], list[str]] = {}
        for resource in rule.resources:
            by_verbs.setdefault(_left(rule, group, resource, needed, resources), []).append(resource)
        for verbs, left in by_verbs.items():
            if verbs:
                yield PolicyRule(verbs, (group,), tuple(left), rule.resource_names)


def _asks(rule: PolicyRule, question: Question) -> bool:
    return question.group in rule.api_groups and any(_is_named(each, question) for each in rule.resources)


def _left(
    rule: PolicyRule, group: str, resource: str, needed: Sequence[Question], resources: Resources
) -> tuple[str, ...]:
    """Return the verbs that may stay on a resource."""
    gone = {each.verb for each in needed if each.group == group and _is_named(resource, each)}
    if not gone:
        return rule.verbs
    known = resources.get(group, resource)
    verbs = (known.verbs if known else EVERY_VERB) if ALL in rule.verbs else rule.verbs
    return tuple(verb for verb in verbs if verb not in gone)


def _is_named(resource: str, question: Question) -> bool:
    return resource in resource_names(question.resource, question.subresource)
