"""transom explain, rules list --framework and rules docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: app
    image: example.com/app:1.4
    env:
    - name: DB_PASSWORD
      value: hunter-two
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_explain_tells_controls_and_both_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "host-pid"]) == 0
    page = capsys.readouterr().out
    assert "CIS Kubernetes Benchmark 1.12: 5.2.3" in page
    assert "hostPID: true" in page[page.index("\nBad\n") : page.index("\nGood\n")]


def test_explain_of_a_pod_security_check_shows_no_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "pod-security/hostPorts"]) == 0
    assert "\nBad\n" not in capsys.readouterr().out


@pytest.mark.parametrize("rule", ["literal-credential", "image-pull-policy"])
def test_explain_shows_the_lines_around_a_finding_without_credentials(
    folder: Path, capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    (folder / "pod.yaml").write_text(POD)
    assert main(["scan", "pod.yaml", "--rule", rule, "-o", "jsonl", "--fail-on", "info"]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if '"fingerprint"' in line)
    fingerprint = line.split('"fingerprint":"')[1][:32]
    assert main(["explain", fingerprint, "--from", "pod.yaml"]) == 0
    page = capsys.readouterr().out
    assert "    - name: DB_PASSWORD" in page
    assert "hunter-two" not in page


def test_list_shows_the_rules_of_one_framework(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--framework", "pss"]) == 0
    listed = {line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert "host-pid" in listed
    assert "wildcard-rule" not in listed


def test_list_of_an_unknown_framework_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--framework", "psp"]) == 2
    assert "cis-kubernetes" in capsys.readouterr().err


def test_docs_writes_a_page_for_each_rule_and_an_index(folder: Path) -> None:
    assert main(["rules", "docs", "-o", "pages", "--rule", "host-pid"]) == 0
    assert {file.name for file in (folder / "pages").iterdir()} == {"README.md", "host-pid.md"}


def test_docs_removes_pages_of_rules_that_are_gone_and_nothing_else(folder: Path) -> None:
    assert main(["rules", "docs", "-o", "pages", "--rule", "host-pid"]) == 0
    (folder / "pages" / "notes.md").write_text("mine")
    assert main(["rules", "docs", "-o", "pages", "--rule", "host-ipc"]) == 0
    assert {file.name for file in (folder / "pages").iterdir()} == {"README.md", "host-ipc.md", "notes.md"}


def test_docs_that_cannot_be_written_are_an_error_with_a_next_step(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "pages").write_text("a file")
    assert main(["rules", "docs", "-o", "pages"]) in (2, 3)
    assert "name a folder" in capsys.readouterr().err
