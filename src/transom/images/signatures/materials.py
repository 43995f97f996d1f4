"""A signature of cosign or sigstore in one shape, however it was kept: in annotations, in a DSSE envelope, in a bundle.

Nothing of it is believed yet; `believing` proves it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.images.signatures.certificates import certificates_of_pem
from transom.images.signatures.discovery import BUNDLE_TYPES, Carried, Form
from transom.images.signatures.log import LogEntry, TlogEntry, entry_of_annotation, entry_of_bundle
from transom.images.signatures.refusing import RefusedError, decoded, unbase64
from transom.images.signatures.statements import Claim, Envelope, read_envelope, read_simple, read_statement
from transom.model.signatures import Problem

SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE, CHAIN = "dev.sigstore.cosign/certificate", "dev.sigstore.cosign/chain"
LOG_ENTRY, TIMESTAMP = "dev.sigstore.cosign/bundle", "dev.sigstore.cosign/rfc3161timestamp"
ATTACHED = "cosign attestation"
MAX_ENTRIES = 10  # log entries of one bundle; clients write one
MAX_TIMESTAMPS = 32  # of one signature; clients write one or two


class Material(Struct, frozen=True):
    """One signature over one message. certificate: in DER, b"" for a bare key; timestamps: RFC 3161 responses.

    envelope: where the message is that of a DSSE envelope; raw_envelope: its bytes; bundle: where it came as one.
    """

    form: str
    source: str
    message: bytes
    signature: bytes
    envelope: Envelope | None = None
    raw_envelope: bytes = b""
    certificate: bytes = b""
    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    bundle: bytes = b""
    digest: str = ""

    @property
    def stamped(self) -> bytes:
        """What a timestamp is over: the signature, but of cosign's attestations in tags the whole envelope."""
        return self.raw_envelope if self.form == ATTACHED else self.signature

    @property
    def claim(self) -> Claim:
        """What it says, to be asked once it is proven; raises RefusedError."""
        if self.envelope is not None:
            return read_statement(self.envelope)
        return Claim(frozenset((self.digest,))) if self.digest else read_simple(self.message)


def materials(carried: Carried, manifest: Callable[[], bytes]) -> Iterator[Material]:
    """Yield the signatures of what was found; raises RefusedError. manifest: reads what it is about, for a signature over that."""
    if carried.form is Form.SIMPLE:
        yield _simple(carried)
    elif carried.form is Form.DSSE:
        yield from _attached(carried)
    elif carried.form is Form.BUNDLE:
        yield from _of_bundle(carried, manifest)


def _simple(carried: Carried) -> Material:
    notes = carried.annotations
    signature = unbase64(notes.get(SIGNATURE, ""), "its signature")
    if not signature:
        raise RefusedError(Problem.MALFORMED, "its payload comes without a signature")
    return Material(
        "cosign",
        carried.source,
        carried.content,
        signature,
        certificate=_first_certificate(notes.get(CERTIFICATE, "")),
        entries=_annotated_entry(notes.get(LOG_ENTRY, "")),
        timestamps=_annotated_timestamp(notes.get(TIMESTAMP, "")),
    )


def _attached(carried: Carried) -> Iterator[Material]:
    notes = carried.annotations
    envelope = read_envelope(carried.content)
    for signature in envelope.signatures:
        yield Material(
            ATTACHED,
            carried.source,
            envelope.message,
            signature,
            envelope,
            carried.content,
            certificate=_first_certificate(notes.get(CERTIFICATE, "")),
            entries=_annotated_entry(notes.get(LOG_ENTRY, "")),
            timestamps=_annotated_timestamp(notes.get(TIMESTAMP, "")),
        )


def _first_certificate(pem: str) -> bytes:
    """Return the signer's certificate of an annotation; the chain beside it is not needed, since none of it is believed."""
    found = certificates_of_pem(pem.encode("utf-8", "replace")) if pem else ()
    if pem and not found:
        raise RefusedError(Problem.MALFORMED, "its certificate is no PEM")
    return found[0] if found else b""


