"""Notation's envelopes in COSE: the same answers as in JWS."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.images.signatures.asking import outcome, refused
from tests.images.signatures.notary import AUTHENTIC, EXPIRY, SCHEME, Notary
from tests.images.signatures.signing import NOW, Kept, an_image
from tests.images.signatures.test_notation import policy
from transom.model.signatures import Problem
from transom.registry.blobs import Descriptor

cbor2 = pytest.importorskip("cbor2", reason="there is no cbor2 here: pip install 'transom[cose]'")
COSE = "application/cose"


@pytest.fixture(scope="session")
def notary() -> Notary:
    return Notary()


def attach(notary: Notary, repository: Kept, digest: str = "", **how: Any) -> Descriptor:
    image = an_image(repository)
    repository.refer(image.digest, notary.cose(digest or image.digest, **how), COSE)
    return image


def at(when: Any) -> Any:
    return cbor2.CBORTag(1, int(when.timestamp()))


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())]
    + [rsa.generate_private_key(65_537, 2_048)],
    ids=["ES256", "ES384", "ES512", "PS256"],
)
def test_an_envelope_proves_its_signer(notary: Notary, repository: Kept, key: Any) -> None:
    image = attach(notary, repository, key=key, certificate=notary.certificate(key))
    (proof,) = outcome(repository, image, policy(identity="x509.subject: O=acme, CN=signer"), notary.trust()).proofs
    assert (proof.form, proof.digest) == ("notation", image.digest)


def test_a_signing_authority_proves_the_time(notary: Notary, repository: Kept) -> None:
    header = {SCHEME: "notary.x509.signingAuthority", AUTHENTIC: at(NOW - timedelta(days=1))}
    image = attach(notary, repository, header=header)
    trust = notary.trust("signingAuthority:acme")
    (proof,) = outcome(repository, image, policy(store="signingAuthority:acme"), trust).proofs
    assert proof.time_s == (NOW - timedelta(days=1)).timestamp()


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ({"digest": f"sha256:{'0' * 64}"}, Problem.OTHER_DIGEST),
        ({"payload": b'{"targetArtifact": {"digest": "sha256:0"}}'}, Problem.OTHER_KEY),
        ({"header": {1: -37}}, Problem.ALGORITHM),
        ({"header": {1: 5}}, Problem.ALGORITHM),
        ({"header": {1: "ES256"}}, Problem.ALGORITHM),
        ({"header": {1: 5, "alg": "ES256"}}, Problem.ALGORITHM),
        ({"header": {3: "text/plain"}}, Problem.PAYLOAD_TYPE),
        ({"header": {2: []}}, Problem.MALFORMED),
        ({"header": {2: [SCHEME, "more"], "more": 1}}, Problem.MALFORMED),
        ({"header": {EXPIRY: cbor2.CBORTag(1, 1_000_000_000)}}, Problem.EXPIRED),
        ({"header": {EXPIRY: "2030-01-01"}}, Problem.MALFORMED),
        ({"chain": []}, Problem.NO_CERTIFICATE),
        ({"chain": [b"x"]}, Problem.MALFORMED),
        ({"chain": [b"x"] * 40}, Problem.TOO_LARGE),
    ],
)
def test_ways_in_which_nothing_is_proven(
    notary: Notary, repository: Kept, how: dict[str, Any], problem: Problem
) -> None:
    image = attach(notary, repository, **how)
    assert refused(repository, image, policy(), notary.trust()) is problem


def test_a_root_that_is_in_no_store(notary: Notary, repository: Kept) -> None:
    assert refused(repository, attach(Notary(), repository), policy(), notary.trust()) is Problem.UNTRUSTED


OTHERS = (cbor2.dumps([1, 2, 3, 4]), cbor2.dumps(cbor2.CBORTag(18, [b"", {}, b"", b""])))


@pytest.mark.parametrize("content", [b"\xd2", b"\xd2\x84", b"\x00", b"\x9f" * 5_000, *OTHERS])
def test_what_is_no_envelope(notary: Notary, repository: Kept, content: bytes) -> None:
    image = an_image(repository)
    repository.refer(image.digest, content, COSE)
    assert refused(repository, image, policy(), notary.trust()) is Problem.MALFORMED


def test_without_the_library_an_envelope_is_not_judged(
    notary: Notary, repository: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = attach(notary, repository)
    monkeypatch.setitem(sys.modules, "cbor2", None)
    found = outcome(repository, image, policy(), notary.trust())
    assert not found.holds
    assert "not installed" in found.unjudged[0].reason
