"""From a stream of results to a report: sorted, counted, and with the exit code that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from transom import __version__
from transom.model.clusters import ClusterFacts
from transom.model.exits import Exit, exit_code
from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Provenance, Result, Rule, Skipped
from transom.model.frameworks import Framework
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import Rebase, Upgrade

SCHEMA = "transom.report/1"


class Report(Struct, frozen=True):
    """Everything that a report says, in one stable order whatever order it was found in.

    findings: worst first, then by owner; skipped: all, those that were allowed as well; judged: one for each rule;
    not_applicable: counts by what; provenance: how sources told their objects; known: findings that a baseline knows,
    which are not among the findings; accepted: findings that their own files declare acceptable, which are not either;
    clusters: those that were read, live or from a snapshot; framework: the standard that the scan was made for; exposed:
    workloads that are reached from outside; upgrades, rebases: what clears vulnerabilities.
    """

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    judged: tuple[Judged, ...]
    not_applicable: Mapping[str, int]
    rules: Mapping[str, Rule]
    targets: tuple[str, ...]
    threshold: Severity
    allowed_skips: int = 0
    known: tuple[Finding, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    provenance: tuple[Provenance, ...] = ()
    clusters: tuple[ClusterFacts, ...] = ()
    framework: Framework | None = None
    exposed: frozenset[Ref] = frozenset()
    upgrades: tuple[Upgrade, ...] = ()
    rebases: tuple[Rebase, ...] = ()
    version: str = __version__

    @property
    def by_severity(self) -> dict[Severity, int]:
        """How many findings there are of each severity, the worst first; every severity is there."""
        counts = dict.fromkeys(reversed(Severity), 0)
        for finding in self.findings:
            counts[finding.severity] += 1
        return counts

    @property
    def verdicts(self) -> int:
        """How many verdicts were reached: one for each rule and thing."""
        return sum(each.judged for each in self.judged)

    @property
    def passed(self) -> int:
        """How many of the verdicts were good."""
        return sum(each.passed for each in self.judged)

    @property
    def suppressed(self) -> int:
        """How many findings a baseline knows."""
        return len(self.known)

    @property
    def exception_uses(self) -> dict[tuple[str, Locator, str], int]:
        """How many findings each exception that was used accepts: by its rule, its place and its reason."""
        return Counter((each.finding.rule, each.locator, each.reason) for each in self.accepted)

    @property
    def at_threshold(self) -> int:
        """How many findings are as bad as the threshold, or worse."""
        return sum(finding.severity >= self.threshold for finding in self.findings)

    @property
    def complete(self) -> bool:
        """Whether something was judged, and nothing skipped but what was allowed."""
        return len(self.skipped) == self.allowed_skips and self.verdicts > 0

    @property
    def exit_code(self) -> Exit:
        """What the command ends with."""
        skipped = len(self.skipped) - self.allowed_skips
        return exit_code(findings_at_threshold=self.at_threshold, skipped=skipped, judged=self.verdicts)

    def of_clusters(self, clusters: Iterable[ClusterFacts]) -> Report:
        """Return the report with what is known of the clusters that were read."""
        return replace(self, clusters=tuple(sorted(clusters, key=lambda facts: facts.context)))

    def with_known(self, fingerprints: frozenset[str]) -> Report:
        """Return the report with the findings of these fingerprints set apart as known."""
        kept: list[Finding] = []
        known = list(self.known)
        for finding in self.findings:
            (known if finding.fingerprint in fingerprints else kept).append(finding)
        return replace(self, findings=tuple(kept), known=tuple(sorted(known, key=_finding_key)))


def gather(
    results: Iterable[Result],
    *,
    rules: Mapping[str, Rule],
    targets: tuple[str, ...],
    threshold: Severity,
    known: frozenset[str] = frozenset(),
    allows: Callable[[Skipped], bool] = lambda _: False,
) -> Report:
    """Return the report of a stream of results.

    known: fingerprints of a baseline; allows: whether a skip was allowed by name. Judged counts of one rule are added.
    """
    findings: list[Finding] = []
    accepted: list[Accepted] = []
    skipped: list[Skipped] = []
    judged: dict[str, list[int]] = {}
    counts: dict[str, int] = {}
    provenance: set[Provenance] = set()
    for result in results:
        if isinstance(result, Finding):
            findings.append(result)
        elif isinstance(result, Accepted):
            accepted.append(result)
        elif isinstance(result, Skipped):
            skipped.append(result)
        elif isinstance(result, Judged):
            total = judged.setdefault(result.rule, [0, 0])
            total[0] += result.judged
            total[1] += result.passed
        elif isinstance(result, NotApplicable):
            counts[result.what] = counts.get(result.what, 0) + result.count
        else:
            provenance.add(result)
    skipped = sorted(set(skipped), key=_skipped_key)
    report = Report(
        findings=tuple(sorted(findings, key=_finding_key)),
        skipped=tuple(skipped),
        judged=tuple(Judged(rule, *total) for rule, total in sorted(judged.items())),
        not_applicable=dict(sorted(counts.items())),
        rules=rules,
        targets=targets,
        threshold=threshold,
        allowed_skips=sum(map(allows, skipped)),
        accepted=tuple(sorted(accepted, key=lambda each: (_finding_key(each.finding), each.reason))),
        provenance=tuple(sorted(provenance, key=lambda each: (each.origin, each.how))),
    )
    return report.with_known(known) if known else report


def owner_of(finding: Finding) -> Ref:
    """Return what a person would change to mend a finding."""
    return finding.owner or finding.ref


def _ref_key(ref: Ref) -> tuple[str, ...]:
    return (ref.cluster, ref.namespace, ref.kind, ref.name, ref.group, ref.scope)


def _finding_key(finding: Finding) -> tuple[Any, ...]:
    """Return what findings are sorted by: everything that two of them can differ in."""
    place, owner = finding.place, owner_of(finding)
    owner_key = _ref_key(owner)
    return (
        -finding.severity,
        owner_key,
        place.file,
        finding.rule,
        owner_key if finding.ref == owner else _ref_key(finding.ref),
        finding.container,
        place.line,
        place.column,
        place.path,
        finding.witness,
        finding.message,
        finding.title,
        finding.fix,
        tuple(map(_evidence_key, finding.evidence)),
    )


def _evidence_key(evidence: Evidence) -> tuple[Any, ...]:
    place = evidence.locator
    return (evidence.observed, evidence.expected, place.file, place.start, place.end, place.path)


def _skipped_key(skipped: Skipped) -> tuple[Any, ...]:
    place = skipped.locator
    return (
        place.file,
        place.line,
        place.column,
        _ref_key(skipped.ref),
        skipped.rule,
        skipped.reason,
        skipped.next_step,
        place.path,
        place.start,
        place.end,
    )
