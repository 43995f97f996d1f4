"""The parts of the page around its findings: what it comes to, what was judged and what was not, what rules mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from transom.model.clusters import ClusterFacts
from transom.model.exits import Exit
from transom.model.findings import Accepted, Finding, Judged, Rule, Skipped
from transom.model.language import LANGUAGES, mark, translator
from transom.model.severity import Severity
from transom.report.html.findings import TERMS, explained
from transom.report.html.island import label
from transom.report.html.markup import MAX_TEXT_CHARS, in_each_language, rule_text, say, text, told
from transom.report.risk import FORMULA as RISK_FORMULA
from transom.report.risk import figures as risk_figures
from transom.report.risk import risk
from transom.report.score import FORMULA, ceiling, figures, has_unread, score, score_of_read, unjudged_weight, weights
from transom.report.summary import Report
from transom.report.words import MORE, SEVERITY_WORDS, cluster_told, where

LISTED = 200  # of what was skipped, accepted or known; the rest is counted, and every one is in the JSON
LANGUAGE_NAMES = {"en": "English", "zh-CN": "中文"}  # each in its own language
MARK = (
    '<svg class="mark" viewBox="0 0 24 32" width="24" height="32" aria-hidden="true" focusable="false">'
    '<path class="frame" d="M1 1h22v30H1z"/><path class="pane" d="M4 4h16v6H4z"/>'
    '<path class="door" d="M4 13h16v18H4z"/><path class="knob" d="M16 21h2v3h-2z"/></svg>'
)
"""A window over a door."""


def banner(report: Report, made_at: str, language: str) -> Iterator[str]:
    """Yield the head of the page: what was scanned, and the switches of language and theme."""
    yield f'<header><div class="name">{MARK}<div><h1>{say("Transom report")}</h1>\n<p class="targets">'
    yield ", ".join(f"<code>{text(target)}</code>" for target in report.targets[:LISTED])
    if len(report.targets) > LISTED:
        yield " " + say(MORE, count=len(report.targets) - LISTED)
    yield "</p>"
    for facts in report.clusters:
        yield f'<p class="targets">{_cluster(facts)}</p>'
    yield "</div></div>\n"
    yield '<div class="switches" hidden><div role="group" aria-labelledby="language">'
    yield f'<span id="language" class="unseen">{say("Language")}</span>'
    for name in LANGUAGES:
        pressed = str(name == language).lower()
        shown = LANGUAGE_NAMES.get(name, name)
        yield f'<button type="button" lang="{name}" data-language="{name}" aria-pressed="{pressed}">{shown}</button>'
    yield f'</div><button type="button" id="theme" aria-pressed="false">{say("Dark")}</button></div>\n'
    yield f'<p class="made">Transom {text(report.version)}'
    if made_at:
        yield f' · <time datetime="{text(made_at)}Z">{text(made_at.replace("T", " "))} UTC</time>'
    yield "</p></header>\n"


def _cluster(facts: ClusterFacts) -> str:
    return in_each_language(lambda language: text(cluster_told(facts, translator(language))))


def summary(report: Report) -> Iterator[str]:
    """Yield what the report comes to: verdict, score, counts."""
    yield f'<section id="summary" aria-labelledby="verdict"><h2 id="verdict">{_verdict(report)}</h2>\n'
    yield f'<p class="exit">{_exit(report)}</p>\n<div class="figures"><div class="score">'
    yield from _score(report)
    yield from _risk(report)
    yield '</div>\n<ul class="counts">'
    for severity, count in report.by_severity.items():
        kind = f"s{int(severity)}" if count else "none"
        yield f'<li class="{kind}"><b>{count:,}</b> {say(SEVERITY_WORDS[severity])}</li>'
    yield '</ul></div>\n<p class="totals">'
    yield from _totals(report)
    yield "</p></section>\n"


def _verdict(report: Report) -> str:
    """Return the report in one sentence."""
    if not report.verdicts:
        return say("Nothing was judged")
    if report.at_threshold:
        return say("Findings at {severity} or above: {count:,}", severity=report.threshold, count=report.at_threshold)
    if not report.complete:
        return say("Nothing at {severity} or above in what could be judged", severity=report.threshold)
    if report.known:
        return say("Nothing new at {severity} or above", severity=report.threshold)
    if report.findings or report.skipped or report.accepted:
        return say("Nothing at {severity} or above", severity=report.threshold)
    return say("Every window that was looked at is shut")


def _exit(report: Report) -> str:
    reasons = {
        Exit.CLEAN: mark("Exit code {code}: clean."),
        Exit.FINDINGS: mark("Exit code {code}: something at the threshold or above was found."),
        Exit.INCOMPLETE: mark("Exit code {code}: incomplete; not everything could be judged."),
    }
    return say(reasons[report.exit_code], code=int(report.exit_code))


UNREAD_TOLD = mark("Something could not be read. Of what was read alone the score is {count}.")


def _score(report: Report) -> Iterator[str]:
    reached = score(report)
    if reached is None:
        yield f"<p>{say('No score: nothing was judged.')}</p>"
        return
    passed, whole = weights(report)
    whole += unjudged_weight(report)
    of_read = score_of_read(report)
    yield f'<p><b>{reached}</b><span class="of">/100</span> {say("Score")}</p>'
    yield '<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
    yield f'<path class="track" d="M0 0h100v4H0z"/><path class="reached" d="M0 0h{reached}v4H0z"/></svg>\n'
    yield f"<details><summary>{say('How it is computed')}</summary><p>{say(FORMULA, **figures())}</p>"
    yield f'<p class="sum">{passed:,} / {whole:,} × {ceiling(report)} = {of_read}</p></details>'
    if has_unread(report):
        yield f"<p>{say(UNREAD_TOLD, count=of_read)}</p>"


def _risk(report: Report) -> Iterator[str]:
    reached = risk(report)
    if reached is None:
        return
    yield f"<details><summary>{say('Risk')}: {reached}/100</summary><p>{say(RISK_FORMULA, **risk_figures())}</p></details>"


def _totals(report: Report) -> Iterator[str]:
    rules = sum(each.judged > 0 for each in report.judged)
    verdicts, good = report.verdicts, report.passed
    yield say("Verdicts: {verdicts:,} by {rules:,} rules, {good:,} passed", verdicts=verdicts, rules=rules, good=good)
    counts = (
        (mark("Findings: {count:,}"), len(report.findings), "findings"),
        (mark("Not judged: {count:,}"), len(report.skipped), "skipped"),
        (mark("Accepted: {count:,}"), len(report.accepted), "accepted"),
        (mark("Known from the baseline: {count:,}"), len(report.known), "known"),
    )
    for words, count, anchor in counts:
        if count:
            yield f' · <a href="#{anchor}">{say(words, count=count)}</a>'


def coverage(report: Report, numbers: Mapping[str, int]) -> Iterator[str]:
    """Yield what was judged and what was not; numbers: of the rules that the page explains."""
    yield f'<section id="coverage" aria-labelledby="coverage-title"><h2 id="coverage-title">{say("Coverage")}</h2>\n'
    if report.skipped:
        yield f'<h3 id="skipped">{say("Not judged: {count:,}", count=len(report.skipped))}</h3>\n'
        if report.allowed_skips:
            yield f"<p>{say('Allowed by name: {count:,}', count=report.allowed_skips)}</p>\n"
        yield from _skipped(report.skipped)
    if report.provenance:
        yield f"<h3>{say('How it was read')}</h3>\n<ul>"
        for each in report.provenance[:LISTED]:
            yield f"<li><code>{text(each.origin)}</code>: {told(each.how)}</li>"
        yield "</ul>\n"
    if report.not_applicable:
        yield f"<h3>{say('Not applicable')}</h3>\n<ul>"
        for what, count in report.not_applicable.items():
            yield f"<li>{count:,} {told(what)}</li>"
        yield "</ul>\n"
    if report.accepted:
        yield f'<h3 id="accepted">{say("Accepted: {count:,}", count=len(report.accepted))}</h3>\n'
        yield f"<p>{say('Declared acceptable where they stand; not among the findings.')}</p>\n<ul>"
        yield from _listed([_accepted(each) for each in report.accepted[:LISTED]], len(report.accepted))
    if report.known:
        yield f'<h3 id="known">{say("Known from the baseline: {count:,}", count=len(report.known))}</h3>\n<ul>'
        yield from _listed([_named(each) for each in report.known[:LISTED]], len(report.known))
    yield from _judged(report, numbers)
    yield "</section>\n"


def _skipped(skipped: Sequence[Skipped]) -> Iterator[str]:
    by_reason: dict[tuple[str, str, str], list[Skipped]] = {}
    for each in skipped:
        by_reason.setdefault((each.rule, each.reason, each.next_step), []).append(each)
    reasons = list(by_reason.items())
    for (rule, reason, next_step), alike in reasons[:LISTED]:
        named = f"<code>{text(rule)}</code> " if rule else ""
        yield f'<div class="skip"><p>{named}{told(reason, MAX_TEXT_CHARS)}</p>\n'
        if next_step:
            yield f'<p class="step">{say("Next step")}: {told(next_step, MAX_TEXT_CHARS)}</p>\n'
        yield "<ul>"
        yield from _listed([f"<code>{text(_place(each))}</code>" for each in alike[:LISTED]], len(alike))
        yield "</div>\n"
    if len(reasons) > LISTED:
        rest = sum(len(alike) for _, alike in reasons[LISTED:])
        yield f"<p>{say(MORE, count=rest)}</p>\n"


def _place(skipped: Skipped) -> str:
    place = where(skipped.locator, column=True)
    named = label(skipped.ref) if skipped.ref.scope == "k8s" or not place else ""
    return f"{place} {named}".strip()


def _listed(items: Iterable[str], count: int) -> Iterator[str]:
    """Yield the items of a list and its end; count: how many there are in all."""
    for item in items:
        yield f"<li>{item}</li>\n"
    if count > LISTED:
        yield f"<li>{say(MORE, count=count - LISTED)}</li>"
    yield "</ul>"


def _named(finding: Finding) -> str:
    container = f" ({text(finding.container)})" if finding.container else ""
    return f"<code>{text(finding.rule)}</code> {text(label(finding.ref))}{container} <code>{text(where(finding.place))}</code>"


def _accepted(accepted: Accepted) -> str:
    return f'{_named(accepted.finding)}<br><span class="reason">{text(accepted.reason, MAX_TEXT_CHARS)}</span>'


def _judged(report: Report, numbers: Mapping[str, int]) -> Iterator[str]:
    """Yield what each rule judged, failed ones first, the worst of them before; a rule with findings leads to them."""
    faces = report.rules

    def weight(each: Judged) -> tuple[bool, int, int]:
        severity = faces[each.rule].severity if each.rule in faces else Severity.MEDIUM
        return each.passed == each.judged, -severity, each.passed - each.judged

    judged = sorted((each for each in report.judged if each.judged), key=weight)
    idle = [each.rule for each in report.judged if not each.judged]
    if judged:
        yield '<div class="wide" tabindex="0" role="group" aria-labelledby="judged"><table>'
        yield f'<caption id="judged">{say("What each rule judged")}</caption>'
        heads = (mark("Rule"), mark("Severity"), mark("Judged"), mark("Passed"), mark("Failed"))
        columns = "".join(f'<th scope="col">{say(head)}</th>' for head in heads)
        yield f"<thead><tr>{columns}</tr></thead><tbody>\n"
        for each in judged:
            face = faces.get(each.rule)
            name = f"<code>{text(each.rule)}</code>"
            if each.rule in numbers:
                name = f'<a href="#rule-{numbers[each.rule]}">{name}</a>'
            severity = say(SEVERITY_WORDS[face.severity]) if face else ""
            failed = each.judged - each.passed
            cells = f"<td>{each.judged:,}</td><td>{each.passed:,}</td><td>{failed:,}</td>"
            yield f'<tr class="{"failed" if failed else "passed"}"><th scope="row">{name}</th><td>{severity}</td>{cells}</tr>\n'
        yield "</tbody></table></div>\n"
    if idle:
        names = ", ".join(f"<code>{text(rule)}</code>" for rule in idle[:LISTED])
        yield f"<p>{say('Rules that found nothing to judge')}: {names}</p>\n"
        if len(idle) > LISTED:
            yield f"<p>{say(MORE, count=len(idle) - LISTED)}</p>\n"


def explanations(rules: Sequence[str], faces: Mapping[str, Rule]) -> Iterator[str]:
    """Yield what each rule that found something means, once; page.js copies its texts from here."""
    if not rules:
        return
    yield f'<section id="rules" aria-labelledby="rules-title"><h2 id="rules-title">{say("What the rules mean")}</h2>\n'
    for number, name in enumerate(rules):
        rule = faces.get(name)
        title = rule_text(rule, "title") if rule else text(name)
        yield f'<article id="rule-{number}" tabindex="-1"><h3>{title}</h3><p><code>{text(name)}</code></p><dl>'
        for term, content in explained(rule):
            yield f'<dt>{say(TERMS[term])}</dt><dd class="{term}">{content}</dd>\n'
        yield "</dl></article>\n"
    yield "</section>\n"
