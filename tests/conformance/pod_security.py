"""Pods that each Pod Security level must pass or fail, at every version: pod-security-admission's own fixtures."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from transom.kube.documents import Document, read_documents
from transom.kube.podsecurity import evaluate

CHECK_IDS = {
    "allowprivilegeescalation": "allowPrivilegeEscalation",
    "apparmorprofile": "appArmorProfile",
    "capabilities_baseline": "capabilities_baseline",
    "capabilities_restricted": "capabilities_restricted",
    "hostnamespaces": "hostNamespaces",
    "hostpathvolumes": "hostPathVolumes",
    "hostports": "hostPorts",
    "hostprobesandhostlifecycle": "hostProbesAndHostLifecycle",
    "privileged": "privileged",
    "procmount": "procMount",
    "procmount_restricted": "procMount_restricted",
    "restrictedvolumes": "restrictedVolumes",
    "runasnonroot": "runAsNonRoot",
    "runasuser": "runAsUser",
    "seccompprofile_baseline": "seccompProfile_baseline",
    "seccompprofile_restricted": "seccompProfile_restricted",
    "selinuxoptions": "seLinuxOptions",
    "sysctls": "sysctls",
    "windowshostprocess": "windowsHostProcess",
}
REPLACED = {
    "capabilities_baseline": "capabilities_restricted",
    "hostPathVolumes": "restrictedVolumes",
    "procMount": "procMount_restricted",
    "seccompProfile_baseline": "seccompProfile_restricted",
}
"""What stands for a baseline check at the restricted level, from the version on that has it."""


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every fixture; returns one row. A failing pod must fail the check that its file is named for."""
    cases = agree = 0
    differences = []
    for path in fixtures(corpora):
        cases += 1
        difference = judge(path)
        if difference:
            differences.append(f"{path.relative_to(corpora)}: {difference}")
        else:
            agree += 1
    row = {"corpus": "pod-security", "cases": cases, "agree": agree, "differ": len(differences)}
    return [{**row, "unsupported": {}, "differences": differences}]


def fixtures(corpora: Path) -> Iterator[Path]:
    """Yield the fixtures, in a stable order."""
    yield from sorted((corpora / "pod-security" / "test" / "testdata").glob("*/v*/*/*.yaml"))


def pod_of(path: Path) -> dict[str, Any]:
    """Return the pod of a fixture, read as a scan reads it."""
    with path.open("rb") as stream:
        (document,) = read_documents(stream, str(path))
    assert isinstance(document, Document)
    value: dict[str, Any] = document.value
    return value


def level_of(path: Path) -> tuple[str, tuple[int, int], bool]:
    """Return the level and version that a fixture is for, and whether it passes."""
    level, version, outcome = path.parts[-4:-1]
    return level, (1, int(version.removeprefix("v1."))), outcome == "pass"


def judge(path: Path) -> str:
    """Return how the verdict on a fixture differs from what it expects, "" where it does not."""
    level, version, passes = level_of(path)
    pod = pod_of(path)
    found = {violation.check for violation in evaluate(pod["metadata"], pod["spec"], level, version)}
    if passes:
        return f"refused by {', '.join(sorted(found))}" if found else ""
    wanted = CHECK_IDS[re.sub(r"[0-9]+$", "", path.stem)]
    if wanted in found or (level == "restricted" and REPLACED.get(wanted) in found):
        return ""
    return f"not refused by {wanted}, but by {', '.join(sorted(found)) or 'nothing'}"
