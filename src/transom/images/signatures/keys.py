"""Public keys and what they signed: ECDSA, RSA (PKCS #1 v1.5 and PSS) and Ed25519, as cosign and notation use them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from transom.images.signatures.refusing import RefusedError
from transom.model.errors import UsageError
from transom.model.signatures import Problem

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | Ed25519PublicKey

MAX_KEY_BYTES = 64 * 1024  # a file of several keys; one of 4,096 bits has 800 bytes
MIN_RSA_BITS, MAX_RSA_BITS = 2_048, 16_384  # smaller are weak; larger cost seconds, and OpenSSL refuses them
CURVES = ("secp256r1", "secp384r1", "secp521r1")
MAX_SIGNATURE_BYTES = 4 * 1024  # of the largest RSA key half as many
KEYS_KEPT = 1_000  # parsed keys of an admission controller with many policies
BEGIN = b"-----BEGIN "
_HASHES = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())


@lru_cache(KEYS_KEPT)
def load_keys(text: str) -> tuple[PublicKey, ...]:
    """Return the public keys of a PEM text, which is parsed once; raises UsageError."""
    content = text.encode("utf-8", "replace")
    if len(content) > MAX_KEY_BYTES:
        raise UsageError("cannot read the public key", f"it is larger than {MAX_KEY_BYTES // 1024} KiB", "give one key")
    blocks = [BEGIN + each for each in content.split(BEGIN)[1:]]
    if not blocks:
        raise UsageError("cannot read the public key", "it is no PEM", "give what `cosign public-key` prints")
    return tuple(_loaded(block) for block in blocks)


def _loaded(block: bytes) -> PublicKey:
    if b"PRIVATE KEY" in block.split(b"\n", 1)[0]:
        raise UsageError("cannot use the key", "it is a private one", "give the public key, and keep this one secret")
    try:
        return checked(load_pem_public_key(block))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UsageError("cannot read the public key", "it is no public key in PEM", "export it again") from error
    except RefusedError as error:
        raise UsageError("cannot use the public key", error.why, "make a new one: cosign generate-key-pair") from error


def key_of_der(content: bytes) -> PublicKey:
    """Return a public key in DER; raises RefusedError."""
    try:
        return checked(load_der_public_key(content))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RefusedError(Problem.MALFORMED, "its public key cannot be read") from error


def checked(key: Any) -> PublicKey:
    """Return a key that is of a kind and a size to be believed; raises RefusedError."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.name not in CURVES:
            raise RefusedError(Problem.ALGORITHM, f"keys of the curve {key.curve.name} are not accepted")
        return key
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            why = f"an RSA key of {key.key_size:,} bits is not accepted, only of {MIN_RSA_BITS:,} to {MAX_RSA_BITS:,}"
            raise RefusedError(Problem.ALGORITHM, why)
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise RefusedError(Problem.ALGORITHM, "a key is neither of ECDSA, RSA nor Ed25519")


def encoded(key: PublicKey) -> bytes:
    """Return a key as SubjectPublicKeyInfo in DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: PublicKey) -> str:
    """Return the SHA-256 of a key's SubjectPublicKeyInfo in hex, by which logs name their keys."""
    return hashlib.sha256(encoded(key)).hexdigest()


def has_signed(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Tell whether a key signed a message, with any of the algorithms that signers use with such a key."""
    if len(signature) > MAX_SIGNATURE_BYTES:
        return False
    return any(_verifies(key, signature, message, *how) for how in _ways(key))


def _ways(key: PublicKey) -> Iterator[tuple[Any, ...]]:
    if isinstance(key, Ed25519PublicKey):
        yield ()
    elif isinstance(key, ec.EllipticCurvePublicKey):
        for hashed in _HASHES:  # SHA-256 is cosign's default with keys of any curve
            yield (ec.ECDSA(hashed),)
    else:
        for hashed in _HASHES:
            yield padding.PKCS1v15(), hashed
            yield padding.PSS(padding.MGF1(hashed), padding.PSS.AUTO), hashed


def _verifies(key: PublicKey, signature: bytes, message: bytes, *how: Any) -> bool:
    try:
        key.verify(signature, message, *how)
    except (InvalidSignature, ValueError):
        return False
    return True
