"""Targets as they were at a git revision: laid out in a folder of their own, so that they are read like any other."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from transom.model.errors import UsageError

GIT_S = 120.0  # a large monorepo is archived in seconds
MAX_TREE_BYTES = 2 * 1024**3  # of the files below the targets
LINK = "120000"  # the mode of a symbolic link in a tree


class Revision(Struct, frozen=True):
    """A revision as it was laid out.

    commit: its whole id; targets: where each target now lies, in their order; folder: what holds them all; root: the
    folder of the repository that this one stands for; absent: submodules whose commit of then is not here.
    """

    commit: str
    targets: tuple[str, ...]
    folder: str
    root: str
    absent: tuple[str, ...] = ()


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
        there = [path for path in paths if _exists(root, commit, path)]
        absent = tuple(_extract(root, commit, there, folder)) if there else ()
        laid = tuple(os.path.normpath(os.path.join(folder, path)) for path in paths)  # noqa: PTH118
        for path in laid:
            if not os.path.lexists(path):
                os.makedirs(path)  # noqa: PTH103
        yield Revision(commit, laid, folder, root, absent)


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
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except UsageError as error:
        raise _unknown(root, name, error) from None
    try:
        return _git(root, "merge-base", commit, "HEAD")
    except UsageError:
        return commit  # histories that have nothing in common


def _unknown(root: str, name: str, error: UsageError) -> UsageError:
    """Return what to say of a revision that git does not know."""
    what = f"cannot compare with {name}"
    if ".." in name:
        return UsageError(what, "it is a range; what is there now is compared with one revision", "name its beginning")
    if _git(root, "rev-parse", "--is-shallow-repository") == "true":
        return UsageError(what, "the clone is shallow and does not hold it", "git fetch --unshallow, or fetch-depth: 0")
    return UsageError(what, error.why, error.next_step)


def _exists(root: str, commit: str, path: str) -> bool:
    try:
        _git(root, "cat-file", "-e", f"{commit}:{'' if path == '.' else path}")
    except UsageError:
        return False
    return True


def _git(folder: str, *words: str) -> str:
    return _run(folder, *words).decode("utf-8", "surrogateescape").strip()


def _run(folder: str, *words: str, given: bytes = b"") -> bytes:
    command = ["git", "-c", "core.fsmonitor=false", "-C", folder, *words]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=GIT_S, check=False)  # noqa: S603
    except FileNotFoundError:
        raise UsageError("cannot compare with a revision", "there is no git here", "install git") from None
    except subprocess.TimeoutExpired:
        raise UsageError("cannot compare with a revision", f"git takes longer than {GIT_S:.0f} s", "") from None
    if done.returncode:
        why = done.stderr.decode("utf-8", "replace").strip() or f"git {words[0]} finds no such revision"
        raise UsageError("cannot compare with a revision", why, "name a commit, branch or tag of the repository")
    return done.stdout


class _Blob(Struct, frozen=True):
    """A file or link of a tree. path: from its folder; size: in bytes."""

    mode: str
    name: str
    size: int
    path: str


def _extract(root: str, commit: str, paths: Sequence[str], folder: str) -> Iterator[str]:
    """Lay files out as they are in git, whatever attributes say of exports; yield submodules that are not here."""
    blobs, submodules = _listed(root, commit, paths)
    if sum(each.size for each in blobs) > MAX_TREE_BYTES:
        why = f"the files at {commit[:12]} take more than {MAX_TREE_BYTES // 2**30} GiB"
        raise UsageError("cannot compare with a revision", why, "name the folders that hold manifests")
    _write(root, blobs, folder)
    for path, inner in submodules:
        below = os.path.join(root, path)  # noqa: PTH118
        if os.path.lexists(f"{below}/.git") and _exists(below, inner, "."):
            yield from (f"{path}/{each}" for each in _extract(below, inner, ["."], os.path.join(folder, path)))  # noqa: PTH118
        else:
            yield path


def _listed(root: str, commit: str, paths: Sequence[str]) -> tuple[list[_Blob], list[tuple[str, str]]]:
    """Return the files and links of a commit below paths, and its submodules with their commits."""
    blobs, submodules = [], []
    wanted = [] if "." in paths else paths
    for line in _run(root, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *wanted).split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, kind, oid, size = about.decode("ascii").split()
        path = os.fsdecode(name)
        if path.startswith("/") or not {"", ".", ".."}.isdisjoint(path.split("/")):
            continue  # no git writes such a tree
        if kind == "blob":
            blobs.append(_Blob(mode, oid, int(size), path))
        elif kind == "commit":
            submodules.append((path, oid))
    return blobs, submodules


def _write(root: str, blobs: Sequence[_Blob], folder: str) -> None:
    """Write files, then links: one that leaves the folder is what a scan would not follow either."""
    names = "".join(f"{each.name}\n" for each in blobs).encode()
    stream = io.BytesIO(_run(root, "cat-file", "--batch", given=names))
    links: list[tuple[str, str]] = []
    for below in {each.path.rpartition("/")[0] for each in blobs}:
        os.makedirs(os.path.join(folder, below), exist_ok=True)  # noqa: PTH103, PTH118
    for each in blobs:
        stream.readline()
        content = stream.read(each.size)
        stream.read(1)
        path = os.path.join(folder, each.path)  # noqa: PTH118
        if each.mode == LINK:
            links.append((path, os.fsdecode(content)))
        else:
            with open(path, "wb") as file:  # noqa: PTH123
                file.write(content)
    whole = os.path.realpath(folder)
    for path, target in links:
        leads_to = os.path.realpath(os.path.join(os.path.dirname(path), target))  # noqa: PTH118, PTH120
        if os.path.commonpath((whole, leads_to)) == whole and not os.path.lexists(path):
            os.symlink(target, path)  # noqa: PTH211
