"""One policy file's documents to policies: fields checked, expressions compiled, errors told with their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.documents import Document, positions, read_documents
from transom.kube.objects import objects
from transom.lang.cel import Program, compile_expression
from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import CelSourceError
from transom.lang.cel.types import BOOL, STRING, Type
from transom.model.findings import Rule, Skipped
from transom.model.limits import MAX_POLICY_BYTES
from transom.model.places import Locator, Path
from transom.model.refs import file_ref
from transom.model.severity import SEVERITIES, Severity
from transom.rules.policy import Binding, Expression, Match, Policy, ResourceRule, Validation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path as File

PREFIX = "transom.dev/"
GROUP = "admissionregistration.k8s.io"
TEXTS = ("title", "why", "fix")

_POLICY_FIELDS = frozenset(
    (
        "paramKind",
        "matchConstraints",
        "validations",
        "failurePolicy",
        "auditAnnotations",
        "matchConditions",
        "variables",
    )
)
_BINDING_FIELDS = frozenset(("policyName", "paramRef", "matchResources", "validationActions"))
_MATCH_FIELDS = frozenset(
    ("namespaceSelector", "objectSelector", "resourceRules", "excludeResourceRules", "matchPolicy")
)
_RULE_FIELDS = frozenset(("resourceNames", "operations", "apiGroups", "apiVersions", "resources", "scope"))
_VALIDATION_FIELDS = frozenset(("expression", "message", "reason", "messageExpression"))


class PolicyError(Exception):
    """What is wrong with a policy; path: where in its object; line and column: within the text there, from 1."""

    def __init__(self, reason: str, path: Path = (), line: int = 1, column: int = 1, next_step: str = "") -> None:
        super().__init__(reason)
        self.path = path
        self.line = line
        self.column = column
        self.next_step = next_step or "mend the policy, or leave it out"


class Source(Struct, frozen=True):
    """One object of a policy file."""

    file: File
    document: Document
    item: Path
    value: dict[str, Any]

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.value.get("kind"))

    @property
    def name(self) -> str:
        """The object's name, "" where it has none."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else ""

    def place(self, path: Path, line: int = 1, column: int = 1) -> Locator:
        """Return where a field stands; line and column of a text within it are added where the text is a block."""
        found = positions(self.document).find(self.item + path)
        below = line if _is_block(self.document, found) else 0
        text_column = column if below else found.column
        return Locator(found.file, found.line + below, text_column, found.start, found.end, found.path)


def _is_block(document: Document, place: Locator) -> bool:
    """Tell whether a field's text begins on the next line (`expression: |-`)."""
    start, end = place.start - document.offset, place.end - document.offset
    first = document.text[start:end].split(b"\n", 1)[0].rstrip()
    return first.endswith((b"|", b">", b"|-", b">-", b"|+", b">+"))


def read_sources(files: Iterable[File]) -> Iterator[Source | Skipped]:
    """Yield the objects of policy files, and what could not be read."""
    for file in files:
        try:
            if file.stat().st_size > MAX_POLICY_BYTES:
                yield Skipped(file_ref(str(file)), "it is larger than 1 MiB, no policy is", "leave it out of the rules")
                continue
            with file.open("rb") as stream:
                yield from _sources(file, list(read_documents(stream, str(file))))
        except OSError as error:
            yield Skipped(file_ref(str(file)), f"cannot be read: {error.strerror or error}", "make it readable")


def _sources(file: File, documents: Iterable[Document | Skipped]) -> Iterator[Source | Skipped]:
    for document in documents:
        if isinstance(document, Skipped):
            yield document
            continue
        for item in objects(document.value):
            if isinstance(item, Skipped):
                yield item
            else:
                yield Source(file, document, *item)


