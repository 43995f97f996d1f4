"""Which distribution an image is of."""

from __future__ import annotations

import pytest

from transom.images.distro import distro_of


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ('ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"', "Debian GNU/Linux 12 (bookworm)"),
        ("ID=alpine\nVERSION_ID=3.20.1\nNAME='Alpine Linux'", "Alpine Linux"),
        ('ID=debian\nVERSION_ID="12"', "debian 12"),
        ("ID=wolfi", "wolfi"),
    ],
)
def test_a_system_has_the_best_name_that_it_says(lines: str, name: str) -> None:
    found = distro_of({"etc/os-release": lines.encode()}, ())
    assert (found.name, found.told) == (name, True)


def test_nothing_told_is_no_system() -> None:
    assert str(distro_of({}, ())) == ""
