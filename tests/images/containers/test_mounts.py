"""The root of a process is read as the kernel tells it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.images.containers.mounts import Root, parse_mounts, root_of_process
from transom.model.errors import TransomError

PLAIN = "74 50 0:39 / / rw,relatime - overlay overlay rw,lowerdir=/s/2/fs:/s/1/fs,upperdir=/s/3/fs,workdir=/s/3/work"
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8)


def mounted(lower: list[str], upper: str) -> str:
    """Return a line as the kernel writes it: what the mounter escaped, and what the kernel escapes."""

    def escaped(path: str, also: str) -> str:
        for each in ("\\", *also):
            path = path.replace(each, f"\\{each}")
        return "".join(f"\\{ord(each):03o}" if each in ", =\t\n\\" else each for each in path)

    folders = ":".join(escaped(each, ":") for each in lower)
    return f"74 50 0:39 / / rw - overlay overlay rw,lowerdir={folders},upperdir={escaped(upper, '')},index=off"


def test_layers_are_told_the_lowest_first() -> None:
    assert parse_mounts(PLAIN) == Root("overlay", ("/s/1/fs", "/s/2/fs"), "/s/3/fs")


@given(st.lists(NAMES, min_size=1, max_size=4), NAMES)
def test_names_are_read_whatever_is_in_them(lower: list[str], upper: str) -> None:
    folders = [f"/s/{each}" for each in lower]
    assert parse_mounts(mounted(folders, f"/s/{upper}")) == Root("overlay", tuple(reversed(folders)), f"/s/{upper}")


def test_folders_that_are_named_from_another_are_made_whole() -> None:
    line = PLAIN.replace("/s/2/fs:/s/1/fs", "2/fs:1/fs").replace("/s/3", "/v/snapshots/3")
    assert parse_mounts(line).lower == ("/v/snapshots/1/fs", "/v/snapshots/2/fs")


def test_layers_that_are_told_one_by_one_are_read() -> None:
    line = PLAIN.replace("lowerdir=/s/2/fs:/s/1/fs", "lowerdir+=/s/2/fs,lowerdir+=/s/1/fs")
    assert parse_mounts(line).lower == ("/s/1/fs", "/s/2/fs")


def test_the_last_mount_counts_and_others_do_not() -> None:
    text = f"1 0 0:1 / / rw - ext4 /dev/a rw\n{PLAIN}\n75 74 0:44 / /proc rw - proc proc rw\n"
    assert parse_mounts(text).kind == "overlay"
    assert parse_mounts(f"{PLAIN}\n1 0 0:1 / / rw - btrfs /dev/a rw\n") == Root("btrfs")


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    parse_mounts(text)


def test_a_process_that_is_gone_is_told() -> None:
    with pytest.raises(TransomError, match="process 999999999"):
        root_of_process(999999999)
