"""Laying records over each other agrees with unpacking the layers one after the other, as container runtimes do."""

from __future__ import annotations

import tarfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.images.layers.making import Written, entry, folder, records, status, symlink
from transom.images.layers.merging import merge

STEPS = ("a", "b", "c")
FOLDERS = st.lists(st.sampled_from(STEPS), max_size=3).map("/".join)
DATABASE = "lib/dpkg/status"


def below(where: str, name: str) -> str:
    return f"{where}/{name}" if where else name


def databases(number: int) -> st.SearchStrategy[Written]:
    return FOLDERS.map(lambda where: entry(below(where, DATABASE), status(f"p{number}")))


def layer(number: int) -> st.SearchStrategy[list[Written]]:
    paths = FOLDERS.filter(bool)
    entries = st.one_of(
        databases(number),
        paths.map(folder),
        paths.map(entry),
        FOLDERS.map(lambda where: entry(below(where, ".wh..wh..opq"))),
        st.builds(lambda where, name: entry(below(where, f".wh.{name}")), FOLDERS, st.sampled_from((*STEPS, "lib"))),
        st.builds(symlink, paths, st.sampled_from(("a", "b", "/c", "../b", "/a/b"))),
    )
    return st.lists(entries, min_size=1, max_size=4, unique_by=lambda each: each[0].name)


class Tree:
    """A root file system in memory: maps are folders, bytes files, tuples links."""

    def __init__(self) -> None:
        self.root: dict[str, object] = {}
        self.entered: set[int] = set()  # folders that the present layer has put something into

    def walk(self, path: str, make: bool) -> dict[str, object] | None:
        """Return the folder at a path, links followed; None where there is none."""
        at: list[dict[str, object]] = [self.root]
        waiting = [step for step in path.split("/") if step][::-1]
        followed = 0
        while waiting:
            step = waiting.pop()
            if step == "..":
                at = at[:-1] or [self.root]
                continue
            found = at[-1].get(step)
            if isinstance(found, tuple):
                followed += 1
                if followed > 40:
                    return None
                at = [self.root] if found[0].startswith("/") else at
                waiting += [each for each in found[0].split("/") if each][::-1]
            elif isinstance(found, dict):
                at.append(found)
            elif found is None and make:
                at[-1][step] = made = {}
                at.append(made)
            else:
                return None
        if make:
            self.entered.update(map(id, at))
        return at[-1]

    def files(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}

        def look(where: str, here: dict[str, object]) -> None:
            for name, value in here.items():
                if isinstance(value, dict):
                    look(below(where, name), value)
                elif isinstance(value, bytes) and value:
                    found[below(where, name)] = value

        look("", self.root)
        return found

    def take_away(self, made: tarfile.TarInfo) -> None:
        where, _, name = made.name.rpartition("/")
        here = self.walk(where, make=False)
        if here is not None and name == ".wh..wh..opq":
            here.clear()
        elif here is not None:
            here.pop(name.removeprefix(".wh."), None)

    def put(self, made: tarfile.TarInfo, content: bytes) -> bool:
        where, _, name = made.name.rpartition("/")
        here = self.walk(where, make=True)
        if here is None or (not made.isdir() and id(here.get(name)) in self.entered):
            return False  # no unpacker makes sense of it, or each another, by the order of entries
        if made.isdir():
            if not isinstance(here.get(name), dict):
                here[name] = {}
        else:
            here[name] = (made.linkname,) if made.issym() else content
        return True


def order(written: Written) -> tuple[bool, bool, bool]:
    """Put first what writers of layers put before what lies in it: whiteouts, links, folders."""
    made = written[0]
    return not made.name.rpartition("/")[2].startswith(".wh."), not made.issym(), not made.isdir()


@settings(max_examples=400, deadline=None)
@given(st.tuples(layer(0), layer(1), layer(2)))
def test_merging_agrees_with_unpacking(layers: tuple[list[Written], ...]) -> None:
    tree = Tree()
    for each in layers:
        tree.entered.clear()
        ordered = sorted(each, key=order)
        names = {one[0].name for one in each if not one[0].name.rpartition("/")[2].startswith(".wh.")}
        for made, content in ordered:
            whiteout = made.name.rpartition("/")[2].startswith(".wh.")
            if not whiteout and any(name.startswith(f"{made.name}/") for name in names) and not made.isdir():
                return  # a layer that puts files below a file or a link of its own has no one meaning
            if whiteout:
                tree.take_away(made)
            elif not tree.put(made, content):
                return
    merged = merge(records(*layers))
    shown = {path: [each.name for each in packages] for path, packages in merged.packages.items()}
    wanted = {path: [content.split()[1].decode()] for path, content in tree.files().items()}
    assert shown == wanted
