"""transom db: the index of what the world knows, built, looked at and carried about; nothing fetches it by itself."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from transom.cli import jars, terminal
from transom.cli.arguments import Parser, command_parser
from transom.cli.indexes import vulnerability_index
from transom.cli.jars import add_jars
from transom.model.exits import Exit
from transom.model.language import mark, translated

if TYPE_CHECKING:
    from pathlib import Path

    from transom.advisories import Index
    from transom.advisories.building import Built
    from transom.advisories.mirrors import Mirror
    from transom.advisories.shipping import Manifest
    from transom.model.advisories import FeedAge
    from transom.model.findings import Skipped

EXAMPLES = """\
  transom db build osv/ secdb.json kev.json                  one index of folders, archives and files of any feed
  transom db build debian alpine osv:PyPI kev epss           the same of feeds by their names, fetched where they changed
  transom db fetch debian kev --feeds feeds/                 only bring them; without a name, tell which there are
  transom db status                                          each source, its age, and what of it is not used
  transom db export mirror/ --key private.pem                the index, packed and signed, as a mirror offers it
  transom db update https://mirror/db --public-key pub.pem   take a newer one; what does not fit leaves ours as it is
  transom db export oci://registry.example/transom-db:1      the same into a registry; update and import take it from there
  transom db import /media/stick/mirror                      the same from a folder, without a network
  transom db jars ~/.m2/repository                           jars by their SHA-1, for those that do not say what they are
  transom db diff old.db new.db                              records that came, went, or say something else

