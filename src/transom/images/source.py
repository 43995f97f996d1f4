"""Images as a source: one object of kind Image for each, which policies judge like any other.

`image:REF` is an image of a registry, or the path of an OCI layout or a saved archive, `#NAME` behind it for one of
several, or says by a word where it is; `dir:PATH` is a root file system, `container:NAME` that of a container. The object
tells settings, system, counts and oddities; the packages themselves are asked of `inspected`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from msgspec.structs import replace

from transom.images.history import rebuilt, steps, without_arguments
from transom.images.holdings import holdings
from transom.images.inspection import Inspection
from transom.images.layers.altered import Altered
from transom.images.lifetimes import end_of, ended, untold
from transom.images.opening import ImageOptions
from transom.images.packages.evidence import CHANGELOG
from transom.images.sbom.bill import bill_of
from transom.images.targets import CONTAINER, container_of, inspected, name_of, with_jars
from transom.images.written import WrittenSource, lines_of, places_of_image
from transom.inventory import Inventory, Origin
from transom.kube.files import shown
from transom.model.errors import TransomError
from transom.model.findings import Provenance, Skipped, Told
from transom.model.language import mark
from transom.model.places import Locator
from transom.model.refs import file_ref, image_ref
from transom.registry.blobs import Layer

API_VERSION, KIND = "transom.dev/v1", "Image"  # as image_ref has it
MAX_NAMED = 5  # workloads in a line for people
MAX_TOLD = 1_000  # of each list in the object; an honest image has some dozens
DATABASES = (
    "lib/dpkg/status",
    "lib/apk/db/installed",
    "/rpmdb.sqlite",
    "/rpm/Packages",
    "/rpm/Packages.db",
    "chisel/manifest.wall",
)
_HARMLESS = re.compile(r"(?:|true|false|\d{1,5}|[/.~$].*)")  # a variable's value that is no secret by its form


def fill_from_image(
    inventory: Inventory, target: str, options: ImageOptions, workloads: Sequence[str] = (), called: str = ""
) -> Iterator[Told]:
    """Add the object of an image; yield what could not be read of it.

    workloads: that run it, by their short names; called: what they call it, where that is not the target's name.
    """
    name = name_of(target)
    if options.signatures is not None:
        from transom.images.signatures.scanning import signed

        inventory.decided += signed(target, options, options.signatures, called, workloads)
    ref = image_ref(name)
    try:
        container = container_of(target, options) if target.startswith(CONTAINER) else None
        found = with_jars(container.found, options) if container else inspected(target, options)
    except TransomError as error:
        yield Skipped(ref, f"{error.what}: {error.why}" if error.why else error.what, error.next_step)
        return
    image = found.image
    more: dict[str, Any] = {}
    if container is not None:
        from transom.images.containers.telling import container_object, unknown

        more = container_object(container)
        yield from unknown(container, ref)
    counted = f"{len(found.packages):,} packages in {len(image.layers)} layers, {found.distro.name or 'no system told'}"
    unpacked = sum(bool(layer.folder) for layer in image.layers)
    if unpacked and image.digest:
        counted += f"; {unpacked} layers were read unpacked, which nothing holds to their digests"
    if workloads:
        counted += f"; runs as {', '.join(workloads[:MAX_NAMED])}{' …' if len(workloads) > MAX_NAMED else ''}"
    yield Provenance(name, f"{image.platform} {image.digest}: {counted}" if image.digest else counted)
    for layer, unread in found.unread:
        where = shown(unread.path) or f"layer {layer.diff_id}".strip()
        yield Skipped(ref, f"{where}: {unread.reason}", "fetch or build the image again; what was read counts")
    until = end_of(found.distro, found.merged.texts, options.index)
    if until is None:
        yield untold(ref, found.distro)
    told = image_object(found, name, workloads, ended(until, date.today())) | more
    add_image(inventory, found, target, told, options.dockerfiles)
    bill = bill_of(found, name, workloads)
    if options.attached_vex and image.digest:
        from transom.images.attached import attached_vex

        beside = list(attached_vex(target, name, options, (image.digest, image.index_digest)))
        yield from (each for each in beside if isinstance(each, Skipped))
        bill = replace(bill, attached=tuple(each for each in beside if not isinstance(each, Skipped)))
    inventory.bills.append(bill)
    if options.searcher is not None:
        from transom.images.leaks import leaks

        inventory.decided += leaks(found, name, options.searcher, options.exceptions)


def fill_from_bill(inventory: Inventory, path: str) -> Iterator[Told]:
    """Add what a bill of materials holds, by whatever tool it was made; yield what could not be read."""
    from transom.images.sbom.reading import read_bill

    try:
        bill = read_bill(path)
    except TransomError as error:
        yield Skipped(file_ref(path), f"{error.what}: {error.why}", error.next_step, locator=Locator(path))
        return
    yield Provenance(
        path,
        f"bill of materials of {bill.name}: {len(bill.packages):,} packages, {bill.distro or mark('no system told')}",
    )
    inventory.bills.append(bill)


def add_image(
    inventory: Inventory, found: Inspection, target: str, told: dict[str, Any], dockerfiles: Sequence[str] = ()
) -> None:
    """Add the object of an image, and the Dockerfile that its history comes to, where it tells one.

    Steps that stand in one of the Dockerfiles are judged where they stand, and their places are those of the image.
    """
    made = steps(found.image.history)
    lines = lines_of(made, dockerfiles)
    whole = {**told, **holdings(found, made)}
    inventory.add(whole, Origin(target), WrittenSource(places_of_image(whole, made, lines)))
    others = [step for number, step in enumerate(made) if number not in lines]
    if others:
        inventory.add(rebuilt(others, told["metadata"]["name"]), Origin(target))


def image_object(
    found: Inspection, name: str, workloads: Sequence[str] = (), support_ended: str = ""
) -> dict[str, Any]:
    """Return an image as an object for policies; kinds of packages are counted, never listed.

    support_ended: the day, where it is past; what it holds beside packages is told by `holdings`.
    """
    image, merged = found.image, found.merged
    kinds: dict[str, int] = {}
    for package in found.packages:
        kinds[package.kind] = kinds.get(package.kind, 0) + 1
    settings = image.config.get("config")
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "packaged": bool(image.digest),
        "metadata": {"name": name},
        "digest": image.digest,
        "platform": str(image.platform),
        "base": found.base,
        "workloads": list(workloads[:MAX_TOLD]),
        "config": _settings(settings if isinstance(settings, dict) else {}),
        "system": {
            "id": found.distro.id,
            "version": found.distro.version,
            "told": found.distro.told,
            "ended": support_ended,
        },
        "packages": {
            "count": len(found.packages),
            "kinds": kinds,
            "databases": _databases(found),
            "unlisted": _unlisted(found)[:MAX_TOLD],
        },
        "layers": [
            {
                "diffID": layer.diff_id,
                "createdBy": without_arguments(layer.created_by),
                "size": record.size_bytes,
                "entries": record.entries,
            }
            for layer, record in zip(image.layers, found.records, strict=True)
        ][:MAX_TOLD],
        "altered": [_altered(each, image.layers) for each in merged.altered[:MAX_TOLD]],
        "hidden": [
            {
                "path": shown(each.path),
                "packages": len(each.packages),
                "database": each.path.endswith(DATABASES),
                "layer": each.layer,
                "takenBy": each.taken_by,
            }
            for each in merged.hidden[:MAX_TOLD]
        ],
    }


def _altered(found: Altered, layers: Sequence[Layer]) -> dict[str, str]:
    """Return a file that differs from what its package brought, and the instruction of the layer that it is of."""
    created_by = next((without_arguments(layer.created_by) for layer in layers if layer.diff_id == found.layer), "")
    name, package = shown(found.path), shown(found.package)
    change = f"{name} of {package}" + (f", written by {shown(created_by)}" if created_by else "")
    return {"name": name, "package": package, "change": change, "layer": found.layer, "createdBy": shown(created_by)}


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    """Return what an image's config sets, values of variables left out."""
    variables = [each.partition("=") for each in _texts(config.get("Env"))]
    return {
        "user": str(config.get("User") or ""),
        "env": [{"name": name, "harmless": bool(_HARMLESS.fullmatch(value))} for name, _, value in variables],
        "ports": sorted(_texts(config.get("ExposedPorts"))),
        "entrypoint": _texts(config.get("Entrypoint")),
        "command": _texts(config.get("Cmd")),
        "volumes": sorted(_texts(config.get("Volumes"))),
        "healthcheck": bool(config.get("Healthcheck")),
        "labels": sorted(_texts(config.get("Labels"))),
    }


def _texts(value: Any) -> list[str]:
    """Return the texts of a list, or the keys of a map; images are made by whoever likes to, so anything may stand there."""
    found = value if isinstance(value, list | dict) else ()
    return [each for each in found if isinstance(each, str)][:MAX_TOLD]


def _unlisted(found: Inspection) -> list[str]:
    """Return packages that lists of files or changelogs tell, and the database of dpkg that is there does not."""
    shown = any(path.endswith("lib/dpkg/status") for path in found.merged.packages)
    ghosts = {package.name for package in found.packages if package.evidence == CHANGELOG} if shown else set()
    return sorted({*found.merged.unlisted, *ghosts})


def _databases(found: Inspection) -> list[str]:
    """Return the package databases that the image shows."""
    return sorted(
        shown(path) for path in found.merged.packages if path.endswith(DATABASES) or "/dpkg/status.d/" in path
    )[:MAX_TOLD]
