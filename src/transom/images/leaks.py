"""Credentials in images as findings: in the files of every layer, in the settings, and in what the history tells.

A value is one finding, however many files and layers hold it; its evidence tells each place, the layer and instruction that
brought it, and the layer that took it away again, which removes it from sight only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from transom.images.history import without_arguments
from transom.images.inspection import Inspection
from transom.images.layers.record import Leaked
from transom.kube.files import shown
from transom.lang.leaks.stream import Found, Searcher, leaks_of
from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Result
from transom.model.language import mark
from transom.model.places import Locator, Path, path_text
from transom.model.refs import Ref, image_ref
from transom.registry.blobs import Image
from transom.rules.leaks import ALLOWED_BY_REMARK, MAX_PLACES, finding_of_value, severity_of, slowness, told_of

SHIPPED = "credentials in files that are as their OS package brings them, which everybody has"
GONE = mark("removed by a later layer, and still in the image")
MAX_TEXTS = 10_000  # of settings and history; honest images have some dozens
MAX_TEXT_CHARS = 1_000_000  # of one of them
INSTRUCTION_CHARS = 60
SETTINGS = ("Cmd", "Entrypoint", "Shell", "OnBuild")


class _Place(Struct, frozen=True):
    """A leak, where it is, what is told of that, and whether the image shows it still."""

    found: Found
    locator: Locator
    told: str = ""
    is_shown: bool = True


def leaks(found: Inspection, name: str, searcher: Searcher, exceptions: bool = True) -> Iterator[Result]:
    """Yield what leaks in an image whose layers were looked through; name: of the image.

    exceptions: whether a remark in the line makes it none.
    """
    yield from slowness(searcher, name)
    ref = image_ref(name)
    places = [*_in_files(found, searcher), *_in_texts(found.image, name, searcher)]
    failed = set()
    for same in _by_value(places):
        finding = _finding(ref, same)
        failed.add(finding.rule)
        if exceptions and all(each.found.allowed for each in same):
            yield Accepted(finding, ALLOWED_BY_REMARK, finding.place)
        else:
            yield finding
    shipped = sum(record.shipped for record in found.records)
    if shipped:
        yield NotApplicable(SHIPPED, shipped)
    for rule in searcher.finder.rules.rules:
        yield Judged(rule.id, 1, int(rule.id not in failed))


def _finding(ref: Ref, places: Sequence[_Place]) -> Finding:
    surest = max(places, key=lambda each: severity_of(each.found))
    first = [surest, *(each for each in places if each is not surest)]
    evidence = [
        Evidence(each.locator, ", ".join(filter(None, (told_of(each.found), each.told)))) for each in first[:MAX_PLACES]
    ]
    gone = "" if any(each.is_shown for each in places) else GONE
    return finding_of_value(ref, surest.found, tuple(evidence), gone)


def _by_value(places: Iterable[_Place]) -> Iterator[Sequence[_Place]]:
    """Yield the places of each value together: those that the image shows first, in the order of layers."""
    found: dict[tuple[str, str, int, str], list[_Place]] = {}
    for each in places:
        apart = "" if each.found.length else each.locator.file  # of a rule about paths the file is all there is
        found.setdefault((each.found.rule.id, each.found.tag, each.found.length, apart), []).append(each)
    for _, same in sorted(found.items()):
        yield sorted(same, key=lambda each: not each.is_shown)


def _in_files(found: Inspection, searcher: Searcher) -> Iterator[_Place]:
    rules = {rule.id: rule for rule in searcher.finder.rules.rules}
    layers = {layer.diff_id: at for at, layer in enumerate(found.image.layers)}

    def layer_told(diff_id: str) -> str:
        at = layers[diff_id]
        return f"layer {at + 1} ({instruction(found.image.layers[at].created_by, searcher) or diff_id[:19]})"

    for file in found.merged.leaked:
        told = f"in {layer_told(file.layer)}" if found.image.digest or len(found.records) > 1 else ""
        if file.taken_by:
            told += f", removed by {layer_told(file.taken_by)}"
        for leak in file.leaks:
            if leak.rule in rules:
                locator = Locator(shown(file.path), leak.line, leak.column)
                yield _Place(_found(leak, rules), locator, told, not file.taken_by)


def _found(leak: Leaked, rules: Mapping[str, Any]) -> Found:
    return Found(
        rules[leak.rule],
        leak.line,
        leak.column,
        0,
        0,
        leak.length,
        leak.tag,
        leak.certainty,  # type: ignore[arg-type]
        leak.reason,
        leak.encodings,
        leak.allowed,
    )


def _in_texts(image: Image, name: str, searcher: Searcher) -> Iterator[_Place]:
    """Yield what leaks in the settings of an image and in the steps that made it."""
    for number, (path, what, text) in enumerate(_texts(image)):
        if number == MAX_TEXTS:
            return
        content = text[:MAX_TEXT_CHARS].encode("utf-8", "replace")
        for each in leaks_of(searcher, "", [content]):
            yield _Place(each, Locator(name, path=path_text(path)), what)


def _texts(image: Image) -> Iterator[tuple[Path, str, str]]:
    """Yield the texts of an image beside its files: where each stands, what it is, and what it says."""
    config = image.config.get("config")
    settings = config if isinstance(config, dict) else {}
    for at, variable in enumerate(_words(settings.get("Env"))):
        yield ("config", "Env", at), f"the variable {variable.partition('=')[0]}", variable
    labels = settings.get("Labels")
    for key, value in labels.items() if isinstance(labels, dict) else ():
        yield ("config", "Labels", str(key)), f"the label {key}", f"{key}={value}"
    for field in SETTINGS:
        yield ("config", field), f"the setting {field}", " ".join(_words(settings.get(field)))
    check = settings.get("Healthcheck")
    test = check.get("Test") if isinstance(check, dict) else ()
    yield ("config", "Healthcheck", "Test"), "the health check", " ".join(_words(test))
    for at, step in enumerate(image.history):
        yield ("history", at, "created_by"), f"step {at + 1} of the history", step.created_by
        yield ("history", at, "comment"), f"the remark of step {at + 1} of the history", step.comment


def _words(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def instruction(created_by: str, searcher: Searcher) -> str:
    """Return the beginning of the instruction that made a layer, with no value of a build argument and no credential."""
    words = (
        without_arguments(created_by).removeprefix("RUN ").removeprefix("/bin/sh -c ").removeprefix("#(nop) ").strip()
    )
    text = words.encode("utf-8", "replace")
    for leak in reversed(searcher.finder.find(text)):
        text = text[: leak.secret_start] + b"***" + text[leak.secret_end :]
    told = " ".join(text.decode("utf-8", "replace").split())
    return told if len(told) <= INSTRUCTION_CHARS else f"{told[:INSTRUCTION_CHARS]}…"