def read_policy(source: Source, version: tuple[int, int], ours: bool) -> Policy:
    """Return a compiled policy; raises PolicyError for what the API server would refuse."""
    spec = _map(source.value, "spec", ())
    _known_fields(spec, _POLICY_FIELDS, ("spec",))
    annotations = _map(_map(source.value, "metadata", ()), "annotations", ("metadata",))
    match = _match(_map(spec, "matchConstraints", ("spec",)), ("spec", "matchConstraints"))
    if not match.include:
        raise PolicyError("matchConstraints has no resourceRules", ("spec", "matchConstraints"))
    if not source.name:
        raise PolicyError("it has no name", ("metadata",))
    variables, types = _variables(spec, version)
    validations = tuple(_validations(spec, version, types))
    if not validations and not spec.get("auditAnnotations"):
        raise PolicyError("it has neither validations nor auditAnnotations", ("spec",))
    _audit_annotations(spec, version, types)
    return Policy(
        face=_face(source.name, annotations),
        match=match,
        validations=validations,
        conditions=_conditions(spec, version),
        variables=variables,
        param_kind=_param_kind(spec),
        fail=_one_of(spec, "failurePolicy", ("Fail", "Ignore"), "Fail") == "Fail",
        expands=ours or annotations.get(f"{PREFIX}expand") == "true",
        ours=ours,
        expect=str(annotations.get(f"{PREFIX}expect", "")),
        file=str(source.file),
    )


def _face(name: str, annotations: Mapping[str, Any]) -> Rule:
    label = annotations.get(f"{PREFIX}severity")
    if label is not None and label not in SEVERITIES:
        path = ("metadata", "annotations", f"{PREFIX}severity")
        raise PolicyError(f"{label!r} is no severity", path, next_step=f"choose from {', '.join(SEVERITIES)}")
    severity = SEVERITIES[label] if label is not None else Severity.MEDIUM
    texts = {field: str(annotations.get(PREFIX + field, "")) for field in TEXTS}
    chinese = {
        field: str(annotations[f"{PREFIX}{field}-zh"]) for field in TEXTS if f"{PREFIX}{field}-zh" in annotations
    }
    return Rule(
        id=name,
        title=texts["title"] or name,
        severity=severity,
        why=texts["why"],
        fix=texts["fix"],
        texts={"zh-CN": chinese} if chinese else {},
    )


def read_binding(source: Source) -> Binding:
    """Return a binding; raises PolicyError."""
    spec = _map(source.value, "spec", ())
    _known_fields(spec, _BINDING_FIELDS, ("spec",))
    policy = spec.get("policyName")
    if not isinstance(policy, str) or not policy:
        raise PolicyError("policyName is missing", ("spec",))
    actions = tuple(_texts(spec, "validationActions", ("spec",))) or ("Deny",)
    resources = spec.get("matchResources")
    path = ("spec", "matchResources")
    match = _match(_map(spec, "matchResources", ("spec",)), path) if resources else None
    reference = spec.get("paramRef")
    if reference is not None and not isinstance(reference, dict):
        raise PolicyError("paramRef is no map", ("spec", "paramRef"))
    return Binding(source.name, policy, actions, reference, match)


# parts of a policy


def _match(value: Mapping[str, Any], path: Path) -> Match:
    _known_fields(value, _MATCH_FIELDS, path)
    return Match(
        include=tuple(_resource_rules(value, "resourceRules", path)),
        exclude=tuple(_resource_rules(value, "excludeResourceRules", path)),
        equivalent=_one_of(value, "matchPolicy", ("Exact", "Equivalent"), "Equivalent", path) == "Equivalent",
        namespace_selector=value.get("namespaceSelector"),
        object_selector=value.get("objectSelector"),
    )


def _resource_rules(value: Mapping[str, Any], field: str, path: Path) -> Iterator[ResourceRule]:
    for index, rule in enumerate(_list(value, field, path)):
        here = (*path, field, index)
        if not isinstance(rule, dict):
            raise PolicyError("an entry of resourceRules is no map", here)
        _known_fields(rule, _RULE_FIELDS, here)
        yield ResourceRule(
            groups=tuple(_texts(rule, "apiGroups", here)),
            versions=tuple(_texts(rule, "apiVersions", here)),
            operations=tuple(_texts(rule, "operations", here)),
            resources=tuple(_texts(rule, "resources", here)),
            names=tuple(_texts(rule, "resourceNames", here)),
            scope=_one_of(rule, "scope", ("*", "Namespaced", "Cluster"), "*", here),
        )


