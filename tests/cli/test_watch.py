"""transom watch, where there is nothing to watch; tests/parity/test_watch.py has a real server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from transom.cli import main


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_folder_cannot_be_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "deploy/"]) == 2
    assert "only a cluster can be watched" in capsys.readouterr().err


def test_a_cluster_that_does_not_answer_is_told_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
        "current-context": "a",
    }
    (tmp_path / "config").write_text(json.dumps(config))
    assert main(["watch", "--kubeconfig", str(tmp_path / "config")]) == 3
    assert "cannot reach the API server" in capsys.readouterr().err
