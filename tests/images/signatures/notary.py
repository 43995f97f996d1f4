"""A notary of one's own: certificates for signing code, and JWS envelopes as notation writes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.images.signatures.signing import NOW, Authority, Kept, b64, named, new_key, usage
from transom.images.signatures.trust import Trust, trust_of
from transom.registry.blobs import Descriptor

JWS, PAYLOAD = "application/jose+json", "application/vnd.cncf.notary.payload.v1+json"
SCHEME, SIGNED, AUTHENTIC, EXPIRY = (
    f"io.cncf.notary.{each}" for each in ("signingScheme", "signingTime", "authenticSigningTime", "expiry")
)
SIZES = {256: 32, 384: 48, 521: 66}
ALGORITHMS = {256: ("ES256", hashes.SHA256()), 384: ("ES384", hashes.SHA384()), 521: ("ES512", hashes.SHA512())}


def b64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class Notary:
    """An authority whose certificates sign images."""

    def __init__(self) -> None:
        self.authority = Authority()

    def certificate(
        self,
        key: Any,
        name: str = "signer",
        start: datetime = NOW - timedelta(days=30),
        days: int = 365,
        use: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
        extra: Sequence[x509.ExtensionType] = (),
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(self.authority.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
            .add_extension(usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        )
        for each in extra:
            builder = builder.add_extension(each, critical=False)
        return builder.sign(self.authority.key, hashes.SHA256())

    def envelope(
        self,
        digest: str,
        key: Any = None,
        certificate: x509.Certificate | None = None,
        header: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        key = key or new_key()
        certificate = certificate or self.certificate(key)
        protected: dict[str, Any] = {
            "alg": algorithm(key)[0],
            "cty": PAYLOAD,
            SCHEME: "notary.x509",
            SIGNED: NOW.isoformat(),
            "crit": [SCHEME],
        }
        protected.update(header or {})
        protected["crit"] = [*protected["crit"], *(each for each in (AUTHENTIC, EXPIRY) if each in protected)]
        payload = {
            "targetArtifact": {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": 1}
        }
        parts = b64url(json.dumps(protected).encode()), b64url(json.dumps(payload).encode())
        chain = [certificate, *self.authority.path]
        return {
            "protected": parts[0],
            "payload": parts[1],
            "header": {"x5c": [b64(each.public_bytes(Encoding.DER)) for each in chain]},
            "signature": b64url(sign(key, ".".join(parts).encode())),
        }

    def cose(
        self,
        digest: str,
        key: Any = None,
        certificate: x509.Certificate | None = None,
        header: dict[Any, Any] | None = None,
        payload: bytes | None = None,
        chain: list[bytes] | None = None,
    ) -> bytes:
        import cbor2

        key = key or new_key()
        certificate = certificate or self.certificate(key)
        labels = {"ES256": -7, "ES384": -35, "ES512": -36, "PS256": -37, "PS384": -38}
        protected: dict[Any, Any] = {
            1: labels[algorithm(key)[0]],
            2: [SCHEME],
            3: PAYLOAD,
            SCHEME: "notary.x509",
            SIGNED: cbor2.CBORTag(1, int(NOW.timestamp())),
        }
        protected.update(header or {})
        protected[2] = [*protected[2], *(each for each in (AUTHENTIC, EXPIRY) if each in protected)]
        raw = cbor2.dumps(protected)
        told = json.dumps({"targetArtifact": {"digest": digest}}).encode()
        signature = sign(key, cbor2.dumps(["Signature1", raw, b"", told]))
        path = [each.public_bytes(Encoding.DER) for each in (certificate, *self.authority.path)]
        beside = {33: path if chain is None else chain}
        return cbor2.dumps(cbor2.CBORTag(18, [raw, beside, payload or told, signature]))

    def attach(self, repository: Kept, image: Descriptor, **how: Any) -> None:
        repository.refer(image.digest, json.dumps(self.envelope(image.digest, **how)).encode(), JWS)

    def trust(self, store: str = "ca:acme", now: datetime = NOW, **more: Any) -> Trust:
        return trust_of(now.timestamp(), stores={store: (self.authority.root,)}, **more)

    def crl(
        self, *revoked: x509.Certificate, ends: datetime = NOW + timedelta(days=7)
    ) -> x509.CertificateRevocationList:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.authority.certificate.subject)
            .last_update(NOW - timedelta(days=60))
            .next_update(ends)
        )
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(NOW).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.authority.key, hashes.SHA256())


def algorithm(key: Any) -> tuple[str, hashes.HashAlgorithm]:
    if isinstance(key, rsa.RSAPrivateKey):
        return {2048: ("PS256", hashes.SHA256()), 3072: ("PS384", hashes.SHA384())}[key.key_size]
    return ALGORITHMS[key.key_size]


def sign(key: Any, message: bytes) -> bytes:
    hashed = algorithm(key)[1]
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
    width = SIZES[key.key_size]
    parts = decode_dss_signature(key.sign(message, ec.ECDSA(hashed)))
    return b"".join(each.to_bytes(width, "big") for each in parts)
