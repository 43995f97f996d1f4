"""Exceptions: what a file declares acceptable, how it may say so, and what it says in vain."""

from __future__ import annotations

import io

import pytest

from transom.inventory import Inventory
from transom.inventory.files import fill_from_stream
from transom.inventory.snapshot import fill_from_snapshot, write
from transom.model.findings import Accepted, Finding, Skipped
from transom.rules.exceptions import MAX_EXCEPTIONS, MAX_REASON_CHARS, declared
from transom.rules.judge import judge

RULE = "privileged"
PRIVILEGED = "object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))"
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: web{annotations}
spec:
  containers:
  - name: app
    image: app:1
    securityContext:
      privileged: true
  - name: proxy
    image: proxy:1
    securityContext: {{privileged: true}}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    metadata:
      annotations: {transom.dev/allow: privileged it drives a device}
    spec:
      containers: [{name: app, securityContext: {privileged: true}}]
"""


def annotated(*lines: str) -> str:
    """Return the Pod with annotations, each a line of YAML."""
    return POD.format(annotations="".join(f"\n  {line}" for line in ("annotations:", *(f"  {each}" for each in lines))))


def commented(field: str, comment: str, above: bool = False) -> str:
    """Return the Pod with a comment at the end of the first line that holds field, or on a line above it."""
    lines = POD.format(annotations="").splitlines()
    index = next(index for index, line in enumerate(lines) if field in line)
    if above:
        lines.insert(index, f"  # {comment}")
    else:
        lines[index] += f" # {comment}"
    return "\n".join(lines) + "\n"


class Outcome:
    """What came of judging, sorted by what it is."""

    def __init__(self, results):
        found = list(results)
        self.findings = [each.container for each in found if isinstance(each, Finding) and each.rule == RULE]
        self.accepted = [(each.finding.container, each.reason) for each in found if isinstance(each, Accepted)]
        self.malformed = [e.message for e in found if isinstance(e, Finding) and e.rule == "exception-malformed"]
        self.unused = [each for each in found if isinstance(each, Finding) and each.rule == "exception-unused"]
        self.all = found


def judged_in(inventory, rule):
    allowances, malformed = declared(inventory, inventory.entries(), {RULE, "other"})
    return Outcome([*malformed, *judge(inventory, [rule], allowances=allowances)])


@pytest.fixture
def outcome(policy):
    """Judge a text by one rule about privileged containers, with the exceptions that it declares."""
    rule = policy(PRIVILEGED, name=RULE, ours=True)

    def run(text):
        inventory = Inventory()
        list(fill_from_stream(inventory, io.BytesIO(text.encode("utf-8", "surrogatepass")), "here", "web.yaml"))
        return judged_in(inventory, rule)

    return run


def test_nothing_is_accepted_that_no_exception_names(outcome):
    assert outcome(POD.format(annotations="")).findings == ["app", "proxy"]


# annotations


def test_an_annotation_accepts_the_findings_of_its_rule(outcome):
    result = outcome(annotated("transom.dev/allow: privileged it drives a device"))
    assert result.findings == []
    assert result.accepted == [("app", "it drives a device"), ("proxy", "it drives a device")]


def test_an_annotation_may_name_one_container(outcome):
    result = outcome(annotated("transom.dev/allow: privileged@proxy it drives a device"))
    assert (result.findings, result.accepted) == (["app"], [("proxy", "it drives a device")])


def test_each_line_and_each_annotation_is_an_exception(outcome):
    result = outcome(
        annotated(
            "transom.dev/allow: |",
            "  privileged@proxy it drives a device",
            "  other reason",
            "transom.dev/allow.app: privileged@app legacy",
        )
    )
    assert result.accepted == [("app", "legacy"), ("proxy", "it drives a device")]


def test_an_annotation_on_the_pod_template_speaks_of_its_workload(outcome):
    assert outcome(DEPLOYMENT).accepted == [("app", "it drives a device")]


def test_the_accepted_finding_says_where_that_is_declared(outcome):
    result = outcome(annotated("transom.dev/allow: privileged it drives a device"))
    (accepted, *_) = (each for each in result.all if isinstance(each, Accepted))
    assert (accepted.locator.line, accepted.locator.path) == (6, 'metadata.annotations["transom.dev/allow"]')


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("privileged", "no reason is given"),
        ("'privileged   '", "no reason is given"),
        ("''", "it names no rule"),
        ("7", "its value is no text"),
        ("[privileged because]", "its value is no text"),
        ("privileg* because", "there is no rule privileg*; a rule is named by its whole id"),
        ("privileged@ because", "no container is named after @"),
        (f"privileged {'x' * (MAX_REASON_CHARS + 1)}", f"its reason is longer than {MAX_REASON_CHARS} characters"),
    ],
)
def test_an_annotation_that_cannot_be_understood_accepts_nothing_and_is_told(outcome, value, problem):
    result = outcome(annotated(f"transom.dev/allow: {value}"))
    assert (result.malformed, result.accepted) == ([problem], [])
    assert result.findings == ["app", "proxy"]


def test_a_broken_exception_takes_no_other_with_it(outcome):
    result = outcome(annotated("transom.dev/allow: |", "  nonsense because", "  privileged it drives a device"))
    assert (len(result.malformed), result.findings) == (1, [])


def test_another_annotation_is_none_of_ours(outcome):
    result = outcome(annotated("transom.dev/allowed: privileged because"))
    assert (result.malformed, result.findings) == ([], ["app", "proxy"])


def test_an_annotation_of_a_megabyte_is_read_up_to_its_limit(outcome):
    lines = [f"  rule-{number} because" for number in range(100_000)]
    result = outcome(annotated("transom.dev/allow: |", *lines))
    assert len(result.malformed) == MAX_EXCEPTIONS + 1
    assert result.malformed[-1] == f"only the first {MAX_EXCEPTIONS} exceptions of an annotation count"


def test_hostile_characters_stay_in_the_reason(outcome):
    result = outcome(annotated('transom.dev/allow: "privileged \\u202eesrever\\e[2J"'))
    assert result.accepted[0][1] == "\u202eesrever\x1b[2J"


@pytest.mark.parametrize("metadata", ["7", "[]", "{annotations: 7}", "{annotations: {7: x}}", "{annotations: [a]}"])
def test_metadata_of_any_shape_is_borne(outcome, metadata):
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {metadata}\nspec: {{containers: [{{name: app}}]}}\n"
    assert outcome(text).malformed == []


# comments


@pytest.mark.parametrize("above", [False, True])
@pytest.mark.parametrize(
    ("field", "containers"),
    [
        ("privileged: true", ["app"]),
        ("securityContext:", ["app"]),
        ("- name: app", ["app"]),
        ("- name: proxy", ["proxy"]),
        ("containers:", ["app", "proxy"]),
        ("spec:", ["app", "proxy"]),
        ("apiVersion: v1", ["app", "proxy"]),
    ],
)
def test_a_comment_accepts_what_begins_at_its_line(outcome, field, containers, above):
    result = outcome(commented(field, "transom.dev/allow: privileged it drives a device", above))
    assert [container for container, _ in result.accepted] == containers
    assert [container for container in ("app", "proxy") if container not in containers] == result.findings


def test_a_comment_at_another_field_accepts_nothing_and_is_told(outcome):
    result = outcome(commented("image: app", "transom.dev/allow: privileged because"))
    assert (result.findings, result.accepted) == (["app", "proxy"], [])
    assert [each.place.line for each in result.unused] == [8]


def test_comments_above_one_another_all_count(outcome):
    text = POD.format(annotations="").replace(
        "  - name: app",
        "  # transom.dev/allow: privileged one\n  # more\n  # transom.dev/allow: other two\n  - name: app",
    )
    assert outcome(text).accepted == [("app", "one")]


@pytest.mark.parametrize(
    "field",
    [
        'command: ["a # transom.dev/allow: privileged because"]',
        "command: ['a\n      # transom.dev/allow: privileged because']",
        "args:\n    - |\n      # transom.dev/allow: privileged because",
        "command: [a#transom.dev/allow, privileged]",
    ],
)
def test_what_stands_in_a_text_is_no_comment(outcome, field):
    result = outcome(POD.format(annotations="").replace("image: app:1", f"image: app:1\n    {field}"))
    assert (result.findings, result.malformed, result.unused) == (["app", "proxy"], [], [])


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("transom.dev/allow: privileged", "no reason is given"),
        ("transom.dev/allow privileged because", "a colon must follow the word allow"),
        ("transom.dev/allow:", "it names no rule"),
        ("transom.dev/allow: all because", "there is no rule all; a rule is named by its whole id"),
        (
            "transom.dev/allow: privileged@app because",
            "a comment speaks of what it stands at, and names no container",
        ),
    ],
)
def test_a_comment_that_cannot_be_understood_is_told(outcome, comment, problem):
    result = outcome(commented("- name: app", comment))
    assert (result.malformed, result.findings) == ([problem], ["app", "proxy"])


def test_a_comment_that_stands_at_nothing_is_told(outcome):
    result = outcome(POD.format(annotations="") + "# transom.dev/allow: privileged because\n")
    assert result.malformed == ["it stands at no field of an object"]


def test_of_a_list_each_object_has_its_own_comments(outcome):
    item = "\n".join(f"  {line}" for line in POD.format(annotations="").splitlines())
    first = item.replace("  apiVersion", "- apiVersion", 1)
    second = first.replace("name: web", "name: api").replace(
        "  - name: app", "  - name: app # transom.dev/allow: privileged because"
    )
    text = f"# transom.dev/allow: privileged all of them\napiVersion: v1\nkind: List\nitems:\n{first}\n{second}\n"
    result = outcome(text)
    assert result.findings == ["app", "proxy", "proxy"]
    assert (result.accepted, result.malformed) == ([("app", "because")], ["it stands at no field of an object"])


def test_comments_of_a_text_beyond_ascii_stand_where_they_are_seen(outcome):
    result = outcome("# 注释 🙂\n" + commented("- name: app", "transom.dev/allow: privileged 需要访问设备"))
    assert result.accepted == [("app", "需要访问设备")]
    (accepted,) = (each for each in result.all if isinstance(each, Accepted))
    assert (accepted.locator.line, accepted.locator.column) == (8, 15)


def test_a_snapshot_keeps_the_comments(policy, tmp_path):
    rule = policy(PRIVILEGED, name=RULE, ours=True)
    inventory, again = Inventory(), Inventory()
    text = commented("- name: app", "transom.dev/allow: privileged because")
    list(fill_from_stream(inventory, io.BytesIO(text.encode()), "here", "web.yaml"))
    write(inventory, [], tmp_path / "estate.transom")
    list(fill_from_snapshot(again, str(tmp_path / "estate.transom")))
    assert judged_in(again, rule).accepted == [("app", "because")]
    assert judged_in(again, rule).all == judged_in(inventory, rule).all


# what accepts nothing


def test_an_exception_whose_fault_is_gone_is_told(outcome):
    text = annotated("transom.dev/allow: privileged it drives a device").replace("true", "false")
    (unused,) = outcome(text).unused
    assert (unused.severity.label, unused.place.line, unused.evidence[0].observed) == (
        "info",
        6,
        "privileged it drives a device",
    )


def test_an_exception_of_a_rule_that_does_not_judge_is_left_alone(outcome):
    assert outcome(annotated("transom.dev/allow: other because")).unused == []


def test_an_exception_that_a_controller_handed_down_is_left_alone(outcome):
    owner = "  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, controller: true}]\n"
    pod = annotated("transom.dev/allow: privileged because").replace("spec:\n", f"{owner}spec:\n", 1)
    replica_set = DEPLOYMENT.replace("Deployment", "ReplicaSet")
    result = outcome(f"{replica_set}---\n{pod}")
    assert (result.unused, result.findings) == ([], [])


def test_an_exception_on_what_could_not_be_judged_is_left_alone(outcome):
    result = outcome(annotated("transom.dev/allow: privileged because").partition("spec:")[0])
    assert result.unused == []
    assert any(isinstance(each, Skipped) for each in result.all)
