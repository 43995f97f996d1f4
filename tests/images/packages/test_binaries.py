"""Programs that no package tells of: found by name and by their bytes."""

from __future__ import annotations

import pytest

from tests.images.packages.elves import elf
from transom.images.packages.binaries import classified, programs
from transom.images.packages.executables import read

SEEN = [
    ("usr/bin/python3.11", b"\0003.11.2\0%.80s (%.80s) %.80s\0", "python", "3.11.2"),
    ("usr/lib/libpython3.12.so.1.0", b"\0003.12.0rc1\0", "python", "3.12.0rc1"),
    ("usr/local/bin/node", b"https://nodejs.org/download/release/v20.1.0/node-v20.1.0.tar.gz", "node", "20.1.0"),
    ("usr/sbin/nginx", b"\0nginx version: nginx/1.22.1\0", "nginx", "1.22.1"),
    ("usr/local/openresty/bin/nginx", b"\0nginx version: openresty/1.21.4.1\0", "openresty", "1.21.4.1"),
    ("usr/bin/redis-server", b"ABA7.0.151790282056000000000\0", "redis", "7.0.15"),
    ("usr/local/bin/redis-server", b"\x007.0.14buildkitsandbox-1702957741000000000\0", "redis", "7.0.14"),
    (
        "usr/lib/postgresql/15/bin/postgres",
        b"postgres (PostgreSQL) 15.4\n\0PostgreSQL 15.4 on x86",
        "postgresql",
        "15.4",
    ),
    ("usr/lib/libcrypto.so.3", b"\0OpenSSL 3.0.11 19 Sep 2023\0", "openssl", "3.0.11"),
    ("usr/bin/openssl", b"\0LibreSSL 3.8.2\0", "libressl", "3.8.2"),
    ("usr/local/bin/envoy", b"\0abc/1.28.0/Clean/RELEASE/BoringSSL\0", "envoy", "1.28.0"),
    ("usr/bin/curl", b"\0curl/7.88.1\0", "curl", "7.88.1"),
    ("bin/busybox", b"BusyBox v1.36.1 (2023)", "busybox", "1.36.1"),
    ("opt/jdk/bin/java", b"\0openjdk\0java\x000.0\x0017.0.9+9\0", "openjdk", "17.0.9+9"),
    ("usr/sbin/haproxy", b"HAProxy version 2.8.3-86e043a, released 2023/09/07", "haproxy", "2.8.3"),
    ("usr/local/apache2/bin/httpd", b"Apache/2.4.57 (Unix)", "httpd", "2.4.57"),
    ("usr/local/bin/php", b"X-Powered-By: PHP/8.2.10\0", "php", "8.2.10"),
    ("usr/local/bin/perl", b"/usr/local/lib/perl5/5.38.0\0", "perl", "5.38.0"),
    ("usr/local/lib/libruby.so.3.2", b"ruby 3.2.2 (2023-03-30)", "ruby", "3.2.2"),
    ("usr/bin/memcached", b"memcached 1.6.21\0", "memcached", "1.6.21"),
    ("usr/sbin/mariadbd", b"11.1.2-MariaDB-log\0", "mariadb", "11.1.2"),
    ("usr/sbin/mysqld", b"/release/mysql-8.0.34/mysys", "mysql", "8.0.34"),
    ("bin/bash", b"@(#)Bash version 5.2.15(1) release GNU", "bash", "5.2.15"),
    ("usr/bin/sqlite3", b"\0003.40.1\0", "sqlite", "3.40.1"),
]


@pytest.mark.parametrize(("path", "piece", "name", "version"), SEEN, ids=[each[0] for each in SEEN])
def test_a_well_known_program_is_told(path, piece, name, version):
    (package,) = read(path, elf({".rodata": b"\0" * 100 + piece + b"\0" * 100}))
    assert (package.name, package.version, package.evidence) == (name, version, "binary")


def test_a_cpe_names_the_version():
    (package,) = classified("bin/bash", b"@(#)Bash version 5.2.15(1)")
    assert package.cpes == ("cpe:2.3:a:gnu:bash:5.2.15:*:*:*:*:*:*:*",)


def test_a_program_of_another_name_is_not_searched():
    assert not list(classified("bin/other", b"@(#)Bash version 5.2.15(1)"))


def test_every_entry_has_a_group_for_the_version():
    for each in programs():
        assert each.versions
        assert all("(" in pattern for pattern in each.versions)
