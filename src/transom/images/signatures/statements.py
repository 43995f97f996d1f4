"""What a signature says: cosign's simple signing payload, and in-toto statements in DSSE envelopes.

Red Hat's simple signing, DSSE 1.0, in-toto attestation 0.1 and 1.0. A payload is read after its signature was verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from transom.images.signatures.refusing import RefusedError, decoded, unbase64
from transom.model.signatures import Problem

MAX_PAYLOAD_BYTES = 1024 * 1024  # a simple signing payload has 300 bytes
MAX_STATEMENT_BYTES = 64 * 1024 * 1024  # a bill of materials of a large image has some 20 MB
MAX_SUBJECTS = 10_000
MAX_DSSE_SIGNATURES = 16
IN_TOTO = "application/vnd.in-toto+json"
STATEMENTS = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")
SIMPLE_TYPES = ("cosign container image signature", "atomic container signature")
SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1"
"""The predicate of a statement that is nothing but a signature, as cosign 3 makes it."""


class Claim(Struct, frozen=True):
    """What a signature says, once it is known whose it is.

    digests: of what was signed; name: what the signer calls it; predicate_type: "" for a plain signature;
    predicate: what is stated, as decoded.
    """

    digests: frozenset[str]
    name: str = ""
    predicate_type: str = ""
    predicate: Any = None
    statement: Any = None


class _Identity(Struct):
    docker_reference: str = msgspec.field(default="", name="docker-reference")


class _Image(Struct):
    digest: str = msgspec.field(default="", name="docker-manifest-digest")


class _Critical(Struct):
    type: str = ""
    identity: _Identity = msgspec.field(default_factory=_Identity)
    image: _Image = msgspec.field(default_factory=_Image)


class _Simple(Struct):
    critical: _Critical


def read_simple(payload: bytes) -> Claim:
    """Return what a simple signing payload says; raises RefusedError."""
    critical = decoded(payload, _Simple, "its payload").critical
    if critical.type not in SIMPLE_TYPES:
        raise RefusedError(
            Problem.PAYLOAD_TYPE, f"its payload is of the type {critical.type[:80]!r}, which is not known"
        )
    return Claim(frozenset((critical.image.digest,)), critical.identity.docker_reference)


class _DsseSignature(Struct):
    sig: str
    keyid: str | None = ""


class _Envelope(Struct):
    payload: str
    payload_type: str = msgspec.field(name="payloadType")
    signatures: list[_DsseSignature] = []


class Envelope(Struct, frozen=True):
    """A DSSE envelope: what was signed, of what type, and by which signatures."""

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]

    @property
    def message(self) -> bytes:
        """The bytes that were signed: DSSE's pre-authentication encoding."""
        kind = self.payload_type.encode()
        return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(self.payload), self.payload)


def read_envelope(content: bytes) -> Envelope:
    """Return a DSSE envelope; raises RefusedError."""
    read = decoded(content, _Envelope, "its envelope")
    if not read.signatures:
        raise RefusedError(Problem.UNSIGNED, "its envelope has no signature")
    if len(read.signatures) > MAX_DSSE_SIGNATURES:
        raise RefusedError(Problem.TOO_LARGE, f"its envelope has more than {MAX_DSSE_SIGNATURES} signatures")
    signatures = tuple(unbase64(each.sig, "a signature of its envelope") for each in read.signatures)
    return Envelope(unbase64(read.payload, "its payload"), read.payload_type, signatures)


class _Subject(Struct):
    name: str | None = ""
    digest: Mapping[str, str] = {}


class _Statement(Struct):
    kind: str = msgspec.field(name="_type", default="")
    subject: Sequence[_Subject] = ()
    predicate_type: str = msgspec.field(name="predicateType", default="")
    predicate: Any = None


def read_statement(envelope: Envelope) -> Claim:
    """Return what the in-toto statement of an envelope says; raises RefusedError."""
    if envelope.payload_type != IN_TOTO:
        raise RefusedError(
            Problem.PAYLOAD_TYPE, f"its payload is of the type {envelope.payload_type[:80]!r}, not {IN_TOTO}"
        )
    read = decoded(envelope.payload, _Statement, "its statement")
    if read.kind not in STATEMENTS:
        raise RefusedError(Problem.PAYLOAD_TYPE, f"its statement is of the type {read.kind[:80]!r}, which is not known")
    if len(read.subject) > MAX_SUBJECTS:
        raise RefusedError(Problem.TOO_LARGE, f"its statement speaks of more than {MAX_SUBJECTS:,} things")
    digests = frozenset(f"{name}:{value}" for each in read.subject for name, value in each.digest.items())
    name = next((each.name for each in read.subject if each.name), "") or ""
    plain = read.predicate_type == SIGNATURE_PREDICATE
    whole = {"_type": read.kind, "predicateType": read.predicate_type, "predicate": read.predicate}
    whole["subject"] = [{"name": each.name or "", "digest": dict(each.digest)} for each in read.subject]
    return Claim(digests, name, "" if plain else read.predicate_type, read.predicate, whole)
