"""Reports of gitleaks as baselines: what they name is known, by value where they tell it, else by rule, file and line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec
from msgspec import Struct

from transom.lang.leaks.stream import Searcher
from transom.model.errors import UsageError
from transom.model.findings import Finding

MAX_REPORT_BYTES = 256 * 1024 * 1024  # a million known findings
HIDDEN = frozenset(("", "REDACTED"))  # what a report of gitleaks --redact has in the place of a value


class _Known(Struct, frozen=True, rename={"rule": "RuleID", "file": "File", "line": "StartLine", "secret": "Secret"}):
    """One finding of a report of gitleaks; what else it tells is left out."""

    rule: str = ""
    file: str = ""
    line: int = 0
    secret: str = ""


def is_report(path: str) -> bool:
    """Tell whether a file is a report of gitleaks: a JSON list, where a baseline of ours is a map."""
    try:
        with Path(path).open("rb") as stream:
            return stream.read(64).lstrip().startswith(b"[")
    except OSError:
        return False


def known_to(path: str, findings: Iterable[Finding], searcher: Searcher) -> frozenset[str]:
    """Return the fingerprints of the findings that a report of gitleaks names; raises UsageError for one that is none.

    A value is known in its file by whatever rule it is found, at whatever line it stands now.
    """
    values, places = set(), set()
    for known in _read(path):
        file = _plain(known.file)
        if known.secret not in HIDDEN:
            secret = known.secret.encode("utf-8", "surrogatepass")
            values.add((file, f"{searcher.tag(secret)}/{len(secret)}"))
        places.add((file, known.rule, known.line))
    return frozenset(
        finding.fingerprint
        for finding in findings
        if (_plain(finding.place.file), finding.witness) in values
        or (_plain(finding.place.file), finding.rule, finding.place.line) in places
    )


def _read(path: str) -> list[_Known]:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(MAX_REPORT_BYTES + 1)
        if len(content) > MAX_REPORT_BYTES:
            raise UsageError(f"cannot read the baseline {path}", "it is larger than 256 MiB", "write it again")
        return msgspec.json.decode(content, type=list[_Known])
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read the baseline {path}", reason, "name a report of gitleaks") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        step = "make it again with gitleaks --report-format json"
        raise UsageError(f"cannot use the baseline {path}", str(error), step) from error


def _plain(file: str) -> str:
    return str(PurePosixPath(file.replace("\\", "/")))
