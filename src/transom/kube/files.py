"""Which files of a folder are manifests or Dockerfiles: found in one stable order, without leaving it, opening nothing special."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from transom.model.errors import UsageError
from transom.model.findings import NotApplicable, Skipped
from transom.model.limits import MAX_FILES
from transom.model.places import Locator
from transom.model.refs import file_ref

SUFFIXES = (".yaml", ".yml", ".json")
VCS_FOLDERS = frozenset((".git", ".hg", ".svn", ".bzr", "CVS", "_darcs", ".jj"))
TO_NOTHING = "links to nothing"
IGNORE_FILE = ".transomignore"
MAX_FOLDER_DEPTH = 200  # deeper than any honest tree, and well below Python's own limit on nested calls
MAX_IGNORE_BYTES = 1024 * 1024  # an ignore file is written by hand

_NO_DOCKERFILE = (".dockerignore", ".md", ".txt", ".j2", ".tmpl", ".tpl", *SUFFIXES)
"""Ends of names that begin like a Dockerfile's."""

Excludes = Callable[[str], bool]


class Found(Struct, frozen=True):
    """A file to read. path: to open it; shown: how people see it, as the target was given."""

    path: str
    shown: str
    size_bytes: int = 0


class FoundChart(Struct, frozen=True):
    """A Helm chart to render: its folder or archive, and how people see it."""

    path: str
    shown: str


def is_dockerfile(name: str) -> bool:
    """Tell whether a file is a Dockerfile by its name: Dockerfile, Containerfile, Dockerfile.NAME, NAME.Dockerfile."""
    lower = name.lower()
    if lower in ("dockerfile", "containerfile") or lower.endswith((".dockerfile", ".containerfile")):
        return True
    return lower.startswith(("dockerfile.", "containerfile.")) and not lower.endswith(_NO_DOCKERFILE)


def _is_read(name: str) -> bool:
    return name.endswith(SUFFIXES) or is_dockerfile(name)


def walk(
    root: str, exclude: Sequence[str] = (), every: bool = False
) -> Iterator[Found | FoundChart | Skipped | NotApplicable]:
    """Yield the manifests below a folder, or the one file that root is; a Skipped for what cannot be looked at.

    every: yield all files, whatever they are, those of charts like any others.

    exclude: patterns in .gitignore syntax, relative to root; those of a .transomignore file in root are added. A file
    that is named itself is always read. The templates and subcharts of a Helm chart belong to one FoundChart.
    """
    try:
        status = os.stat(root)  # noqa: PTH116 - path objects cost more than the call
    except OSError as error:
        yield _unreadable(root, error)
        return
    if not stat.S_ISDIR(status.st_mode):
        if stat.S_ISREG(status.st_mode) or stat.S_ISFIFO(status.st_mode):  # a shell's <(command) is a FIFO
            yield Found(root, shown(root), status.st_size)
        else:
            yield _skipped(root, "it is neither file nor folder", "name a file or a folder")
        return
    patterns = [*_ignore_file(root), *exclude]
    yield from _Walk(root, _excludes(patterns), every).folder(root, "", 0)


