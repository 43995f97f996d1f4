"""Timestamps of an authority of one's own: they prove when, where no log does."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.images.signatures.asking import by_identity, by_key, outcome, refused
from tests.images.signatures.signing import (
    BUNDLE,
    SIMPLE,
    Authority,
    Kept,
    Sigstore,
    an_image,
    b64,
    envelope,
    key_bundle,
    named,
    new_key,
    signed,
    simple_payload,
    statement,
    usage,
)
from transom.images.signatures.timestamps import response_of, stamped_times
from transom.images.signatures.trust import Trust, trust_of
from transom.model.signatures import Problem

pytest.importorskip("rfc3161_client", reason="there is no rfc3161-client here: pip install 'transom[sigstore]'")
CONFIG = """[tsa]
default_tsa = made
[made]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""


class Stamper:
    """A timestamp authority: its certificate, and OpenSSL to answer for it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.authority, key = folder, Authority(datetime.now(UTC) - timedelta(days=9)), new_key()
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(named("stamper"))
            .issuer_name(self.authority.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=99))
            .add_extension(usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(self.authority.key, hashes.SHA256())
        )
        (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "certificate.pem").write_bytes(self.certificate.public_bytes(Encoding.PEM))
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01")

    def stamp(self, message: bytes) -> bytes:
        (self.folder / "message").write_bytes(message)
        self._openssl("-query", "-data", "message", "-sha256", "-cert", "-out", "query")
        words = ("-inkey", "key.pem", "-signer", "certificate.pem", "-out", "reply")
        self._openssl("-reply", "-config", "tsa.cnf", "-queryfile", "query", *words)
        return (self.folder / "reply").read_bytes()

    def token(self, message: bytes) -> bytes:
        self.stamp(message)
        self._openssl("-reply", "-config", "tsa.cnf", "-in", "reply", "-token_out", "-out", "token")
        return (self.folder / "token").read_bytes()

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", "ts", *words], cwd=self.folder, check=True, capture_output=True)

    @property
    def told(self) -> list[dict[str, Any]]:
        path = [self.certificate, *self.authority.path]
        certificates = [{"rawBytes": b64(each.public_bytes(Encoding.DER))} for each in path]
        since = {"start": "2020-01-01T00:00:00Z"}
        named_so = {"organization": "acme", "commonName": "stamper"}
        return [
            {
                "subject": named_so,
                "uri": "https://tsa.example.com",
                "certChain": {"certificates": certificates},
                "validFor": since,
            }
        ]


@pytest.fixture(scope="module")
def stamper(tmp_path_factory: pytest.TempPathFactory) -> Stamper:
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl here, which answers as a timestamp authority")
    return Stamper(tmp_path_factory.mktemp("stamper"))


def trust(sigstore: Sigstore, stamper: Stamper | None) -> Trust:
    authorities = stamper.told if stamper else []
    return trust_of(datetime.now(UTC).timestamp(), sigstore.root(timestampAuthorities=authorities))


def annotated(
    sigstore: Sigstore, stamper: Stamper, digest: str, message: bytes | None = None
) -> tuple[bytes, str, dict[str, str]]:
    key = new_key()
    payload, kind, notes = sigstore.annotated(digest, key=key, certificate=sigstore.certificate(key, datetime.now(UTC)))
    del notes["dev.sigstore.cosign/bundle"]
    import base64

    signature = base64.b64decode(notes["dev.cosignproject.cosign/signature"])
    told = {"SignedRFC3161Timestamp": b64(stamper.stamp(message or signature))}
    return payload, kind, {**notes, "dev.sigstore.cosign/rfc3161timestamp": json.dumps(told)}


def test_a_timestamp_stands_for_a_log(sigstore: Sigstore, stamper: Stamper, repository: Kept) -> None:
    image = an_image(repository)
    repository.tag(image.digest, ".sig", annotated(sigstore, stamper, image.digest))
    (proof,) = outcome(repository, image, by_identity(), trust(sigstore, stamper)).proofs
    assert abs(proof.time_s - datetime.now(UTC).timestamp()) < 60


def test_a_timestamp_of_another_signature(sigstore: Sigstore, stamper: Stamper, repository: Kept) -> None:
    image = an_image(repository)
    repository.tag(image.digest, ".sig", annotated(sigstore, stamper, image.digest, b"another"))
    assert refused(repository, image, by_identity(), trust(sigstore, stamper)) is Problem.TIMESTAMP


def test_an_authority_that_nobody_trusts(
    sigstore: Sigstore, stamper: Stamper, repository: Kept, tmp_path: Path
) -> None:
    image = an_image(repository)
    repository.tag(image.digest, ".sig", annotated(sigstore, stamper, image.digest))
    assert refused(repository, image, by_identity(), trust(sigstore, None)) is Problem.TIMESTAMP
    assert refused(repository, image, by_identity(), trust(sigstore, Stamper(tmp_path))) is Problem.TIMESTAMP


def test_a_timestamp_outside_the_certificates_life(sigstore: Sigstore, stamper: Stamper, repository: Kept) -> None:
    image, key = an_image(repository), new_key()
    payload = simple_payload(image.digest)
    signature = signed(key, payload)
    certificate = sigstore.certificate(key, datetime.now(UTC) - timedelta(days=2)).public_bytes(Encoding.PEM).decode()
    notes = {
        "dev.cosignproject.cosign/signature": b64(signature),
        "dev.sigstore.cosign/certificate": certificate,
        "dev.sigstore.cosign/rfc3161timestamp": json.dumps({"SignedRFC3161Timestamp": b64(stamper.stamp(signature))}),
    }
    repository.tag(image.digest, ".sig", (payload, SIMPLE, notes))
    assert refused(repository, image, by_identity(), trust(sigstore, stamper)) is Problem.OUTSIDE_LIFE


def test_a_bundle_with_a_timestamp_needs_no_promise(sigstore: Sigstore, stamper: Stamper, repository: Kept) -> None:
    pytest.importorskip("sigstore", reason="there is no sigstore here: pip install 'transom[sigstore]'")
    image, key, now = an_image(repository), new_key(), datetime.now(UTC)
    made = json.loads(sigstore.bundle(statement(image.digest), now, key, sigstore.certificate(key, now)))
    material = made["verificationMaterial"]
    del material["tlogEntries"][0]["inclusionPromise"]
    import base64

    signature = base64.b64decode(made["dsseEnvelope"]["signatures"][0]["sig"])
    material["timestampVerificationData"] = {"rfc3161Timestamps": [{"signedTimestamp": b64(stamper.stamp(signature))}]}
    repository.refer(image.digest, json.dumps(made).encode(), BUNDLE)
    (proof,) = outcome(repository, image, by_identity(), trust(sigstore, stamper)).proofs
    assert abs(proof.time_s - now.timestamp()) < 60


def test_a_key_is_asked_for_a_timestamp_where_the_policy_says_so(
    sigstore: Sigstore, stamper: Stamper, repository: Kept
) -> None:
    image, key = an_image(repository), new_key()
    dsse = envelope(key, statement(image.digest))
    repository.refer(image.digest, key_bundle(key, dsse), BUNDLE)
    assert refused(repository, image, by_key(key, timestamp=True), trust(sigstore, stamper)) is Problem.TIMESTAMP
    assert outcome(repository, image, by_key(key), trust(sigstore, stamper)).holds


def test_a_timestamp_of_the_future(sigstore: Sigstore, stamper: Stamper, repository: Kept) -> None:
    image = an_image(repository)
    repository.tag(image.digest, ".sig", annotated(sigstore, stamper, image.digest))
    early = trust_of(
        (datetime.now(UTC) - timedelta(days=1)).timestamp(), sigstore.root(timestampAuthorities=stamper.told)
    )
    assert refused(repository, image, by_identity(), early) is Problem.FUTURE


def test_a_bare_token_is_read_as_the_response_that_brought_it(sigstore: Sigstore, stamper: Stamper) -> None:
    found = stamped_times([response_of(stamper.token(b"message"))], b"message", trust(sigstore, stamper))
    assert abs(found[0] - datetime.now(UTC).timestamp()) < 60
