"""CEL's static types: what the checker knows of a value before there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator


class Type(Struct, frozen=True):
    """Any static type; one of the classes below."""


class Primitive(Type, frozen=True):
    """A type without parts."""

    name: str

    def __str__(self) -> str:
        return self.name


DYN = Primitive("dyn")
"""Not known before evaluation; goes with everything."""
BOOL = Primitive("bool")
INT = Primitive("int")
UINT = Primitive("uint")
DOUBLE = Primitive("double")
STRING = Primitive("string")
BYTES = Primitive("bytes")
NULL = Primitive("null_type")
TIMESTAMP = Primitive("google.protobuf.Timestamp")
DURATION = Primitive("google.protobuf.Duration")


class ListType(Type, frozen=True):
    """A list of elements of one type."""

    element: Type = DYN

    def __str__(self) -> str:
        return f"list({self.element})"


class MapType(Type, frozen=True):
    """A map from keys of one type to values of one type."""

    key: Type = DYN
    value: Type = DYN

    def __str__(self) -> str:
        return f"map({self.key}, {self.value})"


class OptionalType(Type, frozen=True):
    """A value that may be absent."""

    value: Type = DYN

    def __str__(self) -> str:
        return f"optional_type({self.value})"


class TypeType(Type, frozen=True):
    """The type of a type used as a value, such as `int` in `type(x) == int`."""

    of: Type = DYN

    def __str__(self) -> str:
        return f"type({self.of})"


class WrapperType(Type, frozen=True):
    """A primitive value or null."""

    of: Type

    def __str__(self) -> str:
        return f"wrapper({self.of})"


class Opaque(Type, frozen=True):
    """A type of a library, known by name and parameters only."""

    name: str
    params: tuple[Type, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.params))})" if self.params else self.name


class ObjectType(Type, frozen=True):
    """An object whose fields are declared in the environment under this name."""

    name: str

    def __str__(self) -> str:
        return self.name


class TypeParam(Type, frozen=True):
    """A type that a function's signature leaves open, or that the checker has yet to find out."""

    name: str

    def __str__(self) -> str:
        return self.name


QUANTITY = Opaque("kubernetes.Quantity")
URL = Opaque("kubernetes.URL")
IP = Opaque("net.IP")
CIDR = Opaque("net.CIDR")
SEMVER = Opaque("kubernetes.Semver")
FORMAT = Opaque("kubernetes.NamedFormat")
AUTHORIZER = Opaque("kubernetes.authorization.Authorizer")
PATH_CHECK = Opaque("kubernetes.authorization.PathCheck")
GROUP_CHECK = Opaque("kubernetes.authorization.GroupCheck")
RESOURCE_CHECK = Opaque("kubernetes.authorization.ResourceCheck")
DECISION = Opaque("kubernetes.authorization.Decision")


def parts(of: Type) -> tuple[Type, ...]:
    """Return the types that a type is made of."""
    if isinstance(of, ListType):
        return (of.element,)
    if isinstance(of, MapType):
        return (of.key, of.value)
    if isinstance(of, OptionalType):
        return (of.value,)
    if isinstance(of, TypeType):
        return (of.of,)
    return of.params if isinstance(of, Opaque) else ()


def rebuilt(of: Type, new_parts: Iterator[Type]) -> Type:
    """Return a type of the same form, made of other parts."""
    if isinstance(of, MapType):
        return MapType(next(new_parts), next(new_parts))
    if isinstance(of, ListType | OptionalType | TypeType):
        return type(of)(next(new_parts))
    return Opaque(of.name, tuple(new_parts)) if isinstance(of, Opaque) and of.params else of
