"""The terminal table: what a person sees, at any width."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from transom.model.findings import Evidence, Finding, Judged, Result, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.options import ReportOptions
from transom.report.summary import gather
from transom.report.table import write
from transom.report.text import cut, safe, wrapped

CHINESE = {"zh-CN": {"title": "特权容器可以访问节点上的所有设备和能力"}}
RULE = Rule("privileged-container", "Privileged container", Severity.CRITICAL, "why", "fix", "workloads", CHINESE)
LATEST = Rule("image-tag-latest", "Image without a fixed tag", Severity.LOW, "why", "fix", "workloads")


def finding(rule: Rule, container: str, line: int, name: str = "web") -> Finding:
    ref = Ref(group="apps", kind="Deployment", namespace="shop", name=name)
    path = "spec.template.spec.containers[0].securityContext.privileged"
    seen = Evidence(Locator(f"deploy/{name}.yaml", line, 9, path=path), "privileged: true")
    return Finding(
        rule.id, ref, rule.severity, "a container runs privileged", (seen,), rule.title, container, container, ref
    )


def shown(found: list[Result], **options: object) -> str:
    report = gather(found, rules={RULE.id: RULE, LATEST.id: LATEST}, targets=("deploy",), threshold=Severity.HIGH)
    stream = io.BytesIO()
    write(report, stream, ReportOptions(**options))  # type: ignore[arg-type]
    return stream.getvalue().decode()


SEVERAL: list[Result] = [
    finding(LATEST, "app", 30),
    finding(RULE, "app", 12),
    finding(RULE, "sidecar", 20),
    finding(LATEST, "app", 5, "api"),
    Judged(RULE.id, 2, 1),
]


def test_the_worst_owner_comes_first_and_each_owner_once() -> None:
    text = shown(SEVERAL)
    assert text.index("shop/Deployment/web") < text.index("shop/Deployment/api")
    assert text.count("shop/Deployment/web") == 1


def test_containers_with_the_same_fault_share_a_row() -> None:
    text = shown(SEVERAL)
    assert "Privileged container (app, sidecar)" in text
    assert "12:9" in text
    assert "20:9" in text


def test_what_was_skipped_is_told_with_its_next_step() -> None:
    text = shown(
        [
            Skipped(file_ref("x.yaml"), "it is no YAML", "correct it", locator=Locator("x.yaml", 3, 1)),
            Judged(RULE.id, 1, 1),
        ]
    )
    assert "x.yaml:3:1" in text
    assert "correct it" in text
    assert "the scan is incomplete" in text
    assert "shut" not in text


def test_nothing_judged_never_looks_clean() -> None:
    assert "Nothing was judged" in shown([])


def test_a_clean_scan_says_what_was_judged() -> None:
    text = shown([Judged(RULE.id, 3, 3)])
    assert "shut" in text
    assert "3 verdicts of 1 rule, 3 passed" in text


def test_colour_is_only_there_when_asked_for() -> None:
    assert "\x1b[" not in shown(SEVERAL)
    assert "\x1b[" in shown(SEVERAL, colour=True)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_no_line_is_wider_than_the_terminal(width: int, language: str) -> None:
    for line in shown(SEVERAL, width=width, language=language).splitlines():
        assert wcswidth(line) <= width, line


def test_a_long_path_keeps_what_was_seen() -> None:
    assert "…" in shown(SEVERAL, width=60)
    assert "privileged: true" in shown(SEVERAL, width=60)


def test_a_terminal_without_unicode_gets_ascii() -> None:
    assert shown(SEVERAL, unicode=False, width=50).isascii()


@given(st.text(max_size=200), st.integers(10, 100))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    plain = safe(text)
    lines = wrapped(plain, width)
    assert "".join("".join(lines).split()) == "".join(plain.split())


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=0x9FFF, exclude_categories=("C", "M", "Z")), max_size=80),
    st.integers(2, 60),
)
def test_a_cut_text_fits(text: str, width: int) -> None:
    assert wcswidth(cut(text, width)) <= width
