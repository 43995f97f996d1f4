"""Ignore files of other scanners, taken as they stand for known vulnerabilities: .trivyignore, .trivyignore.yaml, .grype.yaml.

What a rule of theirs names holds here, and nothing wider: a rule of which some condition cannot be asked here accepts nothing
and is told. Entries about something else than vulnerabilities are left to `transom exceptions import`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from transom.advisories.purls import covers
from transom.model.errors import TransomError
from transom.model.findings import Finding, Skipped
from transom.model.language import mark
from transom.model.places import Locator
from transom.model.refs import file_ref
from transom.rules.waivers import MAX_WAIVERS, VULNERABLE, Waiver

MAX_IGNORE_BYTES = 4 * 1024 * 1024  # written by hand
STATES = {"fixed": "fixed", "not-fixed": "not-fixed", "wont-fix": "wont-fix", "unknown": "affected"}
KINDS = {
    "deb": "deb",
    "apk": "apk",
    "rpm": "rpm",
    "alpm": "alpm",
    "python": "pypi",
    "go-module": "golang",
    "npm": "npm",
    "java-archive": "maven",
    "gem": "gem",
    "rust-crate": "cargo",
    "php-composer": "composer",
    "dotnet": "nuget",
    "go": "golang",
    "java": "maven",
    "javascript": "npm",
    "ruby": "gem",
    "rust": "cargo",
    "php": "composer",
}
"""Types and languages of packages, as grype calls them, and of what purls call theirs."""

ASKED = frozenset(("vulnerability", "include-aliases", "reason", "fix-state", "package"))
ASKED_OF_PACKAGES = frozenset(("name", "version", "type", "language", "location", "upstream-name"))
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_VULNERABILITY = re.compile(r"(?:CVE|GHSA|PYSEC|GO|RUSTSEC|OSV|DSA|DLA|USN|RHSA|ALAS|GMS|TEMP|MAL|ELSA|SUSE)-.+", re.I)


class Ignored(Waiver, frozen=True, dict=True):
    """A rule of another scanner's file. purls: of which one must be the package's; paths: globs over its file.

    pattern, upstream: regular expressions over the whole name of the package and of its source package.
    """

    purls: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    pattern: str = ""
    upstream: str = ""
    kind_of_package: str = ""
    version: str = ""

    def fits(self, finding: Finding, labels_of: Callable[[Finding], dict[str, str]]) -> bool:
        """Tell whether it accepts a finding."""
        told = finding.vulnerability
        if told is None or not super().fits(finding, labels_of):
            return False
        return (
            (not self.kind_of_package or told.purl.startswith(f"pkg:{self.kind_of_package}/"))
            and (not self.version or self.version == told.version)
            and (not self.purls or any(covers(purl, told.purl) for purl in self.purls))
            and (not self.paths or any(_glob(path).fullmatch(finding.place.file) for path in self.paths))
            and all(
                pattern.fullmatch(name) for pattern, name in zip(self._patterns, (told.name, told.upgrade), strict=True)
            )
        )

    @cached_property
    def _patterns(self) -> tuple[Any, Any]:
        import re2  # Go's own syntax, and no pattern that takes for ever

        return re2.compile(self.pattern or ".*"), re2.compile(self.upstream or ".*")


def read_ignores(path: str) -> Iterator[Ignored | Skipped]:
    """Yield the rules of a file, and those that cannot be asked here; raises TransomError."""
    name = Path(path).name
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_IGNORE_BYTES + 1)
    except OSError as error:
        raise TransomError(f"cannot read {path}", error.strerror or str(error), "check the path") from error
    if len(content) > MAX_IGNORE_BYTES:
        raise TransomError(f"cannot read {path}", f"it is larger than {MAX_IGNORE_BYTES // 2**20} MiB", "split it")
    text = content.decode("utf-8", "replace")
    found = _yaml(text, path) if name.endswith((".yaml", ".yml")) else _lines(text, path)
    for count, each in enumerate(found):
        if count >= MAX_WAIVERS:
            raise TransomError(
                f"cannot use {path}", f"it has more than {MAX_WAIVERS:,} rules", "remove what is settled"
            )
        yield each


def _lines(text: str, path: str) -> Iterator[Ignored | Skipped]:
    for number, line in enumerate(text.splitlines(), 1):
        words, _, comment = line.partition("#")
        name, *more = words.split() or [""]
        if not _VULNERABILITY.fullmatch(name):
            continue  # rules about configurations and secrets, which other exceptions stand for
        until = next((word.removeprefix("exp:") for word in more if word.startswith("exp:")), "")
        yield _ignored(path, number, name, comment.strip(), until)


def _yaml(text: str, path: str) -> Iterator[Ignored | Skipped]:
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise TransomError(f"cannot use {path}", why, "mend its YAML") from error
    for key, read in (("vulnerabilities", _of_trivy), ("ignore", _of_grype)):
        entries = value.get(key) if isinstance(value, dict) else None
        for entry, line in zip(entries if isinstance(entries, list) else (), _places(root, key), strict=False):
            if isinstance(entry, dict):
                yield read(entry, path, line)


def _places(root: Any, key: str) -> list[int]:
    """Return the line of each entry of a list."""
    for name, value in getattr(root, "value", ()):
        if name.value == key:
            return [each.start_mark.line + 1 for each in value.value]
    return []


def _of_trivy(entry: dict[str, Any], path: str, line: int) -> Ignored | Skipped:
    until = entry.get("expired_at")
    return _ignored(
        path,
        line,
        str(entry.get("id", "")),
        str(entry.get("statement") or ""),
        until if isinstance(until, date) else str(until or ""),
        purls=tuple(map(str, entry.get("purls") or ())),
        paths=tuple(str(each).lstrip("/") for each in entry.get("paths") or ()),
    )


def _of_grype(entry: dict[str, Any], path: str, line: int) -> Ignored | Skipped:
    stated = entry.get("package")
    package: dict[str, Any] = stated if isinstance(stated, dict) else {}
    unknown = sorted({str(key) for key in entry if key not in ASKED and entry[key]})
    unknown += sorted({f"package.{key}" for key in package if key not in ASKED_OF_PACKAGES and package[key]})
    state, kind = str(entry.get("fix-state") or ""), str(package.get("type") or package.get("language") or "")
    if (state and state not in STATES) or (kind and kind not in KINDS):
        unknown.append(state if state not in STATES else kind)
    if unknown:
        return _unusable(path, line, mark("it asks for {}").format(", ".join(filter(None, unknown))))
    location = str(package.get("location") or "").lstrip("/")
    return _ignored(
        path,
        line,
        str(entry.get("vulnerability") or ""),
        str(entry.get("reason") or ""),
        "",
        state=STATES.get(state, ""),
        kind_of_package=KINDS.get(kind, ""),
        version=str(package.get("version") or ""),
        paths=(location,) if location else (),
        pattern=str(package.get("name") or ""),
        upstream=str(package.get("upstream-name") or ""),
    )


def _ignored(path: str, line: int, name: str, reason: str, until: str | date, **more: Any) -> Ignored | Skipped:
    expires = _date(until)
    if until and expires is None:
        return _unusable(path, line, mark("{!r} is no date").format(until))
    if not name and not any(more.values()):
        return _unusable(path, line, mark("it names no vulnerability"))
    made = Ignored(
        VULNERABLE,
        reason or f"ignored in {Path(path).name}",
        expires=expires,
        vulnerability=_literal(name),
        locator=Locator(path, line, 1),
        **more,
    )
    try:
        made._patterns  # noqa: B018 - a pattern that cannot be is told now
    except Exception as error:
        return _unusable(path, line, str(error))
    return made


def _date(value: str | date) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value[:10]) if _DATE.match(value) else None
    except ValueError:
        return None


def _literal(name: str) -> str:
    """Return an id as a glob that means nothing else."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in name)


@lru_cache(1024)
def _glob(pattern: str) -> re.Pattern[str]:
    """Return what a glob over paths means: `*` stays within a folder, `**` does not."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(words.get(each) or re.escape(each) for each in parts), re.DOTALL)


def _unusable(path: str, line: int, why: str) -> Skipped:
    reason = mark("a rule that ignores vulnerabilities accepts nothing here: {}").format(why)
    return Skipped(
        file_ref(path), reason, "write it as an exception in transom.yaml", VULNERABLE, Locator(path, line, 1)
    )
