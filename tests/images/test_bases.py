"""Another base is told where one that was inspected before holds less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_scanners import SITE, scanned
from tests.cli.test_vulns import folder  # noqa: F401 - a fixture
from tests.registry.conftest import Layout
from transom.cli import main
from transom.images.cache import Chain, LayerCache

OLD = {f"{SITE}/METADATA": b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2.0\n", f"{SITE}/RECORD": b""}
NEW = {f"{SITE}/METADATA": b"Metadata-Version: 2.1\nName: Django\nVersion: 4.0.0\n", f"{SITE}/RECORD": b""}


@pytest.fixture
def place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder


def inspected(place: Path, name: str, files: dict[str, bytes], *more: dict[str, bytes]) -> str:
    layout = Layout(place / name.replace("/", "-").replace(":", "-"))
    layout.image(files, *more, name=name)
    assert main(["sbom", str(layout.folder)]) == 0
    return f"image:{layout.folder}"


def rebases(capsys: pytest.CaptureFixture[str], target: str) -> Any:
    return scanned(capsys, target, "--scanners", "vuln")["summary"]["rebases"]


def test_a_base_that_holds_less_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspected(place, "example.com/base:1", OLD)
    app = inspected(place, "example.com/app:1", OLD, {"app": b"x"})
    assert rebases(capsys, app) == []
    inspected(place, "example.com/base:2", NEW)
    (told,) = rebases(capsys, app)
    assert (told["base"], told["to"], told["before"]) == ("example.com/base:1", "example.com/base:2", 1)
    assert (told["clears"], told["brings"]) == (["CVE-2026-0001"], [])


def test_an_image_of_another_repository_is_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspected(place, "example.com/base:1", OLD)
    app = inspected(place, "example.com/app:1", OLD, {"app": b"x"})
    inspected(place, "example.com/other:2", NEW)
    assert rebases(capsys, app) == []


def test_one_of_which_nothing_is_known_is_none(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inspected(place, "example.com/base:1", OLD)
    app = inspected(place, "example.com/app:1", OLD, {"app": b"x"})
    inspected(place, "example.com/base:2", {"etc/os-release": b"ID=debian\n", "var/lib/dpkg/status": b""})
    assert rebases(capsys, app) == []


def test_images_are_known_by_their_chains(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    cache.learn("example.com/base:1", ["sha256:a", "sha256:b"], "2026-01-01T00:00:00Z")
    assert list(cache.known()) == [Chain("example.com/base:1", "2026-01-01T00:00:00Z", ("sha256:a", "sha256:b"))]
    assert cache.base_of(["sha256:a", "sha256:b", "sha256:c"]) == ("example.com/base:1", 2)
