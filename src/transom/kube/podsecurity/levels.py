"""Which checks make a level at a version, and what they say of a pod."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from transom.kube.kinds import template_path
from transom.kube.podsecurity import checks
from transom.kube.podsecurity.checks import Checker, Place, unless_own_users, unless_windows
from transom.kube.podsecurity.fields import Malformed, read_pod
from transom.model.errors import UsageError

__all__ = ["LATEST", "LEVELS", "Malformed", "Violation", "evaluate", "evaluate_object", "parse_level"]

LEVELS = ("privileged", "baseline", "restricted")
LATEST = (1, 36)


class Violation(Struct, frozen=True):
    """A check that a pod fails: its id and reason as Kubernetes words them, and every place that it forbids."""

    check: str
    reason: str
    places: tuple[Place, ...]


class Check(Struct, frozen=True):
    """A check: versions are (minor from which it holds, function), ascending; overrides: baseline checks it replaces."""

    id: str
    reason: str
    level: str
    versions: tuple[tuple[int, Checker], ...]
    overrides: str = ""


_TYPES_1_31 = checks.SELINUX_TYPES | {"container_engine_t"}
CHECKS = (
    Check("privileged", "privileged", "baseline", ((0, checks.privileged),)),
    Check("hostNamespaces", "host namespaces", "baseline", ((0, checks.host_namespaces),)),
    Check("hostPathVolumes", "hostPath volumes", "baseline", ((0, checks.host_path_volumes),)),
    Check("hostPorts", "hostPort", "baseline", ((0, checks.host_ports),)),
    Check("hostProbesAndHostLifecycle", "probe or lifecycle host", "baseline", ((34, checks.probe_hosts),)),
    Check("capabilities_baseline", "non-default capabilities", "baseline", ((0, checks.capabilities),)),
    Check("appArmorProfile", "forbidden AppArmor profile", "baseline", ((0, checks.apparmor),)),
    Check(
        "seLinuxOptions",
        "seLinuxOptions",
        "baseline",
        ((0, checks.selinux(checks.SELINUX_TYPES)), (31, checks.selinux(_TYPES_1_31))),
    ),
    Check("procMount", "procMount", "baseline", ((0, checks.proc_mount), (35, unless_own_users(checks.proc_mount)))),
    Check(
        "seccompProfile_baseline",
        "seccompProfile",
        "baseline",
        ((0, checks.seccomp_annotations), (19, checks.seccomp)),
    ),
    Check(
        "sysctls",
        "forbidden sysctls",
        "baseline",
        (
            (0, checks.sysctls(checks.SYSCTLS)),
            (27, checks.sysctls(checks.SYSCTLS_1_27)),
            (29, checks.sysctls(checks.SYSCTLS_1_29)),
            (32, checks.sysctls(checks.SYSCTLS_1_32)),
        ),
    ),
    Check("windowsHostProcess", "hostProcess", "baseline", ((0, checks.windows_host_process),)),
    Check(
        "restrictedVolumes",
        "restricted volume types",
        "restricted",
        ((0, checks.restricted_volumes),),
        "hostPathVolumes",
    ),
    Check(
        "allowPrivilegeEscalation",
        "allowPrivilegeEscalation != false",
        "restricted",
        ((8, checks.privilege_escalation), (25, unless_windows(checks.privilege_escalation))),
    ),
    Check(
        "runAsNonRoot",
        "runAsNonRoot != true",
        "restricted",
        ((0, checks.run_as_non_root), (35, unless_own_users(checks.run_as_non_root))),
    ),
    Check(
        "runAsUser",
        "runAsUser=0",
        "restricted",
        ((23, checks.run_as_user), (35, unless_own_users(checks.run_as_user))),
    ),
    Check("procMount_restricted", "procMount", "restricted", ((35, checks.proc_mount),), "procMount"),
    Check(
        "seccompProfile_restricted",
        "seccompProfile",
        "restricted",
        ((19, checks.restricted_seccomp), (25, unless_windows(checks.restricted_seccomp))),
        "seccompProfile_baseline",
    ),
    Check(
        "capabilities_restricted",
        "unrestricted capabilities",
        "restricted",
        ((22, checks.restricted_capabilities), (25, unless_windows(checks.restricted_capabilities))),
        "capabilities_baseline",
    ),
)
"""Every check that Kubernetes enables by default."""


def parse_level(text: str) -> tuple[str, tuple[int, int]]:
    """Read `restricted`, `restricted@latest` or `restricted@v1.30`; raises UsageError."""
    level, _, version = text.partition("@")
    if level not in LEVELS:
        raise UsageError(f"{level!r} is no Pod Security level", "", f"choose from {', '.join(LEVELS)}")
    if version in ("", "latest"):
        return level, LATEST
    major, _, minor = version.removeprefix("v").partition(".")
    if major != "1" or not minor.isdecimal() or len(minor) > 3:
        raise UsageError(f"{version!r} is no version of Pod Security", "", "write it like v1.30, or latest")
    return level, (1, min(int(minor), LATEST[1]))


def active_checks(level: str, version: tuple[int, int]) -> list[tuple[Check, Checker]]:
    """Return the checks of a level at a version; at restricted, some replace those of baseline."""
    levels = LEVELS[1 : LEVELS.index(level) + 1]
    found = []
    for check in CHECKS:
        fitting = [checker for minor, checker in check.versions if minor <= version[1]]
        if check.level in levels and fitting:
            found.append((check, fitting[-1]))
    replaced = {check.overrides for check, _ in found}
    return [(check, checker) for check, checker in found if check.id not in replaced]


def evaluate(metadata: Any, spec: Any, level: str, version: tuple[int, int] = LATEST) -> tuple[Violation, ...]:
    """Return what a level forbids in a pod; raises Malformed for a pod that the API server would not decode."""
    pod = read_pod(metadata, spec)
    found = ((check, tuple(checker(pod))) for check, checker in active_checks(level, version))
    return tuple(Violation(check.id, check.reason, places) for check, places in found if places)


def evaluate_object(
    value: dict[str, Any], group: str, kind: str, level: str, version: tuple[int, int] = LATEST
) -> tuple[Violation, ...] | None:
    """Return what a level forbids in the pods of an object, paths from the pod; None for kinds that make no pods."""
    prefix = template_path(group, kind)
    if prefix is None:
        return None
    template: Any = value
    for step in prefix:
        if not isinstance(template, dict):
            raise Malformed(prefix, "map")
        template = template.get(step)
    if not isinstance(template, dict):
        raise Malformed(prefix, "map")
    return evaluate(template.get("metadata"), template.get("spec"), level, version)
