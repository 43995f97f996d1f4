"""From the JSON of one object to the map that an inventory keeps, without what only the API server's bookkeeping needs.

managedFields are a third of an object and say nothing of it; kubectl's last-applied annotation is the object once more,
values of Secrets included. Neither is ever kept.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, json

from transom.kube.client.discovery import Resource

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


class _Metadata(Struct, rename="camel"):
    """ObjectMeta but for managedFields: what is not named here is skipped by the decoder and never becomes objects."""

    name: str | UnsetType = UNSET
    generate_name: str | UnsetType = UNSET
    namespace: str | UnsetType = UNSET
    uid: str | UnsetType = UNSET
    resource_version: str | UnsetType = UNSET
    generation: int | UnsetType = UNSET
    creation_timestamp: str | UnsetType | None = UNSET
    deletion_timestamp: str | UnsetType = UNSET
    labels: dict[str, str] | UnsetType | None = UNSET
    annotations: dict[str, str] | UnsetType | None = UNSET
    owner_references: list[dict[str, Any]] | UnsetType = UNSET
    finalizers: list[str] | UnsetType = UNSET


_NAMES = tuple(zip(_Metadata.__struct_fields__, _Metadata.__struct_encode_fields__, strict=True))
_parts = json.Decoder(dict[str, Raw]).decode
_metadata = json.Decoder(_Metadata).decode
_anything = json.Decoder().decode

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the functions here raise for text that is no object."""


def decoded(raw: Raw | bytes, resource: Resource) -> dict[str, Any]:
    """Return an object of a resource; those of a list do not say what they are, so it is said here.

    Raises one of DECODE_ERRORS.
    """
    value: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind}
    for key, part in _parts(raw).items():
        value[key] = kept_metadata(part) if key == "metadata" else _anything(part)
    return value


def kept_metadata(raw: Raw | bytes) -> dict[str, Any]:
    """Return the metadata of an object, without its bookkeeping."""
    found = _metadata(raw)
    kept = {name: value for field, name in _NAMES if (value := getattr(found, field)) is not UNSET}
    annotations = kept.get("annotations")
    if annotations:
        annotations.pop(LAST_APPLIED, None)
    return kept


class _ManagedField(Struct, frozen=True, rename="camel"):
    fields_v1: dict[str, Any] | None = msgspec.field(default=None, name="fieldsV1")


class _ManagedMetadata(Struct, frozen=True, rename="camel"):
    managed_fields: list[_ManagedField] | None = None


class _Partial(Struct, frozen=True):
    metadata: Raw


METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What to accept for a list of objects of which only metadata travels."""


def decoded_secret(raw: Raw | bytes, resource: Resource) -> dict[str, Any]:
    """Return a Secret of which only metadata was told: its keys are those that managedFields name, its values empty.

    Raises one of DECODE_ERRORS.
    """
    metadata = json.decode(raw, type=_Partial).metadata
    managed = json.decode(metadata, type=_ManagedMetadata).managed_fields or ()
    keys = {key for each in managed for key in _keys(each.fields_v1)}
    named = {"data": dict.fromkeys(sorted(keys), "")} if keys else {}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": kept_metadata(metadata),
        **named,
    }


def _keys(fields: dict[str, Any] | None) -> list[str]:
    """Return the keys of `data` that a writer owns: FieldsV1 names each as `f:KEY`."""
    data = (fields or {}).get("f:data")
    return [name[2:] for name in data if name.startswith("f:")] if isinstance(data, dict) else []
