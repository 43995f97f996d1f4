"""`match` and `exclude` of a Kyverno rule: as resource rules, and as one CEL condition for what those cannot say.

Followed: Kyverno's checks of a resource against a filter. All parts of a filter must hold, of the entries of a part
one; `*` and `?` in names, namespaces, annotations and labels stand for any text and any character.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from transom.kube.kinds import SERVED_GROUPS, guess_plural, kind_of
from transom.rules.fields import PolicyError, map_field, selector_field, text_field, texts_field
from transom.rules.policy import Match, ResourceRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from transom.model.places import Path

_WILDCARD = re.compile(r"[*?]")
_VERSION = re.compile(r"(v\d+((alpha|beta)\d+)?|\*)\Z")
_USER_PARTS = ("roles", "clusterRoles", "subjects")
_RESOURCE_PARTS = frozenset(
    ("kinds", "name", "names", "namespaces", "annotations", "selector", "namespaceSelector", "operations")
)
OBJECT = "(object == null ? oldObject : object)"
_NAME = f"{OBJECT}.?metadata.?name.orValue({OBJECT}.?metadata.?generateName.orValue(''))"
_LABELS = f"{OBJECT}.?metadata.?labels.orValue({{}})"
_ANNOTATIONS = f"{OBJECT}.?metadata.?annotations.orValue({{}})"
_NAMESPACE_LABELS = "(namespaceObject == null ? {} : namespaceObject.?metadata.?labels.orValue({}))"
_NO_USER = "(request.userInfo.username == '' && request.userInfo.groups.size() == 0)"


class KindSelector(Struct, frozen=True):
    """A kind as Kyverno names it: `Pod`, `apps/v1/Deployment`, `Pod/exec`, `*/*`."""

    group: str
    version: str
    kind: str
    subresource: str


class Filtered(Struct, frozen=True):
    """What a rule is about. condition: a CEL expression of type bool, "" where match says it all."""

    match: Match
    condition: str


def kind_selector(text: str) -> KindSelector:
    """Read a kind as Kyverno does: how many parts there are, and whether one is a version, tells what they are."""
    *before, last = text.split("/")
    parts = [*before, *last.split(".")]
    if len(parts) == 1:
        return KindSelector("*", "*", parts[0], "")
    if len(parts) == 2:
        first, second = parts
        if first == "*" and (second == "*" or second.lower() == second):
            return KindSelector("*", "*", "*", second)
        is_version = _VERSION.match(first)
        return KindSelector("*", first, second, "") if is_version else KindSelector("*", "*", first, second)
    if len(parts) == 3:
        if _VERSION.match(parts[0]):
            return KindSelector("*", parts[0], parts[1], parts[2])
        return KindSelector(parts[0], parts[1], parts[2], "")
    if len(parts) == 4:
        return KindSelector(parts[0], parts[1], parts[2], parts[3])
    raise PolicyError(f"{text!r} is no kind")


def filtered(rule: Mapping[str, Any], path: Path, namespace: str = "") -> Filtered:
    """Return what a rule is about; namespace: of its policy, "" for a policy of the whole cluster."""
    wanted, all_of = _filters(rule, "match", path)
    if not wanted:
        raise PolicyError("match is empty", (*path, "match"))
    excluded, all_excluded = _filters(rule, "exclude", path)
    sources = wanted[:1] if all_of else wanted
    match = Match(include=tuple(each for entry in sources for each in _resource_rules(*entry)), equivalent=False)
    conditions = [f"request.namespace == {quoted(namespace)}"] if namespace else []
    if len(wanted) > 1 or not _is_plain(wanted[0][1]):
        conditions.append(_joined("&&" if all_of else "||", (_filter(*entry, is_match=True) for entry in wanted)))
    if excluded:
        joined = _joined("&&" if all_excluded else "||", (_filter(*entry, is_match=False) for entry in excluded))
        conditions.append(f"!({joined})")
    return Filtered(match, _joined("&&", conditions))


def _filters(rule: Mapping[str, Any], field: str, path: Path) -> tuple[list[tuple[Path, Mapping[str, Any]]], bool]:
    """Return the filters under `any`, `all` or the block itself, and whether all of them must hold."""
    block, here = map_field(rule, field, path), (*path, field)
    for word in ("any", "all"):
        entries = block.get(word)
        if entries:
            if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
                raise PolicyError(f"{word} is no list of maps", (*here, word))
            return [((*here, word, index), each) for index, each in enumerate(entries)], word == "all"
    return ([(here, block)] if block else []), False


def _joined(operator: str, parts: Iterable[str]) -> str:
    found = list(parts)
    return found[0] if len(found) == 1 else f" {operator} ".join(f"({each})" for each in found)


def _is_plain(entry: Mapping[str, Any]) -> bool:
    """Tell whether resource rules say all that a filter does."""
    resources = entry.get("resources") or {}
    if any(entry.get(part) for part in _USER_PARTS) or not isinstance(resources, dict):
        return False
    kinds = resources.get("kinds") or []
    return not (set(resources) - {"kinds", "operations"}) and not any(_is_pattern(str(each)) for each in kinds)


def _is_pattern(kind: str) -> bool:
    """Tell whether a kind has wildcards that no resource rule can say."""
    found = kind_selector(kind)
    return any(set("*?") & set(part) and part != "*" for part in (found.group, found.version, found.kind))


def _resource_rules(path: Path, entry: Mapping[str, Any]) -> Iterator[ResourceRule]:
    resources, here = map_field(entry, "resources", path), (*path, "resources")
    operations = texts_field(resources, "operations", here) or ("*",)
    for kind in texts_field(resources, "kinds", here) or ("*",):
        found = kind_selector(kind)
        names = _resources(found)
        yield ResourceRule(_or_any(found.group), _or_any(found.version), operations, names)


def _or_any(pattern: str) -> tuple[str, ...]:
    return ("*",) if set("*?") & set(pattern) else (pattern,)


def _resources(kind: KindSelector) -> tuple[str, ...]:
    if set("*?") & set(kind.kind):
        plurals = {"*"}
    else:
        groups = SERVED_GROUPS if kind.group == "*" else (kind.group,)
        plurals = {kind_of(f"{group}/v1", kind.kind).plural for group in groups} | {guess_plural(kind.kind)}
    if kind.subresource:
        return tuple(f"{plural}/{kind.subresource}" for plural in sorted(plurals))
    ephemeral = ("pods/ephemeralcontainers",) if kind.kind == "Pod" else ()
    return (*sorted(plurals), *ephemeral)


# conditions


def _filter(path: Path, entry: Mapping[str, Any], is_match: bool) -> str:
    resources, here = map_field(entry, "resources", path), (*path, "resources")
    for field in resources:
        if field not in _RESOURCE_PARTS:
            raise PolicyError(f"unknown field {field}", (*here, field), "remove it, or correct its name")
    parts = [*_resource_parts(resources, here), *_user_parts(entry, path, is_match)]
    return _joined("&&", parts) if parts else "false"  # an empty filter is about nothing


def _resource_parts(resources: Mapping[str, Any], here: Path) -> Iterator[str]:
    kinds = texts_field(resources, "kinds", here)
    if kinds:
        yield _joined("||", map(_kind, kinds))
    operations = texts_field(resources, "operations", here)
    if operations:
        yield f"request.operation in {quoted(operations)}"
    names = texts_field(resources, "names", here)
    if text_field(resources, "name", here):
        yield _like(_NAME, resources["name"])
    if names:
        yield _like_any(_NAME, names)
    namespaces = texts_field(resources, "namespaces", here)
    if namespaces:
        yield _like_any("request.namespace", namespaces)
    for key, value in map_field(resources, "annotations", here).items():
        yield _entry_like(_ANNOTATIONS, str(key), str(value))
    yield from _selector(_selector_field(resources, "selector", here), _LABELS)
    spaces = list(_selector(_selector_field(resources, "namespaceSelector", here), _NAMESPACE_LABELS))
    if spaces:
        yield f"request.kind.kind == 'Namespace' || ({_joined('&&', spaces)})"


def _kind(text: str) -> str:
    found = kind_selector(text)
    parts = {"group": found.group, "version": found.version, "kind": found.kind}
    conditions = [_like(f"request.kind.{field}", pattern) for field, pattern in parts.items() if pattern != "*"]
    if found.subresource:
        conditions.append(_like("request.subResource", found.subresource))
    return _joined("&&", conditions) if conditions else "true"


def _user_parts(entry: Mapping[str, Any], path: Path, is_match: bool) -> Iterator[str]:
    """Yield what must hold of the user; a match asks nothing where no user is known, as in Kyverno's own runs on files."""
    parts = []
    for field in ("roles", "clusterRoles"):
        names = texts_field(entry, field, path)
        if names:
            parts.append(f"request.userInfo.{field}.exists(role, role in {quoted(names)})")
    subjects = entry.get("subjects") or []
    if not isinstance(subjects, list) or not all(isinstance(each, dict) for each in subjects):
        raise PolicyError("subjects is no list of maps", (*path, "subjects"))
    if subjects:
        parts.append(_joined("||", map(_subject, subjects)))
    if parts:
        joined = _joined("&&", parts)
        yield f"{_NO_USER} || ({joined})" if is_match else joined


