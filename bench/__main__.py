"""Run every measurement, print one line for each, and write build/bench.json."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bench.estate import write_estate
from bench.peers import checkov, python_of_peers, syft, transom
from bench.processes import Measured, measure

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
CORPORA = Path(os.environ.get("TRANSOM_CORPORA") or ROOT.parent / "shared" / "corpora")
ESTATE_SIZE = 20_000
AUDIT_EVENTS = 1_000_000


class Line(msgspec.Struct, frozen=True):
    """One measurement: ours, the reference's, their ratio, and the ratio that is aimed at."""

    name: str
    ours: float
    reference: float
    unit: str
    ratio: float
    goal: str
    met: bool
    note: str = ""


def main() -> int:
    """Measure everything; the exit code tells only whether measuring itself worked."""
    BUILD.mkdir(exist_ok=True)
    lines = []
    for line in measurements():
        lines.append(line)
        print(
            f"{'met   ' if line.met else 'missed'} {line.name:44} ours {line.ours:9.3f} {line.unit}, reference {line.reference:9.3f}, "
            f"ratio {line.ratio:7.2f} (goal: {line.goal}) {line.note}",
            flush=True,
        )
    (BUILD / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(lines), indent=1))
    return 0


def measurements() -> Iterator[Line]:
    """Yield every measurement, the quick ones first."""
    ours = transom()
    yield from start_up(ours)
    yield from expressions()
    yield from decisions()
    yield from attack_paths()
    yield from html_page()
    yield from watching()
    yield from leaks()
    yield from leaks_in_history(ours)
    yield from signatures()
    yield from vulnerabilities()
    yield from kept_bills()
    yield from beside_grype(ours)
    yield from right_size(ours)
    yield from large_estate(ours)
    yield from joins(ours)
    yield from live_cluster(ours)
    yield from beside_checkov(ours)
    yield from beside_syft(ours)


def start_up(command: Path) -> Iterator[Line]:
    """`transom --help` and a scan of one small manifest, beside an interpreter that does nothing."""
    bare = measure([command.with_name("python"), "-c", "pass"], runs=15)
    manifest = ROOT / "examples" / "shop" / "apps" / "cart.yaml"
    for name, words, goal in (
        ("transom --help", [command, "--help"], 8),
        ("transom scan of one manifest, all rules", [command, "scan", manifest], 12),
    ):
        ours = measure(words, runs=15)
        yield _times_as_much(name, ours, bare, goal)


def expressions() -> Iterator[Line]:
    """50 expressions over one pod, beside the C++ engine's binding."""
    from bench.cel import compare

    ours, reference = compare()
    ratio = reference / ours
    yield Line("CEL: 50 expressions over a pod", ours * 1e6, reference * 1e6, "us", ratio, "5 times faster", ratio >= 5)


def decisions() -> Iterator[Line]:
    """A million RBAC decisions over 10,000 bindings, beside the algorithm of the API server written down literally."""
    from bench.authorizer import compare

    found = compare()
    ratio = found.ours / found.literal
    note = f"compiled in {found.compile_s:.2f} s, peak {found.peak_mb:.0f} MB"
    met = found.ours >= 90_000 and ratio >= 50
    goal = "90,000/s and 50 times"
    yield Line("RBAC decisions in a CPU second", found.ours, found.literal, "1/s", ratio, goal, met, note)


def attack_paths() -> Iterator[Line]:
    """From a snapshot to all shortest paths, choke points and a cut; ten times that; and one search of the graph."""
    from bench.attack import whole

    for factor, seconds, megabytes in ((1, 5, 500), (10, 60, 3_000)):
        found = whole(BUILD, factor)
        name = f"{10_000 * factor:,} pods and bindings to paths and cut"
        note = f"{found.edges:,} edges, {found.reached} entries reach everything, cut {found.cut}"
        ratio = found.whole_s / seconds
        yield Line(f"{name}, CPU", found.whole_s, seconds, "s", ratio, f"under {seconds} s", ratio < 1, note)
        ratio = found.peak_mb / megabytes
        yield Line(f"{name}, peak memory", found.peak_mb, megabytes, "MB", ratio, f"under {megabytes} MB", ratio < 1)
        if factor == 1:
            ratio = found.query_s / 0.05
            yield Line("one search of the graph", found.query_s * 1e3, 50, "ms", ratio, "under 50 ms", ratio < 1)


