"""Notation's envelopes in COSE (COSE_Sign1_Tagged, RFC 9052; Notary Project signature envelope), in the shape of those in JWS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from transom.images.signatures.notation import (
    CHAIN_MISSING,
    NAMESPACE,
    Payload,
    Signed,
    check_header,
    check_signature,
    load_chain,
)
from transom.images.signatures.refusing import CannotJudgeError, RefusedError, decoded
from transom.model.signatures import Problem

SIGN1 = 18  # the tag of what one key signed
ALGORITHM, CRITICAL, CONTENT_TYPE, CHAIN = 1, 2, 3, 33
ALGORITHMS = {-7: "ES256", -35: "ES384", -36: "ES512", -37: "PS256", -38: "PS384", -39: "PS512"}
OF_LABELS = ("alg", "cty", "crit")  # what JWS calls the parameters that have numbers here; as texts they mean nothing
UNREADABLE = "its envelope is no COSE_Sign1"


def read_cose(content: bytes) -> Signed:
    """Return an envelope whose integrity holds; raises RefusedError and CannotJudgeError."""
    cbor2 = _library()
    found = _read(cbor2, content)
    parts = found.value if isinstance(found, cbor2.CBORTag) and found.tag == SIGN1 else None
    if not isinstance(parts, list | tuple) or len(parts) != 4:
        raise RefusedError(Problem.MALFORMED, UNREADABLE)
    protected, unprotected, payload, signature = parts
    if not all(isinstance(each, bytes) for each in (protected, payload, signature)) or not isinstance(
        unprotected, Mapping
    ):
        raise RefusedError(Problem.MALFORMED, UNREADABLE)
    header = dict(_named(_read(cbor2, protected)))
    check_header(header)
    chain = tuple(load_chain(_certificates(unprotected)))
    message = cbor2.dumps(["Signature1", protected, b"", payload])
    check_signature(header["alg"], chain[0], signature, message)
    claim = decoded(payload, Payload, "its payload").target.digest
    stamp = unprotected.get(f"{NAMESPACE}timestampSignature")
    return Signed(claim, signature, header, chain, stamp if isinstance(stamp, bytes) else b"")


def _library() -> Any:
    try:
        import cbor2
    except ImportError as error:
        reason = "a signature in COSE cannot be verified: the library for CBOR is not installed"
        raise CannotJudgeError(reason, "pip install 'transom[cose]', or sign with --signature-format jws") from error
    return cbor2


def _read(cbor2: Any, content: bytes) -> Any:
    try:
        return cbor2.loads(content)
    except Exception as error:  # whatever the library trips over in bytes of strangers
        raise RefusedError(Problem.MALFORMED, UNREADABLE) from error


def _named(header: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a header says under the names of JWS; times as text."""
    if not isinstance(header, Mapping):
        raise RefusedError(Problem.MALFORMED, "its header cannot be read")
    algorithm = header.get(ALGORITHM)
    yield "alg", ALGORITHMS.get(algorithm, str(algorithm)) if isinstance(algorithm, int) else "none"
    yield "cty", header.get(CONTENT_TYPE)
    critical = header.get(CRITICAL)
    yield "crit", [str(each) for each in critical] if isinstance(critical, list | tuple) else None
    for name, value in header.items():
        if isinstance(name, str) and name not in OF_LABELS:
            yield name, value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _certificates(unprotected: Mapping[Any, Any]) -> list[bytes]:
    found = unprotected.get(CHAIN)
    listed = [found] if isinstance(found, bytes) else found
    if not isinstance(listed, list | tuple) or not listed or not all(isinstance(each, bytes) for each in listed):
        raise RefusedError(Problem.NO_CERTIFICATE, CHAIN_MISSING)
    return list(listed)
