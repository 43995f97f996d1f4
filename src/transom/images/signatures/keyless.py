"""Sigstore's bundles with certificates, verified by sigstore's own library against a root that a person gave. Offline.

The library says what is wrong in its own words; the table below tells them apart, so that each has its message.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding

from transom.images.signatures.certificates import check_life, load_certificate
from transom.images.signatures.log import SKEW_S
from transom.images.signatures.materials import Material
from transom.images.signatures.refusing import CannotJudgeError, RefusedError
from transom.images.signatures.timestamps import stamped_times
from transom.images.signatures.trust import Trust
from transom.model.signatures import Problem

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

ROOTS_KEPT = 16  # verifiers that are kept ready; a policy file has one or two
_MEANINGS = (
    ("expected exactly one log entry", Problem.NO_LOG_ENTRY, "it has no entry of a transparency log, or several"),
    ("entry must contain inclusion proof", Problem.LOG_FORGED, "its log entry has no proof that it is in the log"),
    ("must contain an inclusion promise or signed", Problem.NO_TIME, "nothing proves when it was made"),
    ("bundle must contain an inclusion promise", Problem.NO_TIME, "nothing proves when it was made"),
    ("Timestamp Authorities", Problem.TIMESTAMP, "it has a timestamp, but no timestamp authority is trusted here"),
    ("Invalid Timestamp Response", Problem.TIMESTAMP, "its timestamp cannot be read"),
    ("duplicate timestamp", Problem.TIMESTAMP, "it has the same timestamp twice"),
    ("Integrated time only supported", Problem.LOG_MISMATCH, "its log entry is of a kind that is not known"),
    ("not enough sources of verified time", Problem.NO_TIME, "nothing that is trusted proves when it was made"),
    (
        "failed to build timestamp certificate chain",
        Problem.UNTRUSTED,
        "its certificate is not of an authority that is trusted",
    ),
    (
        "failed to verify SCT",
        Problem.NO_SCT,
        "no log that is trusted proves that its certificate was made public (SCT)",
    ),
    ("Key usage", Problem.WRONG_USE, "its certificate is not for signing code"),
    ("Extended usage", Problem.WRONG_USE, "its certificate is not for signing code"),
    ("expired at time of signing", Problem.OUTSIDE_LIFE, "its certificate was not valid when it was made"),
    ("invalid log entry", Problem.LOG_FORGED, "its log entry is not what the log signed"),
    ("log entry", Problem.LOG_MISMATCH, "its log entry is that of another signature"),
    ("Unsupported", Problem.LOG_MISMATCH, "its log entry is of a kind that is not known"),
    ("Expected entry type", Problem.LOG_MISMATCH, "its log entry is that of another kind of signature"),
    ("message digest mismatch", Problem.OTHER_DIGEST, "its bundle is of another digest than the image has"),
    ("ignature", Problem.OTHER_KEY, "it is not signed by the key of its certificate"),
)
"""What sigstore's library says, the most telling words first: the problem, and how we say it."""


class _NoPolicy:
    """What the library asks about identities is answered elsewhere, with a message for each difference."""

    def verify(self, cert: Certificate) -> None:
        """Accept the certificate: `identities.check_signer` decides."""


@lru_cache(ROOTS_KEPT)
def _verifier(root: bytes) -> Any:
    try:
        from sigstore.models import TrustedRoot
        from sigstore.verify import Verifier
    except ImportError as error:
        reason = "identities in sigstore's bundles cannot be verified: sigstore's library is not installed"
        raise CannotJudgeError(reason, "pip install 'transom[sigstore]'") from error
    logging.getLogger("sigstore").setLevel(logging.ERROR)  # it warns of what is told as a refusal here
    with tempfile.NamedTemporaryFile(suffix=".json") as file:  # the library takes a trusted root from a file alone
        file.write(root)
        file.flush()
        try:
            return Verifier(trusted_root=TrustedRoot.from_file(file.name))
        except Exception as error:
            raise CannotJudgeError(f"the trusted root cannot be used: {error}", "export it again") from error


def verify_bundle(material: Material, trust: Trust) -> float:
    """Verify a bundle whole, and return when it was made; raises RefusedError and CannotJudgeError."""
    verifier = _verifier(trust.root)
    times = list(_times(material, trust))
    try:
        from sigstore.models import Bundle

        bundle = Bundle.from_json(material.bundle)
        if material.envelope is not None:
            proven = verifier.verify_dsse(bundle, _NoPolicy())
        else:
            verifier.verify_artifact(material.message, bundle, _NoPolicy())
            proven = None
        certificate = bundle.signing_certificate.public_bytes(Encoding.DER)
    except Exception as error:  # whatever the library trips over in bytes of strangers, nothing is proven
        raise _refusal(str(error)) from error
    said = (material.envelope.payload_type, material.envelope.payload) if material.envelope else None
    if certificate != material.certificate or proven != said:  # one of two readers was led to something else
        raise RefusedError(Problem.MALFORMED, "its bundle says one thing twice, and not the same")
    return max(times, default=0.0)


def _times(material: Material, trust: Trust) -> Iterator[float]:
    """Yield the times that a promise or a timestamp covers; what the library proves of them it proves after this.

    Refuse what it takes, entries of the future; and tell the end of a certificate from an authority that is not trusted.
    """
    promised = [float(each.time_s) for each in material.entries if each.promise]
    if max(promised, default=0.0) > trust.now_s + SKEW_S:
        raise RefusedError(Problem.FUTURE, "its log entry is dated in the future")
    for time_s in (*promised, *stamped_times(material.timestamps, material.stamped, trust)):
        check_life((load_certificate(material.certificate),), time_s)
        yield time_s


def _refusal(text: str) -> RefusedError:
    for words, problem, why in _MEANINGS:
        if words in text:
            return RefusedError(problem, why)
    return RefusedError(Problem.MALFORMED, f"its bundle cannot be read: {text[:200]}")
