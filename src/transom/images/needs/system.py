"""One pass over an image for what its programs ask for: libraries, interpreters, commands of scripts, and databases."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from transom.images.layers.folders import entries_below
from transom.images.layers.links import Links
from transom.images.layers.reading import OPAQUE, WHITEOUT
from transom.images.layers.record import Unread
from transom.images.layers.streams import unpacked
from transom.images.layers.tar import OPAQUE as OPAQUE_FOLDER
from transom.images.layers.tar import TAKEN_AWAY, Content, Entry, TarError, TarReader, normal
from transom.images.packages.elf import MAGIC, Elf, read_elf
from transom.kube.files import shown
from transom.model.errors import TransomError
from transom.registry.blobs import Image

MAX_PROGRAM_BYTES = 256 * 1024 * 1024  # the largest libraries, of machine learning, are left to watching
MAX_SCRIPT_BYTES = 256 * 1024  # an entrypoint has some kB
MAX_DATABASE_BYTES = 256 * 1024 * 1024
MAX_NEEDED = 1_000  # libraries of one program; browsers have some 50
DATABASES = re.compile(
    r"(?:var/lib/dpkg/(?:status|status\.d/[^/]+|info/[^/]+\.list)|(?:usr/)?lib/apk/db/installed"
    r"|(?:var/lib|usr/share|usr/lib/sysimage)/rpm/(?:Packages|Packages\.db|rpmdb\.sqlite))"
)
_LIBRARY = re.compile(r"\.so(?:\.|$)")
_NEEDED, _DYNAMIC, _INTERPRETER = 1, 2, 3  # DT_NEEDED, PT_DYNAMIC, PT_INTERP


class Program(Struct, frozen=True):
    """What a program asks for. needed: names of libraries; interpreter: a path, "" for none; script: its text, for one."""

    needed: tuple[str, ...] = ()
    interpreter: str = ""
    script: str = ""


class System(Struct):
    """What an image shows, by path without a slash before it. unread: what is missing in it, and why."""

    programs: dict[str, Program] = field(default_factory=dict)
    links: Links = field(default_factory=Links)
    databases: dict[str, bytes] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def find(self, path: str) -> str:
        """Return where a path leads, through links; "" where no program is."""
        real = self.links.real(normal(path))
        return real if real in self.programs else ""


def system_of_folder(root: str) -> System:
    """Return what a root file system in a folder shows."""
    system = System()
    unread: list[Unread] = []
    _lay(system, entries_below(root, unread))
    system.unread += [f"{shown(each.path)}: {each.reason}" for each in unread]
    return system


def system_of_image(image: Image) -> System:
    """Return what an image shows; layers that cannot be read are told in `unread`."""
    system = System()
    for layer in image.layers:
        try:
            if layer.folder:
                _lay(system, entries_below(layer.folder, [], True))
                continue
            with image.blobs.open(layer.descriptor) as stream:
                _lay(system, _entries(TarReader(unpacked(stream))))
        except (TransomError, OSError, EOFError, ValueError, TarError) as error:
            system.unread.append(f"layer {layer.diff_id}: {error}")
    return system


def _entries(tar: TarReader) -> Iterator[tuple[Entry, Content]]:
    for entry in tar:
        yield entry, tar


def _lay(system: System, entries: Iterable[tuple[Entry, Content]]) -> None:
    """Lay a layer over what is there; what it takes away is known before what it brings counts."""
    brought: dict[str, Program | bytes] = {}
    links: dict[str, str] = {}
    hardlinks: dict[str, str] = {}
    gone: set[str] = set()
    opaque: set[str] = set()
    for entry, content in entries:
        path, (folder, _, name) = entry.path, entry.path.rpartition("/")
        if entry.kind == TAKEN_AWAY:
            gone.add(path)
        elif entry.kind == OPAQUE_FOLDER or name == OPAQUE:
            opaque.add(path if entry.kind == OPAQUE_FOLDER else folder)
        elif name.startswith(WHITEOUT):
            gone.add(f"{folder}/{name.removeprefix(WHITEOUT)}" if folder else name.removeprefix(WHITEOUT))
        elif entry.kind == "symlink":
            links[path] = entry.link
        elif entry.kind == "hardlink":
            hardlinks[path] = normal(entry.link)
        elif entry.kind == "file":
            gone.add(path)
            told = _read(entry, content)
            if told is not None:
                brought[path] = told
    _take_away(system, gone | links.keys() | hardlinks.keys(), opaque)
    for path, target in links.items():
        system.links.put(system.links.placed(path), target)
    for path, told in brought.items():
        _put(system, system.links.placed(path), told)
    for path, target in hardlinks.items():
        same = system.programs.get(system.links.placed(target))
        if same is not None:
            system.programs[system.links.placed(path)] = same


def _take_away(system: System, gone: set[str], opaque: set[str]) -> None:
    placed = {system.links.placed(path) for path in gone}
    hidden = {system.links.real(path) for path in opaque}

    def is_gone(path: str) -> bool:
        if path in placed:
            return True
        above = path.rpartition("/")[0]
        while above:
            if above in placed or above in hidden:
                return True
            above = above.rpartition("/")[0]
        return "" in hidden

    system.programs = {path: each for path, each in system.programs.items() if not is_gone(path)}
    system.databases = {path: each for path, each in system.databases.items() if not is_gone(path)}
    for path in [each for each in system.links.targets if is_gone(each)]:
        system.links.drop(path)


def _put(system: System, path: str, told: Program | bytes) -> None:
    if isinstance(told, bytes):
        system.databases[path] = told
    else:
        system.programs[path] = told


def _read(entry: Entry, content: Content) -> Program | bytes | None:
    """Return what a file tells; None where it is neither a program nor a database."""
    if DATABASES.fullmatch(entry.path):
        return content.content(MAX_DATABASE_BYTES)
    is_library = bool(_LIBRARY.search(entry.path.rpartition("/")[2]))
    if not (entry.mode & 0o111 or is_library) or entry.size_bytes > MAX_PROGRAM_BYTES:
        return None
    head = content.content(4)
    if head == MAGIC:
        try:
            return _of_elf(read_elf(head + content.content()))
        except ValueError:
            return Program()
    if head[:2] == b"#!":
        text = (head + content.content(MAX_SCRIPT_BYTES)).decode("utf-8", "replace")
        return Program(interpreter=text[2:].partition("\n")[0].strip(), script=text)
    return Program() if entry.mode & 0o111 else None


def _of_elf(elf: Elf) -> Program:
    interpreter = ""
    for each in elf.segments:
        if each.kind == _INTERPRETER:
            raw = elf.content[each.offset : each.offset + each.size_bytes]
            interpreter = raw.partition(b"\0")[0].decode("utf-8", "replace")
    names = elf.section(".dynstr")
    entry = struct.Struct(elf.order + ("qQ" if elf.word_bytes == 8 else "iI"))
    table = b""
    for each in elf.segments:
        if each.kind == _DYNAMIC:
            table = elf.content[each.offset : each.offset + each.size_bytes]
    table = table[: len(table) - len(table) % entry.size]
    needed = [names[at : names.find(b"\0", at)] for tag, at in entry.iter_unpack(table) if tag == _NEEDED]
    return Program(tuple(each.decode("utf-8", "replace") for each in needed[:MAX_NEEDED]), interpreter)
