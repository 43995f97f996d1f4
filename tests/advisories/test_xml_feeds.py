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


def update(name, package, version, release, *cves):
    references = "".join(f'<reference id="{cve}" type="cve"/>' for cve in cves)
    return (
        f'<update type="security"><id>{name}</id><references>{references}</references><pkglist><collection>'
        f'<package name="{package}" version="{version}" release="{release}" epoch="0"/></collection></pkglist></update>'
    )


EXTRAS = "<updates>{}</updates>".format(
    "".join(
        (
            update("ALAS2-2024-10", "kernel", "4.14.336", "256.559.amzn2", "CVE-1", "CVE-2"),
            update("ALAS2KERNEL-5.10-2024-050", "kernel", "5.10.209", "198.858.amzn2", "CVE-1", "CVE-3"),
            update("ALASKERNEL-5.15-2024-037", "kernel", "5.15.148", "97.158.amzn2", "CVE-3"),
            update("ALASRUBY3.0-2024-001", "rubygem-json", "2.5.1", "157.amzn2", "CVE-4"),
            update("ALAS2023LIVEPATCH-2024-012", "kernel-livepatch-6.1.61", "1.0", "4.amzn2023", "CVE-5"),
        )
    )
).encode()


def amazon(name, version, release="2"):
    return Package("rpm", name, version, source_name=name, source_version=version, distro=f"amzn-{release}")


@pytest.mark.parametrize(
    ("version", "bugs"),
    [
        ("4.14.300-1.amzn2", {"CVE-1", "CVE-2"}),  # of the core: nothing of 5.10 and 5.15 is meant
        ("4.14.336-256.559.amzn2", set()),
        ("5.10.100-1.amzn2", {"CVE-1", "CVE-3"}),  # the core's fix of CVE-1 is lesser, and no fix of this kernel
        ("5.10.209-198.858.amzn2", set()),
        ("5.15.100-1.amzn2", {"CVE-3"}),
    ],
)
def test_kernels_of_amazons_extras_have_fixes_of_their_own(index_of, version, bugs):
    assert set(matched(index_of(EXTRAS), amazon("kernel", version))) == bugs


def test_a_package_of_a_topic_that_is_numbered_otherwise_is_meant(index_of):
    assert set(matched(index_of(EXTRAS), amazon("rubygem-json", "2.4.0-1.amzn2"))) == {"CVE-4"}


def test_live_patches_are_of_their_release(index_of):
    assert set(matched(index_of(EXTRAS), amazon("kernel-livepatch-6.1.61", "1.0-1.amzn2023", "2023"))) == {"CVE-5"}


def test_fixes_of_oracles_other_builds_are_not_those_of_the_usual_one(index_of):
    index = index_of(
        OVAL.replace(b"Module nodejs:18 is enabled", b"x")
        .replace(b"1:18.19.1-1.module+el8.9.0+90142+f4b3cc81", b"2:2.28-151.0.1.ksplice2.el8")
        .replace(b">nodejs<", b">glibc<")
    )

    def glibc(version):
        return Package("rpm", "glibc", version, source_name="glibc", source_version=version, distro="ol-8.9")

    assert not matched(index, glibc("2.28-100.el8"))
    assert set(matched(index, glibc("2:2.28-100.ksplice1.el8"))) == {"CVE-1", "CVE-2"}
