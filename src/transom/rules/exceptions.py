"""Exceptions: findings that an object's own file declares acceptable, and declarations that have no effect.

`RULE reason` is declared by an annotation `transom.dev/allow` or `transom.dev/allow.NAME`, one exception for each line
of its text, on an object or its pod template; there `RULE@CONTAINER reason` names one container. It is declared by a
comment `# transom.dev/allow: RULE reason` for what begins on its line, or on the next where it has a line of its own.

A rule is named by its whole id, and a reason is required. What cannot be read, and what accepts nothing that its rule
has judged, is a finding of its own, so that no exception is believed to hold that does not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.comments import MARK, MAX_COMMENTS
from transom.kube.kinds import template_path
from transom.model.findings import Accepted, Evidence, Finding, Judged, Rule, Skipped
from transom.model.language import mark
from transom.model.places import Locator, path_text
from transom.model.severity import Severity
from transom.rules.foreign_comments import silenced

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory
    from transom.kube.comments import Comment
    from transom.model.places import Path

MAX_EXCEPTIONS = 1_000  # that one annotation declares: a pod of ten containers has not a hundred findings
MAX_REASON_CHARS = 1_000  # a reason is a sentence or two; more belongs behind a link
MAX_SHOWN_CHARS = 120  # of a declaration, in one line of a report
SHAPE = f"{MARK}: RULE reason"

MALFORMED = Rule(
    "exception-malformed",
    "Exception without effect",
    Severity.LOW,
    "An exception that cannot be understood accepts nothing, while its author believes the matter settled.",
    f"Write {SHAPE}: the whole id of a rule that is in use, then a reason.",
    texts={
        "zh-CN": {
            "title": "例外声明无效",
            "why": "无法理解的例外声明不会接受任何发现项，而作者却以为问题已经处理完毕。",
            "fix": f"请写成 {MARK}: RULE reason：先写正在使用的规则的完整 ID，再写理由。",
        }
    },
)
UNUSED = Rule(
    "exception-unused",
    "Exception that accepts nothing",
    Severity.INFO,
    "What it was made for is gone; should the fault come back, it would be accepted without anybody deciding so.",
    "Remove the exception.",
    texts={
        "zh-CN": {
            "title": "例外声明已不再起作用",
            "why": "它所针对的问题已经消失；如果问题再次出现，会在无人决定的情况下被接受。",
            "fix": "删除这条例外声明。",
        }
    },
)
EXPIRED = Rule(
    "exception-expired",
    "Exception that has expired",
    Severity.LOW,
    "Somebody decided that it should be looked at again by now; until then the findings are reported again.",
    "Mend what it accepted, or decide anew and write another date.",
    texts={
        "zh-CN": {
            "title": "已过期的例外声明",
            "why": "当时约定到此日期应重新审视；在此之前，相关发现项会重新报告。",
            "fix": "修复它所接受的问题，或重新决定并写上新的日期。",
        }
    },
)
FACES = {rule.id: rule for rule in (MALFORMED, UNUSED, EXPIRED)}


class Allowance(Struct, frozen=True):
    """One exception that can be understood.

    container: the only one it speaks of, "" for any; paths: the only fields it speaks of, as text, None for any; foreign:
    whether it was made for another scanner, so that it may well accept nothing here.
    """

    rule: str
    reason: str
    locator: Locator
    container: str = ""
    paths: frozenset[str] | None = None
    foreign: bool = False

    def fits(self, finding: Finding) -> bool:
        """Tell whether the exception accepts a finding: all of its evidence must stand where the exception speaks."""
        if self.rule != finding.rule or (self.container and self.container != finding.container):
            return False
        paths = self.paths
        return paths is None or all(
            any(prefix in paths for prefix in _prefixes(each.locator.path)) for each in finding.evidence
        )


Allowances = Mapping["Entry", Sequence[Allowance]]
"""What each object's own file declares acceptable of it; most objects are not among the keys."""


def declared(
    inventory: Inventory, entries: Iterable[Entry], rules: Collection[str]
) -> tuple[dict[Entry, list[Allowance]], list[Finding]]:
    """Return the exceptions of entries, and a finding for each that cannot be understood; rules: ids that exist."""
    allowances: dict[Entry, list[Allowance]] = {}
    malformed: list[Finding] = []
    for entry in entries:
        comments = inventory.comments(entry)
        annotations = list(_annotations(entry))
        if not comments and not annotations:
            continue
        for each in (*_of_annotations(inventory, entry, annotations), *_of_comments(comments, entry)):
            allowance = _read(each, rules)
            if isinstance(allowance, Allowance):
                allowances.setdefault(entry, []).append(allowance)
            else:
                malformed.append(_told(MALFORMED, inventory, entry, each, allowance))
        for comment in comments[:MAX_COMMENTS] if entry.ref.kind == "Dockerfile" else ():
            allowances.setdefault(entry, []).extend(silenced(comment, entry.origin.file))
    return allowances, malformed


