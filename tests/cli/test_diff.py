"""transom diff, from its arguments to its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from transom.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - name: web
    image: web:1
    securityContext: {privileged: false}
"""
PRIVILEGED = POD.replace("privileged: false", "privileged: true")


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pod.yaml").write_text(POD)
    return tmp_path


def diff(*words: str) -> tuple[int, list[dict[str, object]]]:
    code = main(["diff", "a", "b", *words, "-o", "jsonl=out.jsonl"])
    return code, [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]


def states(records: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(each["type"], each["state"]) for each in records if "state" in each]


def test_the_same_twice_is_clean(sides: Path) -> None:
    code, records = diff()
    assert (code, states(records)) == (0, [])


def test_a_new_finding_at_the_threshold_is_exit_code_1(sides: Path) -> None:
    (sides / "b/pod.yaml").write_text(PRIVILEGED)
    code, records = diff("--rule", "privileged-container")
    assert code == 1
    assert states(records) == [("object", "changed"), ("finding", "new")]


def test_a_finding_that_went_is_clean(sides: Path) -> None:
    (sides / "a/pod.yaml").write_text(PRIVILEGED)
    code, records = diff("--rule", "privileged-container")
    assert (code, states(records)) == (0, [("object", "changed"), ("finding", "gone")])


def test_drift_alone_is_exit_code_1_only_where_it_is_asked_for(sides: Path) -> None:
    (sides / "b/pod.yaml").write_text(POD.replace("web:1", "web:2"))
    assert diff()[0] == 0
    assert diff("--exit-code")[0] == 1


def test_a_file_that_cannot_be_read_makes_nothing_gone(sides: Path) -> None:
    (sides / "a/pod.yaml").write_text(PRIVILEGED)
    (sides / "b/pod.yaml").write_text("a: [\n")
    (sides / "b/other.yaml").write_text(POD.replace("name: web,", "name: other,"))
    code, records = diff("--rule", "privileged-container")
    assert code == 3
    assert states(records) == [("object", "added"), ("object", "unseen"), ("finding", "unjudged")]


def test_an_accepted_finding_is_not_gone(sides: Path) -> None:
    (sides / "a/pod.yaml").write_text(PRIVILEGED)
    (sides / "b/pod.yaml").write_text(
        PRIVILEGED.replace("privileged: true}", "privileged: true}  # transom.dev/allow: privileged-container needed")
    )
    code, records = diff("--rule", "privileged-container")
    assert (code, states(records)) == (0, [("accepted", "accepted")])


def test_a_rule_that_has_nothing_left_to_judge_is_told(sides: Path) -> None:
    (sides / "b/pod.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")
    (sides / "a/secret.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")
    _, records = diff()
    assert "privileged-container" in [each["rule"] for each in records if each["type"] == "rule"]


def test_standard_input_cannot_be_both_sides(sides: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "-", "-"]) == 2
    assert "both" in capsys.readouterr().err


def test_one_source_is_not_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "a"]) == 2
    assert "name what to compare" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["table", "json", "jsonl", "markdown"])
def test_hostile_text_stays_in_its_place(name: str, sides: Path) -> None:
    hostile = '"\\u001b[2J\\u202e<script>alert(1)</script> | `` @all ![x](y)\\n# head"'
    (sides / "b/pod.yaml").write_text(
        PRIVILEGED.replace("web:1", hostile).replace("namespace: shop", f"annotations: {{a: {hostile}}}")
    )
    main(["diff", "a", "b", "-o", f"{name}=out"])
    text = Path("out").read_text()
    assert "\x1b" not in text
    if name in ("table", "markdown"):
        assert "\u202e" not in text
        assert "\n# head" not in text
    if name == "markdown":
        outside = "".join(text.split("`")[::2])
        assert "<script" not in outside.replace("``", "")


def test_records_follow_their_schema(sides: Path, repository: Path) -> None:
    (sides / "a/secret.yaml").write_text("apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n")
    (sides / "b/pod.yaml").write_text(PRIVILEGED)
    (sides / "b/copy.yaml").write_text(PRIVILEGED)
    (sides / "b/broken.yaml").write_text("a: [\n")
    _, records = diff()
    schema = json.loads((repository / "docs/schema/transom-diff-jsonl.schema.json").read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    for record in records:
        validator.validate(record)


def test_the_document_holds_the_records_of_the_lines(sides: Path) -> None:
    (sides / "b/pod.yaml").write_text(PRIVILEGED)
    _, records = diff()
    main(["diff", "a", "b", "-o", "json=out.json"])
    document = json.loads(Path("out.json").read_text())
    assert document["records"] == records[:-1]
    assert document["summary"] == records[-1]
