"""The page in a real browser: it runs under its own policy, filters, changes language, and lets no name become markup."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from transom.model.findings import Accepted, Evidence, Finding, Judged, Result, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.formats import write
from transom.report.options import Excerpt, ReportOptions
from transom.report.summary import gather

CHINESE = {"zh-CN": {"title": "特权容器", "why": "原因", "fix": "办法"}}
RULE = Rule("privileged-container", "Privileged container", Severity.CRITICAL, "why", "fix", "workloads", CHINESE)
OPEN = Rule("node-port", "Service on every node", Severity.LOW, "why", "fix", "network", {})
ATTACK = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202e\x1b[2J"
Show = Callable[..., "Shown"]


class Shown:
    """What the browser made of a page: its document, and what it said on the console."""

    def __init__(self, document: str, log: str) -> None:
        self.document = document
        self.console = [line for line in log.splitlines() if "CONSOLE" in line]

    @property
    def titles(self) -> list[str]:
        """The English titles of the findings that are in the list, from top to bottom."""
        listed = self.document.partition('<div id="list">')[2].partition('<button type="button" id="more"')[0]
        found = re.findall(r'<span class="title">(.*?)</span> <span class="(?:container|place)"', listed)
        return [re.sub(r'<span lang="zh-CN">.*?</span>|<[^>]*>', "", title) for title in found]

    @property
    def count(self) -> str:
        """What is told of how many findings match, in English."""
        found = re.search(r'id="count".*?<span lang="en">(.*?)</span>', self.document)
        return found[1] if found else ""


def found(rule: Rule, name: str, namespace: str = "shop", **changed: str) -> Finding:
    ref = Ref(kind="Pod", namespace=namespace, name=name)
    seen = Evidence(Locator("x.yaml", 2, 1, path="spec"), "privileged: true", "false")
    return Finding(
        rule.id,
        ref,
        rule.severity,
        changed.get("message", "it is"),
        (seen,),
        rule.title,
        "",
        changed.get("container", ""),
    )


RESULTS: list[Result] = [
    found(RULE, "web"),
    found(RULE, "db", "data"),
    found(OPEN, "web"),
    Skipped(file_ref("y.yaml"), "it is no YAML", "mend it"),
    Accepted(found(OPEN, "old"), "it goes soon"),
    Judged(RULE.id, 5, 3),
]


def page(results: list[Result], language: str = "en") -> str:
    report = gather(results, rules={RULE.id: RULE, OPEN.id: OPEN}, targets=("deploy",), threshold=Severity.HIGH)
    stream = io.BytesIO()
    write("html", report, stream, ReportOptions(language=language, excerpts=lambda _: Excerpt(1, ("a: 1", "b: 2"), 2)))
    return stream.getvalue().decode()


@pytest.fixture(scope="module")
def browser() -> str:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium here")
    return found


@pytest.fixture
def show(browser: str, tmp_path: Path) -> Show:
    def shown(html: str, fragment: str = "", *options: str) -> Shown:
        file = tmp_path / "page.html"
        file.write_text(html)
        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=5000")
        own = f"--user-data-dir={tmp_path / 'profile'}"
        command = [browser, *flags, own, *options, "--dump-dom", f"{file.as_uri()}{fragment}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        return Shown(done.stdout, done.stderr)

    return shown


def test_all_findings_are_shown_and_the_console_stays_silent(show: Show) -> None:
    shown = show(page(RESULTS))
    assert shown.titles == ["Privileged container", "Service on every node", "Privileged container"]
    assert shown.count == "3 of 3 findings"
    assert shown.console == []
    assert "owned" not in shown.document


@pytest.mark.parametrize(
    ("fragment", "count"),
    [
        ("#q=Privileged%20container", "2 of 3 findings"),
        ("#q=%E7%89%B9%E6%9D%83%20data/pod", "1 of 3 findings"),
        (f"#q={found(OPEN, 'web').fingerprint[:12]}", "1 of 3 findings"),
        ("#severity=1,2", "1 of 3 findings"),
        ("#window=network&namespace=data", "0 of 3 findings"),
        ("#rule=node-port", "1 of 3 findings"),
        ("#rule=no-such-rule", "3 of 3 findings"),
        ("#coverage", "3 of 3 findings"),
    ],
)
def test_a_link_carries_its_filters(show: Show, fragment: str, count: str) -> None:
    shown = show(page(RESULTS), fragment)
    assert shown.count == count
    assert len(shown.titles) == int(count[0])
    assert shown.console == []


def test_language_and_theme_follow_the_link(show: Show) -> None:
    shown = show(page(RESULTS), "#lang=zh-CN&theme=dark")
    assert '<html lang="zh-CN" data-theme="dark">' in shown.document
    assert '<option value="" data-en="all" data-zh-cn="全部">全部</option>' in shown.document
    assert re.search(r'data-language="zh-CN" aria-pressed="true"', shown.document)
    assert re.search(r'id="theme" aria-pressed="true"', shown.document)


def test_the_page_begins_in_the_language_that_it_was_written_in(show: Show) -> None:
    assert '<html lang="zh-CN">' in show(page(RESULTS, "zh-CN")).document


def test_hostile_names_make_no_element_and_run_nothing(show: Show) -> None:
    foreign = Rule(ATTACK, ATTACK, Severity.HIGH, ATTACK, ATTACK, ATTACK, {"zh-CN": {"title": ATTACK}})
    ref = Ref(kind=ATTACK, namespace=ATTACK, name=ATTACK)
    seen = Evidence(Locator(ATTACK, 2, 1, path=ATTACK), ATTACK, ATTACK)
    hostile = Finding(ATTACK, ref, Severity.HIGH, ATTACK, (seen, seen), ATTACK, ATTACK, ATTACK)
    results = [hostile, Skipped(ref, ATTACK, ATTACK, ATTACK), Accepted(hostile, ATTACK), Judged(ATTACK, 2, 1)]
    report = gather(results, rules={ATTACK: foreign}, targets=(ATTACK,), threshold=Severity.HIGH)
    stream = io.BytesIO()
    write("html", report, stream, ReportOptions(excerpts=lambda _: Excerpt(1, (ATTACK, ATTACK), 2)))
    shown = show(stream.getvalue().decode(), "#q=owned")
    assert shown.count == "1 of 1 findings"
    assert "<title>owned" not in shown.document
    assert "<img" not in shown.document
    assert shown.document.count("<script") == 2
    assert shown.console == []


def test_the_policy_stops_a_script_that_is_not_the_pages_own(show: Show) -> None:
    planted = "<script>document.title='owned'</script><img src='x' onerror=\"document.title='owned'\"></body>"
    shown = show(page(RESULTS).replace("</body>", planted))
    assert "<title>owned" not in shown.document
    assert any("Content Security Policy" in line for line in shown.console)


def test_without_scripts_the_worst_findings_are_there_all_the_same() -> None:
    listed = page(RESULTS).partition('<div id="list">')[2]
    assert listed.index("Privileged container") < listed.index("Service on every node") < listed.index("island")


def test_the_page_loads_nothing() -> None:
    assert not re.findall(r"(?:src|href)=[\"'](?!#)|url\(|@import|https?://", page(RESULTS))
