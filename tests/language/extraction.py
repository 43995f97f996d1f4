"""From the sources to the texts that need a translation.

Gathered are literals and f-strings, whose fields become `{}`:

- what `say` and `mark` are called with;
- arguments of what a person is told of: errors, Skipped, NotApplicable;
- values given to names such as `reason`, `why`, `next_step`, which become such arguments;
- help of commands, titles of their groups, the words beside their examples;
- of the content: messages of policies, controls of frameworks, titles and reasons of profiles.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

SOURCES = Path(__file__).parents[2] / "src" / "transom"
SAID = {"say", "mark"}
TOLD = {  # what takes texts for people: which of its arguments are such texts
    "TransomError": (0, 1, 2),
    "UsageError": (0, 1, 2),
    "ArgumentTypeError": (0,),
    "NotTextError": (0,),
    "TextError": (0, 1),
    "Skipped": (1, 2),
    "NotApplicable": (0,),
    "Fault": (0,),
    "CannotJudge": (0, 1),
    "PolicyError": (0, 2),
    "ScalarError": (0,),
    "Complaint": (0, 1),
    "_skipped": (1, 2, 3),
    "_unread": (1, 2),
    "Unread": (0, 1),
    "Unknown": (0,),
    "NoParams": (0,),
    "Provenance": (1,),
    "Say": (2,),
    "Unsupported": (0, 3),
    "UnreachableError": (0, 1, 2),
    "UnreadableError": (0, 1, 2),
    "BoltError": (0,),
    "BrokenError": (0,),
    "BuildError": (0,),
    "EditError": (0,),
    "ImageError": (0,),
    "ImpossibleError": (0,),
    "MalformedError": (0,),
    "MergeError": (0,),
    "MutationError": (0,),
    "NotEditable": (0,),
    "Place": (1,),
    "Check": (1,),
    "ApiError": (0, 1, 2),
    "CannotKnow": (0,),
    "unreadable": (0,),
    "unreachable": (0,),
    "nothing": (1,),
    "NonMatch": (0,),
    "_RuleError": (0,),
    "_refuse": (1,),
    "_refused": (1, 2),
    "_TooLargeError": (0,),
    "OSError": (0,),
    "Refused": (1,),
    "RefusedError": (0, 1),
    "Refusal": (1,),
    "Unjudged": (0, 1),
    "CannotJudgeError": (0, 1),
    "decoded": (2,),
    "any_json": (1,),
    "unbase64": (1,),
    "_unbase64url": (1,),
    "RenderError": (0,),
    "SelectorError": (0,),
    "TarError": (0,),
    "TreeError": (0,),
    "ValueError": (0,),
    "command_parser": (1,),
    "add_argument_group": (0,),
    "add_judging_arguments": (1,),
    "add_report_arguments": (1, 2),
    "read_file": (2,),
}
NAMES = {
    "reason",
    "why",
    "step",
    "next_step",
    "what",
    "problem",
    "hint",
    "help",
    "told",
    "note",
    "counted",
    "how",
    "again",
}
"""Names, of variables and of arguments, whose values are told to people."""
CONSTANTS = {
    "ACCEPTED",
    "ASSUMED",
    "BOUNDS",
    "CHAIN_MISSING",
    "CHANGED",
    "CORRECT",
    "FIX",
    "FORMS",
    "HELP",
    "HOW",
    "IN_THE_FUTURE",
    "INSTALL",
    "LISTED",
    "NEXT_STEP",
    "NOT_APPLIED",
    "NOT_JUDGED",
    "NO_OBJECT",
    "NO_PODS",
    "NO_ROOT",
    "NO_POLICY",
    "NO_RULE",
    "OF_OTHERS",
    "OPEN",
    "PAIR",
    "REASON",
    "REMARK",
    "SHIPPED",
    "STAGED_BEFORE",
    "STANDARD_INPUT",
    "STEP",
    "SUBMODULES",
    "TARGET_HELP",
    "TOO_LARGE",
    "TO_NOTHING",
    "UNPROVEN",
    "UNREADABLE",
    "WHY",
    "_BY_STATUS",
    "_ELSEWHERE",
    "_LANGUAGES",
    "_OTHERS",
    "_OTHER_STEP",
    "_PROBLEMS",
    "_RESERVED",
    "_TAB",
    "_TLS_STEPS",
}
"""Constants that are told to people: texts, and tables whose rows end in one."""
BEHIND_A_FIELD = {"_malformed": 2}  # what takes texts that are told behind the name of a field
RETURNING = {  # functions that return or yield texts, and what is put before these
    "kube/authorizer/policy.py:_problems": "{} ",
    "kube/objects.py:_problem": "{} ",
    "advisories/reasons.py:_told": "",
    "kube/client/plugins.py:_by_hand": "",
    "kube/edits.py:_times": "",
    "network/policies.py:_count": "",
    "rules/examples.py:_problem": "",
    "rules/expand.py:pod_problem": "",
    "rules/frameworks.py:_problem": "",
    "rules/place.py:_told": "",
    "workloads/schemas.py:_told": "",
}
UNSEEN = ("lang/cel/", "conformance/")  # folders whose errors are those of an expression, in the words of CEL
CONTENT = {  # folders of the content: the part of its documents, and which fields there are texts for people
    "policies": ("", ("message", "transom.dev/expect")),
    "frameworks": ("controls", ("title", "undecided")),
    "profiles": ("", ("title", "why")),
    "primitives": ("", ("title",)),
    "secrets": ("rules", ("description",)),
    "feeds": ("", ("about",)),
}
EXAMPLE = re.compile(r"( +\S.*?\S {2,}|)(\S.*)")
LETTERS = re.compile(r"[^\W\d_]{2}")


def texts() -> dict[str, list[tuple[str, int]]]:
    """Return every text that needs a translation, with the places where it stands."""
    found: dict[str, list[tuple[str, int]]] = {}
    for file in sorted(SOURCES.rglob("*.py")):
        shown = str(file.relative_to(SOURCES.parent.parent))
        inside = file.relative_to(SOURCES).as_posix()
        if inside.startswith(UNSEEN):
            continue
        for text, line in _texts_of(ast.parse(file.read_text(encoding="utf-8")), inside):
            if text and not text.startswith("<"):  # markup
                found.setdefault(text, []).append((shown, line))
    for text, shown in _texts_of_content():
        found.setdefault(text, []).append((shown, 0))
    return found


def _texts_of_content() -> Iterator[tuple[str, str]]:
    """Yield the texts of the content that have no translation beside them, with their files."""
    for folder, (part, fields) in CONTENT.items():
        for file in sorted((SOURCES / "content" / folder).rglob("*.*ml")):
            if not file.name.endswith((".test.yaml", ".fix.yaml")):
                for document in _documents(file):
                    for text in _at_fields(document.get(part) if part else document, fields):
                        # steps of a way are told within a sentence
                        told = text[:1].lower() + text[1:] if folder == "primitives" else text
                        yield told, str(file.relative_to(SOURCES.parent.parent))


def _documents(file: Path) -> list[Any]:
    text = file.read_text(encoding="utf-8")
    return [tomllib.loads(text)] if file.suffix == ".toml" else list(yaml.safe_load_all(text))


def _at_fields(value: Any, fields: tuple[str, ...]) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in fields and isinstance(each, str):
                yield each
            else:
                yield from _at_fields(each, fields)
    elif isinstance(value, list):
        for each in value:
            yield from _at_fields(each, fields)


def _texts_of(tree: ast.AST, file: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _of_call(node)
        elif isinstance(node, ast.Assign):
            yield from _of_assignment(node.targets, node.value)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield from _of_assignment([node.target], node.value)
        elif isinstance(node, ast.FunctionDef) and f"{file}:{node.name}" in RETURNING:
            before = RETURNING[f"{file}:{node.name}"]
            for each in (each.value for each in ast.walk(node) if isinstance(each, ast.Return | ast.Yield)):
                told = each.elts[-1] if isinstance(each, ast.Tuple) else each
                yield from ((before + text, line) for text, line in _literals(told) if text)


def _of_call(call: ast.Call) -> Iterator[tuple[str, int]]:
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    if name in SAID:
        yield from _literals(call.args[0] if call.args else None)
    for index in TOLD.get(name, ()):
        if index < len(call.args):
            yield from _literals(call.args[index])
    if name in BEHIND_A_FIELD:
        yield from (("{} " + text, line) for text, line in _literals(call.args[BEHIND_A_FIELD[name]]))
    for keyword in call.keywords:
        if keyword.arg in NAMES:
            yield from _literals(keyword.value)


def _of_assignment(targets: list[ast.expr], assigned: ast.expr) -> Iterator[tuple[str, int]]:
    for target in targets:
        if isinstance(target, ast.Tuple) and isinstance(assigned, ast.Tuple):
            pairs = list(zip(target.elts, assigned.elts, strict=False))
        else:
            pairs = [(target, assigned)]
        for each, value in pairs:
            if isinstance(each, ast.Name) and each.id in NAMES:
                yield from _literals(value)
            elif isinstance(each, ast.Name) and each.id in CONSTANTS:
                yield from ((text, line) for text, line in _literals(value) if " " in text)
            elif isinstance(each, ast.Name) and each.id == "COMMANDS" and isinstance(value, ast.Dict):
                for command in value.values:
                    yield from _literals(command.elts[1] if isinstance(command, ast.Tuple) else None)
            elif isinstance(each, ast.Name) and each.id == "EXAMPLES":
                for text, line in _literals(value):
                    yield from ((part, line) for part in words_of_examples(text))


def words_of_examples(text: str) -> list[str]:
    """Return the words of examples that are told in the reader's language: those behind the command."""
    matches = (EXAMPLE.fullmatch(line) for line in text.splitlines())
    return [match[2] for match in matches if match and (match[1] or not match[2].startswith("transom"))]


def _has_words(text: str) -> bool:
    """Tell whether a template has words of its own, and not only what is filled in."""
    return LETTERS.search(re.sub(r"\{[^{}]*\}", "", text)) is not None


def _literals(value: ast.expr | None) -> Iterator[tuple[str, int]]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value, value.lineno
    elif isinstance(value, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.Constant) else "{}" for each in value.values]
        if _has_words(template := "".join(str(part) for part in parts)):
            yield template, value.lineno
    elif isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)
    elif isinstance(value, ast.BoolOp):  # what is told, or else something in its place
        for each in value.values:
            yield from ((text, line) for text, line in _literals(each) if _has_words(text))
    elif isinstance(value, ast.Tuple):  # a reason and a next step, or the rows of a table
        for each in value.elts:
            yield from _literals(each.elts[-1] if isinstance(each, ast.Tuple) else each)
    elif isinstance(value, ast.Dict):
        for each in value.values:
            yield from _literals(each)
    elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "format":
        yield from _literals(value.func.value)
