"""Policies and questions for tests, in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.images.signatures.signing import ISSUER, NAME, NOW, SUBJECT, Kept, Key, pem
from tests.images.signatures.signing import subject as subject_of
from transom.images.signatures import verify
from transom.images.signatures.trust import Trust, trust_of
from transom.model.signatures import Authority, Identity, ImagePolicy, Outcome, Problem, Refusal
from transom.registry.blobs import Descriptor

PLAIN = trust_of(NOW.timestamp())


def by_key(*keys: Key, **more: Any) -> list[ImagePolicy]:
    return [ImagePolicy("p", ("**",), (Authority("a", tuple(map(pem, keys)), **more),))]


def by_identity(claims: Mapping[str, str] = {}, **more: Any) -> list[ImagePolicy]:
    identity = Identity(**{"issuer": ISSUER, "subject": SUBJECT, **more}, claims=claims)
    return [ImagePolicy("p", ("**",), (Authority("a", identities=(identity,)),))]


def outcome(
    repository: Kept, image: Descriptor, policies: list[ImagePolicy], trust: Trust = PLAIN, name: str = NAME
) -> Outcome:
    (found,) = verify(subject_of(repository, image, name), policies, trust).outcomes
    return found


def holds(repository: Kept, image: Descriptor, policies: list[ImagePolicy], trust: Trust = PLAIN) -> bool:
    found = outcome(repository, image, policies, trust)
    assert not found.holds or found.proofs
    return found.holds


def refused(repository: Kept, image: Descriptor, policies: list[ImagePolicy], trust: Trust = PLAIN) -> Problem:
    """Return the one problem of an image that has one signature."""
    return refusal(repository, image, policies, trust).problem


def refusal(repository: Kept, image: Descriptor, policies: list[ImagePolicy], trust: Trust = PLAIN) -> Refusal:
    found = outcome(repository, image, policies, trust)
    assert not found.holds
    assert not found.unjudged
    (only,) = found.refusals
    return only
