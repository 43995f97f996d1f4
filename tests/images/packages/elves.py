"""Small ELF files for tests: 64 bits, little-endian, as many sections as are given."""

from __future__ import annotations

import struct


def elf(sections: dict[str, bytes], loaded: bytes = b"", address: int = 0x1000) -> bytes:
    """Return an ELF file of sections, and of one writable segment where there is something to load."""
    names, body, headers = b"\0", b"", [(0, 0, 0, 0)]
    start = 64 + (56 if loaded else 0)
    body += loaded
    for name, content in sections.items():
        body += b"\0" * (-(start + len(body)) % 16)
        headers.append((len(names), 1, start + len(body), len(content)))
        names += name.encode() + b"\0"
        body += content
    headers.append((len(names), 3, start + len(body), len(names) + 10))
    names += b".shstrtab\0"
    body += names
    table = b"".join(struct.pack("<IIQQQQIIQQ", n, k, 0, 0, o, s, 0, 0, 1, 0) for n, k, o, s in headers)
    head = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    counts = (64, 56, 1 if loaded else 0, 64, len(headers), len(headers) - 1)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, start + len(body), 0, *counts)
    segment = struct.pack("<IIQQQQQQ", 1, 6, start, address, 0, len(loaded), len(loaded), 1) if loaded else b""
    return head + segment + body + table
