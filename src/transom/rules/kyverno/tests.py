"""Kyverno's own tests, as they are: each result of a kyverno-test.yaml on each of its resources is a case.

A case agrees where the verdict is the one that the result expects. As in Kyverno's runs on files, an object that names
no namespace is in `default`, the user has no name, and a rule that is not about the object counts as passed.
"""

from __future__ import annotations

from pathlib import Path as File
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from transom.kube.kinds import kind_of
from transom.model.findings import Skipped
from transom.model.limits import MAX_POLICY_BYTES
from transom.rules.evaluate import NOT_ABOUT_IT, Subject, evaluate
from transom.rules.examples import ExampleOutcome
from transom.rules.examples import State as Outcome
from transom.rules.kyverno.answers import answers_of
from transom.rules.kyverno.cluster_policies import MATCH
from transom.rules.load import Pack, read_pack
from transom.rules.match import Request
from transom.rules.read import NOT_JUDGED
from transom.rules.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transom.rules.policy import Policy

GROUP = "cli.kyverno.io"
State = Literal["pass", "fail", "skip", "error", "excluded", "unknown"]
ACCEPTED: Mapping[str, frozenset[State]] = {
    "pass": frozenset(("pass", "excluded")),
    "fail": frozenset(("fail", "error")),
    "skip": frozenset(("skip", "excluded")),
    "warn": frozenset(("fail",)),
    "error": frozenset(("error",)),
}
"""Which verdicts each expected result takes; an expression that fails is a refusal, as in the API server."""

NOT_APPLIED = {
    "exceptions": "exceptions to policies are not applied",
    "clusterResources": "it needs a cluster",
    "targetResources": "it changes objects",
    "jsonPayload": "it judges JSON that is no object of Kubernetes",
    "checks": "its checks are assertion trees",
}
"""Fields of a test that change what its results mean, and why that is not done here."""

NOBODY: Mapping[str, Any] = {"username": "", "uid": "", "groups": [], "extra": {}, "roles": [], "clusterRoles": []}


class Test(Struct, frozen=True):
    """One test with what its files hold; values: by policy and resource; namespaces: by name."""

    file: File
    fields: Mapping[str, Any]
    pack: Pack
    resources: tuple[dict[str, Any], ...]
    values: Mapping[tuple[str, str], Mapping[str, Any]]
    namespaces: Mapping[str, dict[str, Any]]
    user: Mapping[str, Any]
    answers: Mapping[str, Any]


class Case(Struct, frozen=True):
    """One result on one resource, named as the result names it."""

    result: Mapping[str, Any]
    resource: str

    @property
    def rule(self) -> str:
        """The policy, and the rule of it."""
        return "/".join(filter(None, (str(self.result.get("policy")), str(self.result.get("rule") or ""))))

    @property
    def expected(self) -> str:
        """The verdict that is promised."""
        return str(self.result.get("result") or self.result.get("status") or "")


def run_tests(file: File, version: tuple[int, int]) -> Iterator[ExampleOutcome]:
    """Yield the outcome of every case of a test file."""
    for item in read_sources([file]):
        if isinstance(item, Skipped):
            yield ExampleOutcome(str(file), "the file", "failed", item.reason)
        elif item.group == GROUP and item.kind == "Test":
            yield from _outcomes(file, item.value, version)


def _outcomes(file: File, fields: Mapping[str, Any], version: tuple[int, int]) -> Iterator[ExampleOutcome]:
    refused = next((reason for field, reason in NOT_APPLIED.items() if fields.get(field)), "")
    cases = list(_cases(fields))
    if not cases:
        state: Outcome = "unsupported" if refused else "failed"
        yield ExampleOutcome(str(file), "the test", state, refused or "it has no results")
        return
    test = None if refused else _read(file, fields, version)
    for case in cases:
        state, why = ("unsupported", refused) if test is None else _judged(test, case)
        example = " ".join(filter(None, (str(case.result.get("kind") or ""), case.resource, case.expected)))
        yield ExampleOutcome(case.rule, example, state, why)


def _cases(fields: Mapping[str, Any]) -> Iterator[Case]:
    results = fields.get("results")
    for result in results if isinstance(results, list) else []:
        if isinstance(result, dict):
            named = result.get("resources") or [result.get("resource")]
            yield from (Case(result, str(each)) for each in (named if isinstance(named, list) else [named]))


# reading


def _read(file: File, fields: Mapping[str, Any], version: tuple[int, int]) -> Test:
    values = _first(file, fields.get("variables")) or {"policies": [], **_map(fields.get("values"))}
    user = _first(file, fields.get("userinfo"))
    context = _first(file, fields.get("context"))
    told = _map(user.get("userInfo"))
    roles = {field: user.get(field) or [] for field in ("roles", "clusterRoles")}
    return Test(
        file=file,
        fields=fields,
        pack=read_pack(_files(file, fields.get("policies")), version),
        resources=tuple(_objects(_files(file, fields.get("resources")))),
        values=dict(_values(values)),
        namespaces=dict(_namespaces(values)),
        user={**NOBODY, **told, **roles},
        answers=answers_of(_map(context.get("spec"))),
    )


def _files(file: File, names: Any) -> Iterator[File]:
    """Yield the files that a test names, those of a folder it names too."""
    for name in names if isinstance(names, list) else []:
        path = file.parent / str(name).replace("\0", "")
        if path.is_dir():
            yield from sorted(each for each in path.iterdir() if each.suffix in (".yaml", ".yml", ".json"))
        elif path.is_file() or not path.exists():  # pipes and devices never end
            yield path


