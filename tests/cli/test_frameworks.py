"""transom frameworks, scan --framework and --profile: what a person asks for is what is judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transom.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  hostPID: true
  containers:
  - {name: app, image: "example.com/app:1.4", resources: {limits: {cpu: 1}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pod.yaml").write_text(POD)
    return tmp_path


def scanned(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    main(["scan", "pod.yaml", "-o", "json", *arguments])
    made: dict[str, object] = json.loads(capsys.readouterr().out)
    return made


def rules(document: dict[str, object]) -> set[str]:
    judged = document["judged"]
    assert isinstance(judged, list)
    return {each["rule"] for each in judged}


def test_the_list_names_every_framework(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frameworks", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(f"{name} " in shown for name in ("cis-kubernetes", "nsa-cisa", "soc2", "pci-dss", "pss"))


def test_a_framework_is_shown_control_by_control(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frameworks", "show", "cis-kubernetes", "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    controls = {control["id"]: control for control in shown["controls"]}
    assert controls["5.2.3"]["rules"] == ["host-pid"]
    assert controls["5.3.1"]["undecided"]


@pytest.mark.parametrize("arguments", [["frameworks", "show", "psp"], ["scan", "pod.yaml", "--framework", "psp"]])
def test_a_framework_that_does_not_exist_is_a_usage_error(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    assert "cis-kubernetes" in capsys.readouterr().err


def test_a_scan_for_a_framework_judges_its_rules_also_those_outside_the_profile(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = scanned(capsys, "--framework", "cis-kubernetes")
    assert "net-raw-kept" in rules(document)
    assert "naked-pod" not in rules(document)
    states = {control["control"]: control["state"] for control in document["controls"]}
    assert states["5.2.3"] == "failed"
    assert states["5.2.4"] == "passed"
    assert states["5.1.1"] == "not applicable"


def test_a_rule_that_is_left_out_makes_its_control_unknown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = scanned(capsys, "--framework", "cis-kubernetes", "--skip-rule", "host-ipc")
    states = {control["control"]: control["state"] for control in document["controls"]}
    assert states["5.2.4"] == "unknown"


def test_a_broken_file_leaves_no_control_passed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.yaml").write_text("apiVersion: v1\nkind: [Pod\n")
    main(["scan", ".", "-o", "json", "--framework", "pss"])
    document = json.loads(capsys.readouterr().out)
    assert document["compliance"]["controls"]["passed"] == 0
    assert document["compliance"]["percent"] == 0
    assert document["summary"]["risk"] == 100


def test_oscal_without_a_framework_is_a_usage_error(folder: Path) -> None:
    assert main(["scan", "pod.yaml", "-o", "oscal"]) == 2


def test_the_verdict_of_pod_security_has_no_controls(folder: Path) -> None:
    assert main(["scan", "pod.yaml", "--pod-security", "baseline", "--framework", "pss"]) == 2


def test_oscal_tells_when_it_was_made(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    main(["scan", "pod.yaml", "-o", "oscal", "--framework", "pss"])
    made = json.loads(capsys.readouterr().out)["assessment-results"]
    assert made["metadata"]["last-modified"] == "1970-01-01T00:00:00Z"


def test_the_default_profile_asks_for_neither_of_two_rules_that_contradict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not {"cpu-limit-set", "cpu-limit-missing"} & rules(scanned(capsys))


def test_profiles_are_added_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judged = rules(scanned(capsys, "--profile", "burstable", "--profile", "inventory"))
    assert {"cpu-limit-set", "scheduled-job"} <= judged


def test_the_settings_name_profiles_and_the_command_line_replaces_them(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "transom.yaml").write_text("version: 1\nprofiles: [inventory]\n")
    assert len(rules(scanned(capsys))) < 20
    assert "privileged-container" in rules(scanned(capsys, "--profile", "default"))


def test_a_rule_named_alone_is_judged_whatever_the_profile(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules(scanned(capsys, "--rule", "cpu-limit-set")) == {"cpu-limit-set"}


def test_an_unknown_profile_is_a_usage_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "pod.yaml", "--profile", "lax"]) == 2
    assert "strict" in capsys.readouterr().err


def test_rules_of_a_profile_are_listed_and_each_rule_tells_its_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--profile", "pss-baseline", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"pss-baseline", "default"} <= set(next(each for each in listed if each["id"] == "host-pid")["profiles"])
    assert "run-as-non-root" not in {each["id"] for each in listed}


def test_the_page_of_a_rule_tells_its_profiles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "cpu-limit-set"]) == 0
    assert "Profiles\n  burstable\n" in capsys.readouterr().out


def test_the_profiles_are_listed_with_their_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "profiles"]) == 0
    assert "neither is right everywhere" in " ".join(capsys.readouterr().out.split())


def test_what_is_exported_by_default_contradicts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "export"]) == 0
    assert "name: cpu-limit-set" not in capsys.readouterr().out
