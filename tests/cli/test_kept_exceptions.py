"""Exceptions in transom.yaml on the command line."""

from __future__ import annotations

import json

import pytest

from transom.cli import main

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  hostPID: true\n  containers:\n  - {name: a}\n"


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "pod.yaml").write_text(POD)

    def settings(exceptions: str) -> None:
        (tmp_path / "transom.yaml").write_text(f"version: 1\nexceptions:\n{exceptions}")

    return settings


def test_a_finding_is_accepted_and_does_not_decide_the_exit_code(here, capsys):
    here("- {rule: host-pid, name: web, reason: it looks around}\n")
    assert main(["scan", "pod.yaml", "--rule", "host-pid", "-o", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [each["rule"] for each in report["accepted"]] == ["host-pid"]
    assert main(["scan", "pod.yaml", "--rule", "host-pid", "--no-exceptions"]) == 1


def test_the_list_counts_what_each_accepts(here, capsys):
    here("- {rule: host-pid, reason: a}\n- {rule: host-ipc, reason: b, expires: 2020-01-01}\n")
    assert main(["exceptions", "list", "pod.yaml"]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "transom.yaml:3  host-pid  everything  accepts 1  a"
    assert out[1] == "transom.yaml:4  host-ipc  everything  accepts 0  expired  b (until 2020-01-01)"


@pytest.mark.parametrize(
    ("exception", "words"),
    [
        ("- {rule: host-pid}", ("transom.yaml:3", "reason")),
        ("- {rule: host-pids, reason: a}", ("transom.yaml:3", "did you mean host-pid")),
        ("- {rule: host-pid, reason: ' '}", ("transom.yaml:3", "no reason")),
        ("- {rule: host-pid, reason: a}\n- {rule: host-pid, reason: a, nmae: x}", ("transom.yaml:4", "nmae")),
        ("- {rule: host-pid, reason: a, expires: soon}", ("transom.yaml:3", "expires")),
        ("- {rule: host-pid, reason: a, labels: 'a in'}", ("transom.yaml:3", "no selector")),
    ],
)
def test_one_that_cannot_be_meant_is_an_error_with_its_line(here, capsys, exception, words):
    here(f"{exception}\n")
    assert main(["scan", "pod.yaml"]) == 2
    err = capsys.readouterr().err
    assert all(word in err for word in words), err


def test_what_it_accepts_is_not_mended(here, tmp_path):
    here("- {rule: host-pid, reason: a}\n")
    main(["fix", "pod.yaml", "--write=all"])
    assert "hostPID: true" in (tmp_path / "pod.yaml").read_text()
