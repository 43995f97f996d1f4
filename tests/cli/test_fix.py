"""transom fix from the command line: what it writes, what it refuses, what it tells."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from transom.cli import main
from transom.mending import files, write

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true # to look around
  containers:
  - name: app
    image: example.com/app@sha256:0000000000000000000000000000000000000000000000000000000000000000
"""


@pytest.fixture(autouse=True)
def _home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.chdir(tmp_path_factory.mktemp("here"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture
def run(capfd):
    """Run transom fix; return its exit code, stdout and stderr."""

    def call(*words: Any) -> tuple[int, str, str]:
        code = main(["fix", *map(str, words)])
        out, err = capfd.readouterr()
        return code, out, err

    return call


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pod.yaml"
    path.write_text(POD)
    return path


def test_a_dry_run_shows_a_diff_and_changes_nothing(run, file):
    code, out, err = run(file, "--rule", "host-pid")
    assert code == 1
    assert "-  hostPID: true # to look around\n" in out
    assert file.read_text() == POD
    assert "1 findings in 1 objects can be mended: 0 safely, 1 in a way that may change behaviour" in err


def test_a_diff_is_one_that_patch_takes(run, file, tmp_path):
    file.write_text(POD.rstrip("\n"))
    _, out, _ = run(file)
    if shutil.which("patch") is None:
        pytest.skip("there is no patch on this machine")
    wanted = subprocess.run(["patch", "-o", "-", str(file)], input=out.encode(), capture_output=True, check=True)
    run(file, "--write=all")
    assert wanted.stdout.decode() == file.read_text()


def test_write_applies_what_is_safe_and_write_all_everything(run, file):
    run(file, "--write")
    assert file.read_text() == POD
    code, out, _ = run(file, "--write=all")
    assert (code, out) == (0, f"{file}\n")
    spec = yaml.safe_load(file.read_text())["spec"]
    assert "hostPID" not in spec
    assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_what_was_mended_is_not_mended_again(run, file):
    run(file, "--write=all")
    before = file.read_bytes()
    code, out, _ = run(file)
    assert (code, out, file.read_bytes()) == (0, "", before)


def test_a_safe_fix_is_written_by_write(run, tmp_path):
    head = "apiVersion: policy/v1beta1 # old\nkind: PodDisruptionBudget\nmetadata: {name: a}\n"
    text = head + "spec: {minAvailable: 1, selector: {matchLabels: {a: b}}}\n"
    file = tmp_path / "budget.yaml"
    file.write_text(text)
    run(file, "--write")
    assert file.read_text() == text.replace("v1beta1", "v1")


def test_json_tells_what_was_done_and_what_is_left(run, file):
    _, out, _ = run(file, "-o", "json")
    told = json.loads(out)
    steps = {each["rule"]: each for each in told["mended"]}
    assert steps["host-pid"]["changes"] == [{"op": "remove", "path": "spec.hostPID"}]
    assert steps["host-pid"]["kind"] == "behavioural"
    assert {each["reason"] for each in told["left"] if each["rule"] == "memory-limit-missing"}
    assert told["files"][0]["edits"]


def test_what_an_exception_accepts_is_left(run, file):
    text = POD.replace("# to look around", "# transom.dev/allow: host-pid it looks around")
    file.write_text(text)
    run(file, "--write=all")
    assert "hostPID: true # transom.dev/allow" in file.read_text()


def test_a_container_whose_finding_is_accepted_stays_as_it_is(run, file):
    annotated = POD.replace(
        "{name: web, namespace: shop}",
        '{name: web, namespace: shop, annotations: {transom.dev/allow: "privileged-container@b it programs network cards"}}',
    )
    file.write_text(
        annotated
        + "    securityContext: {privileged: true}\n  - {name: b, image: b@sha256:0, securityContext: {privileged: true}}\n"
    )
    run(file, "--write=all", "--rule", "privileged-container")
    first, second = yaml.safe_load(file.read_text())["spec"]["containers"]
    assert "privileged" not in first["securityContext"]
    assert second["securityContext"] == {"privileged": True}


def test_every_item_of_a_list_and_every_document_is_mended(run, tmp_path):
    pod = json.loads(json.dumps(yaml.safe_load(POD)))
    other = {**pod, "metadata": {"name": "other"}}
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod, other]}, indent=2))
    run(file, "--write=all")
    assert all("hostPID" not in each["spec"] for each in json.loads(file.read_text())["items"])