def _subject(subject: Mapping[str, Any]) -> str:
    name, kind = str(subject.get("name", "")), subject.get("kind")
    if kind == "ServiceAccount":
        name = f"system:serviceaccount:{subject.get('namespace', '')}:{name}"
    elif kind == "Group":
        return f"request.userInfo.groups.exists(group, {_like('group', name)})"
    return _like("request.userInfo.username", name)


def _selector_field(resources: Mapping[str, Any], field: str, here: Path) -> Any:
    """Return a selector, checked as one that has a letter wherever it has a wildcard."""
    selector = resources.get(field)
    labels = selector.get("matchLabels") if isinstance(selector, dict) else None
    if isinstance(labels, dict):
        plain = {_WILDCARD.sub("x", str(key)): _plain(value) for key, value in labels.items()}
        selector_field({field: {**resources[field], "matchLabels": plain}}, field, here)
        return selector
    return selector_field(resources, field, here)


def _plain(value: Any) -> Any:
    return _WILDCARD.sub("x", value) if isinstance(value, str) else value


def _selector(selector: Any, labels: str) -> Iterator[str]:
    if not selector:
        return
    for key, value in (selector.get("matchLabels") or {}).items():
        yield _entry_like(labels, key, value)
    for each in selector.get("matchExpressions") or ():
        key, values = quoted(each["key"]), quoted(each.get("values") or [])
        yield {
            "In": f"{key} in {labels} && {labels}[{key}] in {values}",
            "NotIn": f"!({key} in {labels} && {labels}[{key}] in {values})",
            "Exists": f"{key} in {labels}",
            "DoesNotExist": f"!({key} in {labels})",
        }[each["operator"]]


