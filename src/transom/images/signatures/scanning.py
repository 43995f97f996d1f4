"""Signatures in a scan: the same report tells what an image holds, and whether those who must have signed it did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.images.signatures.opening import IMAGE, REGISTRY, open_subject
from transom.images.signatures.results import results_of
from transom.images.signatures.trust import Trust
from transom.images.signatures.verifying import verify
from transom.model.errors import TransomError
from transom.model.findings import NotApplicable, Result, Skipped
from transom.model.refs import image_ref
from transom.model.signatures import ImagePolicy

if TYPE_CHECKING:
    from transom.images.opening import ImageOptions

SIGNED = (IMAGE, REGISTRY, "oci:", "oci-archive:")
"""How targets begin that signatures may belong to: what runs on a machine, or was saved by docker, has none beside it."""


class SignatureOptions(Struct, frozen=True):
    """Who must have signed images, and what is believed without proof."""

    policies: tuple[ImagePolicy, ...]
    trust: Trust


def signed(
    target: str, options: ImageOptions, asked: SignatureOptions, called: str = "", workloads: Sequence[str] = ()
) -> Iterator[Result]:
    """Yield what policies say of an image. called: its name in policies; workloads: that run it."""
    if not target.startswith(SIGNED):
        yield NotApplicable("images that no signatures can lie beside")
        return
    name = target.removeprefix(IMAGE)
    try:
        yield from results_of(
            verify(open_subject(target, options, called), asked.policies, asked.trust), name, workloads
        )
    except TransomError as error:
        reason = f"its signatures were not looked at: {error.what}"
        yield Skipped(image_ref(name), f"{reason}: {error.why}" if error.why else reason, error.next_step)