def test_line_ends_byte_order_mark_and_mode_stay(run, file):
    file.write_bytes(b"\xef\xbb\xbf" + POD.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    run(file, "--write=all", "--rule", "host-pid")
    wanted = "".join(line for line in POD.splitlines(keepends=True) if "hostPID" not in line)
    assert file.read_bytes() == b"\xef\xbb\xbf" + wanted.replace("\n", "\r\n").encode()
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_read_only_file_is_refused(run, file):
    file.chmod(0o444)
    code, out, err = run(file, "--write=all")
    assert (code, out) == (3, "")
    assert "it is read-only" in err
    assert file.read_text() == POD


def test_a_file_that_changed_since_it_was_read_is_refused(run, file, monkeypatch):
    replace = write._replace

    def meanwhile(path: str, content: bytes, status: os.stat_result) -> None:
        Path(path).write_text("# mine\n" + POD)
        replace(path, content, status)

    monkeypatch.setattr(write, "_replace", meanwhile)
    code, _, err = run(file, "--write=all")
    assert code == 3
    assert "it has changed meanwhile" in err
    assert file.read_text() == "# mine\n" + POD
    assert [each.name for each in file.parent.iterdir()] == ["pod.yaml"]


def test_a_file_that_is_no_longer_what_was_read_is_refused(run, file, monkeypatch):
    edit = files.Files.edit

    def later(self: files.Files, name: str, proposals: Any) -> Any:
        file.write_text("# mine\n" + POD)
        return edit(self, name, proposals)

    monkeypatch.setattr(files.Files, "edit", later)
    _, out, err = run(file, "--write=all")
    assert out == ""
    assert "the file has changed since it was read" in err


def test_nothing_is_left_behind_where_a_disk_is_full(run, file, monkeypatch):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run(file, "--write=all")
    assert code == 3
    assert "No space left on device" in err
    assert [each.name for each in file.parent.iterdir()] == ["pod.yaml"]
    assert file.read_text() == POD


def test_a_link_within_the_target_is_followed_and_stays_a_link(run, tmp_path):
    (tmp_path / "real").write_text(POD)
    (tmp_path / "pod.yaml").symlink_to("real")
    run(tmp_path, "--write=all", "--rule", "host-pid")
    assert (tmp_path / "pod.yaml").is_symlink()
    assert "hostPID" not in (tmp_path / "real").read_text()


def test_a_file_with_a_second_name_is_refused(run, file, tmp_path_factory):
    os.link(file, tmp_path_factory.mktemp("other") / "again")
    code, _, err = run(file, "--write=all")
    assert code == 3
    assert "hard link" in err


def test_standard_input_is_not_written_to(run):
    code, _, err = run("-", "--write")
    assert code == 2
    assert "standard input cannot be written to" in err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (POD.encode("utf-16"), "UTF-16"),
        (POD.replace("hostPID: true # to look around", "hostPID: true\n  hostPID: true").encode(), "twice"),
        (POD.replace("hostPID: true # to look around", "<<: {hostPID: true}").encode(), "merge key"),
    ],
)
def test_what_cannot_be_edited_is_left_with_its_reason(run, file, content, reason):
    file.write_bytes(content)
    _, out, err = run(file, "--write=all", "--rule", "host-pid")
    assert out == ""
    assert reason in err
    assert file.read_bytes() == content


@pytest.mark.parametrize("content", [b"\0\1\2\3" * 100, b"a:\n\tb: 1\n", b"a: [\n", b"\xff\xfe\0"])
def test_a_file_that_cannot_be_read_is_told_and_left(run, file, content):
    file.write_bytes(content)
    code, out, err = run(file, "--write=all")
    assert (code, out) == (3, "")
    assert err
    assert file.read_bytes() == content


def test_ten_megabytes_are_mended_but_for_documents_that_are_too_large(run, tmp_path):
    file = tmp_path / "large.yaml"
    filler = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata:\n  a: |\n" + "    x\n" * 900_000
    huge = filler + "    x\n" * 1_000_000
    file.write_text("---\n".join((filler, POD, huge)))
    code, _, err = run(file, "--write=all", "--rule", "host-pid")
    assert code == 3
    assert "larger than 10 MiB" in err
    after = file.read_text()
    assert "hostPID" not in after
    assert len(after) == len("---\n".join((filler, POD, huge))) - len("  hostPID: true # to look around\n")


def test_patches_are_written_for_objects_of_a_snapshot(run, file, tmp_path):
    snapshot = tmp_path / "estate.transom"
    assert main(["snapshot", str(file), "-o", str(snapshot)]) == 0
    _, _, err = run(snapshot, "--write=all")
    assert "it was not read from a file that can be edited" in err
    code, _, _ = run(snapshot, "--patch", tmp_path / "patches")
    assert code == 0
    patch = yaml.safe_load((tmp_path / "patches" / "shop-pod-web.yaml").read_text())
    assert patch["metadata"] == {"name": "web", "namespace": "shop"}
    assert patch["spec"]["hostPID"] is None
    assert patch["spec"]["containers"][0]["name"] == "app"
    (listed,) = yaml.safe_load((tmp_path / "patches" / "kustomization.yaml").read_text())["patches"]
    assert listed["target"] == {"version": "v1", "kind": "Pod", "name": "web", "namespace": "shop"}


def test_a_rule_that_there_is_not_is_a_usage_error(run, file):
    code, _, err = run(file, "--rule", "host-pids")
    assert code == 2
    assert "did you mean host-pid" in err


def test_sarif_has_the_edits_that_mend_each_finding(run, file):
    code, out, _ = run(file, "--rule", "host-pid", "-o", "sarif")
    assert code == 1
    results = {each["ruleId"]: each for each in json.loads(out)["runs"][0]["results"]}
    assert "fixes" not in results["memory-limit-missing"]
    (fix,) = results["host-pid"]["fixes"]
    (change,) = fix["artifactChanges"]
    assert change["artifactLocation"]["uri"].endswith("/pod.yaml")
    (edit,) = change["replacements"]
    start, length = edit["deletedRegion"]["byteOffset"], edit["deletedRegion"]["byteLength"]
    after = POD[:start] + edit["insertedContent"]["text"] + POD[start + length :]
    assert after == POD.replace("  hostPID: true # to look around\n", "")


def test_sarif_proposes_and_writes_nothing(run, file):
    code, _, err = run(file, "-o", "sarif", "--write")
    assert code == 2
    assert "leave --write" in err
    assert file.read_text() == POD
