"""What is believed without proof: sigstore's trusted root, keys of logs, notation's trust stores, revocation lists.

All of it comes from files that a person gives; nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from cryptography import x509
from msgspec import Struct

from transom.images.signatures.certificates import load_certificate
from transom.images.signatures.keys import fingerprint, key_of_der, load_keys
from transom.images.signatures.refusing import RefusedError, unbase64
from transom.model.errors import TransomError
from transom.model.signatures import Problem

if TYPE_CHECKING:
    from transom.images.signatures.keys import PublicKey

MAX_ROOT_BYTES = 4 * 1024 * 1024  # sigstore's public one has 10 KB
MAX_STORE_FILES = 1_000  # certificates of one trust store
MAX_CRL_BYTES = 64 * 1024 * 1024  # lists of large public authorities have some 20 MB
STORE_KINDS = ("ca", "signingAuthority", "tsa")
CERTIFICATE_SUFFIXES = (".pem", ".crt", ".cer")


class _RawBytes(Struct, rename="camel"):
    raw_bytes: str = ""


class _Id(Struct, rename="camel"):
    key_id: str = ""


class _Log(Struct, rename="camel"):
    public_key: _RawBytes = msgspec.field(default_factory=_RawBytes)
    log_id: _Id = msgspec.field(default_factory=_Id)


class _Chain(Struct):
    certificates: list[_RawBytes] = []


class _ValidFor(Struct):
    start: datetime | None = None
    end: datetime | None = None


class _Authority(Struct, rename="camel"):
    cert_chain: _Chain = msgspec.field(default_factory=_Chain)
    valid_for: _ValidFor = msgspec.field(default_factory=_ValidFor)


class _Root(Struct, rename="camel"):
    media_type: str = ""
    tlogs: list[_Log] = []
    certificate_authorities: list[_Authority] = []
    ctlogs: list[_Log] = []
    timestamp_authorities: list[_Authority] = []


class CertificateAuthority(Struct, frozen=True):
    """A path of certificates from who issues to the root, and when it was used."""

    path: tuple[x509.Certificate, ...]
    start_s: float = 0.0
    end_s: float = float("inf")


class Trust(Struct, frozen=True):
    """Everything that is believed. Keys of logs stand by their ids, trust stores by `ca:NAME`.

    root: the trusted root as it was read, b"" for none; crls: revocation lists; now_s: the time that counts as now.
    """

    now_s: float
    root: bytes = b""
    logs: Mapping[bytes, PublicKey] = {}
    ct_logs: Mapping[bytes, PublicKey] = {}
    authorities: tuple[CertificateAuthority, ...] = ()
    timestamp_authorities: tuple[CertificateAuthority, ...] = ()
    stores: Mapping[str, tuple[x509.Certificate, ...]] = {}
    crls: tuple[x509.CertificateRevocationList, ...] = ()


def read_file(path: str, limit: int, what: str) -> bytes:
    """Return a file's content; raises TransomError where there is none or it is too large."""
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError as error:
        raise TransomError(f"cannot read {path}", error.strerror or str(error), f"name {what}") from error
    if len(content) > limit:
        raise TransomError(f"cannot read {path}", f"it is larger than {limit // 1024:,} KiB", f"name {what}")
    return content


def trust_of(
    now_s: float,
    root: bytes = b"",
    log_keys: str = "",
    stores: Mapping[str, tuple[x509.Certificate, ...]] | None = None,
    crls: tuple[x509.CertificateRevocationList, ...] = (),
) -> Trust:
    """Return what is trusted by a trusted root (JSON), keys of logs (PEM), stores and lists; raises TransomError."""
    read = _root(root) if root else _Root()
    try:
        logs = dict(_logs(read.tlogs))
        logs |= {bytes.fromhex(fingerprint(key)): key for key in (load_keys(log_keys) if log_keys else ())}
        return Trust(
            now_s,
            root,
            logs,
            dict(_logs(read.ctlogs)),
            tuple(map(_authority, read.certificate_authorities)),
            tuple(map(_authority, read.timestamp_authorities)),
            stores or {},
            crls,
        )
    except RefusedError as error:
        raise TransomError("cannot read the trusted root", error.why, "export it again") from error


