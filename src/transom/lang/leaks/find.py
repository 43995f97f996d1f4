"""Leaks in a text: keywords in one pass, then the regexes of the rules that these wake.

Followed: detect.go of gitleaks 8.28. Measured (make bench) with the 222 rules that gitleaks publishes, on one core: 50 to
90 MB/s of source text, 500 where no keyword stands; several times as much where Hyperscan tells where to look.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.lang.leaks.read import any_matches, compiled, set_of
from transom.lang.leaks.rules import Allowlist, LeakRule, LeakRules, Required

if TYPE_CHECKING:
    from transom.lang.leaks.prefilter import Prefilter, Regions

MAX_LEAKS = 10_000  # of one text: no honest one has as many, a hostile one would fill memory
SHORT_BYTES, FEW_TEXTS = 4_096, 100  # up to here looking for each keyword costs less than importing RE2 for one pass
LINE_BYTES = 10_000  # of a line, before and behind a leak: minified files have lines of megabytes
MAX_REACH_BYTES = 64 * 1024  # of a match whose expression sets no bound; the longest private keys take some 13 kB
MAX_RIVALS = 100  # leaks of one line that a generic one is compared with
ALLOWED = b"gitleaks:allow"
"""A remark in a line whose leaks are no leaks."""


class Leak(Struct, frozen=True):
    """One leak: where, by which rule; never what. Offsets count bytes of the text, ends are exclusive.

    start, end: of the match; secret_start, secret_end: of the secret in it. A rule about paths only gives zeros.
    allowed: a remark in its line says that it is none.
    """

    rule: LeakRule
    start: int = 0
    end: int = 0
    secret_start: int = 0
    secret_end: int = 0
    allowed: bool = False


class LeakFinder:
    """Rules made ready; regexes are compiled when their keywords are first met.

    prefilter: tells where the regexes may match, by their numbers among the rules; tells_allowed: whether leaks that a
    remark allows are found as well, marked as such.
    """

    def __init__(self, rules: LeakRules, prefilter: Prefilter | None = None, tells_allowed: bool = False) -> None:
        self.rules = rules
        self.prefilter = prefilter
        self._tells_allowed = tells_allowed
        self._of_paths = [rule for rule in rules.rules if not rule.regex]
        self._searched = [rule for rule in rules.rules if rule.regex]
        self._always = [rule for rule in rules.rules if not rule.keywords]
        self._by_keyword: dict[str, list[LeakRule]] = {}
        for rule in rules.rules:
            for keyword in rule.keywords:
                self._by_keyword.setdefault(keyword, []).append(rule)
        self._keywords = list(self._by_keyword)
        self._allowlists: dict[str, tuple[Sequence[Allowlist], Sequence[Allowlist]]] = {}
        self._short_texts = 0
        self._literals = [keyword.encode() for keyword in self._keywords]

    def find(self, text: bytes, path: str = "") -> list[Leak]:
        """Return the leaks of a text in their order, at most MAX_LEAKS; path: of the file that it is of."""
        if self.allows(path):
            return []
        regions = None if self.prefilter is None else self.prefilter.regions(text)
        return [*self.of_path(path), *self.look(text, path, regions)]

    def of_path(self, path: str) -> Iterator[Leak]:
        """Yield what rules about paths only say of a path."""
        named = path.encode("utf-8", "surrogateescape")
        if self._of_paths and self._paths.Match(named):
            yield from (leak for rule in self._of_paths for leak in self._of_rule(rule, b"", named, ()))

    def allows(self, path: str) -> bool:
        """Tell whether the rules leave a whole text out because of its path."""
        named = path.encode("utf-8", "surrogateescape")
        if not named or not self._paths.Match(named):
            return False
        return any(self._allows_path(each, named) for each in self.rules.allowlists if not each.rules)

    @cached_property
    def _paths(self) -> Any:
        """What tells in one step whether a path matters to allow-lists, or to rules about paths only."""
        lists = (each.paths for each in self.rules.allowlists if not each.rules)
        return set_of([*chain.from_iterable(lists), *(rule.path for rule in self._of_paths)])

    def paths_matter(self, paths: Sequence[str]) -> bool:
        """Tell whether a rule about paths only may say something of any of these; most batches of files are cleared at once."""
        if not self._of_paths:
            return False
        joined = "\n".join(paths).encode("utf-8", "surrogateescape")
        return self._of_any_path is None or self._of_any_path.search(joined) is not None

    @cached_property
    def _of_any_path(self) -> Any:
        """What matches a list of paths, a line each, where a rule may match one; None where anchors forbid that."""
        patterns = [rule.path for rule in self._of_paths]
        if not all(pattern.isascii() for pattern in patterns) or any("\\z" in each or "-" in each for each in patterns):
            return None
        return compiled(f"(?m){'|'.join(f'(?:{pattern})' for pattern in patterns)}")

    def look(self, text: bytes, path: str, regions: Mapping[int, Regions] | None) -> list[Leak]:
        """Return the leaks of a text; regions: what the prefilter tells of it, None where there is none."""
        if regions is not None and not regions and not self.untold:
            return []
        named = path.encode("utf-8", "surrogateescape")
        found: list[Leak] = []
        for rule, parts in self._woken(text) if regions is None else self._met_in(text, named, regions):
            for leak in self._of_rule(rule, text, named, parts):
                if len(found) == MAX_LEAKS:
                    break
                found.append(leak)
        kept = _without_doubles(_with_required(found, text), text)
        return sorted(kept, key=lambda leak: (leak.secret_start, leak.secret_end, leak.rule.id))

    def wakes(self, text: bytes) -> bool:
        """Tell whether any rule is to be tried on a text at all."""
        return bool(self._always or self._met(text.lower()))

    def _woken(self, text: bytes) -> Iterable[tuple[LeakRule, Regions]]:
        """Return the rules whose keywords stand in the text, each once, in the order of the file, and where to look."""
        woken = {rule.id for index in self._met(text.lower()) for rule in self._by_keyword[self._keywords[index]]}
        everywhere = [(0, len(text))]
        return ((rule, everywhere) for rule in self._searched if rule.id in woken or not rule.keywords)

    def _met_in(self, text: bytes, path: bytes, regions: Mapping[int, Regions]) -> Iterator[tuple[LeakRule, Regions]]:
        """Yield the rules that may match somewhere and whose keywords stand in the text, and where to look."""
        everywhere, words = [(0, len(text))], _Words(text)
        for number in self.untold | regions.keys() if self.untold else regions:
            if number >= len(self.rules.rules):
                continue
            rule = self.rules.rules[number]
            parts = regions.get(number, everywhere)
            if rule.path and not compiled(rule.path).search(path):
                continue
            if not rule.keywords or words.any_of(rule.keywords, parts[0]):
                if self.prefilter and number in self.prefilter.unbounded:
                    parts = list(widened(compiled(rule.regex), text, parts))
                yield rule, parts

    @cached_property
    def untold(self) -> frozenset[int]:
        """The numbers of the rules of which the prefilter cannot tell anything."""
        takes = self.prefilter.takes if self.prefilter else frozenset()
        return frozenset(number for number, rule in enumerate(self.rules.rules) if rule.regex) - takes

    def _met(self, text: bytes) -> Sequence[int]:
        """Return the numbers of the keywords that stand in a text in lower case."""
        if len(text) < SHORT_BYTES and self._short_texts < FEW_TEXTS:
            self._short_texts += 1
            return [number for number, literal in enumerate(self._literals) if literal in text]
        return self._set.Match(text) or ()

    @cached_property
    def _set(self) -> Any:
        """What tells in one pass which keywords stand in a text."""
        import re2

        return set_of([re2.escape(keyword) for keyword in self._keywords])

    def _of_rule(self, rule: LeakRule, text: bytes, path: bytes, regions: Regions) -> Iterator[Leak]:
        own, allowlists = self._allowlists_of(rule)
        if any(self._allows_path(each, path) for each in own):
            return
        if rule.path and not compiled(rule.path).search(path):
            return
        if not rule.regex:
            yield Leak(rule)
            return
        search = compiled(rule.regex).finditer
        for match in chain.from_iterable(search(text, *region) for region in regions):
            leak = _leak(rule, text, match)
            if leak is not None and self._counts(leak, text, path, allowlists):
                allowed = ALLOWED in _line(text, leak)
                if not allowed or self._tells_allowed:
                    yield replace(leak, allowed=True) if allowed else leak

    def _allowlists_of(self, rule: LeakRule) -> tuple[Sequence[Allowlist], Sequence[Allowlist]]:
        """Return the allowlists of a rule alone, and those with the ones of all rules."""
        known = self._allowlists.get(rule.id)
        if known is None:
            own = [*(each for each in self.rules.allowlists if rule.id in each.rules), *rule.allowlists]
            known = own, [*(each for each in self.rules.allowlists if not each.rules), *own]
            self._allowlists[rule.id] = known
        return known

    def _counts(self, leak: Leak, text: bytes, path: bytes, allowlists: Sequence[Allowlist]) -> bool:
        secret = text[leak.secret_start : leak.secret_end]
        if leak.rule.entropy and entropy(secret) <= leak.rule.entropy:
            return False
        if any(_lies_in_block(leak, text, each) for each in allowlists if each.blocks):
            return False
        targets = {"secret": secret, "match": text[leak.start : leak.end], "line": _line(text, leak)}
        return not any(self._allows(each, targets, path) for each in allowlists)

    def _allows(self, allowlist: Allowlist, targets: dict[str, bytes], path: bytes) -> bool:
        target, secret = targets[allowlist.target], targets["secret"].lower()
        by_regex = any_matches(allowlist.regexes, target)
        by_word = bool(allowlist.stopwords and _words(allowlist.stopwords).Match(secret))
        if not allowlist.every:
            return by_regex or by_word
        asked = [(allowlist.regexes, by_regex), (allowlist.stopwords, by_word)]
        asked.append((allowlist.paths, bool(allowlist.paths) and self._path_matches(allowlist, path)))
        return not allowlist.commits and all(holds for entries, holds in asked if entries)

    def _allows_path(self, allowlist: Allowlist, path: bytes) -> bool:
        """Tell whether an allowlist clears a whole text by its path."""
        alone = not allowlist.every or not (allowlist.regexes or allowlist.stopwords or allowlist.commits)
        return bool(path and allowlist.paths) and alone and self._path_matches(allowlist, path)

    def _path_matches(self, allowlist: Allowlist, path: bytes) -> bool:
        return any_matches(allowlist.paths, path)


def _lies_in_block(leak: Leak, text: bytes, allowlist: Allowlist) -> bool:
    """Tell whether a leak lies in a part of the text that an allowlist leaves out, begun at most MAX_REACH_BYTES before."""
    start = max(leak.start - MAX_REACH_BYTES, 0)
    end = min(leak.end + MAX_REACH_BYTES, len(text))
    matches = (match for each in allowlist.blocks for match in compiled(each).finditer(text, start, end))
    return any(match.start() <= leak.start and leak.end <= match.end() for match in matches)


@lru_cache(maxsize=1_000)
def _words(words: tuple[str, ...]) -> Any:
    """Return what tells in one pass whether a text has one of the words: the longest public list has 1,500."""
    import re2

    return set_of([re2.escape(word) for word in words])


def entropy(secret: bytes) -> float:
    """Return the Shannon entropy of a text, in bits for each character."""
    text = secret if secret.isascii() else secret.decode("utf-8", "replace")
    if not text:
        return 0.0
    told = sum(map(_weight, Counter(text).values()))
    return math.log2(len(text)) - told / len(text)


@lru_cache(maxsize=1_000)
def _weight(count: int) -> float:
    return count * math.log2(count)


class _Words:
    """Which keywords stand in a text: looked for where a rule matches first, and in all of the text but once."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._known: dict[str, bool] = {}

    @cached_property
    def _lowered(self) -> bytes:
        return self._text.lower()

    def any_of(self, keywords: Sequence[str], part: tuple[int, int]) -> bool:
        """Tell whether one of the keywords stands in the text; part: where it is likely to."""
        near = self._text[part[0] : part[1]].lower()
        return any(keyword.encode() in near for keyword in keywords) or any(map(self._stands, keywords))

    def _stands(self, keyword: str) -> bool:
        known = self._known.get(keyword)
        if known is None:
            known = self._known[keyword] = keyword.encode() in self._lowered
        return known


