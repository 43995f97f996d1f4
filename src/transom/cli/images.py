"""Arguments about images, the same for every command that reads them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from transom.cli.indexes import jar_index

if TYPE_CHECKING:
    from transom.images.opening import ImageOptions


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how images are fetched."""
    group = parser.add_argument_group("images")
    group.add_argument(
        "--platform", metavar="OS/ARCH", default="", help="of an image for several (default: this machine's)"
    )
    group.add_argument(
        "--mirror", metavar="HOST", action="append", default=[], help="ask this registry first (repeatable)"
    )
    group.add_argument("--insecure-registry", action="store_true", help="speak plain HTTP with registries (unsafe)")
    group.add_argument(
        "--containerd-root", metavar="DIR", default="", help="what containerd keeps (default: /var/lib/containerd)"
    )
    group.add_argument(
        "--containerd-state", metavar="DIR", default="", help="what it knows of running ones (default: /run/containerd)"
    )
    group.add_argument(
        "--jars", metavar="FILE", default="", help="what knows jars by SHA-1 (default: $TRANSOM_JARS, else your own)"
    )
    group.add_argument("--no-cache", action="store_true", help="read every layer anew, and keep nothing of it")


def image_options(arguments: argparse.Namespace) -> ImageOptions:
    """Return how images are fetched."""
    from pathlib import Path

    from transom.images.opening import ImageOptions
    from transom.kube.files import is_dockerfile

    beside = getattr(arguments, "targets", ())
    return ImageOptions(
        platform=arguments.platform,
        mirrors=tuple(arguments.mirror),
        insecure=arguments.insecure_registry,
        cached=not arguments.no_cache,
        running=getattr(arguments, "images", False),
        pull_secrets=getattr(arguments, "pull_secrets", False),
        containerd=arguments.containerd_root,
        containerd_state=arguments.containerd_state,
        jars=arguments.jars or _own_jars(),
        attached_vex="oci" in getattr(arguments, "vex", ()),
        dockerfiles=(
            *getattr(arguments, "dockerfile", ()),
            *(each for each in beside if is_dockerfile(Path(each).name)),
        ),
    )


def _own_jars() -> str:
    """Return the user's index of jars, "" where there is none."""
    from pathlib import Path

    own = jar_index()
    return own if Path(own).is_file() else ""
