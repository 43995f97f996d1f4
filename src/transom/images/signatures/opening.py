"""Where an image and its signatures are: a registry, or an OCI layout (a folder or a tar) that both were copied to."""

from __future__ import annotations

import os
from contextlib import suppress

from transom.images.opening import ImageOptions, has_transport
from transom.images.signatures.verifying import Subject
from transom.model.errors import TransomError
from transom.model.images import ImageError, ImageRef, parse_image
from transom.registry.blobs import INDEXES, Descriptor, Platform, Repository, manifest_of, parse_platform
from transom.registry.credentials import Login
from transom.registry.layouts import is_layout, open_repository

IMAGE, REGISTRY = "image:", "docker://"
LAYOUTS = ("oci:", "oci-archive:")


def open_subject(target: str, options: ImageOptions, name: str = "") -> Subject:
    """Resolve a target's name once, and return what is to be verified; raises TransomError.

    name: what policies call it, where that differs from the target: an image in a folder has no name of a registry.
    """
    text = target.removeprefix(IMAGE)
    platform = parse_platform(options.platform) if options.platform else None
    for word in LAYOUTS:
        if text.startswith(word):
            rest = text.removeprefix(word)
            path, _, wanted = (rest, "", "") if os.path.exists(rest) else rest.partition(":")  # noqa: PTH110
            return _of_layout(path, wanted, platform, name)
    if has_transport(text) and not text.startswith(REGISTRY):
        raise TransomError(f"cannot verify {text}", "no signatures are kept there", "name the image in its registry")
    path, _, wanted = text.partition("#")
    if os.path.exists(path):  # noqa: PTH110 - the name is text everywhere else
        return _of_layout(path, wanted, platform, name)
    return _of_registry(text.removeprefix(REGISTRY), options, platform, name)


def _of_registry(text: str, options: ImageOptions, platform: Platform | None, name: str) -> Subject:
    """Resolve a name in its registry, as the first of several logins that may."""
    from transom.registry.client import DeniedError, RegistryClient

    try:
        reference = parse_image(text)
    except ImageError as error:
        raise TransomError(f"cannot read the image {text}", str(error), "check its name") from error

    def opened(image: ImageRef, login: Login | None = None) -> RegistryClient:
        return RegistryClient(image, login, options.mirrors, options.insecure)

    def subject(client: RegistryClient) -> Subject:
        digests = _digests(text, client.manifest(), client, platform)
        return Subject(name or text, digests, client, lambda place: opened(parse_image(place)))

    *others, last = options.logins or (None,)
    for login in others:
        with suppress(DeniedError):
            return subject(opened(reference, login))
    return subject(opened(reference, last))


def _of_layout(path: str, wanted: str, platform: Platform | None, name: str) -> Subject:
    if not os.path.exists(path) or not is_layout(path):  # noqa: PTH110
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
