"""Notation's signatures: envelopes with X.509 chains, in JWS here (Notary Project signature specification 1.0).

An envelope is verified whole: integrity always refuses; authenticity, time, expiry and revocation refuse or are only told, as the
trust policy's level says.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from msgspec import Struct

from transom.images.signatures.certificates import (
    MAX_CHAIN,
    certificates_of_pem,
    check_life,
    check_path,
    check_use,
    key_of,
    load_certificate,
    thumbprint,
)
from transom.images.signatures.discovery import Carried, Form
from transom.images.signatures.keys import fingerprint
from transom.images.signatures.refusing import CannotJudgeError, RefusedError, any_json, decoded, unbase64
from transom.images.signatures.revocation import check_revocation
from transom.images.signatures.timestamps import response_of, stamped_times
from transom.kube.reading import text_at
from transom.model.signatures import Problem, Proof, Refusal, Signer, Unjudged, X509Rule

if TYPE_CHECKING:
    from transom.images.signatures.trust import Trust

PAYLOAD = "application/vnd.cncf.notary.payload.v1+json"
NAMESPACE = "io.cncf.notary."
SCHEME, SIGNED_AT, AUTHENTIC, EXPIRY = (
    NAMESPACE + each for each in ("signingScheme", "signingTime", "authenticSigningTime", "expiry")
)
X509, SIGNING_AUTHORITY = "notary.x509", "notary.x509.signingAuthority"
CHAIN_MISSING = "it comes without a certificate"
STORE_OF = {X509: "ca", SIGNING_AUTHORITY: "signingAuthority"}
UNDERSTOOD = frozenset((SCHEME, AUTHENTIC, EXPIRY))
CURVES = {"ES256": ("secp256r1", 32), "ES384": ("secp384r1", 48), "ES512": ("secp521r1", 66)}
HASHES: Mapping[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
RSA_BITS = {"PS256": 2_048, "PS384": 3_072, "PS512": 4_096}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*\Z")


class _Envelope(Struct, forbid_unknown_fields=True):
    payload: str
    protected: str
    signature: str
    header: dict[str, Any] = {}


class _Descriptor(Struct):
    digest: str = ""


class Payload(Struct):
    """What every envelope holds: a descriptor of what was signed."""

    target: _Descriptor = msgspec.field(name="targetArtifact", default_factory=_Descriptor)


class Signed(Struct, frozen=True):
    """An envelope whose signature its own first certificate verifies; that one is not believed yet."""

    claim: str
    signature: bytes
    protected: Mapping[str, Any]
    chain: tuple[x509.Certificate, ...]
    timestamp: bytes = b""


def judged(rule: X509Rule, carried: Carried, trust: Trust) -> Proof | Refusal | Unjudged:
    """Return what an envelope is to a rule of certificates."""
    try:
        return _proof(rule, _read(carried), carried, trust)
    except RefusedError as error:
        return error.at(carried.source)
    except CannotJudgeError as error:
        return Unjudged(error.reason, error.next_step)


def _read(carried: Carried) -> Signed:
    if carried.form is Form.COSE:
        from transom.images.signatures.cose import read_cose

        return read_cose(carried.content)
    return read_jws(carried.content)


def read_jws(content: bytes) -> Signed:
    """Return an envelope whose integrity holds; raises RefusedError."""
    read = decoded(content, _Envelope, "its envelope")
    protected = any_json(_unbase64url(read.protected, "its header"), "its header")
    check_header(protected)
    chain = tuple(load_chain(_chain(read.header)))
    message = f"{read.protected}.{read.payload}".encode("ascii", "replace")
    signature = _unbase64url(read.signature, "its signature")
    check_signature(text_at(protected, "alg"), chain[0], signature, message)
    payload = decoded(_unbase64url(read.payload, "its payload"), Payload, "its payload")
    stamp = text_at(read.header, NAMESPACE + "timestampSignature")
    return Signed(
        payload.target.digest, signature, protected, chain, unbase64(stamp, "its timestamp") if stamp else b""
    )


def check_header(protected: Mapping[str, Any]) -> None:
    """Raise RefusedError for a header that a verifier must not go on with, in the names that JWS has for its parts."""
    algorithm = text_at(protected, "alg")
    if algorithm not in CURVES and algorithm not in RSA_BITS:
        raise RefusedError(
            Problem.ALGORITHM, f"it is signed with the algorithm {algorithm[:40] or 'none'!r}, which is not accepted"
        )
    if text_at(protected, "cty") != PAYLOAD:
        raise RefusedError(
            Problem.PAYLOAD_TYPE, f"its payload is of the type {text_at(protected, 'cty')[:80]!r}, not {PAYLOAD}"
        )
    critical = protected.get("crit")
    named = {each for each in critical if isinstance(each, str)} if isinstance(critical, list) else set()
    unknown = named - UNDERSTOOD
    if unknown:
        raise RefusedError(Problem.MALFORMED, f"it says something critical that is not understood: {min(unknown)[:80]}")
    must = {SCHEME} | {each for each in (AUTHENTIC, EXPIRY) if each in protected}
    if not must <= named or not named <= set(protected):
        raise RefusedError(Problem.MALFORMED, "its header does not name as critical what must be")
    if text_at(protected, SCHEME) not in STORE_OF:
        raise RefusedError(Problem.MALFORMED, f"its signing scheme {text_at(protected, SCHEME)[:80]!r} is not known")


def _chain(header: Mapping[str, Any]) -> list[bytes]:
    found = header.get("x5c")
    texts = [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
    return [unbase64(each, "its certificate") for each in texts]


def load_chain(found: Sequence[bytes]) -> Iterator[x509.Certificate]:
    """Yield the certificates of a chain in DER, the signer's first; raises RefusedError for none, or too many."""
    if not found:
        raise RefusedError(Problem.NO_CERTIFICATE, CHAIN_MISSING)
    if len(found) > MAX_CHAIN:
        raise RefusedError(Problem.TOO_LARGE, f"its chain has more than {MAX_CHAIN} certificates")
    yield from map(load_certificate, found)


