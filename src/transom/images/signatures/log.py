"""Entries of transparency logs, verified offline: Rekor's signed entry timestamps, inclusion proofs and checkpoints.

RFC 9162 (Merkle trees), C2SP signed notes and checkpoints, Rekor's types hashedrekord, dsse and intoto.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from transom.images.signatures.keys import has_signed
from transom.images.signatures.refusing import RefusedError, any_json, decoded, unbase64
from transom.kube.reading import map_at, maps_at, text_at
from transom.model.signatures import Problem

if TYPE_CHECKING:
    from transom.images.signatures.keys import PublicKey

MAX_BODY_BYTES = 1024 * 1024  # an entry has hashes and keys only
MAX_PROOF_HASHES = 64  # a tree of 2^64 leaves
MAX_CHECKPOINT_CHARS = 64 * 1024  # a page of signatures of witnesses
SKEW_S = 300.0  # by which clocks may differ before something counts as of the future
_NOTE_LINE = re.compile(r"\u2014 (\S+) (\S+)")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----\s*([A-Za-z0-9+/=\s]+?)-----END ")


class InclusionProof(Struct, frozen=True):
    """The way from an entry to the root of a tree of some size. checkpoint: what the log signed of it."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str = ""


class LogEntry(Struct, frozen=True):
    """One entry as it came with a signature. log: the id of the log's key; promise: the signed entry timestamp."""

    body: bytes
    log: bytes
    index: int
    time_s: int = 0
    promise: bytes = b""
    proof: InclusionProof | None = None

    @property
    def number(self) -> int:
        """The index that something signed covers: the log's own with a promise, else that of the tree."""
        return self.index if self.promise or self.proof is None else self.proof.index


class Logged(Struct, frozen=True):
    """What an entry is held to: what was signed, by which signature, and who verifies it (DER of certificate or key)."""

    message: bytes
    signature: bytes
    verifiers: tuple[bytes, ...]
    payload: bytes = b""
    envelope: bytes = b""


def verify_entry(entry: LogEntry, logs: Mapping[bytes, PublicKey], now_s: float) -> float:
    """Hold an entry to the keys of the logs that are trusted; return its time, 0 where no signature covers that.

    Raises RefusedError.
    """
    key = logs.get(entry.log)
    if key is None:
        why = f"its log entry is of a log that is not trusted here ({entry.log.hex()[:16]})"
        raise RefusedError(Problem.LOG_FORGED, why)
    if not entry.promise and entry.proof is None:
        raise RefusedError(Problem.LOG_FORGED, "its log entry has neither a promise nor a proof that it is in the log")
    if entry.proof is not None:
        _check_inclusion(entry.body, entry.proof)
        _check_checkpoint(entry.proof, entry.log, key)
    if not entry.promise:
        return 0.0
    if not has_signed(key, entry.promise, _promised(entry)):
        raise RefusedError(Problem.LOG_FORGED, "its log entry is not signed by the log that it names")
    if entry.time_s > now_s + SKEW_S:
        raise RefusedError(Problem.FUTURE, "its log entry is dated in the future")
    return float(entry.time_s)


def _promised(entry: LogEntry) -> bytes:
    """Return what a signed entry timestamp signs: canonical JSON (RFC 8785) of the entry."""
    from base64 import b64encode

    told = {"body": b64encode(entry.body).decode(), "integratedTime": entry.time_s, "logID": entry.log.hex()}
    return msgspec.json.encode({**told, "logIndex": entry.index}, order="sorted")


def _check_inclusion(body: bytes, proof: InclusionProof) -> None:
    """Work out the root from the leaf and its proof (RFC 9162, 2.1.3.2)."""
    what = "its log entry's proof does not lead to the root of the log"
    if not 0 <= proof.index < proof.size or len(proof.hashes) > MAX_PROOF_HASHES:
        raise RefusedError(Problem.LOG_FORGED, what)
    here = hashlib.sha256(b"\0" + body).digest()
    index, last = proof.index, proof.size - 1
    for sibling in proof.hashes:
        if not last:
            raise RefusedError(Problem.LOG_FORGED, what)
        if index & 1 or index == last:
            here = hashlib.sha256(b"\1" + sibling + here).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            here = hashlib.sha256(b"\1" + here + sibling).digest()
        index, last = index >> 1, last >> 1
    if last or here != proof.root:
        raise RefusedError(Problem.LOG_FORGED, what)


