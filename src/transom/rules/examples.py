"""A rule's own examples: `<rule>.test.yaml` beside it names good and bad objects, and this proves them.

Each example is judged as it is; those of a rule that expands also as the template of a Deployment, and both again by
the exported form of the rule. Every rule must have a good and a bad example.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path as File
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory import Entry, Inventory, Origin
from transom.kube.documents import Document, read_documents
from transom.lang.cel.environment import CURRENT
from transom.model.errors import UsageError
from transom.model.findings import Finding, Skipped
from transom.rules.evaluate import Verdict, evaluate
from transom.rules.judge import judge, subject_of
from transom.rules.load import TESTS_SUFFIX, load_pack, policy_files, read_pack
from transom.rules.native import native_policy
from transom.rules.policy import Policy

TARGET = "examples"
KNOWN_FIELDS = frozenset(
    ("name", "object", "oldObject", "namespace", "params", "operation", "userInfo", "at", "container", "findings")
)


class ExampleOutcome(Struct, frozen=True):
    """What became of one example. why: how it differs from what it promises, or why it cannot be judged here."""

    rule: str
    example: str
    state: Literal["passed", "failed", "unsupported"]
    why: str = ""


class Example(Struct, frozen=True):
    """One example of a test file. good: whether nothing may be found."""

    name: str
    good: bool
    fields: dict[str, Any]


def run_examples(paths: Sequence[str], version: tuple[int, int] = CURRENT) -> Iterator[ExampleOutcome]:
    """Yield the outcome of every example below the paths; raises UsageError where there are no policies."""
    files = list(policy_files(paths))
    if not files:
        raise UsageError("there are no policies to test", "", "name a folder of policies")
    for file in files:
        pack = load_file(file, version)
        for problem in pack.problems:
            rule = problem.rule or file.stem
            yield ExampleOutcome(rule, "the policy", "failed", f"{problem.locator.file}: {problem.reason}")
        for policy in pack.policies:
            yield from examples_of(policy, file)


def load_file(file: File, version: tuple[int, int]) -> Any:
    """Load one file of policies; one of the built-in folder as ours."""
    from transom.rules.load import BUILTIN_FOLDER

    ours = BUILTIN_FOLDER in file.resolve().parents
    return read_pack([file], version, ours=ours) if ours else load_pack([str(file)], version)


def examples_of(policy: Policy, file: File) -> Iterator[ExampleOutcome]:
    """Yield the outcomes of a policy's examples; a failure where it has no good or no bad one."""
    tests = file.with_name(file.name.removesuffix(file.suffix) + TESTS_SUFFIX)
    if not tests.is_file():
        yield ExampleOutcome(policy.id, "the examples", "failed", f"there is no {tests.name} beside the rule")
        return
    try:
        examples = list(_read(tests))
    except UsageError as error:
        yield ExampleOutcome(policy.id, "the examples", "failed", str(error))
        return
    for kind, good in (("good", True), ("bad", False)):
        if not any(example.good is good for example in examples):
            yield ExampleOutcome(policy.id, f"the {kind} examples", "failed", f"it has no {kind} example")
    for example in examples:
        why = _difference(policy, example)
        yield ExampleOutcome(policy.id, example.name, "failed" if why else "passed", why)


def _read(tests: File) -> Iterator[Example]:
    with tests.open("rb") as stream:
        documents = list(read_documents(stream, str(tests)))
    for document in documents:
        if isinstance(document, Skipped):
            place = document.locator
            raise UsageError(f"{place.file}:{place.line}", document.reason, document.next_step)
        if document.value is not None:
            yield from _examples(document, tests)


def _examples(document: Document, tests: File) -> Iterator[Example]:
    value = document.value
    if not isinstance(value, dict) or set(value) - {"good", "bad"}:
        raise UsageError(str(tests), "it holds more than good and bad examples", "see CONTRIBUTING.md")
    for kind, good in (("good", True), ("bad", False)):
        for fields in value.get(kind) or []:
            named = isinstance(fields, dict) and isinstance(fields.get("name"), str)
            if not named or not isinstance(fields.get("object"), dict):
                raise UsageError(str(tests), f"a {kind} example has no name or no object", "see CONTRIBUTING.md")
            unknown = set(fields) - KNOWN_FIELDS
            if unknown:
                raise UsageError(
                    str(tests), f"unknown field {unknown.pop()} in {fields['name']}", "see CONTRIBUTING.md"
                )
            yield Example(fields["name"], good, fields)


