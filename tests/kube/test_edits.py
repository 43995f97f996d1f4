"""Edits to a document's text: what it says afterwards is what was wanted, and nothing else has moved."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from transom.kube.documents import Document, read_documents
from transom.kube.edits import EditError, edits_for
from transom.kube.rendering import same
from transom.model.patches import edited


def documents(content: bytes) -> list[Document]:
    found = list(read_documents(io.BytesIO(content), "f.yaml"))
    assert all(isinstance(each, Document) for each in found), found
    return found  # type: ignore[return-value]


def changed(content: bytes | str, change: Any, index: int = 0) -> str:
    """Return a text after a change of one of its documents, which is read again and compared."""
    content = content.encode() if isinstance(content, str) else content
    before = documents(content)
    wanted = copy.deepcopy(before[index].value)
    change(wanted)
    result = edited(content, edits_for(before[index], wanted))
    after = documents(result)
    assert [each.value for each in after if each.index != index] == [e.value for e in before if e.index != index]
    assert same(after[index].value, wanted), result.decode()
    return result.decode()


def put(*path: Any) -> Any:
    """Return a change that sets a value: put("spec", "replicas", 2)."""

    def change(value: Any) -> None:
        for step in path[:-2]:
            value = value.setdefault(step, {}) if isinstance(value, dict) else value[step]
        value[path[-2]] = path[-1]

    return change


def drop(*path: Any) -> Any:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        del value[path[-1]]

    return change


POD = """\
# head
kind: Pod   # a pod
spec:
  # which
  containers:
  - name: a # first
    image: "x:1"

  # second
  - name: b
    securityContext:
      privileged: true   # why
      runAsUser: 0
