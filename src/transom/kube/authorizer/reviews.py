"""SubjectAccessReviews: a question as JSON in, the same with the API server's answer in `status` out."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from transom.kube.authorizer.index import Authorizer
from transom.kube.authorizer.questions import Question, User
from transom.kube.authorizer.versions import has
from transom.kube.selectors import parse_selector
from transom.model.errors import UsageError
from transom.model.limits import MAX_DOCUMENT_BYTES

API_VERSION = "authorization.k8s.io/v1"
KINDS = ("SubjectAccessReview", "LocalSubjectAccessReview")
MAX_REVIEW_BYTES = MAX_DOCUMENT_BYTES  # of a request to an API server, which takes 3 MB


class MalformedError(ValueError):
    """A review that the API server does not take; the message says why."""


def answer(authorizer: Authorizer, line: bytes) -> tuple[dict[str, Any], bool]:
    """Return the answer to one review, and whether it was one: an error stands in the status of what is none.

    Groups are taken literally: nobody is authenticated here, so none are added.
    """
    value: Any = None
    try:
        value = _decoded(line)
        review = _review(value)
        question, problems = _question(review.spec, has(authorizer.version, "AuthorizeWithSelectors"))
    except MalformedError as error:
        kept = value if isinstance(value, dict) else {"apiVersion": API_VERSION, "kind": KINDS[0]}
        return {**kept, "status": {"allowed": False, "evaluationError": str(error)}}, False
    user = User(review.spec.user or "", tuple(review.spec.groups or ()))
    decision = authorizer.decide(user, question)
    status: dict[str, Any] = {"allowed": decision.allowed}
    if decision.reason:
        status["reason"] = decision.reason
    if problems:
        status["evaluationError"] = "; ".join(problems)
    return {**value, "status": status}, True


def _decoded(line: bytes) -> Any:
    if len(line) > MAX_REVIEW_BYTES:
        raise MalformedError(f"the line is longer than {MAX_REVIEW_BYTES:,} bytes")
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise MalformedError(f"no JSON: {error}") from error


# as the review is written; null is the same as nothing


class _Requirement(Struct):
    key: str | None = None
    operator: str | None = None
    values: list[str] | None = None


class _Selector(Struct, rename="camel"):
    raw_selector: str | None = None
    requirements: list[_Requirement] | None = None


class _Resource(Struct, rename="camel"):
    namespace: str | None = None
    verb: str | None = None
    group: str | None = None
    version: str | None = None
    resource: str | None = None
    subresource: str | None = None
    name: str | None = None
    field_selector: _Selector | None = None
    label_selector: _Selector | None = None


class _Path(Struct):
    path: str | None = None
    verb: str | None = None


class _Spec(Struct, rename="camel"):
    resource_attributes: _Resource | None = None
    non_resource_attributes: _Path | None = None
    user: str | None = None
    groups: list[str] | None = None
    uid: str | None = None
    extra: dict[str, list[str]] | None = None


class _Review(Struct, rename="camel"):
    api_version: str | None = None
    kind: str | None = None
    metadata: dict[str, Any] | None = None
    spec: _Spec = msgspec.field(default_factory=_Spec)


def _review(value: Any) -> _Review:
    try:
        review = msgspec.convert(value, _Review)
    except msgspec.ValidationError as error:
        raise MalformedError(f"no SubjectAccessReview: {error}") from error
    kind, spec = review.kind or KINDS[0], review.spec
    if (review.api_version or API_VERSION) != API_VERSION or kind not in KINDS:
        raise MalformedError(f"no SubjectAccessReview of {API_VERSION}: {review.api_version} {review.kind}")
    if (spec.resource_attributes is None) is (spec.non_resource_attributes is None):
        raise MalformedError("exactly one of spec.resourceAttributes and spec.nonResourceAttributes must be given")
    if not spec.user and not spec.groups:
        raise MalformedError("at least one of spec.user and spec.groups must be given")
    namespace = _namespace(review)
    if kind == "LocalSubjectAccessReview" and namespace is not None:
        resource = spec.resource_attributes
        if resource is None or (resource.namespace or "") != namespace:
            raise MalformedError("spec.resourceAttributes.namespace must be that of metadata")
    return review


def _namespace(review: _Review) -> str | None:
    """Return the namespace of the metadata; raises MalformedError for anything else that stands there."""
    metadata = {key: each for key, each in (review.metadata or {}).items() if each and key != "managedFields"}
    namespace = metadata.pop("namespace", "") if review.kind == "LocalSubjectAccessReview" else None
    if metadata:
        raise MalformedError("metadata must be empty")
    return namespace


def _question(spec: _Spec, selectors: bool) -> tuple[Question, list[str]]:
    """Return the question, and what the API server says of selectors that it cannot read."""
    resource, problems = spec.resource_attributes, []
    if resource is None:
        path = spec.non_resource_attributes or _Path()
        return Question(path.verb or "", path=path.path or ""), []
    fields: tuple[tuple[str, str, str], ...] = ()
    if selectors:
        for name, selector in (("fieldSelector", resource.field_selector), ("labelSelector", resource.label_selector)):
            _checked(selector, name)
        fields, problem = _fields(resource.field_selector)
        problems = [each for each in (problem, _labels_problem(resource.label_selector)) if each]
    made = Question(
        verb=resource.verb or "",
        group=resource.group or "",
        resource=resource.resource or "",
        subresource=resource.subresource or "",
        namespace=resource.namespace or "",
        name=resource.name or "",
        fields=fields,
    )
    return made, problems


def _checked(selector: _Selector | None, name: str) -> None:
    where = f"spec.resourceAttributes.{name}"
    if selector is None:
        return
    if bool(selector.raw_selector) is bool(selector.requirements):
        raise MalformedError(f"{where}: exactly one of rawSelector and requirements must be given")
    for requirement in selector.requirements or ():
        if not requirement.key:
            raise MalformedError(f"{where}: a requirement has no key")
        values = len(requirement.values or ())
        if (requirement.operator in ("In", "NotIn") and not values) or (
            requirement.operator in ("Exists", "DoesNotExist") and values
        ):
            raise MalformedError(f"{where}: {requirement.operator} with {values} values")


_PARTLY = "spec.resourceAttributes.{} partially ignored due to parse error"
_WHOLLY = "spec.resourceAttributes.{} ignored due to parse error"


def _fields(selector: _Selector | None) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """Return the requirements of a field selector, and what is wrong with it."""
    if selector is None:
        return (), ""
    if selector.raw_selector:
        parsed = parse_fields(selector.raw_selector)
        return (parsed or ()), ("" if parsed is not None else _WHOLLY.format("fieldSelector"))
    found = []
    for requirement in selector.requirements or ():
        operator = {"In": "=", "NotIn": "!="}.get(requirement.operator or "")
        if operator and len(requirement.values or ()) == 1:
            found.append((requirement.key or "", operator, (requirement.values or [""])[0]))
    if len(found) == len(selector.requirements or ()):
        return tuple(found), ""
    return tuple(found), (_PARTLY if found else _WHOLLY).format("fieldSelector")


_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TERM = re.compile(r"((?:[^\\=!]|\\.|!(?!=))*)(!=|==|=)((?:[^\\=]|\\[\\,=])*)\Z", re.DOTALL)


def parse_fields(text: str) -> tuple[tuple[str, str, str], ...] | None:
    """Return the requirements of a field selector as typed, `spec.nodeName=a,status.phase!=Running`; None for none.

    Commas, equal signs and backslashes of values are escaped by a backslash (apimachinery's fields.ParseSelector).
    """
    found = []
    for term in re.findall(r"(?:[^\\,]|\\.)+", text, re.DOTALL):
        match = _TERM.match(term)
        if not match:
            return None
        operator = "!=" if match[2] == "!=" else "="
        found.append((match[1], operator, _ESCAPED.sub(r"\1", match[3])))
    return tuple(found)


_LABEL_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def _labels_problem(selector: _Selector | None) -> str:
    if selector is None:
        return ""
    if selector.raw_selector:
        try:
            parse_selector(selector.raw_selector)
        except UsageError:
            return _WHOLLY.format("labelSelector")
        return ""
    requirements = selector.requirements or []
    good = sum(each.operator in _LABEL_OPERATORS for each in requirements)
    if good == len(requirements):
        return ""
    return (_PARTLY if good else _WHOLLY).format("labelSelector")
