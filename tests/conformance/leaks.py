"""Credentials: samples of every published rule, noise that has few of them, and gitleaks itself where it is on PATH.

Samples are made from each rule's own expression; a case is a rule. Noise is what the corpora hold beside gitleaks' own files:
manifests, policies, advisories for Go, Python and Debian; a case is a finding at medium or above, and leaks.yaml says of each
whether it is right. Beside gitleaks 8.28 a case is a finding of either, on the same files by the same rules: rule, file and line.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.lang.leaks.samples import PATHS, TRIES, sample
from transom.lang.leaks.stream import Found, Searcher
from transom.model.findings import Finding
from transom.model.severity import Severity
from transom.rules.leaks import finding_of_value, searcher
from transom.secrets.folders import texts_below
from transom.secrets.search import Tally, leaks_of_texts

JUDGED: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
"""Findings that somebody has looked at: rules (ours or gitleaks), rule, file, line, and why it is wrong, where it is."""

PUBLISHED = Path("gitleaks", "config", "gitleaks.toml")


def run(corpora: Path) -> list[dict[str, Any]]:
    """Score every part that can be scored here."""
    if not (corpora / PUBLISHED).is_file():
        return []
    found = {"ours": _found("", corpora), "gitleaks": _found(str(corpora / PUBLISHED), corpora)}
    return [
        _samples(searcher(str(corpora / PUBLISHED))),
        *(_noise(name, places) for name, places in found.items()),
        _beside_gitleaks(corpora, found["gitleaks"]),
    ]


def _found(rules: str, corpora: Path) -> list[tuple[str, Found]]:
    """Return the leaks of the corpora, each with its file."""
    with_rules: Searcher = searcher(rules)
    told = leaks_of_texts(with_rules, texts_below(str(corpora)), Tally(with_rules))
    pairs = ((each[0], found) for each in told if isinstance(each, tuple) for found in each[1])
    return [(str(Path(file).relative_to(corpora)), found) for file, found in pairs]


def _samples(published: Searcher) -> dict[str, Any]:
    rules = [rule for rule in published.finder.rules.rules if rule.regex]
    unfound = [rule.id for rule in rules if not _is_found(published, rule)]
    return _row("leaks-samples", len(rules), len(rules) - len(unfound), unfound)


def _is_found(published: Searcher, rule: Any) -> bool:
    random, path, word = Random(rule.id), PATHS.get(rule.id, ""), "".join(rule.keywords[:1])
    texts = (f"{word}\n{sample(rule.regex, random)} \n".encode() for _ in range(TRIES))
    return any(rule.id in {leak.rule.id for leak in published.finder.find(text, path)} for text in texts)


def _noise(rules: str, places: Sequence[tuple[str, Found]]) -> dict[str, Any]:
    """Tell which alarms over noise are right; one that nobody has looked at differs."""
    judged = {(each["rule"], each["file"], each["line"]): each for each in JUDGED if each["rules"] == rules}
    wrong: Counter[str] = Counter()
    right, unjudged, cases = 0, [], set()
    for file, found in places:
        key = (found.rule.id, file, found.line)
        if file.startswith("gitleaks/") or key in cases or _severity(found) < Severity.MEDIUM:
            continue
        cases.add(key)
        if key not in judged:
            unjudged.append(f"{rules}: {key[0]} at {file}:{found.line}")
        elif judged[key].get("wrong"):
            wrong[f"a false alarm: {judged[key]['wrong']}"] += 1
        else:
            right += 1
    return {**_row(f"leaks-noise-{rules}", len(cases), right, unjudged), "unsupported": dict(wrong)}


def _severity(found: Found) -> Severity:
    from transom.model.findings import Evidence
    from transom.model.places import Locator
    from transom.model.refs import file_ref

    finding: Finding = finding_of_value(file_ref("a"), found, (Evidence(Locator("a")),))
    return finding.severity


def _beside_gitleaks(corpora: Path, places: Sequence[tuple[str, Found]]) -> dict[str, Any]:
    name, program = "leaks-beside-gitleaks", shutil.which("gitleaks")
    if not program:
        return {**_row(name, 1, 0, []), "unsupported": {"gitleaks is not on PATH": 1}}
    theirs = set(_theirs(program, corpora))
    ours = {(found.rule.id, file, found.first_line): found for file, found in places}
    wrapped = {key for key in ours.keys() - theirs if ours[key].encodings}
    differences = [f"only gitleaks: {key}" for key in sorted(theirs - ours.keys())]
    differences += [f"only transom: {key}" for key in sorted(ours.keys() - theirs - wrapped)]
    cases = len(theirs | ours.keys())
    row = _row(name, cases, cases - len(differences) - len(wrapped), differences)
    return {**row, "unsupported": {"it is encoded, which gitleaks was not asked to decode": len(wrapped)}}


def _theirs(program: str, corpora: Path) -> Iterator[tuple[str, str, int]]:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = [program, "dir", ".", "-c", PUBLISHED, "--no-banner", "-f", "json", "-r", report, "--exit-code", "0"]
        subprocess.run([*words, "--max-decode-depth", "0", "-l", "error"], cwd=corpora, check=True)
        for each in json.loads(report.read_text()):
            yield each["RuleID"], each["File"], each["StartLine"]


def _row(name: str, cases: int, agree: int, differences: list[str]) -> dict[str, Any]:
    return {
        "corpus": name,
        "cases": cases,
        "agree": agree,
        "differ": len(differences),
        "unsupported": {},
        "differences": differences,
    }
