"""Copyright files of Debian tell licences, in SPDX's names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.images.layers.making import DATABASE, entry, records, status, symlink
from transom.images.layers.merging import merge
from transom.images.packages.copyrights import licences
from transom.images.sbom.licences import canonical

HEAD = b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"


@pytest.mark.parametrize(
    ("stated", "wanted"),
    [
        ("GPL-2+", "GPL-2.0-or-later"), ("GPL-3", "GPL-3.0-only"), ("LGPL-2.1+", "LGPL-2.1-or-later"), ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL-1+ or Artistic", "GPL-1.0-or-later OR Artistic-1.0-Perl"), ("Expat", "MIT"), ("BSD-3-clause", "BSD-3-Clause"),
        ("GFDL-NIV-1.3+", "GFDL-1.3-no-invariants-or-later"), ("Apache-2", "Apache-2.0"), ("MIT and ISC", "MIT AND ISC"),
    ],
)  # fmt: skip
def test_a_licence_of_debian_is_an_expression_of_spdx(stated: str, wanted: str) -> None:
    assert licences(HEAD + f"Files: *\nLicense: {stated}\n text\n".encode()) == [wanted]
    assert canonical(wanted) == wanted


def test_what_spdx_does_not_know_stays_as_it_is() -> None:
    assert licences(HEAD + b"License: public-domain\n") == ["public-domain"]


def test_an_old_file_tells_by_the_common_licences_that_it_names() -> None:
    text = b"see /usr/share/common-licenses/GPL-2 and /usr/share/common-licenses/LGPL-2.1.\nLicense: of old\n"
    assert licences(text) == ["GPL-2.0-only", "LGPL-2.1-only"]


@given(st.binary(max_size=500))
def test_no_bytes_break_it(content: bytes) -> None:
    licences(content)
    licences(HEAD + b"License: " + content)


def test_a_folder_of_documents_may_be_another_packages() -> None:
    layer = [
        entry(DATABASE, status("a", "b")),
        entry("usr/share/doc/a/copyright", HEAD + b"License: Expat\n"),
        symlink("usr/share/doc/b", "a"),
    ]
    assert merge(records(layer)).licences == {"a": ("MIT",), "b": ("MIT",)}
