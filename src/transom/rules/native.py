"""Our policies and fixes for an API server: what the scan reaches from pods, written into the policy itself.

In the native form a variable holds the pod that an object makes, whatever its kind; every `object` in the expressions
becomes that variable, and the workloads' resources are matched too. So one policy judges pods and templates alike, and
the API server needs to know nothing of Transom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import SERVED_GROUPS, TEMPLATE_PATHS, kind_of
from transom.lang.cel import Program, compile_expression
from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.parser import parse
from transom.lang.cel.syntax import Bind, Comprehension, Field, Ident, Node, Select, StructLiteral
from transom.lang.cel.unparse import unparse
from transom.lang.cel.version import CURRENT
from transom.rules.expand import POD
from transom.rules.fixes import PATCH
from transom.rules.match import could_match
from transom.rules.policy import Expression, Policy, ResourceRule, Validation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from transom.kube.kinds import Kind
    from transom.lang.cel.types import Type
    from transom.model.places import Path
    from transom.rules.fixes import Fix, Mutation

TEMPLATE = "template"  # the variable that says where the pod of an object stands
_OLD_GROUPS = frozenset(("extensions",))  # which no API server serves any more
_WITHOUT_OBJECT = frozenset(("DELETE", "*"))  # operations in which `object` may be null


def native_policy(policy: Policy, version: tuple[int, int] = CURRENT) -> Policy:
    """Return a policy as an API server takes it: with its reach written out where it expands, else as it is."""
    reached = _reached(policy)
    if not reached:
        return policy
    return _Rewriting(policy, reached, version).policy()


def _reached(policy: Policy) -> dict[tuple[str, str], Path]:
    """Return the kinds that a policy reaches through their templates, and where those stand."""
    if not policy.expands or not could_match(policy.match, POD, operation=""):
        return {}
    return {
        (group, kind): path
        for (group, kind), path in TEMPLATE_PATHS.items()
        if path
        and group in SERVED_GROUPS - _OLD_GROUPS
        and not could_match(policy.match, _kind(group, kind), operation="")
    }


def native_fix(fix: Fix, version: tuple[int, int] = CURRENT) -> Fix:
    """Return a fix as an API server takes it: with its reach written out where it expands, else as it is.

    Templates are mended whenever they are written, pods only when they are created: later they cannot be changed.
    """
    reached = _reached(fix.policy)
    if not reached:
        return fix
    rewriting = _Rewriting(fix.policy, reached, version, fix.mutations)
    policy = rewriting.policy()
    known = len(fix.policy.match.include)
    written = tuple(replace(each, operations=("CREATE", "UPDATE")) for each in policy.match.include[known:])
    match = replace(policy.match, include=(*policy.match.include[:known], *written))
    return replace(fix, policy=replace(policy, match=match), mutations=rewriting.mutations(), safe_when=None)


class _Rewriting:
    """One policy on its way to its native form; changes: what a mutating policy does."""

    def __init__(
        self,
        policy: Policy,
        reached: Mapping[tuple[str, str], Path],
        version: tuple[int, int],
        changes: tuple[Mutation, ...] = (),
    ) -> None:
        self.source = policy
        self.reached = reached
        self.version = version
        self.changes = changes
        self.names = {
            root: _fresh(name, {variable.name for variable in policy.variables})
            for root, name in (("object", "pod"), ("oldObject", "oldPod"))
        }
        self.types: dict[str, Type] = {}

    def policy(self) -> Policy:
        """Return the native form."""
        source = self.source
        variables = tuple(self._variables())
        return replace(
            source,
            match=replace(source.match, include=(*source.match.include, *self._workload_rules())),
            conditions=tuple(
                Expression(each.name, self._compiled(unparse(self._inlined(each.program)), variables=False))
                for each in source.conditions
            ),
            variables=variables,
            validations=tuple(map(self._validation, source.validations)),
            audit=tuple(Expression(each.name, self._rewritten(each.program)) for each in source.audit),
            expands=False,
        )

    def _variables(self) -> Iterable[Expression]:
        """Yield the variables of pods that are needed, then the policy's own."""
        own = self.source
        programs = [each.program for each in own.variables + own.audit + self.changes]
        for validation in own.validations:
            programs += [validation.program, *([validation.tell] if validation.tell else [])]
        for root, name in self.names.items():
            if any(_names(program, root) for program in programs):
                yield self._variable(name, self._pod_of(root))
        if any(each.patch_type == PATCH for each in self.changes):
            yield self._variable(TEMPLATE, self._pointer())
        for variable in own.variables:
            yield self._variable(variable.name, unparse(self._replaced(variable.program)))

    def _variable(self, name: str, source: str) -> Expression:
        program = self._compiled(source)
        self.types[name] = program.type
        return Expression(name, program)

    def _validation(self, validation: Validation) -> Validation:
        tell = self._rewritten(validation.tell) if validation.tell else None
        return replace(validation, program=self._rewritten(validation.program), tell=tell)

    def mutations(self) -> tuple[Mutation, ...]:
        """Return what the policy does, to pods and to templates alike."""
        return tuple(replace(each, program=self._changed(each)) for each in self.changes)

    def _changed(self, mutation: Mutation) -> Program:
        node = self._replaced(mutation.program)
        if mutation.patch_type == PATCH:
            return self._compiled(unparse(_below(node, f"variables.{TEMPLATE}")))
        text = unparse(node)
        for path, kinds in self._places().items():
            template = _around(unparse(_typed_below(node, path)), path)
            text = f"object.kind in [{_quoted(kinds)}] ? {template} : {text}"
        return self._compiled(text)

    def _places(self) -> dict[Path, list[str]]:
        """Return the kinds that carry their template in each place."""
        kinds: dict[Path, list[str]] = {}
        for (_, kind), path in self.reached.items():
            kinds.setdefault(path, []).append(kind)
        return kinds

    def _pointer(self) -> str:
        """Return the expression of the JSON Pointer to the pod in the object."""
        text = "''"
        for path, kinds in self._places().items():
            text = f"object.kind in [{_quoted(kinds)}] ? '{''.join(f'/{step}' for step in path)}' : {text}"
        return text

    def _rewritten(self, program: Program) -> Program:
        return self._compiled(unparse(self._replaced(program)))

    def _replaced(self, program: Program) -> Node:
        pods = {root: Select(operand=Ident(name="variables"), field=name) for root, name in self.names.items()}
        node: Node = _with_idents(parse(program.source), pods, frozenset())
        return node

    def _inlined(self, program: Program) -> Node:
        """Return a match condition rewritten; it may not name variables, so the pod is written out in it."""
        pods = {root: parse(self._pod_of(root)) for root in self.names if _names(program, root)}
        node: Node = _with_idents(parse(program.source), pods, frozenset())
        return node

    def _compiled(self, source: str, variables: bool = True) -> Program:
        types = self.types if variables else {}
        env = kubernetes_environment(self.version, typed_variables=types, mutation=bool(self.changes))
        return compile_expression(source, env)

    def _pod_of(self, root: str) -> str:
        """Return the expression of the pod that an object makes, the object itself where its kind makes none."""
        template = self._template_of(root)
        operations = {word for rule in self.source.match.include for word in rule.operations}
        may_be_null = root == "oldObject" or operations & _WITHOUT_OBJECT
        return (  # dyn, because the values of a literal must have one type
            (f"{root} == null ? null :\n" if may_be_null else "")
            + f"{root}.kind in [{_quoted(kind for _, kind in self.reached)}] ? {{\n"
            "  'apiVersion': dyn('v1'),\n"
            "  'kind': dyn('Pod'),\n"
            f"  'metadata': {template}.?metadata.orValue({{}}),\n"
            f"  ?'spec': {template}.?spec\n"
            f"}} : {root}"
        )

    def _template_of(self, root: str) -> str:
        """Return the expression of the template: by kind, where templates stand in several places."""
        kinds = self._places()
        *rare, usual = sorted(kinds, key=lambda path: len(kinds[path]))
        text = ".".join((root, *map(str, usual)))
        for path in rare:
            place = ".".join((root, *map(str, path)))
            text = f"{root}.kind in [{_quoted(kinds[path])}] ? {place} : {text}"
        return f"({text})" if rare else text

    def _workload_rules(self) -> Iterable[ResourceRule]:
        """Return a rule for each group of workloads, for each set of operations that pods are matched in."""
        plurals: dict[str, list[str]] = {}
        for group, kind in self.reached:
            plurals.setdefault(group, []).append(_kind(group, kind).plural)
        source = self.source.match
        rules = [rule for rule in source.include if could_match(replace(source, include=(rule,)), POD, operation="")]
        for operations in dict.fromkeys(rule.operations for rule in rules):
            for group, resources in sorted(plurals.items()):
                yield ResourceRule((group,), ("v1",), operations, tuple(sorted(resources)))


