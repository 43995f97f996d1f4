"""A rule's own examples: `<rule>.test.yaml` beside it names good and bad objects, and this proves them.

An example is judged as it is. Where the rule expands, a pod is judged again as the template of a Deployment and of a
CronJob, and all of them by the rule's native form, which must give the same verdict. Every rule must have a good and a
bad example. Policies of other engines bring tests of their own, which are run as they are.
"""

from __future__ import annotations

import re
from pathlib import Path as File
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory import Entry, Inventory, Origin
from transom.kube.documents import read_documents
from transom.kube.objects import is_object
from transom.lang.cel.version import CURRENT
from transom.model.errors import UsageError
from transom.model.findings import Finding, Judged, Skipped
from transom.model.limits import MAX_POLICY_BYTES
from transom.model.places import Path, path_text
from transom.rules.evaluate import Subject, evaluate
from transom.rules.expand import POD
from transom.rules.judge import judge, subject_of
from transom.rules.load import BUILTIN_FOLDER, TESTS_SUFFIX, policy_files, read_pack
from transom.rules.match import could_match
from transom.rules.native import native_policy
from transom.rules.plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from transom.kube.documents import Document
    from transom.model.findings import Result
    from transom.rules.check import Check
    from transom.rules.load import Pack
    from transom.rules.policy import Policy

    Assess = Callable[[Inventory, Sequence[Policy | Check]], Iterable[Result]]

TARGET = "examples"
HELP = "see CONTRIBUTING.md for what an example may say"
OF_REQUESTS = frozenset(("oldObject", "operation", "userInfo"))
KNOWN_FIELDS = OF_REQUESTS | {
    "name",
    "object",
    "namespace",
    "params",
    "at",
    "container",
    "findings",
    "dockerfile",
    "objects",
}
CHECK_FIELDS = frozenset(
    ("name", "object", "objects", "dockerfile", "parameters", "ref", "at", "container", "findings")
)
State = Literal["passed", "failed", "unsupported"]
GATEKEEPER = b"gatekeeper.sh/"
KYVERNO_TESTS, GATEKEEPER_SUITES = b"cli.kyverno.io/", b"test.gatekeeper.sh/"
_IS_TEST = re.compile(rb"^[ \"]*kind\"?: *[\"']?(Test|Suite)\b", re.MULTILINE)
OPERATIONS = ("CREATE", "UPDATE", "DELETE")


class ExampleOutcome(Struct, frozen=True):
    """What became of one example. why: how it differs from what it promises, or why it cannot be judged here."""

    rule: str
    example: str
    state: State
    why: str = ""


class Example(Struct, frozen=True):
    """One example of a test file. good: whether nothing may be found."""

    name: str
    good: bool
    fields: dict[str, Any]


class _Differs(Exception):  # noqa: N818 - named for what happened
    """An example that does not keep its promise."""


class _Unsupported(Exception):  # noqa: N818 - named for what happened
    """An example that hangs on what it does not tell."""


def run_examples(
    paths: Sequence[str], version: tuple[int, int] = CURRENT, assess: Assess = judge
) -> Iterator[ExampleOutcome]:
    """Yield the outcome of every example below the paths; a rule that does not load, or lacks examples, fails.

    assess: what judges as a scan does, which knows the functions of checks. Raises UsageError for a path that is not
    there, and where there are no files.
    """
    files = list(policy_files(paths))
    foreign = list(_foreign_tests(paths))
    if not files and not foreign:
        raise UsageError("there are no policies to test", "", "name a folder of policies")
    together: list[File] = []
    for file in files:
        ours = not isinstance(file, Skipped) and File(BUILTIN_FOLDER) in file.resolve().parents
        if isinstance(file, Skipped):
            yield ExampleOutcome(file.locator.file or file.ref.name, "the file", "failed", file.reason)
        elif GATEKEEPER in _content(file) and not ours:
            together.append(file)  # a template and its constraints may stand in different files
        elif file not in foreign:
            yield from _file_outcomes(read_pack([file], version, ours), version, assess)
    yield from _file_outcomes(read_pack(together, version), version, assess)
    for file in foreign:
        yield from _foreign_outcomes(file, version)


