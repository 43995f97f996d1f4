"""Order keys: each scheme's own order, on public pairs and on what is peculiar to it."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conformance.version_order import run
from transom.lang.versions import SCHEMES, order_key_of
from transom.lang.versions.semver import VersionError

RISING = {
    "dpkg": ["1.0~rc1", "1.0", "1.0-1", "1.0-1+b1", "1.0a", "1.0+x", "1.1", "1:0.1"],
    "rpm": ["1.0~rc1-1", "1.0-1", "1.0-2", "1.0^git1-1", "1.0a-1", "1.0.1-1", "1:0.1-1"],
    "apk": ["1.0_alpha1", "1.0_rc2", "1.0", "1.0-r1", "1.0_p1", "1.0a", "1.0.01", "1.0.1", "1.1"],
    "pypi": ["nonsense", "1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0rc1", "1.0", "1.0+abc", "1.0.post1", "1.1", "1!0.1"],
    "npm": ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0", "1.0.1"],
    "go": ["v0.0.0-20200101000000-abcdef", "v0.0.0", "v1.2.3-rc.1", "v1.2.3", "v2.0.0+incompatible"],
    "maven": ["1.0-alpha-1", "1.0-rc1", "1.0-SNAPSHOT", "1.0", "1.0-sp", "1.0-jre8", "1.0-1", "1.0.1", "1.1"],
    "gem": ["1.0.a", "1.0.b1", "1.0", "1.0.1", "1.1"],
    "composer": ["1.0-dev", "1.0-alpha1", "1.0-beta1", "1.0-RC1", "1.0", "1.0.1", "1.0-patch1"],
    "nuget": ["1.0.0-ALPHA", "1.0.0-beta", "1.0.0", "1.0.0.1", "1.0.1"],
    "pub": ["1.0.0-pre", "1.0.0-pre+1", "1.0.0", "1.0.0+1", "1.0.0+a"],
    "cran": ["0.9", "0.75", "1.0", "1.0-1", "1.1"],
    "hackage": ["1.0", "1.0.0", "1.1"],
}


@pytest.mark.parametrize("scheme", RISING)
def test_versions_rise(scheme: str) -> None:
    keys = list(map(order_key_of(scheme), RISING[scheme]))
    for (low, first), (high, second) in pairwise(zip(RISING[scheme], keys, strict=True)):
        assert first < second, f"{low} < {high}"


@pytest.mark.parametrize(
    ("scheme", "first", "second"),
    [
        ("dpkg", "0:1.0-0", "1.0"),
        ("rpm", "1.0_1", "1.0.01"),
        ("apk", "1.0-r1", "1.0-r01"),
        ("pypi", "1.0", "1"),
        ("pypi", "1.0-alpha1", "1.0a1"),
        ("pypi", "1.0-1", "1.0.post1"),
        ("npm", "v1.2", "1.2.0"),
        ("go", "v1.2.3+incompatible", "v1.2.3"),
        ("maven", "1.0.0.Final", "1"),
        ("maven", "1.0-a1", "1-alpha-1"),
        ("gem", "1.0.0", "1"),
        ("nuget", "1.0", "1.0.0.0"),
    ],
)
def test_some_versions_are_one(scheme: str, first: str, second: str) -> None:
    assert order_key_of(scheme)(first) == order_key_of(scheme)(second)


def test_public_pairs_are_in_their_true_order(corpora: Path) -> None:
    (row,) = run(corpora)
    assert row["differences"] == []
    assert row["agree"] / row["cases"] >= 0.999
    assert row["cases"] > 28_000


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("text", ["1" * 10_000, "9" * 255, "", "x", "1:", "-", "~", "\x00", "١.٢", "1\udcff"])
def test_what_is_no_version_is_refused_or_ordered_somewhere(scheme: str, text: str) -> None:
    with contextlib.suppress(VersionError):
        assert isinstance(order_key_of(scheme)(text), bytes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_keys_do_not_hang_on_blanks_around(scheme: str) -> None:
    assert order_key_of(scheme)(" 1.2.3\n") == order_key_of(scheme)("1.2.3")


@given(st.sampled_from(sorted(SCHEMES)), st.text(alphabet="0123456789abcrpx.-_+~^: ", max_size=30))
def test_any_text_is_refused_or_ordered(scheme: str, text: str) -> None:
    with contextlib.suppress(VersionError):
        order_key_of(scheme)(text)


DPKG = st.text(alphabet="019az~+.-", min_size=1, max_size=8)


def _reference(first: str, second: str) -> int:
    """Compare two upstream versions as dpkg's verrevcmp does, character by character."""

    def order(character: str) -> int:
        if character == "~":
            return -1
        if character.isdigit() or not character:
            return 0
        return ord(character) if character.isalpha() else ord(character) + 256

    i = j = 0
    while i < len(first) or j < len(second):
        while (i < len(first) and not first[i].isdigit()) or (j < len(second) and not second[j].isdigit()):
            left, right = order(first[i : i + 1]), order(second[j : j + 1])
            if left != right:
                return left - right
            i, j = i + 1, j + 1
        start, begin = i, j
        while i < len(first) and first[i].isdigit():
            i += 1
        while j < len(second) and second[j].isdigit():
            j += 1
        difference = int(first[start:i] or 0) - int(second[begin:j] or 0)
        if difference:
            return difference
    return 0


@given(DPKG, DPKG)
def test_keys_of_debian_packages_compare_as_dpkg_does(first: str, second: str) -> None:
    key = order_key_of("dpkg")
    left, right = key(f"0:{first}-1"), key(f"0:{second}-1")
    wanted = _reference(first, second)
    assert (left > right) - (left < right) == (wanted > 0) - (wanted < 0)
