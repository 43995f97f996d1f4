"""The manners of every command: exit codes, streams, errors a person understands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from transom.cli import COMMANDS, main

GOOD = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data: {colour: blue}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  containers:
  - name: app
    image: example.com/app:1
    securityContext:
      privileged: true
"""
RECORDS = {"finding", "skipped", "judged", "summary"}


@pytest.fixture
def manifests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "broken.yaml").write_text("apiVersion: v1\nkind: [Pod\n")
    return tmp_path


def records(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"  {name}" in shown for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"transom {command}" in capsys.readouterr().out


def test_help_imports_nothing_of_the_product() -> None:
    code = "import sys; from transom.cli import main; main(['--help']); print(sorted(m for m in sys.modules if m.startswith('transom')))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "['transom', 'transom.cli']"


def test_a_scan_does_not_import_what_it_does_not_need(manifests: Path) -> None:
    code = (
        "import sys; from transom.cli import main; main(['scan', 'bad.yaml', '-o', 'jsonl=out']); print(*sys.modules)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(manifests / "cache")}
    for _ in range(2):  # the second run finds its rules compiled
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    loaded = done.stdout.split()
    unwanted = {
        "re2",
        "pathspec",
        "wcwidth",
        "multiprocessing",
        "asyncio",
        "transom.lang.cel.parser",
        "transom.lang.cel.check",
    }
    assert not unwanted & set(loaded)


def test_findings_end_with_1_and_name_the_line(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "bad.yaml", "-o", "jsonl"]) == 1
    found = [
        record
        for record in records(capsys.readouterr().out)
        if record.get("rule") == "privileged-container" and record["type"] == "finding"
    ]
    assert [(record["file"], record["line"], record["container"]) for record in found] == [("bad.yaml", 9, "app")]


def test_a_clean_scan_ends_with_0(manifests: Path) -> None:
    assert main(["scan", "good.yaml"]) == 0


def test_fail_on_moves_the_threshold(manifests: Path) -> None:
    assert main(["scan", "bad.yaml", "--rule", "image-digest-missing", "--fail-on", "critical"]) == 0
    assert main(["scan", "bad.yaml", "--rule", "image-digest-missing", "--fail-on", "info"]) == 1


def test_a_broken_file_makes_the_scan_incomplete_and_the_rest_goes_on(
    manifests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", ".", "-o", "jsonl"]) == 3
    found = records(capsys.readouterr().out)
    assert {record["type"] for record in found} == RECORDS
    (skipped,) = [record for record in found if record["type"] == "skipped"]
    assert str(skipped["file"]).endswith("broken.yaml")
    assert skipped["line"]
    assert skipped["next_step"]


def test_an_allowed_skip_is_counted_and_does_not_decide(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "good.yaml", "broken.yaml", "-o", "jsonl", "--allow-skipped", "*broken.yaml"]) == 0
    summary = records(capsys.readouterr().out)[-1]
    assert summary["type"] == "summary"
    assert summary["skipped"] == 1


def test_nothing_judged_is_incomplete(manifests: Path) -> None:
    (manifests / "foreign.yaml").write_text("just: data\n")
    assert main(["scan", "foreign.yaml"]) == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["scan"], "name what to scan"),
        (["scna"], "did you mean scan?"),
        (["scan", "x", "--nonsense"], "unrecognized arguments"),
        (["scan", "good.yaml", "-o", "pdf"], "choose from"),
        (["scan", "good.yaml", "-o", "json", "-o", "table"], "stdout"),
        (["scan", "good.yaml", "--only", "cellar"], "no window 'cellar'"),
        (["scan", "good.yaml", "--rule", "privileged-contaner"], "privileged-container"),
        (["scan", "good.yaml", "--fail-on", "awful"], "choose from"),
        (["scan", "good.yaml", "--pod-security", "strict"], "restricted"),
        (["scan", "good.yaml", "--kubernetes-version", "new"], "write it like"),
        (["scan", "good.yaml", "-l", "a in (b"], "a in (b"),
        (["scan", "good.yaml", "--config", "absent.yaml"], "absent.yaml"),
        (["scan", "good.yaml", "--baseline", "absent.json"], "absent.json"),
        (["explain"], "explain"),
        (["explain", "no-such-rule"], "no-such-rule"),
        (["snapshot", "good.yaml"], "--output"),
    ],
)
def test_wrong_use_ends_with_2_and_says_what_to_do(
    words: list[str], says: str, manifests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert says in shown.err
    assert shown.out == ""


@pytest.mark.parametrize(
    "text",
    ["version: 2\n", "version: 1\nexcludes: []\n", "version: 1\nseverity: {host-pid: awful}\n", "[", "version: one\n"],
)
def test_wrong_settings_end_with_2(text: str, manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (manifests / "transom.yaml").write_text(text)
    assert main(["scan", "good.yaml"]) == 2
    assert "transom.yaml" in capsys.readouterr().err


def test_settings_change_severity_and_leave_files_out(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (manifests / "transom.yaml").write_text(
        "version: 1\nexclude: [broken.yaml]\nseverity: {privileged-container: low}\n"
    )
    main(["scan", ".", "-o", "jsonl", "--rule", "privileged-container"])
    found = records(capsys.readouterr().out)
    assert [record["severity"] for record in found if record["type"] == "finding"] == ["low"]
    assert not [record for record in found if record["type"] == "skipped"]


def test_a_baseline_hides_what_is_known_and_shows_what_is_new(
    manifests: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", "bad.yaml", "--write-baseline", "known.json"]) == 0
    assert main(["scan", "bad.yaml", "--baseline", "known.json"]) == 0
    (manifests / "bad.yaml").write_text("# moved\n\n" + BAD + "  hostPID: true\n")
    capsys.readouterr()
    assert main(["scan", "bad.yaml", "--baseline", "known.json", "-o", "jsonl"]) == 1
    found = records(capsys.readouterr().out)
    assert [record["rule"] for record in found if record["type"] == "finding"] == ["host-pid"]


def test_a_snapshot_is_judged_as_its_files_were(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["snapshot", "good.yaml", "bad.yaml", "-o", "estate"]) == 0
    capsys.readouterr()
    main(["scan", "good.yaml", "bad.yaml", "-o", "jsonl"])
    from_files = [record for record in records(capsys.readouterr().out) if record["type"] == "finding"]
    main(["scan", "estate", "-o", "jsonl"])
    assert [record for record in records(capsys.readouterr().out) if record["type"] == "finding"] == from_files


def test_namespaces_and_labels_limit_what_is_judged(manifests: Path) -> None:
    assert main(["scan", "bad.yaml", "-n", "shop"]) == 1
    assert main(["scan", "bad.yaml", "-n", "other"]) == 3
    assert main(["scan", "bad.yaml", "-l", "app=web"]) == 1
    assert main(["scan", "bad.yaml", "-l", "app!=web"]) == 3


@pytest.mark.parametrize(("level", "code"), [("privileged", 0), ("baseline", 1), ("restricted@v1.25", 1)])
def test_pod_security_levels_decide_as_the_api_server_does(level: str, code: int, manifests: Path) -> None:
    assert main(["scan", "bad.yaml", "--pod-security", level]) == code


def test_the_same_scan_prints_the_same_bytes(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for _ in range(2):
        main(["scan", ".", "-o", "json"])
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]


def test_explain_tells_a_rule_and_a_finding(manifests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "privileged-container"]) == 0
    assert "Privileged container" in capsys.readouterr().out
    main(["scan", "bad.yaml", "-o", "jsonl", "--rule", "privileged-container"])
    fingerprint = str(records(capsys.readouterr().out)[0]["fingerprint"])
    assert main(["explain", fingerprint[:12], "--from", "bad.yaml"]) == 0
    assert "privileged: true" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("words", [["scan", "bad.yaml"], ["scan", "bad.yaml", "-o", "json"], ["version"], ["--help"]])
def test_a_full_disk_is_told_and_never_looks_like_a_verdict(manifests: Path, words: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "transom", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=manifests, check=False)
    assert done.returncode == 3
    assert done.stderr == "transom: No space left on device\n"


def test_a_pipe_that_closes_early_ends_quietly(manifests: Path) -> None:
    (manifests / "many.yaml").write_text("---\n".join(BAD.replace("name: web", f"name: web-{n}") for n in range(2_000)))
    command = f"{sys.executable} -m transom scan many.yaml -o jsonl | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_standard_input_is_a_target(manifests: Path) -> None:
    command = [sys.executable, "-m", "transom", "scan", "-", "-o", "jsonl"]
    done = subprocess.run(command, input=BAD.encode(), capture_output=True, check=False)
    assert done.returncode == 1
    assert b'"file":"-"' in done.stdout


def test_completion_offers_commands_and_options(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        shown = capsys.readouterr().out
        assert "snapshot" in shown
        assert "fail-on" in shown


def test_the_completion_script_of_bash_is_valid() -> None:
    done = subprocess.run(
        ["bash", "-c", f"source <({sys.executable} -m transom completion bash)"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_doctor_finds_a_sound_installation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert "rules load" in capsys.readouterr().out
