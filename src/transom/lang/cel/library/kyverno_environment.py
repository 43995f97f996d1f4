"""What expressions of Kyverno's own policies may name beside what the API server offers.

Read from Kyverno's CEL libraries as of its version 1.18. Nothing here is declared for policies of the API server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from transom.lang.cel.declarations import Overload
from transom.lang.cel.types import (
    BOOL,
    DURATION,
    DYN,
    STRING,
    TIMESTAMP,
    ListType,
    MapType,
    ObjectType,
    Opaque,
    Type,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transom.lang.cel.environment import Environment

IMAGE = Opaque("kyverno.image.Image")
CLUSTER = Opaque("kyverno.resource.Context")
WEB = Opaque("kyverno.http.Context")
REGISTRY = Opaque("kyverno.imagedata.Context")
SHARED = Opaque("kyverno.globalcontext.Context")
GVR = Opaque("kyverno.resource.GVR")
_ANY = MapType(STRING, DYN)
_WORDS = MapType(STRING, STRING)
_LIBRARIES = frozenset(("math", "encoders", "bindings"))
_NEEDS_A_CLUSTER = frozenset(("params", "authorizer", "authorizer.requestResource"))

_VARIABLES: dict[str, Type] = {
    "resource": CLUSTER,
    "http": WEB,
    "image": REGISTRY,
    "globalContext": SHARED,
    "exceptions": ObjectType("kyverno.Exception"),
}
_OBJECTS: dict[str, dict[str, Type]] = {
    "kyverno.Exception": {"allowedImages": ListType(STRING), "allowedValues": ListType(STRING)},
    "kyverno.ServiceAccount": {"Name": STRING, "Namespace": STRING},
}


def kyverno_environment(env: Environment) -> Environment:
    """Return the environment of a ValidatingPolicy: the API server's without parameters and authorizer, and its own."""
    kept = {name: of for name, of in env.variables.items() if name not in _NEEDS_A_CLUSTER}
    return replace(
        env,
        variables={**kept, **_VARIABLES},
        libraries=env.libraries | _LIBRARIES,
        objects={**env.objects, **_OBJECTS},
        functions=FUNCTIONS,
    )


def _function(name: str, *params: Type, gives: Type) -> Overload:
    return Overload(name, params, gives)


def _method(name: str, *params: Type, gives: Type) -> Overload:
    return Overload(name, params, gives, method=True)


def _both_cases(name: str, *params: Type, gives: Type) -> Iterator[Overload]:
    """Yield a method by its old name, `Get`, and by its new one, `get`."""
    for each in (name, name[0].lower() + name[1:]):
        yield _method(each, *params, gives=gives)


def _prefixed(library: str, name: str, *params: Type, gives: Type) -> Iterator[Overload]:
    """Yield a function by its old name, `sha256`, and by its new one, `hash.sha256`."""
    for each in (name, f"{library}.{name}"):
        yield _function(each, *params, gives=gives)


_THREE, _FOUR = (STRING,) * 3, (STRING,) * 4
FUNCTIONS: tuple[Overload, ...] = (
    _function("image", STRING, gives=IMAGE),
    _function("parseImageReference", STRING, gives=IMAGE),
    _function("isImage", STRING, gives=BOOL),
    _method("containsDigest", IMAGE, gives=BOOL),
    *(
        _method(name, IMAGE, gives=STRING)
        for name in ("registry", "repository", "identifier", "identifierWithSeparator", "tag", "digest")
    ),
    *_both_cases("GetMetadata", REGISTRY, STRING, gives=DYN),
    *_both_cases("Get", CLUSTER, *_FOUR, gives=_ANY),
    *_both_cases("Get", CLUSTER, *_THREE, gives=_ANY),
    *_both_cases("Get", CLUSTER, *_FOUR, ListType(STRING), gives=_ANY),
    *_both_cases("Get", CLUSTER, GVR, STRING, STRING, gives=_ANY),
    *_both_cases("List", CLUSTER, *_THREE, gives=_ANY),
    *_both_cases("List", CLUSTER, STRING, STRING, gives=_ANY),
    *_both_cases("List", CLUSTER, *_THREE, _WORDS, gives=_ANY),
    *_both_cases("List", CLUSTER, STRING, STRING, _WORDS, gives=_ANY),
    *_both_cases("List", CLUSTER, GVR, STRING, gives=_ANY),
    *_both_cases("Post", CLUSTER, *_THREE, _ANY, gives=_ANY),
    *_both_cases("Post", CLUSTER, STRING, STRING, _ANY, gives=_ANY),
    _method("ToGVR", CLUSTER, STRING, STRING, gives=GVR),
    *_both_cases("Get", WEB, STRING, gives=DYN),
    *_both_cases("Get", WEB, STRING, _WORDS, gives=DYN),
    *_both_cases("Post", WEB, STRING, DYN, gives=DYN),
    *_both_cases("Post", WEB, STRING, DYN, _WORDS, gives=DYN),
    *_both_cases("Put", WEB, STRING, DYN, gives=DYN),
    *_both_cases("Put", WEB, STRING, DYN, _WORDS, gives=DYN),
    *_both_cases("Client", WEB, STRING, gives=WEB),
    *_both_cases("Get", SHARED, STRING, gives=DYN),
    *_both_cases("Get", SHARED, STRING, STRING, gives=DYN),
    *_prefixed("user", "parseServiceAccount", STRING, gives=ObjectType("kyverno.ServiceAccount")),
    *_prefixed("hash", "sha1", STRING, gives=STRING),
    *_prefixed("hash", "sha256", STRING, gives=STRING),
    *_prefixed("hash", "md5", STRING, gives=STRING),
    *_prefixed("transform", "listObjToMap", ListType(DYN), ListType(DYN), STRING, STRING, gives=MapType()),
    _function("json.unmarshal", DYN, gives=DYN),
    _function("json.marshal", DYN, gives=STRING),
    _function("yaml.parse", STRING, gives=DYN),
    _function("x509.decode", STRING, gives=DYN),
    _function("time.now", gives=TIMESTAMP),
    _function("time.toCron", TIMESTAMP, gives=STRING),
    _function("time.truncate", TIMESTAMP, DURATION, gives=TIMESTAMP),
)
"""Every function of Kyverno's libraries that a ValidatingPolicy may call."""
