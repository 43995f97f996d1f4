"""What one layer brings, in a small record: made once, kept by the layer's diff-ID, laid over others many times."""

from __future__ import annotations

import zstandard
from msgspec import Struct

from transom.images.packages.sums import ALGORITHMS, Sums
from transom.model.packages import Package

FORMAT = 9
"""Of the record; one of another format is made anew."""
MAX_PATHS_BYTES = (
    256 * 1024 * 1024
)  # of a record's paths, unpacked: four bytes at most for each of 64 million characters
LARGE_BYTES = 64 * 1024  # smaller files make a twentieth of the bytes of an image, and nineteen of twenty of its files


class Special(Struct, frozen=True, omit_defaults=True):
    """A file that gives more than its owner's rights. capabilities: the raw extended attribute, in hexadecimal."""

    path: str
    mode: int
    uid: int
    gid: int
    capabilities: str = ""


class Unread(Struct, frozen=True, omit_defaults=True):
    """A file, or all of a layer (path ""), of which not all was read, and why."""

    path: str
    reason: str


class Leaked(Struct, frozen=True, omit_defaults=True):
    """A leak in a file of a layer, without its value, as a record keeps it; the fields are those of Found."""

    rule: str
    line: int
    column: int
    length: int
    tag: str
    certainty: str
    reason: str = ""
    encodings: tuple[str, ...] = ()
    allowed: bool = False


class LayerRecord(Struct, omit_defaults=True):
    """One layer. All paths are within the root, without a slash before them.

    packages: by the file that tells them, also where it tells none any more; texts: small files that say what the
    system is; whiteouts: what is taken away of lower layers; opaque: folders of which everything below is; links: where
    symbolic links lead, as written; hardlinks: files of interest that are another by name; specials: setuid, setgid and
    file capabilities; owned: of files that OS packages list, those that other evidence may lie in, by the list's path;
    owners: the same where one database lists for all, the package's name by the file's path, by the database's path;
    listed: packages whose list of files is there; known: packages that a database tells as not installed, by its path;
    functions: of Go programs, as packages.functions keeps them; packed: executables that unpack themselves; licences: by
    the copyright file that tells them; sums: what OS packages say their files hold, by the list's path;
    digests: of programs and libraries that no list of the layer bears out, by algorithm and path; hashed: the algorithms of
    which all were made; files, folders: every other path, for what lies below, see `joined`; notable:
    what names alone tell (layers.notable); caches: sizes of what package managers downloaded; open: modes of what everybody
    may write; strangers: some files of each user but root, with its number; large: sizes of files of LARGE_BYTES and more.
    leaks: credentials, by the file that they are in; leaking: other names of these files, by hard links; searched: what
    tells by which rules they were looked for, "" where they were not; shipped: how many more lie in files that are as their
    OS packages bring them, which everybody has.
    complete: whether the whole layer was read.
    """

    diff_id: str
    format: int = FORMAT
    entries: int = 0
    size_bytes: int = 0
    packages: dict[str, list[Package]] = {}
    texts: dict[str, bytes] = {}
    whiteouts: list[str] = []
    opaque: list[str] = []
    links: dict[str, str] = {}
    hardlinks: dict[str, str] = {}
    specials: dict[str, Special] = {}
    owned: dict[str, list[str]] = {}
    owners: dict[str, dict[str, str]] = {}
    listed: dict[str, str] = {}
    known: dict[str, list[str]] = {}
    functions: dict[str, bytes] = {}
    packed: dict[str, str] = {}
    licences: dict[str, list[str]] = {}
    sums: dict[str, list[Sums]] = {}
    digests: dict[str, dict[str, bytes]] = {}
    hashed: tuple[str, ...] = tuple(sorted(ALGORITHMS))
    notable: dict[str, str] = {}
    caches: dict[str, int] = {}
    open: dict[str, int] = {}
    strangers: dict[str, int] = {}
    large: dict[str, int] = {}
    files: bytes = b""
    folders: bytes = b""
    unread: list[Unread] = []
    leaks: dict[str, list[Leaked]] = {}
    leaking: dict[str, str] = {}
    searched: str = ""
    shipped: int = 0
    complete: bool = True

    @property
    def algorithms(self) -> set[str]:
        """Those that its lists ask for."""
        return {each.algorithm for lists in self.sums.values() for each in lists}


def joined(paths: list[str]) -> bytes:
    """Return paths as a record keeps them: parted by NUL, and packed, since few images ask for them again."""
    return zstandard.ZstdCompressor(level=1).compress("\0".join(paths).encode("utf-8", "surrogateescape"))


def parted(paths: bytes) -> list[str]:
    """Return the paths that a record keeps; none where there are more than a record may have."""
    if not paths:
        return []
    if not 0 < zstandard.frame_content_size(paths) <= MAX_PATHS_BYTES:
        return []
    return zstandard.ZstdDecompressor().decompress(paths).decode("utf-8", "surrogateescape").split("\0")