"""


def test_a_new_key_goes_behind_the_last_one_of_its_map():
    found = changed(POD, put("spec", "containers", 0, "tty", False))
    assert found == POD.replace('"x:1"\n', '"x:1"\n    tty: false\n')


def test_a_new_map_is_indented_as_the_others():
    found = changed(POD, put("spec", "containers", 0, "securityContext", "privileged", False))
    assert '    image: "x:1"\n    securityContext:\n      privileged: false\n' in found


def test_what_is_new_in_a_pod_stands_before_its_containers_and_their_comments():
    found = changed(POD, put("spec", "hostUsers", False))
    assert found == POD.replace("spec:\n", "spec:\n  hostUsers: false\n")


def test_a_pull_policy_stands_behind_its_image():
    found = changed(POD.replace("image:", "image:"), put("spec", "containers", 0, "imagePullPolicy", "Always"))
    assert '"x:1"\n    imagePullPolicy: Always\n' in found


def test_a_scalar_is_replaced_and_its_comment_stays():
    found = changed(POD, put("spec", "containers", 1, "securityContext", "privileged", False))
    assert found == POD.replace("privileged: true   # why", "privileged: false   # why")


def test_quotes_stay():
    assert "image: 'y'" in changed("spec: {image: 'x'}", put("spec", "image", "y"))
    assert 'image: "y"' in changed('spec:\n  image: "x"\n', put("spec", "image", "y"))


def test_a_removed_key_takes_its_line():
    found = changed(POD, drop("spec", "containers", 1, "securityContext", "privileged"))
    assert found == POD.replace("      privileged: true   # why\n", "")


def test_a_map_of_which_nothing_is_left_becomes_braces():
    text = "spec:\n  securityContext:\n    privileged: true\n  a: 1\n"
    assert changed(text, drop("spec", "securityContext", "privileged")) == "spec:\n  securityContext: {}\n  a: 1\n"


def test_the_key_behind_a_dash_moves_up():
    text = "ports:\n- hostPort: 80\n  containerPort: 80\n"
    assert changed(text, drop("ports", 0, "hostPort")) == "ports:\n- containerPort: 80\n"


def test_items_are_removed_and_appended():
    text = "drop:\n  - A\n  - B # b\n  - C\n"
    assert changed(text, lambda v: v["drop"].remove("B")) == "drop:\n  - A\n  - C\n"
    assert changed(text, lambda v: v["drop"].append("ALL")) == text + "  - ALL\n"
    assert changed(text, lambda v: v["drop"].clear()) == "drop: []\n"


def test_flow_style_stays():
    assert changed("a: {b: 1, c: [x, y]}\n", put("a", "d", True)) == "a: {b: 1, c: [x, y], d: true}\n"
    assert changed("a: {b: 1, c: 2, d: 3}\n", drop("a", "c")) == "a: {b: 1, d: 3}\n"
    assert changed("a: {b: 1, c: 2}\n", drop("a", "b")) == "a: {c: 2}\n"
    assert changed("a: {b: 1}\n", drop("a", "b")) == "a: {}\n"
    assert changed("a: [x, y]\n", lambda v: v["a"].append("z")) == "a: [x, y, z]\n"


def test_json_stays_json():
    text = '{\n    "a": {\n        "b": 1\n    }\n}\n'
    found = changed(text, put("a", "c", "d", [True]))
    assert json.loads(found) == {"a": {"b": 1, "c": {"d": [True]}}}
    assert found.startswith('{\n    "a": {\n        "b": 1,\n        "c": {\n            "d": [\n')
    assert changed('{"a":{"b":1}}', put("a", "c", 2)) == '{"a":{"b":1, "c": 2}}'


def test_line_ends_of_windows_stay():
    text = "a:\r\n  b: 1\r\nc: 2\r\n"
    assert changed(text, put("a", "d", "e", 1)) == "a:\r\n  b: 1\r\n  d:\r\n    e: 1\r\nc: 2\r\n"


def test_a_byte_order_mark_stays():
    assert changed(b"\xef\xbb\xbfa: 1\nb: 2\n", put("a", 3)).encode() == b"\xef\xbb\xbfa: 3\nb: 2\n"


def test_a_last_line_without_end_gets_none():
    assert changed("a:\n  b: 1", put("a", "c", 2)) == "a:\n  b: 1\n  c: 2"


def test_an_empty_value_becomes_a_map():
    assert changed("a: # why\nb: 1\n", put("a", {"c": 1})) == "a: # why\n  c: 1\nb: 1\n"
    assert changed("a: {}\nb: 1\n", put("a", {"c": 1})) == "a: {c: 1}\nb: 1\n"
    assert changed("a: null\nb: 1\n", put("a", {"c": 1})) == "a:\n  c: 1\nb: 1\n"


def test_text_that_is_not_ascii_keeps_its_place():
    assert changed("a: 文字 # 注\nb: 1\nc: é\n", put("b", 2)) == "a: 文字 # 注\nb: 2\nc: é\n"


def test_other_documents_keep_every_byte():
    text = "---\na: 1\n...\n---\n# two\nb:   1\n---\nc: [ 1 ]\n"
    assert changed(text, put("b", 2), index=1) == text.replace("b:   1", "b:   2")


def test_an_override_stands_behind_a_merge_key():
    text = "base: &base\n  x: 1\nuse:\n  <<: *base\n  y: 1\n"
    assert changed(text, put("use", "x", 2)) == text + "  x: 2\n"


def test_an_anchor_that_is_used_elsewhere_is_refused():
    with pytest.raises(EditError, match="anchor &sc, which is used once elsewhere"):
        changed("a: &sc\n  p: true\nb: *sc\n", put("a", "p", False))


def test_an_anchor_whose_aliases_want_the_same_is_edited_once():
    def change(value: Any) -> None:
        value["a"]["p"] = value["b"]["p"] = False

    assert changed("a: &sc\n  p: true\nb: *sc\n", change) == "a: &sc\n  p: false\nb: *sc\n"


def test_an_alias_that_wants_something_else_is_written_out():
    assert changed("a: &sc\n  p: true\nb: *sc\n", put("b", "p", False)) == "a: &sc\n  p: true\nb:\n  p: false\n"


def test_what_a_merge_key_brings_is_not_taken_out():
    with pytest.raises(EditError, match="merge key"):
        changed("base: &b {x: 1}\nuse:\n  <<: *b\n  y: 1\n", drop("use", "x"))


def test_a_key_that_stands_there_twice_is_refused():
    with pytest.raises(EditError, match="twice"):
        changed("a:\n  b: 1\n  b: 2\n", put("a", "b", 3))


def test_block_scalars_keep_their_lines():
    text = "a:\n  b: |+\n    x\n\nc: 1\n"
    assert changed(text, put("a", "d", 1)) == "a:\n  b: |+\n    x\n\n  d: 1\nc: 1\n"
    assert changed("a:\n  b: |\n    x\n\n\nc: 1\n", put("a", "d", 1)) == "a:\n  b: |\n    x\n  d: 1\n\n\nc: 1\n"


KEYS = st.sampled_from(["name", "image", "a", "b", "securityContext", "containers", "x.y/z", "no"])
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-5, 10**6),
    st.none(),
    st.sampled_from(["x", "x:1", "- a", "# c", "yes", "1", "a b", "é", ""]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
MAPS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)


def _mutations(value: Any, draw: Any) -> Any:
    """Return a value with some of its parts changed, removed and added."""
    if isinstance(value, dict):
        kept = {key: _mutations(each, draw) for key, each in value.items() if draw(st.integers(0, 6))}
        return {**kept, **(draw(st.dictionaries(KEYS, VALUES, max_size=1)) if not draw(st.integers(0, 2)) else {})}
    if isinstance(value, list):
        kept_items = [_mutations(each, draw) for each in value if draw(st.integers(0, 5))]
        return kept_items + (draw(st.lists(VALUES, max_size=1)) if not draw(st.integers(0, 3)) else [])
    return draw(SCALARS) if not draw(st.integers(0, 4)) else value


WRITERS = {
    "block": lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True),
    "wide": lambda value: yaml.safe_dump(value, sort_keys=False, indent=4),
    "flow": lambda value: yaml.safe_dump(value, sort_keys=False, default_flow_style=True),
    "mixed": lambda value: yaml.safe_dump(value, sort_keys=False, default_flow_style=None),
    "json": json.dumps,
    "pretty": lambda value: json.dumps(value, indent="\t"),
    "windows": lambda value: yaml.safe_dump(value, sort_keys=False).replace("\n", "\r\n"),
}


@given(MAPS, st.sampled_from(sorted(WRITERS)), st.data())
@settings(max_examples=200, deadline=None)
def test_the_text_says_what_is_wanted_or_the_edit_is_refused(value, writer, data):
    content = WRITERS[writer](value).encode()
    (document,) = documents(content)
    wanted = _mutations(document.value, data.draw)
    try:
        edits = edits_for(document, wanted)
    except EditError:
        return
    assert same(documents(edited(content, edits))[0].value, wanted)
