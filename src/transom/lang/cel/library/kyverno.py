"""What Kyverno's own functions do: those on texts and times; those that ask a cluster, a registry or a web service.

A receiver of the latter is an Unknown where nobody can be asked, so such a call never gets here; where a test tells
what they would answer, the receiver is an Answers.
"""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from transom.lang.cel.errors import CannotKnow, EvaluationError
from transom.lang.cel.library.standard import refuse
from transom.lang.cel.values import Duration, Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_REGISTRY = "index.docker.io"
DEFAULT_TAG = "latest"
OFFICIAL = "library/"
SERVICE_ACCOUNT = "system:serviceaccount:"
FIRST_YEAR = -62_135_596_800  # seconds from 1970 to year 1, from which Go counts when it truncates
NANOSECONDS = 10**9
_REPOSITORY = re.compile(r"[a-z0-9_.\-/]{2,255}\Z")
_TAG = re.compile(r"[A-Za-z0-9_\-.]{1,128}\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Answers:
    """What a cluster, a registry or a web service would answer; ask: called with the method's name and arguments."""

    __slots__ = ("ask",)

    def __init__(self, ask: Callable[..., Any]) -> None:
        self.ask = ask


class Image(Struct, frozen=True):
    """An image reference as a value; tag and digest are "" where they are not written."""

    registry: str
    repository: str
    tag: str
    digest: str

    cel_type = "kyverno.image.Image"


def _asked(method: str) -> Callable[..., Any]:
    def ask(receiver: Any, *args: Any) -> Any:
        if isinstance(receiver, Answers):
            return receiver.ask(method, *args)
        raise refuse(method, receiver, *args)

    return ask


Get_ = get_ = _asked("Get")
List_ = list_ = _asked("List")
Post_ = post_ = _asked("Post")
Put_ = put_ = _asked("Put")
Client_ = client_ = _asked("Client")
GetMetadata_ = getMetadata_ = _asked("GetMetadata")  # noqa: N816 - Kyverno's own name
ToGVR_ = _asked("ToGVR")


# image references


def image_(text: Any) -> Image:
    """Read an image reference: registry, repository, and a tag or a digest."""
    if not isinstance(text, str):
        raise refuse("image", text)
    found = _image(text)
    if found is None:
        raise EvaluationError(f"could not parse reference: {text[:200]}")
    return found


parseImageReference_ = image_  # noqa: N816 - Kyverno's own name


def isImage_(text: Any) -> bool:  # noqa: N802 - Kyverno's own name
    """Tell whether a text is an image reference."""
    if not isinstance(text, str):
        raise refuse("isImage", text)
    return _image(text) is not None


def _image(text: str) -> Image | None:
    name, at, digest = text.partition("@")
    if at and not _DIGEST.match(digest):
        return None
    before, colon, tag = name.rpartition(":")
    if colon and "/" not in tag:
        name = before
        if not _TAG.match(tag):
            return None
    else:
        tag = ""
    registry, slash, repository = name.partition("/")
    if not slash or not (registry == "localhost" or "." in registry or ":" in registry):
        registry, repository = DEFAULT_REGISTRY, name
    if registry in ("docker.io", DEFAULT_REGISTRY):
        registry = DEFAULT_REGISTRY
        repository = repository if "/" in repository else OFFICIAL + repository
    return Image(registry, repository, tag, digest) if _REPOSITORY.match(repository) else None


def _checked(name: str, value: Any) -> Image:
    if isinstance(value, Image):
        return value
    raise refuse(name, value)


def containsDigest_(image: Any) -> bool:  # noqa: N802 - Kyverno's own name
    """Tell whether a digest is written."""
    return bool(_checked("containsDigest", image).digest)


def registry_(image: Any) -> str:
    """Return the registry, with its port."""
    return _checked("registry", image).registry


def repository_(image: Any) -> str:
    """Return the name within the registry."""
    return _checked("repository", image).repository


def tag_(image: Any) -> str:
    """Return the tag: `latest` where neither tag nor digest is written, "" beside a digest."""
    found = _checked("tag", image)
    return "" if found.digest else found.tag or DEFAULT_TAG


def digest_(image: Any) -> str:
    """Return the digest, "" where there is none."""
    return _checked("digest", image).digest


def identifier_(image: Any) -> str:
    """Return the digest, or else the tag."""
    return _checked("identifier", image).digest or tag_(image)


def identifierWithSeparator_(image: Any) -> str:  # noqa: N802 - Kyverno's own name
    """Return what stands behind the repository: tag, digest or both, with their separators."""
    found = _checked("identifierWithSeparator", image)
    written = (f":{found.tag}" if found.tag else "") + (f"@{found.digest}" if found.digest else "")
    return written or f":{DEFAULT_TAG}"


# texts


def parseServiceAccount_(name: Any) -> dict[str, str]:  # noqa: N802 - Kyverno's own name
    """Read the user name of a service account; both parts are "" where it is none."""
    if not isinstance(name, str):
        raise refuse("parseServiceAccount", name)
    namespace, colon, account = name.removeprefix(SERVICE_ACCOUNT).partition(":")
    if not name.startswith(SERVICE_ACCOUNT) or not colon or ":" in account:
        return {"Name": "", "Namespace": ""}
    return {"Name": account, "Namespace": namespace}


user_parseServiceAccount_ = parseServiceAccount_  # noqa: N816 - Kyverno's own name


def _hashed(algorithm: str) -> Callable[[Any], str]:
    def digest(text: Any) -> str:
        if not isinstance(text, str):
            raise refuse(algorithm, text)
        return hashlib.new(algorithm, text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()

    return digest


sha1_ = hash_sha1_ = _hashed("sha1")
sha256_ = hash_sha256_ = _hashed("sha256")
md5_ = hash_md5_ = _hashed("md5")


def json_unmarshal_(text: Any) -> Any:
    """Read JSON."""
    if not isinstance(text, str):
        raise refuse("json.unmarshal", text)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise EvaluationError(f"no JSON: {error}") from None


def json_marshal_(value: Any) -> str:
    """Write a value as JSON, the keys of maps in order."""
    try:
        return msgspec.json.encode(value, order="deterministic").decode()
    except (TypeError, ValueError, RecursionError):
        raise EvaluationError("the value cannot be written as JSON") from None


def yaml_parse_(text: Any) -> Any:
    """YAML within policies is not read."""
    raise CannotKnow(f"what a YAML text of {len(text) if isinstance(text, str) else 0} characters says (yaml.parse)")


def x509_decode_(text: Any) -> Any:
    """Certificates are not read."""
    raise CannotKnow(f"what a certificate of {len(text) if isinstance(text, str) else 0} characters says (x509.decode)")


# lists, numbers, times


def listObjToMap_(keys: Any, values: Any, key_field: Any, value_field: Any) -> dict[Any, Any]:  # noqa: N802
    """Return a map from a field of each map of one list to a field of the map at the same place of another."""
    lists = isinstance(keys, list | tuple) and isinstance(values, list | tuple)
    if not lists or not isinstance(key_field, str) or not isinstance(value_field, str):
        raise refuse("listObjToMap", keys, values, key_field, value_field)
    if len(keys) != len(values):
        raise EvaluationError("the lists have different lengths")
    try:
        return {key[key_field]: value[value_field] for key, value in zip(keys, values, strict=True)}
    except (KeyError, TypeError):
        raise EvaluationError(f"an element has no field {key_field} or {value_field}") from None


transform_listObjToMap_ = listObjToMap_  # noqa: N816 - Kyverno's own name


def time_now_() -> Timestamp:
    """Return the time of the judgement."""
    return Timestamp(time.time_ns())


def time_toCron_(moment: Any) -> str:  # noqa: N802 - Kyverno's own name
    """Write a time as the schedule that holds at that minute: minute, hour, day, month and weekday."""
    if not isinstance(moment, Timestamp):
        raise refuse("time.toCron", moment)
    parts = time.gmtime(moment.nanoseconds // NANOSECONDS)
    return f"{parts.tm_min} {parts.tm_hour} {parts.tm_mday} {parts.tm_mon} {(parts.tm_wday + 1) % 7}"


def time_truncate_(moment: Any, span: Any) -> Timestamp:
    """Round a time down to a multiple of a span since year 1, as Go does."""
    if not isinstance(moment, Timestamp) or not isinstance(span, Duration):
        raise refuse("time.truncate", moment, span)
    if span.nanoseconds <= 0:
        return moment
    return Timestamp(moment.nanoseconds - (moment.nanoseconds - FIRST_YEAR * NANOSECONDS) % span.nanoseconds)
