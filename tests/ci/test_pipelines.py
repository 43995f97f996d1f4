"""The files that pipelines use do what they say."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from transom.cli.scan import parser

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+")
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true, containers: [{name: a, image: b}]}\n"


def test_foreign_actions_are_pinned_by_commit(repository: Path) -> None:
    lines = [line for line in (repository / "action.yml").read_text().splitlines() if "uses:" in line]
    assert lines
    assert all(PINNED.search(line) for line in lines)


def test_no_input_is_pasted_into_a_script(repository: Path) -> None:
    for step in yaml.safe_load((repository / "action.yml").read_text())["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_hook_and_the_job_give_arguments_that_there_are(repository: Path) -> None:
    hooks = yaml.safe_load((repository / ".pre-commit-hooks.yaml").read_text())
    (hook,) = (each for each in hooks if each["id"] == "transom")
    parser().parse_args(shlex.split(hook["entry"])[2:] + hook["args"])
    job = yaml.safe_load((repository / "ci" / "gitlab.yml").read_text())["transom"]
    (line,) = job["script"]
    words = [os.path.expandvars(word) for word in shlex.split(line)]
    given = {f"${name}": value for name, value in job["variables"].items()}
    expanded = [each for word in words for each in shlex.split(given.get(word, word))]
    found = parser().parse_args(expanded[2:])
    assert [each.partition("=")[0] for each in found.output] == ["table", "gitlab-codequality", "gitlab-sast"]
    assert set(job["artifacts"]["reports"].values()) == {"gl-code-quality.json", "gl-sast.json"}


@pytest.fixture
def runner(tmp_path: Path, repository: Path) -> dict[str, str]:
    """An environment like a runner's, in which this interpreter stands for a fresh one and pip installs nothing."""
    fake = tmp_path / "bin"
    fake.mkdir()
    pip = tmp_path / "temp" / "transom" / "bin"
    pip.mkdir(parents=True)
    (pip / "pip").write_text("#!/bin/sh\nexit 0\n")
    (pip / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (fake / "python3").write_text("#!/bin/sh\nexit 0\n")
    (fake / "gh").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/gh\n')
    for program in (*pip.iterdir(), *fake.iterdir()):
        program.chmod(0o755)
    (tmp_path / "pod.yaml").write_text(POD)
    return {
        "PATH": f"{fake}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "GITHUB_ACTION_PATH": str(repository),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "GITHUB_REPOSITORY": "a/b",
        "TARGETS": "pod.yaml\n",
        "ARGUMENTS": "--rule\nhost-pid\n",
        "FAIL_ON": "low",
        "SINCE": "",
        "SARIF": "out.sarif",
        "COMMENT": "true",
        "PULL_REQUEST": "7",
    }


def test_the_action_annotates_summarises_comments_and_ends_as_the_scan(runner: dict[str, str], tmp_path: Path) -> None:
    script = Path(runner["GITHUB_ACTION_PATH"]) / "ci" / "github.sh"
    done = subprocess.run(["bash", script], cwd=tmp_path, env=runner, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "::error" in done.stdout
    assert (tmp_path / "out.sarif").is_file()
    assert "host-pid" in (tmp_path / "summary").read_text()
    assert (tmp_path / "output").read_text() == "sarif=out.sarif\n"
    assert (tmp_path / "gh").read_text().startswith("pr comment 7 --repo a/b")


def test_the_action_fails_where_a_scan_is_incomplete(runner: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("a: [\n")
    script = Path(runner["GITHUB_ACTION_PATH"]) / "ci" / "github.sh"
    done = subprocess.run(["bash", script], cwd=tmp_path, env=runner, capture_output=True, text=True, check=False)
    assert done.returncode == 3
