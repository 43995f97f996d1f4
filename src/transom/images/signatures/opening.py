"""Where an image and its signatures are: a registry, or an OCI layout (a folder or a tar) that both were copied to."""

from __future__ import annotations

import os

from transom.images.signatures.verifying import Subject
from transom.images.source import IMAGE, ImageOptions
from transom.model.errors import TransomError
from transom.model.images import ImageError, parse_image
from transom.registry.blobs import INDEXES, Descriptor, Platform, Repository, manifest_of, parse_platform
from transom.registry.layouts import is_layout, open_repository


def open_subject(target: str, options: ImageOptions, name: str = "") -> Subject:
    """Resolve a target's name once, and return what is to be verified; raises TransomError.

    name: what policies call it, where that differs from the target: an image in a folder has no name of a registry.
    """
    text = target.removeprefix(IMAGE)
    platform = parse_platform(options.platform) if options.platform else None
    path, _, wanted = text.partition("#")
    if os.path.exists(path):  # noqa: PTH110 - the name is text everywhere else
        return _of_layout(path, wanted, platform, name)
    try:
        reference = parse_image(text)
    except ImageError as error:
        raise TransomError(f"cannot read the image {text}", str(error), "check its name") from error
    from transom.registry.client import RegistryClient

    client = RegistryClient(reference, mirrors=options.mirrors, insecure=options.insecure)
    return Subject(name or str(reference), _digests(text, client.manifest(), client, platform), client)


def _of_layout(path: str, wanted: str, platform: Platform | None, name: str) -> Subject:
    if not is_layout(path):
        raise TransomError(f"cannot read {path}", "it is no OCI layout", "name an OCI layout, or a tar of one")
    layout = open_repository(path)
    top = layout.manifest(wanted)
    return Subject(name or wanted or path, _digests(path, top, layout, platform), layout)


def _digests(name: str, top: Descriptor, repository: Repository, platform: Platform | None) -> list[Descriptor]:
    """Return the descriptor that a name leads to, and that of one platform's manifest where it is an index.

    An index without an image for this machine is verified as it is.
    """
    if top.media_type not in INDEXES:
        return [top]
    try:
        return [top, manifest_of(name, top, repository, platform)]
    except TransomError:
        if platform is not None:
            raise
        return [top]
