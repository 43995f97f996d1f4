"""Java: archives within archives, Maven's and Gradle's files, and the runtime itself."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from transom.images.packages.archives import inflated, opened
from transom.images.packages.maven import Coordinates, coordinates, dependencies, licences
from transom.images.packages.selectors import JAVA
from transom.images.packages.texts import text_lines
from transom.model.packages import Package, Place

MAX_DEPTH = 5  # an ear of wars of jars has three
MAX_NESTED_BYTES = 1024 * 1024 * 1024  # unpacked, of one file with all within
MAX_NESTED = 20_000  # archives within one file; an ear has some hundred
MAX_INNER_BYTES = 256 * 1024 * 1024  # of one archive within another
MAX_TEXT_BYTES = 4 * 1024 * 1024  # of a manifest or a pom
MANIFEST = "META-INF/MANIFEST.MF"
MAVEN = "META-INF/maven/"
GUESSED = "file-name"

QUALIFIERS = frozenset(("alpha", "beta", "rc", "cr", "m", "pre", "build", "b"))
_STEPS = re.compile(r"[-_]")
_VERSION = re.compile(r"v?\d[\w.+-]*$")
_VERSION_KEYS = ("Implementation-Version", "Bundle-Version", "Specification-Version", "Plugin-Version")
_GROUP = re.compile(r"[a-z][\w-]*(?:\.[\w-]+)+$")


class _Budget(Struct):
    """How much may still be unpacked."""

    left_bytes: int = MAX_NESTED_BYTES
    left_archives: int = MAX_NESTED

    def open(self) -> None:
        """Take note of an archive within; raises ValueError for one too many."""
        self.left_archives -= 1
        if self.left_archives < 0:
            raise ValueError(f"more than {MAX_NESTED:,} archives lie within")

    def spend(self, size_bytes: int) -> None:
        self.left_bytes -= size_bytes
        if self.left_bytes < 0:
            raise ValueError(f"what lies within unpacks to more than {MAX_NESTED_BYTES // 2**20} MiB")


def read_archive(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of an archive and of those within it; an inner one's place is `app.jar!/lib/x.jar`."""
    yield from _archive(path, content, 0, _Budget())


def _archive(path: str, content: bytes, depth: int, budget: _Budget) -> Iterator[Package]:
    if depth > MAX_DEPTH:
        raise ValueError(f"archives lie within archives deeper than {MAX_DEPTH}")
    with opened(content) as archive:
        members = [each for each in archive.infolist() if not each.is_dir()]
        broken: ValueError | None = None  # the first, since each keeps what was unpacked when it came up
        try:
            yield from _own(path, content, archive, members, budget)
        except ValueError as error:
            broken = error
        for each in members:
            if each.filename.endswith(JAVA):
                try:
                    budget.open()
                    budget.spend(each.file_size)
                    inner = inflated(archive, each, MAX_INNER_BYTES)
                    yield from _archive(f"{path}!/{each.filename}", inner, depth + 1, budget)
                except ValueError as error:
                    broken = broken or error
        if broken is not None:  # told when all that can be read is
            raise broken


def _own(
    path: str, content: bytes, archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], budget: _Budget
) -> Iterator[Package]:
    """Yield what an archive itself is, and what was shaded into it."""
    told: list[Coordinates] = []
    manifest: dict[str, str] = {}
    poms: dict[str, zipfile.ZipInfo] = {}
    for each in members:
        if each.filename == MANIFEST:
            budget.spend(each.file_size)
            manifest = parse_manifest(inflated(archive, each, MAX_TEXT_BYTES))
        elif each.filename.startswith(MAVEN) and each.filename.endswith("/pom.properties"):
            budget.spend(each.file_size)
            told += _properties(inflated(archive, each, MAX_TEXT_BYTES))
        elif each.filename.startswith(MAVEN) and each.filename.endswith("/pom.xml"):
            poms[each.filename.split("/")[-2]] = each
    known = {each.artifact for each in told}
    for artifact, pom in poms.items():
        if artifact not in known:
            budget.spend(pom.file_size)
            told += coordinates(inflated(archive, pom, MAX_TEXT_BYTES))
    named = _named(path, manifest)
    main = _main(told, named)
    if main is None and named.artifact:
        yield _guessed(path, content, named, manifest)
    for what in dict.fromkeys(told):
        licence = _licences_of(manifest) if what == main else ()
        if not licence and what.artifact in poms:
            licence = licences(inflated(archive, poms[what.artifact], MAX_TEXT_BYTES))
        yield _package(path, what, "pom.properties", licence)


def _main(told: list[Coordinates], named: Coordinates) -> Coordinates | None:
    """Return which of the told is the archive itself: the one of its name, or the only one."""
    for each in told:
        if each.artifact == named.artifact:
            return each
    return told[0] if len(told) == 1 else None