def signatures() -> Iterator[Line]:
    """Verdicts about signed images, once the registry has answered, beside one bare ECDSA P-256."""
    from bench.signatures import whole

    found = whole()
    for name, ours, goal in (("by a key", found.key_us, 4), ("by an identity, cosign 2", found.identity_us, 20)):
        ratio = ours / found.bare_us
        yield Line(f"image signed {name}", ours, found.bare_us, "us", ratio, f"{goal} times at most", ratio <= goal)
    ratio = found.bundle_us / 5_000
    yield Line("image signed by an identity, bundle", found.bundle_us, 5_000, "us", ratio, "under 5 ms", ratio < 1)


def vulnerabilities() -> Iterator[Line]:
    """The public advisories as one index: built, its size beside the packed feeds, a look-up, an image of 1,000 packages."""
    if not CORPORA.is_dir():
        return
    from bench.advisories import whole

    found = whole(CORPORA, BUILD)
    note = f"{found.records:,} records"
    ratio = found.build_s / 20
    yield Line("index of the public advisories, CPU", found.build_s, 20, "s", ratio, "under 20 s", ratio < 1, note)
    ratio = found.size_ratio / 0.25
    yield Line("index beside the packed feeds", found.size_ratio, 0.25, "", ratio, "a quarter", ratio <= 1)
    note = f"{found.changed} records changed"
    ratio = found.delta_ratio / 0.25
    yield Line(
        "a day's delta beside the packed index", found.delta_ratio, 0.25, "", ratio, "a quarter", ratio <= 1, note
    )
    for name, took_s in (("hit", found.hit_s), ("miss", found.miss_s)):
        ratio = took_s / 1e-4
        yield Line(f"look-up in it, a {name}", took_s * 1e6, 100, "us", ratio, "under 0.1 ms", ratio < 1)
    ratio = found.image_s / 0.05
    note = f"{found.matches} matches"
    yield Line(
        "an image of 1,000 packages matched, CPU", found.image_s * 1e3, 50, "ms", ratio, "under 50 ms", ratio < 1, note
    )


def kept_bills() -> Iterator[Line]:
    """Thousands of kept bills against an index, and against what is new in it: CPU for one image."""
    if not CORPORA.is_dir():
        return
    from bench.advisories import RECORDS, rematch

    found = rematch(CORPORA, BUILD)
    note = f"{found.images:,} images, {found.findings:,} results, kept in {found.keep_s * 1e3:.1f} ms each"
    for name, took_s in (("all advisories", found.all_s), (f"{RECORDS} new advisories", found.changed_s)):
        ratio = took_s / 5e-3
        yield Line(f"a kept bill, {name}", took_s * 1e3, 5, "ms", ratio, "under 5 ms", ratio < 1, note)


def beside_grype(command: Path) -> Iterator[Line]:
    """The vulnerabilities of one SBOM beside the user's grype with its own database, where there is one."""
    peer = shutil.which("grype")
    if peer is None or not CORPORA.is_dir():
        print("not measured: vulnerabilities beside a peer (no grype on PATH)")
        return
    from bench.advisories import bill_file

    bill = bill_file(BUILD)
    ours = measure([command, "vulns", bill, "--db", BUILD / "bench-advisories.db", "-o", "json"], runs=3)
    theirs = measure([peer, f"sbom:{bill}", "-o", "json", "-q"], runs=3)
    ratio = theirs.cpu_s / ours.cpu_s
    note = "indexes differ: ours of the corpora, theirs of their own"
    yield Line(
        "an SBOM of 1,000 packages, CPU beside grype", ours.cpu_s, theirs.cpu_s, "s", ratio, "less", ratio > 1, note
    )


