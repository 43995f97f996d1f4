"""Java: archives within archives, poms, the runtime's release file."""

from __future__ import annotations

import io
import zipfile

import pytest

from transom.images.packages.java import MAX_DEPTH, read_archive, read_gradle_lock, read_pom, read_release


def jar(**members: str | bytes) -> bytes:
    return packed({name.replace("__", "/"): content for name, content in members.items()})


def packed(members: dict[str, str | bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def properties(group: str, artifact: str, version: str) -> dict[str, str]:
    text = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
    return {f"META-INF/maven/{group}/{artifact}/pom.properties": text}


def told(packages):
    return [(each.namespace, each.name, each.version, each.places[0].path) for each in packages if each.version]


def test_maven_leaves_its_coordinates_in_a_jar():
    assert told(read_archive("lib/a.jar", packed(properties("org.x", "a-core", "1.2")))) == [
        ("org.x", "a-core", "1.2", "lib/a.jar")
    ]


def test_a_jar_without_a_pom_is_what_its_name_and_manifest_say():
    manifest = "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.x.co\r\n re-lib;singleton:=true\r\nBundle-License: MIT\r\n\r\n"
    (package,) = read_archive("core-lib-1.4.2.jar", packed({"META-INF/MANIFEST.MF": manifest}))
    assert told([package]) == [("org.x", "core-lib", "1.4.2", "core-lib-1.4.2.jar")]
    assert package.licences == ("MIT",)


def test_the_manifest_tells_a_version_that_the_name_does_not():
    manifest = "Implementation-Version: 9.0.1\nImplementation-Vendor-Id: org.apache\n\nName: x\nBundle-Version: 3\n"
    assert told(read_archive("tool.jar", packed({"META-INF/MANIFEST.MF": manifest}))) == [
        ("org.apache", "tool", "9.0.1", "tool.jar")
    ]


@pytest.mark.parametrize(
    ("stem", "name", "version"),
    [
        ("spring-core-5.3.1.RELEASE", "spring-core", "5.3.1.RELEASE"),
        ("log4j-1.2-api-2.17.1", "log4j-1.2-api", "2.17.1"),
        ("guava-31.1-jre", "guava", "31.1-jre"),
        ("jsr305-0.1~+svn49", "jsr305", "0.1~+svn49"),
        ("a-1.0-SNAPSHOT", "a", "1.0-SNAPSHOT"),
        ("tool", "tool", "7"),
    ],
)
def test_a_file_name_is_parted_into_name_and_version(stem, name, version):
    content = packed({"META-INF/MANIFEST.MF": "Implementation-Version: 7\n"})
    assert [each[1:3] for each in told(read_archive(f"lib/{stem}.jar", content))] == [(name, version)]


def test_shaded_packages_count_beside_the_jars_own():
    members = {**properties("org.x", "app", "1"), **properties("org.y", "shaded", "2")}
    assert [each[1] for each in told(read_archive("app-1.jar", packed(members)))] == ["app", "shaded"]


def test_archives_within_archives_are_read():
    war = packed({"WEB-INF/lib/b-2.0.jar": packed(properties("org.x", "b", "2.0"))})
    ear = packed({"web.war": war})
    assert told(read_archive("all.ear", ear)) == [("org.x", "b", "2.0", "all.ear!/web.war!/WEB-INF/lib/b-2.0.jar")]


def test_archives_do_not_nest_without_end():
    content = packed({})
    for _ in range(MAX_DEPTH + 2):
        content = packed({"inner.jar": content}, zipfile.ZIP_STORED)
    with pytest.raises(ValueError, match="deeper than"):
        list(read_archive("a.jar", content))


def test_what_lies_beside_a_broken_archive_is_read():
    members = {"lib/broken.jar": b"PK", "lib/b.jar": packed(properties("org.x", "b", "2"))}
    found = []
    with pytest.raises(ValueError, match="no zip"):
        found.extend(read_archive("a.war", packed(members)))
    assert [each.name for each in found if each.version] == ["b"]


def test_a_bomb_is_not_unpacked():
    with pytest.raises(ValueError, match="would unpack to"):
        list(read_archive("a.jar", packed({"b.jar": b"\0" * 20_000_000})))


def test_a_pom_within_a_jar_counts_where_there_are_no_properties():
    pom = """<project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>org.p</groupId><version>3</version></parent>
    <artifactId>a</artifactId><licenses><license><name>Apache-2.0</name></license></licenses></project>"""
    (package,) = read_archive("a.jar", packed({"META-INF/maven/org.p/a/pom.xml": pom}))
    assert (package.namespace, package.name, package.version, package.licences) == ("org.p", "a", "3", ("Apache-2.0",))


def test_a_projects_pom_tells_versions_through_properties_and_management():
    pom = b"""<project><properties><v>1.5</v></properties>
    <dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>m</artifactId><version>7</version>
    </dependency></dependencies></dependencyManagement>
    <dependencies>
    <dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency>
    <dependency><groupId>g</groupId><artifactId>m</artifactId><scope>test</scope></dependency>
    <dependency><groupId>g</groupId><artifactId>unknown</artifactId></dependency>
    </dependencies></project>"""
    found = [(each.name, each.version, each.development) for each in read_pom("pom.xml", pom)]
    assert found == [("a", "1.5", False), ("m", "7", True)]


def test_entities_are_refused():
    with pytest.raises(ValueError, match="entities"):
        list(read_pom("pom.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><project>&a;</project>'))


def test_a_gradle_lock_marks_what_only_tests_use():
    text = b"# comment\norg.x:a:1.0=compileClasspath,testRuntimeClasspath\norg.x:b:2.0=testRuntimeClasspath\nempty=\n"
    found = [(each.namespace, each.name, each.version, each.development) for each in read_gradle_lock("l", text)]
    assert found == [("org.x", "a", "1.0", False), ("org.x", "b", "2.0", True)]


def test_a_runtime_tells_its_version():
    text = b'IMPLEMENTOR="Debian"\nJAVA_VERSION="17.0.9"\nJAVA_RUNTIME_VERSION="17.0.9+9"\n'
    (package,) = read_release("usr/lib/jvm/java-17/release", text)
    assert (package.name, package.version) == ("openjdk", "17.0.9+9")
