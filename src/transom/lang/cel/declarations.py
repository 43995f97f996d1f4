"""Every function that CEL and its libraries declare, with the types it takes and gives.

A signature reads `receiver.name(parameters) -> result` for a method, `name(parameters) -> result` for a function, whose
name may have a namespace; single capital letters stand for any type. Read from the CEL language definition, cel-go's
extensions and Kubernetes' `pkg/cel/library`; tables are parsed only as far as an expression names their functions.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct

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
)

if TYPE_CHECKING:
    from collections.abc import Iterator


class Overload(Struct, frozen=True):
    """One way to call a function; a method's receiver is its first parameter."""

    function: str
    params: tuple[Type, ...]
    result: Type
    method: bool = False

    def __str__(self) -> str:
        shown = list(map(str, self.params))
        receiver = f"{shown.pop(0)}." if self.method else ""
        return f"{receiver}{self.function}({', '.join(shown)}) -> {self.result}"


_STANDARD = """
!_(bool) -> bool
_&&_(bool, bool) -> bool
_||_(bool, bool) -> bool
_?_:_(bool, A, A) -> A
_==_(A, A) -> bool
_!=_(A, A) -> bool
@in(A, list(A)) -> bool
@in(A, map(A, B)) -> bool
_[_](list(A), int) -> A
_[_](map(A, B), A) -> B
-_(int) -> int
-_(double) -> double
_+_(int, int) -> int
_+_(uint, uint) -> uint
_+_(double, double) -> double
_+_(string, string) -> string
_+_(bytes, bytes) -> bytes
_+_(list(A), list(A)) -> list(A)
_+_(timestamp, duration) -> timestamp
_+_(duration, timestamp) -> timestamp
_+_(duration, duration) -> duration
_-_(int, int) -> int
_-_(uint, uint) -> uint
_-_(double, double) -> double
_-_(timestamp, timestamp) -> duration
_-_(timestamp, duration) -> timestamp
_-_(duration, duration) -> duration
_*_(int, int) -> int
_*_(uint, uint) -> uint
_*_(double, double) -> double
_/_(int, int) -> int
_/_(uint, uint) -> uint
_/_(double, double) -> double
_%_(int, int) -> int
_%_(uint, uint) -> uint
size(string) -> int
size(bytes) -> int
size(list(A)) -> int
size(map(A, B)) -> int
string.size() -> int
bytes.size() -> int
list(A).size() -> int
map(A, B).size() -> int
type(A) -> type(A)
dyn(A) -> dyn
bool(bool) -> bool
bool(string) -> bool
bytes(bytes) -> bytes
bytes(string) -> bytes
double(double) -> double
double(int) -> double
double(string) -> double
double(uint) -> double
duration(duration) -> duration
duration(string) -> duration
int(int) -> int
int(double) -> int
int(duration) -> int
int(string) -> int
int(timestamp) -> int
int(uint) -> int
string(string) -> string
string(bool) -> string
string(bytes) -> string
string(double) -> string
string(duration) -> string
string(int) -> string
string(timestamp) -> string
string(uint) -> string
timestamp(timestamp) -> timestamp
timestamp(int) -> timestamp
timestamp(string) -> timestamp
uint(uint) -> uint
uint(double) -> uint
uint(int) -> uint
uint(string) -> uint
matches(string, string) -> bool
string.matches(string) -> bool
string.contains(string) -> bool
string.startsWith(string) -> bool
string.endsWith(string) -> bool
timestamp.getFullYear() -> int
timestamp.getFullYear(string) -> int
timestamp.getMonth() -> int
timestamp.getMonth(string) -> int
timestamp.getDayOfYear() -> int
timestamp.getDayOfYear(string) -> int
timestamp.getDayOfMonth() -> int
timestamp.getDayOfMonth(string) -> int
timestamp.getDate() -> int
timestamp.getDate(string) -> int
timestamp.getDayOfWeek() -> int
timestamp.getDayOfWeek(string) -> int
timestamp.getHours() -> int
timestamp.getHours(string) -> int
timestamp.getMinutes() -> int
timestamp.getMinutes(string) -> int
timestamp.getSeconds() -> int
timestamp.getSeconds(string) -> int
timestamp.getMilliseconds() -> int
timestamp.getMilliseconds(string) -> int
duration.getHours() -> int
duration.getMinutes() -> int
duration.getSeconds() -> int
duration.getMilliseconds() -> int
"""

