"""Errata in XML: OVAL's criteria, and the updates of a repository."""

from __future__ import annotations

import bz2

import pytest

from transom.advisories import match
from transom.advisories.documents import Document
from transom.advisories.feeds import read, told
from transom.model.advisories import Advisory, Match, Refused
from transom.model.packages import Package
from transom.model.severity import Severity

OVAL = b"""<?xml version="1.0" encoding="utf-8"?>
<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5"
 xmlns:red-def="http://oval.mitre.org/XMLSchema/oval-definitions-5#linux">
<definitions>
<definition id="oval:com.oracle.elsa:def:20240001" version="501" class="patch"><metadata>
<title>ELSA-2024-0001:  nodejs:18 security update (IMPORTANT)</title>
<affected family="unix"><platform>Oracle Linux 8</platform></affected>
<reference source="elsa" ref_id="ELSA-2024-0001"/><reference source="CVE" ref_id="CVE-1"/>
<reference source="CVE" ref_id="CVE-2"/>
<advisory><severity>IMPORTANT</severity><issued date="2024-01-02"/></advisory></metadata>
<criteria operator="AND"><criterion test_ref="t:1" comment="Oracle Linux 8 is installed"/>
<criterion test_ref="t:2" comment="Module nodejs:18 is enabled"/>
<criteria operator="OR"><criteria operator="AND"><criterion test_ref="t:3" comment="nodejs is earlier than 1:18.19.1-1"/>
<criterion test_ref="t:4" comment="nodejs is signed with the Oracle Linux 8 key"/></criteria></criteria></criteria>
</definition></definitions>
<tests><red-def:rpminfo_test id="t:1" check="all"><red-def:object object_ref="o:1"/><red-def:state state_ref="s:1"/></red-def:rpminfo_test>
<red-def:rpminfo_test id="t:3" check="all"><red-def:object object_ref="o:3"/><red-def:state state_ref="s:3"/></red-def:rpminfo_test>
<red-def:rpminfo_test id="t:4" check="all"><red-def:object object_ref="o:3"/><red-def:state state_ref="s:4"/></red-def:rpminfo_test></tests>
<objects><red-def:rpminfo_object id="o:1"><red-def:name>oraclelinux-release</red-def:name></red-def:rpminfo_object>
<red-def:rpminfo_object id="o:3"><red-def:name>nodejs</red-def:name></red-def:rpminfo_object></objects>
<states><red-def:rpminfo_state id="s:1"><red-def:version operation="pattern match">^8</red-def:version></red-def:rpminfo_state>
<red-def:rpminfo_state id="s:3">
<red-def:evr operation="less than">1:18.19.1-1.module+el8.9.0+90142+f4b3cc81</red-def:evr>
</red-def:rpminfo_state></states></oval_definitions>"""

UPDATES = b"""<?xml version="1.0"?><updates>
<update from="linux-security@amazon.com" status="final" type="security" version="1.4"><id>ALAS2-2024-1</id>
<title>Amazon Linux 2 - ALAS2-2024-1: important update for runc</title><issued date="2024-02-01 10:00"/>
<severity>important</severity><references><reference id="CVE-2024-21626" type="cve"/></references>
<pkglist><collection short="amazon-linux-2"><package name="runc" version="1.1.11" release="1.amzn2" epoch="0" arch="x86_64"/>
<package name="runc" version="1.1.11" release="1.amzn2" epoch="0" arch="aarch64"/></collection></pkglist></update>
<update type="bugfix"><id>ALAS2-2024-2</id></update></updates>"""


def matched(index, *packages):
    return {each.id: each for each in match(packages, "", index) if isinstance(each, Match)}


def test_oval_fixes_are_of_a_platform_and_a_module(index_of):
    index = index_of(OVAL)

    def nodejs(version, distro="ol-8.9"):
        return Package("rpm", "nodejs", version, source_name="nodejs", source_version=version, distro=distro)

    found = matched(index, nodejs("1:18.12.1-2.module+el8.7.0+1+a"))
    assert set(found) == {"CVE-1", "CVE-2"}
    assert found["CVE-1"].severity is Severity.HIGH
    assert found["CVE-1"].reasons[0].record == "ELSA-2024-0001"
    assert not matched(index, nodejs("1:18.19.1-1.module+el8.9.0+90142+f4b3cc81"))
    assert not matched(index, nodejs("1:16.20.2-1.module+el8.7.0+1+a"))
    assert not matched(index, nodejs("1:18.12.1-2.module+el8.7.0+1+a", "ol-9.0"))


def test_updates_of_a_repository_are_read(index_of):
    index = index_of(UPDATES)

    def runc(version):
        return Package("rpm", "runc", version, source_name="runc", source_version=version, distro="amzn-2")

    assert matched(index, runc("1.1.7-4.amzn2"))["CVE-2024-21626"].fixed == "1.1.11-1.amzn2"
    assert not matched(index, runc("1.1.11-1.amzn2"))


def test_what_bzip2_packed_is_unpacked(tmp_path):
    (tmp_path / "ol8.xml.bz2").write_bytes(bz2.compress(OVAL))
    assert [each.id for each in told(str(tmp_path / "ol8.xml.bz2")) if isinstance(each, Advisory)] == ["ELSA-2024-0001"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (OVAL[: len(OVAL) // 2], "broken XML"),
        (
            b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><oval_definitions>&a;</oval_definitions>",
            "document type",
        ),
        (b"<oval_definitions>" + b"<a>" * 200 + b"</a>" * 200 + b"</oval_definitions>", "nested deeper"),
    ],
)
def test_broken_xml_and_entities_are_refused(content, reason):
    assert reason in next(each.reason for each in read(Document("x", content)) if isinstance(each, Refused))
