"""Layer records, kept in the user's cache folder: a base layer is read once, whoever builds upon it.

A file is named by the layer's diff-ID and by what reads layers: the selectors, the readers, the table of programs and the
versions of both. So a record of other readers is never taken, and two that look for different files share a folder. It is
written aside and renamed; what a killed run left aside is removed when it is a day old. The oldest files go when all
together are larger than allowed.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import zstandard
from msgspec import Struct

from transom import __version__
from transom.images.layers.record import FORMAT, LayerRecord
from transom.images.packages import Selection
from transom.rules.folder import state_of

if TYPE_CHECKING:
    from transom.lang.leaks.stream import Searcher

MAX_CACHE_BYTES = 1024**3  # a record takes some ten kB
MAX_RECORD_BYTES = 256 * 1024 * 1024  # unpacked
STALE_S = 86_400.0  # no reading of a layer takes a day
MAX_CHAIN_BYTES = 128 * 1024  # a thousand layers
MAX_CHAINS = 5_000  # images that are looked at for one that is better
SUFFIX, CHAIN, PART = ".layer", ".chain", ".part"


class Chain(Struct, frozen=True):
    """An image that was inspected: its name, when it was made, the diff-IDs of its layers."""

    name: str
    created: str
    diff_ids: tuple[str, ...]


class LayerCache:
    """Records by diff-ID, in one folder, of readers who look for what a selection says; None keeps nothing.

    searcher: what looks for credentials in every file, None for nobody, who takes records of any that did.
    """

    def __init__(
        self, folder: Path | None, selection: Selection | None = None, searcher: Searcher | None = None
    ) -> None:
        self._folder = folder
        self.selection = selection or Selection()
        self.searcher = searcher
        self._searched = searcher.identity if searcher is not None else ""
        self._readers = readers(self.selection) if folder is not None else ""

    def get(self, diff_id: str) -> LayerRecord | None:
        """Return the record of a layer, None where none is kept or it cannot be read."""
        path = self._path(diff_id)
        if path is None:
            return None
        try:
            packed = path.read_bytes()
            if zstandard.frame_content_size(packed) > MAX_RECORD_BYTES:
                return None
            plain = zstandard.ZstdDecompressor().decompress(packed, max_output_size=MAX_RECORD_BYTES)
            record = msgspec.msgpack.decode(plain, type=LayerRecord)
        except (OSError, zstandard.ZstdError, msgspec.DecodeError):
            return None
        with suppress(OSError):
            os.utime(path)  # what was used last goes last
        return record if record.diff_id == diff_id and self._searched in ("", record.searched) else None

    def put(self, record: LayerRecord) -> None:
        """Keep the record of a layer that was read whole; a folder that cannot be written keeps nothing."""
        path = self._path(record.diff_id)
        if path is None or not record.complete:
            return
        plain = msgspec.msgpack.encode(record)
        if len(plain) > MAX_RECORD_BYTES:
            return
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(path, zstandard.ZstdCompressor().compress(plain))
            self._tidy(path.parent)

    def learn(self, name: str, diff_ids: Sequence[str], created: str = "") -> None:
        """Keep what an image is called by its chain of layers, so that what is built upon it tells its base.

        created: when it was made, in ISO 8601, to tell which of two is the newer.
        """
        path = self._chain(diff_ids)
        if path is not None and diff_ids and not path.exists():
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                told = "\n".join((name.replace("\n", " "), created.replace("\n", " "), " ".join(diff_ids)))
                _write(path, told.encode("utf-8", "replace"))

    def base_of(self, diff_ids: Sequence[str]) -> tuple[str, int]:
        """Return the name of the image that the lower layers of another are, the most of them, and how many; "" for none."""
        for count in range(len(diff_ids) - 1, 0, -1):
            path = self._chain(diff_ids[:count])
            with suppress(OSError):
                if path is not None:
                    return _chain_of(path).name, count
        return "", 0

    def known(self) -> Iterator[Chain]:
        """Yield every image that is known by its chain of layers, up to MAX_CHAINS."""
        if self._folder is None or not self._folder.is_dir():
            return
        for path in islice(self._folder.glob(f"*{CHAIN}"), MAX_CHAINS):
            with suppress(OSError):
                yield _chain_of(path)

    def _chain(self, diff_ids: Sequence[str]) -> Path | None:
        return None if self._folder is None else self._folder / f"{_digest(' '.join(diff_ids))}{CHAIN}"

    def _path(self, diff_id: str) -> Path | None:
        if self._folder is None:
            return None
        return self._folder / f"{_digest(diff_id)}-{self._readers}{SUFFIX}"

    def _tidy(self, folder: Path) -> None:
        """Remove what nobody finished, and the oldest records where all together are too large."""
        records = []
        total = 0
        for modified_s, size, path in _files(folder):
            if path.endswith(PART) and time.time() - modified_s > STALE_S:
                Path(path).unlink(missing_ok=True)
                continue
            total += size
            if path.endswith((SUFFIX, CHAIN)):
                records.append((modified_s, size, path))
        for _, size, path in sorted(records):
            if total <= MAX_CACHE_BYTES:
                return
            Path(path).unlink(missing_ok=True)
            total -= size


def _files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Yield when each file of a folder was changed, its size and its path; others may remove some meanwhile."""
    with os.scandir(folder) as listing:
        for entry in listing:
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    yield status.st_mtime, status.st_size, entry.path


def readers(selection: Selection) -> str:
    """Return what tells readers of layers from all others: what they look for, their code, and what it knows of programs."""
    here = Path(__file__).parent
    code = state_of(map(str, (here / "layers", here / "packages", here.parent / "content" / "binaries")))
    looked_for = [msgspec.structs.astuple(each) for each in selection.selectors]
    return sha256(msgspec.msgpack.encode([FORMAT, __version__, sys.version, looked_for, code])).hexdigest()[:16]


def _chain_of(path: Path) -> Chain:
    """Return what is kept of an image; raises OSError."""
    with path.open("rb") as stream:
        name, created, layers, *_ = [*stream.read(MAX_CHAIN_BYTES).decode("utf-8", "replace").split("\n"), "", ""]
    return Chain(name, created, tuple(layers.split()))


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _write(path: Path, content: bytes) -> None:
    from tempfile import NamedTemporaryFile  # a second look writes nothing: 5 ms

    with NamedTemporaryFile(dir=path.parent, suffix=PART, delete=False) as stream:
        try:
            stream.write(content)
            stream.flush()
            Path(stream.name).replace(path)
        except OSError:
            Path(stream.name).unlink(missing_ok=True)
            raise
