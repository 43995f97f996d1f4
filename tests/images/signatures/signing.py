"""A sigstore and a notation of one's own: authorities, logs with Merkle trees, and everything that they sign."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from transom.images.signatures import Subject
from transom.images.signatures.trust import Trust, trust_of
from transom.model.errors import TransomError
from transom.registry.blobs import MANIFESTS, Descriptor

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
ISSUER, SUBJECT = (
    "https://token.actions.githubusercontent.com",
    "https://github.com/acme/web/.github/workflows/b.yml@refs/heads/main",
)
CLAIMS = {"2": "push", "4": "build", "5": "acme/web", "6": "refs/heads/main"}
SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
SIGN = "https://sigstore.dev/cosign/sign/v1"
NAME = "registry.example.com/acme/web:1"
Key = ec.EllipticCurvePrivateKey


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def new_key(curve: ec.EllipticCurve | None = None) -> Key:
    return ec.generate_private_key(curve or ec.SECP256R1())


def spki(key: Any) -> bytes:
    public = key.public_key() if hasattr(key, "public_key") else key
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed(key: Key, message: bytes) -> bytes:
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Kept:
    """A repository in memory."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.tags: dict[str, Descriptor] = {}
        self.refers: dict[str, list[Descriptor]] = {}

    def put(self, content: bytes, kind: str) -> Descriptor:
        self.blobs[digest_of(content)] = content
        return Descriptor(digest_of(content), len(content), kind)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        if descriptor.digest not in self.blobs:
            raise TransomError(f"there is no blob {descriptor.digest}", "", "")
        return io.BytesIO(self.blobs[descriptor.digest])

    def referrers(self, digest: str) -> list[Descriptor]:
        return self.refers.get(digest, [])

    def tagged(self, tag: str) -> Descriptor | None:
        return self.tags.get(tag)

    def manifest(self, layers: Sequence[tuple[bytes, str, Mapping[str, str]]], **more: Any) -> Descriptor:
        made = [
            {
                "mediaType": kind,
                "digest": self.put(content, kind).digest,
                "size": len(content),
                "annotations": dict(notes),
            }
            for content, kind, notes in layers
        ]
        config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": self.put(b"{}", "").digest, "size": 2}
        document = {"schemaVersion": 2, "mediaType": MANIFESTS[0], "config": config, "layers": made, **more}
        return self.put(json.dumps(document).encode(), MANIFESTS[0])

    def tag(self, subject: str, ending: str, *layers: tuple[bytes, str, Mapping[str, str]]) -> Descriptor:
        made = self.tags[subject.replace(":", "-") + ending] = self.manifest(layers)
        return made

    def refer(self, subject: str, content: bytes, kind: str, notes: Mapping[str, str] = {}) -> Descriptor:
        made = self.manifest([(content, kind, {})], subject={"digest": subject}, annotations=dict(notes))
        self.refers.setdefault(subject, []).append(made)
        return made


def an_image(repository: Kept, content: bytes = b"layer") -> Descriptor:
    return repository.manifest([(content, "application/vnd.oci.image.layer.v1.tar", {})])


def subject(repository: Kept, image: Descriptor, name: str = NAME) -> Subject:
    return Subject(name, [image], repository)


