"""The table of coverage says what the crosswalks say."""

from __future__ import annotations

from pathlib import Path

import pytest

from transom.rules.migration import crosswalk

TABLE = (Path(__file__).parents[2] / "docs/image-hardening.md").read_text()


@pytest.mark.parametrize("tool", ["hadolint", "dockle", "trivy"])
def test_every_check_of_the_crosswalk_stands_in_the_table(tool: str) -> None:
    for theirs, ours in crosswalk(tool).items():
        if theirs.startswith("KSV"):
            continue
        (line,) = [each for each in TABLE.splitlines() if each.startswith(f"| {theirs} |")]
        assert all(f"(rules/{rule}.md)" in line for rule in ours)


@pytest.mark.parametrize(
    "theirs",
    [f"CIS-DI-{number:04}" for number in range(1, 12)]
    + [f"DKL-DI-{number:04}" for number in range(1, 7)]
    + [f"DKL-LI-{number:04}" for number in range(1, 4)],
)
def test_every_checkpoint_of_dockle_is_answered(theirs: str) -> None:
    assert f"\n| {theirs} | " in TABLE
