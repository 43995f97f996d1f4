"""Linux itself: kernels that lie in an image, and modules, which are the kernel's unless they say otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator

from transom.images.packages.elf import MAGIC, read_elf
from transom.model.packages import Package, Place

NAME = "linux-kernel"
BOOT_MAGIC, BOOT_MAGIC_AT, VERSION_POINTER_AT, SETUP_AT = b"HdrS", 0x202, 0x20E, 0x200
MAX_VERSION_BYTES = 512
_BANNER = re.compile(rb"Linux version (\S{1,128})")


def read_image(path: str, content: bytes) -> Iterator[Package]:
    """Yield the kernel of a bzImage, whose header points to its version (x86 boot protocol), or of a plain vmlinux."""
    version = b""
    if content[BOOT_MAGIC_AT : BOOT_MAGIC_AT + 4] == BOOT_MAGIC:
        at = int.from_bytes(content[VERSION_POINTER_AT : VERSION_POINTER_AT + 2], "little") + SETUP_AT
        version = content[at : at + MAX_VERSION_BYTES].partition(b"\0")[0].partition(b" ")[0]
    elif match := _BANNER.search(content):
        version = match[1]
    if version:
        yield _kernel(path, version.decode("utf-8", "replace"), "vmlinuz")


def read_module(path: str, content: bytes) -> Iterator[Package]:
    """Yield the kernel that a module is of, and the module itself where it was not built along with it."""
    if not content.startswith(MAGIC):
        return
    fields: dict[str, str] = {}
    for record in read_elf(content).section(".modinfo").split(b"\0"):
        key, _, value = record.decode("utf-8", "replace").partition("=")
        fields.setdefault(key, value)
    kernel = fields.get("vermagic", "").partition(" ")[0]
    if kernel:
        yield _kernel(path, kernel, "kernel module")
    if fields.get("version") and fields.get("intree") != "Y":
        name = fields.get("name") or path.rpartition("/")[2].partition(".")[0]
        licences = (fields["license"],) if fields.get("license") else ()
        yield Package(
            "generic", name, fields["version"], licences=licences, places=(Place(path),), evidence="kernel module"
        )


def _kernel(path: str, version: str, evidence: str) -> Package:
    upstream = version.partition("-")[0]
    cpe = f"cpe:2.3:o:linux:linux_kernel:{upstream}:*:*:*:*:*:*:*"
    return Package("generic", NAME, version, places=(Place(path),), cpes=(cpe,), evidence=evidence)
