"""A finding says whether the vulnerable functions are in the Go program at all."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_scanners import scanned
from tests.images.packages.test_functions import PROGRAM, built
from transom.cli import main


def advisory(name: str, imports: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": name,
        "modified": datetime.now(UTC).isoformat(),
        "summary": "a bug",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "Go", "name": "stdlib"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
                "ecosystem_specific": {"imports": imports},
            }
        ],
    }


ADVISORIES = (
    advisory("GO-2026-0001", [{"path": "encoding/json", "symbols": ["Unmarshal", "Encoder.Encode"]}]),
    advisory("GO-2026-0002", [{"path": "archive/zip", "symbols": ["Reader.Open", "OpenReader"]}]),
    advisory("GO-2026-0003", [{"path": "fmt"}]),
    advisory("GO-2026-0004", []),
)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    return built(tmp_path_factory.mktemp("go"), PROGRAM).read_bytes()


@pytest.fixture
def image(program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "osv").mkdir()
    for each in ADVISORIES:
        (tmp_path / "osv" / f"{each['id']}.json").write_text(json.dumps(each))
    assert main(["db", "build", "osv"]) == 0
    place = tmp_path / "root/usr/bin/app"
    place.parent.mkdir(parents=True)
    place.write_bytes(program)
    place.chmod(0o755)
    return "dir:root"


def reaches(found: Any) -> dict[str, str]:
    return {each["vulnerability"]["id"]: each["vulnerability"]["reach"] for each in found["findings"]}


def test_every_finding_says_whether_its_functions_are_there(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = scanned(capsys, image, "--scanners", "vuln")
    assert reaches(found) == {
        "GO-2026-0001": "linked",
        "GO-2026-0002": "absent",
        "GO-2026-0003": "linked",
        "GO-2026-0004": "unknown",
    }
    by_id = {each["vulnerability"]["id"]: each for each in found["findings"]}
    assert "holds encoding/json.Encoder.Encode" in by_id["GO-2026-0001"]["message"]
    assert by_id["GO-2026-0001"]["severity"] == "critical"
    assert by_id["GO-2026-0002"]["severity"] == "low"


def test_what_is_absent_can_be_left_out(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(reaches(scanned(capsys, image, "--scanners", "vuln", "--reachable"))) == {
        "GO-2026-0001",
        "GO-2026-0003",
        "GO-2026-0004",
    }
