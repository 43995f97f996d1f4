"""What the pages of rules are made of: `transom explain` and `transom rules docs` show the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from transom.model.errors import TransomError
from transom.model.language import mark

if TYPE_CHECKING:
    from transom.report.rule_docs import RulePage
    from transom.rules.check import Check
    from transom.rules.policy import Policy

POD_KINDS = mark("pods, and every kind with a pod template")
EACH_NAMESPACE = mark("each namespace once")
EVERY_OBJECT = mark("every object of a kind of Kubernetes itself")


def controls_told(rule_id: str) -> dict[str, list[str]]:
    """Return the controls that a rule serves, by the framework's name."""
    from transom.rules.frameworks import controls_of, frameworks

    names = {framework.id: framework.name for framework in frameworks()}
    return {names[framework]: controls for framework, controls in controls_of(rule_id).items()}


def profiles_told(rule: Policy | Check) -> list[str]:
    """Return the names of the profiles that have a rule; those of others are in every one."""
    from transom.rules.profiles import is_ours, profiles_of

    return profiles_of(rule.id) if is_ours(rule) else []


def judged_by(check: Check, language: str = "en") -> str:
    """Return what a check judges and reads, and where it applies, in a person's words."""
    from transom.model.language import translator
    from transom.rules.check import NAMESPACES, OBJECTS, PODS

    say = translator(language)
    words = {PODS: say(POD_KINDS), NAMESPACES: say(EACH_NAMESPACE), OBJECTS: say(EVERY_OBJECT)}

    def told(kinds: Sequence[str]) -> str:
        return say(", ").join(words.get(kind, kind.rpartition("/")[2]) for kind in kinds)

    sentences = [say("Judged: {}.").format(told(check.judges))]
    if check.reads:
        sentences.append(say("Joined with: {}.").format(told(check.reads)))
    applies = check.face.texts.get(language, {}).get("applies", check.applies)
    parts = filter(None, (*sentences, applies))
    return "".join(each if each.endswith("。") else f"{each} " for each in parts).rstrip()


def markdown_pages(rules: Sequence[Policy | Check]) -> dict[str, str]:
    """Return the pages of rules and their index, by file name."""
    from transom.report.rule_docs import INDEX, index_markdown, rule_markdown

    pages = [_page(rule) for rule in rules]
    return {INDEX: index_markdown(pages), **{f"{page.rule.id}.md": rule_markdown(page) for page in pages}}


def write_pages(pages: dict[str, str], folder: Path) -> None:
    """Write pages into a folder, and remove those of rules that are gone; raises TransomError."""
    from transom.report.rule_docs import MARK

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.md"):
            if file.name not in pages and file.read_text(encoding="utf-8", errors="replace").startswith(MARK):
                file.unlink()
        for name, text in pages.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise TransomError(f"cannot write pages to {folder}", error.strerror or str(error), "name a folder") from error


def _page(rule: Policy | Check) -> RulePage:
    from transom.rules.policy import Policy

    return _policy_page(rule) if isinstance(rule, Policy) else _check_page(rule)


def _check_page(check: Check) -> RulePage:
    from transom.report.rule_docs import RulePage
    from transom.rules.shown import first_examples, parameters

    good, bad = first_examples(check)
    return RulePage(
        rule=check.face,
        judges=judged_by(check),
        parameters=[(each.name, each.value, each.meaning) for each in parameters(check)],
        controls=list(_controls(check.id)),
        profiles=profiles_told(check),
        good=good,
        bad=bad,
    )


def _policy_page(policy: Policy) -> RulePage:
    from transom.report.rule_docs import RulePage
    from transom.rules.shown import first_examples, parameters

    good, bad = first_examples(policy)
    return RulePage(
        rule=policy.face,
        judges=_judges(policy),
        conditions=[(each.name, each.program.source) for each in policy.conditions],
        variables=[(each.name, each.program.source) for each in policy.variables],
        validations=[(each.message, each.program.source) for each in policy.validations],
        parameters=[(each.name, each.value, each.meaning) for each in parameters(policy)],
        controls=list(_controls(policy.id)),
        profiles=profiles_told(policy),
        good=good,
        bad=bad,
    )


def _judges(policy: Policy) -> str:
    """Return which objects a policy judges, as the first words of a paragraph."""
    resources = list(dict.fromkeys(resource for rule in policy.match.include for resource in rule.resources))
    if policy.expands and "pods" in resources:
        others = [each for each in resources if each.partition("/")[0] != "pods"]
        return "Judged are " + ", ".join([*others, POD_KINDS]) + "."
    return f"Judged are {', '.join(resources)}." if resources else ""


def _controls(rule_id: str) -> Iterable[tuple[str, str, str]]:
    from transom.rules.frameworks import frameworks

    for framework in frameworks():
        for control in framework.controls:
            if rule_id in control.rules:
                yield framework.name, control.id, control.title