exit codes: 0 done, 1 diff found differences, 2 usage, 3 nothing was changed, a feed could not be used at all, or is too old
"""
BUILT = mark("{path}: {records} records, {ranges} ranges of {packages} packages, {size}")
AGED = mark("{feed}: {records} records, newest {modified}, came {retrieved} ({days} days ago), {refused} not used")
OLD = mark("Too old: {}")
OLDER_HELP = mark("take what is older than the index in use, or less")
TRIED = {
    "samples": mark("tried on published samples only"),
    "specification": mark("tried on documents after its specification only"),
}
NEVER = mark("of no told time")
TAKEN = mark("{path}: built {built}, {size}; {fetched} fetched")
STEPPED = mark("{path}: built {built}, {size}; {fetched} fetched, deltas taken: {count}")
SAME = mark("{path} is what the mirror offers already")
WRITTEN = mark("{folder}: {packed}, {size} of {whole} written, deltas offered: {deltas}, {signed}")
SIGNED, UNSIGNED = mark("signed"), mark("not signed")
BROUGHT = mark("{file}: {size} fetched")
UNCHANGED = mark("{file}: unchanged")
MORE = mark("… and {count} more; -o json tells all")
INDEX_HELP = mark("the index (default: $TRANSOM_DB, else your own)")
ARTIFACT = "application/vnd.transom.db.v1"
MEDIA_TYPES = {"json": "manifest+json", "zst": "index+zstd", "delta": "delta"}
SHOWN = 50  # changes in a table; JSON tells all


def parser() -> Parser:
    """Return the parser of the command."""
    made = command_parser(
        "db", "Build, carry and compare the index of vulnerabilities; nothing fetches it by itself.", EXAMPLES
    )
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_making(actions)
    add_jars(actions)
    _add_carrying(actions)
    _add_looking(actions)
    return made


def _add_making(actions: Any) -> None:
    """Add what makes an index of feeds."""
    building = actions.add_parser("build", help="make an index of feeds")
    building.add_argument(
        "feeds", metavar="FEED", nargs="+", help="a file, folder, archive or address of any feed, or a name of db fetch"
    )
    building.add_argument("-o", "--output", metavar="FILE", default=vulnerability_index(), help=INDEX_HELP)
    building.add_argument("--afresh", action="store_true", help="take over nothing of the index that is there")
    building.add_argument("--older", action="store_true", help=OLDER_HELP)
    fetching = actions.add_parser("fetch", help="bring named feeds into a folder; without a name, tell which there are")
    fetching.add_argument("feeds", metavar="NAME", nargs="*", help="debian, alpine, osv:PyPI, kev …")
    for each in (building, fetching):
        each.add_argument(
            "--feeds", dest="folder", metavar="FOLDER", help="where named feeds are kept (default: the cache)"
        )
        each.add_argument(
            "--mirror", metavar="BASE", default="", help="an address or folder that keeps copies of the feeds"
        )


def _add_carrying(actions: Any) -> None:
    """Add what brings an index to others, and from them."""
    exporting = actions.add_parser("export", help="write the index as a mirror offers it")
    exporting.add_argument(
        "target", metavar="MIRROR", help="a folder, oci://REGISTRY/NAME:TAG, or oci:PATH for a layout"
    )
    exporting.add_argument("--key", metavar="PEM", help="sign it with this Ed25519 key")
    updating = actions.add_parser("update", help="take the index of a mirror")
    importing = actions.add_parser("import", help="take the index of a folder")
    for each in (updating, importing):
        each.add_argument(
            "source",
            metavar="MIRROR",
            help="a folder or its address, oci://REGISTRY/NAME:TAG, oci:PATH, or an index alone",
        )
        each.add_argument("--public-key", metavar="PEM", help="refuse what this Ed25519 key has not signed")
        each.add_argument("--older", action="store_true", help=OLDER_HELP)
    for each in (exporting, updating, importing):
        each.add_argument("--insecure", action="store_true", help="speak plain HTTP with a registry")
        _add_db(each)


def _add_looking(actions: Any) -> None:
    """Add what tells of indexes."""
    status = actions.add_parser("status", help="tell how old each source is, and what of it is not used")
    status.add_argument("--max-age", metavar="DAYS", type=int, help="exit 3 where a source is older")
    _add_db(status)
    comparing = actions.add_parser("diff", help="tell which records differ between two indexes")
    comparing.add_argument("before", metavar="BEFORE")
    comparing.add_argument("after", metavar="AFTER")
    for each in (status, comparing):
        each.add_argument("-o", "--output", choices=("table", "json"), default="table", help="table (default) or json")


def _add_db(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db", metavar="FILE", default=vulnerability_index(), help=INDEX_HELP)


def run(arguments: argparse.Namespace) -> int:
    """Run the chosen action."""
    return _ACTIONS[arguments.action](arguments)


def _build(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from transom.advisories import Index
    from transom.advisories.building import build
    from transom.advisories.feeds import told
    from transom.advisories.mirrors import at_hand
    from transom.cli.outputs import made_at

    path = Path(arguments.output)
    before: tuple[FeedAge, ...] = ()
    if path.is_file() and not arguments.older:
        with Index(path) as index:
            before = index.feeds
    feeds = list(_fetched(arguments))
    with at_hand(feeds) as paths:
        read = (each for feed in paths for each in told(feed))
        now = datetime.fromisoformat(made_at()).replace(tzinfo=UTC)
        built = build(read, path, now, before, arguments.afresh)
    _write_built(built)
    return Exit.INCOMPLETE if any(feed.refused and not feed.records for feed in built.feeds) else Exit.CLEAN


def _fetch(arguments: argparse.Namespace) -> int:
    from transom.advisories.sources import is_source, remotes, sources

    if not arguments.feeds:
        for name, source in sources().items():
            about = terminal.say(source.about)
            if source.tried in TRIED:
                about = terminal.say("{} ({})").format(about, terminal.say(TRIED[source.tried]))
            sys.stdout.write(f"{name:18} {about}\n")
        return Exit.CLEAN
    for name in arguments.feeds:
        if not is_source(name):
            list(remotes(name))  # raises with the names that are known
    for path in _fetched(arguments):
        sys.stdout.write(f"{path}\n")
    return Exit.CLEAN


def _fetched(arguments: argparse.Namespace) -> Iterator[str]:
    """Yield the feeds that are asked for, those with a name as the folder into which they were brought."""
    from pathlib import Path

    from transom.advisories.fetching import fetch_feed
    from transom.advisories.sources import folder_of, is_source
    from transom.model.errors import UsageError
    from transom.rules.folder import cache_folder

    for name in arguments.feeds:
        if not is_source(name):
            yield name
            continue
        kept = arguments.folder or cache_folder()
        if not kept:
            raise UsageError(
                f"there is no folder to bring {name} to", "no cache folder can be used", "name one: --feeds FOLDER"
            )
        folder = Path(arguments.folder) if arguments.folder else Path(kept) / "feeds"
        for each in fetch_feed(name, folder, arguments.mirror):
            words = {"file": each.file, "size": terminal.size(each.size_bytes)}
            sys.stderr.write(f"{terminal.say(BROUGHT if each.changed else UNCHANGED).format(**words)}\n")
        yield str(folder / folder_of(name))


def _take(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from transom.advisories.shipping import MANIFEST, take, take_file
    from transom.model.errors import UsageError

    key = Path(arguments.public_key) if arguments.public_key else None
    index, source = Path(arguments.db), Path(arguments.source)
    if source.is_file() and source.name != MANIFEST:
        if key:
            raise UsageError(f"{source} is not signed", "it is an index alone", f"name the folder of its {MANIFEST}")
        taken = take_file(source, index, arguments.older)
    else:
        place = str(source.parent) if source.is_file() else arguments.source
        taken = take(_mirror(place, arguments.insecure), index, key, arguments.older)
    if taken is None:
        sys.stdout.write(f"{terminal.say(SAME).format(path=arguments.db)}\n")
        return Exit.CLEAN
    manifest = taken.manifest
    told = {"path": arguments.db, "built": manifest.built, "size": terminal.size(manifest.size_bytes)}
    words = STEPPED if taken.deltas else TAKEN
    fetched = {"fetched": terminal.size(taken.fetched_bytes), "count": taken.deltas}
    sys.stdout.write(f"{terminal.say(words).format(**told, **fetched)}\n")
    _write_ages(manifest.feeds)
    return Exit.CLEAN


def _mirror(source: str, insecure: bool) -> Mirror:
    """Return what offers the files of a source: an artifact of a registry or layout, a folder, an address."""
    from transom.advisories.mirrors import Place
    from transom.registry.artifacts import is_artifact, open_artifact

    return open_artifact(source, ARTIFACT, insecure) if is_artifact(source) else Place(source)


def _export(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from transom.advisories.shipping import export
    from transom.registry.artifacts import is_artifact

    key = Path(arguments.key) if arguments.key else None
    if is_artifact(arguments.target):
        manifest, sent_bytes = _pushed(Path(arguments.db), arguments.target, key, arguments.insecure)
    else:
        manifest = export(Path(arguments.db), Path(arguments.target), key)
        sent_bytes = manifest.packed_bytes
    signed = terminal.say(SIGNED if manifest.signature else UNSIGNED)
    told = {"folder": arguments.target, "packed": manifest.packed, "signed": signed, "deltas": len(manifest.deltas)}
    sizes = {"size": terminal.size(sent_bytes), "whole": terminal.size(manifest.size_bytes)}
    sys.stdout.write(f"{terminal.say(WRITTEN).format(**told, **sizes)}\n")
    return Exit.CLEAN


def _pushed(index: Path, target: str, key: Path | None, insecure: bool) -> tuple[Manifest, int]:
    """Push the index, beside deltas from what the place offered before; return what was pushed, and how much was new."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from transom.advisories.shipping import MANIFEST, bring_all, export
    from transom.model.errors import TransomError
    from transom.registry.artifacts import open_artifact, write_artifact

    with TemporaryDirectory(prefix="transom-db-") as folder:
        try:
            bring_all(open_artifact(target, ARTIFACT, insecure), Path(folder))
        except TransomError:  # a place that offers nothing yet
            (Path(folder) / MANIFEST).unlink(missing_ok=True)
        manifest = export(index, Path(folder), key)
        names = (MANIFEST, manifest.packed, *(each.file for each in manifest.deltas))
        files = [(Path(folder) / name, _media_type(name)) for name in names]
        return manifest, write_artifact(target, ARTIFACT, files, insecure)


