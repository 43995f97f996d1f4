"""Which functions a Go program holds, told from its table of lines: of programs built here, and of tables made by hand."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.images.packages.functions import functions_of, has

NAMES = (
    "runtime.main",
    "main.main",
    "main.(*T[go.shape.string]).Put",
    "main.Generic[go.shape.struct { X []int }]",
    "main.run.func1",
    "main.run.gowrap2.3",
    "gopkg.in/yaml%2ev2.Unmarshal",
    "example.com/a/b.(*Client).Do-fm",
    "type:.eq.main.T",
    "go:itab.main.T,fmt.Stringer",
)
PROGRAM = """
package main

import ("encoding/json"; "fmt"; "os")

type T[K comparable] struct{ m map[K]int }

//go:noinline
func (t *T[K]) Put(k K) { if t.m == nil { t.m = map[K]int{} }; t.m[k]++ }
func small(n int) int { for len(os.Args) > 9 { n++ }; return n * len(os.Args) }
func unused() int { return len(os.Environ()) }

func main() {
	var t T[string]
	t.Put("a")
	func() { fmt.Println(small(3)) }()
	json.NewEncoder(os.Stdout).Encode(t.m)
}
"""


def table(names: tuple[str, ...], magic: int = 0xF1, wide: bool = True) -> bytes:
    """A table of lines with nothing in it but names."""
    order = "<8Q" if wide else "<8I"
    size = struct.calcsize(order)
    blob = b"\0".join(map(str.encode, names)) + b"\0"
    start, end = 8 + size, 8 + size + len(blob)
    words = [len(names), 1, 0, start, end, end, end, end]
    if magic == 0xFA:
        words = [len(names), 1, start, end, end, end, end, end]
    return bytes((magic, 0xFF, 0xFF, 0xFF, 0, 0, 1, 8 if wide else 4)) + struct.pack(order, *words) + blob


@pytest.mark.parametrize("magic", [0xFA, 0xF0, 0xF1], ids=["1.16", "1.18", "1.20"])
@pytest.mark.parametrize("wide", [True, False])
def test_every_layout_of_the_table_is_read(magic: int, wide: bool) -> None:
    assert has(functions_of(b"MZ" + b"\0" * 100 + table(NAMES, magic, wide)), ("main.main",))


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("main.T.Put", True),
        ("main.Generic", True),
        ("main.run", True),
        ("gopkg.in/yaml.v2.Unmarshal", True),
        ("gopkg.in/yaml.v2", True),
        ("gopkg.in/yaml", False),
        ("example.com/a/b.Client.Do-fm", True),
        ("example.com/a/b", True),
        ("example.com/a", False),
        ("main.run.func1", False),
        ("type:.eq.main.T", False),
    ],
)
def test_names_are_told_as_advisories_write_them(name: str, there: bool) -> None:
    assert has(functions_of(table(NAMES)), (name,)) is there


def test_names_that_were_made_unreadable_are_not_told() -> None:
    assert functions_of(table(("abc123.x", "qwe.y"))) == b""


@pytest.mark.parametrize("cut", [0, 7, 20, 71, 80, 100])
def test_a_table_that_breaks_off_tells_nothing(cut: int) -> None:
    assert functions_of(table(NAMES)[:cut]) == b""


@given(st.binary(max_size=200))
def test_whatever_the_bytes_nothing_is_raised(content: bytes) -> None:
    functions_of(content)
    functions_of(bytes((0xF1, 0xFF, 0xFF, 0xFF, 0, 0, 1, 8)) + content)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("Go is not installed")
    return built(tmp_path_factory.mktemp("go"), PROGRAM)


def built(folder: Path, source: str, *flags: str) -> Path:
    (folder / "go.mod").write_text("module example.com/app\n\ngo 1.20\n")
    (folder / "main.go").write_text(source)
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    subprocess.run(["go", "build", *flags, "-o", "app", "."], cwd=folder, env=environment, check=True)
    return folder / "app"


@pytest.mark.parametrize(
    ("name", "there"),
    [
        ("main.T.Put", True),
        ("main.small", True),  # inlined, and still named
        ("main.unused", False),
        ("encoding/json.Encoder.Encode", True),
        ("encoding/json.Unmarshal", False),
        ("encoding/json", True),
        ("archive/zip", False),
    ],
)
def test_a_program_tells_what_the_linker_kept(program: Path, name: str, there: bool) -> None:
    assert has(functions_of(program.read_bytes()), (name,)) is there


def test_a_stripped_program_tells_the_same(program: Path, tmp_path: Path) -> None:
    stripped = built(tmp_path, PROGRAM, "-ldflags=-s -w")
    assert functions_of(stripped.read_bytes()) == functions_of(program.read_bytes())
