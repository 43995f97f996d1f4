"""Known vulnerabilities of packages as findings: by whose word, whether there is a fix, and how likely it is to matter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from transom.advisories import Index, match
from transom.advisories.matching import asked
from transom.images.sbom.purl import purl
from transom.model.advisories import Match, State
from transom.model.findings import Evidence, Finding, Judged, Provenance, Result, Rule, Skipped
from transom.model.packages import Package
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity

VULNERABLE = Rule(
    "vulnerable-package",
    "Package with a known vulnerability",
    Severity.MEDIUM,
    "What is known to be vulnerable is tried first, by everybody: the way in is written down already.",
    "Upgrade the package to a version that has the fix, or build on a newer base; where there is none, take it out.",
    "images",
    {
        "zh-CN": {
            "title": "存在已知漏洞的软件包",
            "why": "已知的漏洞最先被人尝试利用：入侵的办法早已公开。",
            "fix": "把软件包升级到包含修复的版本，或改用更新的基础镜像；如果没有修复，就移除它。",
        }
    },
)
WORDS = {
    State.NOT_FIXED: "no fix yet",
    State.WONT_FIX: "its maintainers will not fix it",
    State.AFFECTED: "nothing is said of a fix",
    State.UNDER_INVESTIGATION: "its maintainers are looking into it",
    State.END_OF_LIFE: "nobody maintains it any more",
}
SUMMARY_CHARS = 200


def vulnerabilities(
    packages: Iterable[Package], distro: str, name: str, index: Index, wanted: Callable[[Match], bool] = lambda _: True
) -> Iterator[Result]:
    """Yield what an index says of packages: findings, what could not be judged, and how old each source is.

    name: of the image or bill that holds them. wanted: which matches are told.
    """
    held = list(packages)
    ref = Ref(scope="image", name=name)
    for feed in index.feeds:
        told = f"{feed.records:,} records, read on {feed.retrieved[:10]}"
        if feed.modified:
            told = f"{feed.records:,} records, the newest of {feed.modified[:10]}"
        yield Provenance(f"vulnerabilities: {feed.feed}", told)
    judged = sum(_is_judged(package, distro, index) for package in held)
    affected = set()
    for found in match(held, distro, index):
        if isinstance(found, Skipped):
            judged -= "/" in found.ref.name  # one package's; those of a channel without a feed are not among the judged
            yield found
        else:
            affected.add(found.package.identity)
            if wanted(found):
                yield finding_of(found, ref)
    if judged > 0:
        yield Judged(VULNERABLE.id, judged, max(0, judged - len(affected)))


def _is_judged(package: Package, distro: str, index: Index) -> bool:
    """Tell whether a source of the index speaks of packages like this one."""
    question = asked(package, distro)
    return question is not None and any(channel in index.channels for channel in question.channels)


def finding_of(found: Match, ref: Ref) -> Finding:
    """Return a match as a finding of the image; its witness is the vulnerability and the package, whatever the version."""
    package = found.package
    name = f"{package.namespace}/{package.name}" if package.namespace and not package.distro else package.name
    place = package.places[0] if package.places else None
    locator = Locator(place.path if place else ref.name, place.line if place else 0)
    title = f"{found.id} in {name} {package.version}"
    remedy = f"{found.fixed} has the fix" if found.fixed else WORDS.get(found.state, str(found.state))
    fix = f"Upgrade {name} to {found.fixed}." if found.fixed else VULNERABLE.fix
    return Finding(
        VULNERABLE.id,
        ref,
        found.severity if found.severity is not None else VULNERABLE.severity,
        ": ".join(filter(None, (f"{title}, {remedy}", found.summary[:SUMMARY_CHARS]))),
        tuple(_evidence(found, locator, name)),
        title=title,
        witness=f"{found.id} {package.kind}:{name}",
        fix=fix,
    )


def _evidence(found: Match, locator: Locator, name: str) -> Iterator[Evidence]:
    wanted = f"{found.fixed} or newer" if found.fixed else ""
    yield Evidence(locator, f"{name} {found.package.version} ({purl(found.package)})", wanted)
    for reason in found.reasons:
        yield Evidence(locator, f"{reason.feed} {reason.record}: {reason.name} {reason.versions} in {reason.channel}")
    if found.exploited is not None:
        yield Evidence(locator, f"known to be exploited since {found.exploited.added}")
    if found.likelihood is not None:
        yield Evidence(locator, f"EPSS {found.likelihood.score:.3f}, likelier than {found.likelihood.percentile:.0%}")
