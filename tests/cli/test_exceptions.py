"""Exceptions on the command line: what they do to exit codes, baselines, cores and --no-exceptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from transom import scan as scanning
from transom.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web-{number}
  namespace: shop
  annotations: {{transom.dev/allow: privileged-container it drives a device}}
spec:
  containers:
  - name: app
    image: example.com/app:1
    securityContext: {{privileged: true}}
"""
ONLY = ("--rule", "privileged-container")


@pytest.fixture
def pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write six Pods whose one fault is declared acceptable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "pods.yaml").write_text("---\n".join(POD.format(number=number) for number in range(6)))
    return tmp_path


def report(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    main(["scan", "pods.yaml", "-o", "json", *ONLY, *words])
    made = json.loads(capsys.readouterr().out)
    assert isinstance(made, dict)
    return made


def test_what_is_accepted_does_not_decide_the_exit_code(pods: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "pods.yaml", *ONLY]) == 0
    assert "6 accepted" in capsys.readouterr().out


def test_no_exceptions_reports_everything(pods: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "pods.yaml", *ONLY, "--no-exceptions"]) == 1
    made = report(capsys, "--no-exceptions")
    assert (len(made["findings"]), made["accepted"]) == (6, [])


def test_pod_security_knows_no_exceptions(pods: Path) -> None:
    assert main(["scan", "pods.yaml", "--pod-security", "baseline"]) == 1


def test_several_cores_accept_the_same(
    pods: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = report(capsys)
    monkeypatch.setattr(scanning, "WORTH_A_PROCESS", 1)
    monkeypatch.setattr("transom.workers.cores", lambda: 2)
    assert report(capsys) == alone


def test_a_baseline_does_not_know_what_is_accepted(pods: Path) -> None:
    main(["scan", "pods.yaml", *ONLY, "--write-baseline", "known.json"])
    assert json.loads(Path("known.json").read_text())["known"] == []


def test_an_exception_of_a_rule_that_was_not_chosen_is_no_mistake(
    pods: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["scan", "pods.yaml", "-o", "jsonl", "--rule", "host-pid"])
    assert "exception-" not in capsys.readouterr().out


def test_an_exception_outside_the_selection_is_not_told(pods: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pods / "pods.yaml").write_text(POD.format(number=1).replace("privileged-container it", "nonsense it"))
    assert [each["rule"] for each in report(capsys)["findings"]] == ["exception-malformed", "privileged-container"][
        ::-1
    ]
    assert report(capsys, "-n", "other")["findings"] == []


def test_explain_knows_the_rules_about_exceptions(pods: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "exception-unused"]) == 0
    assert "Remove the exception." in capsys.readouterr().out


def test_explain_shows_an_accepted_finding_too(pods: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fingerprint = report(capsys)["accepted"][0]["fingerprint"]
    assert main(["explain", fingerprint, "--from", "pods.yaml"]) == 0
    assert "privileged: true" in capsys.readouterr().out
