"""What runs: the packages, files and settings of images, whoever built them; and how Dockerfiles build them."""

from __future__ import annotations

from transom.rules.window import window

CHECKS: dict[str, str] = {
    "dockerfile-known-credential": "transom.images.dockerfiles:credential",
}
"""The checks of this window: rule id, and `module:function`."""

assess = window("images", CHECKS)
