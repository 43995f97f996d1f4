"""Whatever is told: bounds of bytes say what OSV's own evaluation says, and no bytes bring a reader down."""

from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from transom.advisories.aliases import Aliases
from transom.advisories.documents import Document
from transom.advisories.feeds import read
from transom.advisories.intervals import ImpossibleError, bounds, intervals_of, key_of
from transom.advisories.purls import read_purl

VERSIONS = st.builds("{}.{}.{}".format, st.integers(0, 3), st.integers(0, 2), st.integers(0, 2))
KINDS = st.sampled_from(("introduced", "fixed", "last_affected"))


def by_osv(events: list[tuple[str, str]], version: str) -> bool:
    """OSV's evaluation, word for word: events in order, each turns the answer."""
    affected = False
    for kind, at in sorted(events, key=lambda event: key_of("semver", event[1])):
        if kind == "introduced" and key_of("semver", version) >= key_of("semver", at):
            affected = True
        if kind == "fixed" and key_of("semver", version) >= key_of("semver", at):
            affected = False
        if kind == "last_affected" and key_of("semver", version) > key_of("semver", at):
            affected = False
    return affected


@given(st.dictionaries(VERSIONS, KINDS, min_size=1, max_size=6), VERSIONS)
def test_bounds_say_what_osv_says(events, version):
    turns = [(kind, at) for at, kind in events.items()]
    first = min(turns, key=lambda turn: key_of("semver", turn[1]))
    try:
        found = [bounds(interval, "semver") for interval in intervals_of(turns, "semver")]
    except ImpossibleError:
        assert first[0] != "introduced"
        return
    key = key_of("semver", version)
    assert any(low <= key and (high is None or key < high) for low, high in found) == by_osv(turns, version)


STARTS = st.sampled_from(
    (
        b"",
        b"{",
        b'{"id":"x","modified":"","affected":',
        b"#model_version:v\ncve,epss,percentile\n",
        b"id: ",
        b"[1 Jan 2023] DSA-1 x",
    )
)


@given(STARTS, st.binary(max_size=60))
@example(b"{", b'"\xab":1}')
@settings(max_examples=200)
def test_no_bytes_bring_a_reader_down(start, rest):
    list(read(Document("x", start + rest)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("package", "ranges", "events", "name")), inner)
    ),
    max_leaves=8,
)
TOPS = st.sampled_from(
    (
        ("id", "modified", "affected"),
        ("document", "vulnerabilities"),
        ("catalogVersion", "vulnerabilities"),
        ("format", "vulnerabilities"),
        ("@context", "statements"),
        ("packages", "reponame"),
        ("result", "x"),
    )
)


@given(TOPS, st.lists(JSON, min_size=3, max_size=3))
@settings(max_examples=200)
def test_no_shape_brings_a_reader_down(keys, values):
    document = dict(zip(keys, values, strict=False))
    list(read(Document("x", json.dumps(document).encode())))


@given(st.text(max_size=40))
def test_any_text_is_a_purl_or_none(text):
    purl = read_purl(text)
    assert purl is None or text.startswith("pkg:")
    assert read_purl(f"pkg:deb/debian/{'x' * 5_000}") is None


@given(st.lists(st.lists(st.sampled_from(("CVE-1", "CVE-2", "A", "B", "C")), min_size=1, max_size=3, unique=True)))
def test_a_record_that_names_one_cve_is_about_that(records):
    aliases = Aliases()
    for names in records:
        aliases.add(names)
    for names in records:
        cves = [name for name in names if name.startswith("CVE-")]
        if len(cves) == 1:
            assert aliases.bug_of(names) == cves[0]
