"""Kubescape's posture cases: input objects and the findings that its own rules expect, scored by a written crosswalk.

A case is one folder of a rule's tests. Compared are the objects at fault: an alert of theirs is found where a rule that
the crosswalk names has a finding on one of the objects that the alert speaks of; a finding of ours is right where an alert
speaks of its object. Rules without cases, and those that the crosswalk leaves out, are counted with their reason.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from transom.inventory import Inventory
from transom.model.findings import Finding
from transom.rules.load import Pack, builtin_pack
from transom.scan import ScanOptions, scan

CORPUS = "regolibrary-cases"
CROSSWALK = Path(__file__).with_name("regolibrary.yaml")

Thing = tuple[str, str]
"""Kind and name of an object."""


class Score(Struct):
    """What a rule's cases came to: alerts that were found and missed, findings that are right and wrong."""

    cases: int = 0
    found: int = 0
    missed: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def recall(self) -> float:
        """The share of alerts that were found."""
        return self.found / (self.found + self.missed) if self.found + self.missed else 1.0

    @property
    def precision(self) -> float:
        """The share of findings that are right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0


def crosswalk() -> dict[str, Any]:
    """Return the crosswalk."""
    found: dict[str, Any] = yaml.safe_load(CROSSWALK.read_text(encoding="utf-8"))
    return found


def rules_of(corpora: Path) -> dict[str, list[Path]]:
    """Return the folders of cases of each of their rules."""
    folders = sorted(path for path in (corpora / CORPUS / "rules").iterdir() if (path / "rule.metadata.json").is_file())
    return {folder.name: sorted(file.parent for file in folder.glob("test/*/expected.json")) for folder in folders}


def scores(corpora: Path) -> tuple[dict[str, Score], Score, list[str], Counter[str]]:
    """Return the score of each rule that is judged, that of cases that differ on purpose, differences, and exclusions."""
    walked, pack = crosswalk(), builtin_pack()
    excluded: Counter[str] = Counter()
    reasons = {rule: left["why"] for left in walked["left"] for rule in left["rules"]}
    scored: dict[str, Score] = {}
    on_purpose = Score()
    differences: list[str] = []
    for rule, cases in rules_of(corpora).items():
        entry = walked["judged"].get(rule)
        if entry is None:
            excluded[reasons[rule]] += len(cases)
            continue
        for case in cases:
            told = entry.get("cases", {}).get(case.name)
            if told:
                excluded[told] += 1
                _case(rule, case, entry, pack, on_purpose)
            else:
                differences += _case(rule, case, entry, pack, scored.setdefault(rule, Score()))
    return scored, on_purpose, differences, excluded


def _case(rule: str, case: Path, entry: dict[str, Any], pack: Pack, score: Score) -> list[str]:
    alerts = [_things(alert) for alert in json.loads((case / "expected.json").read_text() or "[]")]
    ours = _found(case, entry, pack)
    found = [alert for alert in alerts if alert & ours]
    spoken = frozenset[Thing]().union(*alerts)
    score.cases += 1
    score.found += len(found)
    score.missed += len(alerts) - len(found)
    score.right += len(ours & spoken)
    score.wrong += len(ours - spoken)
    missed = [f"{rule}/{case.name}: missed {sorted(alert)}" for alert in alerts if not alert & ours]
    return missed + [f"{rule}/{case.name}: {thing} is no fault there" for thing in sorted(ours - spoken)]


def _things(value: Any) -> frozenset[Thing]:
    """Return every object that an alert speaks of."""
    if isinstance(value, list):
        return frozenset[Thing]().union(*map(_things, value))
    if not isinstance(value, dict):
        return frozenset()
    inner = frozenset[Thing]().union(*map(_things, value.values()))
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else value.get("name")
    return inner | {(value["kind"], name)} if isinstance(value.get("kind"), str) and name else inner


def _found(case: Path, entry: dict[str, Any], pack: Pack) -> frozenset[Thing]:
    adapted = pack.adapted({}, _parameters(case, entry.get("params", {})))
    options = ScanOptions(
        policies=[policy for policy in adapted.policies if policy.id in entry["rules"]],
        checks=[check for check in adapted.checks if check.id in entry["rules"]],
        exceptions=False,
    )
    results = list(scan([str(case / "input")], options, Inventory()))
    return frozenset((each.ref.kind, each.ref.name) for each in results if isinstance(each, Finding))


def _parameters(case: Path, wanted: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Return our parameters for the settings that a case brings."""
    file = case / "data.json"
    settings = json.loads(file.read_text()).get("postureControlInputs", {}) if file.is_file() else {}
    made: dict[str, dict[str, Any]] = {}
    for parameter, setting in wanted.items():
        rule, _, name = parameter.partition(".")
        if setting in settings:
            made.setdefault(rule, {})[name] = settings[setting]
    return made


def _sum(scored: list[Score]) -> Score:
    fields = Score.__struct_fields__
    return Score(*(sum(getattr(score, field) for score in scored) for field in fields))


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every case of every rule."""
    scored, on_purpose, differences, excluded = scores(corpora)
    differing = {difference.partition(":")[0] for difference in differences}
    judged = sum(score.cases for score in scored.values())
    total, whole = _sum([*scored.values()]), _sum([*scored.values(), on_purpose])
    return [
        {
            "corpus": CORPUS,
            "cases": judged + excluded.total(),
            "agree": judged - len(differing),
            "differ": len(differing),
            "unsupported": dict(excluded),
            "differences": differences,
            "recall": round(total.recall, 4),
            "precision": round(total.precision, 4),
            "whole": {"recall": round(whole.recall, 4), "precision": round(whole.precision, 4)},
            "rules": {rule: [round(each.recall, 2), round(each.precision, 2)] for rule, each in sorted(scored.items())},
        }
    ]
