"""Charts as a source: rendered objects, found in their templates, and the values that decide their fields."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.conftest import scanned
from transom.inventory import Inventory
from transom.inventory.sources import fill
from transom.model.findings import Accepted, Finding, NotApplicable, Provenance, Skipped
from transom.rules.load import builtin_pack
from transom.rules.waivers import Waiver
from transom.scan import ScanOptions, scan

pytest.importorskip("helm_python", reason="no Helm library: pip install 'transom[charts]'")

DEPLOYMENT = """\
{{- if .Values.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  template:
    spec:
      containers:
      - name: app
        # transom.dev/allow: image-digest-missing built here
        image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
        securityContext:
          {{- toYaml .Values.securityContext | nindent 10 }}
{{- end }}
"""
HELPERS = '{{ define "labels" }}\napp: web\ntier: front\n{{ end }}\n'
VALUES = "enabled: true\nimage:\n  repository: example.com/web\n  tag: latest\nsecurityContext: {}\n"


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", "/nowhere")  # not the helm of whoever runs this
    folder = tmp_path / "web"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text(VALUES)
    (folder / "templates" / "_helpers.tpl").write_text(HELPERS)
    (folder / "templates" / "web.yaml").write_text(DEPLOYMENT)
    (folder / "templates" / "NOTES.txt").write_text("hello\n")
    return folder


def read(path: Path, *values: str) -> tuple[Inventory, list[object]]:
    inventory = Inventory()
    return inventory, list(fill(inventory, str(path), value_files=values))


def test_a_rendered_object_is_found_in_its_template(chart: Path) -> None:
    inventory, told = read(chart)
    (entry,) = inventory.entries()
    assert [type(each) for each in told if not isinstance(each, NotApplicable)] == [Provenance]
    place = inventory.locate(entry, ("spec", "template", "spec", "containers", 0, "image"))
    assert (place.file, place.line) == (f"{chart}/templates/web.yaml", 14)
    assert inventory.locate(entry, ("metadata", "labels", "tier")).line == 7
    assert entry.origin.renderer.startswith("the Helm library")


def test_a_finding_names_the_values_that_decide_it(chart: Path) -> None:
    found = scanned(chart)
    (tag,) = (each for each in found if isinstance(each, Finding) and each.rule == "image-tag-latest")
    values = [(each.locator.path, each.locator.line) for each in tag.evidence[1:]]
    assert sorted(values) == [("image.repository", 3), ("image.tag", 4)]
    (escalation,) = (each for each in found if isinstance(each, Finding) and each.rule == "privilege-escalation")
    assert [each.locator.path for each in escalation.evidence[1:]] == ["securityContext"]


def test_what_no_value_decides_names_none(chart: Path) -> None:
    (finding,) = (each for each in scanned(chart) if isinstance(each, Finding) and each.rule == "memory-limit-missing")
    assert len(finding.evidence) == 1


def test_values_files_are_laid_over_the_charts(chart: Path, tmp_path: Path) -> None:
    (tmp_path / "prod.yaml").write_text("image: {tag: 1.2.3}\n")
    inventory, _ = read(chart, str(tmp_path / "prod.yaml"))
    (entry,) = inventory.entries()
    assert entry.object["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/web:1.2.3"


def test_a_comment_in_a_template_accepts_a_finding(chart: Path) -> None:
    rules = {each.rule for each in scanned(chart) if isinstance(each, Finding)}
    assert "image-digest-missing" not in rules


def test_a_chart_that_does_not_render_is_a_finding_and_skipped(chart: Path) -> None:
    (chart / "templates" / "web.yaml").write_text("a: b\nc: {{ .Values.x.y.z }}\n")
    _, told = read(chart)
    (finding,) = (each for each in told if isinstance(each, Finding))
    assert finding.rule == "chart-does-not-render"
    assert (finding.place.file, finding.place.line) == (f"{chart}/templates/web.yaml", 2)
    assert any(isinstance(each, Skipped) for each in told)


def test_a_template_that_loops_is_stopped(chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.kube.charts.renderer.RENDER_S", 2.0)
    (chart / "templates" / "web.yaml").write_text("{{ range $i := until 2000000000 }}{{ end }}\n")
    _, told = read(chart)
    assert [each.rule for each in told if isinstance(each, Finding)] == ["chart-does-not-render"]


def test_a_packed_chart_is_read_like_its_folder(chart: Path, tmp_path: Path) -> None:
    from transom.kube.charts.files import packed, read_chart

    archive = tmp_path / "web-0.1.0.tgz"
    archive.write_bytes(packed(read_chart(str(chart), "web")))
    inventory, _ = read(archive)
    (entry,) = inventory.entries()
    assert inventory.locate(entry, ("spec",)).file == f"{archive}/templates/web.yaml"


def test_without_a_renderer_a_chart_is_skipped(chart: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transom.inventory.charts.find_renderer", lambda: None)
    _, told = read(chart)
    (skipped,) = (each for each in told if isinstance(each, Skipped))
    assert "transom[charts]" in skipped.next_step


def test_a_missing_dependency_is_skipped_and_the_rest_judged(chart: Path) -> None:
    with (chart / "Chart.yaml").open("a") as out:
        out.write("dependencies: [{name: db, version: 1.0.0, repository: 'https://charts.example'}]\n")
    inventory, told = read(chart)
    (skipped,) = (each for each in told if isinstance(each, Skipped))
    assert "db" in skipped.reason
    assert len(inventory) == 1


def test_every_public_chart_renders_with_known_lines(corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    for name in ("microservices-demo/helm-chart", "kubernetes-goat/scenarios/metadata-db"):
        inventory, told = read(corpora / name)
        assert not [each for each in told if isinstance(each, Skipped | Finding)]
        assert len(inventory) >= 3
        for entry in inventory.entries():
            place = inventory.locate(entry, ("kind",))
            assert Path(place.file).read_text().splitlines()[place.line - 1] == f"kind: {entry.ref.kind}"


def test_an_exception_of_a_field_accepts_it_whatever_value_decides_it(chart: Path) -> None:
    (finding,) = (each for each in scanned(chart) if isinstance(each, Finding) and each.rule == "image-tag-latest")
    assert len(finding.evidence) > 1
    waiver = Waiver("image-tag-latest", "of the demo", path=finding.place.path)
    policies = builtin_pack().policies
    options = ScanOptions(policies=policies, waivers=[waiver], today=date(2026, 11, 25))
    results = list(scan([str(chart)], options, Inventory()))
    assert "image-tag-latest" in [each.finding.rule for each in results if isinstance(each, Accepted)]
