"""What machine-readable reports say of each thing: one shape for JSON and JSONL, every key always there.

An unknown text is "", an unknown number 0, an owner that nobody told null. docs/schema holds the JSON Schemas.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from transom.model.clusters import ClusterFacts
from transom.model.findings import Accepted, Evidence, Finding, Judged, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.vulnerabilities import Rebase, Upgrade, Vulnerability
from transom.report.compliance import FORMULA, Compliance, ControlResult
from transom.report.risk import FORMULA as RISK_FORMULA
from transom.report.risk import figures as risk_figures
from transom.report.risk import risk
from transom.report.score import FORMULA as SCORE_FORMULA
from transom.report.score import figures as score_figures
from transom.report.score import score, score_of_read
from transom.report.summary import SCHEMA, Report


def clean(text: str) -> str:
    """Return a text that UTF-8 can carry: two halves of a surrogate pair are joined, a lone one becomes U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@lru_cache(4096)  # most things have several findings
def ref_record(ref: Ref) -> dict[str, str]:
    """Return a Ref with all its fields."""
    return {
        "scope": ref.scope,
        "cluster": clean(ref.cluster),
        "group": clean(ref.group),
        "kind": clean(ref.kind),
        "namespace": clean(ref.namespace),
        "name": clean(ref.name),
    }


def _evidence_record(evidence: Evidence) -> dict[str, Any]:
    place = evidence.locator
    return {
        "file": clean(place.file),
        "line": place.line,
        "column": place.column,
        "start": place.start,
        "end": place.end,
        "path": clean(place.path),
        "observed": clean(evidence.observed),
        "expected": clean(evidence.expected),
    }


def finding_record(finding: Finding, report: Report) -> dict[str, Any]:
    """Return a finding; file, line, column and path are those of its first evidence."""
    place = finding.place
    rule = report.rules.get(finding.rule)
    return {
        "type": "finding",
        "schema": SCHEMA,
        "rule": clean(finding.rule),
        "title": clean(finding.title),
        "severity": finding.severity.label,
        "window": clean(rule.window) if rule else "",
        "ref": ref_record(finding.ref),
        "owner": ref_record(finding.owner) if finding.owner else None,
        "container": clean(finding.container),
        "witness": clean(finding.witness),
        "file": clean(place.file),
        "line": place.line,
        "column": place.column,
        "path": clean(place.path),
        "message": clean(finding.message),
        "fix": clean(finding.fix),
        "evidence": [_evidence_record(evidence) for evidence in finding.evidence],
        "fingerprint": finding.fingerprint,
        "vulnerability": vulnerability_record(finding.vulnerability) if finding.vulnerability else None,
    }


def vulnerability_record(told: Vulnerability) -> dict[str, Any]:
    """Return what a finding says of a known vulnerability."""
    return {
        "id": clean(told.id),
        "aliases": [clean(each) for each in told.aliases],
        "purl": clean(told.purl),
        "package": clean(told.name),
        "installed": clean(told.version),
        "fixed": clean(told.fixed),
        "state": told.state,
        "source_package": clean(told.upgrade),
        "sources": [clean(each) for each in told.sources],
        "rated_by": clean(told.rated_by),
        "score": told.score,
        "vector": clean(told.vector),
        "exploited_since": told.exploited,
        "epss": told.epss,
        "layer": told.layer,
        "instruction": clean(told.instruction),
        "base": clean(told.base),
        "image_digest": clean(told.digest),
        "reach": told.reach,
        "workloads": [clean(each) for each in told.workloads],
    }


def accepted_record(accepted: Accepted, report: Report) -> dict[str, Any]:
    """Return a finding that its own file declares acceptable, why, and where that is declared."""
    record = finding_record(accepted.finding, report)
    declared = _declared(accepted.locator)
    return record | {"type": "accepted", "reason": clean(accepted.reason), "declared": declared}


def _declared(place: Locator) -> dict[str, Any]:
    return {"file": clean(place.file), "line": place.line, "column": place.column, "path": clean(place.path)}


