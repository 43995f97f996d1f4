"""Fixes: MutatingAdmissionPolicies beside the rules whose findings they mend, `<rule>.fix.yaml`.

A fix names its rule by its own name, reaches what the rule reaches, and is given the rule's parameters. It says by
`transom.dev/fix-kind` whether it is *safe*, which cannot break a working pod, or *behavioural*; by
`transom.dev/safe-when`, a CEL expression, for which objects a behavioural one is safe after all; and by
`transom.dev/risk` what may break. `transom.dev/reveals` names rules, apart by commas, that do not judge an object for as
long as it has the fault: what they find once it is mended was no better before.
"""

from __future__ import annotations

from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.lang.cel.types import BOOL, ListType, ObjectType
from transom.lang.cel.version import CURRENT
from transom.model.findings import Rule, Skipped
from transom.model.refs import file_ref
from transom.model.severity import Severity
from transom.rules.fields import PolicyError, known_fields, map_field, maps_field, one_of
from transom.rules.load import FIX_SUFFIX
from transom.rules.parse import (
    GROUP,
    PREFIX,
    Scope,
    compiled,
    conditions_field,
    match_field,
    object_annotations,
    param_kind,
    variables_field,
)
from transom.rules.policy import Policy
from transom.rules.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from transom.lang.cel import Program
    from transom.model.places import Path
    from transom.rules.check import Check
    from transom.rules.sources import Source

SAFE, BEHAVIOURAL = "safe", "behavioural"
KIND, SAFE_WHEN, RISK, REVEALS = (f"{PREFIX}{word}" for word in ("fix-kind", "safe-when", "risk", "reveals"))
APPLY, PATCH = "ApplyConfiguration", "JSONPatch"
_SPEC: Path = ("spec",)
_SPEC_FIELDS = frozenset(
    (
        "paramKind",
        "matchConstraints",
        "variables",
        "mutations",
        "failurePolicy",
        "matchConditions",
        "reinvocationPolicy",
    )
)
EXPRESSION_FIELDS = {APPLY: "applyConfiguration", PATCH: "jsonPatch"}
_TYPES = {APPLY: ObjectType("Object"), PATCH: ListType(ObjectType("JSONPatch"))}


class Mutation(Struct, frozen=True):
    """One step of a mutating policy: patch_type, and the program that yields an Object or a list of JSONPatch."""

    patch_type: str
    program: Program


class Fix(Struct, frozen=True):
    """A mutating policy. policy: all that it shares with a validating one, its name among it.

    reinvoke: whether it is called again where others changed the object after it; kind: SAFE or BEHAVIOURAL; safe_when:
    what makes a behavioural one safe; risk: what may break, by language; reveals: rules that the fault keeps from judging.
    """

    policy: Policy
    mutations: tuple[Mutation, ...]
    reinvoke: bool = False
    kind: str = BEHAVIOURAL
    safe_when: Program | None = None
    risk: Mapping[str, str] = {}
    reveals: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """The name of the policy: the id of the rule that it mends."""
        return self.policy.id


def fixes_of(
    rules: Iterable[Policy | Check], version: tuple[int, int] = CURRENT
) -> tuple[dict[str, Fix], list[Skipped]]:
    """Return the fixes beside rules, by the rule's id, with the rule's own reach and parameters; and what did not load."""
    found: dict[str, Fix] = {}
    problems: list[Skipped] = []
    for rule in rules:
        file = File(rule.file).with_name(rule.id + FIX_SUFFIX) if rule.file else None
        if file is None or not file.is_file():
            continue
        for item in read_fixes([file], version):
            if isinstance(item, Skipped):
                problems.append(item)
            elif item.id == rule.id:
                found[item.id] = _like(item, rule)
            else:
                problems.append(Skipped(file_ref(str(file)), f"it mends {item.id}, not {rule.id}", "rename it"))
    return found, problems


