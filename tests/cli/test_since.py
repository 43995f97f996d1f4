"""--since: only what came after a git revision is reported."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from transom.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  containers:
  - name: app
    image: example.com/app:1
    securityContext: {{privileged: {privileged}}}
"""


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "old.yaml").write_text(POD.format(name="old", privileged="true"))
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    main(["scan", *words, "--rule", "privileged-container", "-o", "json"])
    return {each["ref"]["name"] for each in json.loads(capsys.readouterr().out)["findings"]}


@pytest.mark.parametrize("target", ["deploy", "absolute"])
def test_only_what_is_new_is_reported(repo: Path, capsys: pytest.CaptureFixture[str], target: str) -> None:
    (repo / "deploy" / "old.yaml").rename(repo / "deploy" / "moved.yaml")
    (repo / "deploy" / "new.yaml").write_text(POD.format(name="new", privileged="true"))
    named = str(repo / "deploy") if target == "absolute" else target
    assert found(capsys, named) == {"old", "new"}
    assert found(capsys, named, "--since", "HEAD") == {"new"}


def test_a_fault_that_came_into_a_known_object_is_new(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "deploy" / "b.yaml").write_text(POD.format(name="b", privileged="false"))
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "two")
    (repo / "deploy" / "b.yaml").write_text(POD.format(name="b", privileged="true"))
    assert found(capsys, "deploy", "--since", "HEAD") == {"b"}


def test_what_others_changed_since_is_no_change_of_this_work(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repo, "checkout", "-qb", "work")
    git(repo, "checkout", "-q", "main")
    (repo / "deploy" / "old.yaml").write_text(POD.format(name="old", privileged="false"))
    git(repo, "commit", "-qam", "mend")
    git(repo, "checkout", "-q", "work")
    assert found(capsys, "deploy", "--since", "main") == set()


def test_a_folder_that_is_new_is_new_as_a_whole(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "more").mkdir()
    (repo / "more" / "a.yaml").write_text(POD.format(name="a", privileged="true"))
    assert found(capsys, "more", "--since", "HEAD") == {"a"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("deploy", "--since", "nothing"), "no such revision"),
        (("deploy", "--since=--all"), "no such revision"),
        (("-", "--since", "HEAD"), "only files and folders"),
        (("/proc/self", "--since", "HEAD"), "not a git repository"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(
    repo: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert main(["scan", *words]) == 2
    assert said in capsys.readouterr().err


def test_the_report_says_what_it_left_out(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["scan", "deploy", "--since", "HEAD"])
    assert "already is left out" in capsys.readouterr().out
