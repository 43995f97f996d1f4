"""An object that the API server stores differs from the one it was given in nothing that a person wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from transom.inventory.fields import differences
from transom.kube.documents import Document, read_documents
from transom.kube.objects import objects
from transom.model.findings import Skipped

FOLDERS = ("kubernetes-examples", "kubernetes-goat", "microservices-demo", "netpol-recipes")
CREATED_FIRST = "drift"


def test_what_the_server_fills_in_is_no_difference(api: Api, corpora: Path, repository: Path) -> None:
    api.namespace(CREATED_FIRST)
    compared, found = 0, []
    for name, value in _objects([repository / "examples", *(corpora / folder for folder in FOLDERS)]):
        namespaced = _in_namespace(value)
        answer = api.create(namespaced, dry_run=True, validation="Warn")
        if answer.status != 201 or any("unknown field" in warning for warning in answer.warnings):
            continue  # invalid, of a kind that this server does not have, or with fields that it drops
        compared += 1
        group = value["apiVersion"].rpartition("/")[0]
        for difference in differences(namespaced, answer.body, group, value["kind"]):
            found.append((name, value["kind"], difference.text, difference.before, difference.after))
    assert found == []
    assert compared > 300


def _objects(folders: list[Path]) -> Iterator[tuple[str, dict[str, Any]]]:
    for folder in folders:
        for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.yml"), *folder.rglob("*.json"))):
            with path.open("rb") as stream:
                for document in read_documents(stream, str(path)):
                    if isinstance(document, Document):
                        found = objects(document.value, document=document)
                        yield from ((path.name, item[1]) for item in found if not isinstance(item, Skipped))


def _in_namespace(value: dict[str, Any]) -> dict[str, Any]:
    metadata = value.get("metadata") or {}
    return {**value, "metadata": {**metadata, "namespace": CREATED_FIRST}}
