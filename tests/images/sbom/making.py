"""Bills to write."""

from __future__ import annotations

from hypothesis import strategies as st

from transom.model.packages import Bill, Package, Place

LAYER = f"sha256:{'a' * 64}"
PACKAGES = (
    Package(
        "deb", "libc6", "2.36-9+deb12u10", "debian", "amd64", "glibc", "2.36-9+deb12u10", "debian-12",
        places=(Place("var/lib/dpkg/status", LAYER),), evidence="dpkg",
    ),
    Package("rpm", "bash", "1:5.1-2.el9", "rhel", "x86_64", distro="rhel-9", licences=("GPLv3+",)),
    Package("npm", "core", "7.0.0", "@babel", licences=("MIT",), places=(Place("app/package.json", LAYER, 3), Place("b"))),
    Package("pypi", "PyYAML", "6.0", licences=("MIT", "Apache-2.0 OR BSD-3-Clause"), development=True),
    Package("maven", "log4j-core", "2.17.1", "org.apache.logging.log4j", licences=("Apache-2.0 WITH LLVM-exception",)),
    Package("maven", "thing", "1.2", "org.x", evidence="sha1", sha1="0123456789abcdef0123456789abcdef01234567"),
    Package("golang", "Example", "v1.0.0+incompatible", "github.com/Owner"),
    Package("generic", "nginx", "1.27", cpes=("cpe:2.3:a:f5:nginx:1.27:*:*:*:*:*:*:*",), licences=("Own licence, see text",)),
    Package("cargo", "serde", licences=("mit",), owner="pkg:deb/debian/x@1"),
)  # fmt: skip
BILL = Bill(
    "example.com/shop/web:1", PACKAGES, f"sha256:{'b' * 64}", "linux/amd64", "debian-12", "2026-01-02T03:04:05Z", "debian:12",
    ((LAYER, "COPY . /"), (f"sha256:{'c' * 64}", "")),
)  # fmt: skip
MADE_AT = "2026-11-25T00:00:00Z"

TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)
PACKAGE = st.builds(
    Package,
    st.sampled_from(["deb", "rpm", "pypi", "npm", "golang", "generic"]),
    TEXT,
    st.one_of(st.just(""), TEXT.map(str.strip)),
    st.one_of(st.just(""), TEXT.filter(lambda text: "/" not in text)),
    source_name=st.one_of(st.just(""), TEXT),
    licences=st.lists(st.sampled_from(["MIT", "Own", "LicenseRef-x", "GPL-2.0-only OR MIT"]), max_size=2).map(tuple),
    places=st.lists(st.builds(Place, TEXT.map(lambda text: text.lstrip("/") or "a")), max_size=2).map(tuple),
)
BILLS = st.builds(Bill, TEXT, st.lists(PACKAGE, max_size=4).map(tuple))