def _kind(group: str, kind: str) -> Kind:
    return kind_of(f"{group}/v1" if group else "v1", kind)


def _quoted(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in dict.fromkeys(kinds))


def _fresh(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _names(program: Program, root: str) -> bool:
    """Tell whether an expression names a variable that no macro of it hides."""
    found: list[bool] = []

    def note(node: Any, bound: frozenset[str]) -> None:
        found.append(isinstance(node, Ident) and node.name == root and root not in bound)

    _walk(parse(program.source), frozenset(), note)
    return any(found)


def _walk(node: Any, bound: frozenset[str], visit: Any) -> None:
    if isinstance(node, tuple):
        for each in node:
            _walk(each, bound, visit)
    elif isinstance(node, Struct):
        visit(node, bound)
        for field, inner in _scopes(node, bound):
            _walk(getattr(node, field), inner, visit)


def _with_idents(node: Any, pods: Mapping[str, Node], bound: frozenset[str]) -> Any:
    """Return a node with root variables replaced wherever no macro's variable hides them."""
    if isinstance(node, tuple):
        return tuple(_with_idents(each, pods, bound) for each in node)
    if not isinstance(node, Struct):
        return node
    if isinstance(node, Ident):
        return node if node.name in bound else pods.get(node.name, node)
    changes = {field: _with_idents(getattr(node, field), pods, inner) for field, inner in _scopes(node, bound)}
    return replace(node, **changes)


def _below(node: Any, pointer: str) -> Any:
    """Return a node whose JSON patches go to what stands at a pointer."""
    if isinstance(node, tuple):
        return tuple(_below(each, pointer) for each in node)
    if not isinstance(node, Struct):
        return node
    changes = {name: _below(getattr(node, name), pointer) for name in node.__struct_fields__}
    made = replace(node, **changes)
    if isinstance(made, Field) and made.name in ("path", "from"):
        return replace(made, value=parse(f"{pointer} + ({unparse(made.value)})"))
    return made


def _typed_below(node: Any, path: Path) -> Any:
    """Return a node whose object literals are of the types that stand at a path."""
    if isinstance(node, tuple):
        return tuple(_typed_below(each, path) for each in node)
    if not isinstance(node, Struct):
        return node
    made = replace(node, **{name: _typed_below(getattr(node, name), path) for name in node.__struct_fields__})
    if isinstance(made, StructLiteral):
        return replace(made, type_name=".".join(("Object", *map(str, path), *made.type_name.split(".")[1:])))
    return made


def _around(text: str, path: Path) -> str:
    """Return the literal of a whole object whose part at a path is the one given."""
    for depth in range(len(path) - 1, -1, -1):
        text = f"{'.'.join(('Object', *map(str, path[:depth])))}{{{path[depth]}: {text}}}"
    return text


def _scopes(node: Struct, bound: frozenset[str]) -> Iterable[tuple[str, frozenset[str]]]:
    """Yield the fields of a node, each with the names that macros hide there."""
    inner, outside = bound, ""
    if isinstance(node, Comprehension):
        inner, outside = bound | {node.var, node.var2}, "range"
    elif isinstance(node, Bind):
        inner, outside = bound | {node.var}, "value"
    for field in node.__struct_fields__:
        if field not in ("start", "end"):
            yield field, bound if field == outside else inner
