"""What leaks below a path: in its files, in the history of its repository, or in what is staged of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from msgspec import Struct

from transom.lang.leaks.stream import Searcher
from transom.model.errors import UsageError
from transom.model.findings import Result
from transom.rules.leaks import slowness
from transom.secrets.folders import folder_of, texts_below
from transom.secrets.ignores import Ignores, read_ignores
from transom.secrets.search import search


class Scope(Struct, frozen=True):
    """What is looked through. exclude: patterns in .gitignore syntax; history: every commit beside the files.

    since: nothing but the commits that HEAD has beyond this one, "" for none; staged: nothing but what is staged;
    exceptions: whether remarks and lists of ignored leaks count.
    """

    exclude: Sequence[str] = ()
    history: bool = False
    since: str = ""
    staged: bool = False
    exceptions: bool = True


def leaks_below(target: str, searcher: Searcher, scope: Scope) -> Iterator[Result]:
    """Yield what leaks below a path, and what could not be read; raises UsageError where git is asked and has nothing."""
    yield from slowness(searcher, target)
    folder = folder_of(target)
    ignores = read_ignores(folder, folder) if scope.exceptions else None
    in_git = scope.history or scope.since or scope.staged
    if in_git:
        from transom.secrets.repository import check

        if not os.path.exists(target):  # noqa: PTH110
            raise UsageError(f"cannot read {target}", "there is no such file or folder", "name a git repository")
        check(folder)
    if not scope.since and not scope.staged:
        yield from search(searcher, texts_below(target, scope.exclude), ignores)
    if in_git:
        paths = ["."] if folder == target else [os.path.basename(target)]  # noqa: PTH119
        paths += [f":(exclude,glob){pattern}" for pattern in scope.exclude]
        yield from _in_git(folder, paths, searcher, scope, ignores)


def _in_git(
    folder: str, paths: Sequence[str], searcher: Searcher, scope: Scope, ignores: Ignores | None
) -> Iterator[Result]:
    """Yield what leaks in the history of a folder, or in what is staged of it."""
    from transom.secrets.history import search_history, search_staged
    from transom.secrets.repository import resolve

    if scope.staged:
        return search_staged(searcher, folder, folder, paths, ignores)
    since = resolve(folder, scope.since) if scope.since else ""
    return search_history(searcher, folder, folder, paths, since, ignores)
