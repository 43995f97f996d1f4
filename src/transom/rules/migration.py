"""Exceptions of other scanners, carried over: what their annotations, comments, labels and files say, in our words.

Which of our rules a check of theirs means is data, in content/crosswalk/<tool>.yaml. What cannot be carried over is told
with its reason, and never widened: an exception that holds for an object there holds for no other one here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.inventory.files import DocumentSource
from transom.kube.kinds import template_path
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.inventory import Entry, Inventory

CROSSWALKS = Path(__file__).parent.parent / "content" / "crosswalk"
MAX_FILE_BYTES = 16 * 1024 * 1024  # exported exceptions of a whole fleet
HADOLINT = (".hadolint.yaml", ".hadolint.yml", "hadolint.yaml", "hadolint.yml")
BESIDE = (".trivyignore", ".trivyignore.yaml", ".trivyignore.yml", ".dockleignore", *HADOLINT)
"""Files that are looked for in a folder."""
NO_RULE = mark("no rule here means the same")
EVERYTHING = mark("it silences every check of the object, which no exception does here")
NOT_MANIFESTS = mark("it is about something else than manifests")
_CHECKOV_COMMENT = re.compile(r"#\s*checkov:skip=(CKV2?_K8S_\d+)(?::\s*(.*))?")
_OF_TRIVY = re.compile(r"(?:AVD-)?(KSV|DS)-?0*(\d+)\Z", re.I)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Carried(Struct, frozen=True):
    """An exception as transom.yaml has it, by field; tool and theirs: where it comes from."""

    tool: str
    theirs: str
    fields: dict[str, str]


class Lost(Struct, frozen=True):
    """What could not be carried over: the words of the other tool, where they stand, and why not."""

    tool: str
    theirs: str
    place: str
    reason: str


Outcome = Carried | Lost


@cache
def crosswalk(tool: str) -> Mapping[str, tuple[str, ...]]:
    """Return our rules for each check of a tool."""
    import yaml

    found = yaml.safe_load((CROSSWALKS / f"{tool}.yaml").read_text(encoding="utf-8"))
    return {theirs: (ours,) if isinstance(ours, str) else tuple(ours) for theirs, ours in found.items()}


def tools() -> list[str]:
    """Return the tools whose exceptions can be carried over."""
    return sorted(file.stem for file in CROSSWALKS.glob("*.yaml"))


def _carried(tool: str, theirs: str, place: str, reason: str, scope: Mapping[str, str]) -> Iterator[Outcome]:
    rules = crosswalk(tool).get(theirs, ())
    if not rules:
        yield Lost(tool, theirs, place, NO_RULE)
    for rule in rules:
        yield Carried(tool, theirs, {"rule": rule, **scope, "reason": reason or f"was accepted in {tool}: {theirs}"})


# on objects


def of_objects(inventory: Inventory) -> Iterator[Outcome]:
    """Yield the exceptions that annotations, labels and comments of objects declare."""
    for entry in inventory.entries():
        place = f"{entry.origin.file} {entry.ref.short}"
        scope = _scope(entry)
        for noted, labelled in _metadata(entry):
            for key, value in noted.items():
                yield from _annotation(str(key), str(value or ""), place, scope)
            for key, value in labelled.items():
                yield from _label(str(key), str(value or ""), place, scope)
        yield from _comments(entry, place, scope)


def _scope(entry: Entry) -> dict[str, str]:
    ref = entry.ref
    scope = {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
    return {key: _literal(value) for key, value in scope.items() if value}


def _literal(text: str) -> str:
    """Return a name as a glob that means nothing else; a generated name ends in a star already."""
    head, star = (text[:-1], "*") if text.endswith("*") else (text, "")
    return "".join(f"[{each}]" if each in "*?[" else each for each in head) + star


def _metadata(entry: Entry) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield annotations and labels of an object, and of its pod template."""
    for prefix in dict.fromkeys(((), template_path(entry.ref.group, entry.ref.kind) or ())):
        value: Any = entry.object
        for step in (*prefix, "metadata"):
            value = value.get(step) if isinstance(value, dict) else None
        found = [value.get(field) if isinstance(value, dict) else None for field in ("annotations", "labels")]
        noted, labelled = (each if isinstance(each, dict) else {} for each in found)
        yield noted, labelled


