"""Packages that an entrypoint leads to are told with what needs them; the rest are candidates, unless nothing can be said."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.conftest import Files, Layout, layout  # noqa: F401 - fixtures
from transom.cli import main
from transom.images.needs import Needs, needs_of, system_of_folder, system_of_image
from transom.images.needs.dependencies import known
from transom.images.needs.system import Program, System
from transom.images.opening import ImageOptions, open_image

STATUS = b"""Package: app
Status: install ok installed
Version: 1
Depends: libfoo (>= 1) | other, base:any

Package: libfoo
Status: install ok installed
Version: 1

Package: base
Status: install ok installed
Version: 1

Package: spare
Status: install ok installed
Version: 1

Package: gone
Status: deinstall ok config-files
Version: 1
"""
ROOT: Files = {
    "var/lib/dpkg/status": STATUS,
    "var/lib/dpkg/info/app.list": b"/.\n/usr/bin/app\n",
    "var/lib/dpkg/info/spare.list": b"/usr/bin/spare\n",
    "var/lib/dpkg/info/base.list": b"/bin/sh\n",
    "usr/bin/app": b"#!/bin/sh\nexec spare\n",
    "usr/bin/spare": b"#!/bin/sh\n",
    "usr/bin/sh": b"\x7fELF",
    "bin": b"->usr/bin",
}


def root(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith(b"->"):
            path.symlink_to(content[2:].decode())
        else:
            path.write_bytes(content)
            path.chmod(0o755)
    return folder


def needed(found: Needs) -> dict[str, str]:
    return {each.package: each.of for each in found.needed}


def test_dependencies_interpreters_and_called_programs_are_followed(tmp_path: Path) -> None:
    found = needs_of(system_of_folder(str(root(tmp_path, ROOT))), ["/usr/bin/app"])
    assert needed(found) == {"app": "/usr/bin/app", "libfoo": "app", "base": "app", "spare": "/usr/bin/spare"}
    assert found.candidates == ()


def test_what_nothing_leads_to_is_a_candidate(tmp_path: Path) -> None:
    found = needs_of(system_of_folder(str(root(tmp_path, {**ROOT, "usr/bin/app": b"#!/bin/sh\n"}))), ["app"])
    assert found.candidates == ("spare",)


@pytest.mark.parametrize(
    ("files", "words", "why"),
    [
        ({}, ["app"], "no database"),
        (ROOT, ["missing"], "not among its programs"),
        ({**ROOT, "var/lib/rpm/rpmdb.sqlite": b"rubbish"}, ["app"], "cannot be read"),
    ],
)
def test_nothing_is_a_candidate_where_nothing_can_be_said(
    tmp_path: Path, files: Files, words: list[str], why: str
) -> None:
    found = needs_of(system_of_folder(str(root(tmp_path, files))), words)
    assert found.candidates == ()
    assert why in found.unknown[0]


def test_layers_are_laid_over_each_other(layout: Layout) -> None:  # noqa: F811
    layout.image(ROOT, {"usr/bin/.wh.spare": b"", "var/lib/dpkg/info/.wh.spare.list": b""})
    system = system_of_image(open_image(str(layout.folder), ImageOptions(cached=False)))
    assert "usr/bin/spare" not in system.programs
    assert "var/lib/dpkg/info/spare.list" not in system.databases


@pytest.mark.skipif(not shutil.which("ldd"), reason="there is no ldd to compare with")
def test_libraries_of_this_machine_are_those_that_its_loader_finds() -> None:
    program = Path(shutil.which("bash") or "/bin/sh").resolve()
    told = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=True).stdout
    wanted = {line.split()[0] for line in told.splitlines() if "=>" in line}
    from transom.images.needs.system import _of_elf
    from transom.images.packages.elf import read_elf

    direct = _of_elf(read_elf(program.read_bytes()))
    assert set(direct.needed) <= wanted
    assert "libc.so.6" in direct.needed
    assert Path(direct.interpreter).name.startswith("ld-")


def test_alpines_requirements_are_read() -> None:
    text = b"P:app\nV:1\nD:so:libc.so.1 !bad cmd:x>1\nF:usr/bin\nR:app\n\nP:musl\nV:1\np:so:libc.so.1=1 cmd:x=2\nF:lib\nR:ld\n"
    found = known({"lib/apk/db/installed": text})
    assert list(found.required_by("app")) == ["musl", "musl"]
    assert found.owners == {"usr/bin/app": "app", "lib/ld": "musl"}


def test_circles_end() -> None:
    system = System(programs={"usr/bin/a": Program(interpreter="/usr/bin/a", script="#!/usr/bin/a\na\n")})
    system.databases["var/lib/dpkg/status"] = b"Package: a\nStatus: install ok installed\nDepends: a\nVersion: 1\n"
    assert needs_of(system, ["a"]).candidates == ("a",)


@given(st.binary(max_size=300), st.lists(st.text(max_size=10), max_size=3))
def test_any_database_and_any_command_are_read(content: bytes, words: list[str]) -> None:
    for path in ("var/lib/dpkg/status", "lib/apk/db/installed", "var/lib/rpm/Packages", "var/lib/rpm/Packages.db"):
        needs_of(System(databases={path: content}), words)


def test_the_command_tells_candidates_and_that_they_are_no_fact(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    target = f"dir:{root(tmp_path, {**ROOT, 'usr/bin/app': b'#!/bin/sh'})}"
    assert main(["least", "packages", target, "--start", "app -v"]) == 1
    assert "no fact" in capsys.readouterr().out
    assert main(["least", "packages", target, "--start", "app", "-o", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["candidates"] == ["spare"]
    assert main(["least", "packages", target]) == 2
