"""Exceptions of other scanners in our words; what cannot be carried over is told."""

from __future__ import annotations

import json

import pytest
import yaml

from transom.cli import main
from transom.rules.load import builtin_pack
from transom.rules.migration import crosswalk, tools

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": []}}


@pytest.fixture
def carried(tmp_path, capsys, monkeypatch):
    """Import a file; return the exceptions, what was told on stderr, and the exit code."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(text: str, name: str = "pod.yaml"):
        (tmp_path / name).write_text(text)
        code = main(["exceptions", "import", str(tmp_path / name)])
        out, err = capsys.readouterr()
        return yaml.safe_load(out)["exceptions"], err, code

    return run


def pod(annotations=None, labels=None) -> str:
    return json.dumps(
        {**POD, "metadata": {**POD["metadata"], "annotations": annotations or {}, "labels": labels or {}}}
    )


def test_every_crosswalk_leads_to_rules_that_there_are():
    known = builtin_pack().faces.keys()
    assert len(tools()) == 9
    for tool in tools():
        assert {rule for rules in crosswalk(tool).values() for rule in rules} <= known, tool


SCOPE = {"kind": "Pod", "namespace": "shop", "name": "web"}


@pytest.mark.parametrize(
    ("text", "rules", "reason"),
    [
        (pod({"checkov.io/skip1": "CKV_K8S_16=it drives a card"}), ["privileged-container"], "it drives a card"),
        (pod({"ignore-check.kube-linter.io/host-pid": "tool"}), ["host-pid"], "tool"),
        (pod({"kube-score/ignore": "service-type,label-values"}), ["node-port-service", "label-invalid"], ""),
        (pod({"polaris.fairwinds.com/host-ipc-set-exempt": "true"}), ["host-ipc"], ""),
        (pod(labels={"kubeaudit.io/allow-privileged": "card-driver"}), ["privileged-container"], "card driver"),
    ],
)
def test_annotations_and_labels_are_carried_over_for_their_object(carried, text, rules, reason):
    found, _, code = carried(text)
    assert code == 0
    assert [each["rule"] for each in found] == rules
    assert all({key: each[key] for key in SCOPE} == SCOPE for each in found)
    assert all(each["reason"] == reason if reason else "was accepted in" in each["reason"] for each in found)


def test_a_container_of_kubeaudit_stays_one(carried):
    (found,), _, _ = carried(pod(labels={"container.kubeaudit.io/agent.allow-privilege-escalation": ""}))
    assert (found["rule"], found["container"]) == ("privilege-escalation", "agent")


def test_comments_of_checkov_are_carried_over(carried):
    (found,), _, _ = carried(yaml.safe_dump(POD) + "# checkov:skip=CKV_K8S_19:cni\n")
    assert (found["rule"], found["reason"]) == ("host-network", "cni")


def test_trivys_file_of_lines_keeps_its_dates_and_tells_what_is_about_images(carried):
    found, err, code = carried("# note\nAVD-KSV-0017 exp:2027-01-01\nCVE-2024-1 # image\n", ".trivyignore")
    assert [(each["rule"], str(each["expires"])) for each in found] == [("privileged-container", "2027-01-01")]
    assert ".trivyignore:3: trivy CVE-2024-1: it is about something else than manifests" in err
    assert code == 3


def test_trivys_yaml_keeps_paths_and_statements(carried):
    entry = {"id": "KSV010", "paths": ["a/*.yaml"], "statement": "tool", "expired_at": "2027-02-03"}
    (found,), _, _ = carried(yaml.safe_dump({"misconfigurations": [entry]}), ".trivyignore.yaml")
    assert found == {
        "rule": "host-pid",
        "file": "a/*.yaml",
        "expires": found["expires"],
        "reason": "tool",
    }


def test_kubescapes_exceptions_keep_what_they_name_and_refuse_other_patterns(carried):
    def resource(**attributes):
        return {"designatorType": "Attributes", "attributes": attributes}

    posture = {
        "name": "nodes",
        "policyType": "postureExceptionPolicy",
        "resources": [resource(kind="DaemonSet", name="node-.*"), resource(name="(a|b)"), resource(app="x")],
        "posturePolicies": [{"controlID": "C-0041"}, {"controlName": "x"}],
    }
    found, err, code = carried(json.dumps([posture]), "exceptions.json")
    assert [(each["rule"], each["kind"], each["name"]) for each in found] == [("host-network", "DaemonSet", "node-*")]
    assert err.count("what it is about cannot be said here") == 1
    assert "it names no control by its id" in err
    assert code == 3


def test_what_silences_everything_is_not_carried_over(carried):
    found, err, _ = carried(pod({"polaris.fairwinds.com/exempt": "true", "checkov.io/skip1": "CKV_K8S_1=x"}))
    assert found == []
    assert "it silences every check" in err
    assert "no rule here means the same" in err


def test_what_is_written_is_read_again(carried, tmp_path, monkeypatch, capsys):
    text = pod({"checkov.io/skip1": 'CKV_K8S_17="quotes" # and: more'})
    found, _, _ = carried(text)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "transom.yaml").write_text(yaml.safe_dump({"version": 1, "exceptions": found}))
    assert main(["exceptions", "list"]) == 0
    assert "host-pid" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "text", "rules"),
    [
        (".hadolint.yaml", "ignored: [DL3008, DL3007]\n", ["dockerfile-packages-unpinned", "dockerfile-image-latest"]),
        (
            ".dockleignore",
            "# why\nCIS-DI-0006\nDKL-LI-0001 # none\n",
            ["image-healthcheck-missing", "image-password-empty"],
        ),
        (".trivyignore", "AVD-DS-0026\n", ["dockerfile-healthcheck-missing"]),
    ],
)
def test_files_about_images_are_carried_over(carried, name, text, rules):
    found, _, code = carried(text, name)
    assert code == 0
    assert [each["rule"] for each in found] == rules


def test_trusted_registries_are_no_exception(carried):
    _, told, code = carried("trustedRegistries: [docker.io]\n", ".hadolint.yaml")
    assert code == 3
    assert "dockerfile-registry-foreign" in told
