"""Package URLs, as far as feeds use them: whose package, its name, its version, its qualifiers (purl specification)."""

from __future__ import annotations

from urllib.parse import unquote

from msgspec import Struct

MAX_PURL_CHARS = 2_000  # honest ones have below 300


class Purl(Struct, frozen=True):
    """One package URL, decoded."""

    kind: str
    namespace: str
    name: str
    version: str
    qualifiers: dict[str, str]

    @property
    def whole_name(self) -> str:
        """The name with its namespace, as advisories about languages have it."""
        joint = ":" if self.kind == "maven" else "/"
        return f"{self.namespace}{joint}{self.name}" if self.namespace else self.name


def covers(text: str, other: str) -> bool:
    """Tell whether one package URL names what another does: what it leaves out it leaves open."""
    wanted, found = read_purl(text), read_purl(other)
    if wanted is None or found is None:
        return False
    same = (wanted.kind, wanted.namespace.lower(), wanted.name.lower()) == (
        found.kind,
        found.namespace.lower(),
        found.name.lower(),
    )
    told = wanted.qualifiers.items() <= found.qualifiers.items()
    return same and told and wanted.version in ("", found.version)


def read_purl(text: str) -> Purl | None:
    """Return the parts of a package URL, None for what is none."""
    if not text.startswith("pkg:") or len(text) > MAX_PURL_CHARS:
        return None
    path, _, asked = text[4:].partition("#")[0].partition("?")
    path, _, version = path.partition("@") if not path.rpartition("/")[2].startswith("@") else (path, "", "")
    kind, *parts = path.strip("/").split("/")
    if not parts:
        return None
    pairs = (each.partition("=") for each in asked.split("&") if each)
    return Purl(
        kind.lower(),
        unquote("/".join(parts[:-1])),
        unquote(parts[-1]),
        unquote(version),
        {key: unquote(value) for key, _, value in pairs},
    )
