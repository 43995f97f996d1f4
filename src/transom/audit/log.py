"""Audit logs as a stream of events: files, rotated and gzipped ones, folders of them, standard input."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import BinaryIO
from urllib.parse import unquote

from transom.audit.records import DECISION, REASON, AuditRecord, UnreadableError, records
from transom.kube.resources import Resources
from transom.model.events import Action, Actor, Event, Outcome
from transom.model.findings import Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref

MAX_LINE_BYTES = 64 * 1024 * 1024  # an EventList of 400 events with bodies of 100 kB each
MAX_KEPT = 1_000_000  # of each: actors, objects, requests under way; what is beyond is made anew or counted twice
GZIP_MAGIC = b"\x1f\x8b"
SHOWN_OF_ONE_FILE = 3  # lines that are no events; a file of something else has nothing but these
IMPERSONATE = "impersonate:"
FINAL_STAGES = ("ResponseComplete", "ResponseStarted", "Panic")


class AuditLog:
    """Reads events, each request once, and keeps what repeats as one object.

    resources: to name the kinds of objects; cluster: which one the logs are of.
    """

    def __init__(self, resources: Resources | None = None, cluster: str = "") -> None:
        self._kinds = {(each.group, each.name): each.kind for each in (resources or Resources()).all}
        self._cluster = cluster
        self._actors: dict[tuple[str, ...], Actor] = {}
        self._actions: dict[tuple[str, str, str, str, str | None], Action] = {}
        self._refs: dict[tuple[str, str, str, str], Ref] = {}
        self._started: set[str] = set()

    def read(self, paths: Sequence[str]) -> Iterator[Event | Skipped]:
        """Yield the events of files, folders or `-`; a Skipped for what cannot be read."""
        for path in paths:
            yield from self._of_path(path)

    def _of_path(self, path: str) -> Iterator[Event | Skipped]:
        if path == "-":
            yield from self.of_stream(sys.stdin.buffer, "-")
            return
        try:
            files = _files(path)
        except OSError as error:
            files = []
            yield _unread(path, f"cannot be read: {error.strerror or error}", "check the path")
        for file in files:
            try:
                with open(file, "rb") as stream:  # noqa: PTH123 - the path is text everywhere else
                    yield from self.of_stream(stream, file)
            except OSError as error:
                yield _unread(file, f"cannot be read: {error.strerror or error}", "make it readable")

    def of_stream(self, stream: BinaryIO, file: str) -> Iterator[Event | Skipped]:
        """Yield the events of one stream, gzipped or not."""
        foreign = 0
        for number, line in _lines(stream, file):
            if isinstance(line, Skipped):
                yield line
                continue
            try:
                for record in records(line):
                    event = self._event(record, line)
                    if event is not None:
                        yield event
            except UnreadableError as error:
                foreign += 1
                if foreign <= SHOWN_OF_ONE_FILE:
                    yield _foreign(file, number, line, str(error))
        if foreign > SHOWN_OF_ONE_FILE:
            yield _unread(file, f"{foreign:,} of its lines are no audit events", "name audit logs only")

    def _event(self, record: AuditRecord, line: bytes) -> Event | None:
        """Return the event that a record tells; None for a stage that decides nothing, and for what was told before."""
        if record.stage not in FINAL_STAGES or self._was_started(record):
            return None
        target = record.object_ref
        actor = self._actor(record.user.username, record.user.groups or ())
        if record.impersonated_user:
            actor = _impersonated(record, actor)
        annotations = record.annotations or {}
        status = record.response_status
        code = status.code if status else 0
        when = record.received or record.staged
        path = None if target else unquote(record.request_uri.partition("?")[0])
        return Event(
            id=record.audit_id,
            time_s=when.timestamp() if when else 0.0,
            actor=actor,
            action=self._action(
                record.verb,
                target.api_group if target else "",
                target.resource if target else "",
                target.subresource if target else "",
                path,
            ),
            object=self._ref(target.api_group, target.resource, target.namespace, target.name) if target else _NOTHING,
            outcome=_outcome(annotations.get(DECISION, ""), code),
            uid=target.uid if target else "",
            code=code,
            reason=annotations.get(REASON, ""),
            addresses=tuple(record.source_ips or ()),
            agent=record.user_agent,
            cluster=self._cluster,
            raw=line,
        )

    def _was_started(self, record: AuditRecord) -> bool:
        """Tell whether the start of the same long-running request was told: its end is no second request."""
        if record.stage == "ResponseStarted":
            if len(self._started) < MAX_KEPT:
                self._started.add(record.audit_id)
            return False
        if record.audit_id in self._started:
            self._started.discard(record.audit_id)
            return True
        return False

    def _actor(self, name: str, groups: Sequence[str]) -> Actor:
        key = (name, *groups)
        found = self._actors.get(key)
        if found is None:
            found = Actor(name, tuple(groups))
            if len(self._actors) < MAX_KEPT:
                self._actors[key] = found
        return found

    def _action(self, verb: str, group: str, resource: str, subresource: str, path: str | None) -> Action:
        key = (verb, group, resource, subresource, path)
        found = self._actions.get(key)
        if found is None:
            found = Action(verb, group, resource, subresource, path)
            if len(self._actions) < MAX_KEPT:
                self._actions[key] = found
        return found

    def _ref(self, group: str, resource: str, namespace: str, name: str) -> Ref:
        key = (group, resource, namespace, name)
        found = self._refs.get(key)
        if found is None:
            kind = self._kinds.get((group, resource), resource)
            found = Ref(cluster=self._cluster, group=group, kind=kind, namespace=namespace, name=name)
            if len(self._refs) < MAX_KEPT:
                self._refs[key] = found
        return found


_NOTHING = Ref()


def _impersonated(record: AuditRecord, by: Actor) -> Actor:
    """Return in whose name a request was made, and by which form of impersonation."""
    wanted = record.impersonated_user
    assert wanted is not None
    extra = tuple((key, value) for key, values in (wanted.extra or {}).items() for value in values)
    constraint = record.authentication.constraint if record.authentication else ""
    return Actor(
        wanted.username, tuple(wanted.groups or ()), by, wanted.uid, extra, constraint.removeprefix(IMPERSONATE)
    )


def _outcome(decision: str, code: int) -> Outcome:
    """Return what the authorizer said. Without its word a refusal (401, 403) may be anybody's, and anything else passed."""
    if decision:
        return "allowed" if decision == "allow" else "denied"
    if not code:
        return "unknown"
    return "denied" if code in (401, 403) else "allowed"