def _objects(files: Iterator[File]) -> Iterator[dict[str, Any]]:
    for item in read_sources(files):
        if not isinstance(item, Skipped):
            yield item.value  # with what is null, as Kyverno's own runs on files


def _first(file: File, name: Any) -> Mapping[str, Any]:
    """Return the first document of a file beside the test, empty where none is named."""
    if not isinstance(name, str) or not name:
        return {}
    from transom.kube.documents import read_documents

    path = file.parent / name.replace("\0", "")
    if not path.is_file() or path.stat().st_size > MAX_POLICY_BYTES:
        return {}
    with path.open("rb") as stream:
        found = [each for each in read_documents(stream, name) if not isinstance(each, Skipped)]
    return _map(found[0].value) if found else {}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _values(values: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    yield ("", ""), _map(values.get("globalValues"))
    for policy in _maps(values.get("policies")):
        for resource in _maps(policy.get("resources")):
            yield (str(policy.get("name")), str(resource.get("name"))), _map(resource.get("values"))


def _namespaces(values: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in _maps(values.get("namespaceSelector")):
        name = str(each.get("name"))
        yield name, _namespace(name, _map(each.get("labels")))
    for each in _maps(values.get("namespaces")):
        name = str(_map(each.get("metadata")).get("name"))
        yield name, {**each, "kind": "Namespace"}


def _namespace(name: str, labels: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels)}}


# judging


def _judged(test: Test, case: Case) -> tuple[Outcome, str]:
    """Return what became of a case, and why."""
    policies = [each for each in test.pack.policies if _is_meant(each, case.result)]
    if not policies:
        return _not_loaded(test.pack, case)
    values = [each for each in test.resources if _is_named(each, case)]
    if not values:
        return "failed", "there is no such resource"
    states = [_state(policy, _subject(test, case, value)) for value in values for policy in policies]
    unknown = next((what for state, what in states if state == "unknown"), "")
    if unknown:
        return "unsupported", f"it hangs on {unknown}"
    about = [each for each in states if each[0] != "excluded"] or [("excluded", "no rule is about it")]
    accepted = ACCEPTED.get(case.expected, frozenset())
    for state, what in about:
        if state not in accepted:
            return "failed", f"expected {case.expected or 'nothing'}, found {state}{f': {what}' if what else ''}"
    return "passed", ""


def _not_loaded(pack: Pack, case: Case) -> tuple[Outcome, str]:
    name = str(case.result.get("policy")).rpartition("/")[2]
    problems = [each for each in pack.problems if each.rule == name or each.rule.startswith(f"{name}.")]
    for problem in problems or pack.problems:
        return ("unsupported" if problem.reason.startswith(NOT_JUDGED) else "failed"), problem.reason
    return "failed", "there is no such policy or rule in the files of the test"


def _is_meant(policy: Policy, result: Mapping[str, Any]) -> bool:
    """Tell whether a result is about a policy: by its name, and for a rule by the name that it was written with."""
    name = str(result.get("policy")).replace("/", ".")
    if policy.id != name and not policy.id.startswith(f"{name}."):
        return False
    rule = result.get("rule")
    if not rule or result.get("isValidatingPolicy") or result.get("isValidatingAdmissionPolicy"):
        return True
    own = policy.id.removeprefix(f"{name}.")
    return policy.id == name or own in (rule, f"autogen-{rule}"[:63], f"autogen-cronjob-{rule}"[:63])


def _is_named(value: Mapping[str, Any], case: Case) -> bool:
    kind, namespace = case.result.get("kind"), case.result.get("namespace")
    metadata = _map(value.get("metadata"))
    before, _, name = case.resource.rpartition("/")
    wanted = before.rpartition("/")[2] or namespace
    if kind and str(kind).rpartition("/")[2] != value.get("kind"):
        return False
    return metadata.get("name") == name and (not wanted or (metadata.get("namespace") or "default") == wanted)


def _subject(test: Test, case: Case, value: dict[str, Any]) -> Subject:
    kind = kind_of(value["apiVersion"], value["kind"])
    metadata = dict(_map(value.get("metadata")))
    if kind.namespaced:
        metadata["namespace"] = metadata.get("namespace") or "default"
    value = {**value, "metadata": metadata}
    name, namespace = str(metadata.get("name", "")), str(metadata.get("namespace", ""))
    values = {**test.values.get(("", ""), {}), **test.values.get((str(case.result.get("policy")), name), {})}
    operation = str(values.get("request.operation") or "CREATE")
    space = test.namespaces.get(namespace) or _namespace(namespace, {}) if kind.namespaced else None
    labels = {key: each for key, each in _map(metadata.get("labels")).items() if isinstance(each, str)}
    space_labels = _map(_map(space["metadata"]).get("labels")) if space else None
    request = Request(kind, name, namespace, operation, labels=(labels,), namespace_labels=space_labels)
    return Subject(
        object=None if operation == "DELETE" else value,
        request=request,
        old_object=value if operation in ("UPDATE", "DELETE") else None,
        namespace_object=space,
        user=test.user,
        dry_run=False,
        answers=test.answers,
    )


def _state(policy: Policy, subject: Subject) -> tuple[State, str]:
    """Return the verdict in Kyverno's words, and what it says."""
    verdict = evaluate(policy, subject)
    if verdict is NOT_ABOUT_IT:
        filters = tuple(each for each in policy.conditions if each.name == MATCH)
        bare = replace(policy, conditions=filters, validations=())
        return ("skip" if evaluate(bare, subject).applies else "excluded"), ""
    if verdict.failures:
        failure = verdict.failures[0]
        return ("error" if all(each.error for each in verdict.failures) else "fail"), failure.message
    return ("unknown", verdict.unknown) if verdict.unknown else ("pass", "")
