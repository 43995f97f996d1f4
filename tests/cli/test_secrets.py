"""transom secrets: leaks in folders, git histories and what is staged; values are never told."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from transom.cli import main
from transom.rules.leaks import searcher

TOKEN = "ghp_" + "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ" + "0mLq17"
KEY_ID = "AKIA" + "QYLPMN5HHHFPZAM2"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "a.py", f"token = '{TOKEN}'\n")
    commit(folder, "a.py", "token = load()\n")
    monkeypatch.chdir(folder)
    return folder


def commit(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", name)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main(["secrets", *words, "-o", "json"])
    out = capsys.readouterr().out
    assert TOKEN not in out
    assert KEY_ID not in out
    return code, json.loads(out)


def found(capsys: pytest.CaptureFixture[str], *words: str) -> list[tuple[str, str, int]]:
    return [(each["rule"], each["file"], each["line"]) for each in told(capsys, *words)[1]["findings"]]


def test_every_file_below_a_folder_is_read_but_what_is_excluded(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "b.ini").write_text(f"\nid = {KEY_ID}\n")
    (repo / "skip.ini").write_text(f"id = {KEY_ID}\n")
    assert found(capsys, "--exclude", "skip.*") == [("aws-access-key-id", "b.ini", 2)]
    assert told(capsys)[0] == 1


def test_the_history_tells_when_a_value_came_and_went_and_by_whom(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (finding,) = told(capsys, "--git")[1]["findings"]
    first, last = git(repo, "log", "--format=%h", "--abbrev=12", "--reverse").split()
    assert finding["severity"] == "critical"
    seen = finding["evidence"][0]["observed"]
    assert f"since {first} of" in seen
    assert "by Ann <a@example.com>" in seen
    assert seen.endswith(f"gone with {last}")


def test_a_value_that_many_commits_have_is_told_once(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        commit(repo, "b.py", f"# {number}\nid = '{KEY_ID}'\n")
    (finding,) = (
        each
        for each in told(capsys, "--git")[1]["findings"]
        if each["file"] == "b.py" and each["evidence"][0]["start"] and "since" in each["evidence"][0]["observed"]
    )
    assert finding["evidence"][0]["observed"].endswith("still there")


def test_since_a_revision_only_what_later_commits_bring_is_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(repo, "b.py", f"id = '{KEY_ID}'\n")
    assert found(capsys, "--since", "HEAD~1") == [("aws-access-key-id", "b.py", 1)]
    assert main(["secrets", "--since", "nothing"]) == 2


def test_of_staged_files_only_what_is_new_is_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(repo, "b.py", f"id = '{KEY_ID}'\n")
    (repo / "b.py").write_text(f"id = '{KEY_ID}'\nother = '{TOKEN}'\n")
    git(repo, "add", "-A")
    (repo / "b.py").write_text("not this\n")
    assert found(capsys, "--staged") == [("github-token", "b.py", 2)]


def test_nothing_staged_is_clean(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", "--staged"]) == 0


def test_a_remark_and_a_list_of_gitleaks_accept(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    (repo / "c.ini").write_text(f"id = {KEY_ID} # gitleaks:allow\n")
    (repo / ".gitleaksignore").write_text("# known\nb.ini:aws-access-key-id:1\n")
    code, report = told(capsys)
    assert (code, report["findings"], len(report["accepted"])) == (0, [], 2)
    assert len(found(capsys, "--no-exceptions")) == 2


@pytest.mark.parametrize("words", [("secrets",), ("scan", ".", "--scanners", "secret")])
def test_what_the_team_accepts_is_accepted(
    repo: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    (repo / "transom.yaml").write_text(
        "version: 1\nexceptions:\n"
        "- {rule: aws-access-key-id, reason: revoked, file: b.ini}\n- {rule: image-root-user, reason: no matter}\n"
    )
    assert main([*words, "-o", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [each["reason"] for each in report["accepted"]] == ["revoked"]
    assert main(["secrets", "--no-exceptions"]) == 1
    assert main(["scan", "b.ini"]) != 2


def test_a_rule_for_credentials_is_explained(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "aws-access-key-id"]) == 0
    assert "AWS access key" in capsys.readouterr().out


def test_a_baseline_outlives_moved_lines(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    main(["secrets", "--write-baseline", "known.json"])
    (repo / "b.ini").write_text(f"\n\nid = {KEY_ID}\n")
    capsys.readouterr()
    assert found(capsys, "--baseline", "known.json") == []


def test_a_link_out_of_the_folder_is_skipped_and_one_to_nothing_counted(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "out").symlink_to("/etc/passwd")
    (repo / "nothing").symlink_to("absent")
    code, report = told(capsys)
    assert code == 3
    assert ["leaves the folder" in each["reason"] for each in report["skipped"]] == [True]
    assert report["summary"]["not_applicable"] == {"links to nothing": 1}


def test_a_pack_that_was_cut_short_is_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit(repo, "b.bin", os.urandom(30_000).hex())
    git(repo, "repack", "-adq")
    (pack,) = (repo / ".git" / "objects" / "pack").glob("*.pack")
    pack.chmod(0o600)
    pack.write_bytes(pack.read_bytes()[:9_000])
    code, report = told(capsys, "--git")
    assert code == 3
    assert any("git cannot read all of it" in each["reason"] for each in report["skipped"])


def test_what_a_repository_configures_is_not_run(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran = repo.parent / "ran"
    script = repo.parent / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o700)
    for setting in ("core.fsmonitor", "diff.external", "core.pager", "gpg.program", "core.sshCommand"):
        git(repo, "config", setting, str(script))
    git(repo, "config", "log.showSignature", "true")
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    for words in (["--git"], ["--staged"], ["--since", "HEAD~1"]):
        told(capsys, *words)
    assert not ran.exists()


def test_what_the_environment_names_is_not_run_and_no_other_repository_read(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, script = repo.parent / "ran", repo.parent / "script"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o700)
    for name in ("GIT_EXTERNAL_DIFF", "GIT_PAGER", "GIT_SSH_COMMAND", "GIT_ASKPASS", "GIT_EDITOR"):
        monkeypatch.setenv(name, str(script))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.fsmonitor")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(script))
    monkeypatch.setenv("GIT_TRACE", str(ran))
    monkeypatch.setenv("GIT_DIR", str(repo.parent / "nowhere"))
    assert found(capsys, "--git") == [("github-token", "a.py", 1)]
    told(capsys, "--staged")
    assert not ran.exists()


def test_objects_that_another_repository_keeps_are_read(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repo, "clone", "-q", "--shared", ".", str(repo.parent / "shared"))
    assert (repo.parent / "shared" / ".git" / "objects" / "info" / "alternates").exists()
    assert found(capsys, str(repo.parent / "shared"), "--git") == [("github-token", f"{repo.parent}/shared/a.py", 1)]


def test_objects_that_nobody_keeps_any_more_are_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared = repo.parent / "shared"
    git(repo, "clone", "-q", "--shared", ".", str(shared))
    (shared / ".git" / "objects" / "info" / "alternates").write_text("/nowhere\n")
    code = main(["secrets", str(shared), "--git"])
    assert code in (2, 3)


def test_a_scan_looks_through_the_history_as_well(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["scan", ".", "--git", "--scanners", "secret", "-o", "json"])
    report = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [(each["rule"], each["file"]) for each in report["findings"]] == [("github-token", "a.py")]


def test_a_scan_for_secrets_reads_files_of_any_kind(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    main(["scan", ".", "--scanners", "secret", "-o", "json"])
    assert [each["file"] for each in json.loads(capsys.readouterr().out)["findings"]] == ["b.ini"]


def test_the_rules_of_a_folder_are_found_and_told(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / ".gitleaks.toml").write_text("[extend]\nuseDefault = true\n[[rules]]\nid = 'mine'\nregex = 'lo(ad)'\n")
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    report = told(capsys)[1]
    rules = {(each["rule"], each["file"]) for each in report["findings"]}
    assert rules == {("mine", "a.py"), ("aws-access-key-id", "b.ini")}
    assert ".gitleaks.toml" in str(report["summary"]["provenance"])
    assert found(capsys, "--no-exceptions") == [("aws-access-key-id", "b.ini", 1)]


def test_without_hyperscan_the_same_is_found_and_that_it_is_slower_told(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / "b.yaml").write_text(f"kind: Secret\ndata:\n  a: {base64.b64encode(TOKEN.encode()).decode()}\n")
    fast = told(capsys, "--git")[1]
    monkeypatch.setattr("transom.rules.leaks._prefilter", lambda _: None)
    searcher.cache_clear()
    try:
        plain = told(capsys, "--git")[1]
    finally:
        searcher.cache_clear()
    assert plain["findings"] == fast["findings"] != []
    assert "pip install 'transom[leaks]'" in str(plain["summary"]["provenance"])


TRIVY = """
rules:
  - id: mine
    category: general
    title: Mine
    severity: HIGH
    keywords: [PIN]
    regex: (?P<key>pin)=(?P<secret>[0-9]{8})
    secret-group-name: secret
    allow-rules: [{id: ones, regex: '^1{8}$'}, {id: samples, path: 'sample'}]
  - id: broken
    regex: a(?=b)
  - id: nameless
    regex: (a)
    secret-group-name: none
