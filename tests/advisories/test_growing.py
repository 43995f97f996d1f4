"""An index that grows from the former one says what an index built afresh says, and differs from the former in little."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from transom.advisories import Index
from transom.advisories.building import build
from transom.advisories.changes import changes
from transom.advisories.growing import grow
from transom.model.advisories import Advisory, Exploited, Interval, Likelihood, Rated, Rating, Statement
from transom.model.severity import Severity

VERSIONS = st.sampled_from(("1.0.0", "2.0.0", "3.0.0"))
STATEMENTS = st.builds(
    lambda channel, name, fixed, severity: Statement(
        channel, name, intervals=(Interval(fixed=fixed),), severity=severity
    ),
    st.sampled_from(("npm", "golang", "debian-12")),
    st.sampled_from(("a", "b", "c")),
    VERSIONS,
    st.sampled_from((None, Severity.HIGH)),
)
ADVISORIES = st.builds(
    lambda number, statements, alias, day: Advisory(
        f"T-{number}", "feed", tuple(statements), alias, modified=f"2024-01-{day:02}T00:00:00Z"
    ),
    st.integers(0, 30),
    st.lists(STATEMENTS, min_size=1, max_size=3),
    st.sampled_from(((), ("CVE-2024-0001",), ("CVE-2024-0002",))),
    st.integers(1, 28),
)
OTHERS = st.one_of(
    st.builds(Likelihood, st.just("CVE-2024-0001"), st.sampled_from((0.1, 0.2)), st.just(0.5)),
    st.builds(Exploited, st.sampled_from(("CVE-2024-0001", "CVE-2024-0002")), st.just("2024-01-01")),
    st.builds(lambda score: Rated("CVE-2024-0001", "nvd", (Rating("nvd", Severity.LOW, score),)), st.just(3.1)),
)
TOLD = st.tuples(st.lists(ADVISORIES, min_size=1, max_size=40), st.lists(OTHERS, max_size=4)).map(
    lambda two: [*two[0], *two[1]]
)


def content(path: Path) -> list[str]:
    """Return everything that an index says, whatever the numbers by which it says it."""
    with Index(path) as index:
        records = dict(index.every_record())
        said = [repr((records[number], package, what)) for number, package, what in index.every_range()]
        tables = ("feeds", "refusals", "likelihoods", "rated", "meta")
        rest = [repr(row) for table in tables for row in index._asked(f"SELECT * FROM {table}") if "built" not in row]
        return sorted([*said, *map(repr, records.values()), *rest, *sorted(index.channels)])


@settings(max_examples=60, deadline=None)
@given(TOLD, TOLD, st.booleans())
def test_a_grown_index_says_what_one_built_afresh_says(before, after, keep_most):
    from datetime import UTC, datetime

    now = datetime(2024, 6, 1, tzinfo=UTC)
    after = [*before, *after] if keep_most else after
    with TemporaryDirectory() as folder:
        grown, fresh = Path(folder) / "grown.db", Path(folder) / "fresh.db"
        build(before, grown, now)
        build(after, grown, now)
        build(after, fresh, now, afresh=True)
        assert content(grown) == content(fresh)
        with Index(grown) as one, Index(fresh) as other:
            assert not list(changes(one, other))


def advisory(number: int, fixed: str = "1.0.0") -> Advisory:
    statement = Statement("npm", f"package-{number}", intervals=(Interval(fixed=fixed),))
    return Advisory(f"T-{number:05}", "feed", (statement,), summary=f"a fault of package {number}")


def test_what_did_not_change_keeps_its_number(tmp_path):
    path = tmp_path / "x.db"
    build(map(advisory, range(1_000)), path)
    with Index(path) as index:
        before = dict(index.every_record())
    build((advisory(number) for number in range(5, 1_010)), path)
    with Index(path) as index:
        after = dict(index.every_record())
    assert {number for number in before if before[number] == after.get(number)} == set(range(5, 1_000))
    assert set(after) == set(range(5, 1_010))


def test_an_index_of_many_holes_is_written_afresh(tmp_path):
    path, fresh = tmp_path / "x.db", tmp_path / "fresh.db"
    build(map(advisory, range(1_000)), path)
    build(map(advisory, range(500, 1_000)), fresh, afresh=True)
    assert not grow(path, fresh)
    build(map(advisory, range(500, 1_000)), path)
    with Index(path) as index:
        assert {number for number, _ in index.every_record()} == set(range(500))


def test_the_same_feeds_give_the_same_bytes(tmp_path):
    from datetime import UTC, datetime

    for name in ("one.db", "other.db"):
        build(map(advisory, range(300)), tmp_path / name, datetime(2024, 6, 1, tzinfo=UTC), afresh=True)
    assert (tmp_path / "one.db").read_bytes() == (tmp_path / "other.db").read_bytes()


def test_a_former_index_that_is_broken_is_no_hindrance(tmp_path):
    path = tmp_path / "x.db"
    build(map(advisory, range(1_000)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    build(map(advisory, range(1_000)), path)
    with Index(path) as index:
        assert len(index.rows("npm", "package-7")) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]
