"""Baselines: what was known is read back; broken files are usage errors."""

from __future__ import annotations

import pytest

from transom.model.errors import TransomError, UsageError
from transom.model.findings import Evidence, Finding
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.rules.baseline import read_baseline, write_baseline


def finding(name="web", witness=""):
    ref = Ref(group="apps", kind="Deployment", namespace="shop", name=name)
    return Finding("rule", ref, Severity.HIGH, "no", (Evidence(Locator()),), witness=witness)


def test_what_is_written_is_known(tmp_path):
    found = [finding(), finding(witness="a"), finding("db")]
    path = str(tmp_path / "known.json")
    assert write_baseline(path, found) == 3
    assert read_baseline(path) == {each.fingerprint for each in found}


def test_the_order_of_findings_does_not_matter(tmp_path):
    found = [finding(), finding("db"), finding()]
    write_baseline(str(tmp_path / "a"), found)
    write_baseline(str(tmp_path / "b"), reversed(found))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"schema": "other/1", "known": []}', '{"schema": 1}', "[" * 5000, "\udcff"]
)
def test_a_broken_baseline_is_a_usage_error(tmp_path, content):
    path = tmp_path / "known.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError):
        read_baseline(str(path))


def test_a_missing_baseline_says_how_to_make_one(tmp_path):
    with pytest.raises(UsageError, match="--write-baseline"):
        read_baseline(str(tmp_path / "none"))


def test_a_baseline_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(TransomError, match="cannot write"):
        write_baseline(str(tmp_path / "no" / "folder"), [])
