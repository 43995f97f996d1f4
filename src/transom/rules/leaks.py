"""What finds credentials for the checks of all windows: Transom's own rules, or those of a file that a person names."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from transom.model.findings import Evidence, Finding, Provenance, Rule
from transom.model.language import mark
from transom.model.places import Locator
from transom.model.severity import Severity
from transom.rules.cache import cached_leak_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transom.lang.leaks.find import LeakFinder
    from transom.lang.leaks.prefilter import Kept, Prefilter
    from transom.lang.leaks.rules import LeakRule, LeakRules
    from transom.lang.leaks.stream import Found, Searcher
    from transom.model.refs import Ref

OWN_RULES = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "secrets", "credentials.toml")
PARAMETER = "secret-rules"
"""The parameter of checks that names another file of rules."""

MAX_VALUE_CHARS = 1_000_000  # of one value: a ConfigMap holds 1 MiB
TOLD = mark("{} (hidden)")

KEY_VARIABLE = "TRANSOM_SECRETS_KEY"
"""The variable with the key of the hashes that stand for values; with one they are long enough to compare over files."""

TAG_BYTES = 8  # of a hash under a person's own key
ALLOWED_BY_REMARK = "a remark in its line says so: gitleaks:allow"
MAX_PLACES = 20  # of one value in one file, shown as evidence
FIX = mark(
    "Revoke the credential, then keep the new one in a Secret or a vault; taking it out of the file does not undo it."
)
WHY = mark("Whoever reads the file, its history or a copy of it holds the credential.")
SEVERITIES = {
    "proven": Severity.CRITICAL,
    "likely": Severity.HIGH,
    "elsewhere": Severity.LOW,
    "doubtful": Severity.INFO,
}
"""How bad a leak is, by how sure it is that it is one."""


@lru_cache(maxsize=8)
def finder(rules: str = "") -> LeakFinder:
    """Return what finds credentials by the rules of a file, "" for Transom's own; raises UsageError."""
    from transom.lang.leaks.find import LeakFinder

    return LeakFinder(_named(rules) if rules else cached_leak_rules(OWN_RULES, _own))


def _named(file: str) -> LeakRules:
    if file.endswith((".yaml", ".yml")):
        from transom.rules.leaks_of_trivy import read_trivy_rules

        return read_trivy_rules(file, OWN_RULES)
    from transom.lang.leaks.read import read_rules

    return read_rules(file, OWN_RULES)


def _own() -> LeakRules:
    from transom.lang.leaks.read import read_rules

    return read_rules(OWN_RULES, checked=False)  # the tests hold them to be sound


def face(rule: LeakRule) -> Rule:
    """Return the face of a rule about leaks, as reports show it."""
    return Rule(rule.id, rule.description or rule.id, Severity.HIGH, WHY, FIX, "secrets")


def leak_finding(ref: Ref, file: str, places: Sequence[Found], seen: str = "") -> Finding:
    """Return the finding of one value that leaks at these places of a file; seen: what else is known of it."""
    first = places[0]
    told = ", ".join(filter(None, (told_of(first), seen)))
    evidence = [
        Evidence(Locator(file, each.line, each.column, each.start, each.end), told) for each in places[:MAX_PLACES]
    ]
    return finding_of_value(ref, first, tuple(evidence))


def finding_of_value(ref: Ref, found: Found, evidence: tuple[Evidence, ...], more: str = "") -> Finding:
    """Return the finding of one value by the surest of its places; more: what is to be said of it beside the reason."""
    what = found.rule.description.rstrip(".") or found.rule.id
    message = ": ".join(filter(None, (what, "; ".join(filter(None, (found.reason, more))))))
    witness = f"{found.tag}/{found.length}" if found.tag else ""
    return Finding(found.rule.id, ref, severity_of(found), message, evidence, message, witness, fix=FIX)


def severity_of(found: Found) -> Severity:
    """Return how bad a leak is, by how sure it is that it is one."""
    severity = SEVERITIES[found.certainty]
    if severity == Severity.HIGH and "generic" in found.rule.id:
        return Severity.MEDIUM  # a name and a value that looks random, no more
    return severity


def told_of(found: Found) -> str:
    """Return what may be said of a value: its length, the hash that stands for it, and what it was wrapped in."""
    if not found.length:
        return ""
    wrapped = "".join(f", in {encoding}" for encoding in found.encodings)
    told = f"{found.length} bytes #{found.tag}{wrapped}"
    return TOLD.format(told)


@lru_cache(maxsize=8)
def searcher(rules: str = "") -> Searcher:
    """Return what looks through whole files by the rules of a file, "" for Transom's own; raises UsageError."""
    from transom.lang.leaks.find import LeakFinder
    from transom.lang.leaks.stream import Searcher

    read = finder(rules).rules
    made = LeakFinder(read, _prefilter(read), tells_allowed=True)
    key = os.environ.get(KEY_VARIABLE, "").encode("utf-8", "surrogateescape")
    return Searcher(made, key, TAG_BYTES) if key else Searcher(made)


def slowness(searcher: Searcher, target: str) -> Iterator[Provenance]:
    """Yield that a target takes longer than it could, where Hyperscan is not installed; the same is found."""
    if searcher.finder.prefilter is None:
        yield Provenance(target, "credentials without Hyperscan, seven times slower: pip install 'transom[leaks]'")


def _prefilter(rules: LeakRules) -> Prefilter | None:
    """Return what tells where to look; None where Hyperscan is not installed."""
    from importlib.util import find_spec

    if find_spec("hyperscan") is None:
        return None
    from transom.lang.leaks.encoded import ALPHABETS, PATTERNS
    from transom.lang.leaks.prefilter import Hints, Prefilter

    alphabets = dict(enumerate(ALPHABETS.values(), len(rules.rules)))
    hints = Hints(alphabets, {number: rule.keywords for number, rule in enumerate(rules.rules)})
    return Prefilter([*(rule.regex for rule in rules.rules), *PATTERNS.values()], _kept(), hints)


def _kept() -> Kept | None:
    """Return where compiled sets are kept: beside the compiled rules, and as safe."""
    from transom.lang.leaks.prefilter import Kept
    from transom.rules.cache import PREFIX, read_kept, write_kept
    from transom.rules.folder import cache_folder

    folder = cache_folder()
    if folder is None:
        return None
    return Kept(
        lambda key: read_kept(f"{folder}/{PREFIX}leaks-{key}.bin"),
        lambda key, content: write_kept(f"{folder}/{PREFIX}leaks-{key}.bin", content),
    )