def html_page() -> Iterator[Line]:
    """10,000 findings as one page, beside the limit of 2 s; the size of one of 5,000, beside that of 1 MB."""
    from bench.report_html import pages

    few, many = pages(BUILD / "estate-page", 5_000, 10_000)
    note = f"{many.size_mb:.2f} MB"
    yield Line("10,000 findings as HTML, CPU", many.cpu_s, 2.0, "s", many.cpu_s / 2, "under 2 s", many.cpu_s < 2, note)
    met = few.size_mb < 1
    yield Line("5,000 findings as HTML, size", few.size_mb, 1.0, "MB", few.size_mb, "under 1 MB", met)


def leaks() -> Iterator[Line]:
    """Credentials in source text by the rules that gitleaks publishes, beside the goal of 20 MB/s of one core."""
    from bench.leaks import megabytes_a_second, through_files

    rules = CORPORA / "gitleaks" / "config" / "gitleaks.toml"
    if not rules.is_file():
        print(f"not measured: leaks ({rules} is not a file)")
        return
    ours, keywords = megabytes_a_second(rules, ROOT / "src")
    name, note = "leaks: 222 rules over source text", f"{keywords:.0f} MB/s where no keyword stands"
    yield Line(name, ours, 20, "MB/s", ours / 20, "at least 20 MB/s", ours >= 20, note)
    for named, file in (("222 rules", rules), ("our rules", None)):
        speed = through_files(file, CORPORA)
        for how, rate, count in (
            ("as one text", speed.joined, speed.joined_leaks),
            ("file by file", speed.apart, speed.apart_leaks),
        ):
            name = f"leaks: {named}, decoding, doubts, the corpora {how}"
            yield Line(name, rate, 200, "MB/s", rate / 200, "at least 200 MB/s", rate >= 200, f"{count} leaks")


def leaks_in_history(command: Path) -> Iterator[Line]:
    """A history of 10,000 commits, beside one process of git for each that only shows it; a line of 2 GB."""
    from bench.leaks import COMMITS, history

    folder = history(BUILD / "bench-history")
    ours = measure([command, "secrets", folder, "--git"], runs=3)
    shown = f"git -C {folder} rev-list HEAD | while read commit; do git -C {folder} show $commit; done"
    theirs = measure(["sh", "-c", shown], runs=1, warm_up=0)
    ratio, note = theirs.cpu_s / ours.cpu_s, f"peak {ours.peak_mb:.0f} MB"
    name = f"leaks in {COMMITS:,} commits, CPU beside a process for each"
    yield Line(name, ours.cpu_s, theirs.cpu_s, "s", ratio, "10 times less", ratio >= 10, note)
    line = BUILD / "bench-line.txt"
    with line.open("wb") as stream:
        for _ in range(2_000):
            stream.write(b"one line, 2 GB " * 66_667)
    large = measure([command, "secrets", line], runs=1, warm_up=0)
    line.unlink()
    note, met = f"{2_000 / large.cpu_s:.0f} MB/s", large.peak_mb < 200
    yield Line(
        "leaks in one line of 2 GB, peak memory", large.peak_mb, 200, "MB", large.peak_mb / 200, "200 MB", met, note
    )


def right_size(command: Path) -> Iterator[Line]:
    """A million audit events to usage, a proposal and its replay, beside the limit of 30 s."""
    from bench.audit import write_audit

    policy, log = write_audit(BUILD / "audit", AUDIT_EVENTS)
    words = [command, "least", "rbac", "--audit", log, "--from", policy, "-o", "json"]
    ours = measure(words, runs=1, warm_up=0)
    note = f"peak {ours.peak_mb:.0f} MB"
    ratio, met = ours.cpu_s / 30, ours.cpu_s < 30
    yield Line(f"{AUDIT_EVENTS:,} audit events to a proposal, CPU", ours.cpu_s, 30, "s", ratio, "under 30 s", met, note)


def watching() -> Iterator[Line]:
    """A recorded stream of changes beside 1,000 a second; what 100,000 of them need beside what 10,000 do."""
    few, many = (_replayed(changes) for changes in (10_000, 100_000))
    speed = many["changes_a_second"]
    note = f"{many['objects']:,} objects, {many['cpu_s']:.1f} s CPU"
    yield Line("100,000 changes watched", speed, 1000, "/s", speed / 1000, "1,000 a second", speed >= 1000, note)
    ratio = many["grown_mb"] / max(few["grown_mb"], 1.0)  # less than that is nothing to a process of a hundred
    note = f"peak {many['peak_mb']:.0f} MB, the recording included"
    name = "the same, memory grown beside 10,000 changes"
    yield Line(name, many["grown_mb"], few["grown_mb"], "MB", ratio, "twice at most", ratio <= 2, note)


