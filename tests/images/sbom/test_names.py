"""Package URLs, CPEs and licences as their specifications write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.images.sbom.making import PACKAGE
from transom.images.sbom.cpe import cpes
from transom.images.sbom.licences import canonical, expression
from transom.images.sbom.purl import parse_purl, purl
from transom.model.packages import Package


@pytest.mark.parametrize(
    ("package", "wanted"),
    [
        (Package("deb", "curl", "1:7.88.1-10+b1", "debian", "amd64", distro="debian-12"),
         "pkg:deb/debian/curl@1:7.88.1-10%2Bb1?arch=amd64&distro=debian-12"),
        (Package("rpm", "Bash", "1:5-1", "RHEL", "x86_64"), "pkg:rpm/rhel/Bash@5-1?arch=x86_64&epoch=1"),
        (Package("rpm", "a", "5"), "pkg:rpm/a@5"),
        (Package("npm", "core", "7", "@Babel"), "pkg:npm/%40babel/core@7"),
        (Package("pypi", "Flask_Login", "1"), "pkg:pypi/flask-login@1"),
        (Package("golang", "x", "v1", "github.com/Owner/Repo"), "pkg:golang/github.com/owner/repo/x@v1"),
        (Package("maven", "a", "1", "org.B"), "pkg:maven/org.B/a@1"),
        (Package("gem", "a b"), "pkg:gem/a%20b"),
    ],
)  # fmt: skip
def test_a_purl_is_written_in_its_canonical_form(package: Package, wanted: str) -> None:
    from packageurl import PackageURL

    assert purl(package) == wanted
    assert PackageURL.from_string(wanted).to_string() == wanted


@given(PACKAGE)
def test_a_purl_is_read_as_it_was_written(package: Package) -> None:
    written = purl(package)
    assert purl(parse_purl(written)) == written


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_purls(text: str) -> None:
    for each in (text, f"pkg:{text}", f"pkg:deb/{text}"):
        try:
            parse_purl(each)
        except ValueError:
            continue


@pytest.mark.parametrize("text", ["", "pkg:", "pkg:deb", "deb/a@1", "pkg:/a", "pkg:deb/"])
def test_what_is_no_purl_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="package"):
        parse_purl(text)


@given(PACKAGE)
@settings(deadline=None)
def test_a_cpe_is_well_formed(package: Package) -> None:
    import re

    from spdx_tools.spdx.validation.external_package_ref_validator import CPE23TYPE_REGEX

    for each in cpes(package):
        assert re.match(CPE23TYPE_REGEX, each), each


def test_a_cpe_names_the_maker_that_the_namespace_tells() -> None:
    assert cpes(Package("maven", "log4j-core", "2.17.1", "org.apache.logging"))[0].startswith(
        "cpe:2.3:a:apache:log4j-core:2.17.1:"
    )
    assert cpes(Package("deb", "curl", "1:7.88+b1"))[0].startswith(r"cpe:2.3:a:curl:curl:7.88\+b1:")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mit", "MIT"), ("MIT or apache-2.0", "MIT OR Apache-2.0"), ("(MIT AND (ISC))", "(MIT AND (ISC))"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("GPL-2.0+", "GPL-2.0+"), ("LicenseRef-mine", "LicenseRef-mine"),
        ("GPL-2+", ""), ("BSD", ""), ("MIT OR", ""), ("(MIT", ""), ("MIT)", ""), ("MIT WITH MIT", ""), ("MIT, ISC", ""), ("", ""),
        ("(" * 5_000 + "MIT" + ")" * 5_000, ""),
    ],
)  # fmt: skip
def test_an_expression_is_known_and_written_as_the_list_has_it(text: str, wanted: str) -> None:
    assert canonical(text) == wanted


def test_several_licences_hold_together() -> None:
    assert expression(["MIT", "ISC OR MIT"]) == "MIT AND (ISC OR MIT)"
    assert expression(["MIT", "Own"]) == ""
