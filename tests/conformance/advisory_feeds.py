"""Samples of feeds: what we read in them beside what another normaliser made of the same input, each difference explained."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from transom.advisories.channels import channel_of_distro, channel_of_ecosystem
from transom.advisories.feeds import told
from transom.model.advisories import Advisory, Exploited, Lifetime, Likelihood, State

PROVIDERS = "advisory-feeds/tests/unit/providers"
INPUTS = {
    "alpine": ("input",),
    "chainguard": ("input/osv", "input/secdb"),
    "minimos": ("input",),
    "ubuntu": ("osv", "osv-esm-cases"),
    "fedora": ("input", "merge-input"),
    "kev": ("valid-catalog-1.json",),
    "epss": ("example-1.csv",),
    "eol": ("valid-eol-response.json",),
}
"""Samples whose input is there as the vendor publishes it."""
NEVER_AFFECTED = "0"
ABSENT = "its input is not among the samples"
OTHER = "its input is in a format that is not read"

WOLFI = "both: Wolfi's packages stay Wolfi's here, and the matcher asks of both on a Chainguard system"
PRO = (
    "both: what only Ubuntu Pro fixes is told once here, and the matcher tells who is without it that the fix is there"
)
OLD = "its input, the old tracker of Ubuntu, is not among the samples"

EPEL = "ours: what EPEL 7 has for RHEL 7 is nothing of Fedora 7, and is refused with that reason"

EXPLAINED = {
    **{f"fedora/fedora:7/cve-2014-850{number}": EPEL for number in (1, 2, 3, 4)},
    "chainguard/chainguard:rolling/CGA-224q-ccj5-2p53": WOLFI,
    "ubuntu/ubuntu-14.04-lts/ubuntu-cve-2016-20013": PRO,
    "ubuntu/ubuntu-14.04-lts/ubuntu-cve-2020-36325": PRO,
    "ubuntu/ubuntu-16.04-lts/ubuntu-cve-2016-20013": PRO,
    "ubuntu/ubuntu-16.04-lts/ubuntu-cve-2021-3782": PRO,
    "ubuntu/ubuntu-18.04-lts/ubuntu-cve-2016-20013": PRO,
    "ubuntu/ubuntu-20.04-lts/ubuntu-cve-2016-20013": PRO,
    "ubuntu/ubuntu:12.04/cve-2012-5124": OLD,
    "ubuntu/ubuntu:12.04/cve-2013-6627": OLD,
    "ubuntu/ubuntu:12.10/cve-2012-5124": OLD,
    "ubuntu/ubuntu:12.10/cve-2013-6627": OLD,
    "ubuntu/ubuntu:13.04/cve-2013-6627": OLD,
}
"""Snapshots that differ on purpose: the name, and who is right."""

Fact = tuple[str, ...]


def run(corpora: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for each provider that has snapshots."""
    for folder in sorted((corpora / PROVIDERS).iterdir()):
        snapshots = sorted((folder / "test-fixtures" / "snapshots").rglob("*.json"))
        if snapshots:
            yield _row(folder, snapshots)


def _row(folder: Path, snapshots: list[Path]) -> dict[str, Any]:
    inputs = [folder / "test-fixtures" / each for each in INPUTS.get(folder.name, ())]
    ours = _facts_of_feeds(inputs)
    agree, differ, unsupported = 0, [], Counter[str]()
    for path in snapshots:
        name = f"{folder.name}/{path.parent.name}/{path.stem}"
        if not inputs:
            unsupported[ABSENT if folder.name in ("rhel", "sles", "oracle", "github") else OTHER] += 1
            continue
        bug, theirs = _facts_of_snapshot(path)
        if ours[bug] == theirs:
            agree += 1
        elif name in EXPLAINED:
            unsupported[EXPLAINED[name]] += 1
        else:
            differ.append(f"{name}: ours {sorted(ours[bug] - theirs)}, theirs {sorted(theirs - ours[bug])}")
    return {
        "corpus": f"feeds: {folder.name}",
        "cases": len(snapshots),
        "agree": agree,
        "differ": len(differ),
        "differences": differ,
        "unsupported": dict(unsupported),
    }


def _facts_of_feeds(inputs: list[Path]) -> dict[Fact, set[Fact]]:
    """Return what we read: for each channel and bug, the packages and the versions that fix them."""
    found: dict[Fact, set[Fact]] = defaultdict(set)
    for path in inputs:
        for each in told(str(path)):
            if isinstance(each, Advisory):
                for statement, bug in product(each.statements, (each.id, *each.covers)):
                    about = found[statement.channel, bug]
                    about |= {(statement.name, interval.fixed) for interval in statement.intervals}
                    if statement.state is State.NOT_AFFECTED:
                        about.add((statement.name, NEVER_AFFECTED))
            elif isinstance(each, Exploited):
                found["kev", each.id].add((each.added, each.due, str(each.ransomware)))
            elif isinstance(each, Likelihood):
                found["epss", each.id].add((str(each.score), str(each.percentile), each.date))
            elif isinstance(each, Lifetime):
                found["end-of-life", f"{each.product}:{each.release}"].add((each.ends,))
    return found


def _facts_of_snapshot(path: Path) -> tuple[Fact, set[Fact]]:
    item = json.loads(path.read_text())["item"]
    if "Vulnerability" in item:
        told = item["Vulnerability"]
        channel = channel_of_distro(told["NamespaceName"].replace(":rolling", "").replace(":", "-"))
        fixes = {(each["Name"], each["Version"].removeprefix("0:").replace("None", "")) for each in told["FixedIn"]}
        return (channel, told["Name"]), fixes
    if "affected" in item:
        channel = channel_of_ecosystem(item["affected"][0]["package"]["ecosystem"])
        return (channel, item["id"]), {fact for each in item["affected"] for fact in _fixes(each)}
    if "cveID" in item:
        known = item["knownRansomwareCampaignUse"] == "Known"
        return ("kev", item["cveID"]), {(item["dateAdded"], item["dueDate"], str(known))}
    if "epss" in item:
        return ("epss", item["cve"]), {(str(item["epss"]), str(item["percentile"]), item["date"])}
    if "eolFrom" in item:
        return ("end-of-life", f"{item['product']}:{item['name']}"), {(item["eolFrom"],)}
    return (path.stem,), {("of another kind",)}


def _fixes(affected: dict[str, Any]) -> Iterator[Fact]:
    for each in affected.get("ranges", ()):
        fixed = [event["fixed"] for event in each["events"] if "fixed" in event]
        yield from ((affected["package"]["name"], version) for version in fixed or [""])
