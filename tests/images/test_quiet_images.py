"""A scan that is asked for nothing more finds nothing in sound images, whichever distribution they are of."""

from __future__ import annotations

import io
import tarfile

import pytest

from tests.registry.conftest import Layout, layout  # noqa: F401 - fixtures
from transom.images.opening import ImageOptions
from transom.inventory import Inventory
from transom.model.findings import Finding
from transom.rules.load import builtin_pack
from transom.rules.select import select
from transom.scan import ScanOptions, scan

PACK = select(builtin_pack(), profiles=["default"])
OPTIONS = ScanOptions(policies=PACK.policies, checks=PACK.checks, images=ImageOptions(cached=False))
Tree = dict[str, tuple[bytes | str | None, int]]
"""By path: content, where a link leads, or None for a folder; and the mode."""

ALPINE: Tree = {
    "bin/sh": ("/bin/busybox", 0o777),
    "bin/busybox": (b"#!", 0o755),
    "bin/bbsuid": (b"#!", 0o4111),
    "sbin/apk": (b"#!", 0o755),
    "tmp": (None, 0o1777),
    "var/tmp": (None, 0o1777),
    "etc/passwd": (
        b"root:x:0:0:root:/root:/bin/sh\nsync:x:5:0:sync:/sbin:/bin/sync\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n",
        0o644,
    ),
    "etc/shadow": (b"root:*::0:::::\nsync:!::0:::::\nnobody:!::0:::::\n", 0o640),
    "etc/group": (b"root:x:0:root\nnogroup:x:65533:\nnobody:x:65534:\n", 0o644),
    "etc/os-release": (b"ID=alpine\nVERSION_ID=3.22.1\n", 0o644),
    "lib/apk/db/installed": (b"P:musl\nV:1.2.5-r0\nA:x86_64\n\n", 0o644),
}
DISTROLESS: Tree = {
    "tmp": (None, 0o1777),
    "home/nonroot": (None, 0o700),
    "etc/passwd": (
        b"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
        0o644,
    ),
    "etc/group": (b"root:x:0:\nnonroot:x:65532:\n", 0o644),
    "usr/lib/os-release": (b'ID=debian\nVERSION_ID="13"\n', 0o644),
    "var/lib/dpkg/status.d/base-files": (b"Package: base-files\nVersion: 13.8\nArchitecture: amd64\n", 0o644),
}
DEBIAN: Tree = {
    "usr/bin/bash": (b"#!", 0o755),
    "usr/bin/su": (b"#!", 0o4755),
    "usr/bin/chage": (b"#!", 0o2755),
    "usr/sbin/unix_chkpwd": (b"#!", 0o2755),
    "run/lock": (None, 0o1777),
    "tmp": (None, 0o1777),
    "etc/passwd": (b"root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\n", 0o644),
    "etc/shadow": (b"root:*:20000:0:99999:7:::\nsync:*:20000:0:99999:7:::\n", 0o640),
    "etc/group": (b"root:x:0:\nshadow:x:42:\n", 0o644),
    "etc/os-release": (b'ID=debian\nVERSION_ID="13"\n', 0o644),
    "var/lib/dpkg/status": (b"Package: base-files\nStatus: install ok installed\nVersion: 13.8\n\n", 0o644),
    "var/lib/apt/lists/lock": (b"", 0o640),
}
HISTORY = [
    "# debian.sh --arch 'amd64' out/ 'trixie' '@1760000000'",
    "RUN /bin/sh -c set -eux; apt-get update; apt-get install -y --no-install-recommends tzdata; rm -rf /var/lib/apt/lists/* # buildkit",
]


@pytest.mark.parametrize("tree", [ALPINE, DISTROLESS, DEBIAN], ids=["alpine", "distroless", "debian"])
def test_nothing_is_found_in_a_sound_image(layout: Layout, monkeypatch: pytest.MonkeyPatch, tree: Tree) -> None:  # noqa: F811
    from tests.registry import conftest

    trees = iter((tree, {"app/run": (b"#!/bin/sh\n", 0o755)}))
    monkeypatch.setattr(conftest, "tar_of", lambda _: _tar(next(trees)))
    layout.image({}, {}, User="10001", history=HISTORY)
    found = [each for each in scan([f"image:{layout.folder}"], OPTIONS, Inventory()) if isinstance(each, Finding)]
    assert [(each.rule, each.evidence[0].observed) for each in found] == []


def _tar(tree: Tree) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, (content, mode) in tree.items():
            entry = tarfile.TarInfo(name)
            entry.mode = mode
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
            else:
                entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content if isinstance(content, bytes) else b""))
    return out.getvalue()