def _leak(rule: LeakRule, text: bytes, match: Any) -> Leak | None:
    """Return a match with its secret: the rule's group, else the first that is not empty, else all of it."""
    start, end = match.span()
    while start < end and text[start] == 10:
        start += 1
    while start < end and text[end - 1] == 10:
        end -= 1
    groups = [rule.group] if rule.group else range(1, len(match.groups()) + 1)
    spans = (match.span(group) for group in groups)
    secret = next((span for span in spans if span[0] < span[1]), (start, end))
    return Leak(rule, start, end, *secret) if secret[0] < secret[1] else None


def _line(text: bytes, leak: Leak) -> bytes:
    """Return the line of a leak, or the lines; of a long one what is near."""
    return text[_line_start(text, leak.start) : _line_end(text, leak.end)]


def _line_start(text: bytes, at: int) -> int:
    nearest = max(at - LINE_BYTES, 0)
    return max(text.rfind(b"\n", nearest, at) + 1, nearest)


def _line_end(text: bytes, at: int) -> int:
    end = text.find(b"\n", at, at + LINE_BYTES)
    return min(at + LINE_BYTES, len(text)) if end < 0 else end


def widened(regex: Any, text: bytes, regions: Regions, reach_bytes: int = MAX_REACH_BYTES) -> Iterator[tuple[int, int]]:
    """Yield parts of a text that reach back until a match is in them, at most so far: a private key is long."""
    last = 0
    for start, end in regions:
        start = max(start, last)
        while start > last and end - start < reach_bytes and not regex.search(text, start, end):
            start = max(end - 4 * (end - start), last)
        yield start, end
        last = end


