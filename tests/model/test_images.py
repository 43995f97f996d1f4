"""Image references are read as container runtimes read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.model.images import ImageError, ImageRef, parse_image

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nginx", ImageRef("docker.io", "library/nginx")),
        ("nginx:1.27", ImageRef("docker.io", "library/nginx", "1.27")),
        ("acme/app", ImageRef("docker.io", "acme/app")),
        ("docker.io/nginx", ImageRef("docker.io", "library/nginx")),
        ("index.docker.io/acme/app", ImageRef("docker.io", "acme/app")),
        ("registry.example:5000/app", ImageRef("registry.example:5000", "app")),
        ("registry.example:5000/team/app:v2", ImageRef("registry.example:5000", "team/app", "v2")),
        ("localhost/app", ImageRef("localhost", "app")),
        (f"app:1@{DIGEST}", ImageRef("docker.io", "library/app", "1", DIGEST)),
        ("[2001:db8::1]:5000/app:1", ImageRef("[2001:db8::1]:5000", "app", "1")),
    ],
)
def test_references_in_their_parts(text: str, parts: ImageRef) -> None:
    assert parse_image(text) == parts


@pytest.mark.parametrize(
    "text", ["", "Nginx", "app:", "app@sha256:short", "a//b", "a/-b", "app:tag with space", "a" * 300]
)
def test_what_is_no_reference_says_why(text: str) -> None:
    with pytest.raises(ImageError):
        parse_image(text)


@pytest.mark.parametrize(
    ("text", "latest"), [("a", True), ("a:latest", True), ("a:1", False), (f"a:latest@{DIGEST}", False)]
)
def test_a_digest_outranks_a_tag(text: str, latest: bool) -> None:
    assert parse_image(text).is_latest is latest


@given(st.text(max_size=80))
def test_no_text_does_more_than_raise_image_error(text: str) -> None:
    try:
        found = parse_image(text)
    except ImageError:
        return
    assert parse_image(str(found)) == found