def _annotated_entry(text: str) -> tuple[LogEntry, ...]:
    return (entry_of_annotation(text),) if text else ()


class _Timestamp(Struct):
    signed: str = msgspec.field(default="", name="SignedRFC3161Timestamp")


def _annotated_timestamp(text: str) -> tuple[bytes, ...]:
    if not text:
        return ()
    found = decoded(text.encode("utf-8", "replace"), _Timestamp, "its timestamp")
    return (unbase64(found.signed, "its timestamp"),)


class _Raw(Struct, rename="camel"):
    raw_bytes: str = ""


class _Chain(Struct):
    certificates: list[_Raw] = []


class _Signed(Struct, rename="camel"):
    signed_timestamp: str = ""


class _Timestamps(Struct):
    rfc3161: list[_Signed] = msgspec.field(default_factory=list, name="rfc3161Timestamps")


class _Verification(Struct, rename="camel"):
    certificate: _Raw | None = None
    x509: _Chain | None = msgspec.field(default=None, name="x509CertificateChain")
    tlog_entries: list[TlogEntry] = []
    timestamp_verification_data: _Timestamps | None = None


class _Digest(Struct):
    digest: str = ""


class _Message(Struct, rename="camel"):
    signature: str = ""
    message_digest: _Digest | None = None


class _Bundle(Struct, rename="camel"):
    media_type: str = ""
    verification_material: _Verification = msgspec.field(default_factory=_Verification)
    message_signature: _Message | None = None
    dsse_envelope: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)


def _of_bundle(carried: Carried, manifest: Callable[[], bytes]) -> Iterator[Material]:
    read = decoded(carried.content, _Bundle, "its bundle")
    if read.media_type not in BUNDLE_TYPES:
        raise RefusedError(
            Problem.PAYLOAD_TYPE, f"its bundle is of the type {read.media_type[:80]!r}, which is not known"
        )
    found = read.verification_material
    if len(found.tlog_entries) > MAX_ENTRIES:
        raise RefusedError(Problem.TOO_LARGE, f"its bundle has more than {MAX_ENTRIES} log entries")
    certificate = found.certificate or next(iter(found.x509.certificates if found.x509 else ()), None)
    rest: dict[str, Any] = {
        "certificate": unbase64(certificate.raw_bytes, "its certificate") if certificate else b"",
        "entries": tuple(map(entry_of_bundle, found.tlog_entries)),
        "timestamps": _timestamps(found.timestamp_verification_data),
        "bundle": carried.content,
    }
    raw = bytes(read.dsse_envelope)
    if raw:
        envelope = read_envelope(raw)
        for signature in envelope.signatures:
            yield Material("bundle", carried.source, envelope.message, signature, envelope, raw, **rest)
    elif read.message_signature is not None:
        yield _of_message(carried, read.message_signature, manifest(), rest)
    else:
        raise RefusedError(Problem.PAYLOAD_TYPE, "its bundle holds neither an envelope nor the signature of a message")


def _of_message(carried: Carried, found: _Message, manifest: bytes, rest: dict[str, Any]) -> Material:
    """Return the signature over the manifest itself."""
    import hashlib

    digest = found.message_digest.digest if found.message_digest else ""
    if digest and digest != b64encode(hashlib.sha256(manifest).digest()).decode():
        raise RefusedError(Problem.OTHER_DIGEST, "its bundle is of another digest than the image has")
    signature = unbase64(found.signature, "its signature")
    return Material("bundle", carried.source, manifest, signature, digest=carried.subject, **rest)


def _timestamps(found: _Timestamps | None) -> tuple[bytes, ...]:
    signed = found.rfc3161 if found else []
    if len(signed) > MAX_TIMESTAMPS:
        raise RefusedError(Problem.TOO_LARGE, f"its bundle has more than {MAX_TIMESTAMPS} timestamps")
    return tuple(unbase64(each.signed_timestamp, "its timestamp") for each in signed)
