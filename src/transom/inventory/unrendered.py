"""Charts that do not render and kustomizations that do not build: findings, and what they hold is Skipped."""

from __future__ import annotations

from collections.abc import Iterator

from transom.model.findings import Evidence, Finding, Rule, Skipped
from transom.model.places import Locator
from transom.model.refs import file_ref
from transom.model.severity import Severity

MAX_MESSAGE_CHARS = 500  # engines repeat the whole chain of templates

CHART = Rule(
    "chart-does-not-render",
    "Chart that does not render",
    Severity.MEDIUM,
    "Nobody can install a chart that does not render, and nothing in it can be judged.",
    "Correct the template or the values that the message names, and render the chart in every build.",
    "workloads",
    {
        "zh-CN": {
            "title": "无法渲染的 Chart",
            "why": "无法渲染的 Chart 谁也装不上，其中的内容也无从检查。",
            "fix": "修正消息中指出的模板或 values，并在每次构建时渲染该 Chart。",
        }
    },
)
KUSTOMIZATION = Rule(
    "kustomization-does-not-build",
    "Kustomization that does not build",
    Severity.MEDIUM,
    "Nobody can apply a kustomization that does not build, and nothing that it would make can be judged.",
    "Correct what the message names, and build the kustomization in every pull request.",
    "workloads",
    {
        "zh-CN": {
            "title": "无法构建的 Kustomization",
            "why": "无法构建的 Kustomization 谁也应用不了，它本该产生的内容也无从检查。",
            "fix": "修正消息中指出的问题，并在每个拉取请求中构建该 Kustomization。",
        }
    },
)
FACES = {rule.id: rule for rule in (CHART, KUSTOMIZATION)}


def unrendered(rule: Rule, name: str, message: str, locator: Locator) -> Iterator[Finding | Skipped]:
    """Yield the finding of a chart or kustomization, and the Skipped of what it holds; message: the engine's own."""
    text = " ".join(message.split())[:MAX_MESSAGE_CHARS]
    ref = file_ref(name)
    evidence = (Evidence(locator, text),)
    yield Finding(rule.id, ref, rule.severity, text, evidence, title=rule.title, fix=rule.fix)
    reason = "it does not render, so nothing that it would make was judged"
    yield Skipped(ref, reason, f"correct it; transom explain {rule.id}", locator=locator)
