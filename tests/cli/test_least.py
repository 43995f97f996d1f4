"""transom least: what a person and a machine are shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transom.cli import main

RBAC = "rbac.authorization.k8s.io"
ROLES = f"""\
apiVersion: {RBAC}/v1
kind: Role
metadata: {{name: reader, namespace: shop}}
rules: [{{apiGroups: [""], resources: [pods, secrets], verbs: [get, list]}}]
---
apiVersion: {RBAC}/v1
kind: RoleBinding
metadata: {{name: web, namespace: shop}}
roleRef: {{apiGroup: {RBAC}, kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: web}}]
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    (tmp_path / "roles.yaml").write_text(ROLES)
    with (tmp_path / "audit.log").open("w") as log:
        for day in range(1, 10):
            for hour in range(24):
                user = {"username": "system:serviceaccount:shop:web", "groups": ["system:authenticated"]}
                event = {
                    "kind": "Event",
                    "apiVersion": "audit.k8s.io/v1",
                    "auditID": f"{day}-{hour}",
                    "stage": "ResponseComplete",
                    "verb": "get",
                    "user": user,
                    "objectRef": {"resource": "pods", "namespace": "shop", "name": "a"},
                    "responseStatus": {"code": 200},
                    "requestReceivedTimestamp": f"2026-03-{day:02}T{hour:02}:00:00Z",
                }
                log.write(json.dumps(event) + "\n")
    return [
        "least",
        "rbac",
        "--audit",
        str(tmp_path / "audit.log"),
        "--from",
        str(tmp_path / "roles.yaml"),
        "--no-defaults",
    ]


def test_the_table_tells_what_is_unused_and_what_replay_says(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 1
    out = capsys.readouterr().out
    assert "ServiceAccount shop/web" in out
    assert "get/list secrets" in out
    assert "Replay of 216 recorded requests against the proposal: 0 denied" in out


def test_the_proposal_can_be_applied(words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    main([*words, "-o", "yaml"])
    out = capsys.readouterr().out
    assert "kubectl delete rolebinding web -n shop" in out
    (tmp_path / "proposal.yaml").write_text(out)
    question = ["can", "sa:shop/web", "get", "pods/a", "-n", "shop", "--from", str(tmp_path / "proposal.yaml")]
    assert main(question) == 0
    assert main([*question[:3], "secrets/a", *question[4:]]) == 1


def test_too_short_a_log_makes_nothing_unused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--min-days", "90"]) == 3
    shown = capsys.readouterr()
    assert "of 90.0 days" in shown.err
    assert "never used" not in shown.out


def test_one_subject_can_be_chosen(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--subject", "sa:shop/other", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["subjects"] == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--min-days", "-1"], "no number of days"),
        (["--subject", ""], "names nobody"),
        (["--level", "x"], "invalid choice"),
    ],
)
def test_wrong_words_are_usage_errors(
    words: list[str], more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, *more]) == 2
    assert said in capsys.readouterr().err


def test_a_log_without_events_is_incomplete(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "empty.log").touch()
    words[3] = str(tmp_path / "empty.log")
    assert main(words) == 3
    assert "no audit event" in capsys.readouterr().err


def test_without_a_log_how_to_name_one_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["least", "rbac", "--from", words[5]]) == 2
    assert "--audit audit.log" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("since", "until", "requests"), [("2026-03-02", "2026-03-09T12:00:00Z", 180), ("2026-03-09", "2026-03-10", 24)]
)
def test_a_part_of_the_log_can_be_chosen(
    since: str, until: str, requests: int, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main([*words, "--since", since, "--until", until, "--min-days", "0", "-o", "json"])
    assert json.loads(capsys.readouterr().out)["events"] == requests


def test_a_log_of_another_cluster_is_told_and_incomplete(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "roles.yaml").write_text(ROLES.replace("pods, secrets", "services"))
    assert main(words) == 3
    assert "216 recorded requests are allowed by nothing that the source tells" in capsys.readouterr().err


def test_a_log_that_does_not_tell_the_end_of_requests_is_incomplete(
    words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    log = tmp_path / "audit.log"
    log.write_text(log.read_text().replace('"responseStatus": {"code": 200}, ', ""))
    assert main(words) == 3
    assert "whether 216 requests were allowed" in capsys.readouterr().err
