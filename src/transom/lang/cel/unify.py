"""Which types go with which, and what that says of types not yet known: the rules of cel-go's checker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transom.lang.cel.types import (
    DURATION,
    DYN,
    NULL,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    Opaque,
    OptionalType,
    Type,
    TypeParam,
    TypeType,
    WrapperType,
    parts,
    rebuilt,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


class Unifier:
    """What is known of type parameters so far."""

    def __init__(self) -> None:
        self.known: dict[TypeParam, Type] = {}
        self.trail: list[tuple[TypeParam, Type | None]] = []  # what was known before each change, to take it back
        self.made = 0

    def fresh(self) -> TypeParam:
        """Return a type parameter that nothing is known of."""
        self.made += 1
        return TypeParam(f"_{self.made}")

    def instantiate(self, types: Sequence[Type]) -> list[Type]:
        """Return the types of one signature with a fresh parameter for each of its own."""
        renamed: dict[TypeParam, Type] = {}

        def rename(of: Type) -> Type:
            if isinstance(of, TypeParam):
                return renamed.get(of) or renamed.setdefault(of, self.fresh())
            return rebuilt(of, iter([rename(part) for part in parts(of)]))

        return [rename(each) for each in types]

    def assign(self, given: Sequence[Type], wanted: Sequence[Type]) -> bool:
        """Say whether values of the given types fit the wanted ones, and learn from it where they do."""
        if len(given) != len(wanted):
            return False
        self.trail.clear()
        if all(self._fits(g, w) for g, w in zip(given, wanted, strict=True)):
            return True
        for parameter, before in reversed(self.trail):
            if before is None:
                del self.known[parameter]
            else:
                self.known[parameter] = before
        return False

    def _learn(self, parameter: TypeParam, of: Type) -> None:
        self.trail.append((parameter, self.known.get(parameter)))
        self.known[parameter] = of

    def resolved(self, of: Type, final: bool = False) -> Type:
        """Return a type with what is known put in; where final, what stays unknown is dyn."""
        if isinstance(of, TypeParam):
            known = self.known.get(of)
            if known is not None:
                return self.resolved(known, final)
            return DYN if final else of
        inner = parts(of)
        return rebuilt(of, iter([self.resolved(part, final) for part in inner])) if inner else of

    def _fits(self, given: Type, wanted: Type) -> bool:
        if isinstance(wanted, TypeParam):
            valid, has_known = self._substitutes(given, wanted)
            if valid or has_known:
                return valid
        if isinstance(given, TypeParam):
            return self._substitutes(wanted, given)[0]
        if DYN in (given, wanted):
            return True
        if given == NULL:
            return _nullable(wanted)
        if wanted == NULL:
            return _nullable(given)
        if isinstance(given, WrapperType) or isinstance(wanted, WrapperType):
            return _unwrapped(given) == _unwrapped(wanted)
        if isinstance(given, TypeType):
            return isinstance(wanted, TypeType)
        return self._parts_fit(given, wanted)

    def _parts_fit(self, given: Type, wanted: Type) -> bool:
        if type(given) is not type(wanted):
            return False
        if isinstance(given, Opaque) and isinstance(wanted, Opaque) and given.name != wanted.name:
            return False
        inner = parts(given)
        if not inner:
            return given == wanted
        others = parts(wanted)
        return len(inner) == len(others) and all(self._fits(g, w) for g, w in zip(inner, others, strict=True))

    def _substitutes(self, of: Type, parameter: TypeParam) -> tuple[bool, bool]:
        """Say whether a parameter may stand for a type, and whether something was known of the parameter before."""
        if of == parameter:
            return True, True
        known = self.known.get(parameter)
        if known is not None:
            if of == known:
                return True, True
            if not self._fits(of, known):
                return False, True
            general = most_general(of, known)
            if not self._occurs(parameter, general):
                self._learn(parameter, general)
            return True, True
        if self._occurs(parameter, of):
            return False, False
        self._learn(parameter, of)
        return True, False

    def _occurs(self, parameter: TypeParam, within: Type) -> bool:
        if within == parameter:
            return True
        if isinstance(within, TypeParam):
            known = self.known.get(within)
            return known is not None and self._occurs(parameter, known)
        return any(self._occurs(parameter, part) for part in parts(within))


def most_general(first: Type, second: Type) -> Type:
    """Return which of two types that fit each other says less; null gives way to what may be null."""
    if NULL in (first, second):
        return second if first == NULL else first
    return first if _as_general(first, second) else second


def _as_general(first: Type, second: Type) -> bool:
    if first == DYN or isinstance(first, TypeParam):
        return True
    if second == DYN or isinstance(second, TypeParam):
        return False
    if isinstance(first, WrapperType):
        return first.of == _unwrapped(second)
    if isinstance(first, ListType | MapType | OptionalType) and type(first) is type(second):
        return all(_as_general(a, b) for a, b in zip(parts(first), parts(second), strict=True))
    if isinstance(first, Opaque) and isinstance(second, Opaque) and first.name == second.name:
        return len(first.params) == len(second.params) and all(map(_as_general, first.params, second.params))
    return (isinstance(first, TypeType) and isinstance(second, TypeType)) or first == second


def _nullable(of: Type) -> bool:
    return isinstance(of, ObjectType | Opaque | OptionalType | WrapperType) or of in (NULL, DURATION, TIMESTAMP)


def _unwrapped(of: Type) -> Type:
    return of.of if isinstance(of, WrapperType) else of
