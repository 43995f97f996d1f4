"""`kubectl transom` is the same program, and says what a person types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent


@pytest.fixture
def kubectl() -> str:
    found = shutil.which("kubectl", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        pytest.skip("there is no kubectl in the environment or in PATH")
    if not (BIN / "kubectl-transom").exists():
        pytest.skip("kubectl-transom is not installed beside this Python")
    return found


def run(kubectl: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [kubectl, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_kubectl_finds_it(kubectl: str) -> None:
    assert "kubectl-transom" in run(kubectl, "plugin", "list").stdout


def test_its_help_says_what_is_typed(kubectl: str) -> None:
    overview = run(kubectl, "transom", "--help").stdout
    assert "usage: kubectl transom COMMAND" in overview
    assert "  kubectl transom scan cluster" in overview
    of_scan = run(kubectl, "transom", "scan", "--help").stdout
    assert "usage: kubectl transom scan" in of_scan
    assert "\n  kubectl transom scan deploy/ " in of_scan
    assert "| kubectl transom scan -" in of_scan


def test_its_errors_say_what_is_typed(kubectl: str) -> None:
    done = run(kubectl, "transom", "scam")
    assert done.returncode == 2
    assert done.stderr == "kubectl transom: there is no command 'scam'; did you mean scan?\n"


def test_it_scans_and_ends_with_the_code_of_a_scan(kubectl: str, repository: Path) -> None:
    done = run(kubectl, "transom", "scan", str(repository / "examples" / "shop"))
    assert done.returncode == 1
    assert "privileged-container" in done.stdout
