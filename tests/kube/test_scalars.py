"""Scalars are what Go's YAML, then JSON, then Kubernetes make of them."""

from __future__ import annotations

import pytest

from transom.kube.scalars import (
    ScalarError,
    is_timestamp,
    json_float,
    json_integer,
    plain_key,
    plain_value,
    tagged_key,
    tagged_value,
)

LONG = "tag:yaml.org,2002:"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0644", 420),
        ("0o14", 12),
        ("0O14", 12),
        ("0x1F", 31),
        ("0X1f", 31),
        ("-0x10", -16),
        ("0b11", 3),
        ("0b-1", -1),
        ("08", 8),
        ("1_000", 1000),
        ("1__0_", 10),
        ("_1", "_1"),
        ("+5", 5),
        ("-0", 0),
        ("1e3", 1000),
        ("1E+2", 100),
        ("1.0", 1),
        ("1.", 1),
        ("-1.5", -1.5),
        (".5", 0.5),
        (".1_0", 0.1),
        ("+.5", 0.5),
        (".", "."),
        ("-", "-"),
        ("..5", "..5"),
        ("1e400", "1e400"),
        ("1e18", 10**18),
        ("1234567890123456789.0", 1234567890123456800),
        ("1e19", 1e19),
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", float(2**63)),
        ("18446744073709551616", float(2**64)),
        ("0xFFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFF"),
        ("y", True),
        ("On", True),
        ("NO", False),
        ("oN", "oN"),
        ("~", None),
        ("Null", None),
        ("nULL", "nULL"),
        ("12:30:45", "12:30:45"),
        ("2001-12-14", "2001-12-14"),
        ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
        ("1.2.3", "1.2.3"),
        ("100m", "100m"),
        ("٣", "٣"),
        (".٣", ".٣"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_a_plain_scalar_is_what_kubernetes_makes_of_it(text: str, expected: object) -> None:
    found = plain_value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".NaN"])
def test_what_json_cannot_write_is_refused(text: str) -> None:
    with pytest.raises(ScalarError, match="JSON"):
        plain_value(text)


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        ("str", "5", "5"),
        ("int", "5", 5),
        ("float", "5", 5),
        ("float", "1.5", 1.5),
        ("bool", "yes", True),
        ("null", "~", None),
        ("timestamp", "2001-12-14", "2001-12-14"),
        ("binary", "aGk=", "hi"),
        ("binary", "/w==", "�"),
        ("binary", "aG\nk=", "hi"),
        ("set", "x", "x"),
    ],
)
def test_a_tag_decides(tag: str, text: str, expected: object) -> None:
    found = tagged_value(LONG + tag, text)
    assert found == expected
    assert type(found) is type(expected)


def test_an_unknown_tag_makes_a_string() -> None:
    assert tagged_value("!vault", "5") == "5"


@pytest.mark.parametrize(
    ("tag", "text"),
    [("int", "x"), ("int", "1.5"), ("bool", "1"), ("null", "x"), ("float", "x"), ("timestamp", "x"), ("binary", "a=")],
)
def test_a_tag_that_contradicts_the_text_is_refused(tag: str, text: str) -> None:
    with pytest.raises(ScalarError):
        tagged_value(LONG + tag, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", "a"),
        ("1", "1"),
        ("0644", "420"),
        ("on", "true"),
        ("off", "false"),
        ("1.5", "1.5"),
        ("1.0", "1"),
        ("0.1", "0.1"),
        ("1e-7", "1e-07"),
        ("0.0001", "0.0001"),
        ("123456.0", "123456"),
        ("1234567.0", "1.234567e+06"),
        ("16777217.0", "1.6777216e+07"),
        ("1e300", ".inf"),
        (".nan", ".nan"),
        ("-.inf", "-.inf"),
        ("2001-12-14", "2001-12-14"),
    ],
)
def test_a_key_becomes_the_string_that_go_makes_of_it(text: str, expected: str) -> None:
    assert plain_key(text) == expected


@pytest.mark.parametrize("text", ["~", "", "18446744073709551615"])
def test_a_key_that_go_cannot_make_a_string_of_is_refused(text: str) -> None:
    with pytest.raises(ScalarError):
        plain_key(text)


def test_a_tagged_key_is_a_string_too() -> None:
    assert tagged_key(LONG + "int", "0x10") == "16"
    assert tagged_key(LONG + "str", "on") == "on"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001-12-14", True),
        ("2001-1-2", True),
        ("2001-02-29", False),
        ("2004-02-29", True),
        ("2001-12-14 21:59:43.1", True),
        ("2001-12-14t21:59:43+01:00", True),
        ("2001-12-14T24:00:00Z", False),
        ("01-12-14", False),
    ],
)
def test_timestamps_are_known_as_go_knows_them(text: str, expected: bool) -> None:
    assert is_timestamp(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"), [("5", 5), ("-0", 0), (str(2**63 - 1), 2**63 - 1), (str(2**63), 2.0**63)]
)
def test_integers_of_json_fit_int64_or_are_floats(text: str, expected: object) -> None:
    found = json_integer(text)
    assert found == expected
    assert type(found) is type(expected)


def test_floats_of_json_stay_floats_and_must_be_finite() -> None:
    assert type(json_float("1.0")) is float
    with pytest.raises(ScalarError):
        json_float("1e400")
    with pytest.raises(ScalarError):
        json_integer("9" * 5_000)
