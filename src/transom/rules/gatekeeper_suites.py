"""Gatekeeper's own tests, as they are: each case of a suite is an object and what its constraint must say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.inventory import Entry, Inventory, Origin
from transom.lang.cel.library.standard import matches_
from transom.model.findings import Skipped
from transom.rules.evaluate import evaluate
from transom.rules.examples import ExampleOutcome
from transom.rules.examples import State as Outcome
from transom.rules.judge import subject_of
from transom.rules.load import Pack, read_pack
from transom.rules.read import NOT_JUDGED
from transom.rules.sources import read_sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path as File

    from transom.rules.evaluate import Failure

GROUP = "test.gatekeeper.sh"
TARGET = "suite"
SKIPPED = "its suite skips it"


def run_suites(file: File, version: tuple[int, int]) -> Iterator[ExampleOutcome]:
    """Yield the outcome of every case of the suites in a file."""
    for item in read_sources([file]):
        if isinstance(item, Skipped):
            yield ExampleOutcome(str(file), "the file", "failed", item.reason)
        elif item.group == GROUP and item.kind == "Suite":
            for test in _maps(item.value.get("tests")):
                yield from _outcomes(file, test, version, bool(item.value.get("skip")))


def _outcomes(file: File, test: Mapping[str, Any], version: tuple[int, int], skip: bool) -> Iterator[ExampleOutcome]:
    name = str(test.get("name"))
    if test.get("invalid"):
        yield ExampleOutcome(name, "the constraint", "unsupported", "schemas of constraints are not checked")
        return
    pack = read_pack([file.parent / str(test.get(field)) for field in ("template", "constraint")], version)
    for case in _maps(test.get("cases")):
        if skip or test.get("skip") or case.get("skip"):
            yield ExampleOutcome(name, str(case.get("name")), "unsupported", SKIPPED)
        else:
            yield ExampleOutcome(name, str(case.get("name")), *_judged(file, pack, case))


def _judged(file: File, pack: Pack, case: Mapping[str, Any]) -> tuple[Outcome, str]:
    for problem in pack.problems:
        return ("unsupported" if problem.reason.startswith(NOT_JUDGED) else "failed"), problem.reason
    if len(pack.policies) != 1:
        return "failed", "it has no constraint with its template"
    inventory = Inventory()
    for each in case.get("inventory") or ():
        _added(inventory, file.parent / str(each))
    entries = _added(inventory, file.parent / str(case.get("object")))
    if len(entries) != 1:
        return "failed", "its file does not hold one object"
    if entries[0].ref.kind == "AdmissionReview":
        return "unsupported", "its object is a whole request"
    verdict = evaluate(pack.policies[0], subject_of(inventory, entries[0]))
    if verdict.unknown:
        return "unsupported", f"it hangs on {verdict.unknown}"
    for assertion in _maps(case.get("assertions")) or [{"violations": "no"}]:
        problem_told = _broken(assertion, verdict.failures)
        if problem_told:
            return "failed", problem_told
    return "passed", ""


def _added(inventory: Inventory, file: File) -> list[Entry]:
    sources = [item for item in read_sources([file]) if not isinstance(item, Skipped)]
    return [inventory.add(item.value, Origin(TARGET)) for item in sources]


def _broken(assertion: Mapping[str, Any], failures: Sequence[Failure]) -> str:
    """Return how failures differ from what an assertion says, "" where they do not."""
    wanted, pattern = assertion.get("violations", "yes"), assertion.get("message")
    found = [each for each in failures if not isinstance(pattern, str) or matches_(each.message, pattern)]
    if wanted == len(found) or (wanted == "yes" and found) or (wanted == "no" and not found):
        return ""
    said = "; ".join(each.message for each in failures) or "nothing"
    return f"expected {wanted} violations{f' like {pattern!r}' if pattern else ''}, found {len(found)} among: {said}"


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
