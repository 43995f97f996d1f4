"""transom sbom from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.images.layers.making import DATABASE, status
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.cli import main

SYSTEM = {DATABASE: status("openssl"), "etc/os-release": b"ID=debian\nVERSION_ID=12\n"}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")


def test_a_table_tells_the_layer(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    layout.image({}, SYSTEM)
    assert main(["sbom", str(layout.folder)]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("openssl"))
    assert row.split() == ["openssl", "1.0-1", "deb", "2", DATABASE]


@pytest.mark.parametrize("form", ["cyclonedx-json", "spdx-json"])
def test_the_same_image_has_the_same_bill(form: str, layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    layout.image(SYSTEM)
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    assert main(["sbom", f"image:{layout.folder}", "-o", f"{form}={first}"]) == 0
    assert main(["sbom", f"image:{layout.folder}", "-o", form, "--output-file", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()
    assert b"2023-11-14T22:13:20Z" in first.read_bytes()


def test_a_bill_becomes_another(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    layout.image(SYSTEM)
    main(["sbom", str(layout.folder), "-o", f"cyclonedx-json={tmp_path}/a.json"])
    main(["sbom", f"{tmp_path}/a.json", "-o", f"spdx-json={tmp_path}/b.json"])
    main(["sbom", f"{tmp_path}/b.json", "-o", f"cyclonedx-json={tmp_path}/c.json"])
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "c.json").read_bytes()


def test_a_base_that_was_seen_is_recognised(layout: Layout, tmp_path: Path) -> None:  # noqa: F811
    base = Layout(tmp_path / "base")
    base.image(SYSTEM, name="example.com/base:1")
    assert main(["sbom", str(base.folder), "-o", f"spdx-json={tmp_path}/base.json"]) == 0
    layout.image(SYSTEM, {"app": b"x"})
    assert main(["sbom", str(layout.folder), "-o", f"cyclonedx-json={tmp_path}/a.json"]) == 0
    properties = json.loads((tmp_path / "a.json").read_text())["metadata"]["component"]["properties"]
    assert {"name": "transom:image:base", "value": "example.com/base:1"} in properties


def test_what_could_not_be_read_is_told(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    layout.image({**SYSTEM, "lib/apk/db/installed": b""})
    manifest = json.loads((layout.folder / "blobs/sha256" / layout.manifests[0]["digest"][7:]).read_text())
    (layout.folder / "blobs/sha256" / manifest["layers"][0]["digest"][7:]).write_bytes(b"rubbish")
    assert main(["sbom", str(layout.folder), "-o", "spdx-json"]) == 3
    assert "skipped:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["a", "--output-file", "b", "-o", "table=c"], ["a", "-o", "xml"]])
def test_usage_is_told(words: list[str]) -> None:
    assert main(["sbom", *words]) == 2


def test_a_broken_bill_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text('{"bomFormat": "CycloneDX", "specVersion": "3"}')
    assert main(["sbom", str(tmp_path / "a.json")]) == 3
    assert "it is of version '3'" in capsys.readouterr().err
