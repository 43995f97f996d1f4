"""Kubernetes quantities: `100m`, `1.5Gi`, `1e3`, as apimachinery's resource.Quantity reads, keeps and adds them."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import total_ordering

MAX_QUANTITY_CHARS = 1_000  # the longest that has a meaning has about 30
MAX_EXPONENT = 5_000  # far beyond every quantity that can be stored
INT64_MAX = 2**63 - 1

_QUANTITY = re.compile(r"([-+]?)0*([0-9]*)(?:\.([0-9]*))?(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][-+]?[0-9]+|)\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SMALL_DIGITS = 18  # decimal digits that always fit an int64
_NANO = -9  # the finest that is kept, a power of ten


class QuantityError(ValueError):
    """A text that is no quantity."""


@total_ordering
class Quantity:
    """An exact amount: digits times ten to the power of exponent.

    small: kept as an int64 and its power of ten, as most are; the others are kept as big decimals. The API server
    calls only small ones integers, so `1Gi` is one and `1Pi`, whose digits are counted less exactly, is none.
    """

    __slots__ = ("digits", "exponent", "small")

    def __init__(self, digits: int, exponent: int = 0, small: bool = True) -> None:
        self.digits = digits
        self.exponent = exponent
        self.small = small

    @property
    def amount(self) -> Fraction:
        """The exact value."""
        return Fraction(self.digits) * Fraction(10) ** self.exponent

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and self.amount == other.amount

    def __lt__(self, other: Quantity) -> bool:
        return self.amount < other.amount

    def __hash__(self) -> int:
        return hash(self.amount)

    def __repr__(self) -> str:
        return f"Quantity({self.amount})"

    def as_integer(self) -> int | None:
        """Return the value of a small quantity without decimals as an int64, None for every other."""
        if not self.small or self.exponent < 0:
            return None
        value = self.digits * 10**self.exponent
        return value if -INT64_MAX - 1 <= value <= INT64_MAX else None

    def as_float(self) -> float:
        """Return a double near to the value, rounded where Kubernetes rounds."""
        try:
            number = float(self.digits)
        except OverflowError:
            number = float("inf") if self.digits > 0 else float("-inf")
        return number * float(f"1e{self.exponent}") if self.exponent else number

    def __neg__(self) -> Quantity:
        return Quantity(-self.digits, self.exponent, self.small)

    def __add__(self, other: Quantity) -> Quantity:
        small = self.small and other.small
        if small and not (self.digits and other.digits):
            return self if self.digits else other
        exponent = min(self.exponent, other.exponent)
        shifted = [part.digits * 10 ** (part.exponent - exponent) for part in (self, other)]
        total = sum(shifted)
        return Quantity(
            total, exponent, small and all(-INT64_MAX - 1 <= number <= INT64_MAX for number in (*shifted, total))
        )

    def __sub__(self, other: Quantity) -> Quantity:
        return self + -other


def parse_quantity(text: str) -> Quantity:
    """Return a quantity, rounded up to a billionth as Kubernetes does; raises QuantityError."""
    match = _QUANTITY.match(text) if text and len(text) <= MAX_QUANTITY_CHARS else None
    if not match:
        raise QuantityError(f"{text[:100]!r} is no quantity")
    sign, whole, fraction, suffix = match[1], match[2] or "0", match[3] or "", match[4]
    factor, exponent, digits_left = 1, 0, _SMALL_DIGITS - len(whole) - len(fraction)
    if suffix in _BINARY:
        power = _BINARY[suffix]
        factor = 2**power
        digits_left = -1 if fraction else 15 - len(whole) - power * 3 // 10 - 1
    else:
        exponent = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
        if abs(exponent) > MAX_EXPONENT:
            raise QuantityError(f"{text[:100]!r} is no quantity")
    digits = int(whole + fraction) * factor
    exponent -= len(fraction)
    small = digits_left >= 0 and exponent >= _NANO and digits <= INT64_MAX
    if not small:
        if not any(character.isdigit() for character in text.removesuffix(suffix)):
            raise QuantityError(f"{text[:100]!r} is no quantity")
        digits, exponent = _rounded(digits, exponent)
        if suffix in _BINARY:
            digits = min(digits, INT64_MAX * 10**-exponent)
    return Quantity(-digits if sign == "-" else digits, exponent, small)


def _rounded(digits: int, exponent: int) -> tuple[int, int]:
    """Return digits of billionths, rounded up: who wants some gets some."""
    if not digits:
        return 0, min(exponent, 0)
    if exponent >= _NANO:
        return digits * 10 ** (exponent - _NANO), _NANO
    return -(-digits // 10 ** (_NANO - exponent)), _NANO


def canonical(value: object) -> object:
    """Return the text that Kubernetes writes for a quantity, given as text or number; what is none is left as it is.

    Followed: CanonicalizeBytes of apimachinery: the greatest suffix that leaves an integer, of the kind that was written.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    text = str(value).strip()
    try:
        quantity = parse_quantity(text)
    except QuantityError:
        return value
    suffix = text.lstrip("+-.0123456789")
    if suffix in _BINARY and abs(quantity.amount) >= 1024:
        return _with_suffix(*_reduced(-int(-quantity.amount // 1), 1024), _BINARY_SUFFIXES)
    digits, exponent = _reduced(quantity.digits, 10, quantity.exponent)
    digits, exponent = digits * 10 ** (exponent % 3), exponent - exponent % 3
    if suffix[:1] in ("e", "E") and suffix not in _DECIMAL:
        return f"{digits}e{exponent}" if exponent else str(digits)
    return _with_suffix(digits, exponent, _DECIMAL_SUFFIXES)


_DECIMAL_SUFFIXES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIXES = {0: ""} | {power // 10: suffix for suffix, power in _BINARY.items()}


def _reduced(digits: int, base: int, exponent: int = 0) -> tuple[int, int]:
    """Return digits without factors of a base, which the exponent counts instead."""
    if not digits:
        return 0, 0
    while digits % base == 0:
        digits, exponent = digits // base, exponent + 1
    return digits, exponent


def _with_suffix(digits: int, exponent: int, suffixes: dict[int, str]) -> str:
    """Return the text, with the greatest suffix there is where the exponent goes beyond it."""
    base = 1024 if 1 in suffixes else 10
    fitting = max((each for each in suffixes if each <= exponent), default=0)
    return f"{digits * base ** (exponent - fitting)}{suffixes[fitting]}"
