"""transom layers from the command line."""

from __future__ import annotations

import json

import pytest

from tests.registry.conftest import Layout, layout  # noqa: F401 - fixtures
from transom.cli import main
from transom.cli.terminal import size
from transom.images.layers.record import LARGE_BYTES

BIG = b"x" * LARGE_BYTES


@pytest.fixture(autouse=True)
def _language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def test_layers_tell_their_steps_sizes_and_what_nobody_sees(
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    layout.image(
        {"a": BIG, "b": b"1"}, {".wh.a": b""}, history=["COPY a b / # buildkit", "RUN /bin/sh -c rm /a # buildkit"]
    )
    assert main(["layers", f"image:{layout.folder}", "--no-cache"]) == 0
    out = capsys.readouterr().out
    assert "COPY a b /" in out
    assert "65.5 kB in all, of which 65.5 kB are removed" in out
    assert "65.5 kB  a  COPY a b / > RUN rm" in out
    assert main(["layers", f"image:{layout.folder}", "--no-cache", "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["layer"], each["size"], each["unseen"]) for each in told["layers"]] == [
        (1, LARGE_BYTES + 1, LARGE_BYTES),
        (2, 0, 0),
    ]


def test_a_step_of_no_dockerfile_is_told_as_it_stands(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    layout.image({"a": b"1"}, history=["umoci insert"])
    assert main(["layers", f"image:{layout.folder}", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["step"] == "umoci insert"


def test_no_value_of_a_step_is_told(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    layout.image({"a": b"1"}, history=["RUN |1 TOKEN=s3cr3t /bin/sh -c login s3cr3t # buildkit"])
    assert main(["layers", f"image:{layout.folder}", "-o", "json"]) == 0
    assert "s3cr3t" not in capsys.readouterr().out


def test_nothing_named_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["layers"]) == 2
    assert "name an image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (999_600, "1 MB"), (123_456_789, "123 MB")]
)
def test_sizes_have_three_figures(count: int, text: str) -> None:
    assert size(count) == text
