"""Known vulnerabilities of packages as findings: by whose word, whether there is a fix, and how likely it is to matter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from transom.advisories import Index, match, outdated
from transom.advisories.matching import asked
from transom.images.exploitability import Exploitability
from transom.images.linked import reached
from transom.images.sbom.purl import purl
from transom.images.vulnerable import VULNERABLE, VulnerabilityOptions
from transom.model.advisories import Match, State
from transom.model.errors import TransomError
from transom.model.findings import Evidence, Finding, Judged, Provenance, Result, Skipped
from transom.model.packages import Bill, Package
from transom.model.places import Locator
from transom.model.refs import Ref, image_ref
from transom.model.severity import Severity
from transom.model.vulnerabilities import MAX_AGE_DAYS, Reach, Vulnerability

WORDS = {
    State.NOT_FIXED: "no fix yet",
    State.WONT_FIX: "its maintainers will not fix it",
    State.AFFECTED: "nothing is said of a fix",
    State.UNDER_INVESTIGATION: "its maintainers are looking into it",
    State.END_OF_LIFE: "nobody maintains it any more",
}
REACHED: dict[Reach, str] = {
    "linked": ", and its program holds {}",
    "absent": ", but its program holds none of the vulnerable functions",
    "unknown": "",
}
SUMMARY_CHARS = 200
MAX_NAMED = 5  # workloads in a line for people


def looked_up(bills: Sequence[Bill], options: VulnerabilityOptions) -> Iterator[Result]:
    """Yield what an index says of all that bills hold: how old its sources are, findings, what could not be judged."""
    try:
        index = Index(options.index)
    except TransomError as error:
        for bill in bills:
            reason = f"{len(bill.packages):,} packages were not looked up: {error.what}: {error.why}"
            yield Skipped(image_ref(bill.name), reason, str(error.next_step), VULNERABLE.id)
        return
    vex = Exploitability(options.vex)
    with index:
        yield from ages(index, options.max_age_days, channels_of(bills))
        for bill in bills:
            vex.of(bill)
            yield from _of_bill(bill, index, options, vex)
    yield from vex.told()


def channels_of(bills: Iterable[Bill]) -> frozenset[str]:
    """Return whose packages bills hold."""
    questions = (asked(package, bill.distro) for bill in bills for package in bill.packages)
    return frozenset(channel for question in questions if question for channel in question.channels)


def ages(
    index: Index, max_age_days: int = MAX_AGE_DAYS, channels: Collection[str] | None = None
) -> Iterator[Provenance | Skipped]:
    """Yield how old each source is, and which of them are too old to call anything clean; channels: that are asked for."""
    for feed in index.feeds:
        told = f"{feed.records:,} records, read on {feed.retrieved[:10]}"
        if feed.modified:
            told = f"{feed.records:,} records, the newest of {feed.modified[:10]}"
        yield Provenance(f"vulnerabilities: {feed.feed}", told)
    yield from outdated(index, max_age_days=max_age_days, channels=channels)


def _of_bill(bill: Bill, index: Index, options: VulnerabilityOptions, vex: Exploitability) -> Iterator[Result]:
    judged = sum(_is_judged(package, bill.distro, index) for package in bill.packages)
    affected = set()
    for found in match(bill.packages, bill.distro, index):
        if isinstance(found, Skipped):
            judged -= "/" in found.ref.name  # one package's; those of a channel without a feed are not among the judged
            yield found
        else:
            affected.add(found.package.identity)
            if options.wants(found):
                finding = finding_of(found, bill)
                if not (options.reachable and finding.vulnerability and finding.vulnerability.reach == "absent"):
                    yield vex.judged(finding, found, bill)
    if judged > 0:
        yield Judged(VULNERABLE.id, judged, max(0, judged - len(affected)))


def _is_judged(package: Package, distro: str, index: Index) -> bool:
    """Tell whether a source of the index speaks of packages like this one."""
    question = asked(package, distro)
    return question is not None and any(channel in index.channels for channel in question.channels)


def finding_of(found: Match, bill: Bill) -> Finding:
    """Return a match as a finding of the image; its witness is the vulnerability and the package, whatever the version."""
    package, ref = found.package, image_ref(bill.name)
    reach, function = reached(found, bill)
    told = vulnerability_of(found, bill, reach)
    severity = found.severity if found.severity is not None else VULNERABLE.severity
    title = f"{found.id} in {told.name} {package.version}"
    remedy = f"{found.fixed} has the fix" if found.fixed else WORDS.get(found.state, str(found.state))
    fix = f"Upgrade {told.name} to {found.fixed}." if found.fixed else VULNERABLE.fix
    return Finding(
        VULNERABLE.id,
        ref,
        min(severity, Severity.LOW) if reach == "absent" else severity,
        ": ".join(filter(None, (f"{title}, {remedy}{REACHED[reach].format(function)}", told.summary))),
        tuple(_evidence(found, told, bill, _place(package, ref))),
        title=title,
        witness=f"{found.id} {package.kind}:{told.name}",
        fix=fix,
        vulnerability=told,
    )


def vulnerability_of(found: Match, bill: Bill, reach: Reach) -> Vulnerability:
    """Return what a match says, for programs and tables."""
    package = found.package
    name = f"{package.namespace}/{package.name}" if package.namespace and not package.distro else package.name
    rating = next((each for each in found.ratings if each.source == found.rated_by), None)
    number, instruction = _layer(package, bill)
    return Vulnerability(
        found.id,
        purl(package),
        name,
        package.version,
        found.state.value,
        found.aliases,
        found.fixed,
        found.summary[:SUMMARY_CHARS],
        package.source_name or name,
        tuple(dict.fromkeys(f"{reason.feed} {reason.record}" for reason in found.reasons)),
        found.rated_by,
        rating.score if rating else 0.0,
        rating.vector if rating else "",
        found.exploited.added if found.exploited else "",
        found.likelihood.score if found.likelihood else None,
        number,
        instruction,
        bill.base if 0 < number <= bill.base_layers else "",
        bill.digest,
        reach,
        bill.workloads,
    )


def _place(package: Package, ref: Ref) -> Locator:
    place = package.places[0] if package.places else None
    return Locator(place.path, place.line) if place else Locator(ref.name)


def _layer(package: Package, bill: Bill) -> tuple[int, str]:
    """Return which layer brought a package, and by which instruction; 0 where nobody tells."""
    brought = package.places[0].layer if package.places else ""
    for number, (diff_id, instruction) in enumerate(bill.layers, 1):
        if brought and diff_id == brought:
            return number, instruction
    return 0, ""


def _evidence(found: Match, told: Vulnerability, bill: Bill, locator: Locator) -> Iterator[Evidence]:
    wanted = f"{found.fixed} or newer" if found.fixed else ""
    yield Evidence(locator, f"{told.name} {told.version} ({told.purl})", wanted)
    for reason in found.reasons:
        yield Evidence(locator, f"{reason.feed} {reason.record}: {reason.name} {reason.versions} in {reason.channel}")
    if found.aliases:
        yield Evidence(locator, f"also known as {', '.join(found.aliases)}")
    if found.exploited is not None:
        yield Evidence(locator, f"known to be exploited since {found.exploited.added}")
    if found.likelihood is not None:
        yield Evidence(locator, f"EPSS {found.likelihood.score:.3f}, likelier than {found.likelihood.percentile:.0%}")
    if told.layer:
        of = f" (of {told.base})" if told.base else ""
        yield Evidence(locator, f"brought by layer {told.layer}{of}: {told.instruction}".removesuffix(": "))
    if bill.workloads:
        more = " …" if len(bill.workloads) > MAX_NAMED else ""
        yield Evidence(locator, f"runs as {', '.join(bill.workloads[:MAX_NAMED])}{more}")
