"""What one answer about signatures costs, once the registry has answered: beside the bare arithmetic of the key."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from tests.images.signatures.asking import PLAIN, by_identity, by_key
from tests.images.signatures.signing import (
    BUNDLE,
    SIMPLE,
    Kept,
    Sigstore,
    an_image,
    b64,
    new_key,
    signed,
    simple_payload,
    statement,
    subject,
)
from transom.images.signatures import verify
from transom.images.signatures.keys import has_signed
from transom.images.signatures.trust import Trust
from transom.model.signatures import ImagePolicy

ROUNDS = 500


class Verified(Struct, frozen=True):
    """Microseconds of CPU: of one bare ECDSA P-256, and of whole verdicts about an image signed in each form."""

    bare_us: float
    key_us: float
    identity_us: float
    bundle_us: float


def whole() -> Verified:
    """Measure verdicts of images in memory, every one from the signature's bytes on."""
    sigstore, key = Sigstore(), new_key()
    keyed, identified, bundled = Kept(), Kept(), Kept()
    image = an_image(keyed)
    for each in (identified, bundled):
        an_image(each)
    payload = simple_payload(image.digest)
    public, signature = key.public_key(), signed(key, payload)
    notes = {"dev.cosignproject.cosign/signature": b64(signature)}
    keyed.tag(image.digest, ".sig", (payload, SIMPLE, notes))
    identified.tag(image.digest, ".sig", sigstore.annotated(image.digest))
    bundled.refer(image.digest, sigstore.bundle(statement(image.digest)), BUNDLE)

    def of(repository: Kept, policies: list[ImagePolicy], trust: Trust) -> float:
        return _us(lambda: verify(subject(repository, image), policies, trust).holds)

    trust = sigstore.trust()
    bare = _us(lambda: has_signed(public, signature, payload))
    return Verified(
        bare, of(keyed, by_key(key), PLAIN), of(identified, by_identity(), trust), of(bundled, by_identity(), trust)
    )


def _us(ask: Callable[[], bool]) -> float:
    """Return the CPU microseconds of one answer, which must be yes."""
    assert ask()
    start = time.process_time()
    for _ in range(ROUNDS):
        ask()
    return (time.process_time() - start) / ROUNDS * 1e6
