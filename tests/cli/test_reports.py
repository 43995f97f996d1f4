"""What the command adds to reports: when the scan was made, and the lines around findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transom.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: web:1
    env: [{name: GREETING, value: hunter2}]
    securityContext: {privileged: true}
"""


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    return file


def report(file: Path, name: str) -> bytes:
    made = file.with_name(f"report.{name}")
    assert main(["scan", str(file), "-o", f"{name}={made}"]) == 1
    return made.read_bytes()


def test_the_page_shows_the_source_without_its_secrets(pod: Path) -> None:
    page = report(pod, "html").decode()
    assert "securityContext: {privileged: true}" in page
    assert "name: GREETING, value: ***" in page
    assert "hunter2" not in page


@pytest.mark.parametrize("name", ["html", "gitlab-sast"])
def test_reports_of_one_time_are_the_same(name: str, pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    first = report(pod, name)
    assert first == report(pod, name)
    assert b"2026-01-01" in first


def test_the_time_of_a_scan_is_now_where_nobody_says(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert json.loads(report(pod, "gitlab-sast"))["scan"]["start_time"] > "2026-01-01T00:00:00"