_OPTIONAL = """
optional.of(A) -> optional(A)
optional.ofNonZeroValue(A) -> optional(A)
optional.none() -> optional(A)
optional(A).value() -> A
optional(A).hasValue() -> bool
optional(A).or(optional(A)) -> optional(A)
optional(A).orValue(A) -> A
_[_](optional(list(A)), int) -> optional(A)
_[_](optional(map(A, B)), A) -> optional(B)
_[?_](list(A), int) -> optional(A)
_[?_](optional(list(A)), int) -> optional(A)
_[?_](map(A, B), A) -> optional(B)
_[?_](optional(map(A, B)), A) -> optional(B)
"""

_OPTIONAL_2 = """
list(A).first() -> optional(A)
list(A).last() -> optional(A)
optional.unwrap(list(optional(A))) -> list(A)
list(optional(A)).unwrapOpt() -> list(A)
"""

_STRINGS = """
string.charAt(int) -> string
string.indexOf(string) -> int
string.indexOf(string, int) -> int
string.lastIndexOf(string) -> int
string.lastIndexOf(string, int) -> int
string.lowerAscii() -> string
string.replace(string, string) -> string
string.replace(string, string, int) -> string
string.split(string) -> list(string)
string.split(string, int) -> list(string)
string.substring(int) -> string
string.substring(int, int) -> string
string.trim() -> string
string.upperAscii() -> string
list(string).join() -> string
list(string).join(string) -> string
"""

_STRINGS_2 = """
string.format(list(dyn)) -> string
strings.quote(string) -> string
"""

_STRINGS_3 = """
string.reverse() -> string
"""

_SETS = """
sets.contains(list(A), list(A)) -> bool
sets.equivalent(list(A), list(A)) -> bool
sets.intersects(list(A), list(A)) -> bool
"""

_EXTENDED_LISTS = """
list(A).slice(int, int) -> list(A)
list(list(A)).flatten() -> list(A)
list(dyn).flatten(int) -> list(dyn)
lists.range(int) -> list(int)
list(A).distinct() -> list(A)
list(A).reverse() -> list(A)
list(int).sort() -> list(int)
list(uint).sort() -> list(uint)
list(double).sort() -> list(double)
list(bool).sort() -> list(bool)
list(duration).sort() -> list(duration)
list(timestamp).sort() -> list(timestamp)
list(string).sort() -> list(string)
list(bytes).sort() -> list(bytes)
"""

_MATH = """
math.ceil(double) -> double
math.floor(double) -> double
math.round(double) -> double
math.trunc(double) -> double
math.isInf(double) -> bool
math.isNaN(double) -> bool
math.isFinite(double) -> bool
math.sqrt(int) -> double
math.sqrt(uint) -> double
math.sqrt(double) -> double
math.abs(int) -> int
math.abs(uint) -> uint
math.abs(double) -> double
math.sign(int) -> int
math.sign(uint) -> uint
math.sign(double) -> double
math.bitAnd(int, int) -> int
math.bitAnd(uint, uint) -> uint
math.bitOr(int, int) -> int
math.bitOr(uint, uint) -> uint
math.bitXor(int, int) -> int
math.bitXor(uint, uint) -> uint
math.bitNot(int) -> int
math.bitNot(uint) -> uint
math.bitShiftLeft(int, int) -> int
math.bitShiftLeft(uint, int) -> uint
math.bitShiftRight(int, int) -> int
math.bitShiftRight(uint, int) -> uint
"""

_ENCODERS = """
base64.encode(bytes) -> string
base64.decode(string) -> bytes
"""

_URLS = """
url(string) -> URL
isURL(string) -> bool
URL.getScheme() -> string
URL.getHost() -> string
URL.getHostname() -> string
URL.getPort() -> string
URL.getEscapedPath() -> string
URL.getQuery() -> map(string, list(string))
"""

_REGEX = """
string.find(string) -> string
string.findAll(string) -> list(string)
string.findAll(string, int) -> list(string)
"""

_KUBERNETES_LISTS = """
list(int).isSorted() -> bool
list(uint).isSorted() -> bool
list(double).isSorted() -> bool
list(bool).isSorted() -> bool
list(duration).isSorted() -> bool
list(timestamp).isSorted() -> bool
list(string).isSorted() -> bool
list(bytes).isSorted() -> bool
list(int).sum() -> int
list(uint).sum() -> uint
list(double).sum() -> double
list(duration).sum() -> duration
list(int).min() -> int
list(uint).min() -> uint
list(double).min() -> double
list(bool).min() -> bool
list(duration).min() -> duration
list(timestamp).min() -> timestamp
list(string).min() -> string
list(bytes).min() -> bytes
list(int).max() -> int
list(uint).max() -> uint
list(double).max() -> double
list(bool).max() -> bool
list(duration).max() -> duration
list(timestamp).max() -> timestamp
list(string).max() -> string
list(bytes).max() -> bytes
list(A).indexOf(A) -> int
list(A).lastIndexOf(A) -> int
"""

