"""The pages in docs/rules are those that the rules make."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.cli.pages import markdown_pages
from transom.rules.load import builtin_pack

PAGES = markdown_pages(builtin_pack().rules)


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "docs" / "rules"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_its_rule_makes_it(folder: Path, name: str) -> None:
    assert (folder / name).read_text(encoding="utf-8") == PAGES[name], "run make docs"


def test_there_is_no_page_of_a_rule_that_is_gone(folder: Path) -> None:
    assert {file.name for file in folder.glob("*.md")} == set(PAGES), "run make docs"


@pytest.mark.parametrize("name", [name for name in PAGES if name != "README.md"])
def test_a_page_tells_everything(name: str) -> None:
    for heading in ("## Fix", "## Bad", "## Good", "## What is judged", "**修复：**"):
        assert heading in PAGES[name]


def test_the_index_leads_to_every_page() -> None:
    for name in set(PAGES) - {"README.md"}:
        assert f"({name})" in PAGES["README.md"]
