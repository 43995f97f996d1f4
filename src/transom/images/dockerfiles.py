"""What policies cannot tell of a Dockerfile: credentials that are known by their form."""

from __future__ import annotations

from collections.abc import Iterator

from transom.inventory import Entry, Inventory
from transom.kube.reading import maps_at, text_at
from transom.model.places import Path
from transom.rules.check import Answer, Check, Fault
from transom.rules.leaks import MAX_VALUE_CHARS, PARAMETER, TOLD, finder


def credential(dockerfile: Entry, _: Inventory, check: Check) -> Answer:
    """A credential in an instruction of a Dockerfile, kept in the image's history for whoever pulls it."""
    return _leaks(dockerfile, check)


def _leaks(dockerfile: Entry, check: Check) -> Iterator[Fault]:
    found = finder(check.parameters[PARAMETER])
    for path, name, text in _texts(dockerfile):
        told: set[str] = set()
        for leak in found.find(text[:MAX_VALUE_CHARS].encode("utf-8", "replace"), dockerfile.origin.file):
            what = leak.rule.description or leak.rule.id
            if leak.rule.regex and leak.rule.id not in told:
                told.add(leak.rule.id)
                yield Fault(f"it holds {what}", path, f"{name}/{leak.rule.id}", seen=TOLD.format(what))


def _texts(dockerfile: Entry) -> Iterator[tuple[Path, str, str]]:
    for index, instruction in maps_at(dockerfile.object, "arguments"):
        yield ("arguments", index), text_at(instruction, "name"), text_at(instruction, "arguments")
    for number, stage in maps_at(dockerfile.object, "stages"):
        for index, instruction in maps_at(stage, "instructions"):
            path = ("stages", number, "instructions", index)
            key = f"{text_at(stage, 'name')}/{text_at(instruction, 'name')}"
            yield path, key, text_at(instruction, "arguments")
