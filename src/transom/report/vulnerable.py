"""The table's part for known vulnerabilities: by image and package, layer or base; what to upgrade; another base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from transom.model.findings import Finding
from transom.model.language import mark
from transom.model.vulnerabilities import Upgrade, Vulnerability
from transom.report.summary import Report
from transom.report.text import BOLD, COLOURS, DIM, GREEN, LABELS, Look, columns, wrapped

GROUPS = ("package", "layer", "base")
"""By what findings of an image stand together."""

LABEL_WIDTH = 8  # CRITICAL
ID_WIDTH = 16  # CVE-2026-1234567; a GHSA has three more
STATES = {
    "fixed": "",
    "not-fixed": mark("no fix yet"),
    "wont-fix": mark("will not be fixed"),
    "affected": mark("no fix known"),
    "under-investigation": mark("under investigation"),
    "end-of-life": mark("end of life"),
}
NARROWEST = 16  # columns for what is said of a vulnerability
NAMED = 6  # ids in a line about an upgrade, workloads in one about an image
MEASURE = 140  # columns; what is wider is not read in one glance

Told = tuple[Finding, Vulnerability]


def lines(findings: Sequence[Finding], report: Report, look: Look, group_by: str) -> Iterator[str]:
    """Yield the lines of all images: what is vulnerable in each, and what clears it."""
    by_image: dict[str, list[Told]] = {}
    for finding in findings:
        if finding.vulnerability is not None:
            by_image.setdefault(finding.ref.name, []).append((finding, finding.vulnerability))
    for image, told in by_image.items():
        yield from _image(image, told, look, group_by)
        yield from _upgrades([each for each in report.upgrades if each.image == image], told, look)
        yield from _rebases(image, report, look)
        yield ""


def _image(image: str, told: Sequence[Told], look: Look, group_by: str) -> Iterator[str]:
    counted = look.say("{:,} vulnerabilities").format(len(told)) if len(told) != 1 else look.say("1 vulnerability")
    yield f"{look.paint(look.cut(look.safe(image), look.width), BOLD)}  {look.paint(counted, DIM)}"
    run_by = told[0][1].workloads
    if run_by:
        more = f" +{len(run_by) - NAMED}" if len(run_by) > NAMED else ""
        text = look.say("runs as {}").format(", ".join(map(look.safe, run_by[:NAMED]))) + more
        yield from (look.paint(line, DIM) for line in wrapped(text, look.width, "  ", "    "))
    groups: dict[str, list[Told]] = {}
    for each in told:
        groups.setdefault(_group(each[1], group_by, look), []).append(each)
    for title, group in groups.items():
        if title:
            yield look.paint(look.cut(f"  {title}", look.width), BOLD)
        yield from _packages(group, look)


def _group(told: Vulnerability, group_by: str, look: Look) -> str:
    """Return the heading that a finding stands under, "" where packages are the headings."""
    if group_by == "layer":
        if not told.layer:
            return look.say("no layer told")
        return look.safe(f"{look.say('layer {}').format(told.layer)}  {told.instruction}".rstrip())
    if group_by == "base":
        return look.say("brought by {}").format(look.safe(told.base)) if told.base else look.say("not of a known base")
    return ""


def _packages(group: Sequence[Told], look: Look) -> Iterator[str]:
    by_package: dict[tuple[str, str, str], list[Told]] = {}
    for finding, told in group:
        by_package.setdefault((told.name, told.version, finding.place.file), []).append((finding, told))
    for (name, version, place), about in by_package.items():
        first = about[0][1]
        where = f"{look.safe(place)}{_layer(first, look)}"
        heading = f"  {look.safe(name)} {look.safe(version)}"
        room = look.width - columns(heading) - 2
        yield (
            f"{heading}  {look.paint(look.cut(where, max(room, 0)), DIM)}"
            if room > 8
            else look.cut(heading, look.width)
        )
        for finding, told in about:
            yield from _bug(finding, told, look)


def _layer(told: Vulnerability, look: Look) -> str:
    parts = [look.say("layer {}").format(told.layer) if told.layer else "", look.safe(told.base)]
    return "".join(f" {look.dot} {part}" for part in parts if part)


def _bug(finding: Finding, told: Vulnerability, look: Look) -> Iterator[str]:
    """Yield one vulnerability: severity, id, fix, what makes it urgent, then its summary as far as there is room."""
    label = look.say(LABELS[finding.severity])
    pad = " " * (LABEL_WIDTH - columns(label))
    head = f"    {look.paint(label, COLOURS[finding.severity])}{pad}  {look.safe(told.id):<{ID_WIDTH}}"
    indent = " " * (4 + LABEL_WIDTH + 2)
    room = min(look.width, MEASURE) - len(indent) - ID_WIDTH - 2
    more = f" {look.dot} ".join(filter(None, (_remedy(told, look), *_urgency(told, look))))
    first, *rest = wrapped(more, max(room, NARROWEST))
    yield f"{head}  {first}"
    yield from (f"{indent}{' ' * ID_WIDTH}  {line}" for line in rest)
    if told.summary:
        yield look.paint(look.cut(f"{indent}{look.safe(told.summary)}", min(look.width, MEASURE)), DIM)


def _remedy(told: Vulnerability, look: Look) -> str:
    if told.fixed:
        return f"{look.arrow} {look.safe(told.fixed)}"
    return look.say(STATES.get(told.state, told.state))


def _urgency(told: Vulnerability, look: Look) -> Iterator[str]:
    if not told.rated_by:
        yield look.say("rated by nobody")
    if told.exploited:
        yield look.say("exploited since {}").format(look.safe(told.exploited))
    if told.epss is not None:
        yield f"EPSS {told.epss:.1%}"
    if told.reach == "linked":
        yield look.say("in the program")
    elif told.reach == "absent":
        yield look.say("not in the program")


def _upgrades(upgrades: Sequence[Upgrade], told: Sequence[Told], look: Look) -> Iterator[str]:
    if not upgrades:
        return
    cleared = sum(bool(each.fixed) for _, each in told)
    head = look.say("{} upgrades clear {} of {}").format(len(upgrades), cleared, len(told))
    yield f"  {look.paint(look.say('UPGRADE'), GREEN + BOLD)}  {head}"
    for each in upgrades:
        place = f" ({look.safe(each.place)})" if each.place else ""
        names = ", ".join(map(look.safe, each.clears[:NAMED]))
        more = f" +{len(each.clears) - NAMED}" if len(each.clears) > NAMED else ""
        text = f"{look.safe(each.name)} {look.arrow} {look.safe(each.to)}{place}: {names}{more}"
        yield from wrapped(text, min(look.width, MEASURE), "    ", "      ")


def _rebases(image: str, report: Report, look: Look) -> Iterator[str]:
    for each in report.rebases:
        if each.image != image:
            continue
        told = look.say("{} of the {} that {} brings are gone in {}")
        counts = (len(each.clears), each.before, look.safe(each.base), look.safe(each.to))
        more = look.say(", which brings {} of its own").format(len(each.brings)) if each.brings else ""
        yield from wrapped(told.format(*counts) + more, min(look.width, MEASURE), f"  {look.say('BASE')}  ", "    ")
