"""HTML: one page that needs no server and loads nothing, for a screen, a phone, paper and a screen reader.

Without scripts it shows the summary, the worst findings, the coverage and what rules mean. A script of its own, the only
one that its policy lets run, shows all findings, searches and filters them, and changes language and theme.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import BinaryIO

from transom.model.language import LANGUAGES, mark, translator
from transom.report.html.controls import controls
from transom.report.html.findings import FIRST, first_findings, templates
from transom.report.html.island import Group, groups, island
from transom.report.html.markup import say, text
from transom.report.html.remedies import remedies
from transom.report.html.sections import banner, coverage, explanations, summary
from transom.report.options import ReportOptions
from transom.report.summary import Report

ALL = mark("all")


def write(report: Report, stream: BinaryIO, options: ReportOptions) -> None:
    """Write the page; the same report and options give the same bytes."""
    for piece in _page(report, options):
        stream.write(piece if isinstance(piece, bytes) else piece.encode("utf-8", "backslashreplace"))


def _page(report: Report, options: ReportOptions) -> Iterator[str | bytes]:
    grouped = groups(report.findings)
    rules = list(dict.fromkeys(finding.rule for _, findings in grouped for finding in findings))
    numbers = {rule: number for number, rule in enumerate(rules)}
    script, style = _own("page.js"), _own("page.css")
    yield from _head(script, style, options.language)
    yield f'<body>\n<a class="skip-link" href="#findings">{say("Skip to the findings")}</a>\n'
    yield from banner(report, options.made_at, options.language)
    yield "<main>\n"
    yield from summary(report)
    yield from controls(report, numbers)
    yield from _findings(report, grouped, options)
    yield from remedies(report)
    yield from coverage(report, numbers)
    yield from explanations(rules, report.rules)
    yield "</main>\n"
    yield from templates()
    yield '<script type="application/json" id="island">'
    yield island(report, grouped, rules, options)
    yield f"</script>\n<script>{script}</script>\n</body>\n</html>\n"


def _head(script: str, style: str, language: str) -> Iterator[str]:
    """Yield the head: what may run and load, which is this style, this script and nothing else."""
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    yield f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
    yield f"<title>{text(translator(language)('Transom report'))}</title>\n<style>{style}</style>\n</head>\n"


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _findings(report: Report, grouped: Sequence[Group], options: ReportOptions) -> Iterator[str]:
    yield '<section id="findings" tabindex="-1" aria-labelledby="findings-title">'
    yield f'<h2 id="findings-title">{say("Findings")}</h2>\n'
    if not report.findings:
        yield f"<p>{say('There is none.')}</p></section>\n"
        return
    yield from _controls()
    yield '<div id="list">'
    yield from first_findings(grouped, report.rules, options)
    if len(report.findings) > FIRST:
        words = mark("Shown are the worst {shown:,} of {total:,} findings.")
        yield f"<p>{say(words, shown=FIRST, total=len(report.findings))}</p>\n"
    yield '</div>\n<p><button type="button" id="more" hidden></button></p></section>\n'


def _controls() -> Iterator[str]:
    """Yield the controls, which show once the script runs; the script fills in the choices."""
    yield '<form id="filters" role="search" aria-labelledby="filters-title" hidden>'
    yield f'<h3 id="filters-title" class="unseen">{say("Search and filter")}</h3>\n<p class="search">'
    yield f'<label for="q">{say("Search")}</label>'
    yield '<input type="search" id="q" autocomplete="off" spellcheck="false"></p>\n'
    yield f'<fieldset id="severities"><legend>{say("Severity")}</legend></fieldset>\n'
    for name, words in (("window", mark("Window")), ("rule", mark("Rule")), ("namespace", mark("Namespace"))):
        said = " ".join(f'data-{each.lower()}="{text(translator(each)(ALL))}"' for each in LANGUAGES)
        yield f'<p><label for="{name}">{say(words)}</label>'
        yield f'<select id="{name}"><option value="" {said}></option></select></p>\n'
    yield f'<p><button type="reset">{say("Clear")}</button></p></form>\n'
    yield '<p id="count" role="status" aria-live="polite"></p>\n'
