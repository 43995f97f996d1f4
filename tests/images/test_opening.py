"""An image is opened where its name says it is."""

from __future__ import annotations

import pytest

from tests.images.test_source import SYSTEM, rules, skipped
from tests.registry.conftest import Layout, layout, pushed, registry  # noqa: F401 - fixtures
from transom.images.opening import TRANSPORTS, ImageOptions, open_image
from transom.images.targets import name_of
from transom.model.errors import TransomError
from transom.registry.client import HOSTS
from transom.scan import OF_IMAGES


def test_every_word_for_where_an_image_is_makes_a_target() -> None:
    assert set(TRANSPORTS) < set(OF_IMAGES)


@pytest.mark.parametrize("form", ["oci:{}:latest", "oci:{}", "image:oci:{}:latest", "image:{}#latest"])
def test_a_layout_is_opened_by_each_of_its_names(layout: Layout, form: str) -> None:  # noqa: F811
    layout.image(SYSTEM)
    assert "image-root-user" in rules(form.format(layout.folder))


def test_a_path_with_a_colon_is_taken_whole(layout: Layout) -> None:  # noqa: F811
    layout.image(SYSTEM)
    folder = layout.folder.rename(f"{layout.folder}:1")
    assert "image-root-user" in rules(f"oci:{folder}")


@pytest.mark.parametrize("name", ["oci:/nowhere", "docker-archive:", "docker://", "docker://A/B", "containerd:"])
def test_a_name_that_leads_nowhere_is_told(name: str) -> None:
    assert len(skipped(name)) == 1


def test_images_that_are_called_like_a_word_are_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.registry.client.PAUSES_S", ())
    monkeypatch.setitem(HOSTS, "docker.io", "127.0.0.1:1")
    for name in ("docker:24", "registry:2"):
        with pytest.raises(TransomError, match="cannot reach"):
            open_image(name, ImageOptions())
        assert name_of(f"image:{name}") == name


def test_an_image_of_a_registry_may_be_called_as_skopeo_does(pushed: object, layout: Layout) -> None:  # noqa: F811
    assert callable(pushed)
    layout.image(SYSTEM)
    assert "image-root-user" in rules(f"docker://{pushed('shop/words:1')}")
