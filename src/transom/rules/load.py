"""Policies from files: ValidatingAdmissionPolicy, their bindings, and the objects that their parameters are.

A policy that cannot be loaded is a Skipped with file and line; the others go on. Texts of ours stand in annotations
under transom.dev/; policies of others need none.
"""

from __future__ import annotations

from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.lang.cel.environment import CURRENT
from transom.model.errors import UsageError
from transom.model.findings import Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.rules.parse import PolicyError, Source, read_binding, read_policy, read_sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from transom.model.severity import Severity
    from transom.rules.policy import Policy

BUILTIN_FOLDER = File(__file__).parent.parent / "content" / "policies"
TESTS_SUFFIX = ".test.yaml"
OTHERS_WINDOW = "workloads"  # where policies of others are shown: they say what objects are allowed to be


class Pack(Struct, frozen=True):
    """Rules, and what could not be loaded."""

    policies: tuple[Policy, ...] = ()
    problems: tuple[Skipped, ...] = ()

    @property
    def faces(self) -> dict[str, Rule]:
        """The faces of the rules, by id."""
        return {policy.id: policy.face for policy in self.policies}

    def joined(self, other: Pack) -> Pack:
        """Return both packs as one; of two rules with one id the second is a problem."""
        known = {policy.id for policy in self.policies}
        doubles = [policy for policy in other.policies if policy.id in known]
        fresh = tuple(policy for policy in other.policies if policy.id not in known)
        problems = tuple(_double(policy.id, policy.file) for policy in doubles)
        return Pack(self.policies + fresh, self.problems + other.problems + problems)

    def adapted(self, severities: Mapping[str, Severity], parameters: Mapping[str, Mapping[str, Any]]) -> Pack:
        """Return the pack with severities and parameters as a person set them; raises UsageError for unknown rules."""
        if not severities and not parameters:
            return self
        from transom.rules.select import unknown_rule

        known = {policy.id for policy in self.policies}
        for rule in (*severities, *parameters):
            if rule not in known:
                raise unknown_rule(rule, known)
        return replace(self, policies=tuple(_adapted(each, severities, parameters) for each in self.policies))


def _adapted(policy: Policy, severities: Mapping[str, Severity], parameters: Mapping[str, Mapping[str, Any]]) -> Policy:
    if policy.id in severities:
        policy = replace(policy, face=replace(policy.face, severity=severities[policy.id]))
    wanted = parameters.get(policy.id)
    if not wanted:
        return policy
    if not policy.params:
        raise UsageError(f"rule {policy.id} has no parameters", "", f"see transom rules show {policy.id}")
    return replace(policy, params=tuple(_with_values(policy.id, each, wanted) for each in policy.params))


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
    from transom.rules.cache import cached

    files = sorted(path for path in BUILTIN_FOLDER.glob("*/*.yaml") if not path.name.endswith(TESTS_SUFFIX))
    return cached(files, version, lambda: read_pack(files, version, ours=True))


def load_pack(folders: Sequence[str], version: tuple[int, int] = CURRENT) -> Pack:
    """Return the policies of files and folders that a person names; raises UsageError for a path that is not there."""
    from transom.rules.cache import cached

    files = list(policy_files(folders))
    return cached(files, version, lambda: read_pack(files, version))


def policy_files(paths: Sequence[str]) -> Iterator[File]:
    """Yield the files below the paths that may hold policies: YAML and JSON, but for tests of rules."""
    from transom.kube.files import Found, walk

    for path in paths:
        if not File(path).exists():
            raise UsageError(f"cannot read rules from {path}", "there is no such file or folder", "check the path")
        for found in walk(path):
            if isinstance(found, Found) and not found.path.endswith(TESTS_SUFFIX):
                yield File(found.path)


def read_pack(files: Iterable[File], version: tuple[int, int] = CURRENT, ours: bool = False) -> Pack:
    """Return the policies of files, compiled here and now; ours: whether they are Transom's own."""
    policies: list[Policy] = []
    problems: list[Skipped] = []
    bindings, objects = [], []
    for item in read_sources(files):
        if isinstance(item, Skipped):
            problems.append(item)
            continue
        try:
            if item.kind == "ValidatingAdmissionPolicy":
                policy = read_policy(item, version, ours)
                policies.append(_placed(policy, item, ours))
                problems += _missing_texts(policy, item) if ours else ()
            elif item.kind == "ValidatingAdmissionPolicyBinding":
                bindings.append(read_binding(item))
            else:
                objects.append(item.value)
        except PolicyError as error:
            problems.append(problem(item, error))
    unique, doubles = _unique(policies)
    joined = tuple(_bound(policy, bindings, objects) for policy in unique)
    return Pack(joined, (*problems, *doubles))


def problem(item: Source, error: PolicyError) -> Skipped:
    """Return what a person is told of a policy that does not load."""
    place = item.place(error.path, error.line, error.column)
    ref = Ref(group="admissionregistration.k8s.io", kind=item.kind, name=item.name)
    return Skipped(ref, f"the policy does not load: {error}", error.next_step, rule=item.name, locator=place)


def _placed(policy: Policy, item: Source, ours: bool) -> Policy:
    window = item.file.parent.name if ours else OTHERS_WINDOW
    return replace(policy, face=replace(policy.face, window=window))


def _missing_texts(policy: Policy, item: Source) -> Iterator[Skipped]:
    face = policy.face
    missing = [name for name in ("title", "why", "fix") if not getattr(face, name)]
    missing += [f"{name}-zh" for name in ("title", "why", "fix") if not face.texts.get("zh-CN", {}).get(name)]
    if missing:
        error = PolicyError(f"annotations are missing: {', '.join(missing)}", ("metadata", "annotations"))
        yield problem(item, error)


def _unique(policies: Sequence[Policy]) -> tuple[list[Policy], list[Skipped]]:
    found: dict[str, Policy] = {}
    doubles: list[Skipped] = []
    for policy in policies:
        if policy.id in found:
            doubles.append(_double(policy.id, policy.file))
        else:
            found[policy.id] = policy
    return list(found.values()), doubles


def _double(rule: str, file: str) -> Skipped:
    ref = Ref(group="admissionregistration.k8s.io", kind="ValidatingAdmissionPolicy", name=rule)
    return Skipped(ref, f"another policy has the name {rule}", "rename one of the two", rule, Locator(file))


def _bound(policy: Policy, bindings: Sequence[Any], objects: Sequence[dict[str, Any]]) -> Policy:
    own = tuple(binding for binding in bindings if binding.policy == policy.id)
    params: tuple[Any, ...] = ()
    if policy.param_kind is not None:
        params = tuple(each for each in objects if (each.get("apiVersion"), each.get("kind")) == policy.param_kind)
        if policy.ours:
            params = tuple(each for each in params if (each.get("metadata") or {}).get("name") == policy.id)
    return replace(policy, bindings=own, params=params)
