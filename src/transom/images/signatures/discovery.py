"""Where the signatures of a digest are kept: OCI 1.1 referrers, the tag that stands for these, cosign's own tags.

What is found is not believed: it is bytes that claim something, with the manifest that holds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from transom.images.signatures.statements import MAX_PAYLOAD_BYTES, MAX_STATEMENT_BYTES
from transom.model.errors import TransomError
from transom.model.signatures import Unjudged
from transom.registry.blobs import INDEXES, MANIFESTS, Descriptor, Repository, referrers_tag, verified

MAX_MANIFESTS = 200  # that refer to one digest and are looked into; an image signed daily for half a year has as many
MAX_SIGNATURES = 1_000  # of one digest; as many as cosign takes
MAX_TOTAL_BYTES = 256 * 1024 * 1024  # of all that is read of one digest
COSIGN_TAGS = (".sig", ".att")
SBOM_TAG = ".sbom"


class Form(StrEnum):
    """How a signature is written, by the media type of the blob that holds it."""

    SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
    DSSE = "application/vnd.dsse.envelope.v1+json"
    BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
    JWS = "application/jose+json"
    COSE = "application/cose"


BUNDLE_TYPES = (
    Form.BUNDLE.value,
    *(f"application/vnd.dev.sigstore.bundle+json;version=0.{minor}" for minor in (1, 2, 3)),
)
"""What sigstore's bundles of all versions call themselves."""

_FORMS = {each.value: each for each in Form} | dict.fromkeys(BUNDLE_TYPES, Form.BUNDLE)
_LIMITS = {Form.SIMPLE: MAX_PAYLOAD_BYTES, Form.JWS: MAX_PAYLOAD_BYTES, Form.COSE: MAX_PAYLOAD_BYTES}


class Carried(Struct, frozen=True):
    """A signature as it was found. subject: the digest for which; source: of the manifest that holds it."""

    form: Form
    content: bytes
    annotations: Mapping[str, str]
    subject: str
    source: str


class _Manifest(Struct, rename="camel"):
    config: Descriptor | None = None
    layers: list[Descriptor] = []
    annotations: dict[str, str] | None = None


def signatures_of(repository: Repository, digest: str) -> Iterator[Carried | Unjudged]:
    """Yield everything that claims to be a signature or an attestation of a digest, and what could not be read of it."""
    try:
        yield from _within_limits(repository, digest)
    except TransomError as error:
        yield Unjudged(f"the signatures of {digest} could not be read: {error.what}: {error.why}", error.next_step)


def has_unsigned_bill(repository: Repository, digest: str) -> bool:
    """Tell whether a bill of materials is attached to a digest as cosign does it without signing."""
    try:
        return repository.tagged(referrers_tag(digest) + SBOM_TAG) is not None
    except TransomError:
        return False  # the same registry has told already why it does not answer


def _within_limits(repository: Repository, digest: str) -> Iterator[Carried | Unjudged]:
    read_bytes, count = 0, 0
    for number, manifest in enumerate(_manifests(repository, digest)):
        if isinstance(manifest, Unjudged):
            yield manifest
            continue
        if number >= MAX_MANIFESTS:
            yield Unjudged(f"more than {MAX_MANIFESTS} manifests refer to {digest}; the others were not looked into")
            return
        for found in _carried(repository, manifest, digest):
            yield found
            count += 1
            read_bytes += len(found.content) if isinstance(found, Carried) else 0
            if count >= MAX_SIGNATURES or read_bytes > MAX_TOTAL_BYTES:
                yield Unjudged(f"{digest} has more signatures than are looked into ({count:,} were)")
                return


def _manifests(repository: Repository, digest: str) -> Iterator[Descriptor | Unjudged]:
    """Yield each manifest that belongs to a digest once, cosign's tags first: they take one request each."""
    seen: set[str] = set()
    stem = referrers_tag(digest)
    tagged = (repository.tagged(stem + ending) for ending in COSIGN_TAGS)
    for found in (*tagged, *repository.referrers(digest)):
        if found is not None and found.digest not in seen:
            seen.add(found.digest)
            yield found


def _carried(repository: Repository, manifest: Descriptor, subject: str) -> Iterator[Carried | Unjudged]:
    """Yield what one manifest holds, each blob held to its digest."""
    try:
        if manifest.media_type in INDEXES:
            return  # cosign's experimental lists of lists hold no signatures themselves
        content = verified(repository.open(_as_manifest(manifest)), manifest)
        read = msgspec.json.decode(content, type=_Manifest)
    except TransomError as error:
        yield Unjudged(f"{manifest.digest}, which refers to {subject}, could not be read: {error}", error.next_step)
        return
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        yield Unjudged(f"{manifest.digest}, which refers to {subject}, could not be read: {error}", "sign it again")
        return
    for layer in read.layers[: MAX_SIGNATURES + 1]:
        form = _FORMS.get(layer.media_type)
        if form is None:
            continue
        try:
            blob = verified(repository.open(layer), layer, _LIMITS.get(form, MAX_STATEMENT_BYTES))
        except (TransomError, OSError) as error:
            yield Unjudged(f"a signature in {manifest.digest} could not be read: {error}", "sign it again")
            continue
        yield Carried(form, blob, {**(read.annotations or {}), **(layer.annotations or {})}, subject, manifest.digest)


def _as_manifest(descriptor: Descriptor) -> Descriptor:
    """Return a descriptor that is opened as a manifest, whatever a list says of its type."""
    if descriptor.media_type in MANIFESTS:
        return descriptor
    return Descriptor(descriptor.digest, descriptor.size, MANIFESTS[0])
