"""Bills go out as their schemas have them, and come back as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from tests.images.sbom.making import BILL, BILLS, MADE_AT
from transom.images.sbom import cyclonedx, spdx
from transom.images.sbom.reading import parse_bill
from transom.model.errors import TransomError
from transom.model.packages import Bill

WRITERS = {"cyclonedx": cyclonedx.write, "spdx": spdx.write}
each_format = pytest.mark.parametrize("form", WRITERS)


def faults_of_cyclonedx(content: bytes) -> object:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(content.decode())


def faults_of_spdx(content: bytes) -> list[Any]:
    from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = JsonLikeDictParser().parse(json.loads(content))
    return [each.validation_message for each in validate_full_spdx_document(document, "SPDX-2.3")]


def test_cyclonedx_satisfies_its_schema() -> None:
    assert faults_of_cyclonedx(cyclonedx.write(BILL, MADE_AT)) is None


def test_spdx_satisfies_its_validator() -> None:
    assert faults_of_spdx(spdx.write(BILL, MADE_AT)) == []


@settings(max_examples=40, deadline=None)
@given(BILLS)
def test_any_bill_satisfies_the_schemas(bill: Bill) -> None:
    assert faults_of_cyclonedx(cyclonedx.write(bill, MADE_AT)) is None
    assert faults_of_spdx(spdx.write(bill, MADE_AT)) == []


@each_format
def test_a_bill_comes_back_as_it_was(form: str) -> None:
    content = WRITERS[form](BILL, MADE_AT)
    back = parse_bill(content, "a.json")
    assert WRITERS[form](back, MADE_AT) == content
    assert {each.identity for each in back.packages} == {each.identity for each in BILL.packages}
    assert [each.places for each in back.packages] == [each.places for each in BILL.packages]
    assert (back.name, back.digest, back.layers, back.base) == (BILL.name, BILL.digest, BILL.layers, BILL.base)


@each_format
@settings(deadline=None)
@given(bill=BILLS)
def test_any_bill_is_stable_over_a_round_trip(form: str, bill: Bill) -> None:
    content = WRITERS[form](bill, MADE_AT)
    assert WRITERS[form](parse_bill(content, "a.json"), MADE_AT) == content


def test_one_format_becomes_the_other_and_back() -> None:
    first = cyclonedx.write(BILL, MADE_AT)
    through = spdx.write(parse_bill(first, "a"), MADE_AT)
    assert cyclonedx.write(parse_bill(through, "b"), MADE_AT) == first


@each_format
def test_the_same_bill_has_the_same_bytes_and_another_another_name(form: str) -> None:
    assert WRITERS[form](BILL, MADE_AT) == WRITERS[form](BILL, MADE_AT)
    first, second = (json.loads(WRITERS[form](Bill(name, ()), MADE_AT)) for name in ("a", "b"))
    key = "serialNumber" if form == "cyclonedx" else "documentNamespace"
    assert first[key] != second[key]


def test_a_bill_tells_the_layer_and_its_instruction() -> None:
    component = json.loads(cyclonedx.write(BILL, MADE_AT))["components"][1]
    told = {each["name"]: each["value"] for each in component["properties"]}
    assert told["transom:location:0:instruction"] == "COPY . /"
    assert component["purl"] == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12"


@pytest.mark.parametrize("version", ["1.2", "1.3", "1.4", "1.5", "1.6"])
def test_cyclonedx_of_others_is_read(version: str) -> None:
    component = {
        "type": "library", "name": "a", "version": "1", "group": "g", "purl": "pkg:maven/g/a@1",
        "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}],
        "components": [{"type": "library", "name": "inner", "version": "2"}, {"type": "file", "name": "f"}],
    }  # fmt: skip
    document = {"bomFormat": "CycloneDX", "specVersion": version, "components": [component]}
    found = parse_bill(json.dumps(document).encode(), "a.json")
    assert [(each.kind, each.name, each.version) for each in found.packages] == [
        ("maven", "a", "1"),
        ("generic", "inner", "2"),
    ]
    assert found.packages[0].licences == ("MIT", "Own")


def test_cyclonedx_as_xml_is_read() -> None:
    content = b"""<?xml version="1.0"?>
    <bom xmlns="http://cyclonedx.org/schema/bom/1.4" version="1">
      <metadata><component type="container"><name>web</name></component></metadata>
      <components>
        <component type="library" bom-ref="x"><group>g</group><name>a</name><version>1</version>
          <licenses><license><id>MIT</id></license></licenses><purl>pkg:maven/g/a@1</purl>
          <properties><property name="transom:source:name">s</property></properties>
          <components><component type="library"><name>inner</name></component></components>
        </component>
      </components>
    </bom>"""
    found = parse_bill(content, "a.xml")
    assert found.name == "web"
    assert [(each.name, each.source_name, each.licences) for each in found.packages] == [
        ("a", "s", ("MIT",)),
        ("inner", "", ()),
    ]


def test_spdx_as_tags_is_read() -> None:
    content = b"""SPDXVersion: SPDX-2.2
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: web
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Root

PackageName: web
SPDXID: SPDXRef-Root

PackageName: a
SPDXID: SPDXRef-a
PackageVersion: 1
PackageLicenseDeclared: LicenseRef-1
PackageComment: <text>Version: 9
of a</text>
ExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1

LicenseID: LicenseRef-1
ExtractedText: <text>own
words</text>
"""
    found = parse_bill(content, "a.spdx")
    assert found.name == "web"
    assert [(each.kind, each.name, each.version, each.licences) for each in found.packages] == [
        ("npm", "a", "1", ("own\nwords",))
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"{}", b"null", b"rubbish", b"\xff\xfe", b"<a/>", b"<bom", b"[" * 100_000, b'{"a":' * 100_000,
        b'{"bomFormat": "CycloneDX"}', b'{"bomFormat": "CycloneDX", "specVersion": "9.9"}', b'{"spdxVersion": "SPDX-3.0"}',
        b'<!DOCTYPE a [<!ENTITY b "c">]><bom xmlns="http://cyclonedx.org/schema/bom/1.4">&b;</bom>',
        b"SPDXVersion: SPDX-2.3\nPackageComment: <text>without end",
        b'<bom xmlns="http://cyclonedx.org/schema/bom/1.4">' + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</bom>",
    ],
)  # fmt: skip
def test_what_is_no_bill_is_told(content: bytes) -> None:
    with pytest.raises(TransomError, match=r"cannot read a\.json"):
        parse_bill(content, "a.json")


@pytest.mark.parametrize(
    "document",
    [
        {"specVersion": "1.4", "components": [3, None, {"type": 4}, {"type": "library", "name": [], "purl": "pkg:"}]},
        {"specVersion": "1.4", "components": {"a": 1}, "metadata": [], "properties": 3},
        {"specVersion": "1.4", "components": [{"type": "library", "name": "a", "licenses": [3], "evidence": 3}]},
        {"spdxVersion": "SPDX-2.3", "packages": [3, {"name": 4, "externalRefs": [None], "annotations": 3}]},
        {"spdxVersion": "SPDX-2.3", "packages": None, "relationships": 3, "documentDescribes": [[]]},
    ],
)
def test_fields_of_other_types_are_passed_by(document: dict[str, Any]) -> None:
    parse_bill(json.dumps(document).encode(), "a.json")
