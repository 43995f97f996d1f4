"""A changed byte never proves anything else, and never crashes: whatever form, wherever the byte.

Forms have bytes that nobody reads: white space, hints, what the chain adds to what is trusted already.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.images.signatures.asking import PLAIN, by_identity, by_key, outcome
from tests.images.signatures.notary import JWS, Notary
from tests.images.signatures.signing import (
    BUNDLE,
    DSSE,
    NOW,
    SIMPLE,
    Kept,
    Sigstore,
    an_image,
    b64,
    envelope,
    key_bundle,
    new_key,
    pem,
    signed,
    simple_payload,
    statement,
)
from tests.images.signatures.test_attestations import asking
from tests.images.signatures.test_notation import policy
from transom.images.signatures.trust import Trust, trust_of
from transom.model.signatures import AttestationRule, ImagePolicy, Outcome, Proof

Case = tuple[bytes, str, dict[str, str], list[ImagePolicy], Trust]
IMAGE = an_image(Kept())
SLSA = "https://slsa.dev/provenance/v1"
SIGSTORE, NOTARY, KEY = Sigstore(), Notary(), new_key()


def _cose() -> dict[str, Case]:
    try:
        return {"cose": (NOTARY.cose(IMAGE.digest), "application/cose", {}, policy(), NOTARY.trust())}
    except ImportError:
        return {}


def cases() -> dict[str, Case]:
    payload, made = simple_payload(IMAGE.digest), envelope(KEY, statement(IMAGE.digest))
    attested = envelope(KEY, statement(IMAGE.digest, SLSA, {"a": [1]}))
    entry = SIGSTORE.log.entry(SIGSTORE.log.dsse(made, pem(KEY)), NOW)
    logged = trust_of(NOW.timestamp(), log_keys=pem(SIGSTORE.log.key))
    annotated = SIGSTORE.annotated(IMAGE.digest)
    return {
        "simple": (
            payload,
            SIMPLE,
            {"dev.cosignproject.cosign/signature": b64(signed(KEY, payload))},
            by_key(KEY),
            PLAIN,
        ),
        "bundle": (key_bundle(KEY, made), BUNDLE, {}, by_key(KEY), PLAIN),
        "logged": (key_bundle(KEY, made, [entry]), BUNDLE, {}, by_key(KEY, log=True), logged),
        "attestation": (json.dumps(attested).encode(), DSSE, {}, asking(KEY, AttestationRule("a", SLSA)), PLAIN),
        "annotated": (*annotated, by_identity(), SIGSTORE.trust()),
        "identity": (SIGSTORE.bundle(statement(IMAGE.digest)), BUNDLE, {}, by_identity(), SIGSTORE.trust()),
        "message": (SIGSTORE.message_bundle(manifest()), BUNDLE, {}, by_identity(), SIGSTORE.trust()),
        **_cose(),
        "notation": (json.dumps(NOTARY.envelope(IMAGE.digest)).encode(), JWS, {}, policy(), NOTARY.trust()),
    }


def manifest() -> bytes:
    repository = Kept()
    return repository.blobs[an_image(repository).digest]


ALL_SIGNED = ("simple", "annotated")  # whose every byte is signed
CASES = cases()
"""One good signature of each form: content, type, annotations, the policies that it satisfies, and what is trusted."""


def asked(content: bytes, kind: str, notes: dict[str, str], policies: list[ImagePolicy], trust: Trust) -> Outcome:
    repository = Kept()
    image = an_image(repository)
    if kind in (SIMPLE, DSSE):
        repository.tag(image.digest, ".sig" if kind == SIMPLE else ".att", (content, kind, notes))
    else:
        repository.refer(image.digest, content, kind)
    return outcome(repository, image, policies, trust)


def needs_sigstore(form: str) -> None:
    if form in ("identity", "message"):
        pytest.importorskip("sigstore", reason="there is no sigstore here: pip install 'transom[sigstore]'")


@pytest.mark.parametrize("form", CASES)
def test_what_is_unchanged_verifies(form: str) -> None:
    needs_sigstore(form)
    assert asked(*CASES[form]).holds


def proven(found: Outcome) -> list[Proof]:
    """Return what was proven, whichever manifest holds it; a promise may be lost, and with it the time, but never changed."""
    assert {each.time_s for each in found.proofs} <= {0.0, NOW.timestamp()}
    return [replace(each, source="", time_s=0.0, log_index=-1) for each in found.proofs]


@pytest.mark.parametrize("form", CASES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_changed_byte_proves_nothing_else(form: str, data: st.DataObject) -> None:
    needs_sigstore(form)
    content, kind, notes, policies, trust = CASES[form]
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    changed = content[:at] + bytes((byte,)) + content[at + 1 :]
    found = asked(changed, kind, notes, policies, trust)
    assert not found.holds or (form not in ALL_SIGNED and proven(found) == proven(asked(*CASES[form])))


@pytest.mark.parametrize("form", ["simple", "annotated"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_changed_annotation_proves_nothing_else(form: str, data: st.DataObject) -> None:
    content, kind, notes, policies, trust = CASES[form]
    name = data.draw(st.sampled_from(sorted(notes)))
    text = notes[name]
    at = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda value: value != text[at]))
    changed = {**notes, name: text[:at] + character + text[at + 1 :]}
    found = asked(content, kind, changed, policies, trust)
    assert not found.holds or proven(found) == proven(asked(*CASES[form]))


@pytest.mark.parametrize("form", CASES)
@settings(max_examples=100, deadline=None)
@given(content=st.one_of(st.binary(max_size=400), st.text(max_size=400).map(str.encode)))
def test_any_bytes_are_refused_and_told(form: str, content: bytes) -> None:
    needs_sigstore(form)
    _, kind, notes, policies, trust = CASES[form]
    found = asked(content or b" ", kind, notes, policies, trust)
    assert not found.holds
    assert found.refusals or found.unjudged


@pytest.mark.parametrize("form", CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_cut_short_never_verifies(form: str, data: st.DataObject) -> None:
    needs_sigstore(form)
    content, kind, notes, policies, trust = CASES[form]
    end = data.draw(st.integers(1, len(content) - 1))
    assert not asked(content[:end], kind, notes, policies, trust).holds
