"""Kubernetes quantities: `100m`, `1.5Gi`, `1e3`, exactly, as apimachinery's resource.Quantity reads them."""

from __future__ import annotations

import re
from fractions import Fraction

MAX_QUANTITY_CHARS = 100  # the longest that has a meaning has about 30
INT64_MAX = 2**63 - 1

_QUANTITY = re.compile(r"([-+]?)([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][-+]?[0-9]+|)\Z")
_SUFFIXES = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{suffix: Fraction(10 ** (3 * power)) for power, suffix in enumerate("kMGTPE", 1)},
    **{suffix: Fraction(1024**power) for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
MAX_EXPONENT = 100  # far beyond every quantity that can be stored
_NANO = 10**9


class QuantityError(ValueError):
    """A text that is no quantity."""


def parse_quantity(text: str) -> Fraction:
    """Return the exact value of a quantity, rounded up to a billionth as Kubernetes does; raises QuantityError."""
    match = _QUANTITY.match(text) if len(text) <= MAX_QUANTITY_CHARS else None
    if not match:
        raise QuantityError(f"{text[:MAX_QUANTITY_CHARS]!r} is no quantity")
    sign, digits, suffix = match.groups()
    whole, _, fraction = digits.partition(".")
    number = Fraction(int((whole + fraction) or "0"), 10 ** len(fraction))
    if suffix in _SUFFIXES:
        number *= _SUFFIXES[suffix]
    else:
        exponent = int(suffix[1:])
        if abs(exponent) > MAX_EXPONENT:
            raise QuantityError(f"{text!r} is no quantity")
        number *= Fraction(10) ** exponent
    scaled = number * _NANO
    number = Fraction(-(-scaled.numerator // scaled.denominator), _NANO)  # up, away from zero: the sign comes after
    return -number if sign == "-" else number