disable-rules: [github-token]
exclude-block: {regexes: ['(?s)begin.*?end']}
"""


def test_rules_of_trivy_are_read(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "trivy-secret.yaml").write_text(TRIVY)
    (repo / "a.ini").write_text(f"pin=12345678\npin=11111111\nt={TOKEN}\nid={KEY_ID}\nbegin\npin=87654321\nend\n")
    (repo / "sample.ini").write_text("pin=12345678\n")
    report = told(capsys, ".", "--secret-rules", "trivy-secret.yaml")[1]
    assert {(each["rule"], each["file"], each["line"]) for each in report["findings"]} == {
        ("mine", "a.ini", 1),
        ("aws-access-key-id", "a.ini", 4),
    }
    assert sorted(each["reason"].split(" ")[2] for each in report["skipped"]) == ["broken", "nameless"]


def test_a_report_of_gitleaks_is_a_baseline(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "b.ini").write_text(f"\n\nid = {KEY_ID}\n")
    (repo / "c.ini").write_text(f"token = {TOKEN}\n")
    known = [
        {"RuleID": "aws-access-token", "File": "b.ini", "StartLine": 1, "Secret": KEY_ID, "Fingerprint": "x"},
        {"RuleID": "github-token", "File": "c.ini", "StartLine": 1, "Secret": "REDACTED"},
    ]
    (repo.parent / "known.json").write_text(json.dumps(known))
    assert found(capsys, "--baseline", str(repo.parent / "known.json")) == []
    (repo / "c.ini").write_text(f"\ntoken = {TOKEN}\n")
    assert found(capsys, "--baseline", str(repo.parent / "known.json")) == [("github-token", "c.ini", 2)]


def test_a_baseline_that_is_none_is_refused(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repo / "known.json").write_text('[{"RuleID": 3}]')
    assert main(["secrets", "--baseline", "known.json"]) == 2
    assert "gitleaks --report-format json" in capsys.readouterr().err


def test_a_release_of_helm_is_looked_through(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    template = base64.b64encode(f"token: {TOKEN}\n".encode()).decode()
    release = {"name": "a", "chart": {"templates": [{"name": "t", "data": template}]}, "manifest": f"id: {KEY_ID}\n"}
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(release).encode()))).decode()
    (repo / "r.yaml").write_text(f"kind: Secret\ndata:\n  release: {packed}\n")
    told_of = {each["rule"]: each for each in told(capsys, "r.yaml")[1]["findings"]}
    assert told_of.pop("kubernetes-secret")["line"] == 3
    assert {rule: each["evidence"][0]["observed"].split(", ", 1)[1] for rule, each in told_of.items()} == {
        "aws-access-key-id": "in base64, in gzip (hidden)",
        "github-token": "in base64, in gzip, in base64 (hidden)",
    }


def test_a_submodule_is_counted_and_left_alone(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{'a' * 40},sub")
    git(repo, "commit", "-qm", "sub")
    code, report = told(capsys, "--git")
    assert code == 1
    assert "submodules, whose history is their own" in report["summary"]["not_applicable"]


def test_where_there_is_no_repository_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["secrets", str(tmp_path), "--git"]) == 2
    assert "not a git repository" in capsys.readouterr().err


def test_rules_of_a_person_are_used_and_those_that_do_not_load_told(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repo / "rules.toml").write_text(
        "[[rules]]\nid = 'mine'\nregex = 'load'\n[[rules]]\nid = 'bad'\nregex = 'a(?=b)'\n"
    )
    code, report = told(capsys, "a.py", "--secret-rules", "rules.toml")
    assert code == 3
    assert [each["rule"] for each in report["findings"]] == ["mine"]
    assert "bad" in report["skipped"][0]["reason"]


@pytest.mark.parametrize(
    "form", ["table", "jsonl", "sarif", "html", "junit", "markdown", "csv", "gitlab-sast", "github"]
)
def test_every_format_tells_and_none_shows_the_value(repo: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    (repo / "b.ini").write_text(f"id = {KEY_ID}\n")
    assert main(["secrets", "-o", form]) == 1
    out = capsys.readouterr().out
    assert "b.ini" in out
    assert KEY_ID not in out
