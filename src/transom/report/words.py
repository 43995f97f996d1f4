"""What several formats say: words, in English until they are said in the reader's language; texts of rules; places."""

from __future__ import annotations

from collections.abc import Callable

from transom.model.clusters import ClusterFacts
from transom.model.findings import Finding
from transom.model.language import mark, translated
from transom.model.places import Locator
from transom.model.severity import Severity
from transom.report.summary import Report

SEVERITY_WORDS = {
    Severity.CRITICAL: mark("critical"),
    Severity.HIGH: mark("high"),
    Severity.MEDIUM: mark("medium"),
    Severity.LOW: mark("low"),
    Severity.INFO: mark("info"),
}
NOT_SET = mark("not set")  # what rules say of a field that is missing
MORE = mark("and {count:,} more; -o json names every one")


def told(finding: Finding, report: Report, language: str) -> dict[str, str]:
    """Return title, why and fix of a finding, in a language where its rule speaks it; never without a title."""
    rule = report.rules.get(finding.rule)
    english = {
        "title": finding.title or finding.rule,
        "why": rule.why if rule else "",
        "fix": finding.fix or (rule.fix if rule else ""),
    }
    own = rule.texts.get(language, {}) if rule else {}
    return {field: own.get(field) or translated(text, language) for field, text in english.items()}


def seen(observed: str, language: str) -> str:
    """Return what was seen: ours, and translated, is what stands behind no name, and `not set` behind one."""
    name, colon, last = observed.rpartition(": ")
    if not colon:
        return translated(observed, language)
    return f"{name}: {translated(NOT_SET, language)}" if last == NOT_SET else observed


def where(place: Locator, column: bool = False) -> str:
    """Return file and line, where there are such, with the column if it is wanted."""
    if not place.line:
        return place.file
    return f"{place.file}:{place.line}:{place.column}" if column else f"{place.file}:{place.line}"


def cluster_told(facts: ClusterFacts, say: Callable[[str], str]) -> str:
    """Return a line about a cluster that was read; a part of it is foreign text, which the caller makes safe."""
    parts = [f"{facts.version} ({facts.distribution})" if facts.distribution else facts.version]
    if facts.namespace:
        parts.append(say("of namespace {namespace} only").format(namespace=facts.namespace))
    if not facts.verified:
        parts.append(say("its certificate not verified"))
    return say("Cluster {name}: Kubernetes {told}").format(name=facts.context, told=say(", ").join(parts))
