"""Certificates of signers: paths to those that are trusted, at the time of signing, and what they say of a signer.

RFC 5280 without name constraints and policies, whose presence as critical refuses a certificate; Fulcio's extensions.
"""

from __future__ import annotations

import hashlib
import re
import ssl
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from transom.images.signatures.keys import checked
from transom.images.signatures.refusing import RefusedError
from transom.model.signatures import Problem, Signer

if TYPE_CHECKING:
    from transom.images.signatures.keys import PublicKey

MAX_CERTIFICATE_BYTES = 32 * 1024  # Fulcio's have 1 KB; one with a thousand names has 30
MAX_CHAIN = 10  # certificates from a signer's to the root; honest ones have 2 to 4
MAX_CHAIN_BYTES = MAX_CHAIN * MAX_CERTIFICATE_BYTES
CERTIFICATES_KEPT = 1_000
UNREADABLE = (
    *(ValueError, UnsupportedAlgorithm, CryptographyDeprecationWarning),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
FULCIO = "1.3.6.1.4.1.57264.1."
OTHER_NAME = "1.3.6.1.4.1.57264.1.7"  # a user name that is no mail address
_CLAIMS = (
    "2 trigger, 3 sha, 4 workflow, 5 repository, 6 ref, "  # of GitHub, as they stand
    "9 buildSignerURI, 10 buildSignerDigest, 11 runnerEnvironment, 12 sourceRepositoryURI, 13 sourceRepositoryDigest, "
    "14 sourceRepositoryRef, 15 sourceRepositoryIdentifier, 16 sourceRepositoryOwnerURI, 17 sourceRepositoryOwnerIdentifier, "
    "18 buildConfigURI, 19 buildConfigDigest, 20 buildTrigger, 21 runInvocationURI, 22 sourceRepositoryVisibility"
)
CLAIMS: Mapping[str, str] = dict(each.split(" ") for each in _CLAIMS.split(", "))
"""What Fulcio's extensions say of a workflow, by the last number of their OIDs."""

_PLAIN = frozenset(("1", "2", "3", "4", "5", "6"))  # texts as they are; later ones are UTF8Strings in DER
_KNOWN_CRITICAL = frozenset(
    (
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    )
)
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@lru_cache(CERTIFICATES_KEPT)
def load_certificate(der: bytes) -> x509.Certificate:
    """Return a certificate in DER; raises RefusedError."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise RefusedError(Problem.TOO_LARGE, f"its certificate is larger than {MAX_CERTIFICATE_BYTES // 1024} KiB")
    with warnings.catch_warnings():
        warnings.simplefilter("error", CryptographyDeprecationWarning)  # what a later version refuses is refused now
        try:
            found = x509.load_der_x509_certificate(der)
            list(found.extensions)  # what cannot be read of them is told here, and nowhere later
            checked(found.public_key())
        except UNREADABLE as error:
            raise RefusedError(Problem.MALFORMED, f"its certificate cannot be read: {error}") from error
    return found


def certificates_of_pem(content: bytes) -> tuple[bytes, ...]:
    """Return the certificates of a PEM text in DER; raises RefusedError."""
    if len(content) > MAX_CHAIN_BYTES:
        raise RefusedError(Problem.TOO_LARGE, f"its certificates are larger than {MAX_CHAIN_BYTES // 1024} KiB")
    blocks = _PEM.findall(content)
    if len(blocks) > MAX_CHAIN:
        raise RefusedError(Problem.TOO_LARGE, f"its chain has more than {MAX_CHAIN} certificates")
    try:
        return tuple(ssl.PEM_cert_to_DER_cert(each.decode("ascii")) for each in blocks)
    except ValueError as error:
        raise RefusedError(Problem.MALFORMED, f"its certificate cannot be read: {error}") from error


def key_of(certificate: x509.Certificate) -> PublicKey:
    """Return the key of a certificate, which was checked when that was loaded."""
    return checked(certificate.public_key())


def thumbprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of a certificate in hex."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def check_path(path: Sequence[x509.Certificate]) -> None:
    """Hold a path, the signer's certificate first and the trusted one last, to its signatures; raises RefusedError.

    Whether it was valid at some time is asked of `check_life`.
    """
    if len(path) > MAX_CHAIN:
        raise RefusedError(Problem.TOO_LARGE, f"its chain has more than {MAX_CHAIN} certificates")
    for depth, certificate in enumerate(path):
        _check_critical(certificate)
        if depth:
            _check_authority(certificate, depth - 1)
    for issued, issuer in pairwise(path):
        try:
            issued.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise RefusedError(
                Problem.UNTRUSTED, "its certificate is not signed by an authority that is trusted"
            ) from error


def check_life(path: Sequence[x509.Certificate], at_s: float) -> None:
    """Raise RefusedError where a certificate of a path was not valid at a time."""
    at = datetime.fromtimestamp(at_s, UTC)
    for depth, certificate in enumerate(path):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            whose = "its certificate" if not depth else "an authority of its certificate"
            life = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} to {certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S}"
            why = f"{whose} was valid from {life} UTC, but it was signed at {at:%Y-%m-%d %H:%M:%S}"
            raise RefusedError(Problem.OUTSIDE_LIFE, why)


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _KNOWN_CRITICAL:
            why = f"its certificates have a critical extension that is not known ({extension.oid.dotted_string})"
            raise RefusedError(Problem.UNTRUSTED, why)


def _check_authority(certificate: x509.Certificate, below: int) -> None:
    """Raise RefusedError for a certificate that may not sign others; below: authorities between it and the signer."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        constraints = x509.BasicConstraints(ca=False, path_length=None)
    usage = _usage(certificate)
    may_sign = constraints.ca and (usage is None or usage.key_cert_sign)
    if not may_sign or (constraints.path_length is not None and below > constraints.path_length):
        raise RefusedError(Problem.UNTRUSTED, "its certificate is signed by one that is no authority")


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def check_use(certificate: x509.Certificate) -> None:
    """Raise RefusedError for a signer's certificate that is an authority's, or is not meant for signing code."""
    try:
        if certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise RefusedError(
                Problem.WRONG_USE, "its certificate is that of an authority, which signs nothing but certificates"
            )
    except x509.ExtensionNotFound:
        pass
    usage = _usage(certificate)
    try:
        uses = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        uses = []
    if usage is None or not usage.digital_signature or ExtendedKeyUsageOID.CODE_SIGNING not in uses:
        raise RefusedError(Problem.WRONG_USE, "its certificate is not for signing code")


def signer_of(certificate: x509.Certificate) -> Signer:
    """Return whom one of Fulcio's certificates names, and what it says of a workflow; raises RefusedError."""
    told = dict(_fulcio(certificate))
    issuers = {told[each] for each in ("1", "8") if each in told}
    if len(issuers) > 1:
        raise RefusedError(Problem.MALFORMED, "its certificate names two issuers")
    names = _names(certificate)
    if len(names) != 1:
        raise RefusedError(Problem.MALFORMED, f"its certificate names {len(names)} signers, not one")
    claims = {name: told[number] for number, name in CLAIMS.items() if number in told}
    return Signer(subject=names[0], issuer=next(iter(issuers), ""), claims=claims)


def _fulcio(certificate: x509.Certificate) -> Iterator[tuple[str, str]]:
    for extension in certificate.extensions:
        number = extension.oid.dotted_string.removeprefix(FULCIO)
        if number != extension.oid.dotted_string and isinstance(extension.value, x509.UnrecognizedExtension):
            raw = extension.value.value
            yield number, raw.decode("utf-8", "replace") if number in _PLAIN else _utf8_string(raw)


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    others = [each for each in names.get_values_for_type(x509.OtherName) if each.type_id.dotted_string == OTHER_NAME]
    return [
        *names.get_values_for_type(x509.UniformResourceIdentifier),
        *names.get_values_for_type(x509.RFC822Name),
        *(_utf8_string(each.value) for each in others),
    ]


def _utf8_string(der: bytes) -> str:
    """Return the text of a UTF8String in DER (X.690, 8.21), "" for anything else."""
    if len(der) < 2 or der[0] != 0x0C:
        return ""
    length, start = der[1], 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(der[2 : 2 + count]), 2 + count
    return der[start:].decode("utf-8", "replace") if len(der) == start + length else ""


def check_sct(certificate: x509.Certificate, issuer: x509.Certificate, logs: Mapping[bytes, PublicKey]) -> None:
    """Raise RefusedError where no certificate transparency log that is trusted signed a certificate (RFC 6962, 3.2)."""
    from transom.images.signatures.keys import encoded, has_signed

    try:
        extension = certificate.extensions.get_extension_for_class(x509.PrecertificateSignedCertificateTimestamps)
    except x509.ExtensionNotFound:
        raise RefusedError(Problem.NO_SCT, "its certificate has no proof that it was made public (SCT)") from None
    body = certificate.tbs_precertificate_bytes
    issuer_hash = hashlib.sha256(encoded(key_of(issuer))).digest()
    for sct in extension.value:
        key = logs.get(sct.log_id)
        since = sct.timestamp.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        milliseconds = since.days * 86_400_000 + since.seconds * 1_000 + since.microseconds // 1_000
        extra = sct.extension_bytes
        message = b"".join(
            (
                b"\0\0"
                + milliseconds.to_bytes(8)
                + b"\0\1"
                + issuer_hash,  # version 1, a timestamp of a precertificate
                len(body).to_bytes(3) + body,
                len(extra).to_bytes(2) + extra,
            )
        )
        if key is not None and has_signed(key, sct.signature, message):
            return
    raise RefusedError(
        Problem.NO_SCT, "the proof that its certificate was made public (SCT) is of no log that is trusted"
    )
