"""Drift for machines: one shape for JSON and JSONL, every key always there; a field that is not set is null."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec

from transom.model.drift import ChangedObject, FieldChange, PresentObject, Repeated
from transom.model.places import Locator
from transom.report.drift.summary import SCHEMA, DriftReport
from transom.report.encode import indented, write_list
from transom.report.options import ReportOptions
from transom.report.records import accepted_record, clean, finding_record, ref_record, skipped_record, tool_record


def records(report: DriftReport) -> Iterator[dict[str, Any]]:
    """Yield every record, the summary last; `type` and `state` tell what each is."""
    objects = report.objects
    for state, present in (("added", objects.added), ("removed", objects.removed), ("unseen", objects.unseen)):
        yield from (_present(each, state) for each in present)
    yield from map(_changed, objects.changed)
    yield from map(_repeated, objects.repeated)
    for new in report.new:
        yield _finding(report, "new", finding_record(new.finding, report.after), new.why)
    for gone in report.gone:
        yield _finding(report, "gone", finding_record(gone, report.before), "")
    for unjudged in report.unjudged:
        yield _finding(report, "unjudged", finding_record(unjudged.finding, report.before), unjudged.why)
    for accepted in report.accepted:
        yield accepted_record(accepted, report.after) | {"schema": SCHEMA, "state": "accepted"}
    for rule in report.rules_unjudged:
        yield {"type": "rule", "schema": SCHEMA, "state": "unjudged", "rule": clean(rule)}
    for side, of in (("before", report.before), ("after", report.after)):
        yield from (skipped_record(each) | {"schema": SCHEMA, "side": side} for each in of.skipped)
    yield summary(report)


def summary(report: DriftReport) -> dict[str, Any]:
    """Return the counts of a whole report."""
    objects = report.objects
    return {
        "type": "summary",
        "schema": SCHEMA,
        "tool": tool_record(report.after),
        "before": [clean(target) for target in report.before.targets],
        "after": [clean(target) for target in report.after.targets],
        "objects": {
            "added": len(objects.added),
            "removed": len(objects.removed),
            "unseen": len(objects.unseen),
            "changed": len(objects.changed),
            "changed_where_it_may_matter": report.changed,
            "same": objects.same,
            "repeated": len(objects.repeated),
            "derived": objects.derived,
        },
        "findings": {
            "new": len(report.new),
            "new_at_threshold": report.at_threshold,
            "gone": len(report.gone),
            "unjudged": len(report.unjudged),
            "accepted": len(report.accepted),
            "still": report.still,
        },
        "rules_unjudged": [clean(rule) for rule in report.rules_unjudged],
        "threshold": report.after.threshold.label,
        "skipped": {"before": len(report.before.skipped), "after": len(report.after.skipped)},
        "complete": report.complete,
        "exit_code": int(report.exit_code),
    }


def write_lines(report: DriftReport, stream: BinaryIO, _: ReportOptions) -> None:
    """Write one record a line."""
    encode = msgspec.json.Encoder().encode
    for record in records(report):
        stream.write(encode(record) + b"\n")


def write_document(report: DriftReport, stream: BinaryIO, _: ReportOptions) -> None:
    """Write one object: schema, summary, then the records in one list."""
    stream.write(b'{\n "schema": ' + indented(SCHEMA, 1))
    stream.write(b',\n "summary": ' + indented(summary(report), 1))
    stream.write(b',\n "records": ')
    write_list(stream, (record for record in records(report) if record["type"] != "summary"), 1)
    stream.write(b"\n}\n")


def _finding(report: DriftReport, state: str, record: dict[str, Any], why: str) -> dict[str, Any]:
    return record | {"schema": SCHEMA, "state": state, "why": clean(why)}


def _present(present: PresentObject, state: str) -> dict[str, Any]:
    return {
        "type": "object",
        "schema": SCHEMA,
        "state": state,
        "ref": ref_record(present.ref),
        "at": _place(present.at),
        "why": clean(present.why),
    }


def _changed(changed: ChangedObject) -> dict[str, Any]:
    return {
        "type": "object",
        "schema": SCHEMA,
        "state": "changed",
        "ref": ref_record(changed.ref),
        "before_at": _place(changed.before_at),
        "after_at": _place(changed.after_at),
        "security": changed.matters,
        "fields": [_field(field) for field in changed.fields],
    }


def _field(field: FieldChange) -> dict[str, Any]:
    return {
        "path": clean(field.path),
        "before": None if field.before is None else clean(field.before),
        "after": None if field.after is None else clean(field.after),
        "before_at": _place(field.before_at),
        "after_at": _place(field.after_at),
        "security": field.security,
    }


def _repeated(repeated: Repeated) -> dict[str, Any]:
    return {
        "type": "object",
        "schema": SCHEMA,
        "state": "repeated",
        "ref": ref_record(repeated.ref),
        "side": repeated.side,
        "at": [_place(place) for place in repeated.at],
    }


def _place(place: Locator) -> dict[str, Any]:
    return {"file": clean(place.file), "line": place.line, "column": place.column, "path": clean(place.path)}
