"""One audit event as an API server writes it (audit.k8s.io/v1), and as clouds wrap it; only what is read is decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from transom.kube.authorizer import implied

MAX_WRAPPED = 100_000  # events in one wrapping: an API server batches at most 400, exports hold some thousand
MAX_WRAPS = 3  # a wrapping within a wrapping within a wrapping is as far as any cloud goes
DECISION = "authorization.k8s.io/decision"
REASON = "authorization.k8s.io/reason"
_GKE = "io.k8s."
OF_NAMESPACES = ("finalize", "status")  # subresources of a Namespace, whose requests are in the namespace itself


class _User(Struct, rename="camel"):
    username: str = ""
    groups: list[str] | None = None
    uid: str = ""
    extra: dict[str, list[str]] | None = None


class _ObjectRef(Struct, rename={"api_group": "apiGroup"}):
    resource: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_group: str = ""
    subresource: str = ""


class _Status(Struct):
    code: int = 0


class _Authentication(Struct, rename={"constraint": "impersonationConstraint"}):
    constraint: str = ""


class AuditRecord(
    Struct, rename={"audit_id": "auditID", "request_uri": "requestURI", "source_ips": "sourceIPs"} | {
        "impersonated_user": "impersonatedUser",
        "authentication": "authenticationMetadata",
        "user_agent": "userAgent",
        "object_ref": "objectRef",
        "response_status": "responseStatus",
        "received": "requestReceivedTimestamp",
        "staged": "stageTimestamp",
    }
):  # fmt: skip
    """An event of audit.k8s.io/v1; field names are Kubernetes', times have zones."""

    kind: str = ""
    level: str = ""
    audit_id: str = ""
    stage: str = ""
    request_uri: str = ""
    verb: str = ""
    user: _User = msgspec.field(default_factory=_User)
    impersonated_user: _User | None = None
    authentication: _Authentication | None = None
    source_ips: list[str] | None = None
    user_agent: str = ""
    object_ref: _ObjectRef | None = None
    response_status: _Status | None = None
    received: datetime | None = None
    staged: datetime | None = None
    annotations: dict[str, str] | None = None


class UnreadableError(ValueError):
    """Text that is no audit event, in no wrapping that is known."""


_decode = msgspec.json.Decoder(AuditRecord).decode
_decode_any = msgspec.json.Decoder().decode


def records(line: bytes) -> Iterator[AuditRecord]:
    """Yield the events of one line, or of a whole document; raises UnreadableError.

    Taken are an event, an EventList, CloudWatch exports of EKS (`{"message": …}`, `{"logEvents": …}`, or a time before
    the JSON), AKS diagnostics (`{"records": …}`, `{"properties": {"log": …}}`) and Google's log entries
    (`protoPayload`), which lose groups, annotations and often the status.
    """
    try:
        found = _decode(line)
    except msgspec.DecodeError:
        found = None
    if found is not None and found.kind == "Event":
        yield found
        return
    start = line.find(b"{")
    try:
        value = _decode_any(line[start:] if start > 0 else line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadableError(str(error)) from error
    yield from _unwrapped(value, 0)


def _unwrapped(value: Any, depth: int) -> Iterator[AuditRecord]:
    if depth > MAX_WRAPS or not isinstance(value, dict):
        raise UnreadableError("it is no audit event")
    if value.get("kind") == "Event":
        try:
            yield msgspec.convert(value, AuditRecord)
        except msgspec.ValidationError as error:
            raise UnreadableError(str(error)) from error
    elif isinstance(value.get("protoPayload"), dict):
        yield _of_google(value)
    else:
        for inner in _inner(value)[:MAX_WRAPPED]:
            yield from _unwrapped(_parsed(inner), depth + 1)


def _inner(value: Mapping[str, Any]) -> list[Any]:
    for field in ("items", "logEvents", "records", "events"):
        if isinstance(value.get(field), list):
            return list(value[field])
    if "message" in value:
        return [value["message"]]
    properties = value.get("properties")
    if isinstance(properties, dict) and "log" in properties:
        return [properties["log"]]
    raise UnreadableError("it is no audit event")


def _parsed(inner: Any) -> Any:
    if not isinstance(inner, str):
        return inner
    try:
        return _decode_any(inner.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


def _of_google(entry: Mapping[str, Any]) -> AuditRecord:
    """Return what a Google log entry tells; what it does not tell stays empty, and a missing status unknown.

    Its method is `io.k8s.GROUP….VERSION.RESOURCE[.SUBRESOURCE].VERB`, its resource `GROUP/VERSION[/namespaces/NS]/
    RESOURCE[/NAME[/SUBRESOURCE]]`, where the core group is called `core`.
    """
    payload = entry["protoPayload"]
    method, path = str(payload.get("methodName", "")), str(payload.get("resourceName", ""))
    if not method.startswith(_GKE):
        raise UnreadableError("it is no request to a Kubernetes API")
    who = payload.get("authenticationInfo")
    name = str(who.get("principalEmail", "")) if isinstance(who, dict) else ""
    return AuditRecord(
        kind="Event",
        level="Metadata",
        audit_id=str(entry.get("insertId", "")),
        stage="ResponseComplete",
        verb=method.rpartition(".")[2],
        user=_User(
            name, list(implied(name).groups) if name else None
        ),  # those that Kubernetes gives by itself; others stay unknown
        object_ref=_google_object(path),
        response_status=_google_status(payload),
        received=_time(entry.get("timestamp")),
        annotations=_google_decision(payload),
    )


def _google_object(path: str) -> _ObjectRef:
    group, _, rest = path.partition("/")
    parts = rest.split("/")[1:]  # without the version
    namespace = parts[1] if len(parts) > 1 and parts[0] == "namespaces" else ""
    parts = parts[2:] if len(parts) > 2 and namespace and parts[2] not in OF_NAMESPACES else parts
    resource, name, subresource = (*parts, "", "", "")[:3]
    return _ObjectRef(resource, namespace, name, "", "" if group == "core" else group, subresource)


def _google_status(payload: Mapping[str, Any]) -> _Status | None:
    status = payload.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    return _Status(code) if isinstance(code, int) and code >= 100 else None


def _google_decision(payload: Mapping[str, Any]) -> dict[str, str] | None:
    checks = payload.get("authorizationInfo")
    granted = [each.get("granted") for each in checks if isinstance(each, dict)] if isinstance(checks, list) else []
    if not granted:
        return None
    return {DECISION: "allow" if all(each is True for each in granted) else "forbid"}


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
