"""Rust: what cargo-auditable embeds, and Cargo.lock."""

from __future__ import annotations

import json
import zlib

import pytest

from tests.images.packages.elves import elf
from transom.images.packages.executables import read
from transom.images.packages.rust import MAX_INFO_BYTES, read_lock


def test_an_auditable_program_tells_its_crates():
    crates = [{"name": "serde", "version": "1.0.1"}, {"name": "cc", "version": "1.0.2", "kind": "build"}]
    program = elf({".dep-v0": zlib.compress(json.dumps({"packages": crates}).encode())})
    found = [(each.name, each.version, each.development) for each in read("app", program)]
    assert found == [("serde", "1.0.1", False), ("cc", "1.0.2", True)]


def test_a_list_of_crates_that_unpacks_without_end_is_refused():
    program = elf({".dep-v0": zlib.compress(b" " * (MAX_INFO_BYTES + 1))})
    with pytest.raises(ValueError, match="larger than 8 MiB"):
        list(read("app", program))


def test_a_cargo_lock_tells_crates_with_their_lines():
    text = b'version = 3\n\n[[package]]\nname = "a"\nversion = "1.0.0"\n\n[[package]]\nname = "b"\nversion = "2.0.0"\n'
    found = [(each.name, each.version, each.places[0].line) for each in read_lock("Cargo.lock", text)]
    assert found == [("a", "1.0.0", 4), ("b", "2.0.0", 8)]
