"""transom scan: misconfigurations and known vulnerabilities in one report, and which of them are asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_vulns import advisory, bill, folder  # noqa: F401 - a fixture
from tests.images.layers.making import DATABASE, status
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.cli import main
from transom.images.sbom.reading import read_bill

SITE = "usr/lib/python3/dist-packages/Django-3.2.0.dist-info"
IMAGE = {
    DATABASE: status("base-files"),
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    f"{SITE}/METADATA": b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2.0\n",
    f"{SITE}/RECORD": b"",
}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def scanned(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    code = main(["scan", *words, "-o", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["summary"]["exit_code"] == code
    return found


def rules(found: Any) -> set[str]:
    return {each["rule"] for each in found["findings"]}


def reasons(found: Any) -> str:
    return "\n".join(each["reason"] for each in found["skipped"])


def test_one_report_tells_faults_and_vulnerabilities(
    folder: Path,  # noqa: F811
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image(IMAGE)
    found = scanned(capsys, f"image:{layout.folder}")
    assert rules(found) >= {"image-root-user", "vulnerable-package"}
    (vulnerable,) = (each for each in found["findings"] if each["rule"] == "vulnerable-package")
    assert any("brought by layer 1" in each["observed"] for each in vulnerable["evidence"])
    assert "debian-12" in reasons(found)


@pytest.mark.parametrize(
    ("scanners", "vulnerable", "faulty"),
    [("vuln", True, False), ("misconfig", False, True), ("vuln,misconfig", True, True), ("secret", False, False)],
)
def test_only_the_chosen_scanners_run(
    folder: Path,  # noqa: F811
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    scanners: str,
    vulnerable: bool,
    faulty: bool,
) -> None:
    layout.image(IMAGE)
    found = rules(scanned(capsys, f"image:{layout.folder}", "--scanners", scanners))
    assert ("vulnerable-package" in found, "image-root-user" in found) == (vulnerable, faulty)


def test_without_an_index_an_image_is_not_clean(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    layout.image(IMAGE, User="1000", Healthcheck={"Test": ["CMD", "true"]})
    found = scanned(capsys, f"image:{layout.folder}")
    (skipped,) = found["skipped"]
    assert "packages were not looked up" in skipped["reason"]
    assert "transom db build" in skipped["next_step"]
    assert found["summary"]["exit_code"] == 3
    assert scanned(capsys, f"image:{layout.folder}", "--scanners", "misconfig")["summary"]["exit_code"] == 0


def test_a_bill_is_a_target(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    (folder / "plain.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0"))))
    found = scanned(capsys, "plain.json")
    assert rules(found) == {"vulnerable-package"}
    assert found["summary"]["exit_code"] == 1


def test_a_bill_that_is_broken_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0")))[:-20])
    found = scanned(capsys, "a.cdx.json")
    assert "no bill of materials" in reasons(found)
    assert found["summary"]["exit_code"] == 3


def test_manifests_that_hold_a_bill_as_text_are_manifests(
    folder: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = json.dumps(bill(("pkg:pypi/django", "3.2.0")))
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"bill": text}}
    (folder / "map.json").write_text(json.dumps(value))
    assert rules(scanned(capsys, "map.json", "--skip-rule", "vulnerable-package")) == set()
    assert "packages" not in reasons(scanned(capsys, "map.json"))


def test_manifests_need_no_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata: {}\n")
    assert scanned(capsys, "a.yaml")["skipped"] == []


def test_the_rule_can_be_asked_for_or_left_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0"))))
    assert rules(scanned(capsys, "a.cdx.json", "--rule", "vulnerable-package")) == {"vulnerable-package"}
    assert rules(scanned(capsys, "a.cdx.json", "--skip-rule", "vulnerable-package")) == set()
    assert rules(scanned(capsys, "a.cdx.json", "--rule", "image-root-user")) == set()


def test_an_exception_of_the_team_holds_for_vulnerabilities(
    folder: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0"))))
    (folder / "transom.yaml").write_text(
        "version: 1\nexceptions: [{rule: vulnerable-package, name: '*', reason: being replaced}]\n"
    )
    found = scanned(capsys, "a.cdx.json")
    assert found["findings"] == []
    assert len(found["accepted"]) == 1
    capsys.readouterr()
    assert main(["vulns", "a.cdx.json"]) == 0


def test_an_old_index_calls_nothing_clean(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    feed = folder / "old"
    feed.mkdir()
    (feed / "a.json").write_text(json.dumps({**advisory("PYSEC-1", "a", "1"), "modified": "2020-01-01T00:00:00Z"}))
    assert main(["db", "build", "old", "-o", "old.db"]) == 0
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "4.0"))))
    found = scanned(capsys, "a.cdx.json", "--db", "old.db")
    assert "days ago" in reasons(found)
    assert found["summary"]["exit_code"] == 3


def test_an_old_source_of_other_packages_does_not_matter(
    folder: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = advisory("GO-1", "a", "1")
    old["affected"][0]["package"]["ecosystem"] = "Go"
    (folder / "osv/go.json").write_text(json.dumps({**old, "modified": "2020-01-01T00:00:00Z"}))
    assert main(["db", "build", "osv", "-o", "both.db"]) == 0
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "4.0"))))
    assert scanned(capsys, "a.cdx.json", "--db", "both.db")["summary"]["exit_code"] == 0
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:golang/b", "4.0"))))
    assert scanned(capsys, "a.cdx.json", "--db", "both.db")["summary"]["exit_code"] == 3


@pytest.mark.parametrize("words", [["--scanners", "virus"], ["--min-epss", "2"]])
def test_words_that_mean_nothing_are_refused(folder: Path, words: list[str]) -> None:  # noqa: F811
    assert main(["scan", "a.yaml", *words]) == 2


@pytest.mark.parametrize(
    "form", ["table", "jsonl", "sarif", "html", "junit", "markdown", "csv", "github", "gitlab-sast"]
)
def test_every_format_tells_vulnerabilities(
    folder: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    form: str,
) -> None:
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0"))))
    capsys.readouterr()
    assert main(["scan", "a.cdx.json", "-o", form]) == 1
    assert "CVE-2026-0001" in capsys.readouterr().out.replace("\\", "")  # Markdown escapes the hyphens


def test_a_finding_names_the_layer_and_the_base_that_brought_its_package(
    folder: Path,  # noqa: F811
    layout: Layout,  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = Layout(tmp_path / "base")
    base.image(IMAGE, name="example.com/base:1")
    assert main(["sbom", str(base.folder)]) == 0
    layout.image(IMAGE, {DATABASE: status("base-files", "curl")})
    found = scanned(capsys, f"image:{layout.folder}", "--scanners", "vuln")
    (finding,) = found["findings"]
    told = finding["vulnerability"]
    assert (told["id"], told["purl"], told["fixed"]) == ("CVE-2026-0001", "pkg:pypi/django@3.2.0", "3.2.5")
    assert (told["layer"], told["base"]) == (1, "example.com/base:1")


def test_what_a_database_had_before_is_of_the_layer_that_brought_it(
    layout: Layout,  # noqa: F811
    tmp_path: Path,
) -> None:
    layout.image(IMAGE, {DATABASE: status("base-files", "curl")})
    assert main(["sbom", str(layout.folder), "-o", f"cyclonedx-json={tmp_path}/a.json"]) == 0
    layers = {each.name.lower(): each.places[0].layer for each in read_bill(f"{tmp_path}/a.json").packages}
    assert layers["base-files"] != layers["curl"]
    assert layers["base-files"] == layers["django"]


def test_a_snapshot_keeps_what_an_image_holds(
    folder: Path,  # noqa: F811
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image(IMAGE)
    assert main(["snapshot", f"image:{layout.folder}", "-o", "estate.gz"]) in (0, 3)
    found = scanned(capsys, "estate.gz", "--scanners", "vuln")
    assert rules(found) == {"vulnerable-package"}
    assert found["findings"][0]["vulnerability"]["layer"] == 1


def test_a_diff_tells_which_vulnerabilities_came_and_went(
    folder: Path,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    for version, django in (("1", "3.2.0"), ("2", "3.0")):
        document = bill(("pkg:pypi/django", django))
        document["metadata"] = {"component": {"type": "container", "name": f"example.com/web:{version}"}}
        (folder / f"{version}.cdx.json").write_text(json.dumps(document))
    capsys.readouterr()
    main(["diff", "1.cdx.json", "2.cdx.json", "--scanners", "vuln", "-o", "jsonl"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {(each["state"], each["vulnerability"]["id"]) for each in lines if each.get("vulnerability")}
    assert told == {("new", "CVE-2026-0002")}


def test_one_vulnerability_can_be_explained(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0"))))
    (finding,) = scanned(capsys, "a.cdx.json")["findings"]
    assert main(["explain", finding["fingerprint"][:12], "--from", "a.cdx.json"]) == 0
    assert "CVE-2026-0001" in capsys.readouterr().out
