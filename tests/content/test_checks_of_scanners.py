"""Whatever scanners check in Kubernetes objects is checked by a rule of ours, or is left out for a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from transom.rules.load import builtin_pack

ROWS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("checks_of_scanners.yaml").read_text())
GROUPS = {"W": 48, "Q": 9, "I": 13, "S": 9, "R": 23, "N": 17, "A": 19, "G": 5}
"""How many rows each group has: workloads, quantities, images, secrets, roles, network, availability, governance."""

FACES = builtin_pack().faces
OF_OUR_OWN = {
    "bound-account-missing",
    "config-map-missing",
    "default-role-widened",
    "exposed-path-to-cloud",
    "exposed-path-to-everything",
    "exposed-path-to-node",
    "exposed-path-to-secrets",
    "role-missing",
    "secret-missing",
}
"""Rules that no row asks for."""

OF_IMAGES = {
    "image-altered-package-file",
    "image-account-number-twice",
    "image-bytes-wasted",
    "image-compiler-present",
    "image-credential-file",
    "image-database-altered",
    "image-database-removed",
    "image-evidence-hidden",
    "image-file-capabilities",
    "image-healthcheck-missing",
    "image-name-latest",
    "image-owner-unknown",
    "image-package-cache-left",
    "image-package-manager-present",
    "image-packages-unknown",
    "container-package-changed",
    "container-program-changed",
    "container-start-changed",
    "image-packed-program",
    "image-password-empty",
    "image-release-ended",
    "image-repository-left",
    "image-root-user",
    "image-second-root",
    "image-secret-variable",
    "image-setuid-present",
    "image-setuid-unusual",
    "image-shell-present",
    "image-ssh-port",
    "image-sudo-present",
    "image-system-untold",
    "image-volume-of-the-system",
    "image-world-writable",
}
"""Rules over what images hold; the rows are of objects and of Dockerfiles."""

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])


def test_no_row_is_missing_or_told_twice() -> None:
    wanted = [f"{group}{number:02}" for group, count in GROUPS.items() for number in range(1, count + 1)]
    assert [row["id"] for row in ROWS] == wanted


@each_row
def test_a_row_has_rules_that_exist_or_a_reason(row: dict[str, Any]) -> None:
    assert ("rules" in row) != ("left" in row)
    assert set(row.get("rules", ())) <= set(FACES)
    assert row.get("left", ".").endswith(".")


def test_every_rule_answers_a_row_or_is_of_our_own() -> None:
    asked = {rule for row in ROWS for rule in row.get("rules", ())}
    assert set(FACES) - asked == OF_OUR_OWN | OF_IMAGES
