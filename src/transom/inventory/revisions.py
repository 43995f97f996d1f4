"""Targets as they were at a git revision: laid out in a folder of their own, so that they are read like any other."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from transom.model.errors import UsageError

GIT_S = 120.0  # a large monorepo is archived in seconds
MAX_TREE_BYTES = 2 * 1024**3  # of the files below the targets


class Revision(Struct, frozen=True):
    """A revision as it was laid out.

    commit: its whole id; targets: where each target now lies, in their order; folder: what holds them all; root: the
    folder of the repository that this one stands for.
    """

    commit: str
    targets: tuple[str, ...]
    folder: str
    root: str


@contextmanager
def at_revision(name: str, targets: Sequence[str]) -> Iterator[Revision]:
    """Lay the targets out as they were where the present work left the named revision; raises UsageError.

    That is the merge base, so that what others have changed since is no change of this work. All targets must lie in
    one repository. What did not exist then is an empty folder.
    """
    root = _repository(targets)
    commit = _commit(root, name)
    paths = [os.path.relpath(os.path.realpath(target), root) for target in targets]
    with tempfile.TemporaryDirectory(prefix="transom-revision-") as folder:
        _extract(root, commit, [path for path in paths if _exists(root, commit, path)], folder)
        laid = tuple(os.path.normpath(os.path.join(folder, path)) for path in paths)  # noqa: PTH118
        for path in laid:
            if not os.path.lexists(path):
                os.makedirs(path)  # noqa: PTH103
        yield Revision(commit, laid, folder, root)


def _repository(targets: Sequence[str]) -> str:
    roots = set()
    for target in targets:
        if target == "-" or not os.path.exists(target):  # noqa: PTH110
            why = "only files and folders have revisions"
            raise UsageError(f"cannot compare {target} with a revision", why, "name a path in a git repository")
        real = os.path.realpath(target)
        roots.add(_git(real if os.path.isdir(real) else os.path.dirname(real), "rev-parse", "--show-toplevel"))  # noqa: PTH112, PTH120
    if len(roots) > 1:
        raise UsageError("cannot compare with a revision", "the targets lie in several repositories", "scan them apart")
    return roots.pop()


def _commit(root: str, name: str) -> str:
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    try:
        return _git(root, "merge-base", commit, "HEAD")
    except UsageError:
        return commit  # histories that have nothing in common


def _exists(root: str, commit: str, path: str) -> bool:
    try:
        _git(root, "cat-file", "-e", f"{commit}:{'' if path == '.' else path}")
    except UsageError:
        return False
    return True


def _git(folder: str, *words: str) -> str:
    return _run(folder, *words).decode("utf-8", "surrogateescape").strip()


def _run(folder: str, *words: str) -> bytes:
    command = ["git", "-c", "core.fsmonitor=false", "-C", folder, *words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GIT_S, check=False)  # noqa: S603
    except FileNotFoundError:
        raise UsageError("cannot compare with a revision", "there is no git here", "install git") from None
    except subprocess.TimeoutExpired:
        raise UsageError("cannot compare with a revision", f"git takes longer than {GIT_S:.0f} s", "") from None
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip() or f"git {words[0]} finds no such revision"
        raise UsageError("cannot compare with a revision", why, "name a commit, branch or tag of the repository")
    return done.stdout


def _extract(root: str, commit: str, paths: Sequence[str], folder: str) -> None:
    if not paths:
        return
    content = _run(root, "archive", "--format=tar", commit, "--", *paths)
    if len(content) > MAX_TREE_BYTES:
        why = f"the files at {commit[:12]} take more than {MAX_TREE_BYTES // 2**30} GiB"
        raise UsageError("cannot compare with a revision", why, "name the folders that hold manifests")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        archive.extractall(folder, filter=_kept)  # noqa: S202 - see the filter


def _kept(entry: tarfile.TarInfo, folder: str) -> tarfile.TarInfo | None:
    """Keep what stays within the folder; a link that leaves it is what a scan would not follow either."""
    try:
        return tarfile.data_filter(entry, folder)
    except tarfile.FilterError:
        return None