def _file_outcomes(pack: Pack, version: tuple[int, int], assess: Assess) -> Iterator[ExampleOutcome]:
    from transom.rules.read import NOT_JUDGED

    for problem in pack.problems:
        place = f"{problem.locator.file}:{problem.locator.line}"
        state: State = "unsupported" if problem.reason.startswith(NOT_JUDGED) else "failed"
        why = problem.reason if state == "unsupported" else f"{place}: {problem.reason}"
        yield ExampleOutcome(problem.rule or place, "the policy", state, why)
    for policy in pack.policies:
        tests = _tests_of(policy, File(policy.file), alone=len(pack.policies) == 1)
        if tests.is_file() or not policy.engine:
            yield from _outcomes(policy, tests, version)
    for check in pack.checks:
        yield from _check_outcomes(check, File(check.file).with_name(check.id + TESTS_SUFFIX), assess)


def _content(file: File) -> bytes:
    """Return what a file of policies holds, empty where it cannot be read or is too large to hold any."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_POLICY_BYTES + 1)
    except OSError:
        return b""
    return content if len(content) <= MAX_POLICY_BYTES else b""


def _foreign_tests(paths: Sequence[str]) -> Iterator[File]:
    """Yield the files below the paths that seem to hold tests of other engines; who reads them knows."""
    from transom.kube.files import Found, walk

    for path in paths:
        for found in walk(path):
            if isinstance(found, Found):
                content = _content(File(found.path))
                if (KYVERNO_TESTS in content or GATEKEEPER_SUITES in content) and _IS_TEST.search(content):
                    yield File(found.path)


def _foreign_outcomes(file: File, version: tuple[int, int]) -> Iterator[ExampleOutcome]:
    if KYVERNO_TESTS in _content(file):
        from transom.rules.kyverno.tests import run_tests

        yield from run_tests(file, version)
    else:
        from transom.rules.gatekeeper_suites import run_suites

        yield from run_suites(file, version)


def _tests_of(policy: Policy, file: File, alone: bool) -> File:
    """Return the file of a rule's examples: of its own name, or, where it is alone in its file, of the file's name."""
    own = file.with_name(policy.id + TESTS_SUFFIX)
    return own if own.is_file() or not alone else file.with_name(file.stem + TESTS_SUFFIX)


def _check_outcomes(check: Check, tests: File, assess: Assess) -> Iterator[ExampleOutcome]:
    examples, problems = _examples_of(check, tests, _check_problem)
    yield from problems
    for example in examples:
        try:
            _check_joined(check, example, assess)
        except _Differs as difference:
            yield ExampleOutcome(check.id, example.name, "failed", str(difference))
        else:
            yield ExampleOutcome(check.id, example.name, "passed")


def _outcomes(policy: Policy, tests: File, version: tuple[int, int]) -> Iterator[ExampleOutcome]:
    examples, problems = _examples_of(policy, tests, _problem)
    yield from problems
    native = native_policy(policy, version) if policy.expands else None
    for example in examples:
        yield _outcome(policy, native, example)


# reading


def _examples_of(
    rule: Policy | Check, tests: File, problem: Callable[[Any], str]
) -> tuple[list[Example], list[ExampleOutcome]]:
    """Return a rule's examples, and what is wrong with them as a whole."""
    if not tests.is_file():
        return [], [ExampleOutcome(rule.id, "the examples", "failed", f"there is no {tests.name} beside the rule")]
    try:
        examples = list(_read(tests, problem))
    except UsageError as error:
        return [], [ExampleOutcome(rule.id, "the examples", "failed", str(error))]
    missing = [kind for kind, good in (("good", True), ("bad", False)) if not any(e.good is good for e in examples)]
    lacking = [
        ExampleOutcome(rule.id, f"the {kind} examples", "failed", f"it has no {kind} example") for kind in missing
    ]
    return examples, lacking


def _read(tests: File, problem: Callable[[Any], str]) -> Iterator[Example]:
    with tests.open("rb") as stream:
        documents = list(read_documents(stream, str(tests)))
    for document in documents:
        if isinstance(document, Skipped):
            place = document.locator
            raise UsageError(f"{place.file}:{place.line}", document.reason, document.next_step)
        if document.value is not None:
            yield from _examples(document, tests, problem)


def _examples(document: Document, tests: File, find_problem: Callable[[Any], str]) -> Iterator[Example]:
    value = document.value
    if not isinstance(value, dict) or set(value) - {"good", "bad"}:
        raise UsageError(str(tests), "it holds more than good and bad examples", HELP)
    for kind, good in (("good", True), ("bad", False)):
        examples = value.get(kind) or []
        if not isinstance(examples, list):
            raise UsageError(str(tests), f"{kind} is no list", HELP)
        for number, fields in enumerate(examples, 1):
            fields = _with_dockerfile(fields, tests)
            problem = find_problem(fields)
            if problem:
                raise UsageError(str(tests), f"{kind} example {number}: {problem}", HELP)
            yield Example(fields["name"], good, fields)


