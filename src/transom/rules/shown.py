"""What a person is shown of a rule besides its texts: the first examples beside it, and what its parameters mean."""

from __future__ import annotations

import re
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.model.findings import Skipped
from transom.rules.load import TESTS_SUFFIX
from transom.rules.policy import Policy

if TYPE_CHECKING:
    from transom.rules.check import Check

MAX_EXAMPLES_BYTES = 1024 * 1024  # examples of honest rules take a few thousand bytes
_MEANING = re.compile(r"^ *# (?P<meaning>.+)\n *(?P<key>[A-Za-z0-9._-]+):", re.MULTILINE)


class Parameter(Struct, frozen=True):
    """One parameter of a rule: its value where no settings change it, and the comment above it in the rule's file."""

    name: str
    value: str
    meaning: str = ""


def first_examples(policy: Policy | Check) -> tuple[str, str]:
    """Return a rule's first good and first bad example as YAML; "" for what is not there, or in another form."""
    examples = _examples(File(policy.file).with_name(policy.id + TESTS_SUFFIX)) if policy.file else {}
    return _first(examples.get("good")), _first(examples.get("bad"))


def parameters(rule: Policy | Check) -> tuple[Parameter, ...]:
    """Return a rule's parameters, as the check, or the policy's own parameter objects, hold them."""
    found = _values(rule)
    meanings = _meanings(rule.file) if found else {}
    return tuple(Parameter(name, value, meanings.get(name, "")) for name, value in found.items())


def _values(rule: Policy | Check) -> dict[str, str]:
    if not isinstance(rule, Policy):
        return rule.parameters
    found = {}
    for params in rule.params:
        values = params.get("data") or params.get("settings") or params.get("spec") or {}
        found.update({str(key): str(value) for key, value in values.items()})
    return found


def _meanings(file: str) -> dict[str, str]:
    text = _text(File(file))
    return {found["key"]: found["meaning"] for found in _MEANING.finditer(text)}


def _text(file: File) -> str:
    """Return what a file says; "" where it cannot be read or is far longer than an honest one."""
    try:
        if file.stat().st_size > MAX_EXAMPLES_BYTES:
            return ""
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _examples(file: File) -> dict[str, Any]:
    """Return the value of a file of examples; empty where there is none, or it is of another project's form."""
    from io import BytesIO

    from transom.kube.documents import read_documents

    for document in read_documents(BytesIO(_text(file).encode()), str(file)):
        if not isinstance(document, Skipped) and isinstance(document.value, dict):
            return document.value
    return {}


def _first(examples: Any) -> str:
    """Return the object of the first example as YAML, below a line for each parameter that it sets."""
    from transom.rules.export import write_yaml

    first = examples[0] if isinstance(examples, list) and examples else None
    if not isinstance(first, dict):
        return ""
    if isinstance(first.get("dockerfile"), str):
        return str(first["dockerfile"])
    objects = first.get("objects", [first.get("object")])
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        return ""
    told = f"# {first['name']}\n" if isinstance(first.get("name"), str) and first["name"].isprintable() else ""
    params = first.get("params")
    if isinstance(params, dict) and isinstance(params.get("data"), dict):
        told += "".join(f"# with {key}: {value}\n" for key, value in params["data"].items() if str(value).isprintable())
    if isinstance(first.get("parameters"), dict):
        told += "".join(f"# with {key}: {value}\n" for key, value in first["parameters"].items())
    return told + write_yaml(objects).removeprefix("---\n")
