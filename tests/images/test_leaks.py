"""Credentials in images: in every layer, also of files that are gone, in settings and history; no value is told or kept."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.images.layers.making import DATABASE, entry, hardlink, record_of, status, tar
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.cli import main
from transom.images.layers import leaking, reading
from transom.images.layers.merging import merge
from transom.images.leaks import instruction
from transom.rules.leaks import searcher

TOKEN = "ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"
KEY_ID = "AKIA" + "QYLPMN5HHHFPZAM2"
FILE = f"token = '{TOKEN}'\n".encode()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    main([*words, "-o", "json"])
    out = capsys.readouterr().out
    assert TOKEN not in out
    assert KEY_ID not in out
    return json.loads(out)


def found(capsys: pytest.CaptureFixture[str], layout: Layout) -> list[Any]:  # noqa: F811
    return told(capsys, "secrets", f"image:{layout.folder}")["findings"]


def observed(finding: Any) -> list[tuple[str, str]]:
    return [(each["file"], each["observed"].split(", ", 1)[1]) for each in finding["evidence"]]


def test_a_file_tells_its_layer_and_line(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    layout.image({"a": b""}, {"app/.env": b"\n" + FILE})
    (finding,) = found(capsys, layout)
    assert (finding["rule"], finding["severity"], finding["line"]) == ("github-token", "critical", 2)
    assert observed(finding) == [("app/.env", "in layer 2 (step 1)")]


def test_a_file_that_is_removed_is_still_in_the_image(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image({"app/.env": FILE}, {"app/.wh..env": b""})
    (finding,) = found(capsys, layout)
    assert observed(finding) == [("app/.env", "in layer 1 (step 0), removed by layer 2 (step 1)")]
    assert "removed by a later layer, and still in the image" in finding["message"]


def test_a_value_is_one_finding_whatever_holds_it(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image({"a/.env": FILE}, {"b/.env": FILE, "a/.wh..env": b""}, {"c/.env": FILE}, Env=[f"TOKEN={TOKEN}"])
    (finding,) = found(capsys, layout)
    assert [file for file, _ in observed(finding)][-1] == "a/.env"
    assert len(finding["evidence"]) == 4
    assert "removed" not in finding["message"]


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"Env": ["A=1", f"TOKEN={TOKEN}"]}, "config.Env[1]"),
        ({"Labels": {"x": TOKEN}}, "config.Labels.x"),
        ({"Cmd": ["run", "--token", TOKEN]}, "config.Cmd"),
        ({"Entrypoint": ["sh", "-c", f"curl -H 'x: {TOKEN}'"]}, "config.Entrypoint"),
        ({"Healthcheck": {"Test": ["CMD", TOKEN]}}, "config.Healthcheck.Test"),
        ({"OnBuild": [f"ENV A={TOKEN}"]}, "config.OnBuild"),
    ],
)
def test_settings_are_looked_through(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    config: dict[str, Any],
    path: str,
) -> None:
    layout.image({"a": b""}, **config)
    (finding,) = found(capsys, layout)
    assert finding["evidence"][0]["path"] == path


def test_history_tells_build_arguments_also_of_steps_without_a_layer(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    history = [
        {"created_by": f"RUN |1 TOKEN={TOKEN} /bin/sh -c make # buildkit"},
        {"created_by": f"ENV KEY={KEY_ID}", "empty_layer": True},
    ]
    write_history(layout, history, {"app/.env": b"x"})
    rules = {each["rule"]: each["evidence"][0]["path"] for each in found(capsys, layout)}
    assert rules == {"github-token": "history[0].created_by", "aws-access-key-id": "history[1].created_by"}


def write_history(layout: Layout, history: list[dict[str, Any]], *layers: dict[str, bytes]) -> None:  # noqa: F811
    """Add an image with this history."""
    descriptor = layout.image(*layers)
    blobs = layout.folder / "blobs" / "sha256"
    manifest = json.loads((blobs / descriptor["digest"].split(":")[1]).read_bytes())
    config = json.loads((blobs / manifest["config"]["digest"].split(":")[1]).read_bytes())
    config["history"] = history
    manifest["config"] = layout.blob(json.dumps(config).encode(), manifest["config"]["mediaType"])
    layout.manifests = []
    layout.add(layout.blob(json.dumps(manifest).encode(), manifest["mediaType"]))


def test_an_instruction_shows_no_value_of_its_own() -> None:
    search = searcher()
    assert instruction(f"RUN |1 PASS=abc TOKEN={TOKEN} /bin/sh -c make all # buildkit", search) == "make all # buildkit"
    assert instruction(f"/bin/sh -c #(nop)  ENV T={TOKEN}", search) == "ENV T=***"


def test_no_report_tells_what_a_build_was_given(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_history(layout, [{"created_by": f"RUN |1 TOKEN={TOKEN} /bin/sh -c make # buildkit"}], {DATABASE: status("a")})
    told(capsys, "scan", f"image:{layout.folder}")
    capsys.readouterr()
    assert main(["sbom", str(layout.folder), "-o", "cyclonedx-json"]) == 0
    out = capsys.readouterr().out
    assert "RUN /bin/sh -c make" in out
    assert TOKEN not in out


def test_a_file_that_its_package_brought_so_is_only_counted(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    sums = f"{hashlib.md5(FILE).hexdigest()}  etc/sample\n{'0' * 32}  etc/changed\n".encode()
    listed = {"var/lib/dpkg/info/a.md5sums": sums, DATABASE: status("a")}
    layout.image({"etc/sample": FILE, "etc/changed": FILE, **listed})
    report = told(capsys, "secrets", f"image:{layout.folder}")
    assert [each["file"] for each in report["findings"]] == ["etc/changed"]
    assert list(report["summary"]["not_applicable"].values()) == [1]


def test_what_apk_brought_is_known_by_its_checksum() -> None:
    checksum = b64encode(hashlib.sha1(FILE).digest()).decode()
    installed = f"P:a\nV:1\nF:etc\nR:sample\nZ:Q1{checksum}\n".encode()
    record = record_of(tar([entry("etc/sample", FILE), entry("lib/apk/db/installed", installed)]), searcher=searcher())
    assert (record.leaks, record.shipped) == ({}, 1)


def test_a_second_look_reads_no_layer_and_the_cache_holds_no_value(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layout.image({"app/.env": FILE, "etc/apt/sources.list": b"deb https://me:hunter2hunter2@example.com/ a b\n"})
    first = found(capsys, layout)
    monkeypatch.setattr(reading, "read_layer", None)
    assert found(capsys, layout) == first
    kept = b"".join(unpacked(each) for each in (tmp_path / "cache" / "transom" / "layers").iterdir())
    assert b"app/.env" in kept
    assert TOKEN.encode() not in kept
    assert b"hunter2" not in kept


def unpacked(file: Path) -> bytes:
    import zstandard

    content = file.read_bytes()
    return zstandard.ZstdDecompressor().decompress(content) if file.suffix == ".layer" else content


def test_a_record_without_leaks_is_read_again_by_whoever_looks_for_them(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image({"app/.env": FILE})
    assert main(["sbom", str(layout.folder), "-o", "cyclonedx-json"]) == 0
    assert len(found(capsys, layout)) == 1


def test_another_name_of_a_file_keeps_what_leaks_in_sight() -> None:
    layers = [
        [entry("a", FILE), hardlink("b", "a")],
        [entry(".wh.a")],
    ]
    merged = merge([record_of(tar(each), searcher=searcher()) for each in layers])
    assert [(each.path, bool(each.taken_by)) for each in merged.leaked] == [("a", True), ("b", False)]


def test_a_file_that_is_too_large_to_hold_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaking, "HELD_BYTES", 1_000)
    record = record_of(tar([entry("usr/lib/large", b"\0" * 300_000 + FILE + b"x" * 2_000_000)]), searcher=searcher())
    assert [each.rule for each in record.leaks["usr/lib/large"]] == ["github-token"]


def test_a_scan_tells_secrets_beside_faults_and_only_where_they_are_asked(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image({"app/.env": FILE})
    target = f"image:{layout.folder}"
    rules = {
        scanners: {each["rule"] for each in told(capsys, "scan", target, *scanners.split())["findings"]}
        for scanners in ("", "--scanners secret", "--scanners misconfig")
    }
    assert rules["--scanners secret"] == {"github-token"}
    assert rules[""] > {"github-token"}
    assert "github-token" not in rules["--scanners misconfig"]


def test_a_root_file_system_is_looked_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / ".env").write_bytes(FILE)
    (finding,) = told(capsys, "secrets", f"dir:{tmp_path / 'root'}")["findings"]
    assert finding["file"] == ".env"
