"""Exceptions of a team, kept in transom.yaml: which findings are accepted where, by whom, why, and until when.

One that has expired accepts nothing and is told; so is one that accepts nothing although its rule has judged.
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

MAX_WAIVERS = 10_000  # each is asked about every finding of its rule


class Waiver(Struct, frozen=True):
    """One exception. Names are globs as in a shell, "" for any; labels: a selector as kubectl has it.

    path: the field that it speaks of, and everything below it; file: a glob over the file of the finding; expires: the
    last day on which it holds; locator: where it stands.
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
        if self.path and not all(_is_below(each.locator.path, self.path) for each in finding.evidence):
            return False
        return not self.labels or parse_selector(self.labels)(labels_of(finding))

    @property
    def told(self) -> str:
        """Its reason, with who answers for it and until when."""
        parts = [f"owner {self.owner}" if self.owner else "", f"until {self.expires}" if self.expires else ""]
        known = ", ".join(filter(None, parts))
        return f"{self.reason} ({known})" if known else self.reason

    @property
    def scope(self) -> str:
        """What it speaks of, in one line."""
        fields = ("kind", "namespace", "name", "labels", "container", "path", "file")
        return " ".join(f"{field}={value}" for field in fields if (value := getattr(self, field))) or "everything"


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
            yield Accepted(each, fitting.told, fitting.locator, in_source=False)
    for waiver in waivers:
        if waiver.has_expired(today):
            yield _finding(EXPIRED, waiver, mark("it expired on {}").format(waiver.expires))
        elif waiver.rule in judged and not uses[waiver]:
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
