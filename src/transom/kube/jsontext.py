"""JSON texts to values, as Kubernetes' own JSON decoder reads them: int64 where an integer fits, else float64."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from transom.kube.scalars import ScalarError, json_float, json_integer
from transom.model.limits import MAX_DEPTH

_BEGIN = re.compile(rb"[ \t\r\n]*(?=\{)")  # behind a marker, and in the form of a list, Kubernetes takes it for YAML
_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class JsonValue(Struct):
    """One value of a text: [start, end) in bytes; repeated: somewhere in it a key stands twice."""

    value: Any
    start: int
    end: int
    repeated: bool


def json_values(text: bytes) -> Iterator[JsonValue]:
    """Yield the maps that a text begins with, one or several behind each other; none where it is no JSON.

    It ends quietly before what is no JSON: YAML's reader is for that, and tells what is wrong and where.
    """
    begin = _BEGIN.match(text)
    if begin is None:
        return
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return
    yield from _Decoder(decoded).values(begin.end())


class _Decoder:
    """The standard decoder, with numbers and lone surrogates as Go has them."""

    def __init__(self, text: str) -> None:
        import json

        self.text = text
        self.surrogates = _SURROGATE.search(text) is not None
        self.repeated = False
        self.decoder = json.JSONDecoder(
            parse_int=json_integer,
            parse_float=json_float,
            parse_constant=_refuse,
            object_pairs_hook=self.pairs,
        )

    def values(self, position: int) -> Iterator[JsonValue]:
        """Yield the values from a position on, as long as there are any."""
        start_byte = position  # before the first value there is nothing but ASCII
        while self.text.startswith("{", position):
            self.repeated = False
            try:
                value, end = self.decoder.raw_decode(self.text, position)
            except (ValueError, RecursionError):
                return
            if too_deep(value):
                return
            end_byte = start_byte + len(self.text[position:end].encode())
            yield JsonValue(
                _without_surrogates(value) if self.surrogates else value, start_byte, end_byte, self.repeated
            )
            space = _SPACE.match(self.text, end)
            position = space.end() if space else end
            start_byte = end_byte + position - end

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make a map of its entries, the last of equal keys winning, and note whether there were such."""
        found = dict(pairs)
        if len(found) != len(pairs):
            self.repeated = True
        return found


def _refuse(text: str) -> Any:
    raise ScalarError(f"{text} is no JSON")


def too_deep(value: Any) -> bool:
    """Tell whether a value is nested deeper than MAX_DEPTH."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def _without_surrogates(value: Any) -> Any:
    """Replace each half of a surrogate pair that lost the other half, as Go does."""
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value
