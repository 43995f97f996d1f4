"""Whether a certificate was taken back, by the revocation lists that a person gives (RFC 5280, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from transom.images.signatures.refusing import CannotJudgeError, RefusedError
from transom.model.signatures import Problem

if TYPE_CHECKING:
    from transom.images.signatures.trust import Trust

WHERE_REVOCATION_IS_TOLD = (x509.CRLDistributionPoints, x509.AuthorityInformationAccess)


def check_revocation(path: Sequence[x509.Certificate], trust: Trust) -> None:
    """Hold each certificate of a path but the last to the list of who issued it.

    Raises RefusedError for one that was revoked; CannotJudgeError where it says that such a list exists and none is given.
    """
    for certificate, issuer in pairwise(path):
        lists = [each for each in trust.crls if each.issuer == issuer.subject and _is_signed_by(each, issuer)]
        for each in lists:
            entry = each.get_revoked_certificate_by_serial_number(certificate.serial_number)
            if entry is not None:
                name, since = certificate.subject.rfc4514_string(), entry.revocation_date_utc
                raise RefusedError(Problem.REVOKED, f"the certificate of {name} was revoked on {since:%Y-%m-%d}")
        _check_known(certificate, lists, trust.now_s)


def _check_known(certificate: x509.Certificate, lists: Sequence[x509.CertificateRevocationList], now_s: float) -> None:
    name = certificate.subject.rfc4514_string()
    if not lists:
        if any(_has(certificate, kind) for kind in WHERE_REVOCATION_IS_TOLD):
            reason = f"whether the certificate of {name} was revoked is not known"
            raise CannotJudgeError(reason, "give the revocation list of its authority: --crl FILE")
        return
    ends = [each.next_update_utc for each in lists if each.next_update_utc is not None]
    if ends and max(ends).timestamp() < now_s:
        reason = f"the revocation list for the certificate of {name} ended on {max(ends):%Y-%m-%d}"
        raise CannotJudgeError(reason, "fetch a newer one: --crl FILE")


def _has(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    try:
        certificate.extensions.get_extension_for_class(kind)
    except x509.ExtensionNotFound:
        return False
    return True


def _is_signed_by(found: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return found.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False
