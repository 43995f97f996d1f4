"""Package URLs (purl specification 1.0): one text that names a package wherever it came from."""

from __future__ import annotations

from urllib.parse import quote, unquote

from transom.model.packages import Package

MAX_PURL_CHARS = 4096
LOWER_NAMES = frozenset(
    ("alpm", "apk", "bitbucket", "bitnami", "composer", "deb", "github", "golang", "hex", "npm", "opam", "pub", "pypi")
)
LOWER_NAMESPACES = LOWER_NAMES | {"rpm", "qpkg"}
SYSTEM = frozenset(("alpm", "apk", "deb", "rpm"))
_SAFE = ":~"  # beside letters, digits and .-_, which are never encoded


def purl(package: Package) -> str:
    """Return the package URL of a package, in its canonical form."""
    namespace, name = canonical(package.kind, package.namespace, package.name)
    version, qualifiers = package.version, {}
    epoch, colon, rest = package.version.partition(":")
    if package.kind == "rpm" and colon and epoch.isdecimal():
        qualifiers["epoch"], version = epoch, rest
    if package.arch and package.kind in SYSTEM:
        qualifiers["arch"] = package.arch
    if package.distro and package.kind in SYSTEM:
        qualifiers["distro"] = package.distro
    where = "".join(f"/{_quoted(part)}" for part in namespace.split("/") if part)
    told = "&".join(f"{key}={_quoted(value)}" for key, value in sorted(qualifiers.items()))
    at = f"@{_quoted(version)}" if version else ""
    return f"pkg:{package.kind}{where}/{_quoted(name)}{at}{'?' if told else ''}{told}"


def parse_purl(text: str) -> Package:
    """Return the package that a package URL names; raises ValueError."""
    if not text.startswith("pkg:") or len(text) > MAX_PURL_CHARS:
        raise ValueError(f"{text[:80]!r} is no package URL")
    rest, _, told = text[4:].partition("#")[0].partition("?")
    qualifiers = {key.lower(): unquote(value) for key, _, value in (each.partition("=") for each in told.split("&"))}
    path, at, version = rest.strip("/").rpartition("@")
    if not at or "/" in version:
        path, version = rest.strip("/"), ""
    kind, *namespace, name = ("", *path.split("/")) if "/" not in path else path.split("/")
    if not kind or not name:
        raise ValueError(f"{text[:80]!r} names no package")
    kind, version = kind.lower(), unquote(version)
    if kind == "rpm" and qualifiers.get("epoch"):
        version = f"{qualifiers['epoch']}:{version}"
    where, name = canonical(kind, "/".join(unquote(part) for part in namespace if part), unquote(name))
    distro = qualifiers.get("distro", "")
    return Package(kind, name, version, where, qualifiers.get("arch", ""), distro=distro)


def canonical(kind: str, namespace: str, name: str) -> tuple[str, str]:
    """Return namespace and name as a package URL of the kind has them."""
    namespace = "/".join(part for part in namespace.split("/") if part)
    if kind in LOWER_NAMESPACES:
        namespace = namespace.lower()
    if kind in LOWER_NAMES:
        name = name.lower()
    return namespace, name.replace("_", "-") if kind == "pypi" else name


def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE, errors="surrogateescape")
