"""Packs of rules: those that come with Transom, and those of folders that a person names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.lang.cel.version import CURRENT
from transom.model.errors import UsageError
from transom.model.findings import Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path as File

    from transom.model.severity import Severity
    from transom.rules.check import Check
    from transom.rules.policy import Policy

# What a warm start runs does without pathlib, whose import costs as much as a tenth of the rest.
BUILTIN_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "content", "policies")
TESTS_SUFFIX, FIX_SUFFIX = ".test.yaml", ".fix.yaml"
TEST_FOLDERS = frozenset((".kyverno-test", ".chainsaw-test"))  # what is in them is not in force anywhere
OTHERS_WINDOW = "workloads"  # where policies of others are shown: they say what objects are allowed to be


class Pack(Struct, frozen=True):
    """Rules of both forms, policies and checks, and what could not be loaded."""

    policies: tuple[Policy, ...] = ()
    problems: tuple[Skipped, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def rules(self) -> tuple[Policy | Check, ...]:
        """The rules of both forms."""
        return (*self.policies, *self.checks)

    @property
    def faces(self) -> dict[str, Rule]:
        """The faces of the rules, by id."""
        return {rule.id: rule.face for rule in self.rules}

    def joined(self, other: Pack) -> Pack:
        """Return both packs as one; of two rules with one id the second is a problem."""
        known = {rule.id for rule in self.rules}
        doubles = [policy for policy in other.policies if policy.id in known]
        fresh = tuple(policy for policy in other.policies if policy.id not in known)
        problems = tuple(double(policy.id, policy.file) for policy in doubles)
        return Pack(self.policies + fresh, self.problems + other.problems + problems, self.checks + other.checks)

    def adapted(self, severities: Mapping[str, Severity], parameters: Mapping[str, Mapping[str, Any]]) -> Pack:
        """Return the pack with severities and parameters as a person set them; raises UsageError for unknown rules."""
        if not severities and not parameters:
            return self
        from transom.rules.select import unknown_rule

        known = {rule.id for rule in self.rules}
        for rule in (*severities, *parameters):
            if rule not in known:
                raise unknown_rule(rule, known)
        return replace(
            self,
            policies=tuple(_adapted(each, severities, parameters) for each in self.policies),
            checks=tuple(_adapted_check(each, severities, parameters) for each in self.checks),
        )


def _adapted(policy: Policy, severities: Mapping[str, Severity], parameters: Mapping[str, Mapping[str, Any]]) -> Policy:
    if policy.id in severities:
        policy = replace(policy, face=replace(policy.face, severity=severities[policy.id]))
    wanted = parameters.get(policy.id)
    if not wanted:
        return policy
    if not policy.params:
        raise UsageError(f"rule {policy.id} has no parameters", "", f"see transom rules show {policy.id}")
    return replace(policy, params=tuple(_with_values(policy.id, each, wanted) for each in policy.params))


def _adapted_check(
    check: Check, severities: Mapping[str, Severity], parameters: Mapping[str, Mapping[str, Any]]
) -> Check:
    if check.id in severities:
        check = replace(check, face=replace(check.face, severity=severities[check.id]))
    wanted = parameters.get(check.id)
    if not wanted:
        return check
    if not check.parameters:
        raise UsageError(f"rule {check.id} has no parameters", "", f"see transom rules show {check.id}")
    adapted = _with_values(check.id, {"data": check.parameters}, wanted)
    return replace(check, parameters=adapted["data"])


def _with_values(rule: str, params: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return a parameter object with some values replaced: under `data`, `settings` or `spec`, whichever it has."""
    field = next((each for each in ("data", "settings", "spec") if isinstance(params.get(each), dict)), None)
    values = params[field] if field else params
    for key in wanted:
        if key not in values:
            known = ", ".join(map(str, values))
            raise UsageError(f"rule {rule} has no parameter {key!r}", "", f"it has {known}")
    changed = {**values, **{key: _like(field, value) for key, value in wanted.items()}}
    return {**params, field: changed} if field else changed


def _like(field: str | None, value: Any) -> Any:
    """Return a value as a ConfigMap holds it, where it is one: text, lists joined by commas."""
    if field != "data" or isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(map(str, value))
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def builtin_pack(version: tuple[int, int] = CURRENT) -> Pack:
    """Return the rules that come with Transom, from the cache of compiled rules where they are there."""
    from transom.rules.cache import cached, stamp

    windows = [window.path for window in os.scandir(BUILTIN_FOLDER) if window.is_dir()]
    files = sorted(
        file.path
        for window in windows
        for file in os.scandir(window)
        if file.name.endswith(".yaml") and not file.name.endswith((TESTS_SUFFIX, FIX_SUFFIX))
    )
    return cached(files, version, lambda: read_pack(files, version, ours=True), stamp)


def load_pack(folders: Sequence[str], version: tuple[int, int] = CURRENT) -> Pack:
    """Return the policies of files and folders that a person names.

    Raises UsageError for a path that is not there, and where there is no policy at all.
    """
    from transom.rules.cache import cached

    found = list(policy_files(folders))
    files = [str(each) for each in found if not isinstance(each, Skipped)]
    unread = tuple(each for each in found if isinstance(each, Skipped))
    pack = cached(files, version, lambda: read_pack(files, version))
    pack = replace(pack, problems=unread + pack.problems)
    if not pack.policies and not pack.problems:
        raise UsageError(f"no policy in {', '.join(folders)}", "", "name a folder of ValidatingAdmissionPolicy files")
    return pack


def read_pack(files: Iterable[str | File], version: tuple[int, int] = CURRENT, ours: bool = False) -> Pack:
    """Return the policies of files, compiled here and now; ours: whether they are Transom's own."""
    from pathlib import Path as File

    from transom.rules.read import read_policies

    return Pack(*read_policies(map(File, files), version, ours))


def policy_files(paths: Sequence[str]) -> Iterator[File | Skipped]:
    """Yield the files below the paths that may hold policies (YAML, JSON; nothing that tests them), and what is unread."""
    from pathlib import Path as File

    from transom.kube.files import Found, FoundChart, walk

    for path in paths:
        if not File(path).exists():
            raise UsageError(f"cannot read rules from {path}", "there is no such file or folder", "check the path")
        for found in walk(path):
            if isinstance(found, Skipped):
                yield found
            elif isinstance(found, FoundChart):
                yield Skipped(
                    file_ref(found.shown), "policies are not read from Helm charts", "render it, or exclude it"
                )
            elif isinstance(found, Found) and not found.path.endswith((TESTS_SUFFIX, FIX_SUFFIX)):
                file = File(found.path)
                if TEST_FOLDERS.isdisjoint(file.relative_to(path).parts if file != File(path) else ()):
                    yield file


def double(rule: str, file: str) -> Skipped:
    """Return what is told of a policy whose name another one has."""
    ref = Ref(group="admissionregistration.k8s.io", kind="ValidatingAdmissionPolicy", name=rule)
    return Skipped(ref, f"another policy has the name {rule}", "rename one of the two", rule, Locator(file))