def shown(path: str) -> str:
    """Return a path as text for people: no `./` before it; what is no UTF-8 or steers a terminal is escaped."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace").removeprefix("./")
    return text if text.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _skipped(path: str, reason: str, next_step: str) -> Skipped:
    name = shown(path)
    return Skipped(file_ref(name), reason, next_step, locator=Locator(name))


def _unreadable(path: str, error: OSError) -> Skipped:
    return _skipped(path, f"cannot be read: {error.strerror or error}", "make it readable, or exclude it")


def _ignore_file(root: str) -> list[str]:
    """Return the lines of a folder's ignore file; anything but an ordinary file there is left alone."""
    try:
        handle = os.open(os.path.join(root, IGNORE_FILE), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # noqa: PTH118
    except OSError:
        return []
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return []
        return os.read(handle, MAX_IGNORE_BYTES).decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return []
    finally:
        os.close(handle)


def _excludes(patterns: Sequence[str]) -> Excludes:
    if not patterns:
        return lambda _: False
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(patterns).match_file
    except ValueError as error:
        raise UsageError(
            "cannot exclude files", " ".join(str(error).split()), "write the pattern as in .gitignore"
        ) from None


class _Walk:
    """One walk: its root, what it leaves out, and how many files it has seen."""

    def __init__(self, root: str, excluded: Excludes, every: bool) -> None:
        self.root = os.path.realpath(root)
        self.shown_root = root
        self.excluded = excluded
        self.every = every
        self.files = 0
        self.linked: set[str] = set()

    def reads(self, name: str) -> bool:
        """Tell whether a file of this name is asked for."""
        return self.every or _is_read(name)

    def matters(self, entry: os.DirEntry[str]) -> bool:
        """Tell whether an entry of a folder is to be looked at."""
        return self.reads(entry.name) or entry.is_symlink() or entry.is_dir(follow_symlinks=False)

    def folder(self, path: str, relative: str, depth: int) -> Iterator[Found | FoundChart | Skipped | NotApplicable]:
        try:
            with os.scandir(path) as entries:
                found = sorted(filter(self.matters, entries), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield _unreadable(path, error)
            return
        if depth > MAX_FOLDER_DEPTH:
            yield _skipped(path, "folders are nested too deeply", "exclude it")
            return
        names = {entry.name for entry in found}
        is_chart = not self.every and "Chart.yaml" in names and "templates" in names
        for entry in found:
            below = f"{relative}/{entry.name}" if relative else entry.name
            if is_chart and entry.name in ("templates", "charts", "crds"):
                if entry.name == "templates" and not self.excluded(below + "/"):
                    yield FoundChart(path, shown(path))
            else:
                yield from self.entry(entry, below, depth)
            if self.files > MAX_FILES:
                return

    def entry(
        self, entry: os.DirEntry[str], relative: str, depth: int
    ) -> Iterator[Found | FoundChart | Skipped | NotApplicable]:
        try:
            if entry.is_symlink():
                yield from self.link(entry, relative)
            elif entry.is_dir(follow_symlinks=False):
                if entry.name not in VCS_FOLDERS and not self.excluded(relative + "/"):
                    yield from self.folder(entry.path, relative, depth + 1)
            elif self.reads(entry.name) and not self.excluded(relative):
                yield from self.file(entry)
        except OSError as error:
            yield _unreadable(entry.path, error)

    def file(self, entry: os.DirEntry[str]) -> Iterator[Found | Skipped]:
        self.files += 1
        if self.files > MAX_FILES:
            yield _skipped(self.shown_root, f"it holds more than {MAX_FILES:,} manifests", "scan its parts one by one")
        elif entry.is_file(follow_symlinks=False):
            yield Found(entry.path, shown(entry.path), entry.stat(follow_symlinks=False).st_size)
        else:
            yield _skipped(entry.path, "it is a FIFO, socket or device", "exclude it")

    def link(self, entry: os.DirEntry[str], relative: str) -> Iterator[Found | Skipped | NotApplicable]:
        """A link's target within the folder is read under its own name; outside it is not ours to read."""
        target = os.path.realpath(entry.path)
        is_folder = os.path.isdir(target)  # noqa: PTH112 - path objects cost more than the call
        if self.excluded(relative + "/" if is_folder else relative):
            return
        if not is_folder and not self.reads(entry.name):
            return
        if not os.path.exists(target):  # noqa: PTH110 - as above
            yield (
                NotApplicable(TO_NOTHING)
                if self.every
                else _skipped(entry.path, "it is a link to nothing", "mend the link, or exclude it")
            )
        elif os.path.commonpath((self.root, target)) != self.root:
            yield _skipped(entry.path, "it is a link that leaves the folder", "scan its target by its own name")
        elif is_folder:
            return
        elif not os.path.isfile(target):  # noqa: PTH113 - as above
            yield _skipped(entry.path, "it is a link to a FIFO, socket or device", "exclude it")
        elif not self.reads(os.path.basename(target)) and target not in self.linked:  # noqa: PTH119 - as above
            self.linked.add(target)
            self.files += 1
            yield Found(entry.path, shown(entry.path), os.stat(target).st_size)  # noqa: PTH116 - as above
