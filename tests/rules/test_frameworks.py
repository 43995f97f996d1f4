"""The frameworks' tables fit the rules that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from transom.model.errors import TransomError, UsageError
from transom.model.frameworks import Framework
from transom.rules.frameworks import (
    FRAMEWORKS_FOLDER,
    controls_of,
    framework_named,
    frameworks,
    read_framework,
)
from transom.rules.load import builtin_pack

SERVES_NONE = {
    "annotation-missing",
    "cpu-limit-set",
    "cron-job-without-deadline",
    "dns-search-costly",
    "ingress-class-missing",
    "job-never-removed",
    "label-invalid",
    "label-missing",
    "node-choice-missing",
    "priority-class-missing",
    "probe-impatient",
    "probe-port-unknown",
    "probes-identical",
    "restart-policy-never",
    "selector-mismatch",
    "stateful-set-without-service",
    "volume-claim-class-missing",
}
"""Rules for the sake of order and uptime, which no framework of security asks for."""
JOINED_SERVE_NONE = {
    "autoscaler-cannot-scale",
    "autoscaler-target-missing",
    "config-map-missing",
    "deprecated-api-version",
    "disruption-budget-blocks",
    "disruption-budget-missing",
    "disruption-budget-selects-nothing",
    "gateway-missing",
    "ingress-backend-missing",
    "ingress-host-claimed-twice",
    "replicas-beside-autoscaler",
    "route-backend-missing",
    "secret-missing",
    "service-account-missing",
    "service-monitor-selects-nothing",
    "service-port-undeclared",
    "service-selector-twice",
    "service-selects-nothing",
    "stateful-set-service-missing",
    "volume-claim-missing",
}
"""The same, of checks that join objects."""

DOCKERFILES_SERVE_NONE = {
    "dockerfile-apt-used",
    "dockerfile-archive-copied",
    "dockerfile-begins-wrong",
    "dockerfile-cd-in-run",
    "dockerfile-chown-after-copy",
    "dockerfile-cmd-twice",
    "dockerfile-command-useless",
    "dockerfile-context-over-root",
    "dockerfile-copy-from-itself",
    "dockerfile-copy-many-to-file",
    "dockerfile-copy-to-anywhere",
    "dockerfile-entrypoint-twice",
    "dockerfile-healthcheck-twice",
    "dockerfile-install-asks",
    "dockerfile-label-key-invalid",
    "dockerfile-label-value-invalid",
    "dockerfile-maintainer",
    "dockerfile-onbuild-invalid",
    "dockerfile-pipe-failure-ignored",
    "dockerfile-platform-fixed",
    "dockerfile-port-invalid",
    "dockerfile-runs-consecutive",
    "dockerfile-shell-form",
    "dockerfile-shell-replaced",
    "dockerfile-stage-copied-whole",
    "dockerfile-stage-name-reserved",
    "dockerfile-stage-name-twice",
    "dockerfile-stop-signal-invalid",
    "dockerfile-tool-cache-kept",
    "dockerfile-user-number-high",
    "dockerfile-variable-too-early",
    "dockerfile-wget-progress",
    "dockerfile-workdir-relative",
}
"""The same, of Dockerfiles."""

IMAGES_SERVE_NONE = {
    "image-altered-package-file",
    "container-package-changed",
    "container-program-changed",
    "container-start-changed",
    "image-account-number-twice",
    "image-bytes-wasted",
    "image-database-altered",
    "image-database-removed",
    "image-evidence-hidden",
    "image-owner-unknown",
    "image-packages-unknown",
    "image-packed-program",
    "image-system-untold",
}
"""The same, of images."""

IDS = {
    "cis-docker": r"4\.[1-9][0-2]?",
    "cis-kubernetes": r"5\.[1-6]\.[1-9][0-9]?",
    "microsoft-threat-matrix": r"MS-TA90(0[1-9]|[1-3][0-9]|4[01])",
    "mitre-attack": r"T1[0-9]{3}(\.0[0-9]{2})?",
    "nsa-cisa": r"[a-z-]+/[a-z-]+",
    "owasp-k8s-top10": r"K(0[1-9]|10)",
    "pci-dss": r"[1-9][0-9]?\.[0-9]{1,2}\.[0-9]",
    "pss": r"(baseline|restricted)/[a-z-]+",
    "soc2": r"(CC[5-8]|A1|C1)\.[1-8]",
}
TABLE = """\
id: house
title: House rules
version: "1"
source: https://example.com/
controls:
- {id: A, title: First, rules: [host-pid]}
"""


@pytest.fixture(scope="module")
def rules() -> set[str]:
    return set(builtin_pack().faces)


def test_the_frameworks_are_there() -> None:
    assert [framework.id for framework in frameworks()] == sorted(IDS)


@pytest.mark.parametrize("framework", frameworks(), ids=lambda framework: framework.id)
def test_every_rule_that_a_table_names_exists(framework: Framework, rules: set[str]) -> None:
    assert framework.rules - rules == set()


@pytest.mark.parametrize("framework", frameworks(), ids=lambda framework: framework.id)
def test_no_control_stands_twice(framework: Framework) -> None:
    ids = [control.id for control in framework.controls]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("framework", frameworks(), ids=lambda framework: framework.id)
def test_control_ids_have_the_form_of_their_framework(framework: Framework) -> None:
    for control in framework.controls:
        assert re.fullmatch(IDS[framework.id], control.id), control.id


@pytest.mark.parametrize("framework", frameworks(), ids=lambda framework: framework.id)
def test_every_table_tells_its_source(framework: Framework) -> None:
    assert framework.source.startswith("https://")
    assert framework.version


def test_every_rule_serves_a_framework_or_is_said_to_serve_none(rules: set[str]) -> None:
    served = frozenset[str]().union(*(framework.rules for framework in frameworks()))
    assert rules - served == SERVES_NONE | JOINED_SERVE_NONE | DOCKERFILES_SERVE_NONE | IMAGES_SERVE_NONE


def test_the_controls_of_a_rule_are_told_by_framework() -> None:
    assert controls_of("host-pid") == {
        "cis-kubernetes": ["5.2.3"],
        "microsoft-threat-matrix": ["MS-TA9018"],
        "mitre-attack": ["T1611"],
        "nsa-cisa": ["pod-security/enforcement"],
        "owasp-k8s-top10": ["K01"],
        "pci-dss": ["2.2.3"],
        "pss": ["baseline/host-namespaces"],
        "soc2": ["CC6.8"],
    }


def test_a_rule_that_nobody_knows_serves_none() -> None:
    assert controls_of("no-such-rule") == {}


def test_a_framework_is_found_by_its_id() -> None:
    assert framework_named("pss").title == "Pod Security Standards"


def test_an_unknown_framework_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="pss"):
        framework_named("psp")


def test_a_sound_table_is_read(tmp_path: Path) -> None:
    file = tmp_path / "house.yaml"
    file.write_text(TABLE)
    assert read_framework(file).name == "House rules 1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TABLE + "- {id: A, title: Again, rules: []}\n", "two controls A"),
        (TABLE + "- {id: B, title: Empty, rules: []}\n", "say why it is undecided"),
        (TABLE.replace("[host-pid]", "[host-pid, host-pid]"), "names a rule twice"),
        (TABLE.replace("id: house", "id: other"), "called other"),
        (TABLE.replace("rules: [host-pid]", "rules: host-pid"), "Expected `array`"),
        (TABLE + "more: 1\n", "unknown field"),
        (TABLE.replace('version: "1"\n', ""), "version"),
        ("{", "framework"),
        ("", "framework"),
        ("\x00", "framework"),
    ],
    ids=[
        "twice",
        "no reason",
        "rule twice",
        "other id",
        "no list",
        "unknown field",
        "missing field",
        "no yaml",
        "empty",
        "bytes",
    ],
)
def test_a_broken_table_is_a_clear_error(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "house.yaml"
    file.write_text(text)
    with pytest.raises(TransomError, match=why):
        read_framework(file)


def test_a_table_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(TransomError, match="cannot read the framework"):
        read_framework(tmp_path / "house.yaml")


def test_there_is_no_other_file_among_the_tables() -> None:
    assert {file.suffix for file in FRAMEWORKS_FOLDER.iterdir()} == {".yaml"}
