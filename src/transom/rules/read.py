"""Policies from files: ValidatingAdmissionPolicy, their bindings, the objects that their parameters are; and others.

Policies of Kyverno and Gatekeeper that are written in CEL are translated by the modules that know them.

A policy that cannot be loaded is a Skipped with file, line and column; the others go on. Texts of ours stand in
annotations under transom.dev/; policies of others need none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import is_built_in
from transom.model.findings import Skipped
from transom.model.refs import Ref
from transom.rules.expand import without_nulls
from transom.rules.fields import PolicyError, Unsupported
from transom.rules.load import OTHERS_WINDOW, double
from transom.rules.parse import GROUP, TEXTS, read_binding, read_policy
from transom.rules.sources import Source, read_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path as File

    from transom.rules.check import Check
    from transom.rules.policy import Binding, Policy


NOT_JUDGED = "the policy cannot be judged"
"""How the reason begins where a policy is whole, but in a language that is not judged here."""

CONSTRAINTS = "constraints.gatekeeper.sh"
GATEKEEPER_GROUPS = frozenset((CONSTRAINTS, "templates.gatekeeper.sh"))
KYVERNO_GROUPS = frozenset(("kyverno.io", "policies.kyverno.io"))


class _Contents(Struct):
    """What the files hold.

    named: every policy that is there, whether it loads or not; templates: Gatekeeper's, by the kind of their
    constraints.
    """

    policies: dict[str, Policy] = {}
    checks: dict[str, Check] = {}
    bindings: list[tuple[Source, Binding]] = []
    objects: list[dict[str, Any]] = []
    problems: list[Skipped] = []
    named: set[str] = set()
    templates: dict[str, Source] = {}
    constraints: list[Source] = []


def read_policies(
    files: Iterable[File], version: tuple[int, int], ours: bool
) -> tuple[tuple[Policy, ...], tuple[Skipped, ...], tuple[Check, ...]]:
    """Return the policies of files with their bindings and parameters, what did not load, and the checks."""
    found = _Contents()
    for item in read_sources(files):
        if isinstance(item, Skipped):
            found.problems.append(item)
            continue
        try:
            _take(item, found, version, ours)
        except PolicyError as error:
            found.problems.append(_problem(item, error))
    if found.templates or found.constraints:
        _take_constraints(found, version)
    for source, binding in found.bindings:
        if binding.policy not in found.named:
            lost = PolicyError(f"there is no policy {binding.policy}", ("spec", "policyName"), "add the policy's file")
            found.problems.append(_problem(source, lost))
    bindings = [binding for _, binding in found.bindings]
    bound = tuple(_bound(policy, bindings, found.objects) for policy in found.policies.values())
    return bound, tuple(found.problems), tuple(found.checks.values())


def _take(item: Source, found: _Contents, version: tuple[int, int], ours: bool) -> None:
    if item.group == GROUP and item.kind == "ValidatingAdmissionPolicy":
        if item.name in found.named:
            found.problems.append(double(item.name, str(item.file)))
            return
        found.named.add(item.name)
        policy = read_policy(item, version, ours)
        window = item.file.parent.name if ours else OTHERS_WINDOW
        found.policies[policy.id] = replace(policy, face=replace(policy.face, window=window))
        if ours:
            found.problems += _missing_texts(policy, item)
    elif item.group == "transom.dev":
        _take_check(item, found, version, ours)
    elif item.group == GROUP and item.kind == "ValidatingAdmissionPolicyBinding":
        found.bindings.append((item, read_binding(item)))
    elif item.group in KYVERNO_GROUPS:
        _take_kyverno(item, found, version)
    elif item.group in GATEKEEPER_GROUPS:
        _take_gatekeeper(item, found)
    else:
        found.objects.append(without_nulls(item.value) if is_built_in(item.group, item.kind) else item.value)


def _take_check(item: Source, found: _Contents, version: tuple[int, int], ours: bool) -> None:
    from transom.rules.parse_check import is_check, read_check

    if not is_check(item):
        return
    if item.name in found.named:
        found.problems.append(double(item.name, str(item.file)))
        return
    found.named.add(item.name)
    check = found.checks[item.name] = read_check(item, version, ours)
    found.problems += _missing_texts(check, item)


def _take_kyverno(item: Source, found: _Contents, version: tuple[int, int]) -> None:
    from transom.rules.kyverno.read import is_policy, read_kyverno

    if is_policy(item):
        _add(item, read_kyverno(item, version), found)


def _take_gatekeeper(item: Source, found: _Contents) -> None:
    from transom.rules.gatekeeper import constraint_kind

    if item.group == CONSTRAINTS:
        found.constraints.append(item)
    elif item.kind == "ConstraintTemplate":
        found.templates[constraint_kind(item)] = item


def _take_constraints(found: _Contents, version: tuple[int, int]) -> None:
    """Make a policy of each constraint and its template; one without the other judges nothing, which is told."""
    from transom.rules.gatekeeper import read_constraint, read_template

    templates: dict[str, Any] = {}
    for kind, source in found.templates.items():
        try:
            templates[kind] = read_template(source, version)
        except PolicyError as error:
            found.problems.append(_problem(source, error))
    used = {source.kind for source in found.constraints}
    for kind in templates:
        if kind not in used:
            lost = PolicyError("no constraint uses the template", (), f"add a constraint of kind {kind}")
            found.problems.append(_problem(found.templates[kind], lost))
    for source in found.constraints:
        if source.kind in templates or source.kind not in found.templates:
            try:
                _add(source, iter([read_constraint(source, templates.get(source.kind), version)]), found)
            except PolicyError as error:
                found.problems.append(_problem(source, error))


def _add(item: Source, made: Iterator[Policy | PolicyError], found: _Contents) -> None:
    for each in made:
        if isinstance(each, PolicyError):
            found.problems.append(_problem(item, each))
        elif each.id in found.named:
            found.problems.append(double(each.id, str(item.file)))
        else:
            found.named.add(each.id)
            found.policies[each.id] = replace(each, face=replace(each.face, window=OTHERS_WINDOW))


def _problem(item: Source, error: PolicyError) -> Skipped:
    """Return what a person is told of a policy or binding that does not load."""
    what = "the binding" if item.kind.endswith("Binding") else "the policy"
    place = item.place(error.path, error.text, error.offset)
    ref = Ref(group=item.group, kind=item.kind, name=item.name)
    if isinstance(error, Unsupported):
        return Skipped(ref, f"{NOT_JUDGED}: {error}", error.next_step, rule=error.rule or item.name, locator=place)
    return Skipped(ref, f"{what} does not load: {error}", error.next_step, rule=item.name, locator=place)


def _missing_texts(policy: Policy | Check, item: Source) -> Iterator[Skipped]:
    face = policy.face
    missing = [name for name in TEXTS if not getattr(face, name) or getattr(face, name) == policy.id]
    missing += [f"{name}-zh" for name in TEXTS if not face.texts.get("zh-CN", {}).get(name)]
    if missing:
        error = PolicyError(f"annotations are missing: {', '.join(missing)}", ("metadata", "annotations"))
        yield _problem(item, error)


def _bound(policy: Policy, bindings: Sequence[Binding], objects: Sequence[dict[str, Any]]) -> Policy:
    own = policy.bindings + tuple(binding for binding in bindings if binding.policy == policy.id)
    params = policy.params
    if policy.param_kind is not None and not params:
        params = tuple(each for each in objects if (each.get("apiVersion"), each.get("kind")) == policy.param_kind)
        if policy.ours:
            params = tuple(each for each in params if (each.get("metadata") or {}).get("name") == policy.id)
    return replace(policy, bindings=own, params=params)
