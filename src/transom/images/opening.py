"""Where an image is, as people write it: `TRANSPORT:REST` in the words of skopeo, a path, or a name of a registry."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.model.errors import TransomError
from transom.model.images import ImageError, ImageRef, parse_image
from transom.registry.blobs import Image, Platform, parse_platform, resolve
from transom.registry.credentials import Login
from transom.registry.layouts import is_layout, read_layout
from transom.rules.folder import cache_folder

if TYPE_CHECKING:
    from transom.images.signatures.scanning import SignatureOptions
    from transom.lang.leaks.stream import Searcher


class ImageOptions(Struct, frozen=True):
    """How images are fetched. platform: `linux/arm64`, "" for this machine's; mirrors: hosts that are asked first.

    insecure: whether plain HTTP is taken; cached: whether records of layers are kept and used; running:
    whether those that run in a cluster are inspected with it; pull_secrets: whether they are fetched with the pull secrets
    of their pods; logins: who may ask for the image, the likeliest first, before whom Docker's config tells; containerd,
    containerd_state: its folders, "" for where they usually are; index: of vulnerabilities, which knows how long systems are
    kept, "" for none; dockerfiles: among which is the one that an image was built from; searcher: what looks for
    credentials in every file, None for nobody; exceptions: whether remarks in files make such none; jars: the index of
    jars, "" for none; signatures: who must have signed them, None where nobody asks; attached_vex: whether VEX that lies beside
    an image is read.
    """

    platform: str = ""
    mirrors: tuple[str, ...] = ()
    insecure: bool = False
    cached: bool = True
    running: bool = False
    pull_secrets: bool = False
    logins: tuple[Login, ...] = ()
    containerd: str = ""
    containerd_state: str = ""
    index: str = ""
    dockerfiles: tuple[str, ...] = ()
    searcher: Searcher | None = None
    exceptions: bool = True
    jars: str = ""
    signatures: SignatureOptions | None = None
    attached_vex: bool = False


Opener = Callable[[str, ImageOptions, Platform | None], Image]


def open_image(name: str, options: ImageOptions) -> Image:
    """Return the image that a name leads to; raises TransomError."""
    platform = parse_platform(options.platform) if options.platform else None
    for word, opener in TRANSPORTS.items():
        if name.startswith(word):
            rest = name.removeprefix(word)
            if not rest.strip("/"):
                raise TransomError(f"cannot read {name}", "it names no image", f"write {word}IMAGE")
            return opener(rest, options, platform)
    path, _, wanted = name.partition("#")
    if os.path.exists(path):  # noqa: PTH110 - the name is text everywhere else
        return _of_path(path, wanted, platform)
    return _of_registry(name, options, platform)


def has_transport(name: str) -> bool:
    """Tell whether a name begins with a word that says where the image is."""
    return name.startswith(tuple(TRANSPORTS))


def _of_path(path: str, wanted: str, platform: Platform | None) -> Image:
    if not is_layout(path):
        next_step = "name an OCI layout, what docker save wrote, or dir:PATH for a root file system"
        raise TransomError(f"cannot read {path}", "it is neither an OCI layout nor a saved image", next_step)
    return read_layout(path, wanted, platform, _spool())


def _of_file(rest: str, _: ImageOptions, platform: Platform | None) -> Image:
    """Open `PATH[:NAME]`; a path that is there is taken whole, whatever colons it has."""
    if os.path.exists(rest):  # noqa: PTH110
        return _of_path(rest, "", platform)
    path, _colon, wanted = rest.partition(":")
    if not os.path.exists(path):  # noqa: PTH110
        raise TransomError(f"there is no {path}", "", "check the path")
    return _of_path(path, wanted, platform)


def _of_registry(rest: str, options: ImageOptions, platform: Platform | None) -> Image:
    try:
        reference = parse_image(rest)
    except ImageError as error:
        raise TransomError(f"cannot read the image {rest}", str(error), "check its name") from error
    return _fetched(reference, options, platform)


def _fetched(reference: ImageRef, options: ImageOptions, platform: Platform | None) -> Image:
    """Fetch an image as the first of several logins that may."""
    from transom.registry.client import DeniedError, RegistryClient

    refused: DeniedError | None = None
    for login in (*options.logins, None):
        client = RegistryClient(reference, login, options.mirrors, options.insecure)
        try:
            return resolve(str(reference), client.manifest(), client, platform)
        except DeniedError as error:
            client.close()
            refused = error
    assert refused is not None
    raise refused


def _of_containerd(rest: str, options: ImageOptions, platform: Platform | None) -> Image:
    from transom.registry.containerd import read_containerd, root_of

    wanted, _, namespace = rest.removeprefix("//").partition("#")
    namespace = namespace or os.environ.get("CONTAINERD_NAMESPACE", "")
    return read_containerd(wanted, root_of(options.containerd), namespace, platform)


def _of_storage(rest: str, _: ImageOptions, platform: Platform | None) -> Image:
    from transom.registry.storage import parse_place, read_storage

    root, name = parse_place(rest, os.path.expanduser("~"))  # noqa: PTH111
    return read_storage(name, root, platform)


def _of_docker(rest: str, _: ImageOptions, platform: Platform | None) -> Image:
    from transom.registry.daemon import DOCKER, read_daemon

    return read_daemon(DOCKER, rest, platform, _spool())


def _of_podman(rest: str, _: ImageOptions, platform: Platform | None) -> Image:
    from transom.registry.daemon import PODMAN, read_daemon

    return read_daemon(PODMAN, rest, platform, _spool())


def _spool() -> str | None:
    """Return where a large file may lie for a while: the cache folder, since /tmp may be memory."""
    folder = cache_folder()
    with suppress(OSError):
        if folder:
            os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
            return str(folder)
    return None


TRANSPORTS: dict[str, Opener] = {
    "docker://": _of_registry,  # without the slashes it would be an image called docker, of which there is one
    "oci:": _of_file,
    "oci-archive:": _of_file,
    "docker-archive:": _of_file,
    "docker-daemon:": _of_docker,
    "podman:": _of_podman,
    "containerd:": _of_containerd,
    "containers-storage:": _of_storage,
}
"""What opens an image, by the word before it: those of skopeo, and those that trivy and syft add."""