def skipped_record(skipped: Skipped) -> dict[str, Any]:
    """Return a Skipped; rule is "" where no rule could judge the thing."""
    place = skipped.locator
    return {
        "type": "skipped",
        "schema": SCHEMA,
        "ref": ref_record(skipped.ref),
        "rule": clean(skipped.rule),
        "file": clean(place.file),
        "line": place.line,
        "column": place.column,
        "reason": clean(skipped.reason),
        "next_step": clean(skipped.next_step),
    }


def judged_record(judged: Judged) -> dict[str, Any]:
    """Return how many things a rule judged."""
    return {
        "type": "judged",
        "schema": SCHEMA,
        "rule": clean(judged.rule),
        "judged": judged.judged,
        "passed": judged.passed,
        "failed": judged.judged - judged.passed,
    }


def control_record(result: ControlResult) -> dict[str, Any]:
    """Return what became of one control of a framework."""
    return {
        "type": "control",
        "schema": SCHEMA,
        "control": result.control.id,
        "title": result.control.title,
        "state": result.state,
        "judged": result.judged,
        "passed": result.passed,
        "failed": result.failed,
        "skipped": result.skipped,
        "rules": list(result.control.rules),
        "failing": list(result.failing),
        "unasked": list(result.unasked),
        "undecided": result.control.undecided,
    }


def compliance_record(reached: Compliance) -> dict[str, Any]:
    """Return what the controls of a framework come to; percent is null where no control is applicable."""
    framework = reached.framework
    counts = {state.replace(" ", "_"): count for state, count in reached.counts.items()}
    return {
        "type": "compliance",
        "schema": SCHEMA,
        "framework": framework.id,
        "title": framework.title,
        "version": framework.version,
        "source": framework.source,
        "percent": reached.percent,
        "formula": FORMULA,
        "controls": counts,
    }


def tool_record(report: Report) -> dict[str, str]:
    """Return who made the report."""
    return {"name": "transom", "version": report.version}


def summary_record(report: Report) -> dict[str, Any]:
    """Return the counts of a whole report."""
    return {
        "type": "summary",
        "schema": SCHEMA,
        "tool": tool_record(report),
        "targets": [clean(target) for target in report.targets],
        "clusters": [_cluster_record(facts) for facts in report.clusters],
        "findings": len(report.findings),
        "by_severity": {severity.label: count for severity, count in report.by_severity.items()},
        "threshold": report.threshold.label,
        "skipped": len(report.skipped),
        "skipped_allowed": report.allowed_skips,
        "suppressed": report.suppressed,
        "accepted": len(report.accepted),
        "exceptions": [
            {"rule": clean(rule), "reason": clean(reason), "declared": _declared(place), "uses": uses}
            for (rule, place, reason), uses in report.exception_uses.items()
        ],
        "judged": report.verdicts,
        "passed": report.passed,
        "score": score(report),
        "score_of_read": score_of_read(report),
        "score_formula": SCORE_FORMULA.format(**score_figures()),
        "risk": risk(report),
        "risk_formula": RISK_FORMULA.format(**risk_figures()),
        "not_applicable": {clean(what): count for what, count in report.not_applicable.items()},
        "upgrades": [_upgrade_record(each) for each in report.upgrades],
        "rebases": [_rebase_record(each) for each in report.rebases],
        "provenance": [{"origin": clean(each.origin), "how": clean(each.how)} for each in report.provenance],
        "complete": report.complete,
        "exit_code": int(report.exit_code),
    }


def _upgrade_record(upgrade: Upgrade) -> dict[str, Any]:
    return {
        "image": clean(upgrade.image),
        "package": clean(upgrade.name),
        "installed": [clean(each) for each in upgrade.versions],
        "to": clean(upgrade.to),
        "place": clean(upgrade.place),
        "base": clean(upgrade.base),
        "clears": [clean(each) for each in upgrade.clears],
    }


def _rebase_record(rebase: Rebase) -> dict[str, Any]:
    return {
        "image": clean(rebase.image),
        "base": clean(rebase.base),
        "to": clean(rebase.to),
        "before": rebase.before,
        "clears": [clean(each) for each in rebase.clears],
        "brings": [clean(each) for each in rebase.brings],
    }


def _cluster_record(facts: ClusterFacts) -> dict[str, Any]:
    return {
        "context": clean(facts.context),
        "version": clean(facts.version),
        "distribution": clean(facts.distribution),
        "namespace": clean(facts.namespace),
        "verified": facts.verified,
    }