def _check_checkpoint(proof: InclusionProof, log: bytes, key: PublicKey) -> None:
    """Hold the root of a proof to the log's own signature, a signed note."""
    text, blank, signatures = proof.checkpoint.partition("\n\n")
    lines = text.split("\n")
    if not blank or len(lines) < 3 or len(proof.checkpoint) > MAX_CHECKPOINT_CHARS:
        raise RefusedError(Problem.LOG_FORGED, "its log entry has a proof without the log's signature")
    signed = [unbase64(found[1], "a checkpoint's signature") for found in _NOTE_LINE.findall(signatures)]
    own = [each[4:] for each in signed if each[:4] == log[:4]]
    if not any(has_signed(key, each, f"{text}\n".encode()) for each in own):
        raise RefusedError(Problem.LOG_FORGED, "the root of its log entry's proof is not signed by the log")
    if lines[1] != str(proof.size) or unbase64(lines[2], "a checkpoint's root") != proof.root:
        raise RefusedError(Problem.LOG_FORGED, "its log entry's proof is of another tree than the log signed")


def check_body(entry: LogEntry, logged: Logged) -> None:
    """Raise RefusedError where an entry speaks of another signature, message or key than the one it came with."""
    body = any_json(entry.body, "the body of its log entry")
    if not any(_fits(body, logged)):
        raise RefusedError(Problem.LOG_MISMATCH, "its log entry is that of another signature")


def _fits(body: dict[str, Any], logged: Logged) -> Iterator[bool]:
    """Yield for each signature that an entry of a known kind tells whether it is the one."""
    kind, version, spec = text_at(body, "kind"), text_at(body, "apiVersion"), map_at(body, "spec")
    message, payload, envelope = (_sha256(each) for each in (logged.message, logged.payload, logged.envelope))
    if (kind, version) == ("hashedrekord", "0.0.1"):
        same = text_at(spec, "data", "hash", "value") == message
        found = map_at(spec, "signature")
        yield same and _is_signature(text_at(found, "content"), text_at(found, "publicKey", "content"), logged)
    elif (kind, version) == ("hashedrekord", "0.0.2"):
        yield _fits_second(map_at(spec, "hashedRekordV002"), logged)
    elif (kind, version) == ("dsse", "0.0.1"):
        for _, found in maps_at(spec, "signatures"):
            same = text_at(spec, "payloadHash", "value") == payload
            yield same and _is_signature(text_at(found, "signature"), text_at(found, "verifier"), logged)
    elif (kind, version) == ("intoto", "0.0.2"):
        for _, found in maps_at(spec, "content", "envelope", "signatures"):
            same = text_at(spec, "content", "payloadHash", "value") == payload
            once = _unbase64(text_at(found, "sig")).decode("ascii", "replace")  # it is encoded twice
            yield same and _is_signature(once, text_at(found, "publicKey"), logged)
    elif (kind, version) == ("intoto", "0.0.1"):
        same = text_at(spec, "content", "hash", "value") == envelope
        yield same and _is_verifier(text_at(spec, "publicKey"), logged)
    else:
        raise RefusedError(
            Problem.LOG_MISMATCH, f"its log entry is of the kind {kind[:40]} {version[:20]}, which is not known"
        )


def _fits_second(spec: dict[str, Any], logged: Logged) -> bool:
    found = map_at(spec, "signature")
    verifier = map_at(found, "verifier")
    raw = text_at(verifier, "x509Certificate", "rawBytes") or text_at(verifier, "publicKey", "rawBytes")
    digests = [hashlib.new(name, logged.message).digest() for name in ("sha256", "sha384", "sha512")]
    return (
        _unbase64(text_at(spec, "data", "digest")) in digests
        and _unbase64(text_at(found, "content")) == logged.signature
        and _unbase64(raw) in logged.verifiers
    )


