"""Credentials that are known by their form, where everyone can read them: in pods and in ConfigMaps.

Values under names like PASSWORD are told by the policies literal-credential and credential-in-configmap, which an API
server can judge too, and are left to them. No value ever stands in what is found.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from collections.abc import Iterator
from typing import TYPE_CHECKING

from transom.inventory.joins import pod_containers
from transom.kube.reading import list_at, map_at, maps_at, text_at
from transom.rules.check import Answer, Check, Fault
from transom.rules.leaks import MAX_VALUE_CHARS, PARAMETER, TOLD, finder

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory
    from transom.model.places import Path

BY_NAME = re.compile(
    r"(?:password|passwd|passphrase|pwd|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|credentials?)\Z",
    re.I,
)
"""Names whose values the policies tell."""

Fields = Iterator[tuple[str, str, "Path", str]]
"""What is looked at: its key among the faults, its text, where it stands, and its container."""


def credential_in_pod(workload: Entry, _: Inventory, check: Check) -> Answer:
    """A credential among the variables, commands and arguments of a pod's containers."""
    return _leaks(_pod_fields(workload), workload, check)


def credential_in_settings(settings: Entry, _: Inventory, check: Check) -> Answer:
    """A credential in a value of a ConfigMap, or in a file that one holds."""
    if not map_at(settings.object, "data") and not map_at(settings.object, "binaryData"):
        return None
    return _leaks(_settings_fields(settings), settings, check)


def secret_words(container: object) -> Iterator[tuple[Path, str]]:
    """Yield the words of a container's command and arguments that hold a credential, with their paths in it."""
    for _, text, path, _ in _words(container, (), ""):
        if finder().find(text[:MAX_VALUE_CHARS].encode("utf-8", "replace")):
            yield path, text


def _leaks(fields: Fields, entry: Entry, check: Check) -> Iterator[Fault]:
    asked = list(fields)
    if not asked:
        return  # most pods say nothing, and then no rules are read
    found = finder(check.parameters[PARAMETER])
    if not found.wakes("\n".join(text for _, text, _, _ in asked).encode("utf-8", "replace")):
        return
    for key, text, path, container in asked:
        told: set[str] = set()
        for leak in found.find(text[:MAX_VALUE_CHARS].encode("utf-8", "replace"), entry.origin.file):
            what = leak.rule.description or leak.rule.id
            if leak.rule.regex and leak.rule.id not in told:
                told.add(leak.rule.id)
                seen = f"{path[-1] if isinstance(path[-1], str) else path[-2]}: {TOLD.format(what)}"
                witness = "/".join(filter(None, (container, key, leak.rule.id)))
                yield Fault(f"it holds {what}", path, witness, container, seen)


def _pod_fields(workload: Entry) -> Fields:
    for path, container in pod_containers(workload):
        name = text_at(container, "name")
        for index, variable in maps_at(container, "env"):
            key, value = text_at(variable, "name"), text_at(variable, "value")
            if value and not BY_NAME.search(key):
                yield key, f"{key}={value}", (*path, "env", index, "value"), name
        yield from _words(container, path, name)


def _words(container: object, path: Path, name: str) -> Fields:
    """Yield command and arguments, each word behind the one before it, because an option and its value may be two."""
    before = ""
    for field in ("command", "args"):
        for index, word in enumerate(list_at(container, field)):
            if isinstance(word, str):
                is_option = before.startswith("-") and "=" not in before
                yield field, f"{before} {word}" if is_option else word, (*path, field, index), name
                before = word


def _settings_fields(settings: Entry) -> Fields:
    for key, value in map_at(settings.object, "data").items():
        if isinstance(value, str) and (not BY_NAME.search(str(key)) or "\n" in value):
            yield str(key), value if "\n" in value else f"{key}={value}", ("data", key), ""
    for key, value in map_at(settings.object, "binaryData").items():
        if isinstance(value, str):
            yield str(key), _decoded(value), ("binaryData", key), ""


def _decoded(value: str) -> str:
    from base64 import b64decode

    try:
        return b64decode(value).decode("utf-8", "replace")
    except (Base64Error, ValueError):
        return ""