def _entry_like(entries: str, key: str, value: str) -> str:
    """Say that a map has an entry whose key and value are like two patterns."""
    if not set("*?") & set(key + value):
        return f"{quoted(key)} in {entries} && {entries}[{quoted(key)}] == {quoted(value)}"
    return f"{entries}.exists(key, {_like('key', key)} && {_like(f'{entries}[key]', value)})"


def _like_any(text: str, patterns: Iterable[str]) -> str:
    """Say that a text is like one of several patterns."""
    found = list(patterns)
    plain = [each for each in found if not _WILDCARD.search(each)]
    likes = [_like(text, each) for each in found if _WILDCARD.search(each)]
    return _joined("||", [*([f"{text} in {quoted(plain)}"] if plain else []), *likes])


def _like(text: str, pattern: str) -> str:
    """Say that a text is like a pattern with `*` and `?`."""
    if pattern == "*":
        return "true"
    if not set("*?") & set(pattern):
        return f"{text} == {quoted(pattern)}"
    expression = "".join({"*": ".*", "?": "."}.get(each) or re.escape(each) for each in pattern)
    return f"{text}.matches({quoted(f'^{expression}$')})"


def quoted(value: Any) -> str:
    """Write a text, or a list of texts, as CEL does."""
    return json.dumps(value, ensure_ascii=False)
