"""Kubernetes' named formats: each tells what is wrong with a text, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import NONE, Optional

MAX_FORMAT_CHARS = 1_000_000  # longer ones are refused without a look

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LABEL_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}\Z")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\Z")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class NamedFormat:
    """A format by its name."""

    __slots__ = ("name",)
    cel_type = "kubernetes.NamedFormat"

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamedFormat) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)


def _shaped(pattern: re.Pattern[str], longest: int, what: str, prefix: bool = False) -> Callable[[str], list[str]]:
    def problems(text: str) -> list[str]:
        # The end of a generated name follows the dash, so what stands before the dash counts for little.
        looked_at = text[:-2] + "a" if prefix and len(text) > 1 and text.endswith("-") else text
        found = [f"must be no more than {longest} characters"] if len(text) > longest else []
        return found if pattern.match(looked_at) else [*found, f"must be {what}"]

    return problems


def _qualified(text: str) -> list[str]:
    prefix, slash, name = text.rpartition("/")
    found: list[str] = []
    if slash and "/" in prefix:
        return ["a qualified name must have at most one '/'"]
    if slash and not prefix:
        found.append("prefix part must be non-empty")
    elif slash and (len(prefix) > 253 or not _SUBDOMAIN.match(prefix)):
        found.append("prefix part must be a lowercase DNS subdomain of at most 253 characters")
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 characters")
    if not _NAME.match(name):
        found.append("name part must consist of alphanumeric characters, '-', '_' or '.', and start and end with one")
    return found


def _label_value(text: str) -> list[str]:
    found = ["must be no more than 63 characters"] if len(text) > 63 else []
    return found if not text or _NAME.match(text) else [*found, "must be a valid label value"]


def _uri(text: str) -> list[str]:
    from transom.lang.cel.library.urls import isURL_

    return [] if isURL_(text) else ["is not a valid URI"]


def _uuid(text: str) -> list[str]:
    return [] if _UUID.match(text) else ["does not match the UUID format"]


def _byte(text: str) -> list[str]:
    return [] if text and _BASE64.match(text) else ["invalid base64"]


def _date(text: str) -> list[str]:
    from datetime import date

    try:
        return [] if _DATE.match(text) and date.fromisoformat(text) else ["invalid date"]
    except ValueError:
        return ["invalid date"]


def _datetime(text: str) -> list[str]:
    day, _, time = text.lower().partition("t")
    match = _TIME.match(time.partition("t")[0])
    in_range = match and match[1] <= "23" and match[2] <= "59" and match[3] <= "59"
    return [] if in_range and not _date(day) else ["invalid datetime"]


_A_LABEL = "lowercase alphanumeric characters or '-', starting and ending with an alphanumeric character"
_A_SUBDOMAIN = "lowercase alphanumeric characters, '-' or '.', starting and ending with an alphanumeric character"
_A_1035 = "lowercase alphanumeric characters or '-', starting with a letter and ending with an alphanumeric character"
FORMATS: dict[str, Callable[[str], list[str]]] = {
    "dns1123Label": _shaped(_LABEL, 63, _A_LABEL),
    "dns1123Subdomain": _shaped(_SUBDOMAIN, 253, _A_SUBDOMAIN),
    "dns1035Label": _shaped(_LABEL_1035, 63, _A_1035),
    "dns1123LabelPrefix": _shaped(_LABEL, 63, _A_LABEL, prefix=True),
    "dns1123SubdomainPrefix": _shaped(_SUBDOMAIN, 253, _A_SUBDOMAIN, prefix=True),
    "dns1035LabelPrefix": _shaped(_LABEL_1035, 63, _A_1035, prefix=True),
    "qualifiedName": _qualified,
    "labelValue": _label_value,
    "uri": _uri,
    "uuid": _uuid,
    "byte": _byte,
    "date": _date,
    "datetime": _datetime,
}
"""What is wrong with a text, by the format's name."""


def validate_(value: Any, text: Any) -> Optional:
    """Return what is wrong with a text, as an optional list; nothing where it is right."""
    if not (isinstance(value, NamedFormat) and isinstance(text, str)):
        raise refuse("validate", value, text)
    problems = ["is too long"] if len(text) > MAX_FORMAT_CHARS else FORMATS[value.name](text)
    return Optional(problems) if problems else NONE


def format_named_(name: Any) -> Optional:
    """Return a format by its name."""
    if isinstance(name, str):
        return Optional(NamedFormat(name)) if name in FORMATS else NONE
    raise refuse("format.named", name)


def _constant(name: str) -> Callable[[], NamedFormat]:
    return lambda: NamedFormat(name)


format_dns1123Label_ = _constant("dns1123Label")  # noqa: N816 - CEL's own names, here and below
format_dns1123Subdomain_ = _constant("dns1123Subdomain")  # noqa: N816
format_dns1035Label_ = _constant("dns1035Label")  # noqa: N816
format_dns1123LabelPrefix_ = _constant("dns1123LabelPrefix")  # noqa: N816
format_dns1123SubdomainPrefix_ = _constant("dns1123SubdomainPrefix")  # noqa: N816
format_dns1035LabelPrefix_ = _constant("dns1035LabelPrefix")  # noqa: N816
format_qualifiedName_ = _constant("qualifiedName")  # noqa: N816
format_labelValue_ = _constant("labelValue")  # noqa: N816
format_uri_ = _constant("uri")
format_uuid_ = _constant("uuid")
format_byte_ = _constant("byte")
format_date_ = _constant("date")
format_datetime_ = _constant("datetime")
