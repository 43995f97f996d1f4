"""Bills of materials in images tell packages, as whoever built the image says."""

from __future__ import annotations

import pytest

from tests.images.layers.making import entry, record_of, tar
from tests.images.sbom.making import BILL, MADE_AT
from transom.images.packages import Selection
from transom.images.sbom import cyclonedx, spdx


@pytest.mark.parametrize("path", ["opt/a/a.spdx.json", "usr/share/sbom/b.cdx.json", "app/web.bom.xml"])
def test_a_bill_is_known_by_its_name(path: str) -> None:
    selector = Selection().of(path)
    assert selector is not None
    assert selector.reader == "sboms:read"


@pytest.mark.parametrize(
    ("path", "content"), [("a.spdx.json", spdx.write(BILL, MADE_AT)), ("a.cdx.json", cyclonedx.write(BILL, MADE_AT))]
)
def test_its_packages_lie_where_it_lies(path: str, content: bytes) -> None:
    found = record_of(tar([entry(path, content)])).packages[path]
    assert {each.name for each in found} == {each.name for each in BILL.packages if each.version}
    assert all([place.path for place in each.places] == [path] and each.evidence == "sbom" for each in found)


def test_one_that_cannot_be_read_is_told() -> None:
    record = record_of(tar([entry("a.spdx.json", b'{"spdxVersion": "SPDX-9"}')]))
    assert record.complete
    assert [each.path for each in record.unread] == ["a.spdx.json"]
