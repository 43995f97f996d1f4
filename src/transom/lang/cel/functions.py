"""Where each function of CEL and its libraries is implemented; a module is imported when one of its functions is first used.

An implementation takes CEL values, its receiver first, tells by their types what to do, and raises NoSuchOverload for
what it does not take. The types it declares stand in declarations.py.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

_LIBRARY = "transom.lang.cel.library"

# module: methods (called on a receiver) and functions
_METHODS = {
    "standard": """size matches contains startsWith endsWith""",
    "time": """getFullYear getMonth getDayOfYear getDayOfMonth getDate getDayOfWeek getHours getMinutes getSeconds
        getMilliseconds""",
    "optionals": "value hasValue or orValue unwrapOpt",
    "strings": """charAt lowerAscii replace split substring trim upperAscii join format""",
    "sequences": "indexOf lastIndexOf reverse first last",
    "lists": "slice flatten distinct sort isSorted sum min max includes",
    "patterns": "find findAll",
    "urls": "getScheme getHost getHostname getPort getEscapedPath getQuery",
    "quantities": "sign isInteger asInteger asApproximateFloat add sub",
    "ordered": "isLessThan isGreaterThan compareTo",
    "network": """family isUnspecified isLoopback isLinkLocalMulticast isLinkLocalUnicast isGlobalUnicast containsIP
        containsCIDR ip masked prefixLength""",
    "formats": "validate",
    "versions": "major minor patch",
    "authorizer": """path group serviceAccount resource subresource namespace name fieldSelector labelSelector check
        allowed errored error reason""",
    "kyverno": """Get get List list Post post Put put Client client GetMetadata getMetadata ToGVR containsDigest registry
        repository identifier identifierWithSeparator tag digest""",
}
_FUNCTIONS = {
    "standard": """size matches type dyn bool bytes double int string uint""",
    "time": "duration timestamp",
    "optionals": "optional.of optional.ofNonZeroValue optional.none optional.unwrap",
    "strings": "strings.quote",
    "sets": "sets.contains sets.equivalent sets.intersects",
    "lists": "lists.range",
    "mathematics": """math.ceil math.floor math.round math.trunc math.isInf math.isNaN math.isFinite math.sqrt math.abs
        math.sign math.bitAnd math.bitOr math.bitXor math.bitNot math.bitShiftLeft math.bitShiftRight math.greatest
        math.least""",
    "encoders": "base64.encode base64.decode",
    "urls": "url isURL",
    "quantities": "quantity isQuantity sign",
    "network": "isIP ip.isCanonical isCIDR cidr ip",
    "formats": """format.named format.dns1123Label format.dns1123Subdomain format.dns1035Label format.qualifiedName
        format.dns1123LabelPrefix format.dns1123SubdomainPrefix format.dns1035LabelPrefix format.labelValue format.uri
        format.uuid format.byte format.date format.datetime""",
    "versions": "semver isSemver",
    "json_patch": "jsonpatch.escapeKey",
    "kyverno": """image parseImageReference isImage parseServiceAccount user.parseServiceAccount sha1 sha256 md5 hash.sha1
        hash.sha256 hash.md5 json.unmarshal json.marshal yaml.parse x509.decode listObjToMap transform.listObjToMap
        time.now time.toCron time.truncate""",
}
_OPERATORS = {"_+_": "add", "_-_": "subtract", "_*_": "multiply", "_/_": "divide", "_%_": "remainder", "-_": "negate"}


def _python_name(name: str) -> str:
    """Return the name of the Python function: dots become underscores, Python's own words get one behind."""
    plain = name.replace(".", "_")
    return f"{plain}_"


FUNCTIONS: dict[tuple[str, bool], str] = {
    **{(name, False): f"{_LIBRARY}.arithmetic:{python}" for name, python in _OPERATORS.items()},
    **{
        (name, is_method): f"{_LIBRARY}.{module}:{_python_name(name)}"
        for table, is_method in ((_METHODS, True), (_FUNCTIONS, False))
        for module, names in table.items()
        for name in names.split()
    },
}
"""Every function by its name and whether it is called on a receiver: "module:function"."""


@cache
def function(name: str, method: bool) -> Callable[..., Any]:
    """Return the implementation of a function; raises KeyError where there is none."""
    module, _, python = FUNCTIONS[name, method].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), python)
    return found
