"""Excerpts: the lines around a finding as they were judged, and never a secret in them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from transom.cli.excerpts import excerpts
from transom.inventory import Inventory
from transom.inventory.entries import Origin
from transom.inventory.files import fill_from_stream
from transom.model.findings import Evidence, Finding
from transom.model.places import Locator
from transom.model.refs import Ref
from transom.model.severity import Severity
from transom.report.options import Excerpt

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostPID: true
  containers:
  - name: web
    image: web:1
"""
Ask = Callable[..., Excerpt | None]


@pytest.fixture
def ask() -> Ask:
    def ask_for(text: str | bytes, line: int, column: int = 1, kind: str = "Pod") -> Excerpt | None:
        inventory = Inventory()
        raw = text.encode() if isinstance(text, str) else text
        assert not list(fill_from_stream(inventory, io.BytesIO(raw), "t", "x.yaml"))
        seen = (Evidence(Locator("x.yaml", line, column)),)
        return excerpts(inventory)(Finding("r", Ref(kind=kind, name="web"), Severity.LOW, "m", seen))

    return ask_for


def env(value: str) -> str:
    return f"{POD}    env:\n    - name: TOKEN\n      value: {value}\n    tty: true\n"


def test_the_lines_around_a_place_are_shown(ask: Ask) -> None:
    assert ask(POD, 5) == Excerpt(2, tuple(POD.splitlines()[1:8]), 5)


def test_lines_of_the_second_document_are_counted_from_the_files_begin(ask: Ask) -> None:
    found = ask(f"{POD}---\n{POD}", 14)
    assert found is not None
    assert found.lines[14 - found.first_line] == "  hostPID: true"


def test_an_excerpt_stays_within_its_document(ask: Ask) -> None:
    found = ask(f"{POD}---\nkind: Secret\napiVersion: v1\nmetadata: {{name: s}}\nstringData: {{a: hunter2}}\n", 8)
    assert found is not None
    assert "hunter2" not in "".join(found.lines)


def test_nothing_is_shown_of_a_place_that_nobody_knows(ask: Ask) -> None:
    assert ask(POD, 0) is None
    assert ask(POD, 999) is None


def test_nothing_is_shown_of_a_secret(ask: Ask) -> None:
    assert (
        ask("apiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata: {a: aHVudGVyMg==}\n", 4, kind="Secret") is None
    )


SECRETS = {
    "a plain value": env("hunter2"),
    "a quoted value": env('"hunter2"'),
    "a value with escapes": env(r'"\x68unter2 \"hunter2\""'),
    "a value of several lines": env("|\n        hunter2\n        hunter2"),
    "a folded value": env("one\n        hunter2\n        two"),
    "a number": env("!!str 2"),
    "a flow map": f"{POD}    env: [{{name: A, value: hunter2}}, {{value: 'hunter2', name: B}}]\n    tty: true\n    tty2: 1\n",
    "JSON": '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "a", '
    '"env": [\n{"name": "A", "value": "hunter2"}, {"name": "B",\n"value" : "hunter2"}]}]}}\n',
    "a header": f"{POD}    livenessProbe:\n      httpGet:\n        httpHeaders: [{{name: Authorization, value: hunter2}}]\n",
    "a ConfigMap": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata:\n  a: hunter2\n  b: |\n    hunter2\n  c: x\n",
    "a Secret beside it in a List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n"
    "  stringData: {a: hunter2}\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: web}\n  spec: {}\n",
    "a copy that kubectl keeps": f"{POD}".replace(
        "{name: web}",
        "\n  name: web\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      hunter2",
    ),
    "a line that Windows ended": env("hunter2").replace("\n", "\r\n"),
    "text before it that is not ASCII": env("hunter2").replace("web:1", "网站 # 名字"),
}


@pytest.mark.parametrize("text", SECRETS.values(), ids=SECRETS)
def test_no_secret_is_shown_at_any_line(ask: Ask, text: str) -> None:
    count = text.count("\n")
    shown = [found for line in range(1, count + 1) if (found := ask(text, line)) is not None]
    assert len(shown) == count
    assert not any("hunter2" in line for found in shown for line in found.lines)
    assert not any("\0" in line or "\r" in line for found in shown for line in found.lines)


def test_lines_keep_their_numbers_where_a_value_is_hidden(ask: Ask) -> None:
    found = ask(env("|\n        hunter2\n        hunter2"), 14)
    assert found is not None
    assert found.lines[14 - found.first_line] == "    tty: true"


def test_nothing_is_shown_where_an_anchor_lends_a_value_to_a_variable(ask: Ask) -> None:
    text = POD.replace("web:1", "&i hunter2") + "    env:\n    - {name: A, value: *i}\n"
    assert [ask(text, line) for line in range(6, 11)] == [None] * 5
    assert ask(text, 1) is not None


def test_a_value_that_is_elsewhere_hides_nothing_here(ask: Ask) -> None:
    found = ask(env("hunter2"), 5)
    assert found is not None
    assert "***" not in "".join(found.lines)


def test_of_a_long_line_what_is_near_the_place_is_shown(ask: Ask) -> None:
    text = (
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "x": "'
        + "y" * 5_000
        + '", "hostPID": true}\n'
    )
    found = ask(text, 1, text.index('"hostPID"') + 1)
    assert found is not None
    assert len(found.lines[0]) <= 160
    assert '"hostPID": true' in found.lines[0]


def test_a_file_in_utf_16_is_shown_only_where_nothing_is_to_hide(ask: Ask) -> None:
    assert ask(env("hunter2").encode("utf-16"), 11) is None
    assert ask(POD.encode("utf-16"), 5) is not None


def test_many_secrets_of_one_document_are_hidden(ask: Ask) -> None:
    values = "".join(f"    - {{name: V{number}, value: hunter2-{number}}}\n" for number in range(300))
    text = f"{POD}    env:\n{values}"
    shown = [ask(text, line) for line in (5, 9, 10, 200, 309)]
    assert all(found is not None and "hunter2" not in "".join(found.lines) for found in shown)


def test_a_snapshot_has_no_lines_to_show() -> None:
    inventory = Inventory()
    inventory.add({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}, Origin("t", "x.yaml"))
    seen = (Evidence(Locator("x.yaml", 2, 1)),)
    assert excerpts(inventory)(Finding("r", Ref(kind="Pod", name="web"), Severity.LOW, "m", seen)) is None
