"""From a signature to a proof: by a key, or by a certificate whose time is proven. What a signature says is read last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import Certificate
from msgspec import Struct

from transom.images.signatures.certificates import (
    check_life,
    check_path,
    check_sct,
    check_use,
    key_of,
    load_certificate,
    signer_of,
)
from transom.images.signatures.identities import check_signer
from transom.images.signatures.keys import PublicKey, encoded, fingerprint, has_signed
from transom.images.signatures.log import Logged, check_body, verify_entry
from transom.images.signatures.materials import Material
from transom.images.signatures.refusing import CannotJudgeError, RefusedError
from transom.images.signatures.timestamps import stamped_times
from transom.images.signatures.trust import CertificateAuthority, Trust
from transom.model.signatures import Identity, Problem, Signer

NO_ROOT = "give sigstore's trusted root: --trusted-root trusted_root.json"


class Proven(Struct, frozen=True):
    """That somebody signed. time_s: when, 0 where nothing was asked that proves it; log_index: of the entry that does."""

    signer: Signer
    time_s: float = 0.0
    log_index: int = -1


def by_key(
    material: Material, keys: Sequence[PublicKey], trust: Trust, *, log: bool = False, timestamp: bool = False
) -> Proven:
    """Prove that one of the keys signed; raises RefusedError and CannotJudgeError.

    log, timestamp: whether an entry of a transparency log, or an authority's timestamp, is asked for.
    """
    key = next((each for each in keys if has_signed(each, material.signature, material.message)), None)
    if key is None:
        wanted = " or ".join(fingerprint(each)[:16] for each in keys)
        raise RefusedError(Problem.OTHER_KEY, f"it is not signed by the key {wanted}")
    times: list[float] = []
    if log:
        if not trust.logs:
            raise CannotJudgeError("a log entry is asked for, but no log's key is known", NO_ROOT)
        if not material.entries:
            raise RefusedError(Problem.NO_LOG_ENTRY, "it has no entry of a transparency log, which the policy asks for")
        times += _log_times(material, tuple(_names_of(key, material)), trust)
    if timestamp:
        if not material.timestamps:
            raise RefusedError(Problem.TIMESTAMP, "it has no timestamp of an authority, which the policy asks for")
        times += stamped_times(material.timestamps, material.stamped, trust)
    index = material.entries[0].number if log else -1
    return Proven(Signer(key=fingerprint(key)), max(times, default=0.0), index)


def by_identity(material: Material, identities: Sequence[Identity], trust: Trust) -> Proven:
    """Prove that one who may sign signed, with a certificate that was valid then; raises RefusedError and CannotJudgeError."""
    if not material.certificate:
        raise RefusedError(
            Problem.NO_CERTIFICATE, "it is signed by a bare key, and a certificate's identity is asked for"
        )
    certificate = load_certificate(material.certificate)
    check_use(certificate)
    signer = signer_of(certificate)
    if not trust.authorities:
        raise CannotJudgeError("an identity is asked for, but no authority for identities is known", NO_ROOT)
    if material.bundle:
        from transom.images.signatures.keyless import verify_bundle

        time_s = verify_bundle(material, trust)
    else:
        time_s = _verify_annotated(material, trust)
    check_signer(signer, identities)
    return Proven(signer, time_s, material.entries[0].number if material.entries else -1)


def _verify_annotated(material: Material, trust: Trust) -> float:
    """Verify what cosign 1 and 2 keep beside a signature: a certificate, and a log's promise or a timestamp."""
    certificate = load_certificate(material.certificate)
    if not has_signed(key_of(certificate), material.signature, material.message):
        raise RefusedError(Problem.OTHER_KEY, "it is not signed by the key of its certificate")
    times = [each for each in _log_times(material, (material.certificate,), trust) if each]
    times += stamped_times(material.timestamps, material.stamped, trust)
    if not times:
        if not material.entries:
            raise RefusedError(
                Problem.NO_LOG_ENTRY, "it has neither a log entry nor a timestamp to prove when it was made"
            )
        raise RefusedError(Problem.NO_TIME, "nothing proves when it was made")
    _check_issued(certificate, times, trust)
    return max(times)


def _check_issued(certificate: Certificate, times: Sequence[float], trust: Trust) -> None:
    """Raise RefusedError where no authority that is trusted issued a certificate for the times, and made that public."""
    issuers = [each for each in trust.authorities if _has_issued(each, certificate)]
    refusal = RefusedError(Problem.UNTRUSTED, "its certificate is not of an authority that is trusted")
    for authority in issuers:  # one that was renewed stands there twice, with the same key
        try:
            _check_authority(certificate, authority, times)
            check_sct(certificate, authority.path[0], trust.ct_logs)
        except RefusedError as error:
            refusal = error
        else:
            return
    raise refusal


def _has_issued(authority: CertificateAuthority, certificate: Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority.path[0])
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _check_authority(certificate: Certificate, authority: CertificateAuthority, times: Sequence[float]) -> None:
    path = (certificate, *authority.path)
    check_path(path)
    for time_s in times:
        check_life(path, time_s)
        if not authority.start_s <= time_s <= authority.end_s:
            raise RefusedError(Problem.UNTRUSTED, "its authority was not in use when it was made")


def _names_of(key: PublicKey, material: Material) -> Iterator[bytes]:
    """Yield what an entry may name as the verifier: the key itself, or a certificate of it, never any other."""
    yield encoded(key)
    if material.certificate and encoded(key_of(load_certificate(material.certificate))) == encoded(key):
        yield material.certificate


def _log_times(material: Material, verifiers: tuple[bytes, ...], trust: Trust) -> list[float]:
    payload = material.envelope.payload if material.envelope else b""
    logged = Logged(material.message, material.signature, verifiers, payload, material.raw_envelope)
    times = []
    for entry in material.entries:
        time_s = verify_entry(entry, trust.logs, trust.now_s)
        check_body(entry, logged)
        times.append(time_s)
    return times
