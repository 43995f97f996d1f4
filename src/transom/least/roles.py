"""Roles that allow what was used, and little more: at three levels, never beyond what was granted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from transom.kube.authorizer import PolicyRule, Question, covers
from transom.least.names import is_generated

Level = Literal["exact", "tight", "steady", "loose"]
LEVELS: tuple[Level, ...] = ("tight", "steady", "loose")
"""What a person may choose. tight: verbs, resources and names as they were used. steady: names only of Secrets, ConfigMaps
and Leases, reading as a whole. loose: reading and writing as a whole, cluster-wide from the third namespace on."""

READING = ("get", "list", "watch")
WRITING = ("create", "update", "patch", "delete")
NAMED = frozenset(("get", "update", "patch", "delete", "list", "watch", "use", "bind", "impersonate", "escalate"))
KEEPS_NAMES = frozenset((("", "secrets"), ("", "configmaps"), ("coordination.k8s.io", "leases")))
MAX_NAMES = 20  # a rule with more names is a list that somebody must tend; it names none instead
MAX_NAMESPACES = {"exact": 20, "tight": 20, "steady": 5, "loose": 2}  # beyond, a role for the whole cluster, if held

Target = tuple[str, str, str]
"""Group, resource and subresource."""


class Scope(Struct, frozen=True):
    """Rules for one namespace, or for the whole cluster (namespace "")."""

    namespace: str
    rules: tuple[PolicyRule, ...]


def proposed(used: Iterable[Question], granted: dict[str, Sequence[PolicyRule]], level: Level) -> list[Scope]:
    """Return rules that allow everything used.

    granted: the rules held by namespace, "" for the whole cluster; what is proposed never exceeds them.
    """
    by_place = _placed(used, granted, level)
    return [Scope(place, _rules(by_place[place], _held(granted, place), level)) for place in sorted(by_place)]


def _held(granted: dict[str, Sequence[PolicyRule]], place: str) -> Sequence[PolicyRule]:
    return [*granted.get("", ()), *(granted.get(place, ()) if place else ())]


def _placed(
    used: Iterable[Question], granted: dict[str, Sequence[PolicyRule]], level: Level
) -> dict[str, list[Question]]:
    """Return what was used by the namespace whose role should allow it, "" for the whole cluster."""
    found: dict[str, list[Question]] = {}
    spread: dict[Target | str, dict[str, list[Question]]] = {}
    for question in used:
        spread.setdefault(_target(question), {}).setdefault(question.namespace, []).append(question)
    for places in spread.values():
        named = [place for place in places if place]
        wide = "" in places or len(named) > MAX_NAMESPACES[level]
        for place, questions in places.items():
            whole = wide and covers(granted.get("", ()), _atoms(questions, level))
            found.setdefault("" if whole else place, []).extend(questions)
    return found


def _target(question: Question) -> Target | str:
    if question.path is not None:
        return question.path
    return (question.group, question.resource, question.subresource)


def _rules(questions: Sequence[Question], held: Sequence[PolicyRule], level: Level) -> tuple[PolicyRule, ...]:
    within: list[PolicyRule] = []
    beyond: set[tuple[str, str]] = set()
    for rule in _atoms(questions, level):
        if covers(held, [rule]):
            within.append(rule if level == "tight" else _widened(rule, held, level))
        else:  # it leaves out names that the grant tells
            beyond.update((group, resource) for group in rule.api_groups for resource in rule.resources)
    named = [each for each in questions if (each.group, _resource(each)) in beyond]
    return tuple(_compact([*within, *_atoms(named, "exact")]))


def _resource(question: Question) -> str:
    return f"{question.resource}/{question.subresource}" if question.subresource else question.resource


def _atoms(questions: Sequence[Question], level: Level) -> list[PolicyRule]:
    """Return one rule for each resource and set of names, verbs together."""
    verbs: dict[tuple[Target, tuple[str, ...]], set[str]] = {}
    urls: dict[str, set[str]] = {}
    names: dict[tuple[Target, str], set[str]] = {}
    for question in questions:
        if question.path is not None:
            urls.setdefault(question.path, set()).add(question.verb)
        else:
            target = (question.group, question.resource, question.subresource)
            names.setdefault((target, question.verb), set()).add(question.name)
    for (target, verb), used in names.items():
        verbs.setdefault((target, _kept(target, verb, used, level)), set()).add(verb)
    made = [
        PolicyRule(tuple(sorted(each)), (group,), (f"{resource}/{sub}" if sub else resource,), kept)
        for ((group, resource, sub), kept), each in sorted(verbs.items())
    ]
    return made + [PolicyRule(tuple(sorted(each)), non_resource_urls=(url,)) for url, each in sorted(urls.items())]


def _kept(target: Target, verb: str, names: set[str], level: Level) -> tuple[str, ...]:
    """Return the names that a rule should tell; () for none."""
    if level == "exact":
        return tuple(sorted(names - {""}))
    if "" in names or (verb not in NAMED and not target[2]) or len(names) > MAX_NAMES or any(map(is_generated, names)):
        return ()
    if level == "loose" or (level == "steady" and target[:2] not in KEEPS_NAMES):
        return ()
    return tuple(sorted(names))


def _widened(rule: PolicyRule, held: Sequence[PolicyRule], level: Level) -> PolicyRule:
    """Return a rule with the verbs that go with its own, as far as they were granted."""
    families = (READING,) if level == "steady" else (READING, WRITING)
    verbs = set(rule.verbs)
    for family in families:
        if not rule.non_resource_urls and not verbs.isdisjoint(family):
            wanted = tuple(verb for verb in family if not rule.resource_names or verb in NAMED)
            verbs.update(verb for verb in wanted if covers(held, [_with_verbs(rule, (verb,))]))
    return _with_verbs(rule, tuple(sorted(verbs)))


def _with_verbs(rule: PolicyRule, verbs: tuple[str, ...]) -> PolicyRule:
    return PolicyRule(verbs, rule.api_groups, rule.resources, rule.resource_names, rule.non_resource_urls)


def _compact(rules: Iterable[PolicyRule]) -> Iterator[PolicyRule]:
    """Yield rules in which what differs by its resource only is one rule."""
    together: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for rule in rules:
        key = (rule.verbs, rule.api_groups, rule.resource_names)
        together.setdefault(key, []).extend(rule.resources or rule.non_resource_urls)
    for (verbs, groups, names), what in together.items():
        items = tuple(dict.fromkeys(what))
        yield PolicyRule(verbs, groups, items, names) if groups else PolicyRule(verbs, non_resource_urls=items)