def _with_dockerfile(fields: Any, tests: File) -> Any:
    """Return an example that tells a Dockerfile's text with the object that is judged."""
    if not isinstance(fields, dict) or not isinstance(fields.get("dockerfile"), str):
        return fields
    from transom.lang.dockerfile import DockerfileError, parse, shape

    try:
        made = shape(parse(fields["dockerfile"].encode()), "Dockerfile")
    except DockerfileError as error:
        raise UsageError(str(tests), f"it is no Dockerfile: {error}", HELP) from error
    return {**fields, "object": made, "objects": [made]}


def _problem(fields: Any) -> str:
    """Return what is wrong with the form of an example, "" for nothing."""
    if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
        return "it has no name"
    if set(fields) - KNOWN_FIELDS:
        return f"unknown field {min(set(fields) - KNOWN_FIELDS)}"
    if not _is_whole(fields.get("object")):
        return "it has no object with apiVersion and kind"
    for field in ("oldObject", "namespace", "params"):
        if field in fields and not _is_whole(fields[field]):
            return f"{field} is no object with apiVersion and kind"
    if fields.get("operation", "CREATE") not in OPERATIONS:
        return f"operation is not one of {', '.join(OPERATIONS)}"
    if not isinstance(fields.get("userInfo", {}), dict):
        return "userInfo is no map"
    return ""


def _check_problem(fields: Any) -> str:
    """Return what is wrong with the form of a check's example, "" for nothing."""
    if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
        return "it has no name"
    if set(fields) - CHECK_FIELDS:
        return f"unknown field {min(set(fields) - CHECK_FIELDS)}"
    objects = fields.get("objects")
    if not isinstance(objects, list) or not objects or not all(map(_is_whole, objects)):
        return "its objects are no list of objects with apiVersion and kind"
    parameters = fields.get("parameters", {})
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        return "parameters is no map of texts"
    return ""


def _is_whole(value: Any) -> bool:
    return is_object(value) and isinstance(value.get("metadata", {}), dict)


# judging


def _outcome(policy: Policy, native: Policy | None, example: Example) -> ExampleOutcome:
    fields = example.fields
    if "params" in fields:
        params = {"params": (fields["params"],), "bindings": ()}
        policy, native = replace(policy, **params), replace(native, **params) if native else None
    try:
        _check(policy, native, example)
    except _Differs as difference:
        return ExampleOutcome(policy.id, example.name, "failed", str(difference))
    except _Unsupported as missing:
        return ExampleOutcome(policy.id, example.name, "unsupported", str(missing))
    return ExampleOutcome(policy.id, example.name, "passed")


def _check(policy: Policy, native: Policy | None, example: Example) -> None:
    value = _in_namespace(example, example.fields["object"])
    if OF_REQUESTS & example.fields.keys():
        if native is None or value["kind"] == POD.kind:
            _check_request(policy, example, value, "")
        if native:
            _check_request(native, example, value, "in its native form, ")
        return
    _check_judged(policy, example, value, (), "")
    if not native:
        return
    _check_request(native, example, value, "in its native form, ")
    if value["kind"] == POD.kind and could_match(policy.match, POD):
        for kind, (made, prefix) in _workloads(value).items():
            _check_judged(policy, example, made, prefix, f"in a {kind}, ")
            _check_request(native, example, made, f"in a {kind} and its native form, ")


def _in_namespace(example: Example, value: dict[str, Any]) -> dict[str, Any]:
    """Return the object in the namespace that its example tells, where it names none itself."""
    namespace = example.fields.get("namespace")
    if namespace is None:
        return value
    name = namespace.get("metadata", {}).get("name")
    return {**value, "metadata": {"namespace": name, **value.get("metadata", {})}}


def _workloads(pod: dict[str, Any]) -> dict[str, tuple[dict[str, Any], Path]]:
    """Return workloads whose template makes the pod, each with where the template stands."""
    template = {field: pod[field] for field in ("metadata", "spec") if field in pod}
    metadata = {field: each for field, each in pod.get("metadata", {}).items() if field in ("name", "namespace")}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    job = {"spec": {"template": template}}
    cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": {"jobTemplate": job}}
    return {
        "Deployment": (deployment, ("spec", "template")),
        "CronJob": (cron, ("spec", "jobTemplate", "spec", "template")),
    }


