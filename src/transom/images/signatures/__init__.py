"""Who signed an image: cosign's and sigstore's signatures and attestations, notation's envelopes, held to policies.

What a registry says is never believed: a signature counts where it is over the digest that the image's name led to, by somebody whom
a policy names, and by means that the person who verifies gave. Nothing is fetched but the image's manifests and what
belongs to them. The one question is `verify(image, policies, trust)`.
"""

from __future__ import annotations

from transom.images.signatures.verifying import Subject, verify

__all__ = ["Subject", "verify"]
