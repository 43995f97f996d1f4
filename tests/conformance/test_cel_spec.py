"""Every case of the CEL specification's tests agrees, those apart that need protobuf messages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


def _module(name):
    spec = importlib.util.spec_from_file_location(f"tested_{name}", Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_case_differs(corpora):
    (row,) = _module("cel_spec").run(corpora)
    assert row["differences"] == []
    assert row["agree"] > 1_700
    assert row["cases"] == row["agree"] + sum(row["unsupported"].values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", {}),
        ("a: 1 b: -2.5 c: true # no\n", {"a": [1], "b": [-2.5], "c": ["true"]}),
        ("a { b: 'x' \"y\" } a < >", {"a": [{"b": [b"xy"]}, {}]}),
        ("a: [1, 0x10, 010], b: inf;", {"a": [1, 16, 8], "b": ["inf"]}),
        (r"a: '\n\x41\101\u00e9\?'", {"a": ["\nAAé?".encode()]}),
        ("v { [type.example/a.B] { c: -inf } }", {"v": [{"[type.example/a.B]": [{"c": ["-inf"]}]}]}),
    ],
)
def test_text_format_is_read(text, message):
    assert _module("textproto").parse(text) == message


@pytest.mark.parametrize("text", ["a", "a: ", "a {", "a: }", "}", "a: 'x", "1: 2"])
def test_broken_text_format_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|unreadable"):
        _module("textproto").parse(text)