def _inventory(example: Example, value: dict[str, Any]) -> tuple[Inventory, Entry]:
    inventory = Inventory()
    if "namespace" in example.fields:
        inventory.add(example.fields["namespace"], Origin(TARGET))
    return inventory, inventory.add(value, Origin(TARGET))


def _check_judged(policy: Policy, example: Example, value: dict[str, Any], prefix: Path, where: str) -> None:
    """Judge an object as a scan does, and compare all that the example promises."""
    inventory, entry = _inventory(example, value)
    if plan(entry.api_version, entry.ref.kind, [policy]).is_empty:
        raise _Differs(f"{where}the rule is not about a {entry.ref.kind} of {entry.api_version} that is created")
    found = [each for each in judge(inventory, [policy], [entry]) if not isinstance(each, Judged)]
    for each in found:
        if isinstance(each, Skipped) and each.rule and "hangs on" in each.reason:
            raise _Unsupported(f"{where}{each.reason}; tell it in the example")
        if isinstance(each, Skipped):
            raise _Differs(f"{where}it was not judged: {each.reason}")
    findings = [each for each in found if isinstance(each, Finding)]
    if example.good and findings:
        raise _Differs(f"{where}found: {findings[0].message} at {findings[0].place.path or 'the object'}")
    if not example.good:
        _check_promises(example, findings, prefix, where)


def _check_joined(check: Check, example: Example, assess: Assess) -> None:
    """Judge all objects of an example together, as one target, and compare what it promises."""
    fields = example.fields
    check = replace(check, parameters={**check.parameters, **fields.get("parameters", {})})
    inventory = Inventory()
    for value in fields["objects"]:
        inventory.add(value, Origin(TARGET, TARGET))
    results = list(assess(inventory, [check]))
    for each in results:
        if isinstance(each, Skipped):
            raise _Differs(f"it was not judged: {each.reason}")
    findings = [each for each in results if isinstance(each, Finding)]
    if example.good and findings:
        raise _Differs(f"found: {findings[0].message} at {findings[0].ref.short}")
    if not example.good:
        _check_promises(example, findings, (), "")


def _check_promises(example: Example, findings: Sequence[Finding], prefix: Path, where: str) -> None:
    fields = example.fields
    if not findings:
        raise _Differs(f"{where}nothing was found")
    if "at" in fields:
        wanted = ".".join(filter(None, (path_text(prefix), str(fields["at"]))))
        paths = [evidence.locator.path for finding in findings for evidence in finding.evidence]
        if wanted not in paths:
            raise _Differs(f"{where}found at {', '.join(paths)}, not at {wanted}")
    refs = [finding.ref.short for finding in findings]
    if "ref" in fields and fields["ref"] not in refs:
        raise _Differs(f"{where}found of {', '.join(refs)}, not of {fields['ref']}")
    containers = [finding.container for finding in findings]
    if "container" in fields and fields["container"] not in containers:
        raise _Differs(f"{where}found in container {', '.join(containers)}, not in {fields['container']}")
    if "findings" in fields and len(findings) != fields["findings"]:
        raise _Differs(f"{where}{len(findings)} findings, not {fields['findings']}")


def _check_request(policy: Policy, example: Example, value: dict[str, Any], where: str) -> None:
    """Judge an object as an API server does, with all that the example tells of the request."""
    verdict = evaluate(policy, _subject(example, value))
    if verdict.unknown:
        raise _Unsupported(f"{where}it hangs on {verdict.unknown}; tell it in the example")
    if example.good and verdict.failures:
        raise _Differs(f"{where}found: {verdict.failures[0].message}")
    if not example.good and not verdict.failures:
        raise _Differs(f"{where}nothing was found")


def _subject(example: Example, value: dict[str, Any]) -> Subject:
    fields = example.fields
    subject = subject_of(*_inventory(example, value))
    old = fields.get("oldObject")
    operation = fields.get("operation", "UPDATE" if old else "CREATE")
    deleted = operation == "DELETE"
    return replace(
        subject,
        object=None if deleted else subject.object,
        old_object=subject.object if deleted else old,
        user=fields.get("userInfo", subject.user),
        request=replace(subject.request, operation=operation),
    )
