"""Expressions for a type checker: every declared overload, well called and ill called, and random terms over all of them.

They are the same every time. Terms are written from types down, so that most are well typed; now and then an argument is
of another type than is asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from transom.lang.cel.declarations import Overload, _lines, overloads
from transom.lang.cel.environment import Environment
from transom.lang.cel.types import (
    AUTHORIZER,
    BOOL,
    BYTES,
    CIDR,
    DECISION,
    DOUBLE,
    DURATION,
    DYN,
    FORMAT,
    GROUP_CHECK,
    INT,
    IP,
    NULL,
    PATH_CHECK,
    QUANTITY,
    RESOURCE_CHECK,
    SEMVER,
    STRING,
    TIMESTAMP,
    UINT,
    URL,
    ListType,
    MapType,
    OptionalType,
    Type,
    TypeParam,
    TypeType,
    parts,
    rebuilt,
)

SEED = 1
DEPTH = 3
ILL_TYPED = 0.04  # of the arguments
ATOMS = {
    BOOL: ("true", "false", "has(object.a)", "object.a == 1", "request.operation == 'CREATE'"),
    INT: ("0", "1", "-2", "size(object.a)", "9223372036854775807"),
    UINT: ("0u", "1u"),
    DOUBLE: ("1.5", "-0.5", "1e3"),
    STRING: ("'a'", "''", "request.name", "'1.2.3'", "r'\\d'", "'é'"),
    BYTES: ("b'a'", "b''"),
    NULL: ("null",),
    TIMESTAMP: ("timestamp('2020-01-01T00:00:00Z')",),
    DURATION: ("duration('1h')",),
    DYN: ("object", "object.a", "object.a.b", "params.x", "oldObject.a", "dyn(1)", "object['a']", "object.a[0]"),
    QUANTITY: ("quantity('1Gi')",),
    URL: ("url('https://example.com/a')",),
    IP: ("ip('192.0.2.1')",),
    CIDR: ("cidr('192.0.2.0/24')",),
    SEMVER: ("semver('1.0.0')",),
    FORMAT: ("format.dns1123Label()",),
    AUTHORIZER: ("authorizer",),
    PATH_CHECK: ("authorizer.path('/healthz')",),
    GROUP_CHECK: ("authorizer.group('apps')",),
    RESOURCE_CHECK: ("authorizer.requestResource", "authorizer.group('').resource('pods')"),
    DECISION: ("authorizer.requestResource.check('get')",),
}
PLAIN = tuple(of for of in ATOMS if of is not NULL)
COMMON = (BOOL, INT, STRING, DYN, DOUBLE)
MACROS = (
    (BOOL, "{list}.all({v}, {bool})"),
    (BOOL, "{list}.exists({v}, {bool})"),
    (BOOL, "{list}.exists_one({v}, {bool})"),
    (BOOL, "{map}.all({v}, w, {bool})"),
    (ListType(STRING), "{list}.map({v}, {string})"),
    (ListType(STRING), "{list}.map({v}, {bool}, {string})"),
    (ListType(INT), "[1, 2].filter({v}, {v} > {int})"),
    (ListType(STRING), "{list}.transformList({v}, w, {string})"),
    (BOOL, "cel.bind({v}, {string}, {v} == {string})"),
    (BOOL, "object.?a.optMap({v}, {bool}).orValue({bool})"),
)


def expressions(env: Environment, count: int) -> list[str]:
    """Return at least count different expressions, those over single overloads first."""
    writer = _Writer(env)
    found = dict.fromkeys(writer.calls())
    while len(found) < count:
        found[writer.term(writer.rng.choice(COMMON), DEPTH)] = None
    return list(found)


class _Writer:
    """What has been drawn so far, in a random number generator of its own."""

    def __init__(self, env: Environment) -> None:
        self.rng = random.Random(SEED)
        self.overloads = list(_declared(env))
        self.by_result: dict[Type, list[Overload]] = {}
        for each in self.overloads:
            self.by_result.setdefault(each.result, []).append(each)
        self.names = 0

    def calls(self) -> Iterator[str]:
        """Yield every overload with fitting arguments, then with each argument of some other types."""
        for overload in self.overloads:
            params = self._bound(overload)
            yield _call(overload, [self.term(param, 0) for param in params])
            for index in range(len(params)):
                for other in self.rng.sample(PLAIN, 2):
                    arguments = [self.term(other if at == index else of, 0) for at, of in enumerate(params)]
                    yield _call(overload, arguments)

    def term(self, of: Type, depth: int) -> str:
        """Return a term that should have a type."""
        if depth <= 0 or self.rng.random() < 0.2:
            return self._atom(of)
        macros = [shape for result, shape in MACROS if result == of]
        if macros and self.rng.random() < 0.2:
            return self._macro(self.rng.choice(macros), depth)
        fitting = self.by_result.get(of, [])
        if not fitting:
            return self._atom(of)
        overload = self.rng.choice(fitting)
        return _call(overload, [self._argument(param, depth - 1) for param in self._bound(overload)])

    def _argument(self, of: Type, depth: int) -> str:
        return self.term(self.rng.choice(PLAIN) if self.rng.random() < ILL_TYPED else of, depth)

    def _bound(self, overload: Overload) -> list[Type]:
        """Return the parameters, each open type chosen once for all of them."""
        chosen: dict[str, Type] = {}

        def bound(of: Type) -> Type:
            if isinstance(of, TypeParam):
                return chosen.setdefault(of.name, self.rng.choice(COMMON[:3]))
            return rebuilt(of, map(bound, parts(of)))

        return [bound(param) for param in overload.params]

    def _macro(self, shape: str, depth: int) -> str:
        self.names += 1
        name = f"x{self.names % 7}"
        inner = {of: self.term(of, depth - 1) for of in (BOOL, STRING, INT)}
        of_lists = self.rng.choice(("object.spec.containers", "['a', 'b']", f"[{inner[STRING]}]"))
        words = {"list": of_lists, "map": "object.metadata.labels", "v": name}
        return shape.format(**words, bool=inner[BOOL], string=inner[STRING], int=inner[INT])

    def _atom(self, of: Type) -> str:
        if isinstance(of, ListType):
            return f"[{self._atom(of.element)}, {self._atom(of.element)}]"
        if isinstance(of, MapType):
            key = self._atom(of.key if of.key != DYN else STRING)
            return f"{{{key}: {self._atom(of.value)}}}"
        if isinstance(of, OptionalType):
            return f"optional.of({self._atom(of.value)})"
        if isinstance(of, TypeType):
            return self.rng.choice(("int", "string", f"type({self._atom(INT)})"))
        return self.rng.choice(ATOMS.get(of, ATOMS[DYN]))


def _declared(env: Environment) -> Iterator[Overload]:
    """Yield every overload of an environment, in the order of the tables."""
    for library in sorted(env.libraries):
        for function in _lines(library):
            yield from overloads(library, function)


def _call(overload: Overload, arguments: Sequence[str]) -> str:
    """Write a call as a person does."""
    name = overload.function
    first, *rest = arguments or [""]
    if name in ("!_", "-_"):
        return f"{name[0]}({first})"
    if name == "@in":
        return f"({first} in {rest[0]})"
    if name == "_?_:_":
        return f"({first} ? {rest[0]} : {rest[1]})"
    if name in ("_[_]", "_[?_]"):
        return f"{_receiver(first)}{name[1:-2]}{rest[0]}]"
    if name.startswith("_") and name.endswith("_"):
        return f"({first} {name[1:-1]} {rest[0]})"
    if overload.method:
        return f"{_receiver(first)}.{name}({', '.join(rest)})"
    return f"{name}({', '.join(arguments)})"


def _receiver(text: str) -> str:
    return f"({text})" if text[:1] in "-!0123456789" else text
