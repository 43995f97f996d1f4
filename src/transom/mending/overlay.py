"""Patches of objects that nobody can edit in place: strategic merge patches, and a kustomization that lists them.

`kubectl apply -k DIR` does not apply them by themselves: a kustomization needs its resources. Each file also goes to
`kubectl patch --type strategic --patch-file`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as File
from typing import Any

from transom.kube.rendering import same
from transom.mending.steps import Proposal
from transom.model.errors import TransomError
from transom.rules.export import write_yaml
from transom.rules.merging import ATOMIC, Rules, rules_of

KUSTOMIZATION = "kustomization.yaml"
_UNSAFE = re.compile(r"[^a-z0-9.-]+")


def strategic_patch(old: Mapping[str, Any], new: Mapping[str, Any], group: str, kind: str) -> dict[str, Any]:
    """Return the strategic merge patch that makes one object of another of the same kind.

    Lists that Kubernetes merges are patched by the keys of their elements, others are given whole; null removes a field.
    """
    patch = _map_patch(old, new, rules_of(group, kind), "")
    metadata = {key: old.get("metadata", {})[key] for key in ("name", "namespace") if key in old.get("metadata", {})}
    changed = {key: value for key, value in patch.items() if key not in ("apiVersion", "kind", "metadata")}
    metadata |= patch.get("metadata", {})
    return {"apiVersion": new["apiVersion"], "kind": new["kind"], "metadata": metadata, **changed}


def _map_patch(old: Mapping[str, Any], new: Mapping[str, Any], rules: Rules, path: str) -> dict[str, Any]:
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if key in old and same(before, value):
            continue
        here = f"{path}.{key}" if path else key
        how = rules.get(here)
        if isinstance(before, dict) and isinstance(value, dict) and how != ATOMIC:
            patch[key] = _map_patch(before, value, rules, here)
        elif isinstance(before, list) and isinstance(value, list) and isinstance(how, list):
            patch[key] = _list_patch(before, value, rules, here, how[0])
        else:
            patch[key] = value
    return patch


def _list_patch(old: list[Any], new: list[Any], rules: Rules, path: str, key: str) -> list[Any]:
    """Return the elements that change, by the key that a strategic merge knows them by: the first of the list's keys."""
    before, after = ({each.get(key): each for each in elements} for elements in (old, new))
    if len(before) < len(old) or len(after) < len(new):  # a key stands twice, so it tells no element from another
        return [{"$patch": "replace"}, *new]
    patch: list[Any] = [{"$patch": "delete", key: name} for name in before if name not in after]
    for name, element in after.items():
        if name not in before:
            patch.append(element)
        elif not same(before[name], element):
            patch.append({key: name, **_map_patch(before[name], element, rules, path)})
    return patch


def write_overlay(folder: str, proposals: Sequence[Proposal]) -> list[str]:
    """Write a patch for each object, and the kustomization; return the names of the files. Raises TransomError."""
    files = dict(_files(proposals))
    home = File(folder)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (home / name).write_text(text, encoding="utf-8")
    except OSError as error:
        why = error.strerror or str(error)
        raise TransomError(f"cannot write patches to {folder}", why, "name another folder") from error
    return list(files)


def _files(proposals: Sequence[Proposal]) -> Iterator[tuple[str, str]]:
    listed = []
    taken: set[str] = {KUSTOMIZATION}
    for each in proposals:
        ref, old = each.entry.ref, each.entry.object
        patch = strategic_patch(old, each.value, ref.group, ref.kind)
        words = "-".join(word for word in (ref.namespace, ref.kind, ref.name) if word)
        name = stem = _UNSAFE.sub("-", words.lower()).strip("-.") or "patch"
        count = 1
        while f"{name}.yaml" in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(f"{name}.yaml")
        version = each.entry.api_version.rpartition("/")[2]
        target = {
            "group": ref.group,
            "version": version,
            "kind": ref.kind,
            "name": ref.name,
            "namespace": ref.namespace,
        }
        listed.append({"path": f"{name}.yaml", "target": {key: value for key, value in target.items() if value}})
        yield f"{name}.yaml", write_yaml([patch])
    if listed:
        made = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "patches": listed}
        yield KUSTOMIZATION, write_yaml([made])
