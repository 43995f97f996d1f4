"""Feeds: one small reader for each format, and what tells the format of a document: its own words, never its name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec

from transom.advisories.documents import BROKEN, MAX_RECORD_BYTES, TOO_LARGE, Document, came, documents
from transom.model.advisories import Came, Refused, Told

FORMATS = {
    "osv": "transom.advisories.feeds.osv",
    "secdb": "transom.advisories.feeds.secdb",
    "debian-tracker": "transom.advisories.feeds.debian",
    "debian-list": "transom.advisories.feeds.debian_lists",
    "csaf": "transom.advisories.feeds.csaf",
    "openvex": "transom.advisories.feeds.openvex",
    "oval": "transom.advisories.feeds.oval",
    "updateinfo": "transom.advisories.feeds.updateinfo",
    "bodhi": "transom.advisories.feeds.bodhi",
    "photon": "transom.advisories.feeds.photon",
    "nvd": "transom.advisories.feeds.nvd",
    "kev": "transom.advisories.feeds.kev",
    "epss": "transom.advisories.feeds.epss",
    "end-of-life": "transom.advisories.feeds.lifetimes",
}
"""Every format: the module that reads it. Each offers read(name, content) and yields what the document tells."""

KEYS = (
    ("csaf", {"document", "vulnerabilities"}),
    ("kev", {"catalogVersion", "vulnerabilities"}),
    ("nvd", {"format", "vulnerabilities"}),
    ("openvex", {"@context", "statements"}),
    ("secdb", {"packages", "reponame"}),
    ("secdb", {"packages", "apkurl"}),
    ("bodhi", {"alias", "builds", "release"}),
    ("bodhi", {"updates", "page"}),
    ("osv", {"id", "modified"}),
    ("osv", {"id", "affected"}),
    ("end-of-life", {"result"}),
)
"""The keys at the top of a JSON or YAML document that only this format has; the first that fits."""

ONE_RECORD = frozenset(("osv", "csaf", "openvex"))  # formats with a document for each advisory
MAX_REASON_CHARS = 200
START_BYTES = 2_000


def told(path: str) -> Iterator[Told]:
    """Yield everything that a file, folder or archive tells; what cannot be used is Refused with the reason."""
    from pathlib import Path

    time = came(Path(path)) if Path(path).exists() else None
    yield Came(time.isoformat(timespec="seconds") if time else "")
    seen = False
    for document in documents(Path(path)):
        seen = True
        if isinstance(document, Refused):
            yield document
        else:
            yield from read(document)
    if not seen:
        yield Refused(path, "holds no document that a feed could be")


def read(document: Document) -> Iterator[Told]:
    """Yield what one document tells. Never raises: a reader that fails on it says so, and what it told before stands."""
    kind = format_of(document)
    if kind not in FORMATS:
        yield Refused(document.name, kind)
        return
    is_list = document.content[:START_BYTES].lstrip()[:1] == b"["
    if kind in ONE_RECORD and not is_list and len(document.content) > MAX_RECORD_BYTES:
        yield Refused(document.name, TOO_LARGE)
        return
    try:
        yield from import_module(FORMATS[kind]).read(document.name, document.content)
    except (*BROKEN, ValueError) as error:
        yield Refused(document.name, f"not as {kind} is written: {str(error)[:MAX_REASON_CHARS]}")


def format_of(document: Document) -> str:
    """Return the format of a document, or why it has none, as a sentence."""
    start = document.content[:START_BYTES].lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start:
        return "empty"
    if start[:1] == b"<" and (b"<html" in start.lower() or b"<!doctype html" in start.lower()):
        return "a web page, not a feed: a proxy or a login may have answered"
    if start.startswith((b"#model_version", b"cve,epss")):
        return "epss"
    if start.startswith(b"[") and (b"] DSA-" in start[:40] or b"] DLA-" in start[:40]):
        return "debian-list"
    if start.startswith(b"<"):
        return (
            "oval"
            if b"oval_definitions" in start
            else "updateinfo"
            if b"<updates" in start
            else "XML of no known format"
        )
    if start.startswith(b"{"):
        return _format_of_json(document.content)
    if start.startswith(b"["):
        return _format_of_list(start)
    return _format_of_yaml(start)


def _format_of_json(content: bytes) -> str:
    try:
        top = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except BROKEN as error:
        return f"broken JSON: {error}"
    keys = top.keys()
    found = next((kind for kind, wanted in KEYS if wanted <= keys), "")
    if not found and any(b'"releases"' in bytes(value)[:100_000] for value in list(top.values())[:10]):
        return "debian-tracker"
    return found or "JSON of no known format"


def _format_of_list(start: bytes) -> str:
    if b'"cve_id"' in start and b'"res_ver"' in start:
        return "photon"
    if b'"ecosystem"' in start or b'"schema_version"' in start or b'"affected": [' in start or b'"affected":[' in start:
        return "osv"
    return "a list of no known format"


def _format_of_yaml(start: bytes) -> str:
    lines = start.decode("utf-8", "replace").splitlines()
    keys = {line.partition(":")[0] for line in lines if line[:1].isalpha() and ":" in line}
    if keys & {"secfixes"} or {"reponame"} <= keys or "apkurl" in keys:
        return "secdb"
    return "osv" if "id" in keys else "no known format"


def from_yaml(content: bytes) -> Any:
    """Return a YAML document as plain strings, lists and maps: `0.10` stays `0.10`. Raises ValueError.

    Feeds need no aliases, which could make a document of ten lines a billion values.
    """
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        if b"*" in content and any(type(event).__name__ == "AliasEvent" for event in yaml.parse(content, loader)):
            raise ValueError("YAML with aliases")
        return yaml.load(content, loader)  # noqa: S506 - a loader that makes nothing but strings, lists and maps
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"broken YAML: {error}") from None