def _is_signature(signature: str, verifier: str, logged: Logged) -> bool:
    return _unbase64(signature) == logged.signature and _is_verifier(verifier, logged)


def _is_verifier(pem: str, logged: Logged) -> bool:
    """Tell whether the PEM in base64 of an entry is the certificate or the key that verifies the signature."""
    found = _PEM.search(_unbase64(pem).decode("ascii", "replace"))
    return found is not None and _unbase64("".join(found[1].split())) in logged.verifiers


def _unbase64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (Base64Error, ValueError):
        return b""


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class _KeyId(Struct, rename="camel"):
    key_id: str = ""


class _Promise(Struct, rename="camel"):
    signed_entry_timestamp: str = ""


class _Checkpoint(Struct):
    envelope: str = ""


class _Proof(Struct, rename="camel"):
    log_index: int | str = 0
    root_hash: str = ""
    tree_size: int | str = 0
    hashes: list[str] = []
    checkpoint: _Checkpoint | None = None


class TlogEntry(Struct, rename="camel"):
    """An entry as sigstore's bundles tell it; numbers are texts there, as protobuf has them."""

    log_index: int | str = 0
    log_id: _KeyId = msgspec.field(default_factory=_KeyId)
    integrated_time: int | str = 0
    inclusion_promise: _Promise | None = None
    inclusion_proof: _Proof | None = None
    canonicalized_body: str = ""


def entry_of_bundle(found: TlogEntry) -> LogEntry:
    """Return an entry of a sigstore bundle; raises RefusedError."""
    promise = found.inclusion_promise.signed_entry_timestamp if found.inclusion_promise else ""
    return LogEntry(
        body=_limited(found.canonicalized_body),
        log=unbase64(found.log_id.key_id, "the id of its log"),
        index=_number(found.log_index),
        time_s=_number(found.integrated_time),
        promise=unbase64(promise, "the promise of its log entry"),
        proof=_proof(found.inclusion_proof) if found.inclusion_proof else None,
    )


def _proof(found: _Proof) -> InclusionProof:
    return InclusionProof(
        index=_number(found.log_index),
        size=_number(found.tree_size),
        root=unbase64(found.root_hash, "the root of its log entry's proof"),
        hashes=_hashes(found.hashes),
        checkpoint=found.checkpoint.envelope if found.checkpoint else "",
    )


def _hashes(found: Sequence[str]) -> tuple[bytes, ...]:
    if len(found) > MAX_PROOF_HASHES:
        raise RefusedError(Problem.TOO_LARGE, f"its log entry's proof has more than {MAX_PROOF_HASHES} hashes")
    return tuple(unbase64(each, "a hash of its log entry's proof") for each in found)


class _Payload(Struct, rename={"log_id": "logID", "log_index": "logIndex", "integrated_time": "integratedTime"}):
    body: str = ""
    integrated_time: int = 0
    log_index: int = 0
    log_id: str = ""


class _Annotation(Struct, rename="pascal"):
    signed_entry_timestamp: str = ""
    payload: _Payload = msgspec.field(default_factory=_Payload)


def entry_of_annotation(content: str) -> LogEntry:
    """Return an entry as cosign 1 and 2 keep it beside a signature; raises RefusedError."""
    found = decoded(content.encode("utf-8", "replace"), _Annotation, "its log entry")
    try:
        log = bytes.fromhex(found.payload.log_id)
    except ValueError as error:
        raise RefusedError(Problem.MALFORMED, "the id of its log is not hexadecimal") from error
    promise = unbase64(found.signed_entry_timestamp, "the promise of its log entry")
    return LogEntry(_limited(found.payload.body), log, found.payload.log_index, found.payload.integrated_time, promise)


def _limited(body: str) -> bytes:
    if len(body) > MAX_BODY_BYTES:
        raise RefusedError(Problem.TOO_LARGE, f"its log entry is larger than {MAX_BODY_BYTES // 1024} KiB")
    return unbase64(body, "the body of its log entry")


def _number(value: int | str) -> int:
    text = str(value)
    if not text.isdecimal() or len(text) > 20:
        raise RefusedError(Problem.MALFORMED, f"its log entry says {text[:40]!r} where a number must be")
    return int(text)