def simple_payload(digest: str, name: str = NAME, kind: str = "cosign container image signature") -> bytes:
    critical = {"identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest}, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


def statement(
    digest: str, predicate_type: str = SIGN, predicate: Any = None, kind: str = "https://in-toto.io/Statement/v1"
) -> bytes:
    algorithm, _, value = digest.partition(":")
    told = {"_type": kind, "subject": [{"name": "", "digest": {algorithm: value}}], "predicateType": predicate_type}
    return json.dumps({**told, "predicate": predicate}).encode()


def pae(payload: bytes, kind: str = IN_TOTO) -> bytes:
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


def envelope(key: Key, payload: bytes, kind: str = IN_TOTO) -> dict[str, Any]:
    return {"payload": b64(payload), "payloadType": kind, "signatures": [{"sig": b64(signed(key, pae(payload, kind)))}]}


def key_bundle(key: Key, dsse: dict[str, Any], entries: Sequence[dict[str, Any]] = ()) -> bytes:
    material = {"publicKey": {"hint": b64(hashlib.sha256(spki(key)).digest())}, "tlogEntries": list(entries)}
    return json.dumps({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": dsse}).encode()


class Log:
    """A transparency log: a key, leaves, and proofs that they are in its tree."""

    def __init__(self, others: int = 5) -> None:
        self.key = new_key()
        self.id = hashlib.sha256(spki(self.key)).digest()
        self.others = [f"entry {number}".encode() for number in range(others)]

    def hashedrekord(self, message: bytes, signature: bytes, verifier: str) -> bytes:
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": hashlib.sha256(message).hexdigest()}},
            "signature": {"content": b64(signature), "publicKey": {"content": b64(verifier.encode())}},
        }
        return canonical({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec})

    def dsse(self, dsse: dict[str, Any], verifier: str) -> bytes:
        raw = json.dumps(dsse).encode()
        spec = {
            "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(raw).hexdigest()},
            "payloadHash": {
                "algorithm": "sha256",
                "value": hashlib.sha256(base64.b64decode(dsse["payload"])).hexdigest(),
            },
            "signatures": [
                {"signature": each["sig"], "verifier": b64(verifier.encode())} for each in dsse["signatures"]
            ],
        }
        return canonical({"apiVersion": "0.0.1", "kind": "dsse", "spec": spec})

    def intoto(self, dsse: dict[str, Any], verifier: str) -> bytes:
        hashed = hashlib.sha256(base64.b64decode(dsse["payload"])).hexdigest()
        found = [{"sig": b64(each["sig"].encode()), "publicKey": b64(verifier.encode())} for each in dsse["signatures"]]
        content = {
            "envelope": {"payloadType": IN_TOTO, "signatures": found},
            "payloadHash": {"algorithm": "sha256", "value": hashed},
        }
        return canonical({"apiVersion": "0.0.2", "kind": "intoto", "spec": {"content": content}})

    def promise(self, body: bytes, at: datetime, index: int = 7) -> bytes:
        told = {"body": b64(body), "integratedTime": int(at.timestamp()), "logID": self.id.hex(), "logIndex": index}
        return signed(self.key, canonical(told))

    def annotation(self, body: bytes, at: datetime) -> str:
        payload = {"body": b64(body), "integratedTime": int(at.timestamp()), "logIndex": 7, "logID": self.id.hex()}
        return json.dumps({"SignedEntryTimestamp": b64(self.promise(body, at)), "Payload": payload})

    def entry(self, body: bytes, at: datetime, promised: bool = True) -> dict[str, Any]:
        leaves = [*self.others, body]
        root, path = prove(leaves, len(leaves) - 1)
        note = f"log.example.com - 1\n{len(leaves)}\n{b64(root)}\n"
        note += f"\n\u2014 log.example.com {b64(self.id[:4] + signed(self.key, note.encode()))}\n"
        kind = json.loads(body)
        made = {
            "logIndex": "7",
            "logId": {"keyId": b64(self.id)},
            "kindVersion": {"kind": kind["kind"], "version": kind["apiVersion"]},
            "integratedTime": str(int(at.timestamp())),
            "inclusionProof": {
                "logIndex": str(len(leaves) - 1),
                "rootHash": b64(root),
                "treeSize": str(len(leaves)),
                "hashes": [b64(each) for each in path],
                "checkpoint": {"envelope": note},
            },
            "canonicalizedBody": b64(body),
        }
        if promised:
            made["inclusionPromise"] = {"signedEntryTimestamp": b64(self.promise(body, at))}
        return made


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def prove(leaves: Sequence[bytes], index: int) -> tuple[bytes, list[bytes]]:
    """Return the root of a tree and the audit path of a leaf, as RFC 9162 defines them: by recursion."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest(), []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = leaves[:split], leaves[split:]
    if index < split:
        here, path = prove(left, index)
        other = prove(right, 0)[0]
        return hashlib.sha256(b"\1" + here + other).digest(), [*path, other]
    here, path = prove(right, index - split)
    other = prove(left, 0)[0]
    return hashlib.sha256(b"\1" + other + here).digest(), [*path, other]


def utf8(text: str) -> bytes:
    raw = text.encode()
    return b"\x0c" + (bytes((len(raw),)) if len(raw) < 128 else b"\x81" + bytes((len(raw),))) + raw


def named(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "acme"), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


class Authority:
    """A root and an intermediate certificate."""

    def __init__(self, start: datetime = NOW - timedelta(days=900), days: int = 3_600) -> None:
        self.root_key, self.key = new_key(), new_key()
        self.root = self._made("root", self.root_key, "root", self.root_key, start, days, 1)
        self.certificate = self._made("intermediate", self.key, "root", self.root_key, start, days, 0)

    def _made(
        self, name: str, key: Key, by: str, signer: Key, start: datetime, days: int, below: int
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(named(name))
            .issuer_name(named(by))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
            .add_extension(usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )

    @property
    def path(self) -> list[x509.Certificate]:
        return [self.certificate, self.root]


def usage(signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        not signs_certificates, False, False, False, False, signs_certificates, signs_certificates, False, False
    )


class Sigstore:
    """An authority for short certificates of identities, its certificate log, and a log of signatures."""

    def __init__(self) -> None:
        self.authority = Authority()
        self.ct = new_key()
        self.ct_id = hashlib.sha256(spki(self.ct)).digest()
        self.log = Log()

    def certificate(
        self,
        key: Key,
        at: datetime = NOW,
        subject: str = SUBJECT,
        issuer: str = ISSUER,
        claims: Mapping[str, str] = CLAIMS,
        sct: bool = True,
        use: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
        ct: Key | None = None,
        extra: Sequence[x509.ExtensionType] = (),
    ) -> x509.Certificate:
        authority = self.authority
        name: x509.GeneralName = (
            x509.RFC822Name(subject)
            if "@" in subject and "/" not in subject
            else x509.UniformResourceIdentifier(subject)
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at - timedelta(minutes=1))
            .not_valid_after(at + timedelta(minutes=9))
            .add_extension(usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        )
        told = {"1": issuer.encode(), "8": utf8(issuer), **{number: text.encode() for number, text in claims.items()}}
        for number, raw in told.items():
            oid = x509.ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{number}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, raw), critical=False)
        for each in extra:
            builder = builder.add_extension(each, critical=False)
        if sct:
            before = builder.sign(authority.key, hashes.SHA256())
            raw = self._scts(before.tbs_certificate_bytes, at, ct or self.ct)
            oid = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, raw), critical=False)
        return builder.sign(authority.key, hashes.SHA256())

    def _scts(self, body: bytes, at: datetime, ct: Key) -> bytes:
        stamp = int(at.timestamp() * 1000).to_bytes(8, "big")
        issuer = hashlib.sha256(spki(self.authority.key)).digest()
        message = b"\0\0" + stamp + b"\0\1" + issuer + len(body).to_bytes(3, "big") + body + b"\0\0"
        signature = signed(ct, message)
        one = (
            b"\0"
            + hashlib.sha256(spki(ct)).digest()
            + stamp
            + b"\0\0"
            + b"\4\3"
            + len(signature).to_bytes(2, "big")
            + signature
        )
        inner = len(one).to_bytes(2, "big") + one
        whole = len(inner).to_bytes(2, "big") + inner
        return b"\x04" + (bytes((len(whole),)) if len(whole) < 128 else b"\x81" + bytes((len(whole),))) + whole

    def root(self, **changes: Any) -> bytes:
        since = {"start": "2020-01-01T00:00:00Z"}

        def log(key: Key) -> dict[str, Any]:
            return {
                "baseUrl": "https://log.example.com",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {"rawBytes": b64(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since},
                "logId": {"keyId": b64(hashlib.sha256(spki(key)).digest())},
            }

        path = [{"rawBytes": b64(each.public_bytes(Encoding.DER))} for each in self.authority.path]
        made = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(self.log.key)],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "acme", "commonName": "acme"},
                    "uri": "https://ca.example.com",
                    "certChain": {"certificates": path},
                    "validFor": since,
                }
            ],
            "ctlogs": [log(self.ct)],
            "timestampAuthorities": [],
        }
        return json.dumps(made | changes).encode()

    def trust(self, **changes: Any) -> Trust:
        return trust_of(NOW.timestamp(), self.root(**changes))

    def annotated(
        self, digest: str, at: datetime = NOW, key: Key | None = None, certificate: x509.Certificate | None = None
    ) -> tuple[bytes, str, dict[str, str]]:
        """Return a signature as cosign 2 keeps it beside an image: payload, type and annotations."""
        key = key or new_key()
        certificate = certificate or self.certificate(key)
        text = certificate.public_bytes(Encoding.PEM).decode()
        payload = simple_payload(digest)
        signature = signed(key, payload)
        chain = "".join(each.public_bytes(Encoding.PEM).decode() for each in self.authority.path)
        notes = {
            "dev.cosignproject.cosign/signature": b64(signature),
            "dev.sigstore.cosign/certificate": text,
            "dev.sigstore.cosign/chain": chain,
            "dev.sigstore.cosign/bundle": self.log.annotation(self.log.hashedrekord(payload, signature, text), at),
        }
        return payload, SIMPLE, notes

    def bundle(
        self,
        payload: bytes,
        at: datetime = NOW,
        key: Key | None = None,
        certificate: x509.Certificate | None = None,
        **changes: Any,
    ) -> bytes:
        """Return a signed statement as cosign 3 keeps it: a bundle with a certificate and a log entry."""
        key = key or new_key()
        certificate = certificate or self.certificate(key)
        dsse = envelope(key, payload)
        text = certificate.public_bytes(Encoding.PEM).decode()
        material = {
            "certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
            "tlogEntries": [self.log.entry(self.log.dsse(dsse, text), at)],
        }
        return json.dumps(
            {"mediaType": BUNDLE, "verificationMaterial": material | changes, "dsseEnvelope": dsse}
        ).encode()

    def message_bundle(self, message: bytes, at: datetime = NOW) -> bytes:
        """Return a signature over bytes themselves as a bundle."""
        key = new_key()
        certificate = self.certificate(key)
        text = certificate.public_bytes(Encoding.PEM).decode()
        signature = signed(key, message)
        entry = self.log.entry(self.log.hashedrekord(message, signature, text), at)
        material = {"certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}, "tlogEntries": [entry]}
        digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(message).digest())}
        told = {"messageDigest": digest, "signature": b64(signature)}
        return json.dumps({"mediaType": BUNDLE, "verificationMaterial": material, "messageSignature": told}).encode()
