"""What an upper layer changes is told, and what it only touched is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from transom.images.cache import LayerCache
from transom.images.containers import drift
from transom.images.containers.drift import Change, Drift, PackageChange, drift_of, find_below
from transom.images.inspection import NoBlobs, inspect, inspection_of
from transom.model.errors import TransomError
from transom.registry.blobs import Descriptor, Image, Layer, this_platform

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="devices and trusted attributes need root")
STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\nArchitecture: amd64\n\n"
ELF = "\x7fELF program"


class Layers:
    """Layers as an overlay has them unpacked; the last is the container's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folders: list[str] = []

    def add(self, **files: str) -> Path:
        made = self.folder / str(len(self.folders))
        made.mkdir()
        self.folders.append(str(made))
        for path, content in files.items():
            self.write(made, path, content)
        return made

    @staticmethod
    def write(layer: Path, path: str, content: str) -> Path:
        file = layer / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(0o755 if "bin/" in path else 0o644)
        return file

    def drift(self) -> Drift:
        image = Image(
            "web", "", this_platform(), {},
            tuple(Layer(Descriptor(""), str(number), folder=each) for number, each in enumerate(self.folders)),
            (), NoBlobs(),
        )  # fmt: skip
        now = inspect(image, LayerCache(None))
        from msgspec.structs import replace

        before = inspection_of(replace(image, layers=image.layers[:-1]), now.records[:-1])
        return drift_of(self.folders[:-1], self.folders[-1], before, now)


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


def whiteout(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(path, 0o600 | 0o020000, 0)


def test_a_container_that_changed_nothing_says_so(layers: Layers) -> None:
    layers.add(**{"bin/sh": ELF})
    layers.add()
    assert layers.drift() == Drift((), (), (), 0)


def test_a_new_program_is_told(layers: Layers) -> None:
    layers.add(**{"bin/sh": ELF})
    layers.add(**{"bin/new": ELF, "tmp/hidden": ELF, "tmp/script": "#!/bin/sh", "tmp/text": "text"})
    found = layers.drift()
    assert [each.path for each in found.programs] == ["bin/new", "tmp/hidden", "tmp/script"]
    assert (found.files, {each.how for each in found.programs}) == (4, {"added"})


def test_a_program_that_was_only_touched_is_not_told(layers: Layers) -> None:
    layers.add(**{"bin/sh": ELF})
    layers.add(**{"bin/sh": ELF})
    assert not layers.drift().programs


@pytest.mark.parametrize("content", ["\x7fELF PROGRAM", "\x7fELF", "#!/bin/false"])
def test_a_program_with_another_content_is_told(layers: Layers, content: str) -> None:
    layers.add(**{"bin/sh": ELF})
    layers.add(**{"bin/sh": content})
    assert layers.drift().programs == (Change("bin/sh", "changed"),)


def test_a_program_that_gained_rights_is_told(layers: Layers) -> None:
    layers.add(**{"bin/sh": ELF})
    (layers.add(**{"bin/sh": ELF}) / "bin/sh").chmod(0o4755)
    assert layers.drift().programs == (Change("bin/sh", "changed", rights=True),)


def test_what_starts_by_itself_is_told(layers: Layers) -> None:
    layers.add(**{"etc/passwd": "root:x:0:0::/:/bin/sh\n", "etc/group": "root:x:0:\n"})
    layers.add(
        **{"etc/passwd": "root:x:0:0::/:/bin/sh\nx::0:0::/:/bin/sh\n", "etc/group": "root:x:0:\n", "etc/cron.d/a": "x"}
    )
    assert layers.drift().starts == (Change("etc/cron.d/a", "added"), Change("etc/passwd", "changed"))


def test_packages_that_were_installed_upgraded_and_removed_are_told(layers: Layers) -> None:
    database = "var/lib/dpkg/status"
    layers.add(**{database: STATUS.format("a", "1") + STATUS.format("b", "1") + STATUS.format("c", "1")})
    layers.add(**{database: STATUS.format("a", "2") + STATUS.format("c", "1") + STATUS.format("d", "4")})
    assert layers.drift().packages == (
        PackageChange("deb", "a", "1", "2"),
        PackageChange("deb", "b", "1", ""),
        PackageChange("deb", "d", "", "4"),
    )


@ROOT
def test_a_file_that_was_removed_is_told(layers: Layers) -> None:
    layers.add(**{"etc/passwd": "x", "bin/sh": ELF})
    upper = layers.add()
    whiteout(upper / "etc/passwd")
    whiteout(upper / "etc/shadow")
    assert layers.drift().starts == (Change("etc/passwd", "removed"),)


@ROOT
def test_what_a_layer_of_the_image_removed_is_new_when_it_comes_again(layers: Layers) -> None:
    layers.add(**{"bin/sh": ELF, "opt/bin/tool": ELF})
    middle = layers.add(**{"opt/keep": "x"})
    whiteout(middle / "bin/sh")
    os.setxattr(middle / "opt", "trusted.overlay.opaque", b"y")
    layers.add(**{"bin/sh": ELF, "opt/bin/tool": ELF})
    assert {each.how for each in layers.drift().programs} == {"added"}


def test_a_link_below_leads_nowhere(layers: Layers, tmp_path: Path) -> None:
    Layers.write(tmp_path / "outside", "secret", "x")
    lower = layers.add()
    (lower / "a").symlink_to(tmp_path / "outside")
    assert find_below([str(lower)], "a/secret") is None
    found = find_below([str(lower)], "a")
    assert found is not None


def test_a_link_that_leads_where_it_did_is_no_change(layers: Layers) -> None:
    for _ in range(2):
        (layers.add(**{"etc/pam.d/x": "x"}) / "etc/profile").symlink_to("nowhere")
    assert not layers.drift().starts


def test_more_than_may_be_compared_is_told(layers: Layers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift, "MAX_COMPARED_BYTES", 5)
    layers.add(**{"bin/sh": ELF})
    layers.add(**{"bin/sh": ELF})
    (unread,) = layers.drift().unread
    assert "cannot be compared" in unread.reason


@ROOT
@pytest.mark.parametrize(("attribute", "reason"), [("redirect", "was moved"), ("metacopy", "content lies below")])
def test_what_is_not_where_it_seems_is_told(layers: Layers, attribute: str, reason: str) -> None:
    layers.add()
    path = layers.add(**{"etc/a": "x"}) / ("etc" if attribute == "redirect" else "etc/a")
    os.setxattr(path, f"trusted.overlay.{attribute}", b"/b")
    assert reason in layers.drift().unread[0].reason


def test_names_that_look_like_marks_of_tars_hide_nothing(layers: Layers) -> None:
    layers.add(**{"var/lib/dpkg/status": STATUS.format("a", "1")})
    layers.add(**{"var/lib/dpkg/.wh.status": "", "var/lib/dpkg/.wh..wh..opq": ""})
    assert not layers.drift().packages


def test_no_blob_is_there() -> None:
    with pytest.raises(TransomError):
        NoBlobs().open(Descriptor("sha256:a"))
