"""transom scan --vex: what others say of a vulnerability decides whether it is told, and is never lost."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.advisories.vex.test_reading import OPENVEX
from tests.cli.test_scanners import IMAGE, scanned
from tests.cli.test_vulns import bill, folder  # noqa: F401 - a fixture
from tests.registry.conftest import Layout, layout  # noqa: F401 - a fixture
from transom.cli import main


@pytest.fixture
def place(folder: Path) -> Path:  # noqa: F811
    (folder / "a.cdx.json").write_text(json.dumps(bill(("pkg:pypi/django", "3.2.0"))))
    return folder


def vex(place: Path, name: str = "vex.json", **changes: Any) -> str:
    statement = {**OPENVEX["statements"][0], **changes}
    (place / name).write_text(json.dumps({**OPENVEX, "statements": [statement]}))
    return name


@pytest.mark.parametrize("status", ["not_affected", "fixed"])
def test_what_is_settled_is_accepted_and_told(place: Path, capsys: pytest.CaptureFixture[str], status: str) -> None:
    found = scanned(capsys, "a.cdx.json", "--vex", vex(place, status=status))
    assert found["findings"] == []
    (accepted,) = found["accepted"]
    assert accepted["reason"].startswith(status.replace("_", " "))
    assert "Shop" in accepted["reason"]
    assert accepted["declared"]["file"] == "vex.json"
    assert found["summary"]["exit_code"] == 0


@pytest.mark.parametrize("status", ["affected", "under_investigation"])
def test_what_is_not_settled_stays_with_what_is_said(
    place: Path, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    (finding,) = scanned(capsys, "a.cdx.json", "--vex", vex(place, status=status))["findings"]
    assert any(status.replace("_", " ") in each["observed"] for each in finding["evidence"])


def test_every_document_tells_how_often_it_decided(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scanned(capsys, "a.cdx.json", "--vex", vex(place))
    (told,) = (each["how"] for each in found["summary"]["provenance"] if each["origin"] == "vex.json")
    assert told == "VEX by Shop: 1 statements, 1 of them about what was found"


@pytest.mark.parametrize("name", ["gone.json", "broken.json"])
def test_a_document_that_cannot_be_read_makes_a_scan_incomplete(
    place: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (place / "broken.json").write_text('{"statements": ')
    found = scanned(capsys, "a.cdx.json", "--vex", name)
    assert found["summary"]["exit_code"] == 3
    assert len(found["findings"]) == 1


def test_a_folder_of_documents_is_read(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "vex").mkdir()
    vex(place, "vex/a.json")
    assert scanned(capsys, "a.cdx.json", "--vex", "vex")["findings"] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".trivyignore", "CVE-2026-0001\n"),
        (".trivyignore.yaml", "vulnerabilities: [{id: CVE-2026-0001, purls: ['pkg:pypi/django']}]"),
        (".grype.yaml", "ignore: [{package: {name: django}}]"),
    ],
)
def test_what_other_scanners_ignore_is_accepted(
    place: Path, capsys: pytest.CaptureFixture[str], name: str, text: str
) -> None:
    (place / name).write_text(text)
    found = scanned(capsys, "a.cdx.json")
    assert found["findings"] == []
    (accepted,) = found["accepted"]
    assert accepted["declared"]["file"] == name
    assert len(scanned(capsys, "a.cdx.json", "--no-exceptions")["findings"]) == 1


def test_a_rule_that_has_expired_accepts_nothing_and_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "old").mkdir()
    (place / "old/.trivyignore").write_text("CVE-2026-0001 exp:2020-01-01\n")
    found = scanned(capsys, "a.cdx.json", "--ignore-file", "old/.trivyignore")
    assert {each["rule"] for each in found["findings"]} == {"vulnerable-package", "exception-expired"}


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ("vulnerability: CVE-2026-*", 0),
        ("vulnerability: CVE-2025-*", 1),
        ("package: django", 0),
        ("package: 'pkg:pypi/django@3.2.0'", 0),
        ("package: 'pkg:pypi/django@3.2.1'", 1),
        ("state: not-fixed", 1),
        ("vulnerability: CVE-2026-0001, status: not_affected, justification: component_not_present", 0),
    ],
)
def test_an_exception_names_vulnerability_and_package(
    place: Path, capsys: pytest.CaptureFixture[str], scope: str, count: int
) -> None:
    (place / "transom.yaml").write_text(
        f"version: 1\nexceptions: [{{rule: vulnerable-package, reason: being replaced, {scope}}}]\n"
    )
    found = scanned(capsys, "a.cdx.json")
    assert sum(each["rule"] == "vulnerable-package" for each in found["findings"]) == count


def test_a_status_that_vex_does_not_know_is_a_usage_error(place: Path) -> None:
    (place / "transom.yaml").write_text(
        "version: 1\nexceptions: [{rule: vulnerable-package, reason: a, status: harmless}]\n"
    )
    assert main(["scan", "a.cdx.json"]) == 2


@pytest.mark.parametrize("form", ["openvex", "cyclonedx-vex", "csaf"])
def test_decisions_of_a_team_travel_as_vex(place: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    (place / "transom.yaml").write_text(
        "version: 1\nexceptions: [{rule: vulnerable-package, reason: unused, status: not_affected}]\n"
    )
    assert main(["scan", "a.cdx.json", "-o", f"{form}=out.json"]) == 0
    (place / "transom.yaml").unlink()
    found = scanned(capsys, "a.cdx.json", "--vex", "out.json")
    assert found["findings"] == []
    assert "unused" in found["accepted"][0]["reason"]


def attached(place: Layout, image: dict[str, Any], predicate: Any, kind: str = "https://openvex.dev/ns/v0.2.0") -> None:
    """Attach an attestation to an image, as cosign does it."""
    subject = image["digest"].removeprefix("sha256:")
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": subject}}],
        "predicateType": kind,
        "predicate": predicate,
    }
    payload = b64encode(json.dumps(statement).encode()).decode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": []}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": place.blob(b"{}", "application/vnd.oci.image.config.v1+json"),
        "layers": [place.blob(json.dumps(envelope).encode(), "application/vnd.dsse.envelope.v1+json")],
    }
    made = place.blob(json.dumps(manifest).encode(), manifest["mediaType"])
    place.add({**made, "annotations": {"org.opencontainers.image.ref.name": f"sha256-{subject}.att"}})


@pytest.mark.parametrize(("words", "count"), [((), 1), (("--vex", "oci"), 0)])
def test_what_is_attached_to_the_image_is_read_where_it_is_asked_for(
    place: Path,
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    count: int,
) -> None:
    said = {key: value for key, value in OPENVEX["statements"][0].items() if key != "products"}
    image = layout.image(IMAGE)
    attached(layout, image, {**OPENVEX, "statements": [said]})
    attached(layout, image, {"builder": {}}, "https://slsa.dev/provenance/v1")
    found = scanned(capsys, f"image:{layout.folder}", "--scanners", "vuln", "--no-cache", *words)
    assert len(found["findings"]) == count
    assert len(found["accepted"]) == 1 - count


def test_what_is_attached_holds_for_its_own_image_only(
    place: Path,
    layout: Layout,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    attached(layout, layout.image(IMAGE), OPENVEX)
    words = (f"image:{layout.folder}", "a.cdx.json", "--scanners", "vuln", "--no-cache", "--vex", "oci")
    found = scanned(capsys, *words)
    assert [each["ref"]["name"] for each in found["findings"]] == ["a.cdx.json"]