def _media_type(name: str) -> str:
    """Return the media type of a file of the mirror, by the end of its name."""
    return f"{ARTIFACT}.{MEDIA_TYPES[name.rpartition('.')[2]]}"


def _diff(arguments: argparse.Namespace) -> int:
    import msgspec

    from transom.advisories import Index
    from transom.advisories.changes import changes

    with Index(arguments.before) as before, Index(arguments.after) as after:
        found = list(changes(before, after))
    if arguments.output == "json":
        terminal.write_json(msgspec.to_builtins(found))
    else:
        for each in found[:SHOWN]:
            sys.stdout.write(f"{each.what:8} {each.feed:14} {each.record:24} {' '.join(each.packages[:4])}\n")
        if len(found) > SHOWN:
            sys.stdout.write(f"{terminal.say(MORE).format(count=len(found) - SHOWN)}\n")
    return Exit.FINDINGS if found else Exit.CLEAN


def _write_built(built: Built) -> None:
    size = terminal.size(built.size_bytes)
    counts = {"records": f"{built.records:,}", "ranges": f"{built.ranges:,}", "packages": f"{built.packages:,}"}
    sys.stdout.write(f"{terminal.say(BUILT).format(path=built.path, size=size, **counts)}\n")
    _write_ages(built.feeds)


