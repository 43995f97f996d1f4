"""VEX documents that are attached to an image: in-toto attestations, as cosign and others keep them beside it.

They are read, not believed: `transom verify` tells whose they are. So what one says holds for its own image only.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error
from collections.abc import Collection, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.images.opening import ImageOptions
from transom.images.signatures.discovery import Carried, Form
from transom.images.signatures.opening import open_subject
from transom.model.errors import TransomError
from transom.model.findings import Skipped
from transom.model.refs import image_ref

PREDICATES = ("openvex", "cyclonedx", "csaf", "/vex")
"""What the type of a predicate has in it where it is VEX."""


class _Envelope(Struct):
    payload: str = ""


class _Statement(Struct):
    predicate_type: str = msgspec.field(name="predicateType", default="")


class _Bundle(Struct):
    envelope: msgspec.Raw = msgspec.field(name="dsseEnvelope", default=msgspec.Raw(b""))


def attached_vex(
    target: str, name: str, options: ImageOptions, digests: Collection[str]
) -> Iterator[tuple[str, bytes] | Skipped]:
    """Yield each VEX document that is attached to an image, by the digest of the manifest that holds it.

    digests: of the image that was inspected: its name may lead elsewhere by now.
    """
    try:
        subject = open_subject(target, options)
    except TransomError as error:
        yield Skipped(
            image_ref(name), f"VEX attached to it could not be read: {error.what}: {error.why}", error.next_step
        )
        return
    for each in subject.found:
        if not isinstance(each, Carried):
            yield Skipped(image_ref(name), each.reason, each.next_step)
        elif each.subject in digests:
            content = _envelope(each)
            if content and _is_vex(content):
                yield f"{name}: attached {each.source}", content


def _envelope(carried: Carried) -> bytes:
    """Return the envelope that an attestation is in, b"" for what is none."""
    if carried.form is Form.DSSE:
        return carried.content
    if carried.form is Form.BUNDLE:
        return bytes(_decoded(carried.content, _Bundle).envelope)
    return b""


def _is_vex(content: bytes) -> bool:
    try:
        payload = b64decode(_decoded(content, _Envelope).payload)
    except Error:
        return False
    kind = _decoded(payload, _Statement).predicate_type
    return any(word in kind for word in PREDICATES)


def _decoded(content: bytes, kind: Any) -> Any:
    """Return what JSON says, as far as it is of the kind; an empty one for what is none."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return kind()
