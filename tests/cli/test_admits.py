"""transom admits: what a person reads, and what the shell is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transom.cli import main

CLUSTER = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline}}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec: {hostNetwork: %s, containers: [{name: a, image: a}]}
"""


@pytest.fixture
def ask(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    (tmp_path / "cluster.yaml").write_text(CLUSTER)

    def run(pod: str, *words: str) -> tuple[int, str]:
        (tmp_path / "pod.yaml").write_text(pod)
        code = main(["admits", str(tmp_path / "pod.yaml"), "--from", str(tmp_path / "cluster.yaml"), *words])
        out, err = capsysbinary.readouterr()
        return code, (out + err).decode()

    return run


def test_what_is_taken_exits_0(ask) -> None:
    code, said = ask(POD % "false", "-n", "shop")
    assert code == 0
    assert said.startswith("admitted  shop/Pod/web") or "Pod/web" in said


def test_what_is_refused_exits_1_with_the_reason(ask) -> None:
    code, said = ask(POD % "true", "-n", "shop", "--as", "ada")
    assert code == 1
    assert 'Pod Security: violates PodSecurity "baseline:latest": host namespaces' in said


def test_what_is_unknown_exits_3(ask) -> None:
    code, said = ask(POD % "true", "-n", "elsewhere")
    assert code == 3
    assert "the level of namespace elsewhere is not known" in said


def test_json_tells_everybody_who_has_a_say(ask) -> None:
    code, said = ask(POD % "true", "-n", "shop", "-o", "json")
    (told,) = json.loads(said)["objects"]
    assert code == 1
    assert told["admitted"] == "no"
    assert told["says"][0]["by"] == "Pod Security"


def test_a_group_without_a_user_is_a_usage_error(ask) -> None:
    code, said = ask(POD % "true", "--as-group", "engineers")
    assert code == 2
    assert "--as" in said


def test_a_broken_file_is_told_and_exits_3(ask) -> None:
    code, said = ask("a: [", "-n", "shop")
    assert code == 3
    assert "skipped:" in said
