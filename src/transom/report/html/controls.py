"""The section of the page that tells the controls of a framework."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from transom.model.language import mark
from transom.report.compliance import FAILED, FORMULA, STATES, ControlResult, compliance, reasons
from transom.report.html.markup import MAX_TEXT_CHARS, say, text, told
from transom.report.summary import Report


def controls(report: Report, numbers: Mapping[str, int]) -> Iterator[str]:
    """Yield the section, for a scan that was made for a framework; numbers: of the rules that the page explains."""
    reached = compliance(report)
    if reached is None:
        return
    yield '<section id="controls" aria-labelledby="controls-title">'
    yield f'<h2 id="controls-title">{text(reached.framework.name)}</h2>\n<p>'
    yield say("No control is applicable.") if reached.percent is None else f"<b>{reached.percent}%</b>"
    for state, count in reached.counts.items():
        if count:
            yield f" · {say(state)} {count:,}"
    yield f"</p>\n<details><summary>{say('How it is computed')}</summary><p>{say(FORMULA)}</p></details>\n"
    yield '<div class="wide" tabindex="0" role="group" aria-labelledby="controls-title"><table>'
    heads = (mark("Control"), mark("State"), mark("Passed"), mark("Judged"))
    columns = "".join(f'<th scope="col">{say(head)}</th>' for head in heads)
    yield f"<thead><tr>{columns}</tr></thead><tbody>\n"
    for result in sorted(reached.results, key=lambda each: STATES.index(each.state)):
        yield _row(result, numbers)
    yield "</tbody></table></div></section>\n"


def _row(result: ControlResult, numbers: Mapping[str, int]) -> str:
    kind = "failed" if result.state == FAILED else "passed"
    name = f"<code>{text(result.control.id)}</code> {told(result.control.title)}"
    parts = [_rule(rule, numbers) for rule in result.failing]
    parts += [told(words, MAX_TEXT_CHARS) if not values else say(words, **values) for words, values in reasons(result)]
    why = f"<br>{' '.join(parts)}" if parts else ""
    counts = f"<td>{result.passed:,}</td><td>{result.judged:,}</td>"
    return f'<tr class="{kind}"><th scope="row">{name}</th><td>{say(result.state)}{why}</td>{counts}</tr>\n'


def _rule(rule: str, numbers: Mapping[str, int]) -> str:
    name = f"<code>{text(rule)}</code>"
    return f'<a href="#rule-{numbers[rule]}">{name}</a>' if rule in numbers else name
