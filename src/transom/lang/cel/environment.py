"""What an expression may name: variables, functions and types, as Kubernetes declares them or as plain CEL does."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

from transom.lang.cel import types
from transom.lang.cel.declarations import SINCE, Overload, overloads
from transom.lang.cel.types import BOOL, DYN, INT, STRING, TIMESTAMP, ListType, MapType, ObjectType, Type
from transom.lang.cel.version import CURRENT

if TYPE_CHECKING:
    from collections.abc import Mapping

_ONLY_PLAIN = frozenset(("math", "encoders", "bindings", "strings-3"))
_NONE: Mapping[str, Type] = MappingProxyType({})


class Environment(Struct, frozen=True):
    """What an expression may name.

    container: the namespace in which short names are looked up first; libraries: names from declarations.SINCE;
    objects: the fields of each object type by its name; functions: overloads beside those of the libraries;
    any_object: whether `Object` and `Object.…` are types whose fields have any name, as in mutating policies;
    homogeneous: whether the elements of a list or map literal must have one type.
    """

    variables: Mapping[str, Type] = _NONE
    container: str = ""
    version: tuple[int, int] = CURRENT
    libraries: frozenset[str] = frozenset(SINCE)
    objects: Mapping[str, Mapping[str, Type]] = MappingProxyType({})
    functions: tuple[Overload, ...] = ()
    any_object: bool = False
    homogeneous: bool = False

    def overloads(self, function: str) -> tuple[Overload, ...]:
        """Return every way in which a function, named in full, may be called here."""
        declared = tuple(each for each in self.functions if each.function == function)
        return declared + sum((overloads(each, function) for each in SINCE if each in self.libraries), ())

    def candidates(self, name: str) -> list[str]:
        """Return what a name may stand for, the first choice first: in the container, in those around it, as it is."""
        if name.startswith("."):
            return [name[1:]]
        around = self.container.split(".") if self.container else []
        return [".".join((*around[:depth], name)) for depth in range(len(around), -1, -1)]

    def constant(self, name: str) -> Type | None:
        """Return the type that a name stands for as a value (`int`, `net.IP`), None where it is no type."""
        found = TYPE_NAMES.get(name)
        if found is None and name in self.objects:
            found = ObjectType(name)
        return found

    def fields(self, type_name: str) -> Mapping[str, Type] | None:
        """Return the fields of an object type, None where there is no such type."""
        return self.objects.get(type_name)

    def is_any_object(self, type_name: str) -> bool:
        """Say whether a type takes fields of any name: Kubernetes' `Object`, and what stands below it."""
        return self.any_object and (type_name == "Object" or type_name.startswith("Object."))


_OPAQUE = (
    *(types.QUANTITY, types.URL, types.IP, types.CIDR, types.SEMVER, types.FORMAT, types.AUTHORIZER),
    *(types.PATH_CHECK, types.GROUP_CHECK, types.RESOURCE_CHECK, types.DECISION),
)
TYPE_NAMES: Mapping[str, Type] = {
    **{str(kind): kind for kind in (BOOL, INT, types.UINT, types.DOUBLE, STRING, types.BYTES, types.NULL)},
    **{str(kind): kind for kind in (TIMESTAMP, types.DURATION, *_OPAQUE)},
    "list": ListType(),
    "map": MapType(),
    "optional_type": types.OptionalType(),
    "type": types.TypeType(),
}
"""Types that an expression may name as values."""

_STRINGS = ListType(STRING)
_GROUP_VERSION_KIND = {"group": STRING, "version": STRING, "kind": STRING}
OBJECTS: Mapping[str, Mapping[str, Type]] = {
    "kubernetes.AdmissionRequest": {
        "kind": ObjectType("kubernetes.GroupVersionKind"),
        "resource": ObjectType("kubernetes.GroupVersionResource"),
        "subResource": STRING,
        "requestKind": ObjectType("kubernetes.GroupVersionKind"),
        "requestResource": ObjectType("kubernetes.GroupVersionResource"),
        "requestSubResource": STRING,
        "name": STRING,
        "namespace": STRING,
        "operation": STRING,
        "userInfo": ObjectType("kubernetes.UserInfo"),
        "dryRun": BOOL,
        "options": DYN,
    },
    "kubernetes.GroupVersionKind": _GROUP_VERSION_KIND,
    "kubernetes.GroupVersionResource": {"group": STRING, "version": STRING, "resource": STRING},
    "kubernetes.UserInfo": {
        "username": STRING,
        "uid": STRING,
        "groups": _STRINGS,
        "extra": MapType(STRING, _STRINGS),
    },
    "kubernetes.Namespace": {
        "metadata": ObjectType("kubernetes.NamespaceMetadata"),
        "spec": ObjectType("kubernetes.NamespaceSpec"),
        "status": ObjectType("kubernetes.NamespaceStatus"),
    },
    "kubernetes.NamespaceMetadata": {
        "name": STRING,
        "generateName": STRING,
        "namespace": STRING,
        "labels": MapType(STRING, STRING),
        "annotations": MapType(STRING, STRING),
        "UID": STRING,
        "creationTimestamp": TIMESTAMP,
        "deletionGracePeriodSeconds": INT,
        "deletionTimestamp": TIMESTAMP,
        "generation": INT,
        "resourceVersion": STRING,
        "finalizers": _STRINGS,
    },
    "kubernetes.NamespaceSpec": {"finalizers": _STRINGS},
    "kubernetes.NamespaceStatus": {
        "conditions": ListType(ObjectType("kubernetes.NamespaceCondition")),
        "phase": STRING,
    },
    "kubernetes.NamespaceCondition": {
        "status": STRING,
        "type": STRING,
        "lastTransitionTime": TIMESTAMP,
        "message": STRING,
        "reason": STRING,
    },
}
"""The object types that the API server declares for admission policies."""

_VARIABLES: Mapping[str, Type] = {
    "object": DYN,
    "oldObject": DYN,
    "request": ObjectType("kubernetes.AdmissionRequest"),
    "namespaceObject": ObjectType("kubernetes.Namespace"),
    "params": DYN,
    "authorizer": types.AUTHORIZER,
    "authorizer.requestResource": types.RESOURCE_CHECK,
    "variables": ObjectType("kubernetes.variables"),
}
_JSON_PATCH = {"op": STRING, "path": STRING, "from": STRING, "value": DYN}


def kubernetes_environment(
    version: tuple[int, int] = CURRENT,
    variables: Mapping[str, Type] = _NONE,
    typed_variables: Mapping[str, Type] = _NONE,
    mutation: bool = False,
) -> Environment:
    """Return what the API server of a Kubernetes minor offers to admission policies.

    variables: names beside the usual ones; typed_variables: the types of the policy's own `variables`, by name;
    mutation: whether `Object{}`, `JSONPatch{}` and jsonpatch.escapeKey are known, as in mutating policies.
    """
    libraries = {library for library, since in SINCE.items() if since <= version and library not in _ONLY_PLAIN}
    if not mutation:
        libraries.discard("json-patch")
    return Environment(
        variables={**_VARIABLES, **variables},
        version=version,
        libraries=frozenset(libraries),
        objects={
            **OBJECTS,
            "kubernetes.variables": typed_variables,
            **({"JSONPatch": _JSON_PATCH} if mutation else {}),
        },
        any_object=mutation,
        homogeneous=True,
    )


def standard_environment(
    variables: Mapping[str, Type] = _NONE, container: str = "", functions: tuple[Overload, ...] = ()
) -> Environment:
    """Return plain CEL with every library, and the variables and functions given."""
    return Environment(variables=variables, container=container, functions=functions)
