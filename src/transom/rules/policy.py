"""What a policy is after loading: plain frozen values, and the compiled programs of its expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from transom.lang.cel import Program
    from transom.model.findings import Rule


class ResourceRule(Struct, frozen=True, cache_hash=True):
    """Which requests a policy is about, in the words of admissionregistration's NamedRuleWithOperations."""

    groups: tuple[str, ...]
    versions: tuple[str, ...]
    operations: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()
    scope: str = "*"


class Match(Struct, frozen=True):
    """matchConstraints of a policy, or matchResources of a binding; selectors are kept as their objects."""

    include: tuple[ResourceRule, ...] = ()
    exclude: tuple[ResourceRule, ...] = ()
    equivalent: bool = True
    namespace_selector: Any = None
    object_selector: Any = None


class Binding(Struct, frozen=True):
    """Where a policy is in force, and with which parameters (the paramRef object, None where there is none)."""

    name: str
    policy: str
    actions: tuple[str, ...] = ("Deny",)
    param_ref: Any = None
    match: Match | None = None


class Expression(Struct, frozen=True):
    """A named expression: a variable or a match condition."""

    name: str
    program: Program


class Validation(Struct, frozen=True):
    """One validation; tell: the compiled messageExpression, where there is one; reason: for the API server's answer."""

    program: Program
    message: str = ""
    tell: Program | None = None
    reason: str = ""


class Policy(Struct, frozen=True):
    """One ValidatingAdmissionPolicy, or what a policy of another engine means as one.

    expands: whether it reaches from pods to every kind with a pod template; ours: whether it is of the built-in pack,
    whose expressions are written for incomplete objects; fail: failurePolicy Fail; params: the parameter objects told
    beside the policy; bindings: none means in force everywhere; audit: what it tells the API server's audit log;
    annotations and labels: of its metadata; file: where it was read; engine: whose policy it is, "" for the API server.
    """

    face: Rule
    match: Match
    validations: tuple[Validation, ...]
    conditions: tuple[Expression, ...] = ()
    variables: tuple[Expression, ...] = ()
    param_kind: tuple[str, str] | None = None
    params: tuple[Any, ...] = ()
    bindings: tuple[Binding, ...] = ()
    fail: bool = True
    expands: bool = False
    ours: bool = False
    expect: str = ""
    audit: tuple[Expression, ...] = ()
    annotations: Any = None
    labels: Any = None
    file: str = ""
    engine: str = ""

    @property
    def id(self) -> str:
        """The rule's id: the policy's name."""
        return self.face.id

    @property
    def window(self) -> str:
        """The window that the rule belongs to."""
        return self.face.window
