"""Values: who set them, and which may decide a field."""

from __future__ import annotations

from transom.kube.charts.files import Chart
from transom.kube.charts.values import Field, candidates, changed, layers, merged, place

FILES = {
    "Chart.yaml": b"name: web\n",
    "values.yaml": b"image: {tag: one}\ndb:\n  size: 2\nempty: {}\n",
    "charts/db/values.yaml": b"size: 1\nname: x\n",
    "templates/a.yaml": b"{{ .Values.image.tag }} {{ toYaml .Values.empty }} {{ .Values.nothing.at.all }}",
    "templates/_helpers.tpl": b"{{ .Values.db.size }}",
    "charts/db/templates/b.yaml": b"{{ .Values.size }}",
}
CHART = Chart("web", "web", FILES)


def test_a_parents_values_beat_a_subcharts_and_the_users_beat_both() -> None:
    found = layers(CHART, {"prod.yaml": b"image: {tag: two}\n"})
    assert merged(found) == {"image": {"tag": "two"}, "db": {"size": 2, "name": "x"}, "empty": {}}


def test_a_value_is_placed_where_it_was_set_last() -> None:
    found = layers(CHART, {"prod.yaml": b"\nimage:\n  tag: two\n"})
    tag, name = place(found, ("image", "tag")), place(found, ("db", "name"))
    assert tag is not None
    assert name is not None
    assert (tag.file, tag.line) == ("prod.yaml", 3)
    assert (name.file, name.line, name.path) == ("web/charts/db/values.yaml", 2, "name")
    assert place(found, ("nothing",)) is None


def test_candidates_are_what_the_template_mentions_then_what_its_helpers_do() -> None:
    values = merged(layers(CHART, {}))
    assert candidates(CHART, values, Field("templates/a.yaml", 1, ("image",), "one")) == [
        ("image", "tag"),
        ("empty",),
        ("nothing", "at", "all"),
        ("db", "size"),
    ]


def test_candidates_of_a_subchart_stand_below_its_name() -> None:
    values = merged(layers(CHART, {}))
    assert candidates(CHART, values, Field("charts/db/templates/b.yaml", 1, ("spec", "size"), 2)) == [("db", "size")]


def test_a_changed_value_keeps_its_type() -> None:
    values = {"a": True, "b": 1, "c": "x", "d": {}, "e": [1], "f": {"g": "y"}}
    assert changed(values, ("a",))["a"] is False
    assert changed(values, ("b",))["b"] == 2
    assert changed(values, ("c",))["c"] == "xprobe"
    assert changed(values, ("d",))["d"] == {"probe": True}
    assert changed(values, ("e",))["e"] == [1, 1]
    assert changed(values, ("f", "g"))["f"] == {"g": "yprobe"}
    assert values["d"] == {}


def test_what_is_mentioned_near_the_field_comes_first() -> None:
    template = b"{{ .Values.image.tag }}\n\n\n\n{{ .Values.db.size }}\n"
    chart = Chart("web", "web", {**FILES, "templates/a.yaml": template})
    values = merged(layers(chart, {}))
    assert candidates(chart, values, Field("templates/a.yaml", 5, ("spec",), 2))[0] == ("db", "size")
    assert candidates(chart, values, Field("templates/a.yaml", 1, ("spec",), 2))[0] == ("image", "tag")
