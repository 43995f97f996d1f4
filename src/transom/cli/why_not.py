"""transom why-not: why packages do not match a vulnerability, by each source's word; or why it is not told though they do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from transom.cli import terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.authority import remark
from transom.cli.images import add_image_arguments
from transom.cli.scanners import add_vulnerability_arguments, check_index
from transom.cli.vulns import TARGET_HELP, options_of
from transom.model.exits import Exit
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.advisories import Index
    from transom.model.advisories import Match
    from transom.model.packages import Bill

EXAMPLES = """\
  transom why-not CVE-2024-21626 debian:12
  transom why-not GHSA-xxxx-xxxx-xxxx sbom.cdx.json --vex vex.json

exit codes: 0 nothing matches, or all of it is settled, 1 something does, 2 usage, 3 incomplete (something could not be read)
"""
HEADINGS = (mark("package"), mark("version"), mark("why"), mark("source"), mark("record"))
MATCHES = mark("it matches: {}")
NOT_ASKED_FOR = mark("it matches: {}; the options leave it out")
SETTLED = mark("it matches: {}; accepted: {}")

Row = tuple[str, str, str, str, str]


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser("why-not", "Tell why packages do not match a vulnerability, or that they do.", EXAMPLES)
    made.add_argument("id", metavar="ID", help="CVE-…, GHSA-… or any other name")
    made.add_argument("target", metavar="TARGET", help=TARGET_HELP)
    add_vulnerability_arguments(made)
    made.add_argument("--config", metavar="FILE", help="settings (default: transom.yaml, where there is one)")
    add_image_arguments(made)
    return made


def run(arguments: argparse.Namespace) -> int:
    """Print a row for each package that a source speaks of, and what is known of the vulnerability itself."""
    from transom.advisories import Index
    from transom.cli.sbom import bill_of_target
    from transom.report.grid import Grid, write

    check_index(arguments)
    bill, unread = bill_of_target(arguments)
    for reason in unread:
        remark(terminal.say("skipped: {}").format(reason))
    rows, matched = [], False
    with Index(arguments.db) as index:
        for row, matches in _rows(arguments, bill, index):
            rows.append(row)
            matched = matched or matches
        notes = list(_known(arguments.id, index))
    nothing = terminal.say("No package of {} is one that sources of the index speak of").format(bill.name)
    shown = terminal.report_options(sys.stdout)
    write(Grid(HEADINGS, rows, "" if rows else nothing, notes), sys.stdout.buffer, shown)
    if unread:
        return Exit.INCOMPLETE
    return Exit.FINDINGS if matched else Exit.CLEAN


def _rows(arguments: argparse.Namespace, bill: Bill, index: Index) -> Iterator[tuple[Row, bool]]:
    """Yield a row for each answer that a source gives, and whether it is a match that a scan would tell."""
    from transom.advisories import why_not
    from transom.model.advisories import Match

    judge = _Judge(arguments, bill)
    for package in bill.packages:
        for answer in why_not(package, arguments.id, bill.distro, index):
            if isinstance(answer, Match):
                told, matches = judge.told(answer)
                for reason in answer.reasons:
                    why = told.format(f"{reason.versions} in {reason.channel}")
                    yield (package.name, package.version, why, reason.feed, reason.record), matches
            elif answer.feed:
                yield (package.name, package.version, answer.reason, answer.feed, answer.record), False


class _Judge:
    """What a scan with the same options would make of a match."""

    def __init__(self, arguments: argparse.Namespace, bill: Bill) -> None:
        from transom.images.exploitability import Exploitability

        self._options, self._bill = options_of(arguments), bill
        self._vex = Exploitability(arguments.vex)

    def told(self, found: Match) -> tuple[str, bool]:
        """Return what to say of a match, with room for its versions, and whether a scan would tell it."""
        from datetime import date

        from transom.images.vulnerabilities import finding_of
        from transom.model.findings import Accepted, Finding

        vulnerabilities = self._options.vulnerabilities
        if vulnerabilities is not None and not vulnerabilities.wants(found):
            return terminal.say(NOT_ASKED_FOR), False
        judged = self._vex.judged(finding_of(found, self._bill), found, self._bill)
        if isinstance(judged, Accepted):
            return _settled(f"{judged.reason}, {judged.locator.file}"), False
        today = date.today()
        for waiver in self._options.waivers:
            if isinstance(judged, Finding) and not waiver.has_expired(today) and waiver.fits(judged, lambda _: {}):
                return _settled(f"{waiver.told}, {waiver.locator.file}:{waiver.locator.line}"), False
        return terminal.say(MATCHES), True


def _settled(why: str) -> str:
    """Return that a match is accepted, and by what, with room for its versions."""
    return terminal.say(SETTLED).format("{}", why.replace("{", "{{").replace("}", "}}"))


def _known(name: str, index: Index) -> Iterator[str]:
    """Yield what sources say of the vulnerability itself: its names, whose rating counts, whether it is exploited."""
    records = [record for _, record in index.records_of(name)]
    bugs = list(dict.fromkeys(bug for record in records for bug in record.bugs))
    bug = name.upper() if name.upper() in bugs else next(iter(bugs), name)
    names = dict.fromkeys(each for record in records if not record.covers for each in record.names)
    others = [each for each in names if each.upper() != name.upper()]
    if others:
        yield terminal.say("also known as {}").format(_listed(others))
    for record in records:
        if record.withdrawn:
            yield terminal.say("{} was withdrawn on {}").format(f"{record.feed} {record.id}", record.withdrawn[:10])
    ratings = (*(each for record in records for each in record.ratings), *index.rated(bug))
    told = [f"{each.source} {each.severity.label} {each.score or ''}".rstrip() for each in ratings]
    if told:
        yield terminal.say("rated by {}; that of the source of a match counts first").format(_listed(told))
    exploited, likelihood = index.exploited(bug), index.likelihood(bug)
    if exploited is not None:
        yield terminal.say("known to be exploited since {}").format(exploited.added)
    if likelihood is not None:
        yield f"EPSS {likelihood.score:.3f}"


def _listed(texts: Iterable[str]) -> str:
    return terminal.say(", ").join(dict.fromkeys(texts))