def _guessed(path: str, content: bytes, named: Coordinates, manifest: Mapping[str, str]) -> Package:
    """Return what an archive without a pom is by its name, which is a guess, or its manifest; its SHA-1 may tell more."""
    evidence = "manifest" if any(manifest.get(key) == named.version for key in _VERSION_KEYS) else GUESSED
    sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    return replace(_package(path, named, evidence, _licences_of(manifest)), sha1=sha1)


def _package(path: str, what: Coordinates, evidence: str, licence: tuple[str, ...] = ()) -> Package:
    return Package(
        "maven", what.artifact, what.version, what.group, licences=licence, places=(Place(path),), evidence=evidence
    )


def _properties(content: bytes) -> Iterator[Coordinates]:
    fields: dict[str, str] = {}
    for _, line in text_lines(content):
        key, equals, value = line.partition("=")
        if equals:
            fields[key.strip()] = value.strip()
    artifact, version = fields.get("artifactId", ""), fields.get("version", "")
    if artifact and version and "${" not in artifact + version:
        yield Coordinates(fields.get("groupId", ""), artifact, version)


def parse_manifest(content: bytes) -> dict[str, str]:
    """Return the main section of a manifest; a line that begins with a space goes on (JAR File Specification)."""
    fields: dict[str, str] = {}
    last = ""
    for _, line in text_lines(content):
        if not line:
            if fields:
                break
        elif line[0] == " " and last:
            fields[last] += line[1:]
        else:
            last, colon, value = line.partition(":")
            fields[last] = value.strip() if colon else ""
    return fields


def parted(stem: str) -> tuple[str, str]:
    """Part a file's name into name and version, "" where it has none: the last steps that begin with a digit."""
    starts = [0, *(match.end() for match in _STEPS.finditer(stem))]
    steps = [stem[start:end] for start, end in zip(starts, [*(at - 1 for at in starts[1:]), len(stem)], strict=True)]
    first = 0
    for index in range(len(steps) - 1, 0, -1):
        if steps[index][:1].isdigit():
            first = index
        elif first and steps[index].lower() not in QUALIFIERS:
            break
    return (stem[: starts[first] - 1], stem[starts[first] :]) if first else (stem, "")


def _named(path: str, manifest: Mapping[str, str]) -> Coordinates:
    """Return what an archive's file name and manifest make of it; version "" where neither tells one."""
    stem = re.split(r"[/!]", path)[-1].rpartition(".")[0]
    name, version = parted(stem)
    symbolic = manifest.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    if not version:
        version = next((value for key in _VERSION_KEYS if _VERSION.match(value := manifest.get(key, ""))), "")
    group = manifest.get("Implementation-Vendor-Id", "")
    if not _GROUP.match(group):
        group = symbolic.removesuffix("." + name) if _GROUP.match(symbolic) else name
    return Coordinates(group, name, version)


def _licences_of(manifest: Mapping[str, str]) -> tuple[str, ...]:
    told = manifest.get("Bundle-License", "").partition(";")[0].strip(' "')
    return (told,) if told else ()


def read_pom(path: str, content: bytes) -> Iterator[Package]:
    """Yield what a project's pom.xml needs, as far as it tells versions itself."""
    for what, development in dependencies(content):
        yield Package(
            "maven",
            what.artifact,
            what.version,
            what.group,
            places=(Place(path),),
            development=development,
            evidence="pom.xml",
        )


def read_gradle_lock(path: str, content: bytes) -> Iterator[Package]:
    """Yield the packages of a gradle.lockfile: `group:artifact:version=configurations`."""
    for number, line in text_lines(content):
        spec, equals, configurations = line.partition("=")
        steps = spec.split(":")
        if equals and len(steps) == 3 and all(steps) and not line.startswith("#"):
            used = configurations.split(",")
            yield Package(
                "maven",
                steps[1],
                steps[2],
                steps[0],
                places=(Place(path, line=number),),
                development=all("test" in each.lower() for each in used),
                evidence="gradle.lockfile",
            )


def read_release(path: str, content: bytes) -> Iterator[Package]:
    """Yield the Java runtime whose `release` file this is."""
    fields = {}
    for _, line in text_lines(content):
        key, equals, value = line.partition("=")
        if equals:
            fields[key.strip()] = value.strip().strip('"')
    version = fields.get("JAVA_VERSION", "")
    if version:
        vendor = fields.get("IMPLEMENTOR", "").lower()
        product = "jdk" if "oracle" in vendor else "openjdk"
        full = fields.get("JAVA_RUNTIME_VERSION") or version
        cpe = f"cpe:2.3:a:oracle:{product}:{version}:*:*:*:*:*:*:*"
        yield Package("generic", product, full, places=(Place(path),), cpes=(cpe,), evidence="release")
