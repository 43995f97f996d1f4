"""Which package or image a VEX statement means."""

from __future__ import annotations

import pytest

from transom.advisories.vex.products import Product, names_image, names_package
from transom.model.packages import Bill, Package, Place

DIGEST = f"sha256:{'a' * 64}"
INDEX = f"sha256:{'b' * 64}"
LIBSSL = Package("deb", "libssl3", "3.0.11-1", "debian", "amd64", "openssl", "3.0.11-1", "debian-12")
NET = Package("golang", "net", "v0.17.0", "golang.org/x", places=(Place("usr/bin/app"),))
APP = Package("golang", "app", "v1.0.0", "example.com", places=(Place("usr/bin/app"),))
OTHER = Package("golang", "other", "v1.0.0", "example.com", places=(Place("usr/bin/other"),))
BILL = Bill("ghcr.io/shop/web:1", (LIBSSL, NET, APP, OTHER), DIGEST, "linux/amd64", "debian-12", index_digest=INDEX)


@pytest.mark.parametrize(
    ("purl", "package", "meant"),
    [
        ("pkg:deb/debian/libssl3", LIBSSL, True),
        ("pkg:deb/debian/libssl3@3.0.11-1", LIBSSL, True),
        ("pkg:deb/debian/libssl3@3.0.11-2", LIBSSL, False),
        ("pkg:deb/debian/openssl", LIBSSL, False),
        ("pkg:deb/debian/openssl@3.0.11-1?arch=source", LIBSSL, True),
        ("pkg:deb/debian/libssl3?arch=arm64", LIBSSL, False),
        ("pkg:deb/debian/libssl3?arch=amd64&distro=debian-12.5", LIBSSL, True),
        ("pkg:deb/debian/libssl3?distro=bookworm", LIBSSL, True),
        ("pkg:deb/debian/libssl3?distro=trixie", LIBSSL, False),
        ("pkg:deb/ubuntu/libssl3", LIBSSL, False),
        ("pkg:deb/debian/libssl3?flavour=hard", LIBSSL, False),
        ("pkg:golang/golang.org/x/net@0.17.0", NET, True),
        ("pkg:golang/golang.org/x/net", NET, True),
        ("pkg:golang/golang.org/x/text", NET, False),
        ("pkg:pypi/My_Package", Package("pypi", "my-package", "1"), True),
        ("pkg:rpm/redhat/bash@5.1-2?epoch=1", Package("rpm", "bash", "1:5.1-2", "redhat"), True),
        ("pkg:rpm/redhat/bash@5.1-2", Package("rpm", "bash", "0:5.1-2", "redhat"), True),
        ("libssl3", LIBSSL, False),
    ],
)
def test_a_package_is_meant_by_what_its_url_says(purl: str, package: Package, meant: bool) -> None:
    assert names_package(purl, package) is meant


@pytest.mark.parametrize(
    ("purl", "meant"),
    [
        (f"pkg:oci/web@{DIGEST}", True),
        (f"pkg:oci/web@{INDEX.replace(':', '%3A')}?repository_url=elsewhere.example/web", True),
        (f"pkg:oci/web@sha256:{'c' * 64}?repository_url=ghcr.io/shop/web", False),
        ("pkg:oci/web?repository_url=ghcr.io/shop/web", True),
        ("pkg:oci/web?repository_url=ghcr.io/shop", True),
        ("pkg:oci/web?repository_url=ghcr.io/other/web", False),
        ("pkg:oci/web?repository_url=ghcr.io/shop/web&tag=1", True),
        ("pkg:oci/web?repository_url=ghcr.io/shop/web&tag=2", False),
        ("pkg:oci/web?repository_url=ghcr.io/shop/web&arch=arm64", False),
        ("pkg:docker/shop/web@1?repository_url=ghcr.io", True),
        ("pkg:docker/shop/web@1", False),
        ("pkg:deb/debian/web", False),
    ],
)
def test_an_image_is_meant_by_digest_or_repository(purl: str, meant: bool) -> None:
    assert names_image(purl, BILL) is meant


def test_an_image_of_docker_hub_needs_no_repository() -> None:
    assert names_image("pkg:docker/nginx@1.25", Bill("nginx:1.25", ()))
    assert names_image("pkg:docker/library/nginx", Bill("docker.io/library/nginx:1.25", ()))


def test_a_part_of_an_image_is_meant_in_that_image_only() -> None:
    product = Product("pkg:oci/web?repository_url=ghcr.io/shop/web", parts=("pkg:deb/debian/libssl3",))
    assert product.means(LIBSSL, BILL, ())
    assert not product.means(NET, BILL, ())
    assert not product.means(LIBSSL, Bill("ghcr.io/shop/db:1", ()), ())


def test_a_module_of_a_program_is_meant_in_that_program_only() -> None:
    product = Product("pkg:golang/example.com/app", parts=("pkg:golang/golang.org/x/net",))
    assert product.means(NET, BILL, (NET, APP))
    assert not product.means(NET, BILL, (NET, OTHER))


def test_an_image_is_meant_by_its_hash_and_by_its_own_name() -> None:
    assert Product(digests=(DIGEST,)).means(LIBSSL, BILL, ())
    assert Product("ghcr.io/shop/web:1").means(LIBSSL, BILL, ())
    assert not Product(digests=(f"sha256:{'d' * 64}",)).means(LIBSSL, BILL, ())


def test_a_package_of_another_release_is_not_meant() -> None:
    assert Product("pkg:deb/debian/libssl3", channel="debian-12").means(LIBSSL, BILL, ())
    assert not Product("pkg:deb/debian/libssl3", channel="debian-11").means(LIBSSL, BILL, ())
