"""A VEX document in whichever format: what it says, and what of it is not used; also one within an attestation."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from transom.advisories.vex import csaf, cyclonedx, openvex
from transom.advisories.vex.statements import Said

MAX_VEX_BYTES = 64 * 1024 * 1024  # a vendor's document of one product has some megabytes
BROKEN = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
"""What reading may raise: broken, of another shape, no UTF-8, nested too deep."""


class Face(Struct):
    """What tells which format it is."""

    context: str = msgspec.field(name="@context", default="")
    bom_format: str = msgspec.field(name="bomFormat", default="")
    document: dict[str, Any] = {}
    payload: str = ""
    predicate: msgspec.Raw = msgspec.Raw(b"")
    subject: list[dict[str, Any]] = []


Reader = Callable[[bytes, str, tuple[str, ...]], Iterator[Said | str]]


def read_vex(content: bytes, where: str, digests: tuple[str, ...] = ()) -> Iterator[Said | str]:
    """Yield each statement of a document, or why a part of it is not used; raises ValueError for what is no VEX.

    where: what messages call it; digests: of the image that it is attached to, for statements that name no product.
    """
    if len(content) > MAX_VEX_BYTES:
        raise ValueError(f"it is larger than {MAX_VEX_BYTES // 2**20} MiB")
    try:
        content, attested = _unwrapped(content.removeprefix(b"\xef\xbb\xbf"))
        yield from _reader(content)(content, where, digests or attested)
    except BROKEN as error:
        raise ValueError(f"it is no VEX document that can be read: {error}") from error


def _reader(content: bytes) -> Reader:
    face = msgspec.json.decode(content, type=Face)
    if "openvex" in face.context:
        return openvex.read
    if face.bom_format == "CycloneDX":
        return cyclonedx.read
    if "csaf" in str(face.document.get("category", "")):
        return csaf.read
    raise ValueError("it is none of OpenVEX, CycloneDX and CSAF")


def _unwrapped(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the document within an envelope (DSSE) or a statement (in-toto), and the digests of its subjects.

    Whoever signed it is not looked at: a person who names the document answers for it.
    """
    face = msgspec.json.decode(content, type=Face)
    if face.payload:
        try:
            content = b64decode(face.payload, validate=True)
        except binascii.Error as error:
            raise ValueError(f"its payload is no base64: {error}") from error
        face = msgspec.json.decode(content, type=Face)
    predicate = bytes(face.predicate)
    if not predicate:
        return content, ()
    digests = (each.get("digest") for each in face.subject)
    found = tuple(f"sha256:{each['sha256']}" for each in digests if isinstance(each, dict) and "sha256" in each)
    return predicate, found
