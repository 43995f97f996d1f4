"""Kubernetes' semantic versions as CEL values."""

from __future__ import annotations

from typing import Any

from transom.lang.cel.errors import EvaluationError
from transom.lang.cel.library.standard import refuse
from transom.lang.versions.semver import SemanticVersion, VersionError, parse_semver


class Semver:
    """A semantic version."""

    __slots__ = ("version",)
    cel_type = "kubernetes.Semver"

    def __init__(self, version: SemanticVersion) -> None:
        self.version = version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Semver) and self.order_key() == other.order_key()

    def __hash__(self) -> int:
        return hash(self.order_key())

    def order_key(self) -> Any:
        """What isLessThan, isGreaterThan and compareTo compare."""
        return self.version.order_key()


def semver_(text: Any, normalise: Any = False) -> Semver:
    """Read a version, loosely where normalise is true."""
    if not isinstance(text, str) or normalise.__class__ is not bool:
        raise refuse("semver", text, normalise)
    try:
        return Semver(parse_semver(text, normalise))
    except VersionError as error:
        raise EvaluationError(str(error)) from None


def isSemver_(text: Any, normalise: Any = False) -> bool:  # noqa: N802 - CEL's own name
    """Tell whether a text is a version."""
    if not isinstance(text, str) or normalise.__class__ is not bool:
        raise refuse("isSemver", text, normalise)
    try:
        parse_semver(text, normalise)
    except VersionError:
        return False
    return True


def _version(name: str, value: Any) -> SemanticVersion:
    if isinstance(value, Semver):
        return value.version
    raise refuse(name, value)


def _int(number: int) -> int:
    """The API server reads the bits of an unsigned number as a signed one."""
    return number - 2**64 if number >= 2**63 else number


def major_(value: Any) -> int:
    """Return the first number."""
    return _int(_version("major", value).major)


def minor_(value: Any) -> int:
    """Return the second number."""
    return _int(_version("minor", value).minor)


def patch_(value: Any) -> int:
    """Return the third number."""
    return _int(_version("patch", value).patch)
