"""One pass over a layer: every header looked at once, few files read, nothing written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from msgspec import Struct

from transom.images.layers.altered import DIVERSIONS, Digester, settled
from transom.images.layers.links import Links
from transom.images.layers.notable import CACHES, notable
from transom.images.layers.record import LARGE_BYTES, LayerRecord, Special, Unread, joined, parted
from transom.images.layers.streams import Hashing, unpacked
from transom.images.layers.tar import MAX_TAR_BYTES, TAKEN_AWAY, Content, Entry, TarError, TarReader, normal
from transom.images.layers.tar import OPAQUE as OPAQUE_FOLDER
from transom.images.packages import Selection, Selector, owners, reader, sums_of
from transom.images.packages.bundles import nix_package
from transom.images.packages.copyrights import licences
from transom.images.packages.functions import functions_of
from transom.images.packages.sums import is_loaded, is_verified, of_md5sums, package_of
from transom.registry.blobs import Layer

if TYPE_CHECKING:
    from transom.images.layers.leaking import Seeker
    from transom.lang.leaks.stream import Searcher

WHITEOUT, OPAQUE, AUFS = ".wh.", ".wh..wh..opq", ".wh..wh."
SETUID_SETGID = 0o6000
EXECUTABLE = 0o111
EVERYBODY_WRITES, STICKY = 0o002, 0o1000
MAX_NOTED = 10_000  # paths of one sort that a record keeps; an honest layer has some dozens
MAX_OF_A_STRANGER = 5  # files of one user that are kept to show it
DOCUMENTS = "usr/share/doc/"
NIX_STORE = "nix/store/"
MAX_COPYRIGHT_BYTES = 4 * 1024 * 1024  # the largest of Debian has 1 MB
CAPABILITY = "security.capability"
MAX_TEXT_BYTES = 64 * 1024  # an os-release has some hundred bytes
MAX_LIST_BYTES = 16 * 1024 * 1024  # the files of one package, one a line
MAX_PATHS_CHARS = 64 * 1024 * 1024  # of all paths of a layer; 300,000 files of a public image have 30 MB
MAGIC_BYTES = 4
PACKED_HEAD_BYTES = 512  # where UPX leaves its mark, behind the program headers
TEXTS = frozenset(
    (
        "etc/os-release",
        "usr/lib/os-release",
        "etc/passwd",
        "etc/group",
        "etc/shadow",
        "etc/debian_version",
        "etc/alpine-release",
        "etc/redhat-release",
        "etc/apt/sources.list",
        "etc/apk/repositories",
        DIVERSIONS,
    )
)
"""Small files that say what the system is."""

WITH_PASSWORDS = frozenset(("etc/passwd", "etc/group", "etc/shadow"))
"""Of these the second field is kept as `x` or empty, never as it is."""
_LIST = re.compile(r"(?:^|/)var/lib/dpkg/info/([^/:]+)(?::[^/]+)?\.list$")
_OWNABLE = re.compile(
    rb"(?:-info/METADATA|-info/PKG-INFO|\.egg-info|/package\.json|/release|/DESCRIPTION|/installed\.json"
    rb"|\.(?:egg|jar|war|gemspec|rockspec|dll|exe|ko|deps\.json)|/vmlinuz-[^/]+|/lib[^/]+\.so[.\d]*"
    rb"|/changelog(?:\.Debian)?\.gz|/s?bin/[^/]+|/lib(?:exec)?/(?:[^/]+/)*[^/.]+)$"
)
"""Files by which other ecosystems tell of packages that an OS package may own."""
_LOGIN = re.compile(rb"://[^/\s@]{1,1000}@")
_NAMES = re.compile(rb"^Package: *(\S+)", re.MULTILINE)


class Wanted(Struct, frozen=True):
    """What is asked of a layer. selection: of files that tell of packages; names: further names of files by which they are
    to be read; algorithms: by which programs are hashed, none for those that the layer may ask for.

    searcher: what looks for credentials in every file, None for nobody.
    """

    selection: Selection
    searcher: Searcher | None = None
    algorithms: frozenset[str] = frozenset()
    names: Mapping[str, tuple[str, ...]] = {}

    @property
    def searched(self) -> str:
        """What tells by which rules credentials are looked for, "" where they are not."""
        return self.searcher.identity if self.searcher is not None else ""


def read_layer(layer: Layer, stream: BinaryIO, wanted: Wanted) -> LayerRecord:
    """Return the record of a layer; what could not be read is in it, with its reason, and never raises.

    The stored bytes are held to the layer's digest, the unpacked ones to its diff-ID.
    """
    pass_ = _Pass(layer.diff_id, wanted)
    record = pass_.record
    stored = Hashing(stream)
    try:
        plain = Hashing(unpacked(stored))
        tar = TarReader(plain)
        for entry in tar:
            pass_.note(entry, tar)
        plain.drain(MAX_TAR_BYTES)
        stored.drain(MAX_TAR_BYTES)
        record.unread += _lies(layer, stored, plain)
    except _breaking() as error:
        record.unread.append(Unread("", f"the layer breaks off after {record.entries:,} entries: {error}"))
    pass_.close()
    return record


def read_entries(diff_id: str, entries: Iterable[tuple[Entry, Content]], wanted: Wanted) -> LayerRecord:
    """Return the record of files that lie in no tar; raises nothing for what they hold.

    There a name that begins with `.wh.` is a name like any other, as overlayfs has it.
    """
    pass_ = _Pass(diff_id, wanted, marked=False)
    for entry, content in entries:
        if entry.kind == TAKEN_AWAY:
            pass_.record.whiteouts.append(entry.path)
            continue
        if entry.kind == OPAQUE_FOLDER:
            pass_.record.opaque.append(entry.path)
            continue
        try:
            pass_.note(entry, content)
        except ValueError as error:
            pass_.record.unread.append(Unread(entry.path, f"it cannot be read: {error}"))
    pass_.close()
    return pass_.record


def _breaking() -> tuple[type[Exception], ...]:
    """Return what unpackers raise for bytes that they cannot read."""
    import zstandard
    from isal import isal_zlib

    broken: type[Exception] = isal_zlib.error  # type: ignore[assignment]
    return (TarError, OSError, EOFError, ValueError, zstandard.ZstdError, broken)


def _lies(layer: Layer, stored: Hashing, plain: Hashing) -> list[Unread]:
    found = []
    if layer.descriptor.size and stored.digest != layer.descriptor.digest:
        found.append(Unread("", f"its digest is {stored.digest}, not {layer.descriptor.digest}"))
    if plain.digest != layer.diff_id:
        found.append(Unread("", f"its diff-ID is {plain.digest}, not {layer.diff_id}"))
    return found


class _Pass:
    """A record that is being made. marked: whether names tell of whiteouts."""

    def __init__(self, diff_id: str, wanted: Wanted, marked: bool = True) -> None:
        self.record = LayerRecord(diff_id, searched=wanted.searched)
        self._marked = marked
        self._digester = Digester(wanted.algorithms)
        self._selection = wanted.selection
        self._names = wanted.names
        self._seeker: Seeker | None = None
        if wanted.searcher is not None:
            from transom.images.layers.leaking import Seeker

            self._seeker = Seeker(wanted.searcher)
        self._files: list[str] = []
        self._folders: list[str] = []
        self._noted: set[str] = set()
        self._stores: set[str] = set()
        self._chars = 0
        self._of_strangers: dict[int, int] = {}

    def note(self, entry: Entry, source: Content) -> None:
        """Note an entry; the last of several of one name counts, as whoever unpacks a layer has it."""
        record, path, kind = self.record, entry.path, entry.kind
        if path.startswith(NIX_STORE):
            self._stores.add(path.split("/", 3)[2])
        record.entries += 1
        record.size_bytes += entry.size_bytes
        folder, _, name = path.rpartition("/")
        if name.startswith(WHITEOUT) and self._marked:
            self._note_whiteout(folder, name)
            return
        if path in self._noted:
            self._forget(path)
        self._note_by_name(entry, folder, name)
        if kind == "dir":
            self._folders.append(path)
            self._chars += len(path)
        elif kind == "symlink":
            record.links[path] = entry.link
            self._noted.add(path)
        else:
            self._files.append(path)
            self._chars += len(path)
            self._note_file(entry, source)

    def close(self) -> None:
        """End the record."""
        record = self.record
        self._settle()
        self._note_stores()
        if self._seeker is not None:
            self._seeker.close(record)
        if self._chars <= MAX_PATHS_CHARS:
            record.files, record.folders = joined(self._files), joined(self._folders)
        else:
            record.unread.append(Unread("", "it has more paths than can be kept, so what it replaces is not known"))
        record.complete = all(each.path for each in record.unread)

    def _note_stores(self) -> None:
        """Note what the store of Nix holds, by the names of its folders: images made by Nix have no database."""
        for name in sorted(self._stores):
            path = f"{NIX_STORE}{name}"
            package = nix_package(f"/{path}", path)
            if package is not None:
                self.record.packages[path] = [package]

    def _settle(self) -> None:
        """Hold what lists tell to what was hashed; only what they do not bear out is kept."""
        record, digester = self.record, self._digester
        kept = digester.algorithms
        if record.sums:
            links = Links()
            links.targets = dict(record.links)
            record.sums = settled(record.sums, digester.digests, set(self._files), links)
            kept = kept & record.algorithms or kept  # those above may ask for others, and have it read again
        record.hashed = tuple(sorted(kept))
        record.digests = {each: found for each, found in digester.digests.items() if found and each in kept}

    def _note_by_name(self, entry: Entry, folder: str, name: str) -> None:
        """Note what headers alone tell: names, modes, owners and sizes."""
        record, path = self.record, entry.path
        told = notable(path, folder, name)
        if told and entry.kind != "dir":
            self._keep(record.notable, path, told)
        if entry.kind == "file":
            if path.startswith(CACHES) and entry.size_bytes:
                self._keep(record.caches, path, entry.size_bytes)
            if entry.size_bytes >= LARGE_BYTES:
                self._keep(record.large, path, entry.size_bytes)
        if entry.mode & EVERYBODY_WRITES and (
            entry.kind == "file" or (entry.kind == "dir" and not entry.mode & STICKY)
        ):
            self._keep(record.open, path, entry.mode)
        if entry.uid and self._of_strangers.get(entry.uid, 0) < MAX_OF_A_STRANGER:
            self._of_strangers[entry.uid] = self._of_strangers.get(entry.uid, 0) + 1
            self._keep(record.strangers, path, entry.uid)

    def _keep(self, kept: dict[str, Any], path: str, value: Any) -> None:
        if len(kept) < MAX_NOTED:
            kept[path] = value
            self._noted.add(path)

    def _note_whiteout(self, folder: str, name: str) -> None:
        if name == OPAQUE:
            self.record.opaque.append(folder)
        elif not name.startswith(AUFS):  # the rest of what aufs kept for itself hides nothing
            taken = name.removeprefix(WHITEOUT)
            if taken not in ("", ".", ".."):
                self.record.whiteouts.append(f"{folder}/{taken}" if folder else taken)

    def _forget(self, path: str) -> None:
        record = self.record
        of_paths = (record.packages, record.texts, record.links, record.hardlinks, record.specials)
        for kept in (
            *of_paths,
            record.owned,
            record.owners,
            record.listed,
            record.known,
            record.functions,
            record.packed,
            record.licences,
            record.sums,
            record.notable,
            record.caches,
            record.open,
            record.strangers,
            record.large,
        ):
            kept.pop(path, None)
        self._digester.forget(path)
        record.unread = [each for each in record.unread if each.path != path]

    def _note_file(self, entry: Entry, source: Content) -> None:
        if self._seeker is None:
            self._note_evidence(entry, source)
        elif entry.kind == "file":
            tapped = self._seeker.tap(source)
            self._note_evidence(entry, tapped)
            self._seeker.note(entry.path, entry.size_bytes, tapped, is_hashed(entry.path, entry))
        else:
            self._note_evidence(entry, source)
            if entry.kind == "hardlink":
                self._seeker.link(entry.path, normal(entry.link))

    def _note_evidence(self, entry: Entry, source: Content) -> None:
        path = entry.path
        if entry.kind == "file":
            head = b""
            if entry.mode & EXECUTABLE and entry.size_bytes > PACKED_HEAD_BYTES:
                head = self._head(path, source)
            names = (path, *self._names.get(path, ()))
            for name in names:
                head = self._note_content(name, entry, head, source)
            verified = [name for name in names if is_hashed(name, entry) or (name != path and is_verified(name))]
            if verified:
                self._noted.add(path)
                self._hash(verified, head, source)
        elif entry.kind == "hardlink" and (self._selector(path, entry) or path in TEXTS):
            self.record.hardlinks[path] = entry.link
            self._noted.add(path)
            self._digester.link(path, normal(entry.link))
        if entry.mode & SETUID_SETGID or entry.xattrs:
            self._note_special(entry)

    def _hash(self, names: list[str], head: bytes, source: Content) -> None:
        self._digester.note(names[0], head, source)
        for name in names[1:]:
            self._digester.link(name, names[0])

    def _head(self, path: str, source: Content) -> bytes:
        head = source.content(PACKED_HEAD_BYTES)
        if head.startswith(b"\x7fELF") and b"UPX!" in head:
            self.record.packed[path] = "UPX"
            self._noted.add(path)
        return head

    def _note_special(self, entry: Entry) -> None:
        capabilities = (entry.xattrs or {}).get(CAPABILITY, b"").hex()
        if entry.kind in ("file", "hardlink") and (entry.mode & SETUID_SETGID or capabilities):
            self.record.specials[entry.path] = Special(entry.path, entry.mode, entry.uid, entry.gid, capabilities)
            self._noted.add(entry.path)

    def _note_content(self, path: str, entry: Entry, head: bytes, source: Content) -> bytes:
        """Read a file by one of its names, and return what was read of it, for its other names."""
        record = self.record
        selector = self._selector(path, entry)
        if path in TEXTS:  # first, for one that may be executed is a program to the table of selectors
            self._noted.add(entry.path)
            head += source.content(MAX_TEXT_BYTES)
            kept = _without_passwords(head) if path in WITH_PASSWORDS else head
            record.texts[path] = _LOGIN.sub(b"://***@", kept)  # no record holds a credential
            self._digester.learn(path)
        elif selector is not None:
            self._noted.add(entry.path)
            record.packages[path] = []
            head = self._note_packages(path, entry, head, source, selector)
            if path.endswith("lib/dpkg/status"):
                installed = {package.name for package in record.packages[path]}
                told = {name.decode("utf-8", "replace") for name in _NAMES.findall(head)}
                record.known[path] = sorted(told - installed)
        elif path.endswith("/copyright") and path.startswith(DOCUMENTS) and entry.size_bytes <= MAX_COPYRIGHT_BYTES:
            self._noted.add(entry.path)
            head += source.content()
            record.licences[path] = licences(head)
        elif path.endswith(".list") and (match := _LIST.search(path)) and entry.size_bytes <= MAX_LIST_BYTES:
            self._noted.add(entry.path)
            head += source.content()
            record.listed[path] = match[1]
            owned = [line for line in head.split(b"\n") if _OWNABLE.search(line)]
            if owned:
                record.owned[path] = [normal(line.decode("utf-8", "surrogateescape")) for line in owned]
        elif path.endswith(".md5sums") and (package := package_of(path)) and entry.size_bytes <= MAX_LIST_BYTES:
            self._noted.add(entry.path)
            head += source.content()
            record.sums[path] = [of_md5sums(package, head)]
        return head

    def _note_packages(self, path: str, entry: Entry, head: bytes, source: Content, selector: Selector) -> bytes:
        """Note what a selected file tells, as far as it can be read; return what was read of it."""
        if selector.magics:
            head = head or source.content(MAGIC_BYTES)
            if not head.startswith(selector.magics):
                return head
        if entry.size_bytes > selector.limit_bytes and not selector.head_bytes:
            self.record.unread.append(Unread(path, f"it is larger than {selector.limit_bytes // 2**20} MiB"))
            return head
        head += source.content(selector.head_bytes or -1)
        packages = self.record.packages[path]
        try:
            packages.extend(reader(selector.reader)(path, head))
            if selector.magics and any(package.kind == "golang" for package in packages):
                self.record.functions[path] = functions_of(head)
            if selector.owners:
                owned = owners(selector.owners)(head)
                self.record.owners[path] = {_text(file): name for name, file in owned if _OWNABLE.search(b"/" + file)}
            if selector.sums:
                self.record.sums[path] = list(sums_of(selector.sums)(head))
        except (ValueError, RecursionError) as error:
            self.record.unread.append(Unread(path, f"it cannot be read: {error}"))
        return head

    def _selector(self, path: str, entry: Entry) -> Selector | None:
        return self._selection.of(path, bool(entry.mode & EXECUTABLE))


def is_hashed(path: str, entry: Entry) -> bool:
    """Tell whether a file is held to what its package says of it."""
    return (entry.mode & EXECUTABLE != 0 or is_loaded(path)) and is_verified(path)


def _without_passwords(content: bytes) -> bytes:
    """Return a file of accounts in which no field of a password is more than `x`."""
    lines = [line.split(b":") for line in content.splitlines()]
    kept = [[*each[:1], b"x" if each[1] else b"", *each[2:]] if len(each) > 1 else each for each in lines]
    return b"\n".join(b":".join(each) for each in kept)


def _text(path: bytes) -> str:
    return normal(path.decode("utf-8", "surrogateescape"))


def unread_names(record: LayerRecord) -> dict[str, tuple[str, ...]]:
    """Return, by file, the names of interest that hard links give to files which were passed by as of none.

    A file is read when it comes by, so that what a later link says of it needs a second pass.
    """
    found: dict[str, tuple[str, ...]] = {}
    if not record.hardlinks:
        return found
    files = set(parted(record.files))
    for path, target in record.hardlinks.items():
        real, followed = normal(target), 0
        while real in record.hardlinks and followed < len(record.hardlinks):
            real, followed = normal(record.hardlinks[real]), followed + 1
        if real in files and (_is_unread(real, record) or _is_unhashed(path, real)):
            found[real] = (*found.get(real, ()), path)
    return found


def _is_unread(path: str, record: LayerRecord) -> bool:
    return path not in record.packages and path not in record.texts


def _is_unhashed(path: str, real: str) -> bool:
    """Tell whether a link puts a file where programs are verified, that lies where none are."""
    return is_verified(path) and not is_verified(real)