def _with_required(found: Sequence[Leak], text: bytes) -> list[Leak]:
    """Return the leaks beside which stands what their rules require, without those of rules that only serve others."""
    if not any(leak.rule.required or leak.rule.silent for leak in found):
        return list(found)
    at: dict[str, list[tuple[int, int]]] = {}
    for leak in found:
        at.setdefault(leak.rule.id, []).append(_position(text, leak.start))

    def near(leak: Leak, required: Required) -> bool:
        line, column = _position(text, leak.start)
        return any(
            (required.lines < 0 or abs(line - other) <= required.lines)
            and (required.columns < 0 or abs(column - place) <= required.columns)
            for other, place in at.get(required.rule, ())[:MAX_RIVALS]
        )

    return [leak for leak in found if not leak.rule.silent and all(near(leak, each) for each in leak.rule.required)]


def _position(text: bytes, at: int) -> tuple[int, int]:
    """Return the line and the column of a place, both from 0, the column in bytes."""
    return text.count(b"\n", 0, at), at - text.rfind(b"\n", 0, at) - 1


def _without_doubles(found: Sequence[Leak], text: bytes) -> Iterator[Leak]:
    """Yield the leaks but those of generic rules whose secret another rule finds in the line where they begin."""
    special: dict[int, list[Leak]] = {}
    for leak in found:
        if not leak.rule.is_generic:
            special.setdefault(_line_start(text, leak.start), []).append(leak)
    for leak in found:
        secret = text[leak.secret_start : leak.secret_end]
        rivals = special.get(_line_start(text, leak.start), ()) if leak.rule.is_generic else ()
        if not any(secret in text[each.secret_start : each.secret_end] for each in rivals[:MAX_RIVALS]):
            yield leak
