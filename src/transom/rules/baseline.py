"""Baselines: what was known at one time, so that a later scan reports only what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from transom.model.errors import TransomError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transom.model.findings import Finding

SCHEMA = "transom.baseline/1"
MAX_BASELINE_BYTES = 256 * 1024 * 1024  # a million known findings


class Known(msgspec.Struct, frozen=True, order=True):
    """One known finding: its fingerprint, and what a reader of the file wants to see beside it."""

    fingerprint: str
    rule: str
    ref: str
    witness: str = ""


class Baseline(msgspec.Struct, frozen=True):
    """The whole file."""

    schema: str
    known: list[Known]


def read_baseline(path: str) -> frozenset[str]:
    """Return the fingerprints that a baseline knows."""
    from pathlib import Path

    file = Path(path)
    try:
        if file.stat().st_size > MAX_BASELINE_BYTES:
            raise UsageError(f"cannot read the baseline {path}", "it is larger than 256 MiB", "write it again")
        baseline = msgspec.json.decode(file.read_bytes(), type=Baseline)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read the baseline {path}", reason, "make it with --write-baseline") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"cannot use the baseline {path}", str(error), "make it again with --write-baseline"
        ) from error
    if baseline.schema != SCHEMA:
        raise UsageError(
            f"cannot use the baseline {path}", f"its schema is {baseline.schema!r}, not {SCHEMA!r}", "make it again"
        )
    return frozenset(known.fingerprint for known in baseline.known)


def write_baseline(path: str, findings: Iterable[Finding]) -> int:
    """Write the findings as a baseline, in one stable order; return how many it knows."""
    known = sorted({Known(f.fingerprint, f.rule, str(f.ref), f.witness) for f in findings})
    from pathlib import Path

    text = msgspec.json.format(msgspec.json.encode(Baseline(SCHEMA, known)), indent=1) + b"\n"
    try:
        Path(path).write_bytes(text)
    except OSError as error:
        raise TransomError(
            f"cannot write the baseline {path}", error.strerror or str(error), "choose another file"
        ) from error
    return len(known)
