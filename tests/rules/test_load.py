"""Policies from files: what loads, what does not, and where that is told."""

from __future__ import annotations

import os

import pytest

from transom.model.errors import UsageError
from transom.model.severity import Severity
from transom.rules.load import load_pack, read_pack

HEADER = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: rule
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
"""


@pytest.fixture
def problem(tmp_path):
    """Load the text of one file; return the only problem."""

    def load(text: str):
        file = tmp_path / "rule.yaml"
        file.write_text(text)
        (found,) = read_pack([file]).problems
        return found

    return load


def test_a_policy_of_others_needs_no_texts(policy):
    loaded = policy("true")
    assert (loaded.id, loaded.face.title, loaded.face.severity, loaded.window) == (
        "rule",
        "rule",
        Severity.MEDIUM,
        "workloads",
    )
    assert not loaded.expands


def test_texts_stand_in_annotations(policy):
    texts = {"title": "Title", "why": "Why", "fix": "Fix", "severity": "high", "title-zh": "标题", "expect": "false"}
    loaded = policy("true", annotations={f"transom.dev/{key}": text for key, text in texts.items()})
    assert (loaded.face.title, loaded.face.why, loaded.face.fix) == ("Title", "Why", "Fix")
    assert loaded.face.severity is Severity.HIGH
    assert loaded.face.texts == {"zh-CN": {"title": "标题"}}
    assert loaded.expect == "false"


def test_a_policy_of_others_expands_when_it_asks(policy):
    assert policy("true", annotations={"transom.dev/expand": "true"}).expands


def test_a_policy_of_ours_without_texts_is_a_problem(pack, policy_object):
    loaded = pack(policy_object("true"), ours=True)
    assert "title, why, fix, title-zh, why-zh, fix-zh" in loaded.problems[0].reason
    assert loaded.policies


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_all_versions_of_the_kind_load(pack, policy_object, version):
    loaded = pack({**policy_object("true"), "apiVersion": f"admissionregistration.k8s.io/{version}"})
    assert len(loaded.policies) == 1


def test_a_kind_of_the_same_name_in_another_group_is_no_policy(pack, policy_object):
    loaded = pack({**policy_object("true"), "apiVersion": "example.com/v1"})
    assert not loaded.policies
    assert not loaded.problems


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("  validations:\n  - expression: object.spec.x == nothing\n", 9, 34),
        ("  validations:\n  - expression: 'object.spec.x == nothing'\n", 9, 35),
        ('  validations:\n  - {"expression": "object.spec.x == nothing"}\n', 9, 38),
        ("  validations:\n  - message: no\n    expression: |-\n      object.a &&\n        nothing\n", 12, 9),
        ("  validations:\n  - expression: >  # folded\n      true &&\n      object.a && nothing\n", 11, 19),
        ("  validations:\n  - expression: true &&\n      object.a && nothing\n", 10, 19),
        ("  variables:\n  - {name: a, expression: nothing}\n  validations: [{expression: 'true'}]\n", 9, 27),
        ("  matchConditions:\n  - name: a\n    expression: nothing\n  validations: [{expression: 'true'}]\n", 10, 17),
        ("  validations:\n  - expression: 'true'\n    messageExpression: nothing\n", 10, 24),
    ],
)
def test_a_fault_in_an_expression_has_line_and_column(problem, text, line, column):
    found = problem(HEADER + text)
    assert (found.locator.line, found.locator.column) == (line, column)
    assert "nothing" in found.reason
    assert found.next_step


def test_a_fault_in_an_escaped_expression_has_the_line_of_its_field(problem):
    found = problem(HEADER + '  validations:\n  - expression: "\\x6fbject.a == nothing"\n')
    assert (found.locator.line, found.locator.column) == (9, 5)


def test_what_is_wrong_with_one_policy_leaves_the_others(pack, policy_object):
    loaded = pack(policy_object("nothing", name="broken"), policy_object("true", name="whole"))
    assert [each.id for each in loaded.policies] == ["whole"]
    assert [each.rule for each in loaded.problems] == ["broken"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"validation": []}, "unknown field validation"),
        ({"validations": [{"expression": "true", "msg": "x"}]}, "unknown field msg"),
        ({"validations": [{"expression": "1"}]}, "bool"),
        ({"validations": [{"expression": " "}]}, "expression is missing or empty"),
        ({"validations": [{"expression": 1}]}, "expression is no text"),
        ({"validations": ["true"]}, "an entry of validations is no map"),
        ({"validations": "true"}, "validations is no list"),
        ({"validations": []}, "neither validations nor auditAnnotations"),
        ({"validations": [{"expression": "true", "message": "a\nb"}]}, "more than one line"),
        ({"validations": [{"expression": "true", "reason": "Because"}]}, "not one of"),
        ({"validations": [{"expression": "true", "messageExpression": "1"}]}, "string"),
        ({"validations": [{"expression": "true", "messageExpression": "string(authorizer)"}]}, "authorizer"),
        ({"validations": [{"expression": "params.a"}]}, "params"),
        ({"validations": [{"expression": "variables.a"}]}, "a"),
        ({"validations": [{"expression": "request.who == ''"}]}, "who"),
        ({"matchConditions": [{"name": "a", "expression": "variables.a"}]}, "variables"),
        ({"matchConditions": [{"name": "a", "expression": "true"}] * 2}, "another match condition a"),
        ({"matchConditions": [{"name": f"a{i}", "expression": "true"} for i in range(65)]}, "more than 64"),
        ({"variables": [{"name": "for", "expression": "1"}]}, "cannot be the name"),
        ({"variables": [{"name": "a-b", "expression": "1"}]}, "cannot be the name"),
        ({"variables": [{"name": "a", "expression": "1"}] * 2}, "another variable a"),
        ({"variables": [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "1"}]}, "b"),
        ({"failurePolicy": "Maybe"}, "not one of Fail, Ignore"),
        ({"matchConstraints": {}}, "no resourceRules"),
        ({"matchConstraints": {"resourceRules": [{"resources": ["pods"]}]}}, "operations is missing"),
        ({"matchConstraints": {"resourceRules": [], "namespaceSelector": {"matchLabels": {"a b": ""}}}}, "selector"),
        ({"paramKind": {"kind": "ConfigMap"}}, "apiVersion is missing"),
        ({"auditAnnotations": [{"key": "a", "valueExpression": "nothing"}]}, "nothing"),
    ],
)
def test_what_the_api_server_refuses_is_a_problem(pack, policy_object, changes, told):
    loaded = pack({**(made := policy_object("true")), "spec": {**made["spec"], **changes}})
    assert not loaded.policies
    assert told in loaded.problems[0].reason
    assert loaded.problems[0].locator.file


@pytest.mark.parametrize("name", ["", "Upper", "two words", "-a", "a" * 254])
def test_a_name_must_be_one_that_the_api_server_takes(pack, policy_object, name):
    assert not pack(policy_object("true", name=name)).policies


def test_two_policies_of_one_name_are_a_problem(pack, policy_object):
    loaded = pack(policy_object("true"), policy_object("false"))
    assert len(loaded.policies) == 1
    assert "another policy has the name rule" in loaded.problems[0].reason


def test_a_function_of_a_later_kubernetes_is_refused_for_an_earlier_one(pack, policy_object):
    late = policy_object("semver('1.0.0') == semver('1.0.0')")
    assert pack(late, version=(1, 36)).policies
    assert not pack(late, version=(1, 30)).policies


def _binding(**spec):
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "binding"},
        "spec": {"policyName": "rule", "validationActions": ["Deny"], **spec},
    }


def test_a_binding_belongs_to_its_policy(policy):
    loaded = policy("true", beside=(_binding(validationActions=["Warn", "Audit"]),))
    assert [binding.actions for binding in loaded.bindings] == [("Warn", "Audit")]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"validationActions": []}, "validationActions is missing"),
        ({"validationActions": ["Deny", "Warn"]}, "Deny, Warn"),
        ({"validationActions": ["Refuse"]}, "Refuse"),
        ({"policyName": ""}, "policyName is missing"),
        ({"policyName": "other"}, "there is no policy other"),
        ({"paramRef": {"name": "a"}}, "parameterNotFoundAction is missing"),
        ({"paramRef": {"parameterNotFoundAction": "Deny"}}, "either a name or a selector"),
        ({"paramRef": {"name": "a", "selector": {}, "parameterNotFoundAction": "Deny"}}, "either a name or a selector"),
        ({"params": {}}, "unknown field params"),
    ],
)
def test_a_binding_that_the_api_server_refuses_is_a_problem(pack, policy_object, spec, told):
    (found,) = pack(policy_object("true"), _binding(**spec)).problems
    assert told in found.reason
    assert found.reason.startswith("the binding does not load")


def test_a_binding_of_a_policy_that_does_not_load_is_no_second_problem(pack, policy_object):
    assert len(pack(policy_object("nothing"), _binding()).problems) == 1


@pytest.mark.parametrize("content", [b"\x00\xff", b"a: [", b"{}", b"- 1", b"kind: 3\napiVersion: v1\n", b""])
def test_files_that_hold_no_policy_never_raise(tmp_path, content):
    file = tmp_path / "x.yaml"
    file.write_bytes(content)
    assert not read_pack([file]).policies


def test_a_file_too_large_is_told(tmp_path):
    file = tmp_path / "x.yaml"
    file.write_bytes(b"#" * (1024 * 1024 + 1))
    assert "larger than 1 MiB" in read_pack([file]).problems[0].reason


def test_a_folder_without_policies_is_a_usage_error(tmp_path):
    (tmp_path / "x.yaml").write_text("kind: ConfigMap\napiVersion: v1\n")
    with pytest.raises(UsageError, match="no policy in"):
        load_pack([str(tmp_path)])


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        load_pack([str(tmp_path / "none")])


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "rule.yaml").write_text(HEADER + "  validations: [{expression: 'true'}]\n")
    (tmp_path / "closed").mkdir(mode=0)
    assert load_pack([str(tmp_path)]).problems


def test_a_chart_among_policies_is_told(tmp_path):
    (tmp_path / "rule.yaml").write_text(HEADER + "  validations: [{expression: 'true'}]\n")
    (tmp_path / "chart" / "templates").mkdir(parents=True)
    (tmp_path / "chart" / "Chart.yaml").write_text("name: a\n")
    assert "chart" in load_pack([str(tmp_path)]).problems[0].reason


def test_tests_beside_rules_are_no_policies(tmp_path):
    (tmp_path / "rule.yaml").write_text(HEADER + "  validations: [{expression: 'true'}]\n")
    (tmp_path / "rule.test.yaml").write_text("good: 3")
    loaded = load_pack([str(tmp_path)])
    assert (len(loaded.policies), loaded.problems) == (1, ())


def _params(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rule"}, "data": data}


def test_settings_change_severity_and_parameters(pack, policy_object):
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    loaded = pack(policy_object("params.data.a == 'x'", paramKind=kind), _params(a="x", b="y"))
    adapted = loaded.adapted({"rule": Severity.LOW}, {"rule": {"a": ["p", "q"]}}).policies[0]
    assert adapted.face.severity is Severity.LOW
    assert adapted.params[0]["data"] == {"a": "p,q", "b": "y"}
    assert loaded.policies[0].params[0]["data"]["a"] == "x"


@pytest.mark.parametrize(
    ("severities", "parameters", "told"),
    [
        ({"rul": Severity.LOW}, {}, "did you mean rule"),
        ({}, {"rule": {"c": "1"}}, "no parameter 'c'"),
        ({}, {"other": {"a": "1"}}, "no rule 'other'"),
    ],
)
def test_settings_for_what_is_not_there_are_usage_errors(pack, policy_object, severities, parameters, told):
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    loaded = pack(policy_object("true", paramKind=kind), _params(a="x"))
    with pytest.raises(UsageError, match=told):
        loaded.adapted(severities, parameters)


def test_of_two_packs_the_first_keeps_a_name(pack, policy_object):
    first, second = pack(policy_object("true")), pack(policy_object("false"), policy_object("true", name="more"))
    joined = first.joined(second)
    assert [each.id for each in joined.policies] == ["rule", "more"]
    assert "another policy has the name rule" in joined.problems[0].reason