def _write_ages(feeds: Any) -> None:
    from transom.advisories.ages import age_days

    now = datetime.now(UTC)
    for feed in feeds:
        told = {"modified": feed.modified[:10] or terminal.say(NEVER), "retrieved": feed.retrieved[:10]}
        told |= {
            "days": age_days(feed.retrieved, now) or 0,
            "records": f"{feed.records:,}",
            "refused": f"{feed.refused:,}",
        }
        sys.stdout.write(f"  {terminal.say(AGED).format(feed=feed.feed, **told)}\n")


def _status(arguments: argparse.Namespace) -> int:
    from transom.advisories import Index, outdated
    from transom.model.vulnerabilities import MAX_AGE_DAYS

    limit = MAX_AGE_DAYS if arguments.max_age is None else arguments.max_age
    with Index(arguments.db) as index:
        old = list(outdated(index, max_age_days=limit))
        if arguments.output == "json":
            terminal.write_json(_described(index) | {"too_old": [each.reason for each in old]})
        else:
            sys.stdout.write(f"{arguments.db}: {index.built}\n")
            _write_ages(index.feeds)
            sys.stdout.writelines(f"  {line}\n" for line in _refusals(index))
            _write_old(old)
    return Exit.INCOMPLETE if old and arguments.max_age is not None else Exit.CLEAN


def _write_old(old: Sequence[Skipped]) -> None:
    for each in old:
        sys.stdout.write(f"  {terminal.say(OLD).format(translated(each.reason, terminal.language()))}\n")


def _described(index: Index) -> dict[str, Any]:
    import msgspec

    from transom.advisories.ages import age_days

    now = datetime.now(UTC)
    refused = [dict(zip(("feed", "reason", "count", "example"), row, strict=True)) for row in index.refusals]
    return {
        "path": index.path,
        "built": index.built,
        "age_days": age_days(index.built, now),
        "feeds": [msgspec.to_builtins(each) | {"age_days": age_days(each.retrieved, now)} for each in index.feeds],
        "packages": index.counts(),
        "refused": refused,
    }


def _refusals(index: Index) -> Iterator[str]:
    for feed, reason, count, example in index.refusals:
        told = terminal.say("{}: {} ({}; {})").format(feed, translated(reason, terminal.language()), count, example)
        yield terminal.say("Not used: {}").format(told)


_ACTIONS = {
    "build": _build,
    "fetch": _fetch,
    "update": _take,
    "import": _take,
    "export": _export,
    "status": _status,
    "diff": _diff,
    "jars": jars.build,
}
