"""Software that is installed somewhere, and where it was seen: one word for images, hosts, SBOMs and advisories."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Place(Struct, frozen=True, order=True, omit_defaults=True):
    """Where a package was seen: a file within an image, and the layer that brought it.

    path: without a leading slash; for what lies in an archive, `app.jar!/BOOT-INF/lib/x.jar`. layer: the diff-ID, ""
    where there are no layers. line: from 1 in a lock file, 0 where there is none.
    """

    path: str
    layer: str = ""
    line: int = 0


class Package(Struct, frozen=True, omit_defaults=True):
    """One package. Its identity is kind, namespace, name, version and architecture, which are also its purl's.

    kind: the purl type (deb, rpm, apk, pypi, npm, golang, maven, cargo, gem, composer, nuget, generic …); namespace: of the
    purl (debian, @scope, org.apache); version: as its ecosystem writes it, epoch included, "" where none is told.
    source_name, source_version: the source package that an OS vendor's advisories speak of. distro: `debian-12`, as the
    purl's qualifier. licences: SPDX expressions or what the package says instead, "" never among them. places: the first
    one decides. owner: purl of the OS package that owns its files: then it is that package's matter, and not counted
    again. development: only needed to build or test. evidence: how it was found (dpkg, dist-info, go-buildinfo, go-main, binary …).
    """

    kind: str
    name: str
    version: str = ""
    namespace: str = ""
    arch: str = ""
    source_name: str = ""
    source_version: str = ""
    distro: str = ""
    licences: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    cpes: tuple[str, ...] = ()
    owner: str = ""
    development: bool = False
    evidence: str = ""
    sha1: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str, str]:
        """What tells packages apart."""
        return (self.kind, self.namespace, self.name, self.version, self.arch)


class Bill(Struct, frozen=True):
    """A bill of materials: what something holds. name: an image's, or of whatever it is of; digest: of an image's manifest.

    created: when what it is of was made, in ISO 8601; layers: diff-ID and instruction of each; base: the image that the
    lowest base_layers of them are; index_digest: of an index that led to it; workloads: that run it, by their short names,
    where it was met in a cluster; functions: which ones programs hold, by path, as images.packages.functions keeps them;
    attached: VEX documents that lie beside the image, by where.
    """

    name: str
    packages: tuple[Package, ...]
    digest: str = ""
    platform: str = ""
    distro: str = ""
    created: str = ""
    base: str = ""
    layers: tuple[tuple[str, str], ...] = ()
    workloads: tuple[str, ...] = ()
    base_layers: int = 0
    index_digest: str = ""
    functions: Mapping[str, bytes] = {}
    attached: tuple[tuple[str, bytes], ...] = ()
