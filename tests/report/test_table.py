"""The terminal table: what a person sees, at any width."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from wcwidth import wcswidth

from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Result, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.options import ReportOptions
from transom.report.summary import gather
from transom.report.table import write

CHINESE = {"zh-CN": {"title": "特权容器可以访问节点上的所有设备和能力"}}
RULE = Rule("privileged-container", "Privileged container", Severity.CRITICAL, "why", "fix", "workloads", CHINESE)
LATEST = Rule("image-tag-latest", "Image without a fixed tag", Severity.LOW, "why", "fix", "workloads")
BROKEN = Skipped(file_ref("x.yaml"), "it is no YAML", "correct it", locator=Locator("x.yaml", 3, 1))
JUDGED = Judged(RULE.id, 3, 3)


def finding(rule: Rule, container: str, line: int, name: str = "web", **changed: Any) -> Finding:
    ref = Ref(group="apps", kind="Deployment", namespace="shop", name=name)
    path = "spec.template.spec.containers[0].securityContext.privileged"
    seen = Evidence(Locator(f"deploy/{name}.yaml", line, 9, path=path), "privileged: true")
    made: dict[str, Any] = {
        "rule": rule.id,
        "ref": ref,
        "severity": rule.severity,
        "message": "a container runs privileged",
        "evidence": (seen,),
        "title": rule.title,
        "witness": container,
        "container": container,
        "owner": ref,
    }
    return Finding(**made | changed)


def shown(found: Sequence[Result], known: frozenset[str] = frozenset(), allowed: bool = False, **options: Any) -> str:
    rules = {RULE.id: RULE, LATEST.id: LATEST}
    report = gather(
        found, rules=rules, targets=("deploy",), threshold=Severity.HIGH, known=known, allows=lambda _: allowed
    )
    stream = io.BytesIO()
    write(report, stream, ReportOptions(**options))
    return stream.getvalue().decode()


def message(text: str, rule: Rule = RULE) -> list[Result]:
    return [finding(rule, "app", 1, message=text)]


SEVERAL: list[Result] = [
    finding(LATEST, "app", 30),
    finding(RULE, "app", 12),
    finding(RULE, "sidecar", 20),
    finding(LATEST, "app", 5, "api"),
    Judged(RULE.id, 2, 1),
]
EVERYTHING: list[Result] = [
    *SEVERAL,
    finding(RULE, "应用程序容器", 12, "网站" * 20, message="app 容器以特权模式运行" * 9),
    *[finding(LATEST, f"container-{number}", number, "many") for number in range(1, 30)],
    *[Skipped(Ref(kind="Pod", namespace="shop", name=f"w{i}"), "it is so " * 9, "do it " * 9) for i in range(30)],
    *[Accepted(finding(RULE, f"c{i}", i, "轴" * 9), "because of it " * 9, Locator("x.yaml", 4, 1)) for i in range(30)],
    BROKEN,
    NotApplicable("documents that are no Kubernetes object", 4),
]


# what was found


def test_the_worst_owner_comes_first_and_each_owner_once() -> None:
    text = shown(SEVERAL)
    assert text.index("shop/Deployment/web") < text.index("shop/Deployment/api")
    assert text.count("shop/Deployment/web") == 1


def test_containers_with_the_same_fault_share_a_row() -> None:
    text = shown(SEVERAL)
    assert "Privileged container (app, sidecar)" in text
    assert "12:9" in text
    assert "20:9" in text


def test_many_containers_are_counted_and_every_place_is_named() -> None:
    text = shown([finding(RULE, f"c{line}", line) for line in range(1, 8)])
    assert "Privileged container (×7: c1, c2, c3, c4, c5, c6, c7)" in text
    assert text.count("privileged: true") == 4
    assert "also at deploy/web.yaml:5:9, deploy/web.yaml:6:9, deploy/web.yaml:7:9" in text


def test_evidence_names_file_line_and_column_where_there_is_room() -> None:
    path = "spec.template.spec.containers[0].securityContext.privileged"
    assert f"deploy/web.yaml:12:9  {path}: true" in shown(SEVERAL, width=120)
    assert f"\n          12:9  {path}: true" in shown(SEVERAL, width=95)


def test_pods_of_one_owner_share_a_row_and_are_named() -> None:
    owner = Ref(group="apps", kind="DaemonSet", namespace="shop", name="agent")
    seen = (Evidence(Locator(path="spec.hostPID"), "hostPID: true"),)
    pods = [Ref(kind="Pod", namespace="shop", name=f"agent-{number}") for number in range(3)]
    text = shown([finding(RULE, "", 0, ref=pod, owner=owner, evidence=seen) for pod in pods])
    assert text.count("Privileged container") == 1
    assert all(f"Pod/agent-{number}  spec.hostPID: true" in text for number in range(3))


def test_a_message_that_repeats_the_title_is_left_out() -> None:
    assert "a container runs privileged" not in shown(SEVERAL)
    assert "Privileged container" in shown(message("Privileged container"))


@pytest.mark.parametrize(
    "found",
    [
        message("the container app runs privileged"),
        [*message("one"), *message("two")],
        message("one", Rule("a-rule-of-others", "Something", Severity.HIGH)),
    ],
    ids=["it names something", "the rule says several things", "the rule says nothing of itself"],
)
def test_a_message_that_tells_more_than_the_title_is_shown(found: list[Result]) -> None:
    for each in found:
        assert isinstance(each, Finding)
        assert each.message in shown(found)


def test_severities_are_words_whatever_the_colour() -> None:
    assert "CRITICAL  Privileged container" in shown(SEVERAL)


def test_titles_follow_the_language() -> None:
    assert "特权容器" in shown(SEVERAL, language="zh-CN")


# what was not judged


def test_what_was_skipped_is_told_with_its_next_step() -> None:
    text = shown([BROKEN, JUDGED])
    assert "x.yaml:3:1" in text
    assert "correct it" in text
    assert "the scan is incomplete" in text
    assert "shut" not in text


def test_much_skipped_for_one_reason_is_told_once_and_counted() -> None:
    skipped = [Skipped(file_ref(f"{number}.yaml"), "it is no YAML") for number in range(1_000)]
    text = shown([*skipped, JUDGED])
    assert "1,000 things could not be judged" in text
    assert text.count("it is no YAML") == 1
    assert "and 992 more" in text


def test_a_rule_that_could_not_judge_is_named() -> None:
    text = shown([Skipped(Ref(kind="Pod", name="web"), "it hangs on who asks", "", "some-rule"), JUDGED])
    assert "some-rule: it hangs on who asks" in text
    assert "Pod/web" in text


# what it comes to


def test_a_clean_scan_says_what_was_judged() -> None:
    text = shown([JUDGED, NotApplicable("documents that are no Kubernetes object", 4)])
    assert "shut" in text
    assert "3 verdicts of 1 rule, 3 passed" in text
    assert "not applicable: documents that are no Kubernetes object (4)" in text


@pytest.mark.parametrize(
    ("found", "told"),
    [([], "Nothing was judged"), ([JUDGED, BROKEN], "incomplete"), ([finding(RULE, "a", 1), JUDGED], "1 finding")],
)
def test_nothing_but_a_whole_clean_scan_looks_clean(found: list[Result], told: str) -> None:
    assert told in shown(found)
    assert "shut" not in shown(found)


def test_skips_that_were_allowed_do_not_look_clean_either() -> None:
    text = shown([JUDGED, BROKEN], allowed=True)
    assert "shut" not in text
    assert "1 skipped (1 allowed)" in text
    assert "Exit code" not in text


def test_known_findings_are_counted_and_do_not_look_clean() -> None:
    old = finding(RULE, "app", 1)
    text = shown([old, JUDGED], known=frozenset({old.fingerprint}))
    assert "Nothing new was found" in text
    assert "1 known from the baseline" in text
    assert "shut" not in text


def test_the_exit_code_is_explained() -> None:
    assert "Exit code 1: 2 at high or above" in shown(SEVERAL)
    assert "Exit code 3: incomplete" in shown([*SEVERAL, BROKEN])
    assert "Exit code" not in shown([finding(LATEST, "app", 1), JUDGED])


def test_the_next_step_explains_the_worst_rule() -> None:
    assert "Next: transom explain privileged-container" in shown(SEVERAL)


def test_the_commonest_rules_are_named_where_findings_are_many() -> None:
    assert "Most often: image-tag-latest 31, privileged-container 3" in shown(EVERYTHING)
    assert "Most often" not in shown(SEVERAL)


# how it looks


def test_colour_is_only_there_when_asked_for() -> None:
    assert "\x1b[" not in shown(EVERYTHING)
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown(EVERYTHING, colour=True)) == shown(EVERYTHING)


@pytest.mark.parametrize("width", [40, 59, 60, 80, 120, 200])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
@pytest.mark.parametrize("speaks_unicode", [True, False])
@pytest.mark.parametrize("found", [EVERYTHING, SEVERAL, [], [JUDGED], [JUDGED, BROKEN]])
def test_no_line_is_wider_than_the_terminal(
    width: int, language: str, speaks_unicode: bool, found: list[Result]
) -> None:
    for line in shown(found, width=width, language=language, unicode=speaks_unicode).splitlines():
        assert wcswidth(line) <= width, line


def test_a_long_path_keeps_what_was_seen() -> None:
    assert "…" in shown(SEVERAL, width=60)
    assert "privileged: true" in shown(SEVERAL, width=60)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert shown(EVERYTHING, unicode=False, width=50, language="zh-CN").isascii()


def test_no_line_ends_in_spaces() -> None:
    assert not re.search(r" $", shown(EVERYTHING), re.MULTILINE)


# what was accepted


def test_what_was_accepted_is_listed_with_its_reason_and_counted() -> None:
    text = shown([JUDGED, Accepted(finding(RULE, "app", 9), "it drives a device", Locator("deploy/web.yaml", 4, 5))])
    assert "ACCEPTED  1 finding that exceptions accept" in text
    assert "privileged-container: it drives a device" in text
    assert "deploy/web.yaml:9:9 shop/Deployment/web (app)" in text
    assert "1 accepted by 1 exception" in text


def test_a_scan_that_found_only_what_is_accepted_does_not_call_every_window_shut() -> None:
    text = shown([JUDGED, Accepted(finding(RULE, "app", 9), "it drives a device")])
    assert "Nothing was found but what is accepted." in text
    assert "shut" not in text


def test_of_many_accepted_for_one_reason_the_rest_is_counted() -> None:
    text = shown([JUDGED, *[Accepted(finding(RULE, "app", line), "legacy") for line in range(1, 31)]])
    assert text.count("privileged-container: legacy") == 1
    assert "and 22 more" in text


def test_a_reason_cannot_steer_the_terminal() -> None:
    text = shown([JUDGED, Accepted(finding(RULE, "app", 1), "a\u202eb\x1b[2J")])
    assert "a\\u202eb\\x1b[2J" in text
