"""How CEL values look in Python.

| CEL | Python |
| --- | --- |
| null, bool, int, double, string, bytes | None, bool, int, float, str, bytes |
| uint | UInt, an int that remembers its type |
| list | list or tuple |
| map | dict; keys are str, int or UInt, and bool keys are BOOL_KEYS[...], because True == 1 in Python |
| timestamp, duration | Timestamp, Duration, both in whole nanoseconds |
| optional | Optional |
| type | Type |
| message literals (`Object{}`, `JSONPatch{}`) | Message |
| quantity, url, ip, cidr, semver, … | classes of their libraries, each with a `cel_type` class attribute |

Data from YAML or JSON is used as it is: no conversion before an evaluation, which is most of the speed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from transom.lang.cel.errors import CannotKnow, EvaluationError, NoSuchOverload

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
UINT_MAX = 2**64 - 1


class UInt(int):
    """An unsigned integer of 64 bits; compares and hashes as the number it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


class _Nanoseconds:
    """A whole number of nanoseconds with a meaning; equal and ordered within its own class only."""

    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __eq__(self, other: object) -> bool:
        return other.__class__ is self.__class__ and self.nanoseconds == other.nanoseconds

    def __hash__(self) -> int:
        return hash((self.__class__, self.nanoseconds))

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.nanoseconds})"


class Timestamp(_Nanoseconds):
    """A point in time, in nanoseconds since 1970 in UTC; years 1 to 9999."""

    __slots__ = ()
    cel_type = "google.protobuf.Timestamp"


class Duration(_Nanoseconds):
    """A span of time in nanoseconds; what fits 64 bits."""

    __slots__ = ()
    cel_type = "google.protobuf.Duration"


class Type:
    """A type as a value, by its name."""

    __slots__ = ("name",)
    cel_type = "type"

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Type) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"Type({self.name!r})"


_ABSENT: Any = object()


class Optional:
    """A value that may be absent: Optional() is absent, Optional(None) holds null."""

    __slots__ = ("_value",)
    cel_type = "optional_type"

    def __init__(self, value: Any = _ABSENT) -> None:
        self._value = value

    @property
    def present(self) -> bool:
        """Whether there is a value."""
        return self._value is not _ABSENT

    @property
    def value(self) -> Any:
        """The value; raises EvaluationError where there is none."""
        if self._value is _ABSENT:
            raise EvaluationError("optional.none() dereference")
        return self._value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Optional) or self.present != other.present:
            return False
        return not self.present or equal(self._value, other._value)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Optional({self._value!r})" if self.present else "Optional()"


NONE = Optional()


class Message(dict[str, Any]):
    """A message literal such as `Object{…}`: its fields, and the name of its type."""

    __slots__ = ("cel_type",)

    def __init__(self, type_name: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.cel_type = type_name


class Unknown:
    """A value that is not known here, such as who sends a request; touching it raises CannotKnow."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what

    def __eq__(self, other: object) -> bool:
        raise CannotKnow(self.what)  # Python's own answer would be False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Unknown({self.what!r})"


class _BoolKey:
    """A bool as a map key, which must not be equal to 0 or 1."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"key {str(self.value).lower()}"


BOOL_KEYS = {False: _BoolKey(False), True: _BoolKey(True)}
"""What stands for a bool as a map key."""

_TYPE_NAMES: dict[type, str] = {
    type(None): "null_type",
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    tuple: "list",
    dict: "map",
}


def type_name(value: object) -> str:
    """Return the name of a value's type; raises CannotKnow for an Unknown."""
    name = _TYPE_NAMES.get(value.__class__)
    if name is not None:
        return name
    if isinstance(value, Unknown):
        raise CannotKnow(value.what)
    known = getattr(value, "cel_type", None)
    return known if isinstance(known, str) else "map" if isinstance(value, dict) else value.__class__.__name__


def type_of(value: object) -> Type:
    """Return a value's type as a value."""
    return Type(type_name(value))


def map_key(key: object) -> object:
    """Return a CEL value as the key of a Python dict; raises NoSuchOverload for what cannot be a key."""
    kind = key.__class__
    if kind is str or kind is int or kind is UInt or kind is _BoolKey:
        return key
    if kind is bool:
        return BOOL_KEYS[bool(key)]
    if kind is float and float(key).is_integer():  # type: ignore[arg-type]
        return int(key)  # type: ignore[call-overload]
    if kind is float:
        return _ABSENT  # no key of a map is a fraction
    raise NoSuchOverload(f"{type_name(key)} cannot be a map key")


def from_key(key: object) -> object:
    """Return the CEL value that a key of a Python dict stands for."""
    return key.value if isinstance(key, _BoolKey) else key


def is_number(value: object) -> bool:
    """Tell whether a value is an int, uint or double; a bool is none."""
    return isinstance(value, int | float) and value.__class__ is not bool


def _order_numbers(left: Any, right: Any) -> int | None:
    """Compare as cel-go does: an integer beside a double is made a double, where it is in range."""
    if left.__class__ is float or right.__class__ is float:
        left, right = float(left), float(right)
        if left != left or right != right:
            return None
    return int(left > right) - int(left < right)


def equal(left: Any, right: Any) -> bool:
    """CEL's `==`: numbers by value whatever their types, True is not 1, NaN equals nothing; never an error."""
    if left.__class__ is Unknown or right.__class__ is Unknown:
        raise CannotKnow((left if left.__class__ is Unknown else right).what)
    if is_number(left) and is_number(right):
        return _order_numbers(left, right) == 0
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        if type_name(left) != type_name(right) or len(left) != len(right):
            return False
        return all(key in right and equal(value, right[key]) for key, value in left.items())
    if left.__class__ is not right.__class__:
        return False
    return bool(left == right)


def order(left: Any, right: Any) -> int | None:
    """Return -1, 0 or 1 as left is less than, equal to or greater than right; None beside NaN.

    Raises NoSuchOverload for values that have no order among each other.
    """
    if is_number(left) and is_number(right):
        return _order_numbers(left, right)
    kind = left.__class__
    if kind is right.__class__:
        if kind in (str, bytes, bool):
            return int(left > right) - int(left < right)
        if isinstance(left, _Nanoseconds):
            return int(left.nanoseconds > right.nanoseconds) - int(left.nanoseconds < right.nanoseconds)
    raise NoSuchOverload(f"no order between {type_name(left)} and {type_name(right)}")


def checked_int(value: int) -> int:
    """Return an int that fits 64 bits; raises EvaluationError for one that does not."""
    if INT_MIN <= value <= INT_MAX:
        return value
    raise EvaluationError("integer overflow")


def checked_uint(value: int) -> UInt:
    """Return a uint that fits 64 bits; raises EvaluationError for one that does not."""
    if 0 <= value <= UINT_MAX:
        return UInt(value)
    raise EvaluationError("unsigned integer overflow")


def elements(value: Any) -> Iterator[Any]:
    """Yield what a comprehension over one variable runs over: elements of a list, keys of a map."""
    if isinstance(value, list | tuple):
        return iter(value)
    if isinstance(value, dict) and not isinstance(value, Message):
        return map(from_key, value)
    raise NoSuchOverload(f"{type_name(value)} is neither list nor map")


def pairs(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what a comprehension over two variables runs over: index and element, key and value."""
    if isinstance(value, list | tuple):
        return iter(enumerate(value))
    if isinstance(value, dict) and not isinstance(value, Message):
        return ((from_key(key), each) for key, each in value.items())
    raise NoSuchOverload(f"{type_name(value)} is neither list nor map")
