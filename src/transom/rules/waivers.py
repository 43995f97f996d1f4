"""Exceptions of a team, kept in transom.yaml: which findings are accepted where, by whom, why, and until when.

One that has expired accepts nothing and is told; so is one that accepts nothing although its rule has judged, unless it names
a vulnerability: what a team keeps for all of its images is not in each of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.kube.selectors import parse_selector
from transom.model.findings import Accepted, Evidence, Finding, Judged, Result, Rule, Skipped
from transom.model.language import mark
from transom.model.places import Locator
from transom.model.refs import file_ref
from transom.rules.exceptions import EXPIRED, UNUSED

if TYPE_CHECKING:
    from transom.inventory import Inventory
    from transom.model.vulnerabilities import Vulnerability

VULNERABLE = "vulnerable-package"  # the rule whose findings are of vulnerabilities
SCOPE = ("kind", "namespace", "name", "labels", "container", "path", "file", "vulnerability", "package", "state")
"""What an exception may say of where it holds, in the order in which people read it."""

MAX_WAIVERS = 10_000  # each is asked about every finding of its rule


class Waiver(Struct, frozen=True):
    """One exception. Names are globs as in a shell, "" for any; labels: a selector as kubectl has it.

    path: the field that it speaks of, and everything below it; file: a glob over the file of the finding; vulnerability: over
    its id and aliases; package: over its name, or a purl; state: of its fix. status, justification: what VEX says of it.
    expires: the last day on which it holds; locator: where it stands.
    """

    rule: str
    reason: str
    owner: str = ""
    expires: date | None = None
    kind: str = ""
    namespace: str = ""
    name: str = ""
    labels: str = ""
    container: str = ""
    path: str = ""
    file: str = ""
    vulnerability: str = ""
    package: str = ""
    state: str = ""
    status: str = ""
    justification: str = ""
    locator: Locator = Locator()

    def has_expired(self, today: date) -> bool:
        """Tell whether its last day is over."""
        return self.expires is not None and today > self.expires

    def fits(self, finding: Finding, labels_of: Callable[[Finding], dict[str, str]]) -> bool:
        """Tell whether it accepts a finding; labels_of: the labels of a finding's object."""
        ref = finding.ref
        globs = [(self.kind, ref.kind), (self.namespace, ref.namespace), (self.name, ref.name)]
        globs += [(self.container, finding.container), (self.file, finding.place.file)]
        if self.rule != finding.rule or any(glob and not fnmatchcase(text, glob) for glob, text in globs):
            return False
        if (self.vulnerability or self.package or self.state) and not self._speaks_of(finding.vulnerability):
            return False
        if self.path and not all(_is_below(each.locator.path, self.path) for each in finding.evidence):
            return False
        return not self.labels or parse_selector(self.labels)(labels_of(finding))

    def _speaks_of(self, told: Vulnerability | None) -> bool:
        if told is None or (self.state and self.state != told.state):
            return False
        names = [name.upper() for name in (told.id, *told.aliases)]
        if self.vulnerability and not any(fnmatchcase(name, self.vulnerability.upper()) for name in names):
            return False
        if self.package.startswith("pkg:"):
            from transom.advisories.purls import covers

            return covers(self.package, told.purl)
        return not self.package or any(fnmatchcase(name, self.package) for name in (told.name, told.upgrade))

    @property
    def told(self) -> str:
        """Its reason, with who answers for it and until when."""
        said = ": ".join(filter(None, (self.status.replace("_", " "), self.justification.replace("_", " "))))
        parts = [said, f"owner {self.owner}" if self.owner else "", f"until {self.expires}" if self.expires else ""]
        known = ", ".join(filter(None, parts))
        return f"{self.reason} ({known})" if known else self.reason

    @property
    def scope(self) -> str:
        """What it speaks of, in one line."""
        return " ".join(f"{field}={value}" for field in SCOPE if (value := getattr(self, field))) or "everything"


def _is_below(path: str, top: str) -> bool:
    return path == top or path.startswith((f"{top}.", f"{top}["))


def with_waivers(
    results: Iterable[Result], waivers: Sequence[Waiver], inventory: Inventory, today: date
) -> Iterator[Result]:
    """Yield results with the findings that exceptions accept as Accepted; then what there is to say of the exceptions."""
    by_rule: dict[str, list[Waiver]] = {}
    for waiver in waivers:
        if not waiver.has_expired(today):
            by_rule.setdefault(waiver.rule, []).append(waiver)

    def labels_of(finding: Finding) -> dict[str, str]:
        entries = inventory.with_ref(finding.ref)
        near = [each for each in entries if each.origin.file == finding.place.file] or entries
        return near[0].labels if near else {}

    uses: Counter[Waiver] = Counter()
    judged: set[str] = set()
    for each in results:
        fitting = None
        if isinstance(each, Finding):
            fitting = next((one for one in by_rule.get(each.rule, ()) if one.fits(each, labels_of)), None)
        elif isinstance(each, Judged) and each.judged:
            judged.add(each.rule)
        elif isinstance(each, Skipped) and each.rule:
            uses.update(by_rule.get(each.rule, ()))  # it may be needed where the rule could not judge
        if fitting is None or not isinstance(each, Finding):
            yield each
        else:
            uses[fitting] += 1
            said = (fitting.status, fitting.justification)
            yield Accepted(each, fitting.told, fitting.locator, False, *said)
    for waiver in waivers:
        if waiver.has_expired(today):
            yield _finding(EXPIRED, waiver, mark("it expired on {}").format(waiver.expires))
        elif waiver.rule in judged and not uses[waiver] and not waiver.vulnerability:
            yield _finding(UNUSED, waiver, UNUSED.title)


def _finding(rule: Rule, waiver: Waiver, message: str) -> Finding:
    """Return the finding that tells of an exception; it is known again by what it says, wherever that stands."""
    text = f"{waiver.rule} {waiver.scope}"
    return Finding(
        rule=rule.id,
        ref=file_ref(waiver.locator.file),
        severity=rule.severity,
        message=message,
        evidence=(Evidence(waiver.locator, text),),
        title=rule.title,
        witness=text,
        fix=rule.fix,
    )
