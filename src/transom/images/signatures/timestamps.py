"""Timestamps of authorities (RFC 3161), verified by the library that sigstore uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from transom.images.signatures.log import SKEW_S
from transom.images.signatures.refusing import CannotJudgeError, RefusedError
from transom.images.signatures.trust import CertificateAuthority, Trust
from transom.model.signatures import Problem

if TYPE_CHECKING:
    from rfc3161_client.verify import Verifier

MAX_RESPONSE_BYTES = 64 * 1024  # with the chain of the authority some 6 KB


def stamped_times(responses: Sequence[bytes], message: bytes, trust: Trust) -> list[float]:
    """Return the times that timestamps over a message prove; raises RefusedError for one that proves nothing."""
    return [_stamped(each, message, trust) for each in responses]


def _stamped(response: bytes, message: bytes, trust: Trust) -> float:
    try:
        from rfc3161_client import VerificationError, decode_timestamp_response
    except ImportError as error:
        reason = "a timestamp cannot be verified: the library for that is not installed"
        raise CannotJudgeError(reason, "pip install 'transom[sigstore]'") from error
    if len(response) > MAX_RESPONSE_BYTES:
        raise RefusedError(Problem.TOO_LARGE, f"its timestamp is larger than {MAX_RESPONSE_BYTES // 1024} KiB")
    if not trust.timestamp_authorities:
        raise RefusedError(Problem.TIMESTAMP, "it has a timestamp, but no timestamp authority is trusted here")
    try:
        read = decode_timestamp_response(response)
        time_s = float(read.tst_info.gen_time.timestamp())
    except ValueError as error:
        raise RefusedError(Problem.TIMESTAMP, "its timestamp cannot be read") from error
    for authority in trust.timestamp_authorities:
        try:
            _verifier(authority).verify_message(read, message)
        except (VerificationError, ValueError):
            continue
        if not authority.start_s <= time_s <= authority.end_s:
            continue
        if time_s > trust.now_s + SKEW_S:
            raise RefusedError(Problem.FUTURE, "its timestamp is dated in the future")
        return time_s
    raise RefusedError(Problem.TIMESTAMP, "its timestamp is of no authority that is trusted, or of another signature")


def _verifier(authority: CertificateAuthority) -> Verifier:
    """Return what verifies an authority's timestamps: with its own certificate, or for a lone root with what they carry."""
    from rfc3161_client import VerifierBuilder

    builder = VerifierBuilder().add_root_certificate(authority.path[-1])
    if len(authority.path) > 1:
        builder = builder.tsa_certificate(authority.path[0])
    for between in authority.path[1:-1]:
        builder = builder.add_intermediate_certificate(between)
    return builder.build()


def response_of(token: bytes) -> bytes:
    """Return a bare token as the response that would have brought it: granted, in DER (RFC 3161, 2.4.2)."""
    granted = bytes.fromhex("3003020100")
    body = granted + token
    length = len(body).to_bytes((len(body).bit_length() + 7) // 8)
    return b"\x30" + (length if len(body) < 128 else bytes((0x80 | len(length),)) + length) + body