def _like(fix: Fix, rule: Policy | Check) -> Fix:
    """Return a fix as the rule that it mends: with its face, reach and parameters."""
    if not isinstance(rule, Policy):
        return replace(fix, policy=replace(fix.policy, face=rule.face, expands=True, ours=True))
    shared = replace(fix.policy, face=rule.face, expands=rule.expands, ours=rule.ours)
    if fix.policy.param_kind:
        shared = replace(shared, params=rule.params, bindings=rule.bindings)
    return replace(fix, policy=shared)


def read_fixes(files: Iterable[File], version: tuple[int, int] = CURRENT) -> Iterator[Fix | Skipped]:
    """Yield the mutating policies of files, and what cannot be read."""
    for item in read_sources(files):
        if isinstance(item, Skipped):
            yield item
            continue
        try:
            if (item.group, item.kind) == (GROUP, "MutatingAdmissionPolicy"):
                yield read_fix(item, version)
        except PolicyError as error:
            place = item.place(error.path, error.text, error.offset)
            yield Skipped(file_ref(str(item.file)), f"the fix does not load: {error}", error.next_step, locator=place)


def read_fix(source: Source, version: tuple[int, int] = CURRENT) -> Fix:
    """Return a compiled mutating policy; raises PolicyError for what the API server would refuse."""
    annotations = object_annotations(source)
    spec = map_field(source.value, "spec", ())
    known_fields(spec, _SPEC_FIELDS, _SPEC)
    match = match_field(map_field(spec, "matchConstraints", _SPEC), (*_SPEC, "matchConstraints"))
    if not match.include:
        raise PolicyError("matchConstraints has no resourceRules", (*_SPEC, "matchConstraints"))
    kind = param_kind(spec, _SPEC)
    outside = Scope(version, kind is not None, mutation=True)
    variables, scope = variables_field(spec, _SPEC, outside)
    mutations = tuple(_mutations(spec, scope))
    if not mutations:
        raise PolicyError("it has no mutations", _SPEC)
    policy = Policy(
        face=Rule(source.name, source.name, Severity.INFO),
        match=match,
        validations=(),
        conditions=conditions_field(spec, "matchConditions", _SPEC, outside),
        variables=variables,
        param_kind=kind,
        fail=one_of(spec, "failurePolicy", ("Fail", "Ignore"), _SPEC, "Fail") == "Fail",
        annotations=annotations,
        labels=map_field(source.value["metadata"], "labels", ("metadata",)),
        file=str(source.file),
    )
    around: Path = ("metadata", "annotations")
    return Fix(
        policy=policy,
        mutations=mutations,
        reinvoke=one_of(spec, "reinvocationPolicy", ("Never", "IfNeeded"), _SPEC) == "IfNeeded",
        kind=one_of(annotations, KIND, (SAFE, BEHAVIOURAL), around, BEHAVIOURAL),
        safe_when=compiled(annotations, SAFE_WHEN, around, scope, BOOL) if SAFE_WHEN in annotations else None,
        risk=_risk(annotations),
        reveals=frozenset(str(annotations.get(REVEALS, "")).replace(",", " ").split()),
    )


def _mutations(spec: Mapping[str, Any], scope: Scope) -> Iterator[Mutation]:
    known = ("patchType", *EXPRESSION_FIELDS.values())
    for path, mutation in maps_field(spec, "mutations", _SPEC, known):
        patch_type = one_of(mutation, "patchType", tuple(EXPRESSION_FIELDS), path)
        field = EXPRESSION_FIELDS[patch_type]
        if set(mutation) - {"patchType", field}:
            raise PolicyError(f"a mutation of type {patch_type} has {field} and nothing else", path)
        body = map_field(mutation, field, path)
        known_fields(body, ("expression",), (*path, field))
        yield Mutation(patch_type, compiled(body, "expression", (*path, field), scope, _TYPES[patch_type]))


def _risk(annotations: Mapping[str, Any]) -> dict[str, str]:
    texts = {"en": annotations.get(RISK), "zh-CN": annotations.get(f"{RISK}-zh")}
    return {language: str(text) for language, text in texts.items() if text}