def _root(content: bytes) -> _Root:
    try:
        read = msgspec.json.decode(content, type=_Root)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TransomError("cannot read the trusted root", str(error), "give sigstore's trusted_root.json") from error
    if not read.media_type.startswith("application/vnd.dev.sigstore.trustedroot"):
        why = f"it is of the type {read.media_type[:80]!r}"
        raise TransomError("cannot read the trusted root", why, "give sigstore's trusted_root.json")
    return read


def _logs(found: list[_Log]) -> Iterator[tuple[bytes, PublicKey]]:
    for each in found:
        key = key_of_der(unbase64(each.public_key.raw_bytes, "the key of a log"))
        yield unbase64(each.log_id.key_id, "the id of a log") or bytes.fromhex(fingerprint(key)), key


def _authority(found: _Authority) -> CertificateAuthority:
    raw = (unbase64(each.raw_bytes, "a certificate") for each in found.cert_chain.certificates)
    path = tuple(map(load_certificate, raw))
    if not path:
        raise RefusedError(Problem.NO_CERTIFICATE, "an authority in it has no certificate")
    start, end = found.valid_for.start, found.valid_for.end
    return CertificateAuthority(
        path,
        start.timestamp() if start else 0.0,
        end.timestamp() if end else float("inf"),
    )


def read_stores(folder: str) -> dict[str, tuple[x509.Certificate, ...]]:
    """Return the certificates of notation's trust stores below `FOLDER/x509/KIND/NAME/`; raises TransomError.

    Links are not followed, as notation has it.
    """
    found: dict[str, tuple[x509.Certificate, ...]] = {}
    base = Path(folder) / "x509" if (Path(folder) / "x509").is_dir() else Path(folder)
    for kind in STORE_KINDS:
        for store in sorted((base / kind).glob("*")):
            if store.is_dir() and not store.is_symlink():
                found[f"{kind}:{store.name}"] = tuple(_stored(store))
    if not found:
        raise TransomError(f"there is no trust store below {folder}", "", "make FOLDER/x509/ca/NAME/ROOT.pem")
    return found


def _stored(folder: Path) -> Iterator[x509.Certificate]:
    from transom.images.signatures.certificates import MAX_CHAIN_BYTES, certificates_of_pem

    files = [each for each in sorted(folder.iterdir()) if each.suffix in CERTIFICATE_SUFFIXES]
    for path in files[:MAX_STORE_FILES]:
        if path.is_symlink():
            raise TransomError(f"cannot trust {path}", "it is a link", "put the certificate itself there")
        content = read_file(str(path), MAX_CHAIN_BYTES, "a certificate")
        try:
            yield from map(load_certificate, certificates_of_pem(content) or (content,))
        except RefusedError as error:
            raise TransomError(f"cannot read {path}", error.why, "give a certificate in PEM or DER") from error


def read_crl(path: str) -> x509.CertificateRevocationList:
    """Return a revocation list in PEM or DER; raises TransomError."""
    content = read_file(path, MAX_CRL_BYTES, "a revocation list")
    load = x509.load_pem_x509_crl if content.lstrip().startswith(b"-----BEGIN") else x509.load_der_x509_crl
    try:
        return load(content)
    except ValueError as error:
        raise TransomError(f"cannot read {path}", "it is no revocation list", "fetch it again") from error


def now_of(text: str = "") -> float:
    """Return the time that counts as now: the clock's, or what a text says; raises TransomError."""
    if not text:
        return datetime.now(UTC).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise TransomError(f"{text!r} is no time", "", "write it like 2026-01-31T12:00:00Z") from error
