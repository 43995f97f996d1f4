"""Which policies speak of an image: patterns of names as sigstore's policy controller reads them.

`*` stands for anything within a step of the path, `**` for anything; a pattern must fit the whole name, tag or digest included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from transom.images.signatures.identities import pattern_of
from transom.model.errors import TransomError, UsageError
from transom.model.images import ImageError, parse_image
from transom.model.signatures import ImagePolicy

PATTERNS_KEPT = 4_000
HUB = "index.docker.io/"  # what the registry of docker.io is called in patterns of the policy controller
_VALID = re.compile(r"[a-zA-Z0-9_:/*.@-]+\Z")
_WHOLE = {"*": f"{HUB}library/*", "*/*": f"{HUB}*/*"}


def policies_for(name: str, policies: Sequence[ImagePolicy]) -> list[ImagePolicy]:
    """Return the policies that name an image; those for everything else of a file only where none of that file does."""
    named = [each for each in policies if not each.otherwise and is_named(name, each)]
    files = {each.file for each in named}
    return named + [each for each in policies if each.otherwise and each.file not in files and is_named(name, each)]


def is_named(name: str, policy: ImagePolicy) -> bool:
    """Tell whether one of a policy's patterns fits a name, and none of what it does not speak of."""
    written = list(_written(name))
    return _fits(policy.images, written) and not _fits(policy.without, written)


def _fits(patterns: Sequence[str], written: Sequence[str]) -> bool:
    return any(glob(pattern).fullmatch(each) is not None for pattern in patterns for each in written)


def _written(name: str) -> Iterator[str]:
    """Yield the ways to write a name: as it is, in full, and as the policy controller has Docker's own registry."""
    yield name
    try:
        reference = parse_image(name)
    except ImageError:
        return
    ending = f"@{reference.digest}" if reference.digest else f":{reference.tag or 'latest'}"
    for full in {reference.name, reference.name.replace("docker.io/", HUB, 1)}:
        yield full + ending


def repository_named(text: str) -> str:
    """Return the name of a repository that keeps signatures, once it is known to be one; raises UsageError."""
    try:
        parse_image(text)
    except ImageError as error:
        raise UsageError(
            f"{text[:80]!r} is no repository", str(error), "name it like ghcr.io/acme/signatures"
        ) from error
    return text


@lru_cache(PATTERNS_KEPT)
def glob(pattern: str) -> Any:
    """Return a pattern of names, compiled once; raises TransomError."""
    if not _VALID.match(pattern):
        raise TransomError(f"{pattern[:80]!r} is no pattern of image names", "", "use letters, digits, * and **")
    whole = _WHOLE.get(pattern, pattern)
    parts = (
        ".*" if each == "**" else "[^/]*" if each == "*" else re.escape(each) for each in re.split(r"(\*\*|\*)", whole)
    )
    return pattern_of("".join(parts))
