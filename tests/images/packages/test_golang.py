"""Go: build information of both forms, go.mod, go.sum."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess

import pytest

from tests.images.packages.elves import elf
from transom.images.packages.executables import read
from transom.images.packages.golang import MAGIC, read_mod, read_sum

LINES = "path\texample.com/app\nmod\texample.com/app\t(devel)\t\ndep\tgithub.com/a/b\tv1.2.3\th1:x=\n"
LINES += "dep\tgithub.com/old/c\tv1.0.0\n=>\tgithub.com/new/c\tv1.1.0\th1:y=\ndep\tx.org/local\tv0.1.0\n=>\t./local\t\n"
STAMPED = "build\tvcs.revision=0123456789abcdef\nbuild\tvcs.time=2024-05-06T07:08:09Z\n"


def told(packages):
    return [(f"{each.namespace}/{each.name}".lstrip("/"), each.version) for each in packages]


def wrapped(lines: str) -> bytes:
    return b"0" * 16 + lines.encode() + b"1" * 16


def varint(size: int) -> bytes:
    return bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))


def inline(lines: str, version: str = "go1.22.1") -> bytes:
    info = wrapped(lines)
    header = MAGIC + bytes((8, 2)) + b"\0" * 16
    return header + varint(len(version)) + version.encode() + varint(len(info)) + info


def pointed(lines: str, address: int = 0x1000) -> bytes:
    """Build information as Go wrote it before 1.18, at the given address."""
    version, info = b"go1.16.5", wrapped(lines)
    strings = address + 64
    header = MAGIC + bytes((8, 0)) + struct.pack("<QQ", address + 32, address + 48)
    header += struct.pack("<QQQQ", strings, len(version), strings + len(version), len(info))
    return header + version + info


EXPECTED = [("github.com/a/b", "v1.2.3"), ("github.com/new/c", "v1.1.0"), ("x.org/local", "v0.1.0")]


def test_a_program_tells_its_modules_and_the_standard_library():
    found = told(read("app", elf({".go.buildinfo": inline(LINES)})))
    assert found == [("example.com/app", ""), *EXPECTED, ("stdlib", "1.22.1")]


def test_the_commit_gives_a_main_module_its_version():
    found = told(read("app", elf({".go.buildinfo": inline(LINES + STAMPED)})))
    assert found[0] == ("example.com/app", "v0.0.0-20240506070809-0123456789ab")


def test_what_the_linker_was_told_comes_first():
    flags = 'build\t-ldflags="-s -X main.version=1.5.0 -X main.commit=abc"\n'
    found = told(read("app", elf({".go.buildinfo": inline(LINES + flags + STAMPED)})))
    assert found[0] == ("example.com/app", "v1.5.0")


def test_the_older_form_points_to_its_strings():
    found = told(read("app", elf({}, loaded=pointed(LINES))))
    assert found == [("example.com/app", ""), *EXPECTED, ("stdlib", "1.16.5")]


def test_a_program_of_windows_tells_the_same():
    assert told(read("app.exe", b"MZ" + b"\0" * 62 + inline(LINES)))[1:-1] == EXPECTED


def test_a_program_that_go_built_is_read(tmp_path):
    go = shutil.which("go") or "/usr/local/go/bin/go"
    if not os.access(go, os.X_OK):
        pytest.skip("Go is not installed")
    (tmp_path / "go.mod").write_text("module example.com/tiny\n\ngo 1.20\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { println(1) }\n")
    settings = {**os.environ, "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    subprocess.run([go, "build", "-o", "tiny", "."], cwd=tmp_path, env=settings, check=True, capture_output=True)
    found = dict(told(read("tiny", (tmp_path / "tiny").read_bytes())))
    assert found["stdlib"].startswith("1.")
    assert "example.com/tiny" in found


def test_a_go_mod_tells_what_stands_after_its_replacements():
    text = b"module a\n\ngo 1.22\n\nrequire github.com/a/b v1.0.0\nrequire (\n\tx.org/c v0.1.0 // indirect\n\tx.org/d v2.0.0\n)\n"
    text += b"replace x.org/d v2.0.0 => x.org/e v2.1.0\nreplace x.org/c => ../c\n"
    assert told(read_mod("go.mod", text)) == [
        ("github.com/a/b", "v1.0.0"),
        ("x.org/c", "v0.1.0"),
        ("x.org/e", "v2.1.0"),
    ]


def test_a_go_sum_tells_modules_whose_content_was_fetched():
    text = b"x.org/c v0.1.0 h1:a=\nx.org/c v0.1.0/go.mod h1:b=\nx.org/d v0.2.0/go.mod h1:c=\n"
    assert told(read_sum("go.sum", text)) == [("x.org/c", "v0.1.0")]