_KUBERNETES_LISTS_1 = """
dyn.includes(dyn) -> bool
"""

_QUANTITY = """
quantity(string) -> Quantity
isQuantity(string) -> bool
sign(Quantity) -> int
Quantity.isInteger() -> bool
Quantity.asInteger() -> int
Quantity.asApproximateFloat() -> double
Quantity.add(Quantity) -> Quantity
Quantity.add(int) -> Quantity
Quantity.sub(Quantity) -> Quantity
Quantity.sub(int) -> Quantity
Quantity.isLessThan(Quantity) -> bool
Quantity.isGreaterThan(Quantity) -> bool
Quantity.compareTo(Quantity) -> int
"""

_NETWORK = """
ip(string) -> IP
isIP(string) -> bool
ip.isCanonical(string) -> bool
string(IP) -> string
IP.family() -> int
IP.isUnspecified() -> bool
IP.isLoopback() -> bool
IP.isLinkLocalMulticast() -> bool
IP.isLinkLocalUnicast() -> bool
IP.isGlobalUnicast() -> bool
cidr(string) -> CIDR
isCIDR(string) -> bool
string(CIDR) -> string
CIDR.containsIP(string) -> bool
CIDR.containsIP(IP) -> bool
CIDR.containsCIDR(string) -> bool
CIDR.containsCIDR(CIDR) -> bool
CIDR.ip() -> IP
CIDR.masked() -> CIDR
CIDR.prefixLength() -> int
"""

_FORMAT = """
format.named(string) -> optional(Format)
format.dns1123Label() -> Format
format.dns1123Subdomain() -> Format
format.dns1035Label() -> Format
format.qualifiedName() -> Format
format.dns1123LabelPrefix() -> Format
format.dns1123SubdomainPrefix() -> Format
format.dns1035LabelPrefix() -> Format
format.labelValue() -> Format
format.uri() -> Format
format.uuid() -> Format
format.byte() -> Format
format.date() -> Format
format.datetime() -> Format
Format.validate(string) -> optional(list(string))
"""

_SEMVER = """
semver(string) -> Semver
semver(string, bool) -> Semver
isSemver(string) -> bool
isSemver(string, bool) -> bool
Semver.major() -> int
Semver.minor() -> int
Semver.patch() -> int
Semver.isLessThan(Semver) -> bool
Semver.isGreaterThan(Semver) -> bool
Semver.compareTo(Semver) -> int
"""

_AUTHORIZER = """
Authorizer.path(string) -> PathCheck
Authorizer.group(string) -> GroupCheck
Authorizer.serviceAccount(string, string) -> Authorizer
GroupCheck.resource(string) -> ResourceCheck
PathCheck.check(string) -> Decision
ResourceCheck.subresource(string) -> ResourceCheck
ResourceCheck.namespace(string) -> ResourceCheck
ResourceCheck.name(string) -> ResourceCheck
ResourceCheck.check(string) -> Decision
Decision.allowed() -> bool
Decision.errored() -> bool
Decision.error() -> string
Decision.reason() -> string
"""

_AUTHORIZER_SELECTORS = """
ResourceCheck.fieldSelector(string) -> ResourceCheck
ResourceCheck.labelSelector(string) -> ResourceCheck
"""

_JSON_PATCH = """
jsonpatch.escapeKey(string) -> string
"""


def _comparisons(pairs: list[tuple[str, str]]) -> str:
    return "".join(f"{sign}({a}, {b}) -> bool\n" for sign in ("_<_", "_<=_", "_>_", "_>=_") for a, b in pairs)


_ORDERED = ("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration")
_NUMBERS = ("int", "uint", "double")


def _extremes() -> str:
    """Write the signatures of math.greatest and math.least; more than two arguments are checked as one list."""
    lines: list[str] = []
    for name in ("math.greatest", "math.least"):
        for number in _NUMBERS:
            lines += [f"{name}({number}) -> {number}", f"{name}(list({number})) -> {number}"]
            lines += [f"{name}({number}, {other}) -> {number if number == other else 'dyn'}" for other in _NUMBERS]
    return "\n".join(lines)