def _variables(spec: Mapping[str, Any], version: tuple[int, int]) -> tuple[tuple[Expression, ...], dict[str, Type]]:
    found: list[Expression] = []
    types: dict[str, Type] = {}
    for index, variable in enumerate(_list(spec, "variables", ("spec",))):
        path = ("spec", "variables", index)
        name = _text(variable, "name", path)
        if not name.isidentifier() or name in types:
            raise PolicyError(f"{name!r} cannot be the name of a variable, or is one already", (*path, "name"))
        program = _compiled(variable, "expression", path, version, types, None)
        found.append(Expression(name, program))
        types[name] = program.type
    return tuple(found), types


def _conditions(spec: Mapping[str, Any], version: tuple[int, int]) -> tuple[Expression, ...]:
    return tuple(
        Expression(
            _text(condition, "name", ("spec", "matchConditions", index)),
            _compiled(condition, "expression", ("spec", "matchConditions", index), version, {}, BOOL),
        )
        for index, condition in enumerate(_list(spec, "matchConditions", ("spec",)))
    )


def _validations(spec: Mapping[str, Any], version: tuple[int, int], types: Mapping[str, Type]) -> Iterator[Validation]:
    for index, validation in enumerate(_list(spec, "validations", ("spec",))):
        path = ("spec", "validations", index)
        if isinstance(validation, dict):
            _known_fields(validation, _VALIDATION_FIELDS, path)
        program = _compiled(validation, "expression", path, version, types, BOOL)
        tell = None
        if validation.get("messageExpression"):
            tell = _compiled(validation, "messageExpression", path, version, types, STRING)
        message = validation.get("message") or ""
        if not isinstance(message, str):
            raise PolicyError("message is no text", (*path, "message"))
        yield Validation(program, message, tell)


def _audit_annotations(spec: Mapping[str, Any], version: tuple[int, int], types: Mapping[str, Type]) -> None:
    """Check the expressions of audit annotations; they are for the API server's log, no verdict hangs on them."""
    for index, annotation in enumerate(_list(spec, "auditAnnotations", ("spec",))):
        path = ("spec", "auditAnnotations", index)
        _text(annotation, "key", path)
        _compiled(annotation, "valueExpression", path, version, types, None)


def _param_kind(spec: Mapping[str, Any]) -> tuple[str, str] | None:
    value = spec.get("paramKind")
    if value is None:
        return None
    return _text(value, "apiVersion", ("spec", "paramKind")), _text(value, "kind", ("spec", "paramKind"))


def _compiled(
    value: Any, field: str, path: Path, version: tuple[int, int], types: Mapping[str, Type], expect: Type | None
) -> Program:
    source = _text(value, field, path)
    env = kubernetes_environment(version, typed_variables=types)
    try:
        return compile_expression(source, env, expect)
    except CelSourceError as error:
        raise PolicyError(error.message, (*path, field), error.line, error.column, "mend the expression") from error


# fields of any object


def _known_fields(value: Mapping[str, Any], known: frozenset[str], path: Path) -> None:
    for field in value:
        if field not in known:
            raise PolicyError(f"unknown field {field}", (*path, field), next_step="remove it, or correct its name")


def _map(value: Mapping[str, Any], field: str, path: Path) -> Mapping[str, Any]:
    found = value.get(field)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise PolicyError(f"{field} is no map", (*path, field))
    return found


def _list(value: Mapping[str, Any], field: str, path: Path) -> list[Any]:
    found = value.get(field)
    if found is None:
        return []
    if not isinstance(found, list):
        raise PolicyError(f"{field} is no list", (*path, field))
    return found


def _texts(value: Mapping[str, Any], field: str, path: Path) -> list[str]:
    found = _list(value, field, path)
    if not all(isinstance(each, str) for each in found):
        raise PolicyError(f"{field} holds something that is no text", (*path, field))
    return found


def _text(value: Any, field: str, path: Path) -> str:
    found = value.get(field) if isinstance(value, dict) else None
    if not isinstance(found, str) or not found:
        raise PolicyError(f"{field} is missing or no text", path)
    return found


def _one_of(value: Mapping[str, Any], field: str, words: tuple[str, ...], default: str, path: Path = ("spec",)) -> str:
    found = value.get(field)
    if found is None:
        return default
    if found not in words:
        raise PolicyError(f"{field} is {found!r}, not one of {', '.join(words)}", (*path, field))
    return str(found)