def _replayed(changes: int) -> dict[str, float]:
    words = [sys.executable, "-m", "bench.watching", str(changes)]
    done = subprocess.run(words, capture_output=True, cwd=ROOT, check=True)
    told: dict[str, float] = msgspec.json.decode(done.stdout)
    return told


def large_estate(command: Path) -> Iterator[Line]:
    """20,000 Deployments: peak memory beside the limit of 1 GB, and the cores that were used."""
    folder = BUILD / "estate"
    write_estate(folder, ESTATE_SIZE)
    ours = measure([command, "scan", folder, "-o", f"jsonl={BUILD / 'estate.jsonl'}"], runs=1, warm_up=0)
    note = f"{ours.cpu_s:.1f} s CPU in {ours.wall_s:.1f} s"
    yield Line(
        f"{ESTATE_SIZE:,} Deployments, peak memory",
        ours.peak_mb,
        1024,
        "MB",
        ours.peak_mb / 1024,
        "under 1 GB",
        ours.peak_mb < 1024,
        note,
    )


def joins(command: Path) -> Iterator[Line]:
    """Services beside Deployments, twice as many: the CPU of joining them beside that of half as many."""
    from bench.joins import joined

    half, whole = joined(command, BUILD, (ESTATE_SIZE // 2, ESTATE_SIZE))
    ratio = whole.cpu_s / half.cpu_s
    name = f"{ESTATE_SIZE:,} Services joined, CPU beside half"
    yield Line(name, whole.cpu_s, half.cpu_s, "s", ratio, "at most 2.3 times", ratio <= 2.3, f"{whole.peak_mb:.0f} MB")


def live_cluster(command: Path) -> Iterator[Line]:
    """5,000 pods and 2,000 other objects in a real API server: listed, beside the official client, and scanned."""
    from bench import cluster

    peer, hindrance = python_of_peers(), cluster.why_not()
    if peer is None or hindrance:
        print(f"not measured: a live cluster ({hindrance or 'no peer'})")
        return
    ours = command.with_name("python")
    start = measure([ours, "-c", "import transom.inventory.cluster, urllib3"])
    with cluster.populated() as (config, count):
        listed = measure([ours, "-c", cluster.script(cluster.LIST_OURS, config, count)])
        theirs = measure([peer, "-c", cluster.script(cluster.LIST_THEIRS, config, count)], runs=3)
        scanned = measure([command, "scan", "cluster", "--kubeconfig", config], runs=3)
    ratio, net = theirs.cpu_s / listed.cpu_s, listed.cpu_s - start.cpu_s
    note = f"peak {listed.peak_mb:.0f} MB beside {theirs.peak_mb:.0f} MB; without start and imports {net:.2f} s"
    name = "7,000 live objects listed, CPU beside kubernetes"
    yield Line(name, listed.cpu_s, theirs.cpu_s, "s", ratio, "10 times less", ratio >= 10, note)
    met = net <= 0.3 and listed.peak_mb <= 150
    yield Line("… without start and imports", net, 0.3, "s", net / 0.3, "0.3 s and 150 MB", met, note)
    goal = scanned.cpu_s <= 3
    note = f"peak {scanned.peak_mb:.0f} MB, exit {scanned.exit_code}"
    yield Line("7,000 live objects scanned", scanned.cpu_s, 3.0, "s", scanned.cpu_s / 3, "3 s", goal, note)


def beside_checkov(command: Path) -> Iterator[Line]:
    """Public repositories, beside a peer written in the same language."""
    peer = checkov()
    for name in ("kubernetes-goat", "kubernetes-examples", "microservices-demo"):
        folder = CORPORA / name
        if peer is None or not folder.is_dir():
            print(f"not measured: {name} ({'no peer' if peer is None else f'{folder} is not a folder'})")
            continue
        ours = measure([command, "scan", folder])
        theirs = measure([peer, "--skip-download", "--quiet", "--framework", "kubernetes", "-d", folder], runs=3)
        ratio = theirs.cpu_s / ours.cpu_s
        note = f"peak {ours.peak_mb:.0f} MB beside {theirs.peak_mb:.0f} MB"
        yield Line(
            f"{name}, CPU beside checkov", ours.cpu_s, theirs.cpu_s, "s", ratio, "20 times less", ratio >= 20, note
        )


def beside_syft(command: Path) -> Iterator[Line]:
    """Packages of a large image, and of one with very many small files, beside a peer written in Go."""
    from bench import images

    peer, hindrance = syft(), images.why_not()
    if peer is None or hindrance:
        print(f"not measured: images ({hindrance or 'no peer'})")
        return
    python, script = command.with_name("python"), ROOT / "bench" / "images.py"
    for name, layout in (("large image", images.large(BUILD, peer.parents[6])), ("300,000 files", images.many(BUILD))):
        ours = measure([python, script, layout], runs=3)
        theirs = measure([peer, f"oci-dir:{layout}", "-q", "-o", "syft-json"], runs=1, warm_up=0)
        ratio, share = theirs.cpu_s / ours.cpu_s, ours.peak_mb / theirs.peak_mb
        note = f"peak {ours.peak_mb:.0f} MB beside {theirs.peak_mb:.0f} MB, {share:.2f} of it"
        goal = "5 times less, a third of the memory"
        met = ratio >= 5 and share <= 1 / 3
        yield Line(f"packages of a {name}, CPU beside syft", ours.cpu_s, theirs.cpu_s, "s", ratio, goal, met, note)
        both = measure([sys.executable, script, layout, "secrets"], runs=3)  # with Hyperscan, which is an extra
        ratio, note = theirs.cpu_s / both.cpu_s, f"peak {both.peak_mb:.0f} MB; packages alone {ours.cpu_s:.1f} s"
        goal = "less than its packages alone"
        yield Line("… with every file looked through", both.cpu_s, theirs.cpu_s, "s", ratio, goal, ratio > 1, note)
    yield _agreement(python, script, peer, images.large(BUILD, peer.parents[6]))
    yield _second_look(command, "the large image", images.large(BUILD, peer.parents[6]))
    yield _second_look(command, "300,000 files", images.many(BUILD))


def _second_look(command: Path, what: str, layout: Path) -> Line:
    """The bill of an image whose layers are known, beside the first one, start of the process included."""
    words = ["env", f"XDG_CACHE_HOME={BUILD / 'bench-cache'}", command, "sbom", layout, "-o", "cyclonedx-json"]
    first = measure([*words, "--no-cache"], runs=1, warm_up=0)
    second = measure(words)
    ratio = first.cpu_s / second.cpu_s
    note = f"{second.wall_s:.2f} s beside {first.wall_s:.2f} s of time"
    name = f"{what} again, CPU beside the first time"
    return Line(name, second.cpu_s, first.cpu_s, "s", ratio, "20 times less", ratio >= 20, note)


def _agreement(python: Path, script: Path, peer: Path, layout: Path) -> Line:
    from bench import images

    ours = msgspec.json.decode(subprocess.run([python, script, layout], check=True, capture_output=True).stdout)
    told = [str(peer), f"oci-dir:{layout}", "-q", "-o", "syft-json"]
    found = images.agreement(ours, subprocess.run(told, check=True, capture_output=True).stdout)
    (BUILD / "bench-packages.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
    note = f"{len(found.only_ours)} only ours, {len(found.only_theirs)} only theirs: build/bench-packages.json"
    return Line("packages agree with syft's, F1", found.f1, 1.0, "", found.f1, "0.97", found.f1 >= 0.97, note)


def _times_as_much(name: str, ours: Measured, reference: Measured, goal: int) -> Line:
    ratio = ours.cpu_s / reference.cpu_s
    note = f"exit {ours.exit_code}"
    return Line(name, ours.cpu_s, reference.cpu_s, "s", ratio, f"at most {goal} times", ratio <= goal, note)


if __name__ == "__main__":
    sys.exit(main())
