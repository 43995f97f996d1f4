"""Python: metadata of what is installed, requirements, lock files."""

from __future__ import annotations

import io
import zipfile

from transom.images.packages.python import (
    read_egg,
    read_metadata,
    read_pdm_lock,
    read_pipfile_lock,
    read_poetry_lock,
    read_pylock,
    read_requirements,
    read_uv_lock,
)


def told(packages):
    return [(each.name, each.version, each.development) for each in packages]


def test_metadata_tells_name_version_and_licence():
    text = b"Metadata-Version: 2.4\nName: Zope.Interface_X\nVersion: 5.0\nLicense-Expression: MIT\n\nName: no\nVersion: 1\n"
    (package,) = read_metadata("a-5.0.dist-info/METADATA", text)
    assert (package.name, package.version, package.licences) == ("zope-interface-x", "5.0", ("MIT",))


def test_the_licence_comes_from_classifiers_where_the_field_is_a_whole_text():
    text = b"Name: a\r\nVersion: 1\r\nLicense: Copyright me\r\n        all of it\r\n"
    text += b"Classifier: License :: OSI Approved :: BSD License\r\n\r\nbody"
    (package,) = read_metadata("a.egg-info/PKG-INFO", text)
    assert package.licences == ("BSD License",)
    assert package.evidence == "egg-info"


def test_an_egg_is_a_zip_with_its_metadata():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as egg:
        egg.writestr("EGG-INFO/PKG-INFO", "Name: Old\nVersion: 0.1\n")
    assert told(read_egg("old.egg", buffer.getvalue())) == [("old", "0.1", False)]


def test_only_pinned_requirements_count_and_know_their_line():
    text = b"# all\nDjango==4.2.1 ; python_version > '3'\nflask>=2\nrequests[security]==2.31.0 \\\n  --hash=sha256:aa\nx==1.*\n"
    found = list(read_requirements("requirements.txt", text))
    assert told(found) == [("django", "4.2.1", False), ("requests", "2.31.0", False)]
    assert [each.places[0].line for each in found] == [2, 4]


def test_a_pipfile_lock_marks_what_develops():
    text = b'{"default": {"a": {"version": "==1.0"}}, "develop": {"b": {"version": "==2.0"}, "c": {"git": "x"}}}'
    assert told(read_pipfile_lock("Pipfile.lock", text)) == [("a", "1.0", False), ("b", "2.0", True)]


def test_poetry_tells_development_by_category_or_by_groups():
    text = b'[[package]]\nname = "a"\nversion = "1"\ncategory = "dev"\n\n[[package]]\nname = "b"\nversion = "2"\n'
    text += b'groups = ["main", "dev"]\n\n[[package]]\nname = "c"\nversion = "3"\ngroups = ["dev"]\n'
    found = list(read_poetry_lock("poetry.lock", text))
    assert told(found) == [("a", "1", True), ("b", "2", False), ("c", "3", True)]
    assert [each.places[0].line for each in found] == [2, 7, 12]


def test_uv_marks_what_the_project_does_not_lead_to_and_leaves_the_project_out():
    text = b"""version = 1
[[package]]
name = "app"
version = "0.1"
source = { editable = "." }
dependencies = [{ name = "a" }]
[package.dev-dependencies]
dev = [{ name = "c" }]
[[package]]
name = "a"
version = "1"
source = { registry = "x" }
dependencies = [{ name = "b" }]
[[package]]
name = "b"
version = "2"
[[package]]
name = "c"
version = "3"
"""
    assert told(read_uv_lock("uv.lock", text)) == [("a", "1", False), ("b", "2", False), ("c", "3", True)]


def test_pdm_and_pylock_are_tables_of_packages():
    pdm = b'[[package]]\nname = "a"\nversion = "1"\ngroups = ["default"]\n[[package]]\nname = "b"\nversion = "2"\ngroups = ["test"]\n'
    assert told(read_pdm_lock("pdm.lock", pdm)) == [("a", "1", False), ("b", "2", True)]
    assert told(read_pylock("pylock.toml", b'[[packages]]\nname = "A_b"\nversion = "1"\n')) == [("a-b", "1", False)]
