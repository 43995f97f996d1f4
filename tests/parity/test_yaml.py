"""What the server stores of odd YAML is what our reader makes of it: every scalar, key and marker that reads two ways."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.cluster.api import Answer, Api, ask_all
from tests.parity.figures import record
from transom.kube.documents import Document, read_documents
from transom.kube.scratch import ControlPlane

GROUP = "parity.example.com"
ODD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"odds.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Cluster",
        "names": {"plural": "odds", "singular": "odd", "kind": "Odd", "listKind": "OddList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
# not here: keys that are one in JSON ({'1': a, 1: b}), of which the server keeps either, by the order of a map of Go
SCALARS = """\
0644|0o644|0x1F|0b101|0b102|-0644|+12|1_000|0x_1F|1e3|1E3|1e+3|1.5e3|1e-3|.5|5.|+.5|-.5|1.|.inf|-.inf|.nan|.NaN|+.inf
on|off|yes|no|y|n|Y|N|Yes|NO|On|OFF|true|True|TRUE|false|False|tRUE|null|Null|NULL|~||nULL|'null'|"true"|'0644'
12:30:45|1:30|190:20:30.15|0:0|-1:30|2020-01-01|2020-01-01T00:00:00Z|2020-01-01 00:00:00 +1|2001-12-14t21:59:43.10-05:00
9223372036854775807|9223372036854775808|18446744073709551615|18446744073709551616|-9223372036854775808|-9223372036854775809
123456789012345678901234567890|1.7976931348623157e308|1e309|-0|0|00|-0.0|0.0|08|09|0o8|0x|0xg|1e|e3|.|..|...a|-|--|---a
=|<<|*a|&a|!x|%a|@a|`a`|!!str 1|!!int "1"|!!float 1|!!bool "true"|!!null ""|!!binary aGk=|!!timestamp 2020-01-01|!custom a
"\\u0041"|"\\x41"|"\\U0001F600"|"\\uD83D\\uDE00"|"\\t"|"\\0"|"\\e"|"\\/"|"a\\\n  b"|'it''s'|"\\ud800"|"é"|😀|"\\N"|"\\_"|"\\L"|"\\P"
a: b|a : b|a#b|a #b|'a'#b|[a, b]|{a: b}|[a,b,]|{a}|{a: }|[a: b]|{a: 1, a: 2}|[]|{}|[[]]|[,]|{1: a}|{1.5: a}|{true: a}|{null: a}
{on: a}|{0644: a}|{1e3: a}|{2020-01-01: a}|{~: a}|{? a : b}|{[a]: b}|{{a: b}: c}|{a: *x}|?|? a|:|: a|a:|-a|- a
"a|'a|[a|{a|a]|a}|"a"b|'a' b|{a: b}c|[a]b||-|>-||+|1.0|10.0|100|1e2|1e21|123456789.123456789|0.1|1e-7|-1e-7|1.10|0.30000000000000004
0x7FFFFFFFFFFFFFFF|0xFFFFFFFFFFFFFFFF|0x1FFFFFFFFFFFFFFFF|0777777777777777777777|0b1111|-0x1F|-0b1|0o17|-0o17|+0x1F|1__0|_1|1_|0_7
""".replace("\n", "|").split("|")  # fmt: skip
DOCUMENTS = {
    "an anchor and its alias": "a: &x {b: 1}\n  c: *x",
    "an alias of a scalar": "a: &x on\n  c: *x",
    "a merge key": "a: &x {b: 1, c: 2}\n  d: {<<: *x, c: 3}",
    "a merge of a list": "a: &x {b: 1}\n  c: &y {b: 2, d: 3}\n  e: {<<: [*x, *y]}",
    "a merge key that is last": "a: &x {b: 1, c: 2}\n  d: {c: 3, <<: *x}",
    "a merge of no map": "a: {<<: 1}",
    "a key twice": "a: 1\n  a: 2",
    "a key twice, deep": "a: {b: {c: 1, c: 2}}",
    "a key in two writings": "1: a\n  0x1: b",
    "an alias without anchor": "a: *nowhere",
    "a literal block": "a: |\n    b\n     c\n    d\n",
    "a literal block, stripped": "a: |-\n    b\n    c\n\n",
    "a literal block, kept": "a: |+\n    b\n    c\n\n",
    "a literal block, indented": "a: |2\n     b\n    c\n",
    "a folded block": "a: >\n    b\n    c\n\n    d\n      e\n    f\n",
    "a folded block, stripped": "a: >-\n    b\n    c",
    "a plain scalar of lines": "a: b\n    c\n\n    d",
    "a quoted scalar of lines": 'a: "b\n    c\n\n    d"',
    "a tab before a value": "a:\tb",
    "a tab as indentation": "a:\n\tb: c",
    "a tab within text": "a: b\tc",
    "CRLF": "a: b\r\n  c: |\r\n    d\r\n    e\r\n",
    "CR": "a: b\r  c: d\r",
    "a sequence at its key's column": "a:\n  - b\n  - c",
    "an empty key": "? \n  : a",
    "a complex key": "? [a, b]\n  : c",
    "comments": "a: b # c\n  # d\n  e: 'f # g' # h",
    "a tag on a map": "a: !!map {b: c}",
    "a set": "a: !!set {b, c}",
    "an ordered map": "a: !!omap [b: c]",
    "non-breaking space": "a: b\u00a0c",
    "next line": "a: b\u0085  c: d",
    "line separator": "a: b\u2028c",
    "byte order mark within": "a: b\ufeffc",
    "a long key": "a" * 1200 + ": b",
    "a document end": "a: b\n...\n",
    "nothing": "",
    "control character": "a: b\x01c",
    "delete character": "a: b\x7fc",
    "private use": "a: \ue000",
    "beyond the basic plane as a key": "😀: a",
    "an indicator in plain text": "a: b:c, d",
    "a question mark": "a: ?b",
    "a colon in flow": "a: {b:c}",
    "a url in flow": "a: [http://b/c]",
    "a quoted key without space": '"a":b',
    "a quoted key in flow without space": 'a: {"b":c}',
    "nested sequences": "a:\n  - - b\n    - c\n  - d",
}
SLASH = r'"\/"'
KNOWN = {
    f"scalar {SLASH!r}": "an escaped slash, which YAML 1.2 added: libyaml reads it, the server's reader refuses it"
}
"""Cases that we read otherwise, and why."""


@pytest.fixture(scope="module")
def odds(api: Api) -> Iterator[None]:
    """A kind that takes any field."""
    assert api.create(ODD).status == 201
    end = time.monotonic() + 30
    while _post(api, _document("a: b")).status != 201:
        assert time.monotonic() < end
        time.sleep(0.2)
    yield
    api.delete(ODD)


def _document(spec: str) -> str:
    return f"apiVersion: {GROUP}/v1\nkind: Odd\nmetadata:\n  name: odd\nspec:\n  {spec}\n"


def _post(api: Api, text: str) -> Answer:
    path = f"/apis/{GROUP}/v1/odds?dryRun=All&fieldValidation=Ignore"
    return api.request("POST", path, text.encode("utf-8", "surrogatepass"), "application/yaml")


def _ours(text: str) -> Any:
    """Return `spec` as JSON text, or "refused"."""
    documents = list(read_documents(io.BytesIO(text.encode("utf-8", "surrogatepass")), "odd.yaml"))
    if len(documents) != 1 or not isinstance(documents[0], Document) or not isinstance(documents[0].value, dict):
        return "refused"
    return _told(documents[0].value)


def _told(value: dict[str, Any]) -> str:
    """Return `spec` as JSON, in which 1 and 1.0 are one number as they are in Go; "nothing" where it is null."""
    spec = value.get("spec")
    try:
        return json.dumps(_plain(spec), sort_keys=True, allow_nan=False) if spec is not None else "nothing"
    except (TypeError, ValueError):
        return "refused"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return float(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


def test_the_server_reads_yaml_as_we_do(odds: None, control_plane: ControlPlane) -> None:
    specs = {**{f"scalar {text!r}": f"a: {text}" for text in SCALARS}, **DOCUMENTS}
    texts = {name: _document(spec) for name, spec in specs.items()}
    answers = ask_all(control_plane, [partial(_post, text=text) for text in texts.values()])
    differences = {}
    for (name, text), answer in zip(texts.items(), answers, strict=True):
        theirs = _told(answer.body) if answer.status == 201 else "refused"
        ours = _ours(text)
        if ours != theirs:
            differences[name] = (ours, theirs, answer.message[:160])
    record("YAML: scalars and documents", len(texts), len(texts) - len(differences), dict.fromkeys(KNOWN.values(), 1))
    assert differences.keys() == KNOWN.keys()
    assert len(texts) > 240