def applied(
    inventory: Inventory,
    entry: Entry,
    allowances: Sequence[Allowance],
    results: Iterable[Finding | Skipped | Judged],
    rules: Collection[str],
) -> Iterator[Finding | Accepted | Skipped | Judged]:
    """Yield what the rules say of an entry, findings that it declares acceptable as Accepted, then what accepts nothing.

    rules: ids of those that judge. An exception of a rule that could not judge the entry, or judged its controller
    instead, may yet be needed and is left alone: controllers hand their annotations down.
    """
    used: set[Allowance] = set()
    unjudged: set[str] = set()
    for each in results:
        fitting = [one for one in allowances if one.fits(each)] if isinstance(each, Finding) else []
        if isinstance(each, Finding) and fitting:
            used.update(fitting)
            yield Accepted(each, fitting[0].reason, fitting[0].locator)
            continue
        if isinstance(each, Skipped):
            unjudged.add(each.rule)
        yield each
    if "" in unjudged or inventory.owner_entry(entry) is not None:
        return
    for allowance in allowances:
        if not (allowance.foreign or allowance.rule in unjudged or allowance in used) and allowance.rule in rules:
            where = f"@{allowance.container}" if allowance.container else ""
            text = f"{allowance.rule}{where} {allowance.reason}"
            yield _told(UNUSED, inventory, entry, _Declaration(text, allowance.locator), UNUSED.title)


class _Declaration(Struct, frozen=True):
    """One exception as it is written; problem: why it cannot be read whatever its text."""

    text: str
    locator: Locator
    paths: frozenset[str] | None = None
    problem: str = ""


def _annotations(entry: Entry) -> Iterator[tuple[Path, Any]]:
    """Yield the annotations that declare exceptions, on the object and on its pod template."""
    template = template_path(entry.ref.group, entry.ref.kind)
    for prefix in ((), template) if template else ((),):
        value: Any = entry.object
        for step in (*prefix, "metadata", "annotations"):
            value = value.get(step) if isinstance(value, dict) else None
        for key in value if isinstance(value, dict) else ():
            if isinstance(key, str) and (key == MARK or key.startswith(f"{MARK}.")):
                yield (*prefix, "metadata", "annotations", key), value[key]


def _of_annotations(
    inventory: Inventory, entry: Entry, annotations: Sequence[tuple[Path, Any]]
) -> Iterator[_Declaration]:
    for path, value in annotations:
        place = inventory.locate(entry, path)
        if not isinstance(value, str):
            yield _Declaration("", place, problem=mark("its value is no text"))
            continue
        lines = (line.strip() for line in value.splitlines())
        texts = list(islice((line for line in lines if line), MAX_EXCEPTIONS + 1)) or [""]
        yield from (_Declaration(text, place) for text in texts[:MAX_EXCEPTIONS])
        if len(texts) > MAX_EXCEPTIONS:
            problem = mark("only the first {} exceptions of an annotation count")
            yield _Declaration(texts[-1], place, problem=problem.format(MAX_EXCEPTIONS))


def _of_comments(comments: Sequence[Comment], entry: Entry) -> Iterator[_Declaration]:
    for comment in comments[:MAX_COMMENTS]:
        place = Locator(entry.origin.file, comment.line, comment.column)
        text = comment.text.removeprefix(MARK)
        if text[:1] not in (":", "", " ", "\t"):
            continue  # an annotation that was commented out, or another word
        paths = frozenset(path_text(path) for path in comment.paths)
        problem = ""
        if text[:1] != ":":
            problem = mark("a colon must follow the word allow")
        elif not paths:
            problem = mark("it stands at no field of an object")
        yield _Declaration(text.removeprefix(":").strip(), place, paths, problem)
    if len(comments) > MAX_COMMENTS:
        last = comments[MAX_COMMENTS]
        problem = mark("only the first {} comments of a document count").format(MAX_COMMENTS)
        yield _Declaration(last.text, Locator(entry.origin.file, last.line, last.column), problem=problem)


def _read(declaration: _Declaration, rules: Collection[str]) -> Allowance | str:
    """Return the exception that a declaration makes, or why it makes none."""
    if declaration.problem:
        return declaration.problem
    named, _, reason = declaration.text.partition(" ")
    rule, at, container = named.partition("@")
    reason = reason.strip()
    if not rule:
        return mark("it names no rule")
    if rule not in rules:
        shown = rule[:MAX_SHOWN_CHARS]
        return mark("there is no rule {}; a rule is named by its whole id").format(shown)
    if at and declaration.paths is not None:
        return mark("a comment speaks of what it stands at, and names no container")
    if at and not container:
        return mark("no container is named after @")
    if not reason:
        return mark("no reason is given")
    if len(reason) > MAX_REASON_CHARS:
        return mark("its reason is longer than {} characters").format(MAX_REASON_CHARS)
    return Allowance(rule, reason, declaration.locator, container, declaration.paths)


def _told(rule: Rule, inventory: Inventory, entry: Entry, declaration: _Declaration, why: str) -> Finding:
    """Return the finding that tells of an exception; it is known again by its text, wherever that stands."""
    text = declaration.text
    shown = text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"
    return Finding(
        rule=rule.id,
        ref=entry.ref,
        severity=rule.severity,
        message=why,
        evidence=(Evidence(declaration.locator, shown, SHAPE if rule is MALFORMED else ""),),
        title=rule.title,
        witness=shown,
        owner=inventory.owner(entry),
        fix=rule.fix,
    )


def _prefixes(path: str) -> Iterator[str]:
    """Yield the paths, as text, of everything that a field stands in, and its own."""
    yield ""
    yield from (path[:index] for index, character in enumerate(path) if character in ".[")
    yield path