def _annotation(key: str, value: str, place: str, scope: Mapping[str, str]) -> Iterator[Outcome]:
    prefix, _, name = key.partition("/")
    if prefix == "checkov.io" and name.startswith("skip"):
        check, _, reason = value.partition("=")
        yield from _carried("checkov", check.strip(), place, reason.strip(), scope)
    elif prefix == "ignore-check.kube-linter.io":
        yield from _carried("kube-linter", name, place, value.strip(), scope)
    elif key == "kube-linter.io/ignore-all":
        yield Lost("kube-linter", key, place, EVERYTHING)
    elif key == "kube-score/ignore":
        for check in filter(None, (each.strip() for each in value.split(","))):
            yield from _carried("kube-score", check, place, "", scope)
    elif key == "polaris.fairwinds.com/exempt" and value == "true":
        yield Lost("polaris", key, place, EVERYTHING)
    elif prefix == "polaris.fairwinds.com" and name.endswith("-exempt") and value == "true":
        yield from _carried("polaris", name.removesuffix("-exempt"), place, "", scope)


def _label(key: str, value: str, place: str, scope: Mapping[str, str]) -> Iterator[Outcome]:
    prefix, _, name = key.partition("/")
    reason = value.replace("-", " ") if value not in ("", "true") else ""
    if prefix == "kubeaudit.io":
        yield from _kubeaudit(name, place, reason, scope)
    elif prefix == "container.kubeaudit.io":
        container, _, override = name.rpartition(".")
        yield from _kubeaudit(override, place, reason, {**scope, "container": _literal(container)})


def _kubeaudit(name: str, place: str, reason: str, scope: Mapping[str, str]) -> Iterator[Outcome]:
    base = next((each for each in crosswalk("kubeaudit") if name == each or name.startswith(f"{each}-")), name)
    yield from _carried("kubeaudit", base, place, reason, scope)


def _comments(entry: Entry, place: str, scope: Mapping[str, str]) -> Iterator[Outcome]:
    """Yield checkov's comments; those of a document that holds several objects stand at no single one of them."""
    if not isinstance(entry.source, DocumentSource):
        return
    document = entry.source.document
    if b"checkov:skip" not in document.text:
        return
    for found in _CHECKOV_COMMENT.finditer(document.text.decode("utf-8", "replace")):
        if entry.origin.item:
            yield Lost("checkov", found[1], place, mark("its document holds several objects"))
        else:
            yield from _carried("checkov", found[1], place, (found[2] or "").strip(), scope)


# in files of their own


def of_file(path: Path) -> Iterator[Outcome] | None:
    """Return the exceptions of a file in another tool's format, None where it is of none of these."""
    if path.name in (".trivyignore.yaml", ".trivyignore.yml"):
        return _trivy_yaml(path)
    if path.name == ".trivyignore":
        return _trivy_lines(path)
    if path.name in HADOLINT:
        return _hadolint(path)
    if path.name == ".dockleignore":
        return _dockle(path)
    if path.suffix == ".json":
        value = _json(path)
        if isinstance(value, list) and value and all(_is_posture(each) for each in value):
            return _kubescape(value, str(path))
    return None