def _files(path: str) -> list[str]:
    """Return a file, or the files of a folder, the oldest first."""
    if not os.path.isdir(path):  # noqa: PTH112 - as above
        os.stat(path)  # noqa: PTH116 - says why it cannot be read
        return [path]
    with os.scandir(path) as entries:
        found = [entry for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    return [entry.path for entry in sorted(found, key=lambda each: (each.stat().st_mtime, each.name))]


def _lines(stream: BinaryIO, file: str) -> Iterator[tuple[int, bytes | Skipped]]:
    """Yield number and content of each line that is not blank, and a Skipped where a stream ends too early."""
    number = 0
    try:
        for number, line in enumerate(_plain(stream), 1):
            if len(line) > MAX_LINE_BYTES:
                reason = (
                    f"line {number} is longer than {MAX_LINE_BYTES // 2**20} MiB, so it and what follows was not read"
                )
                yield number, _unread(file, reason, "split it into events")
                return
            if line.strip():
                yield number, line
    except (OSError, EOFError, zlib.error) as error:
        reason = f"it breaks off after line {number}: {error}"
        yield number, _unread(file, reason, "fetch it again; what was read before counts")


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    head = stream.peek(2)[:2] if hasattr(stream, "peek") else b""
    opened = gzip.GzipFile(fileobj=stream) if head == GZIP_MAGIC else stream
    while line := opened.readline(MAX_LINE_BYTES + 1):
        yield line


def _foreign(file: str, number: int, line: bytes, why: str) -> Skipped:
    cut = not line.endswith(b"\n") and line.lstrip()[:1] == b"{"
    reason = "its last line is cut off" if cut else f"line {number} is no audit event: {why}"
    step = "it is still being written, or was cut; the rest counts" if cut else "name audit logs only"
    return Skipped(file_ref(file), reason, step, locator=Locator(file, number, 1))


def _unread(file: str, reason: str, next_step: str) -> Skipped:
    return Skipped(file_ref(file), reason, next_step, locator=Locator(file))