def _difference(policy: Policy, example: Example) -> str:
    """Return how an example differs from what it promises, in any of the ways in which the rule is used."""
    fields = example.fields
    if "params" in fields:
        policy = replace(policy, params=(fields["params"],), bindings=())
    if fields.keys() & {"oldObject", "operation", "userInfo"}:
        return _request_difference(policy, example)
    why = _judged_difference(policy, example, fields["object"], ())
    if why or not policy.expands or fields["object"].get("kind") != "Pod":
        return why or _exported_difference(policy, example, fields["object"])
    deployment = in_deployment(fields["object"])
    why = _judged_difference(policy, example, deployment, ("spec", "template"))
    if why:
        return f"in a Deployment: {why}"
    return _exported_difference(policy, example, fields["object"]) or _exported_difference(policy, example, deployment)


def in_deployment(pod: dict[str, Any]) -> dict[str, Any]:
    """Return a Deployment whose template makes a pod."""
    template = {key: value for key, value in pod.items() if key in ("metadata", "spec")}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": pod.get("metadata", {}),
        "spec": {"template": template},
    }


def _inventory(example: Example, value: dict[str, Any]) -> tuple[Inventory, Entry]:
    inventory = Inventory()
    namespace = example.fields.get("namespace")
    if isinstance(namespace, dict):
        inventory.add(namespace, Origin(TARGET))
    return inventory, inventory.add(value, Origin(TARGET))


def _judged_difference(policy: Policy, example: Example, value: dict[str, Any], prefix: tuple[str, ...]) -> str:
    inventory, entry = _inventory(example, value)
    found = list(judge(inventory, [policy], [entry]))
    findings = [each for each in found if isinstance(each, Finding)]
    skipped = [each.reason for each in found if isinstance(each, Skipped)]
    if skipped:
        return f"it was not judged: {skipped[0]}"
    if example.good:
        return f"found: {findings[0].message} at {findings[0].place.path}" if findings else ""
    if not findings:
        return "nothing was found"
    return _promise_broken(example, findings, prefix)


def _promise_broken(example: Example, findings: Sequence[Finding], prefix: tuple[str, ...]) -> str:
    fields = example.fields
    wanted = fields.get("at")
    if wanted is not None:
        wanted = ".".join((*prefix, wanted))
        paths = [evidence.locator.path for finding in findings for evidence in finding.evidence]
        if wanted not in paths:
            return f"found at {', '.join(paths)}, not at {wanted}"
    if "container" in fields and fields["container"] not in [finding.container for finding in findings]:
        return f"found in container {findings[0].container!r}, not in {fields['container']!r}"
    if "findings" in fields and len(findings) != fields["findings"]:
        return f"{len(findings)} findings, not {fields['findings']}"
    return ""


def _exported_difference(policy: Policy, example: Example, value: dict[str, Any]) -> str:
    inventory, entry = _inventory(example, value)
    verdict = evaluate(native_policy(policy), subject_of(inventory, entry))
    return _verdict_difference(verdict, example, "as exported: ")


def _request_difference(policy: Policy, example: Example) -> str:
    """Judge an example that says more of its request than files can."""
    fields = example.fields
    inventory, entry = _inventory(example, fields["object"])
    subject = subject_of(inventory, entry)
    changes = {"old_object": fields.get("oldObject"), "user": fields.get("userInfo", subject.user)}
    operation = fields.get("operation", "UPDATE" if fields.get("oldObject") else "CREATE")
    subject = replace(subject, request=replace(subject.request, operation=operation), **changes)
    return _verdict_difference(evaluate(policy, subject), example, "")


def _verdict_difference(verdict: Verdict, example: Example, where: str) -> str:
    if verdict.unknown:
        return f"{where}it hangs on {verdict.unknown}"
    if example.good and verdict.failures:
        return f"{where}found: {verdict.failures[0].message}"
    if not example.good and not verdict.failures:
        return f"{where}nothing was found"
    return ""
