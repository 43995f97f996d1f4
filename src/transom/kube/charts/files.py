"""A chart's files, from a folder or a packed archive, within limits; and the archive that a renderer is given.

What a renderer sees is what was read here: links that leave the chart, devices and endless files never reach it.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from transom.kube.documents import Document, read_documents
from transom.model.errors import TransomError
from transom.model.findings import Skipped

CHART_FILE = "Chart.yaml"
VALUES_FILE = "values.yaml"
IGNORE_FILE = ".helmignore"
MAX_CHART_FILES = 10_000  # the largest public charts have about 500, subcharts included
MAX_FILE_BYTES = 5 * 1024 * 1024  # Helm's own limit on one file of an archive
MAX_CHART_BYTES = 100 * 1024 * 1024  # Helm's own limit on an unpacked archive
MAX_FOLDER_DEPTH = 50  # subcharts within subcharts; honest ones have three levels
ARCHIVES = (".tgz", ".tar.gz")


class Chart(msgspec.Struct, frozen=True):
    """A chart as it was read.

    name: of Chart.yaml; shown: how people see its folder or archive; files: content by path within the chart;
    outside: what was left out because it leads out of the chart, or is no ordinary file; folder: to open its files, ""
    for an archive.
    """

    name: str
    shown: str
    files: Mapping[str, bytes]
    description: Mapping[str, Any] = {}
    outside: Sequence[str] = ()
    folder: str = ""

    @property
    def is_library(self) -> bool:
        """Whether it only lends templates to other charts."""
        return self.description.get("type") == "library"

    def shown_file(self, path: str) -> str:
        """Return how people see one of its files."""
        return f"{self.shown.rstrip('/')}/{path}"


def read_chart(path: str, shown: str) -> Chart:
    """Read a chart from its folder or archive; raises TransomError where it cannot be, or is too large."""
    from tarfile import TarError

    try:
        if os.path.isdir(path):  # noqa: PTH112 - the path is text everywhere else
            outside: list[str] = []
            files = _bounded(_of_folder(path, outside))
            files = _without_ignored(files)
        else:
            outside = []
            files = _bounded(_of_archive(path, outside))
    except (OSError, TarError, EOFError) as error:
        raise TransomError(f"cannot read the chart {shown}", str(error), "make it readable, or exclude it") from error
    description = _description(files.get(CHART_FILE, b""), shown)
    folder = path if os.path.isdir(path) else ""  # noqa: PTH112 - as above
    return Chart(str(description.get("name") or "chart"), shown, files, description, outside, folder)


def _description(text: bytes, shown: str) -> dict[str, Any]:
    value = read_map(text, f"{shown}/{CHART_FILE}").value
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise TransomError(f"cannot read {shown}/{CHART_FILE}", "it names no chart", "give it a name and a version")
    return value


def read_map(text: bytes, shown: str) -> Document:
    """Read a file that holds one YAML map, such as Chart.yaml or values.yaml; raises TransomError where it does not."""
    for document in read_documents(io.BytesIO(text), shown):
        if isinstance(document, Skipped):
            raise TransomError(f"cannot read {shown}:{document.locator.line}", document.reason, document.next_step)
        if isinstance(document.value, dict):
            return document
        if document.value is not None:
            break
    else:
        return Document(shown, 0, {}, b"{}", 0, 1)
    raise TransomError(f"cannot read {shown}", "it is no map", "write keys and values")


def _bounded(pieces: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    for path, content in pieces:
        total += len(content)
        if len(files) >= MAX_CHART_FILES:
            raise TransomError("the chart is too large", f"it has more than {MAX_CHART_FILES:,} files", "split it")
        if total > MAX_CHART_BYTES:
            raise TransomError("the chart is too large", f"it is over {MAX_CHART_BYTES // 2**20} MiB", "split it")
        files[path] = content
    return files


def _of_folder(root: str, outside: list[str]) -> Iterator[tuple[str, bytes]]:
    real_root = os.path.realpath(root)

    def walk(folder: str, relative: str, depth: int) -> Iterator[tuple[str, bytes]]:
        if depth > MAX_FOLDER_DEPTH:
            raise TransomError("the chart is too deep", f"it nests over {MAX_FOLDER_DEPTH} folders", "flatten it")
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
        for entry in entries:
            below = f"{relative}{entry.name}"
            target = os.path.realpath(entry.path)
            if os.path.commonpath((real_root, target)) != real_root or not os.path.exists(target):  # noqa: PTH110
                outside.append(below)
            elif entry.is_dir(follow_symlinks=False):
                yield from walk(entry.path, below + "/", depth + 1)
            elif stat.S_ISREG(os.stat(target).st_mode):  # noqa: PTH116 - as above
                yield below, _content(target, below)
            else:
                outside.append(below)

    yield from walk(root, "", 0)


def _content(path: str, shown: str) -> bytes:
    with open(path, "rb") as stream:  # noqa: PTH123 - as above
        content = stream.read(MAX_FILE_BYTES + 1)
    _check_size(len(content), shown)
    return content


def _check_size(size_bytes: int, shown: str) -> None:
    if size_bytes > MAX_FILE_BYTES:
        why = f"{shown} is larger than {MAX_FILE_BYTES // 2**20} MiB, which Helm refuses too"
        raise TransomError("the chart is too large", why, f"take it out, or name it in {IGNORE_FILE}")


def _of_archive(path: str, outside: list[str]) -> Iterator[tuple[str, bytes]]:
    import tarfile

    with tarfile.open(path, "r|gz") as archive:
        for number, entry in enumerate(archive):
            if number > MAX_CHART_FILES:
                raise TransomError("the chart is too large", f"it has more than {MAX_CHART_FILES:,} files", "split it")
            parts = entry.name.split("/")
            if entry.isdir():
                continue
            if not entry.isfile() or len(parts) < 2 or ".." in parts or entry.name.startswith("/"):
                outside.append(entry.name)
                continue
            below = "/".join(parts[1:])
            _check_size(entry.size, below)
            stream = archive.extractfile(entry)
            yield below, stream.read() if stream else b""


def _without_ignored(files: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out what the chart's .helmignore names; Helm reads it of folders only."""
    text = files.get(IGNORE_FILE, b"").decode("utf-8", "replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        return files
    from pathspec import GitIgnoreSpec

    try:
        ignored = GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return files  # Helm itself will tell what is wrong with it
    return {path: content for path, content in files.items() if path == CHART_FILE or not ignored.match_file(path)}


def packed(chart: Chart, replaced: Mapping[str, bytes] | None = None) -> bytes:
    """Return the chart as an archive that Helm reads, some files replaced; the same content gives the same bytes."""
    import gzip
    import tarfile

    changed = replaced or {}
    out = io.BytesIO()
    with gzip.GzipFile("", "wb", 1, out, mtime=0) as zipped, tarfile.open(fileobj=zipped, mode="w") as archive:
        for path in sorted(chart.files, key=lambda each: (each != CHART_FILE, each)):
            content = changed.get(path, chart.files[path])
            entry = tarfile.TarInfo(f"{chart.name}/{path}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def absent_dependencies(chart: Chart) -> Iterator[str]:
    """Yield the name of each dependency that Chart.yaml declares and `charts/` does not hold."""
    declared = chart.description.get("dependencies")
    held = {name for path in chart.files if (name := _subchart(path, chart.files))}
    for dependency in declared if isinstance(declared, list) else []:
        wanted = dependency.get("name") if isinstance(dependency, dict) else None
        if isinstance(wanted, str) and wanted not in held:
            yield wanted


def _subchart(path: str, files: Mapping[str, bytes]) -> str:
    """Return the name of the direct subchart that a file announces, "" for any other file."""
    parts = path.split("/")
    if parts[0] != "charts":
        return ""
    if len(parts) == 3 and parts[2] == CHART_FILE:
        value = read_map(files[path], path).value
        return str(value.get("name", parts[1]))
    if len(parts) == 2 and parts[1].endswith(ARCHIVES):
        return parts[1].rpartition("-")[0]
    return ""
