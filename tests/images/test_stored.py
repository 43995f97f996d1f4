"""Kept bills: what an index says of them all, and what of it is new."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_vulns import advisory, bill
from transom.cli import main
from transom.images.stored import Catalogue
from transom.model.errors import TransomError
from transom.model.packages import Bill, Package, Place

DIGEST = f"sha256:{'a' * 64}"
DJANGO = Package("pypi", "django", "3.2.0", places=(Place("a"),))
FLASK = Package("pypi", "flask", "1.0")


def catalogue(tmp_path: Path, *bills: Bill) -> Catalogue:
    made = Catalogue(str(tmp_path / "bills.db"))
    made.keep(bills)
    return made


def test_a_package_of_many_images_is_kept_once(tmp_path: Path) -> None:
    with catalogue(tmp_path, Bill("a", (DJANGO, FLASK), DIGEST), Bill("b", (DJANGO,))) as kept:
        assert len(kept) == 2
        held = {each.package.name: len(each.bills) for each in kept.every()}
        assert held == {"django": 2, "flask": 1}
        (django,) = kept.named(["pypi/django", "pypi/none"])
        assert {kept.bill(number).name for number in django.bills} == {"a", "b"}


def test_an_image_of_the_same_digest_is_kept_once(tmp_path: Path) -> None:
    with catalogue(tmp_path, Bill("a", (DJANGO,), DIGEST)) as kept:
        kept.keep([Bill("a", (FLASK,), DIGEST)])
        assert len(kept) == 1
        assert [each.bills for each in kept.named(["pypi/django"])] == [()]


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bills.db").write_text("no database")
    with pytest.raises(TransomError, match="cannot use the kept bills"):
        Catalogue(str(tmp_path / "bills.db"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TRANSOM_DB", "transom.db")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "osv").mkdir()
    learn(tmp_path, "PYSEC-1", "django", "3.2.5", aliases=["CVE-2026-0001"])
    assert main(["db", "build", "osv", "-o", "old.db"]) == 0
    learn(tmp_path, "PYSEC-2", "django", "3.2.1", aliases=["CVE-2026-0002"])
    learn(tmp_path, "PYSEC-3", "flask", "2.0", aliases=["CVE-2026-0003"])
    assert main(["db", "build", "osv", "-o", "transom.db"]) == 0
    (tmp_path / "bills/deep").mkdir(parents=True)
    keep_file(tmp_path, "bills/a.json", ("pkg:pypi/django", "3.2.0"))
    keep_file(tmp_path, "bills/deep/b.json", ("pkg:pypi/flask", "1.0"))
    return tmp_path


def learn(place: Path, name: str, package: str, fixed: str, **more: Any) -> None:
    (place / f"osv/{name}.json").write_text(json.dumps(advisory(name, package, fixed, **more)))


def keep_file(place: Path, name: str, *packages: tuple[str, str]) -> None:
    document = bill(*packages)
    document["metadata"] = {"component": {"type": "container", "name": name, "version": DIGEST}}
    (place / name).write_text(json.dumps(document))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    code = main(["vulns", *words, "-o", "json"])
    shown = capsys.readouterr()
    assert shown.out, shown.err
    found = json.loads(shown.out)
    assert found["summary"]["exit_code"] == code
    return found


def pairs(found: Any) -> set[tuple[str, str]]:
    return {(each["ref"]["name"], each["vulnerability"]["id"]) for each in found["findings"]}


def test_all_kept_bills_are_matched(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert pairs(told(capsys, "--stored", "bills")) == {
        ("bills/a.json", "CVE-2026-0001"),
        ("bills/a.json", "CVE-2026-0002"),
        ("bills/deep/b.json", "CVE-2026-0003"),
    }


def test_only_what_a_former_index_did_not_tell(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--stored", "bills", "--changed-since", "old.db")
    assert pairs(found) == {("bills/a.json", "CVE-2026-0002"), ("bills/deep/b.json", "CVE-2026-0003")}
    assert any(each["how"] == "2 records differ, which name 2 kept packages" for each in found["summary"]["provenance"])


def test_where_nothing_changed_nothing_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, "--stored", "bills", "--changed-since", "transom.db")
    assert found["findings"] == []
    assert found["summary"]["exit_code"] == 0


def test_a_folder_is_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "--stored", "bills")
    (folder / "bills/deep/b.json").unlink()
    keep_file(folder, "bills/a.json", ("pkg:pypi/django", "4.0"), ("pkg:pypi/flask", "1.0"))
    (folder / "bills/broken.json").write_text("{")
    found = told(capsys, "--stored", "bills")
    assert pairs(found) == {("bills/a.json", "CVE-2026-0003")}
    assert "broken.json" in found["skipped"][0]["reason"]


def test_bills_are_kept_by_a_scan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "bills/a.json", "--keep", "--fail-on", "critical"]) == 0
    assert main(["sbom", "bills/deep/b.json", "--keep"]) == 0
    assert len(pairs(told(capsys, "--stored"))) == 3


def test_workloads_are_named_by_the_digest_that_they_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "a", "image": "example.com/web"}]},
        "status": {"containerStatuses": [{"name": "a", "image": "x", "imageID": f"example.com/web@{DIGEST}"}]},
    }
    (folder / "pods.json").write_text(json.dumps(pod))
    found = told(capsys, "--stored", "bills", "--workloads", "pods.json")
    evidence = [each["observed"] for finding in found["findings"] for each in finding["evidence"]]
    assert "runs as shop/Pod/web" in evidence
    assert found["findings"][0]["vulnerability"]["workloads"] == ["shop/Pod/web"]
    main(["vulns", "--stored", "bills", "--workloads", "pods.json"])
    assert "  runs as shop/Pod/web" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("words", [["--stored", "gone"], ["--stored"]])
def test_where_nothing_is_kept_it_is_a_usage_error(folder: Path, words: list[str]) -> None:
    assert main(["vulns", *words]) == 2


def test_the_day_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    provenance = told(capsys, "--stored", "bills")["summary"]["provenance"]
    assert any(f"{datetime.now(UTC):%Y-%m-%d}" in each["how"] for each in provenance)
