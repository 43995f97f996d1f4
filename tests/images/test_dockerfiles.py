"""Dockerfiles of a folder are judged beside its manifests, at their lines, without showing a secret."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from transom.inventory import Inventory
from transom.inventory.snapshot import write
from transom.inventory.sources import fill
from transom.kube.files import is_dockerfile
from transom.model.findings import Accepted, Finding, Skipped
from transom.rules.load import builtin_pack
from transom.scan import ScanOptions, scan

PACK = builtin_pack()
OPTIONS = ScanOptions(policies=PACK.policies, checks=PACK.checks)
TEXT = "# syntax=docker/dockerfile:1\nFROM alpine:latest\n\nENV DB_PASSWORD=s3cr3tw0rd\nRUN sudo make\n"


@pytest.mark.parametrize("name", ["Dockerfile", "Containerfile", "web.Dockerfile", "Dockerfile.web", "dockerfile"])
def test_a_dockerfile_is_known_by_its_name(name: str) -> None:
    assert is_dockerfile(name)


@pytest.mark.parametrize(
    "name", ["Dockerfile.dockerignore", "Dockerfile.md", "Dockerfile.yaml", "docker.file", "a.yaml"]
)
def test_another_file_is_none(name: str) -> None:
    assert not is_dockerfile(name)


def findings(folder: Path) -> dict[str, Finding]:
    return {each.rule: each for each in scan([str(folder)], OPTIONS, Inventory()) if isinstance(each, Finding)}


def test_findings_stand_at_their_lines(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT)
    found = findings(tmp_path)
    lines = {
        rule: found[rule].place.line
        for rule in ("dockerfile-image-latest", "dockerfile-secret-in-build", "dockerfile-sudo")
    }
    assert lines == {"dockerfile-image-latest": 2, "dockerfile-secret-in-build": 4, "dockerfile-sudo": 5}
    assert found["dockerfile-sudo"].ref.scope == "file"


def test_no_finding_shows_a_value(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT + "RUN git clone https://bot:s3cr3tw0rd@git.example.com/a\n")
    found = findings(tmp_path)
    assert {"dockerfile-secret-in-build", "dockerfile-known-credential"} <= set(found)
    assert b"s3cr3tw0rd" not in msgspec.json.encode(list(found.values()))


def test_a_fingerprint_survives_moved_lines(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT)
    before = {rule: each.fingerprint for rule, each in findings(tmp_path).items()}
    (tmp_path / "Dockerfile").write_text(TEXT.replace("\n\nENV", "\n# why\n\nLABEL a=b\n\nENV"))
    assert {rule: each.fingerprint for rule, each in findings(tmp_path).items()} == before


def test_a_comment_above_an_instruction_accepts_its_finding(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT.replace("RUN", "# transom.dev/allow: dockerfile-sudo for now\nRUN"))
    results = list(scan([str(tmp_path)], OPTIONS, Inventory()))
    assert [each.finding.rule for each in results if isinstance(each, Accepted)] == ["dockerfile-sudo"]


def test_what_is_no_dockerfile_is_skipped_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1\n{{ template }}\n")
    (skipped,) = (each for each in scan([str(tmp_path)], OPTIONS, Inventory()) if isinstance(each, Skipped))
    assert (skipped.locator.line, "no instruction" in skipped.reason) == (2, True)


def test_a_snapshot_keeps_dockerfiles_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT)
    inventory = Inventory()
    others = list(fill(inventory, str(tmp_path)))
    kept = tmp_path / "kept.transom"
    write(inventory, others, kept)
    assert findings(kept) == findings(tmp_path)


def accepted(folder: Path) -> set[str]:
    return {each.finding.rule for each in scan([str(folder)], OPTIONS, Inventory()) if isinstance(each, Accepted)}


@pytest.mark.parametrize(
    "comment",
    [
        "# hadolint ignore=DL3004,DL9999",
        "# hadolint global ignore=DL3004",
        "# trivy:ignore:AVD-DS-0010",
        "#trivy:ignore:DS010 exp:2999-01-01",
    ],
)
def test_comments_for_other_scanners_are_honoured_where_they_stand(tmp_path: Path, comment: str) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM a:1\n{comment}\nRUN sudo make\nRUN sudo ls\n")
    assert accepted(tmp_path) == {"dockerfile-sudo"}
    assert ("dockerfile-sudo" in findings(tmp_path)) is ("global" not in comment)
    assert not {"exception-unused", "exception-malformed"} & set(findings(tmp_path))


def test_a_comment_for_another_scanner_that_has_expired_accepts_nothing(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a:1\n# trivy:ignore:DS010 exp:2020-01-01\nRUN sudo make\n")
    assert accepted(tmp_path) == set()


def test_a_comment_of_checkov_speaks_of_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM a\nUSER root\n# checkov:skip=CKV_DOCKER_8:it must\n")
    assert "dockerfile-root-user" in accepted(tmp_path)
