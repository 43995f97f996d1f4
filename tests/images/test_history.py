"""The history of an image is read as the Dockerfile that it came from, whoever built it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.images.history import places_in, rebuilt, steps
from transom.lang.dockerfile import parse, shape
from transom.registry.blobs import History


def instructions(*made_by: str) -> list[tuple[str, str]]:
    return [
        (each.instruction.name, each.instruction.arguments)
        for each in steps([History(created_by=one) for one in made_by])
    ]


@pytest.mark.parametrize(
    ("made_by", "wanted"),
    [
        ("RUN /bin/sh -c apt-get update # buildkit", [("RUN", "apt-get update")]),
        ("RUN |2 A=1 B=x y /bin/sh -c make c=d # buildkit", [("ARG", "A=1"), ("ARG", "B=x y"), ("RUN", "make c=d")]),
        ("RUN /bin/bash -o pipefail -c a | b # buildkit", [("SHELL", "/bin/bash -o pipefail"), ("RUN", "a | b")]),
        ("|1 TOKEN=x /bin/sh -c make", [("ARG", "TOKEN=x"), ("RUN", "make")]),
        ("/bin/sh -c #(nop) ADD file:abc in / ", [("ADD", "file:abc in /")]),
        ('/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "x"]', [("CMD", '["/bin/sh","-c","x"]')]),
        ("EXPOSE map[80/tcp:{} 443/tcp:{}]", [("EXPOSE", "80/tcp 443/tcp")]),
        ("RUN apk add curl", [("RUN", "apk add curl")]),
        ("/bin/sh -c #(nop)  NOTHING of ours", []),
        ("# debian.sh --arch 'amd64' out/ 'bookworm'", []),
        ("bazel build //image", []),
        ("", []),
    ],
)
def test_each_builders_words_are_read(made_by: str, wanted: list[tuple[str, str]]) -> None:
    assert instructions(made_by) == wanted


def test_steps_know_the_layers_that_they_made() -> None:
    history = [
        History(created_by="COPY a /a"),
        History(created_by="ENV A=1", empty_layer=True),
        History(created_by="RUN b"),
    ]
    assert [each.layer for each in steps(history)] == [0, -1, 1]


def test_steps_are_found_in_the_dockerfile_that_they_came_from() -> None:
    text = b"FROM base\nWORKDIR /app\nCOPY --chown=1 . .\nRUN apk add curl \\\n  && make\nUSER 1\n"
    made = [
        "ENV PATH=/bin",
        "WORKDIR /app",
        "COPY . . # buildkit",
        "RUN /bin/sh -c apk add curl   && make # buildkit",
        "USER 1",
    ]
    whole = rebuilt(steps([History(created_by=each) for each in made]), "a")
    there = places_in(whole, shape(parse(text), "Dockerfile"))
    assert {number: path[-1] for number, path in there.items()} == {1: 1, 2: 2, 3: 3, 4: 4}


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_history_is_read(made_by: list[str]) -> None:
    found = steps([History(created_by=each) for each in made_by])
    assert rebuilt(found, "a")["rebuilt"] is True
