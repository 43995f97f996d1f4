"""Certificates of a scratch cluster: one authority, servers, and users as Kubernetes knows them (X.509 subjects)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

LIFETIME = timedelta(days=7)  # a scratch cluster that lives longer is no scratch cluster
SKEW = timedelta(hours=1)  # so that a clock that is a little behind takes a new certificate
SERVICE_ACCOUNT_KEY_BITS = 2048  # what Kubernetes signs tokens with by default


class Pair(Struct, frozen=True):
    """A certificate and its key, both PEM."""

    certificate: bytes
    key: bytes


class Authority:
    """A certificate authority that exists in memory only."""

    def __init__(self, name: str = "scratch") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = _builder(subject, subject, self._key.public_key(), LIFETIME).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pair(self) -> Pair:
        """The authority's own certificate and key, for a controller that signs in its name."""
        return Pair(self.pem, _key_pem(self._key))

    def user(self, name: str, groups: Sequence[str] = (), lifetime: timedelta = LIFETIME) -> Pair:
        """Return what lets a user in: the common name is the user's, each organization a group."""
        attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
        return self._issue(x509.Name(attributes), ExtendedKeyUsageOID.CLIENT_AUTH, (), lifetime)

    def server(self, name: str, hosts: Sequence[str], lifetime: timedelta = LIFETIME) -> Pair:
        """Return the certificate of a server that is reached under these names and addresses."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        return self._issue(subject, ExtendedKeyUsageOID.SERVER_AUTH, hosts, lifetime)

    def _issue(
        self, subject: x509.Name, usage: x509.ObjectIdentifier, hosts: Sequence[str], lifetime: timedelta
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        made = _builder(subject, self._certificate.subject, key.public_key(), lifetime)
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if hosts:
            made = made.add_extension(x509.SubjectAlternativeName(list(map(_alternative, hosts))), critical=False)
        signed = made.sign(self._key, hashes.SHA256())
        return Pair(signed.public_bytes(serialization.Encoding.PEM), _key_pem(key))


def service_account_key() -> tuple[bytes, bytes]:
    """Return the private and the public key, PEM, of service accounts' tokens."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=SERVICE_ACCOUNT_KEY_BITS)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _key_pem(key), public


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + lifetime)
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
