"""Fixes of charts: values that make them, proven by rendering; what no value makes is told."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from transom.inventory import Inventory
from transom.mending import Mended, Options, mend
from transom.model.findings import Finding
from transom.rules.fixes import fixes_of
from transom.rules.load import builtin_pack
from transom.rules.select import select
from transom.scan import ScanOptions, scan

pytest.importorskip("helm_python", reason="no Helm library: pip install 'transom[charts]'")

PACK = select(builtin_pack(), profiles=["default"])
FIXES, _ = fixes_of((*PACK.policies, *PACK.checks))
VALUES = """\
# of the pod
podSecurityContext: {runAsUser: 20000}
securityContext: {}
hostPID: true   # for the debugger
"""
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      hostPID: {{ .Values.hostPID }}
      securityContext: {{- toYaml .Values.podSecurityContext | nindent 8 }}
      containers:
      - name: web
        image: example.com/web:1.2
        securityContext: {{- toYaml .Values.securityContext | nindent 10 }}
      - name: side
        image: example.com/side:1.2
        securityContext: {privileged: true}
"""


def chart_in(folder: Path, values: str = VALUES, name: str = "web") -> Path:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n")
    (folder / "values.yaml").write_text(values)
    (folder / "templates" / "web.yaml").write_text(TEMPLATE.replace("NAME", name))
    return folder


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", "/nowhere")  # not the helm of whoever runs this
    return chart_in(tmp_path / "web")


def scanning(*value_files: str) -> ScanOptions:
    return ScanOptions(policies=PACK.policies, checks=PACK.checks, value_files=value_files)


def mended(chart: Path, *only: str, safe_only: bool = False, over: tuple[str, ...] = ()) -> Mended:
    return mend([str(chart)], Options(scanning(*over), FIXES, only=only, safe_only=safe_only))


def reasons(made: Mended, rule: str) -> list[str]:
    return [each.reason for each in made.left if each.finding.rule == rule]


def found(chart: Path) -> set[str]:
    results = scan([str(chart)], scanning(), Inventory())
    return {each.fingerprint for each in results if isinstance(each, Finding)}


def test_the_value_that_decides_a_field_is_edited_in_place(chart: Path) -> None:
    (edit,) = mended(chart, "host-pid").edits.values()
    assert edit.file == f"{chart}/values.yaml"
    assert edit.after.decode() == VALUES.replace("hostPID: true ", "hostPID: false ")


def test_what_is_missing_joins_the_map_that_the_template_writes_out(chart: Path) -> None:
    (edit,) = mended(chart, "run-as-non-root").edits.values()
    assert yaml.safe_load(edit.after)["podSecurityContext"] == {"runAsUser": 20000, "runAsNonRoot": True}


def test_a_container_that_no_value_reaches_is_left_and_the_other_mended(chart: Path) -> None:
    made = mended(chart, "capabilities-not-dropped")
    (edit,) = made.edits.values()
    assert yaml.safe_load(edit.after)["securityContext"] == {"capabilities": {"drop": ["ALL"]}}
    (step,) = made.steps
    assert [each.container for each in step.mends] == ["web"]
    (left,) = made.left
    assert left.finding.container == "side"
    assert "no value of the chart decides it" in left.reason


def test_what_is_written_is_what_was_promised(chart: Path) -> None:
    before = found(chart)
    made = mended(chart)
    for edit in made.edits.values():
        Path(edit.path).write_bytes(edit.after)
    gone = {each.fingerprint for step in made.steps for each in step.mends}
    assert len(gone) > 4
    assert found(chart) == before - gone


def test_what_the_template_fixes_itself_is_left_with_the_reason(chart: Path) -> None:
    made = mended(chart, "privileged-container")
    assert not made.edits
    assert "change the template" in reasons(made, "privileged-container")[0]


def test_a_safe_fix_stays_safe_where_its_value_changes_nothing_else(chart: Path) -> None:
    made = mended(chart, "run-as-non-root", safe_only=True)
    assert made.edits
    assert all(step.safe for step in made.steps)


def test_a_value_that_changes_something_else_too_is_not_safe(chart: Path) -> None:
    template = chart / "templates" / "job.yaml"
    template.write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
        'data: {of: "{{ toJson .Values.podSecurityContext | b64enc }}"}\n'
    )
    made = mended(chart, "run-as-non-root", safe_only=True)
    assert not made.edits
    assert "--write=all" in reasons(made, "run-as-non-root")[0]
    assert mended(chart, "run-as-non-root").edits


def test_a_value_that_a_file_of_the_user_sets_is_edited_there(chart: Path, tmp_path: Path) -> None:
    over = tmp_path / "prod.yaml"
    over.write_text("hostPID: true\n")
    (edit,) = mended(chart, "host-pid", over=(str(over),)).edits.values()
    assert (edit.file, edit.after) == (str(over), b"hostPID: false\n")


def test_a_value_of_a_subchart_is_set_by_the_chart_that_has_it(chart: Path) -> None:
    chart_in(chart / "charts" / "db", "podSecurityContext: {}\nsecurityContext: {}\nhostPID: true\n", "db")
    (chart / "values.yaml").write_text(VALUES.replace("hostPID: true", "hostPID: false"))
    (edit,) = mended(chart, "host-pid").edits.values()
    assert edit.file == f"{chart}/values.yaml"
    assert yaml.safe_load(edit.after)["db"] == {"hostPID": False}


def test_a_packed_chart_is_left_with_the_reason(chart: Path, tmp_path: Path) -> None:
    from transom.kube.charts.files import packed, read_chart

    archive = tmp_path / "web-0.1.0.tgz"
    archive.write_bytes(packed(read_chart(str(chart), "web")))
    made = mended(archive, "host-pid")
    assert not made.edits
    assert "packed chart" in reasons(made, "host-pid")[0]