def check_signature(algorithm: str, certificate: x509.Certificate, signature: bytes, message: bytes) -> None:
    """Verify by the algorithm that the certificate's key demands, whatever the header wishes."""
    key = key_of(certificate)
    hashed = HASHES[algorithm[2:]]
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and CURVES.get(algorithm, ("", 0))[0] == key.curve.name:
            width = CURVES[algorithm][1]
            if len(signature) != 2 * width:
                raise InvalidSignature
            parts = (int.from_bytes(signature[:width]), int.from_bytes(signature[width:]))
            key.verify(encode_dss_signature(*parts), message, ec.ECDSA(hashed))
        elif isinstance(key, rsa.RSAPublicKey) and RSA_BITS.get(algorithm) == key.key_size:
            key.verify(signature, message, padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
        else:
            raise RefusedError(Problem.ALGORITHM, f"its algorithm {algorithm} is not that of its certificate's key")
    except (InvalidSignature, ValueError) as error:
        raise RefusedError(Problem.OTHER_KEY, "it is not signed by the key of its certificate") from error


def _proof(rule: X509Rule, signed: Signed, carried: Carried, trust: Trust) -> Proof:
    """Return the proof of an envelope; raises RefusedError for the first validation that the level enforces and that fails."""
    if signed.claim != carried.subject:
        raise RefusedError(
            Problem.OTHER_DIGEST, f"it is a signature of {signed.claim[:80] or 'nothing'}, not of {carried.subject}"
        )
    times: list[float] = []
    notes = tuple(_validated(rule, signed, trust, times))
    leaf = signed.chain[0]
    signer = Signer(fingerprint(key_of(leaf)), leaf.subject.rfc4514_string(), leaf.issuer.rfc4514_string())
    time_s = times[0] if times else 0.0
    return Proof("notation", carried.subject, signer, carried.source, time_s, notes=notes)


def _validated(rule: X509Rule, signed: Signed, trust: Trust, times: list[float]) -> Iterator[str]:
    """Run every validation; raise where one that is enforced fails, yield what is wrong where it is only told."""
    validations: tuple[tuple[str, Callable[[], None]], ...] = (
        ("authenticity", lambda: _check_authentic(rule, signed, trust)),
        ("authenticTimestamp", lambda: times.append(_check_time(signed, trust))),
        ("expiry", lambda: _check_expiry(signed, trust)),
        ("revocation", lambda: check_revocation(signed.chain, trust)),
    )
    for name, check in validations:
        try:
            check()
        except (RefusedError, CannotJudgeError) as error:
            if name in rule.enforced:
                raise
            yield f"{name}: {error}"


def _check_authentic(rule: X509Rule, signed: Signed, trust: Trust) -> None:
    """Hold the chain to the trust stores, and the signer to the identities, that the policy names."""
    check_use(signed.chain[0])
    kind = STORE_OF[text_at(signed.protected, SCHEME)]
    given = [each for store in rule.stores if store.startswith(f"{kind}:") for each in trust.stores.get(store, ())]
    given += [load_certificate(each) for pem in rule.certificates for each in certificates_of_pem(pem.encode())]
    trusted = set(map(thumbprint, given))
    if not trusted:
        missing = ", ".join(rule.stores) or "none is named"
        raise CannotJudgeError(f"no trust store has a certificate ({missing})", "give the folder: --trust-store FOLDER")
    anchors = [index for index, each in enumerate(signed.chain) if thumbprint(each) in trusted]
    if not anchors:
        raise RefusedError(
            Problem.UNTRUSTED, "its certificate is not of an authority in the trust stores that the policy names"
        )
    check_path(signed.chain[: anchors[0] + 1])
    if "*" not in rule.subjects and not any(_has_parts(signed.chain[0].subject, each) for each in rule.subjects):
        why = f"it is signed by {signed.chain[0].subject.rfc4514_string()}, who is none of those that the policy names"
        raise RefusedError(Problem.IDENTITY, why)


def _has_parts(subject: x509.Name, wanted: str) -> bool:
    """Tell whether a subject has all parts of a distinguished name that a policy tells (RFC 4514)."""
    try:
        parts = x509.Name.from_rfc4514_string(wanted)
    except ValueError:
        return False
    found = {(each.oid, each.value) for each in subject}
    return all((each.oid, each.value) in found for each in parts)


def _check_time(signed: Signed, trust: Trust) -> float:
    """Hold the chain to the time of signing that is proven, else to now; return the proven time, else 0."""
    if text_at(signed.protected, SCHEME) == SIGNING_AUTHORITY:
        time_s = _time(signed.protected, AUTHENTIC)
        if time_s > trust.now_s:
            raise RefusedError(Problem.FUTURE, "it is dated in the future")
        check_life(signed.chain, time_s)
        return time_s
    if signed.timestamp and trust.timestamp_authorities:
        time_s = max(stamped_times((response_of(signed.timestamp),), signed.signature, trust))
        check_life(signed.chain, time_s)
        return time_s
    try:
        check_life(signed.chain, trust.now_s)
    except RefusedError as error:
        why = "its certificate is not valid now, and no timestamp that is trusted proves that it was signed when it was"
        raise RefusedError(Problem.OUTSIDE_LIFE, why) from error
    return 0.0


def _check_expiry(signed: Signed, trust: Trust) -> None:
    if EXPIRY in signed.protected and _time(signed.protected, EXPIRY) <= trust.now_s:
        raise RefusedError(Problem.EXPIRED, f"it says itself that it expired on {text_at(signed.protected, EXPIRY)}")


def _time(protected: Mapping[str, Any], name: str) -> float:
    try:
        found = datetime.fromisoformat(text_at(protected, name))
        if found.tzinfo is None:
            raise ValueError
        return found.timestamp()
    except ValueError as error:
        raise RefusedError(Problem.MALFORMED, f"its {name.removeprefix(NAMESPACE)} is no time") from error


def _unbase64url(text: str, what: str) -> bytes:
    if not _BASE64URL.match(text):
        raise RefusedError(Problem.MALFORMED, f"{what} is no base64")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError) as error:
        raise RefusedError(Problem.MALFORMED, f"{what} is no base64") from error
