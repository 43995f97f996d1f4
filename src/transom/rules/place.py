"""From a failed validation to findings: which container, which line, what was seen there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.sight import HIDDEN, MAX_SIGHT_CHARS, is_secret, short, sight
from transom.lang.cel import Witness, index_paths, places
from transom.model.findings import Evidence, Finding, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transom.inventory import Entry, Inventory
    from transom.model.places import Locator, Path
    from transom.rules.evaluate import Failure
    from transom.rules.expand import View
    from transom.rules.policy import Policy

CONTAINER_LISTS = frozenset(("containers", "initContainers", "ephemeralContainers"))


class Spot(Struct, frozen=True):
    """A place of an object as every rule tells it: the container it lies in, the witness key, what stands there."""

    container: str
    key: str
    locator: Locator
    observed: str


class Locating:
    """What turns a witness into places of one entry: made once per object, its index when first needed.

    Spots are kept, because several rules point at one place: that halves their cost, and they share memory.
    """

    __slots__ = ("_indexes", "_spots", "entry", "inventory", "roots", "view")

    def __init__(self, inventory: Inventory, entry: Entry, view: View) -> None:
        self.inventory = inventory
        self.entry = entry
        self.view = view
        self.roots = {"object": view.object}
        self._indexes: dict[str, dict[int, Path]] | None = None
        self._spots: dict[Path, Spot] = {}

    def paths(self, witness: Witness) -> list[Path]:
        """Return what a witness read as paths in the view's object, the deepest that exists first."""
        if self._indexes is None:
            self._indexes = {"object": index_paths(self.view.object)}
        return [path for _, path in places(witness, self.roots, self._indexes)]

    def spot(self, path: Path) -> Spot:
        """Return what is told of a path in the view's object."""
        spot = self._spots.get(path)
        if spot is None:
            nodes = _nodes(self.view.object, path)
            container, key = _witness_key(nodes, path)
            place = self.inventory.locate(self.entry, (*self.view.prefix, *path))
            spot = self._spots[path] = Spot(container, key, place, _observed(self.entry, nodes, path))
        return spot


class _Seen(Struct):
    """What the witnesses of one key have shown so far."""

    failure: Failure
    container: str
    evidence: list[Evidence]


def results_of(policy: Policy, failures: Sequence[Failure], locating: Locating) -> Iterator[Finding | Skipped]:
    """Yield one finding for each witness key; a Skipped where an expression fails and that is no refusal.

    An error is a refusal where the API server refuses: under failurePolicy Fail. Ours are written for whole objects, so
    there it means that the object is malformed.
    """
    seen: dict[str, _Seen] = {}
    for failure in failures:
        if failure.error and (policy.ours or not policy.fail):
            place = _place(locating, failure)
            step = "correct the manifest, or leave the rule out"
            yield Skipped(locating.entry.ref, f"its expression fails: {failure.error}", step, policy.id, place)
            continue
        for path in _deciding(locating, failure):
            _note(seen, policy, failure, path, locating)
    owner = locating.inventory.owner(locating.entry) if seen else None
    for key, found in seen.items():
        yield Finding(
            rule=policy.id,
            ref=locating.entry.ref,
            severity=policy.face.severity,
            message=_told(policy, found.failure, locating.entry),
            evidence=tuple(found.evidence),
            title=policy.face.title,
            witness=key,
            container=found.container,
            owner=owner,
            fix=policy.face.fix,
        )


def _deciding(locating: Locating, failure: Failure) -> list[Path]:
    """Return where each witness points; one that read parameters only says nothing beside one that read the object."""
    found = (locating.paths(witness) for witness in failure.witnesses)
    return [paths[0] for paths in found if paths] or [()]


def _told(policy: Policy, failure: Failure, entry: Entry) -> str:
    if failure.error:
        return f"the policy refuses the object, because it fails: {failure.error}"
    if entry.ref.kind == "Secret" and any(value in failure.message for value in _secret_values(entry)):
        return policy.validations[failure.index].message or "the policy refuses the object"
    return failure.message


def _secret_values(entry: Entry) -> Iterator[str]:
    for field in ("data", "stringData"):
        values = entry.object.get(field)
        if isinstance(values, dict):
            yield from (value for value in values.values() if isinstance(value, str) and value)


def _place(locating: Locating, failure: Failure) -> Locator:
    return locating.spot(_deciding(locating, failure)[0]).locator


