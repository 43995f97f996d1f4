"""Layers to read: tars as tarfile writes them, packed as registries have them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Collection, Iterable, Sequence

from transom.images.layers.reading import Wanted, read_layer
from transom.images.layers.record import LayerRecord
from transom.images.packages import Selection
from transom.lang.leaks.stream import Searcher
from transom.registry.blobs import Descriptor, Layer

STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n\n"
DATABASE = "var/lib/dpkg/status"
Written = tuple[tarfile.TarInfo, bytes]


def entry(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Written:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, mode
    made.size = len(content)
    return made, content


def symlink(name: str, target: str) -> Written:
    return entry(name, kind=tarfile.SYMTYPE, link=target)


def hardlink(name: str, target: str) -> Written:
    return entry(name, kind=tarfile.LNKTYPE, link=target)


def folder(name: str) -> Written:
    return entry(name, kind=tarfile.DIRTYPE)


def status(*names: str) -> bytes:
    return "".join(STATUS.format(name, "1.0-1") for name in names).encode()


def tar(entries: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, errors="surrogateescape") as archive:
        for made, content in entries:
            archive.addfile(made, io.BytesIO(content))
    return out.getvalue()


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def record_of(
    plain: bytes,
    stored: bytes | None = None,
    names: dict[str, tuple[str, ...]] | None = None,
    algorithms: Collection[str] = (),
    searcher: Searcher | None = None,
) -> LayerRecord:
    """Return the record of a tar, stored as gzip where nothing else is given."""
    stored = gzip.compress(plain, 1) if stored is None else stored
    layer = Layer(Descriptor(digest(stored), len(stored)), digest(plain))
    wanted = Wanted(Selection(), searcher, frozenset(algorithms), names or {})
    return read_layer(layer, io.BytesIO(stored), wanted)


def records(*layers: Sequence[tuple[tarfile.TarInfo, bytes]], searcher: Searcher | None = None) -> list[LayerRecord]:
    found = [record_of(tar(each), searcher=searcher) for each in layers]
    assert all(not each.unread for each in found)
    return found
