"""Builders of small feeds and of indexes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from transom.advisories import Index
from transom.advisories.building import build
from transom.advisories.documents import Document
from transom.advisories.feeds import read


@pytest.fixture
def index_of(tmp_path: Path):
    """Return what builds an index of documents (name, object or text) and opens it."""
    opened: list[Index] = []

    def make(*contents: object, name: str = "index.db") -> Index:
        documents = [
            Document(f"{number}.json", each if isinstance(each, bytes) else json.dumps(each).encode())
            for number, each in enumerate(contents)
        ]
        build((told for document in documents for told in read(document)), tmp_path / name)
        opened.append(Index(tmp_path / name))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


@pytest.fixture
def osv():
    """Return what makes an OSV record about one package."""

    def make(
        name: str = "T-1",
        package: tuple[str, str] = ("npm", "left"),
        events: list[dict[str, str]] | None = None,
        kind: str = "ECOSYSTEM",
        versions: list[str] | None = None,
        **more: object,
    ) -> dict[str, object]:
        ranges = [{"type": kind, "events": events}] if events else []
        affected = {
            "package": {"ecosystem": package[0], "name": package[1]},
            "ranges": ranges,
            "versions": versions or [],
        }
        return {"id": name, "modified": "2024-01-01T00:00:00Z", "affected": [affected], **more}

    return make