EVER = (1, 0)  # there since CEL came to Kubernetes
_TABLES: dict[str, tuple[tuple[int, int], str]] = {
    "standard": (EVER, _STANDARD + _comparisons([(kind, kind) for kind in _ORDERED])),
    "cross-type": ((1, 28), _comparisons([(a, b) for a in _NUMBERS for b in _NUMBERS if a != b])),
    "optional": ((1, 28), _OPTIONAL),
    "optional-2": ((1, 34), _OPTIONAL_2),
    "strings": (EVER, _STRINGS),
    "strings-2": ((1, 29), _STRINGS_2),
    "sets": ((1, 29), _SETS),
    "two-variable": ((1, 32), ""),
    "lists": ((1, 34), _EXTENDED_LISTS),
    "urls": (EVER, _URLS),
    "regex": (EVER, _REGEX),
    "kubernetes-lists": (EVER, _KUBERNETES_LISTS),
    "kubernetes-lists-1": ((1, 37), _KUBERNETES_LISTS_1),
    "authorizer": ((1, 27), _AUTHORIZER),
    "authorizer-selectors": ((1, 31), _AUTHORIZER_SELECTORS),
    "quantity": ((1, 28), _QUANTITY),
    "network": ((1, 30), _NETWORK),
    "format": ((1, 31), _FORMAT),
    "semver": ((1, 33), _SEMVER),
    "json-patch": ((1, 32), _JSON_PATCH),
    # the rest is CEL's own, but not a part of Kubernetes
    "strings-3": (EVER, _STRINGS_3),
    "math": (EVER, _MATH + _extremes()),
    "encoders": (EVER, _ENCODERS),
    "bindings": (EVER, ""),
}
SINCE = {library: since for library, (since, _) in _TABLES.items()}
"""Each library, and the Kubernetes minor from which it exists."""

_NAMED: dict[str, Type] = {
    "dyn": DYN,
    "bool": BOOL,
    "int": INT,
    "uint": UINT,
    "double": DOUBLE,
    "string": STRING,
    "bytes": BYTES,
    "null": NULL,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
    "Quantity": QUANTITY,
    "URL": URL,
    "IP": IP,
    "CIDR": CIDR,
    "Semver": SEMVER,
    "Format": FORMAT,
    "Authorizer": AUTHORIZER,
    "PathCheck": PATH_CHECK,
    "GroupCheck": GROUP_CHECK,
    "ResourceCheck": RESOURCE_CHECK,
    "Decision": DECISION,
}
_SIGNATURE = re.compile(
    r"(?P<name>[^()]+?|.*\)\.\w+)\((?P<params>(?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\) -> (?P<result>.+)"
)
_TYPE_PIECE = re.compile(r"\w+|[(),]")


@cache
def _lines(library: str) -> dict[str, list[str]]:
    """Return a library's signatures by function name, not yet parsed."""
    by_name: dict[str, list[str]] = {}
    for line in _TABLES[library][1].split("\n"):
        if line:
            by_name.setdefault(_called(line), []).append(line)
    return by_name


def _called(signature: str) -> str:
    """Return the name that a call of this signature has: its namespace is part of it, its receiver is not."""
    match = _SIGNATURE.fullmatch(signature)
    assert match is not None, signature
    receiver, dot, name = match["name"].rpartition(".")
    return name if _is_type(receiver) else f"{receiver}{dot}{name}"


def _is_type(text: str) -> bool:
    return text.endswith(")") or text in _NAMED


@cache
def overloads(library: str, function: str) -> tuple[Overload, ...]:
    """Return the ways in which a library lets a function be called; none where it does not know it."""
    return tuple(_overload(line) for line in _lines(library).get(function, ()))


def _overload(signature: str) -> Overload:
    match = _SIGNATURE.fullmatch(signature)
    assert match is not None, signature
    receiver, _, _ = match["name"].rpartition(".")
    method = _is_type(receiver)
    params = _types(match["params"])
    return Overload(
        function=_called(signature),
        params=(_types(receiver)[0], *params) if method else params,
        result=_types(match["result"])[0],
        method=method,
    )


def _types(text: str) -> tuple[Type, ...]:
    """Read types separated by commas."""
    pending = iter(_TYPE_PIECE.findall(text))
    return tuple(_several(pending))


def _several(pending: Iterator[str]) -> list[Type]:
    found: list[Type] = []
    name = ""
    for piece in pending:
        if piece == "(":
            found.append(_composed(name, _several(pending)))
            name = ""
        elif piece in (",", ")"):
            if name:
                found.append(_simple(name))
                name = ""
            if piece == ")":
                return found
        else:
            name = piece
    return [*found, _simple(name)] if name else found


def _simple(name: str) -> Type:
    return _NAMED.get(name) or TypeParam(name)


def _composed(name: str, inner: list[Type]) -> Type:
    if name == "map":
        return MapType(inner[0], inner[1])
    return {"list": ListType, "optional": OptionalType, "type": TypeType}[name](inner[0])
