"""Kubernetes' authorizer: a question is built step by step, `check` asks it of whoever decides.

The activation's `authorizer` is an Authorizer around a callable that takes a Question and returns a Decision. Where
nobody can decide (files), it is an Unknown instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom.lang.cel.library.standard import refuse


class Question(Struct, frozen=True):
    """May somebody do something? user: None for who sends the request, else a service account as namespace and name."""

    verb: str = ""
    path: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""
    label_selector: str = ""
    service_account: tuple[str, str] | None = None


NOTHING_ASKED = Question()


class Decision:
    """What was decided."""

    __slots__ = ("allowed", "error", "reason")
    cel_type = "kubernetes.authorization.Decision"

    def __init__(self, allowed: bool, reason: str = "", error: str = "") -> None:
        self.allowed = allowed
        self.reason = reason
        self.error = error


Decider = Callable[[Question], Decision]


class _Step:
    """A question on its way: who decides it, and what is known of it so far."""

    __slots__ = ("decide", "question")
    cel_type = ""

    def __init__(self, decide: Decider, question: Question = NOTHING_ASKED) -> None:
        self.decide = decide
        self.question = question


class Authorizer(_Step):
    """Where every question starts."""

    __slots__ = ()
    cel_type = "kubernetes.authorization.Authorizer"


class PathCheck(_Step):
    """A question about a path that is no resource."""

    __slots__ = ()
    cel_type = "kubernetes.authorization.PathCheck"


class GroupCheck(_Step):
    """A question about an API group."""

    __slots__ = ()
    cel_type = "kubernetes.authorization.GroupCheck"


class ResourceCheck(_Step):
    """A question about a resource."""

    __slots__ = ()
    cel_type = "kubernetes.authorization.ResourceCheck"


def _next(function: str, step: Any, before: type[_Step], after: type[_Step], **known: Any) -> Any:
    texts = all(isinstance(part, str) for part in known.values())
    if not isinstance(step, before) or not texts:
        raise refuse(function, step)
    return after(step.decide, replace(step.question, **known))


def path_(step: Any, path: Any) -> Any:
    """Ask about a path."""
    return _next("path", step, Authorizer, PathCheck, path=path)


def group_(step: Any, group: Any) -> Any:
    """Ask about an API group."""
    return _next("group", step, Authorizer, GroupCheck, group=group)


def serviceAccount_(step: Any, namespace: Any, name: Any) -> Any:  # noqa: N802 - CEL's own name
    """Ask for a service account instead of who sends the request."""
    if isinstance(step, Authorizer) and isinstance(namespace, str) and isinstance(name, str):
        return Authorizer(step.decide, replace(step.question, service_account=(namespace, name)))
    raise refuse("serviceAccount", step, namespace, name)


def resource_(step: Any, resource: Any) -> Any:
    """Ask about a resource of the group."""
    return _next("resource", step, GroupCheck, ResourceCheck, resource=resource)


def subresource_(step: Any, subresource: Any) -> Any:
    """Ask about a subresource."""
    return _next("subresource", step, ResourceCheck, ResourceCheck, subresource=subresource)


def namespace_(step: Any, namespace: Any) -> Any:
    """Ask within a namespace."""
    return _next("namespace", step, ResourceCheck, ResourceCheck, namespace=namespace)


def name_(step: Any, name: Any) -> Any:
    """Ask about one object."""
    return _next("name", step, ResourceCheck, ResourceCheck, name=name)


def fieldSelector_(step: Any, selector: Any) -> Any:  # noqa: N802 - CEL's own name
    """Ask about objects that a field selector selects."""
    return _next("fieldSelector", step, ResourceCheck, ResourceCheck, field_selector=selector)


def labelSelector_(step: Any, selector: Any) -> Any:  # noqa: N802 - CEL's own name
    """Ask about objects that a label selector selects."""
    return _next("labelSelector", step, ResourceCheck, ResourceCheck, label_selector=selector)


def check_(step: Any, verb: Any) -> Decision:
    """Ask whether a verb is allowed."""
    if isinstance(step, PathCheck | ResourceCheck) and isinstance(verb, str):
        return step.decide(replace(step.question, verb=verb))
    raise refuse("check", step, verb)


def _decision(name: str, value: Any) -> Decision:
    if isinstance(value, Decision):
        return value
    raise refuse(name, value)


def allowed_(value: Any) -> bool:
    """Tell whether it is allowed."""
    return _decision("allowed", value).allowed


def errored_(value: Any) -> bool:
    """Tell whether deciding failed."""
    return bool(_decision("errored", value).error)


def error_(value: Any) -> str:
    """Return why deciding failed, "" where it did not."""
    return _decision("error", value).error


def reason_(value: Any) -> str:
    """Return why it is allowed or not."""
    return _decision("reason", value).reason
