"""What a person is shown of a rule besides its texts."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.rules.load import builtin_pack, read_pack
from transom.rules.policy import Policy
from transom.rules.shown import MAX_EXAMPLES_BYTES, Parameter, first_examples, parameters

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: mine}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations: [{expression: "true"}]
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    file = tmp_path / "mine.yaml"
    file.write_text(POLICY)
    (found,) = read_pack([file]).policies
    return found


def _builtin(name: str) -> Policy:
    return next(each for each in builtin_pack().policies if each.id == name)


def test_the_first_examples_are_shown_as_yaml_below_their_names() -> None:
    good, bad = first_examples(_builtin("host-port"))
    assert good.startswith("# no ports\napiVersion: v1\nkind: Pod\n")
    assert "hostPort: 443" in bad


def test_an_example_tells_the_parameters_it_holds_for() -> None:
    assert "# with registries: registry.example\n" in first_examples(_builtin("image-registry-allowed"))[1]


def test_a_rule_without_a_file_of_examples_shows_none(policy: Policy) -> None:
    assert first_examples(policy) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "good: 7",
        "good: [7]\nbad: [{name: a}]",
        "good: [{object: 7}]",
        "{",
        "\x00",
        "a" * (MAX_EXAMPLES_BYTES + 1),
    ],
    ids=["empty", "list", "no list", "no map", "no object", "broken", "binary", "long"],
)
def test_examples_of_another_form_are_not_shown(policy: Policy, tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.test.yaml").write_text(text)
    assert first_examples(policy) == ("", "")


def test_a_name_that_would_break_out_of_its_comment_is_left_out(policy: Policy, tmp_path: Path) -> None:
    (tmp_path / "mine.test.yaml").write_text('good: [{name: "a\\nkind: Evil", object: {kind: Pod}}]')
    assert first_examples(policy)[0] == "kind: Pod\n"


def test_parameters_come_with_the_comment_above_them() -> None:
    meaning = "The least number of replicas; 0 replicas are a workload that was switched off."
    assert parameters(_builtin("replicas-too-few")) == (Parameter("minimum", "2", meaning),)


def test_a_rule_without_parameters_has_none(policy: Policy) -> None:
    assert parameters(policy) == ()
