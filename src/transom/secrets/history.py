"""Leaks in a git history and in what is staged: each blob is read once, each value told once in each file."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from time import gmtime, strftime

from msgspec import Struct

from transom.kube.files import shown
from transom.lang.leaks.batches import Batch
from transom.lang.leaks.stream import Found, Searcher, leaks_of
from transom.model.findings import NotApplicable, Provenance, Result, Skipped
from transom.model.places import Locator
from transom.model.refs import file_ref
from transom.rules.leaks import leak_finding
from transom.secrets.ignores import Ignores
from transom.secrets.repository import (
    MAX_BLOBS,
    SUBMODULE,
    BrokenError,
    Change,
    Commit,
    blobs,
    history,
    in_pack_order,
    staged,
)
from transom.secrets.search import Tally, by_value, judged_by

STEP = "run git fsck, and fetch what is missing"
SUBMODULES = "submodules, whose history is their own"
STAGED_BEFORE = "values that staged files had before"


class Life(Struct):
    """When a blob was in the history. path: where it came first; live: in how many places it is still; gone: the last
    commit that took it away.
    """

    path: str
    first: Commit
    live: int = 0
    gone: Commit | None = None


class Seen(Struct):
    """A value in a file of the history, from its first blob to its last. gone: None while a blob with it is there."""

    places: Sequence[Found]
    life: Life
    last: Commit | None


def search_history(
    searcher: Searcher, target: str, folder: str, paths: Sequence[str], since: str, ignores: Ignores | None
) -> Iterator[Result]:
    """Yield what leaks in the commits of a repository, each value of a file once, with the commits that it came and went in.

    target: how people name it; since: a commit whose past is left out, "" for none.
    """
    lives: dict[str, Life] = {}
    broken = yield from _broken(_lives(folder, paths, since, lives), target)
    tally, seen = Tally(searcher), dict[tuple[str, str, str, int, bool], Seen]()
    yield from _broken(_note_blobs(searcher, folder, target, lives, tally, seen), target)
    if since and not lives and not broken:
        yield from tally.nothing(target, "no commit brings anything")
    for (rule, _, _, _, _), each in seen.items():
        finding = leak_finding(file_ref(each.life.path), each.life.path, each.places, _story(each))
        tally.failed(rule, each.life.path)
        yield judged_by(finding, each.places, ignores, each.life.first.id)
    yield from tally.judged()


def search_staged(
    searcher: Searcher, target: str, folder: str, paths: Sequence[str], ignores: Ignores | None
) -> Iterator[Result]:
    """Yield what the staged files of a repository leak, without what they leaked before."""
    changes: list[Change] = []
    broken = yield from _broken(_note_changes(folder, paths, changes), target)
    submodules = sum(change.mode == SUBMODULE for change in changes)
    if submodules:
        yield NotApplicable(SUBMODULES, submodules)
    changes = [change for change in changes if change.new and change.mode != SUBMODULE]
    found: dict[tuple[str, str], list[Found]] = {}
    wanted = {id_: _under(target, change.path) for change in changes for id_ in (change.new, *change.old)}
    yield from _broken(_note_found(searcher, folder, wanted, found), target)
    tally, before = Tally(searcher), 0
    for change in changes:
        path = _under(target, change.path)
        known = {_key(each) for id_ in change.old for each in found.get((id_, path), ())}
        tally.texts += 1
        for places in by_value(found.get((change.new, path), ())):
            if _key(places[0]) in known:
                before += 1
                continue
            tally.failed(places[0].rule.id, path)
            yield judged_by(leak_finding(file_ref(path), path, places, "staged"), places, ignores)
    if before:
        yield NotApplicable(STAGED_BEFORE, before)
    if not changes and not broken:
        yield from tally.nothing(target, "nothing is staged")
    yield from tally.judged()


def _lives(folder: str, paths: Sequence[str], since: str, lives: dict[str, Life]) -> Iterator[Result]:
    """Fill in when each blob came and went."""
    commits, submodules = set[str](), set[str]()
    for commit, change in history(folder, paths, since):
        commits.add(commit.id)
        for id_ in change.old:
            if id_ in lives:
                lives[id_].live -= 1
                lives[id_].gone = commit
        if change.mode == SUBMODULE:
            submodules.add(change.path)
        elif change.new:
            lives.setdefault(change.new, Life(change.path, commit)).live += 1
        if len(lives) > MAX_BLOBS:
            raise BrokenError(f"it has more than {MAX_BLOBS:,} files")
    if submodules:
        yield NotApplicable(SUBMODULES, len(submodules))
    yield Provenance(folder, f"git history: {len(commits):,} commits with {len(lives):,} files of their own")


def _note_blobs(
    searcher: Searcher,
    folder: str,
    target: str,
    lives: dict[str, Life],
    tally: Tally,
    seen: dict[tuple[str, str, str, int, bool], Seen],
) -> Iterator[Result]:
    yield from ()
    for id_, leaks in _leaks_of_blobs(searcher, folder, target, lives, tally):
        life = lives[id_]
        path = _under(target, life.path)
        for places in by_value(leaks):
            _note(
                seen,
                (places[0].rule.id, path, *_key(places[0])[1:]),
                places,
                Life(path, life.first, life.live, life.gone),
            )


def _leaks_of_blobs(
    searcher: Searcher, folder: str, target: str, lives: dict[str, Life], tally: Tally
) -> Iterator[tuple[str, Sequence[Found]]]:
    """Yield the leaks of each blob that has any, small ones looked through together."""
    batch: Batch[str] = Batch(searcher)
    broken: BrokenError | None = None
    try:
        for id_, content in blobs(folder, in_pack_order(folder, set(lives))):
            path = _under(target, lives[id_].path)
            tally.texts += 1
            if not isinstance(content, bytes):
                yield id_, list(leaks_of(searcher, path, content))
                continue
            batch.add(id_, path, content)
            if batch.is_full:
                yield from batch.leaks()
    except BrokenError as error:
        broken = error
    yield from batch.leaks()  # also of what was read before git broke off
    if broken is not None:
        raise broken


def _note(
    seen: dict[tuple[str, str, str, int, bool], Seen],
    key: tuple[str, str, str, int, bool],
    places: Sequence[Found],
    life: Life,
) -> None:
    """Note a value of a blob beside what earlier and later blobs of the file have of it."""
    gone = None if life.live > 0 else life.gone
    known = seen.get(key)
    if known is None:
        seen[key] = Seen(places, life, gone)
        return
    known.last = None if gone is None or known.last is None else max(known.last, gone, key=lambda each: each.number)
    if life.first.number < known.life.first.number:
        known.life, known.places = life, places


def _note_changes(folder: str, paths: Sequence[str], changes: list[Change]) -> Iterator[Result]:
    yield from ()
    changes.extend(staged(folder, paths))


def _note_found(
    searcher: Searcher, folder: str, wanted: dict[str, str], found: dict[tuple[str, str], list[Found]]
) -> Iterator[Result]:
    yield from ()
    for id_, content in blobs(folder, wanted):
        chunks = [content] if isinstance(content, bytes) else content
        found[id_, wanted[id_]] = list(leaks_of(searcher, wanted[id_], chunks))


def _broken(results: Iterator[Result], target: str) -> Generator[Result, None, bool]:
    """Hand results on; where git breaks off, that is a result. Return whether it did."""
    try:
        yield from results
        return False
    except BrokenError as error:
        yield Skipped(file_ref(target), f"git cannot read all of it: {error}", STEP, locator=Locator(target))
        return True


def _key(found: Found) -> tuple[str, str, int, bool]:
    return found.rule.id, found.tag, found.length, found.allowed


def _story(seen: Seen) -> str:
    """Return when a value came, by whom, and when it went."""
    first, last = seen.life.first, seen.last
    came = f"since {first.id[:12]} of {strftime('%Y-%m-%d', gmtime(first.time))} by {first.author}"
    return f"{came}, gone with {last.id[:12]}" if last else f"{came}, still there"


def _under(target: str, path: str) -> str:
    """Return a path below a target as people see it."""
    base = shown(target).rstrip("/")
    return shown(path) if base in ("", ".") else f"{base}/{shown(path)}"