def _note(seen: dict[str, _Seen], policy: Policy, failure: Failure, path: Path, locating: Locating) -> None:
    spot = locating.spot(_instruction_path(path) if locating.entry.ref.kind == "Dockerfile" else path)
    key = f"{spot.key}#{failure.index}" if failure.index else spot.key
    evidence = Evidence(spot.locator, spot.observed, policy.expect)
    known = seen.get(key)
    if known is None:
        seen[key] = _Seen(failure, spot.container, [evidence])
    elif evidence not in known.evidence:
        known.evidence.append(evidence)


def _instruction(node: Any) -> str:
    """Return what a node of a Dockerfile is called: an instruction, or a stage by its first; "" for any other."""
    if not isinstance(node, dict):
        return ""
    if "instruction" in node:
        return str(node.get("name", ""))
    inside = node.get("instructions")
    return _instruction(inside[0]) if isinstance(inside, list) and inside else ""


def _instruction_path(path: Path) -> Path:
    """Return the way to the instruction or the stage that a path leads through: a word of it may be a secret."""
    for end in (4, 2):
        if len(path) >= end and path[end - 2] in ("instructions", "arguments", "stages"):
            return path[:end]
    return path


def _nodes(value: Any, path: Path) -> list[Any]:
    """Return what stands at each step of a path; None from where it leads to nothing."""
    found = []
    for step in path:
        value = _child(value, step)
        found.append(value)
    return found


def _witness_key(nodes: Sequence[Any], path: Path) -> tuple[str, str]:
    """Return the container that a path leads through, and the key of what is at fault.

    The key is the names of the list elements along the path, else the path itself; never a list index.
    """
    container, names, before = "", [], ""
    for node, step in zip(nodes, path, strict=True):
        if isinstance(step, str):
            before = step
            continue
        names.append(_name_of(node))
        if before in CONTAINER_LISTS and not container:
            container = names[-1]
    if any(names):
        return container, "/".join(names)
    return "", ".".join(step for step in path if isinstance(step, str))


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(step)
    if isinstance(node, list) and isinstance(step, int) and 0 <= step < len(node):
        return node[step]
    return None


def _is_file(node: Any) -> bool:
    """Tell whether a node of an image's object is a file that a layer brought, or a folder of some size."""
    return isinstance(node, dict) and "path" in node and ("layer" in node or "size" in node)


def _file_told(file: dict[str, Any], path: Path) -> str:
    """Return what is seen of a file in an image: its path, the field at fault, the step that brought it."""
    field = next((step for step in reversed(path) if isinstance(step, str)), "path")
    told = "" if field == "path" or isinstance(file.get(field, []), (list, dict)) else f", {field} {file[field]}"
    return short(f"{file['path']}{told}") + (f" ({file['step']})" if file.get("step") else "")


def _name_of(node: Any) -> str:
    if _is_file(node):
        return str(node["path"])
    if isinstance(node, dict):
        for field in ("name", "host", "containerPort", "port", "key", "mountPath", "ip"):
            named = node.get(field)
            if isinstance(named, (str, int)) and not isinstance(named, bool):
                return str(named)
        return ""
    return "" if node is None or isinstance(node, list) else str(node)[:MAX_SIGHT_CHARS]


def witness_of(entry: Entry, path: Path) -> tuple[str, str]:
    """Return the container that a path of an entry leads through, and the key of what stands there."""
    return _witness_key(_nodes(entry.object, path), path)


def observed(entry: Entry, path: Path) -> str:
    """Return what stands at a path of an entry in one short line; no secret value."""
    return _observed(entry, _nodes(entry.object, path), path)


def _observed(entry: Entry, nodes: Sequence[Any], path: Path) -> str:
    """Return what stands at a path in one short line: `privileged: true`, `runAsNonRoot: not set`; no secret value."""
    if entry.ref.kind == "Dockerfile":
        layer = next((f" (layer {each['layer']})" for each in nodes if isinstance(each, dict) and "layer" in each), "")
        return next(filter(None, map(_instruction, reversed(nodes))), entry.ref.kind) + layer
    file = next(filter(_is_file, nodes), None)
    if file is not None:
        return _file_told(file, path)
    name = next((step for step in reversed(path) if isinstance(step, str)), entry.ref.kind)
    if nodes and nodes[-1] is None:
        return f"{name}: not set"
    if is_secret(entry.ref.kind, path):
        return f"{name}: {HIDDEN}"
    return short(f"{name}: {sight(nodes[-1], path)}") if nodes else str(name)
