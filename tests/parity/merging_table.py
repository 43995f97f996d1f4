"""How lists and maps of Kubernetes' types are merged, read from the OpenAPI of an API server.

`python -m tests.parity.merging_table` writes the table that Transom keeps; a test holds it to the server.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from transom.kube.kinds import SERVED_GROUPS, TEMPLATE_PATHS, is_built_in
from transom.rules.merging import TABLE

METADATA = "metadata"
HEAD = """\
# How lists and maps of Kubernetes' own types are merged by server-side apply, by kind, then by path below the object.
# A list of keys: elements are known by these (`key=value`: the value where an element has none); set: a list of single
# values; atomic: replaced as a whole. Lists that are not named are atomic, maps that are not named are merged. What
# every kind has in common stands under `*`; pod templates are merged as Pod. Written by tests/parity/merging_table.py.
"""
Schemas = dict[str, dict[str, Any]]


def table(api: Api) -> dict[str, dict[str, Any]]:
    """Return the table as the server tells it."""
    schemas = _schemas(api)
    found: dict[str, dict[str, Any]] = {"*": {}}
    for schema in schemas.values():
        for each in schema.get("x-kubernetes-group-version-kind", ()):
            group, kind = each["group"], each["kind"]
            if METADATA in schema.get("properties", {}) and is_built_in(group, kind) and group in SERVED_GROUPS:
                rules = dict(_walk(schemas, {"properties": schema["properties"]}, (), frozenset()))
                common = {path: how for path, how in rules.items() if path.startswith(f"{METADATA}.")}
                found["*"].update(common)
                own = _without_template(group, kind, {path: rules[path] for path in rules.keys() - common.keys()})
                if own:
                    found.setdefault(f"{group}/{kind}" if group else kind, {}).update(own)
    return {kind: dict(sorted(found[kind].items())) for kind in sorted(found)}


def _without_template(group: str, kind: str, rules: dict[str, Any]) -> dict[str, Any]:
    template = TEMPLATE_PATHS.get((group, kind))
    prefix = f"{'.'.join(map(str, template))}." if template else None
    return {
        path: how
        for path, how in rules.items()
        if not path.startswith("status.") and (prefix is None or not path.startswith(prefix))
    }


def _schemas(api: Api) -> Schemas:
    found: Schemas = {}
    for path, each in api.request("GET", "/openapi/v3").body["paths"].items():
        if path == "api/v1" or (path.startswith("apis/") and path.count("/") == 2):
            document = api.request("GET", each["serverRelativeURL"]).body
            found.update(document.get("components", {}).get("schemas", {}))
    return found


def _walk(schemas: Schemas, schema: dict[str, Any], path: tuple[str, ...], seen: frozenset[str]) -> Any:
    name, target = _target(schema)
    if name in seen:
        return
    whole = {**(schemas[name] if name else target), **{key: each for key, each in schema.items() if key[:2] == "x-"}}
    seen = seen | {name} if name else seen
    if whole.get("x-kubernetes-map-type") == "atomic":
        yield ".".join(path), "atomic"
    elif whole.get("type") == "array":
        yield from _list(schemas, whole, path, seen)
    else:
        for field, each in whole.get("properties", {}).items():
            yield from _walk(schemas, each, (*path, field), seen)


def _list(schemas: Schemas, whole: dict[str, Any], path: tuple[str, ...], seen: frozenset[str]) -> Any:
    kind = whole.get("x-kubernetes-list-type", "atomic")
    if kind == "set":
        yield ".".join(path), "set"
    if kind != "map":
        return
    name, target = _target(whole["items"])
    item = schemas[name] if name else target
    if item.get("x-kubernetes-map-type") == "atomic":
        return  # its elements cannot be merged, so it is no different from an atomic list
    defaults = {key: each.get("default") for key, each in item["properties"].items()}
    keys = whole["x-kubernetes-list-map-keys"]
    yield ".".join(path), [f"{key}={defaults[key]}" if defaults[key] else key for key in keys]
    yield from _walk(schemas, whole["items"], path, seen)


def _target(schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name of the schema that one refers to, "" and itself where it refers to none."""
    reference = schema.get("$ref") or next((each.get("$ref") for each in schema.get("allOf", ())), None)
    return (reference.rpartition("/")[2], {}) if reference else ("", schema)


def text(found: dict[str, dict[str, Any]]) -> str:
    """Return the table as YAML, a line for each path."""
    lines = [HEAD]
    for kind, rules in found.items():
        lines.append(f"{json.dumps(kind)}:\n")
        for path, how in rules.items():
            lines.append(f"  {path}: {how if isinstance(how, str) else '[' + ', '.join(how) + ']'}\n")
    return "".join(lines)


if __name__ == "__main__":
    from tests.cluster.binary import binaries
    from transom.kube.scratch import ControlPlane

    with ControlPlane(binaries()) as plane:
        Path(TABLE).write_text(text(table(Api(plane))), encoding="utf-8")
