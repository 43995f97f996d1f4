"""From JSON to the maps that an inventory keeps, without what only the API server's bookkeeping needs.

managedFields are a third of an object and say nothing of it; kubectl's last-applied annotation is the object once more,
values of Secrets included. Neither is ever kept. What is kept must not be changed: pods share what they have alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, json

from transom.kube.client.discovery import Resource
from transom.kube.sight import LAST_APPLIED

DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for text that is no object."""


class Shape(Struct, frozen=True):
    """How objects of a list are decoded. item: the type of each in the text of a page; make: what is kept of one."""

    item: Any
    make: Callable[[Any, Resource], dict[str, Any]]


def decoded(raw: Raw | bytes, resource: Resource) -> dict[str, Any]:
    """Return an object of a resource; raises one of DECODE_ERRORS."""
    return _object(_parts(raw), resource)


def shape_of(resource: Resource) -> Shape:
    """Return how the objects of a list are decoded, for one list."""
    if (resource.group, resource.plural) == ("", "pods"):
        return Shape(_Pod, _Pods())
    return OBJECTS


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
_containers = json.Decoder(list[dict[str, Raw]]).decode
_metadata = json.Decoder(_Metadata).decode
_anything = json.Decoder().decode


def _object(parts: dict[str, Raw], resource: Resource) -> dict[str, Any]:
    """Return an object; those of a list do not say what they are, so it is said here."""
    value: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind}
    for key, part in parts.items():
        value[key] = _kept(_metadata(part)) if key == "metadata" else _anything(part)
    return value


def _kept(found: _Metadata) -> dict[str, Any]:
    kept = {name: value for field, name in _NAMES if (value := getattr(found, field)) is not UNSET}
    annotations = kept.get("annotations")
    if annotations:
        annotations.pop(LAST_APPLIED, None)
    return kept


OBJECTS = Shape(dict[str, Raw], _object)
"""Objects of any kind."""


# pods


class _Pod(Struct):
    metadata: _Metadata
    spec: dict[str, Raw] = {}
    status: Any = UNSET


CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
UNSHARED = frozenset(
    [
        "name",
        "image",
        "imagePullPolicy",
        "terminationMessagePath",
        "terminationMessagePolicy",
        "volumeMounts",
        "volumes",
        "nodeName",
        "dnsPolicy",
        "enableServiceLinks",
        "preemptionPolicy",
        "priority",
        "restartPolicy",
        "schedulerName",
        "serviceAccount",
        "serviceAccountName",
        "terminationGracePeriodSeconds",
    ]
)
"""Fields that are short, or carry names of each pod's own: looking these up costs more than decoding them."""

MAX_SHARED = 20_000  # parts that are remembered; beyond, pods are too different for sharing to pay
MAX_SHARED_LISTS = 1_000  # whole lists of containers, which differ where each mounts a token volume of its own name


class _Pods:
    """Makes pods, of which many come from one template: what they say alike is decoded once, and is one object.

    That takes half of the time and a third of the memory of decoding each for itself. Within one pod nothing is shared:
    parts of it are told apart by identity.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int, str, bytes], Any] = {}
        self._lists: dict[tuple[str, bytes], Any] = {}

    def __call__(self, pod: _Pod, resource: Resource) -> dict[str, Any]:
        value: dict[str, Any] = {"apiVersion": resource.api_version, "kind": resource.kind}
        value["metadata"] = _kept(pod.metadata)
        value["spec"] = {
            key: self._list(key, part) if key in CONTAINER_LISTS else self._part("", 0, key, part)
            for key, part in pod.spec.items()
        }
        if pod.status is not UNSET:
            value["status"] = pod.status
        return value

    def _list(self, where: str, raw: Raw) -> Any:
        text = (where, bytes(raw))
        known = self._lists.get(text)
        if known is None:
            known = [
                {key: self._part(where, index, key, part) for key, part in container.items()}
                for index, container in enumerate(_containers(raw))
            ]
            if len(self._lists) < MAX_SHARED_LISTS:
                self._lists[text] = known
        return known

    def _part(self, where: str, index: int, key: str, raw: Raw) -> Any:
        if key in UNSHARED:
            return _anything(raw)
        text = (where, index, key, bytes(raw))
        known = self._parts.get(text, UNSET)
        if known is UNSET:
            known = _anything(raw)
            if len(self._parts) < MAX_SHARED:
                self._parts[text] = known
        return known


# Secrets, of which only metadata travels


class _ManagedField(Struct, frozen=True):
    fields_v1: dict[str, Any] | None = msgspec.field(default=None, name="fieldsV1")


class _ManagedMetadata(Struct, frozen=True, rename="camel"):
    managed_fields: list[_ManagedField] | None = None


class _Partial(Struct, frozen=True):
    metadata: Raw


METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What to accept for a list of objects of which only metadata travels."""


def _secret(partial: _Partial, resource: Resource) -> dict[str, Any]:
    """Return a Secret: its keys are those that its writers own by managedFields, its values empty."""
    managed = json.decode(partial.metadata, type=_ManagedMetadata).managed_fields or ()
    keys = {key for each in managed for key in _keys(each.fields_v1)}
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": _kept(_metadata(partial.metadata)),
        **({"data": dict.fromkeys(sorted(keys), "")} if keys else {}),
    }


def _keys(fields: dict[str, Any] | None) -> list[str]:
    """Return the keys of `data` that a writer owns: FieldsV1 names each as `f:KEY`."""
    data = (fields or {}).get("f:data")
    return [name[2:] for name in data if name.startswith("f:")] if isinstance(data, dict) else []


SECRETS = Shape(_Partial, _secret)
"""Secrets that were asked for as METADATA_LIST."""
