"""transom vulns and why-not: what an index says of an SBOM, and what it cannot say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from transom.cli import main


def advisory(name: str, package: str, fixed: str, **more: Any) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": "PyPI", "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
    }
    return {
        "id": name,
        "modified": datetime.now(UTC).isoformat(),
        "summary": f"a bug in {package}",
        "affected": [affected],
        **more,
    }


def bill(*packages: tuple[str, str]) -> dict[str, Any]:
    components = [
        {
            "type": "library",
            "name": purl.partition("/")[2].partition("@")[0],
            "version": version,
            "purl": f"{purl}@{version}",
        }
        for purl, version in packages
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    feed = tmp_path / "osv"
    feed.mkdir()
    cvss = {"severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]}
    for each in (
        advisory("PYSEC-2026-1", "django", "3.2.5", aliases=["CVE-2026-0001"], **cvss),
        advisory("PYSEC-2026-2", "django", "3.1", aliases=["CVE-2026-0002"]),
    ):
        (feed / f"{each['id']}.json").write_text(json.dumps(each))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")  # no cell is broken into lines
    assert main(["db", "build", "osv"]) == 0
    return tmp_path


def told(
    capsys: pytest.CaptureFixture[str], folder: Path, *packages: tuple[str, str], words: tuple[str, ...] = ()
) -> Any:
    (folder / "a.cdx.json").write_text(json.dumps(bill(*packages)))
    capsys.readouterr()
    code = main(["vulns", "a.cdx.json", "-o", "json", *words])
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["exit_code"] == code
    return found


def test_what_is_vulnerable_is_told_with_the_fix_and_the_record(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = told(capsys, folder, ("pkg:pypi/django", "3.2.0"), ("pkg:pypi/requests", "2.0"))
    (finding,) = found["findings"]
    assert "CVE-2026-0001 in django 3.2.0, 3.2.5 has the fix" in finding["message"]
    assert finding["severity"] == "critical"
    assert any("PYSEC-2026-1" in each["observed"] for each in finding["evidence"])
    assert (found["summary"]["judged"], found["summary"]["passed"]) == (2, 1)
    assert found["summary"]["exit_code"] == 1


def test_a_later_version_is_the_same_finding(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = told(capsys, folder, ("pkg:pypi/django", "3.2.0"))["findings"][0]["fingerprint"]
    assert told(capsys, folder, ("pkg:pypi/django", "3.2.1"))["findings"][0]["fingerprint"] == first


def test_what_no_feed_speaks_of_is_never_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, folder, ("pkg:npm/left-pad", "1.0.0"), ("pkg:pypi/django", "4.0"))
    assert found["findings"] == []
    assert "npm" in found["skipped"][0]["reason"]
    assert (found["summary"]["judged"], found["summary"]["exit_code"]) == (1, 3)
    assert told(capsys, folder, ("pkg:npm/left-pad", "1.0.0"))["summary"]["judged"] == 0


def test_how_old_the_data_is_stands_in_every_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, folder, ("pkg:pypi/django", "4.0"))
    assert any(f"the newest of {datetime.now(UTC):%Y-%m-%d}" in each["how"] for each in found["summary"]["provenance"])


@pytest.mark.parametrize(("words", "count"), [(("--only-fixable",), 1), (("--kev",), 0), (("--min-epss", "0.5"), 0)])
def test_less_can_be_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], count: int
) -> None:
    assert len(told(capsys, folder, ("pkg:pypi/django", "3.2.0"), words=words)["findings"]) == count


def test_why_not_tells_each_sources_word(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, folder, ("pkg:pypi/django", "3.2.0"))
    assert main(["why-not", "CVE-2026-0002", "a.cdx.json"]) == 0
    assert "PYSEC-2026-2" in capsys.readouterr().out
    assert main(["why-not", "CVE-2026-0001", "a.cdx.json"]) == 1
    assert "it matches" in capsys.readouterr().out


def test_why_not_tells_names_ratings_and_who_settled_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, folder, ("pkg:pypi/django", "3.2.0"))
    assert main(["why-not", "PYSEC-2026-1", "a.cdx.json"]) == 1
    out = capsys.readouterr().out
    assert "also known as CVE-2026-0001" in out
    assert "rated by pypa critical 9.8" in out
    assert main(["why-not", "CVE-2026-0001", "a.cdx.json", "--kev"]) == 0
    assert "the options leave it out" in " ".join(capsys.readouterr().out.split())
    (folder / "transom.yaml").write_text(
        "version: 1\nexceptions: [{rule: vulnerable-package, vulnerability: CVE-2026-0001, reason: 'not {used}'}]\n"
    )
    assert main(["why-not", "CVE-2026-0001", "a.cdx.json"]) == 0
    assert "transom.yaml" in capsys.readouterr().out


def test_why_not_tells_what_vex_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, folder, ("pkg:pypi/django", "3.2.0"))
    statement = {
        "vulnerability": {"name": "CVE-2026-0001"},
        "products": [{"@id": "pkg:pypi/django"}],
        "status": "fixed",
    }
    document = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "Shop", "statements": [statement]}
    (folder / "vex.json").write_text(json.dumps(document))
    assert main(["why-not", "CVE-2026-0001", "a.cdx.json", "--vex", "vex.json"]) == 0
    assert "VEX of Shop" in " ".join(capsys.readouterr().out.split())


def test_why_not_tells_whose_package_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = bill(("pkg:pypi/django", "3.2.0"))
    document["components"][0]["properties"] = [{"name": "transom:owner", "value": "pkg:deb/debian/python3-django@3"}]
    (folder / "a.cdx.json").write_text(json.dumps(document))
    assert main(["why-not", "CVE-2026-0001", "a.cdx.json"]) == 0
    assert "it belongs to pkg:deb/debian/python3-django@3" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["vulns"], "name what to look into"),
        (["vulns", "gone.json"], "there is no file gone.json"),
        (["vulns", "a.cdx.json", "--db", "gone.db"], "there is no index gone.db"),
        (["why-not", "CVE-1", "./gone"], "there is no file"),
    ],
)
def test_wrong_words_are_usage_errors(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


def test_the_rule_can_be_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "vulnerable-package"]) == 0
    assert "known vulnerability" in capsys.readouterr().out
