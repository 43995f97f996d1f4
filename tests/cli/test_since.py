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
        (("deploy", "--since", "HEAD~1..HEAD"), "it is a range"),
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


def test_what_attributes_keep_out_of_exports_was_there_all_the_same(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / ".gitattributes").write_text("deploy export-ignore\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "two")
    assert found(capsys, "deploy", "--since", "HEAD") == set()


def test_names_with_spaces_and_of_other_alphabets_are_found_again(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "多 one").mkdir()
    (repo / "多 one" / 'é "x".yaml').write_text(POD.format(name="a", privileged="true"))
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "two")
    assert found(capsys, "多 one", "--since", "HEAD") == set()
    assert found(capsys, ".", "--since", "HEAD") == set()


@pytest.fixture
def with_submodule(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q", "-b", "main")
    (other / "pod.yaml").write_text(POD.format(name="inner", privileged="true"))
    git(other, "add", "-A")
    git(other, "commit", "-qm", "one")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "sub")
    git(repo, "commit", "-qm", "two")
    return repo


def test_a_submodule_is_what_it_was_then(with_submodule: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys, ".", "--since", "HEAD") == set()
    assert found(capsys, ".", "--since", "HEAD~1") == {"inner"}


def test_a_submodule_that_is_not_here_as_it_was_is_told(
    with_submodule: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (with_submodule / "sub" / ".git").unlink()
    assert found(capsys, ".", "--since", "HEAD") == {"inner"}
    main(["scan", ".", "--since", "HEAD"])
    assert "count as new: sub" in " ".join(capsys.readouterr().out.split())


def test_a_shallow_clone_says_what_to_fetch(
    repo: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    git(repo, "commit", "-qm", "two", "--allow-empty")
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "-q", "--depth", "1", repo.as_uri(), ".")
    monkeypatch.chdir(clone)
    assert main(["scan", "deploy", "--since", "HEAD~1"]) == 2
    assert "git fetch --unshallow" in capsys.readouterr().err


def test_a_link_that_leaves_its_folder_is_not_followed(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "deploy" / "out.yaml").symlink_to("/etc/hosts")
    (repo / "deploy" / "in.yaml").symlink_to("old.yaml")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "two")
    assert found(capsys, "deploy", "--since", "HEAD") == set()
