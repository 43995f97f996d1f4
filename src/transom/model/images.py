"""Image references, read as Docker and containerd read them: `nginx` is `docker.io/library/nginx:latest`."""

from __future__ import annotations

import re

from msgspec import Struct

DEFAULT_REGISTRY = "docker.io"
OFFICIAL = "library/"  # where Docker keeps images named by one word
MAX_NAME_CHARS = 255  # of registry and repository together, as the distribution specification has it

OF_IMAGES = (
    "image:",
    "dir:",
    "container:",
    "containerd:",
    "containers-storage:",
    "docker://",
    "docker-archive:",
    "docker-daemon:",
    "oci:",
    "oci-archive:",
    "podman:",
)
"""How targets begin whose object is of kind Image."""

_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\Z"
)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*\Z")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}\Z")


class ImageError(ValueError):
    """A text that is no image reference; the message says why."""


class ImageRef(Struct, frozen=True):
    """An image reference in its parts; tag and digest are "" where they are not written."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository: what stays the same over all builds."""
        return f"{self.registry}/{self.repository}"

    @property
    def is_pinned(self) -> bool:
        """Whether it names one build for ever: a digest decides, whatever tag stands before it."""
        return bool(self.digest)

    @property
    def is_latest(self) -> bool:
        """Whether it means whatever is newest: no digest, and no tag but `latest`."""
        return not self.digest and self.tag in ("", "latest")

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}{f'@{self.digest}' if self.digest else ''}"


def parse_image(text: str) -> ImageRef:
    """Return the parts of an image reference; raises ImageError."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.match(digest):
        raise ImageError(f"{digest[:80]!r} is no digest")
    name, tag = _without_tag(rest)
    if tag and not _TAG.match(tag):
        raise ImageError(f"{tag[:80]!r} is no tag")
    registry, repository = _split_registry(name)
    if not repository or not all(_COMPONENT.match(part) for part in repository.split("/")):
        raise ImageError(
            f"{text[:80]!r} is no image reference: a name has lower-case letters, digits and single separators"
        )
    if len(registry) + 1 + len(repository) > MAX_NAME_CHARS:
        raise ImageError("the name of the image is too long")
    return ImageRef(registry, repository, tag, digest)


def _without_tag(text: str) -> tuple[str, str]:
    """Split a tag off: what stands behind the last colon, unless that is a registry's port."""
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, ""
    if not tag:
        raise ImageError(f"{text[:80]!r} ends in a colon")
    return name, tag


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost" or first != first.lower())
    if not is_host:
        return DEFAULT_REGISTRY, name if slash else OFFICIAL + name
    if not _HOST.match(first):
        raise ImageError(f"{first[:80]!r} is no registry")
    registry = DEFAULT_REGISTRY if first == "index.docker.io" else first
    if registry == DEFAULT_REGISTRY and "/" not in rest:
        rest = OFFICIAL + rest
    return registry, rest