def _content(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(MAX_FILE_BYTES).decode("utf-8", "replace")


def _json(path: Path) -> Any:
    try:
        return json.loads(_content(path))
    except (ValueError, RecursionError):
        return None


def _dockle(path: Path) -> Iterator[Outcome]:
    for number, line in enumerate(_content(path).splitlines(), 1):
        theirs = line.partition("#")[0].strip()
        if theirs:
            yield from _carried("dockle", theirs, f"{path}:{number}", "", {})


def _hadolint(path: Path) -> Iterator[Outcome]:
    import yaml

    try:
        value = yaml.safe_load(_content(path))
    except (yaml.YAMLError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield Lost("hadolint", path.name, str(path), mark("it cannot be read"))
        return
    ignored = value.get("ignored")
    for theirs in ignored if isinstance(ignored, list) else ():
        yield from _carried("hadolint", str(theirs), str(path), "", {"kind": "Dockerfile"})
    if value.get("trustedRegistries"):
        reason = mark("it is no exception: name the registries in the parameters of dockerfile-registry-foreign")
        yield Lost("hadolint", "trustedRegistries", str(path), reason)


def _trivy_lines(path: Path) -> Iterator[Outcome]:
    for number, line in enumerate(_content(path).splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            expires = next((word.removeprefix("exp:") for word in words[1:] if word.startswith("exp:")), "")
            yield from _trivy(words[0], f"{path}:{number}", "", {"expires": expires} if expires else {})


def _trivy_yaml(path: Path) -> Iterator[Outcome]:
    import yaml

    try:
        value = yaml.safe_load(_content(path))
    except (yaml.YAMLError, RecursionError):
        value = None
    if not isinstance(value, dict):
        yield Lost("trivy", path.name, str(path), mark("it cannot be read"))
        return
    for section, entries in value.items():
        for entry in entries if isinstance(entries, list) else ():
            theirs = str(entry.get("id", "")) if isinstance(entry, dict) else str(entry)
            if section != "misconfigurations" or not isinstance(entry, dict):
                yield Lost("trivy", theirs, str(path), NOT_MANIFESTS)
                continue
            found = _DATE.match(str(entry.get("expired_at") or ""))
            expires = {"expires": found[0]} if found else {}
            files = entry.get("paths") or [""]
            for file in files if isinstance(files, list) else [str(files)]:
                scope = {"file": str(file), **expires} if file else expires
                yield from _trivy(theirs, str(path), str(entry.get("statement") or ""), scope)


def _trivy(theirs: str, place: str, reason: str, scope: Mapping[str, str]) -> Iterator[Outcome]:
    found = _OF_TRIVY.match(theirs)
    if found is None:
        yield Lost("trivy", theirs, place, NOT_MANIFESTS)
        return
    for each in _carried("trivy", f"{found[1].upper()}{int(found[2]):03}", place, reason, scope):
        yield each if isinstance(each, Carried) else Lost("trivy", theirs, place, each.reason)


def _is_posture(value: Any) -> bool:
    return isinstance(value, dict) and "posturePolicies" in value


def _kubescape(policies: list[dict[str, Any]], place: str) -> Iterator[Outcome]:
    for policy in policies:
        name = str(policy.get("name", ""))
        scopes = list(_designators(policy))
        for posture in policy.get("posturePolicies") or [{}]:
            control = str(posture.get("controlID") or "")
            if not control:
                yield Lost("kubescape", name, place, mark("it names no control by its id"))
            elif not scopes:
                yield Lost("kubescape", f"{name} {control}", place, mark("it names no resources"))
            for scope in scopes if control else ():
                if scope is None:
                    yield Lost("kubescape", f"{name} {control}", place, mark("what it is about cannot be said here"))
                else:
                    yield from _carried("kubescape", control, place, str(policy.get("reason") or ""), scope)


def _designators(policy: dict[str, Any]) -> Iterator[dict[str, str] | None]:
    """Yield what each designator of a policy names, None where it names more than we can say.

    Values are regular expressions there; those that mean something else than a name, or than anything, are refused.
    """
    for resource in policy.get("resources") or ():
        attributes = resource.get("attributes") if isinstance(resource, dict) else None
        if not isinstance(attributes, dict) or set(attributes) - {"kind", "name", "namespace", "cluster"}:
            yield None
            continue
        scope = {}
        for key in ("kind", "namespace", "name"):
            glob = _glob(str(attributes.get(key) or ".*"))
            if glob is None:
                break
            if glob != "*":
                scope[key] = glob
        else:
            yield scope
            continue
        yield None


def _glob(pattern: str) -> str | None:
    """Return the glob that means what a regular expression does, None where there is none."""
    plain = pattern.replace(".*", "*").removeprefix("^").removesuffix("$")
    return plain if re.fullmatch(r"[A-Za-z0-9*-]+", plain) else None
