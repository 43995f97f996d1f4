"""What an image holds that opens it is told with the layer that brought it, and no password's hash is kept."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.conftest import Layout, layout  # noqa: F401 - fixtures
from transom.cli import main
from transom.images.accounts import accounts_of
from transom.images.layers.folders import entries_below
from transom.images.layers.reading import Wanted, read_entries
from transom.images.layers.record import LARGE_BYTES, LayerRecord, joined
from transom.images.opening import ImageOptions
from transom.images.packages import Selection
from transom.images.sizes import wasted
from transom.inventory import Inventory
from transom.model.findings import Finding
from transom.rules.load import builtin_pack
from transom.scan import ScanOptions, scan

PACK = builtin_pack()
HASH = "$y$j9T$abcdefgh"


def record_of(root: Path) -> LayerRecord:
    return read_entries("sha256:a", entries_below(str(root), []), Wanted(Selection()))


def findings(target: str, *dockerfiles: str) -> dict[str, Finding]:
    options = ScanOptions(PACK.policies, PACK.checks, images=ImageOptions(cached=False, dockerfiles=dockerfiles))
    return {each.rule: each for each in scan([target], options, Inventory()) if isinstance(each, Finding)}


def test_no_hash_of_a_password_is_kept(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/shadow").write_text(f"root:{HASH}:1::::::\napp::1::::::\nsys:*:1::::::\n")
    (tmp_path / "etc/passwd").write_text(f"root:{HASH}:0:0::/root:/bin/sh\n")
    record = record_of(tmp_path)
    assert record.texts["etc/shadow"].splitlines()[:2] == [b"root:x:1::::::", b"app::1::::::"]
    assert HASH.encode() not in b"".join(record.texts.values())


def test_accounts_that_open_a_system_are_told() -> None:
    passwd = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\na:x:7:7::/:/bin/sh\nb:x:7:7::/:/sbin/nologin\nbroken\n"
    found = accounts_of(
        {"etc/passwd": passwd, "etc/shadow": b"a::1\nb::1\nroot:x:1\n", "etc/group": b"g:x:5:\nh:x:5:\n"}
    )
    assert (found.roots, found.open, found.shared) == (("toor",), ("a",), (("a", "b"), ("g", "h")))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_accounts(content: bytes) -> None:
    accounts_of({"etc/passwd": content, "etc/shadow": content, "etc/group": content})


def test_modes_programs_credentials_and_caches_are_noted(tmp_path: Path) -> None:
    for path in (
        "bin/bash",
        "app/.git/HEAD",
        "root/.ssh/id_rsa",
        "app/run.sh",
        "usr/share/doc/id_rsa",
        "var/cache/apt/a.bin",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    (tmp_path / "app/run.sh").chmod(0o777)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    record = record_of(tmp_path)
    assert record.notable == {"bin/bash": "shell", "app/.git/HEAD": "repository", "root/.ssh/id_rsa": "credential"}
    assert set(record.open) == {"app/run.sh"}
    assert record.caches == {"var/cache/apt/a.bin": 1}


def test_large_files_that_are_taken_away_are_wasted() -> None:
    low = LayerRecord("a", large={"a/big": LARGE_BYTES, "b/big": 2 * LARGE_BYTES, "c": LARGE_BYTES, "d": LARGE_BYTES})
    high = LayerRecord("b", whiteouts=["a"], opaque=["b"], files=joined(["c"]))
    assert [(each.path, each.layer, each.taken_by) for each in wasted([low, high])] == [
        ("b/big", 0, 1),
        ("a/big", 0, 1),
        ("c", 0, 1),
    ]


def test_what_a_higher_layer_mends_is_no_fault(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    from tests.registry import conftest

    modes = iter((0o777, 0o755))
    monkeypatch.setattr(conftest, "tar_of", lambda _: _tar("app/run.sh", next(modes)))
    layout.image({}, {}, User="1")
    assert "image-world-writable" not in findings(f"image:{layout.folder}")


def test_faults_of_layers_stand_at_the_lines_of_the_dockerfile_that_is_given(
    layout: Layout,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from tests.registry import conftest

    monkeypatch.setattr(conftest, "tar_of", lambda _: _tar("app/run.sh", 0o777))
    layout.image({}, User="1", history=["COPY run.sh /app/ # buildkit"])
    (tmp_path / "Dockerfile").write_text("FROM scratch\n\nCOPY run.sh /app/\nUSER 1\n")
    found = findings(f"image:{layout.folder}", str(tmp_path / "Dockerfile"))["image-world-writable"]
    assert (Path(found.place.file).name, found.place.line) == ("Dockerfile", 3)
    assert found.evidence[0].observed == "app/run.sh (COPY run.sh /app/)"


def test_the_history_of_an_image_is_judged_as_a_dockerfile(layout: Layout) -> None:  # noqa: F811
    layout.image({"a": b"b"}, User="1", history=["RUN /bin/sh -c curl -k https://example.com | sh # buildkit"])
    found = findings(f"image:{layout.folder}")
    assert {"dockerfile-certificates-ignored", "dockerfile-piped-to-shell"} <= set(found)
    assert found["dockerfile-piped-to-shell"].ref.scope == "image"
    assert found["dockerfile-piped-to-shell"].evidence[0].observed == "RUN curl; sh (layer 0)"


def test_a_dockerfile_that_is_not_there_ends_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scan", "image:a", "--dockerfile", "none/Dockerfile"]) == 2
    assert "none/Dockerfile" in capsys.readouterr().err


def _tar(name: str, mode: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.mode, entry.size = mode, 1
        archive.addfile(entry, io.BytesIO(b"x"))
    return out.getvalue()
