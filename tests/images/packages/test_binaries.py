"""Programs that no package tells of: found by name and by their bytes."""

from __future__ import annotations

import pytest

from tests.images.packages.elves import elf
from transom.images.packages import Selection
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
    ("opt/zulu17/bin/java", b"\0openjdk\0java\x000.0\x0017.0.9+8-LTS\0", "zulu", "17.0.9+8-LTS"),
    (
        "opt/ibm/java/bin/java",
        b"\0java\x001.8\0\x001.8.0-foreman_2022_01_20_09_33-b00\0",
        "ibm-java",
        "1.8.0-foreman_2022_01_20_09_33-b00",
    ),
    ("usr/bin/jdb", b"\0openjdk\0java\x000.0\x0021.0.1+12\0", "openjdk", "21.0.1+12"),
    ("opt/graal/bin/java", b"\x0017.0.3+7-jvmci-22.1-b06\0", "graalvm", "17.0.3+7-jvmci-22.1-b06"),
    ("usr/local/lib/libpypy3-c.so", b"[PyPy 7.3.12 with GCC 10.2.1]", "pypy", "7.3.12"),
    ("usr/local/go/bin/go", b"\0go1.21.3\0", "go", "1.21.3"),
    ("usr/local/bin/deno", b"Deno/1.41.0", "deno", "1.41.0"),
    ("usr/local/bin/bun", b"bun-v1.1.0", "bun", "1.1.0"),
    ("usr/lib/libjulia-internal.so.1.9", b"__init__\x001.9.3\0verify", "julia", "1.9.3"),
    ("usr/lib/erlang/erts-14/bin/erlexec", b"<artificial>\0/usr/src/otp_src_25.3.2.6/erts/", "erlang", "25.3.2.6"),
    ("usr/lib/erlang/erts-14/bin/beam.smp", b"\0\x0026.1.2\0\0\0\0Erlang/OTP", "erlang", "26.1.2"),
    ("usr/lib/swi-prolog/bin/swipl", b"/build/swipl-9.1.16/src", "swipl", "9.1.16"),
    ("usr/lib/dart/bin/dart", b"\x003.5.2 (stable) (Thu", "dart", "3.5.2"),
    ("opt/ghc/bin/ghc-9.4.7", b"\0GHC 9.4.7\0", "ghc", "9.4.7"),
    ("usr/bin/cabal", b"\0Cabal-3.6.3.0-abc", "cabal", "3.6.3.0"),
    ("usr/bin/stack", b"Version 2.9.1, Git revision", "stack", "2.9.1"),
    (
        "usr/lib/libstd-0123456789abcdef.so",
        b"\0clang LLVM (rustc version 1.70.0 (90c541806 2023-05-31))",
        "rust",
        "1.70.0",
    ),
    ("usr/bin/gcc", b"GCC: (GNU) 12.3.0\0", "gcc", "12.3.0"),
    ("usr/bin/x86_64-linux-gnu-gcc-12", b"\x0012.2.0\0(Debian 12.2.0-14+deb12u1) \0", "gcc", "12.2.0"),
    ("usr/bin/lua5.4", b"Lua 5.4.4  Copyright", "lua", "5.4.4"),
    ("usr/bin/openssl", b"\0OpenSSL 1.1.1 (compatible; AWS-LC 1.69.0)\0", "aws-lc", "1.69.0"),
    ("usr/lib/libwolfssl.so.42", b"wolfSSL 5.6.3", "wolfssl", "5.6.3"),
    (
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        b"GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.",
        "glibc",
        "2.36",
    ),
    ("usr/lib/libz.so.1.2.13", b" deflate 1.2.13 Copyright 1995-2022", "zlib", "1.2.13"),
    ("usr/lib/libexpat.so.1.8.10", b"\0expat_2.5.0\0", "expat", "2.5.0"),
    ("usr/lib/libpng16.so.16.39.0", b" libpng version 1.6.39 - November", "libpng", "1.6.39"),
    ("usr/lib/libjpeg.so.62.3.0", b"libjpeg-turbo version 2.1.5 (build 20230203)", "libjpeg-turbo", "2.1.5"),
    ("usr/lib/libarchive.so.13.6.2", b"\0libarchive 3.6.2\0", "libarchive", "3.6.2"),
    ("usr/lib/libgcrypt.so.20.4.1", b"This is Libgcrypt 1.10.1 - The GNU Crypto Library", "libgcrypt", "1.10.1"),
    ("usr/lib/libssh2.so.1.0.1", b"SSH-2.0-libssh2_1.10.0", "libssh2", "1.10.0"),
    ("usr/lib/libbz2.so.1.0.4", b"\x001.0.8, 13-Jul-2019\0", "bzip2", "1.0.8"),
    ("usr/lib/libpcre2-8.so.0.11.2", b"\x0010.42 2022-12-11\0", "pcre2", "10.42"),
    ("usr/lib/libkrb5.so.26.0.0", b"Heimdal 7.8.0", "heimdal", "7.8.0"),
    ("usr/lib/libQt6Core.so.6.5.0", b"\0\0Qt 6.5.0 (x86_64-little_endian", "qtbase", "6.5.0"),
    ("usr/bin/sqlcipher", b"x\x004.5.4\0", "sqlcipher", "4.5.4"),
    ("usr/local/bin/envoy", b"\x001.36.4\0abc\0envoy_reloadable_features", "envoy", "1.36.4"),
    ("usr/local/bin/traefik", b"-X github.com/traefik/traefik/v2/pkg/version.Version=2.10.4", "traefik", "2.10.4"),
    ("usr/bin/valkey-server", b"\x008.0.1buildkitsandbox-1764887574000000000\0", "valkey", "8.0.1"),
    ("usr/bin/mysql", b"/build/percona-server-8.0.34-26/", "percona-server", "8.0.34"),
    ("usr/bin/mysqld", b"/build/Percona-XtraDB-Cluster-8.0.33/", "percona-xtradb-cluster", "8.0.33"),
    ("usr/bin/xtrabackup", b"/build/percona-xtrabackup-8.0.33-28/", "percona-xtrabackup", "8.0.33"),
    ("usr/sbin/ndbd", b"/pb2/mysql-cluster-gpl-8.0.34/storage", "mysql-cluster", "8.0.34"),
    ("usr/bin/mongod", b"\x007.0.28\0heap_size", "mongodb", "7.0.28"),
    ("usr/bin/arangosh", b"\x003.11.8 [linux] 64bit", "arangodb", "3.11.8"),
    ("usr/sbin/varnishd", b"varnish-7.3.0 revision abc", "varnish", "7.3.0"),
    ("usr/sbin/proftpd", b"\0ProFTPD Version 1.3.8b\0", "proftpd", "1.3.8b"),
    ("usr/sbin/lighttpd", b"\0lighttpd/1.4.69\0", "lighttpd", "1.4.69"),
    ("usr/bin/ldapsearch", b"$OpenLDAP: ldapsearch 2.5.13 (", "openldap", "2.5.13"),
    ("fluent-bit/bin/fluent-bit", b"\x002.2.1\0\0\0Fluent Bit", "fluent-bit", "2.2.1"),
    ("opt/chrome/chrome", b"\x00127.0.6533.119\0Default", "chrome", "127.0.6533.119"),
    ("usr/share/grafana/bin/grafana", b"\0\0release-12.3.2+security-01\0\0", "grafana", "12.3.2"),
    ("usr/sbin/grafana-server", b"HEAD\0\0\0\x009.0.0\0:\0", "grafana", "9.0.0"),
    ("usr/local/bin/pilot-discovery", b"\x001.26.8\0\x001.26.8\0", "istio", "1.26.8"),
    ("nginx-ingress-controller", b"\0\0v1.15.1\0\0@e\x03\0\0\0\0go1.26.1\0", "ingress-nginx", "1.15.1"),
    ("usr/share/filebeat/filebeat", b"leexportconfigcreateplugin8.18.4globalclient%v", "elastic-beats", "8.18.4"),
    ("bin/consul", b"CONSUL_VERSION: 1.15.2", "consul", "1.15.2"),
    ("bin/vault", b"-X github.com/hashicorp/vault/version.Version=1.15.0", "vault", "1.15.0"),
    ("usr/bin/helm", b"-X helm.sh/helm/v3/internal/version.version=v3.12.0", "helm", "3.12.0"),
    ("usr/local/bin/etcd", b"-X go.etcd.io/etcd/api/v3/version.Version=3.5.9", "etcd", "3.5.9"),
    ("usr/bin/getopt", b"\0util-linux 2.38.1\0", "util-linux", "2.38.1"),
    ("usr/bin/zstd", b"\0v1.5.4\0", "zstd", "1.5.4"),
    ("usr/bin/xz", b"\0xz (XZ Utils) 5.4.1\0", "xz", "5.4.1"),
    ("usr/bin/gzip", b"\x001.12\0", "gzip", "1.12"),
    ("usr/bin/jq", b"\0jq-1.7.1\0", "jq", "1.7.1"),
    ("usr/bin/ffmpeg", b"FFmpeg version 6.0", "ffmpeg", "6.0"),
    ("usr/lib/libavcodec.so.59.37.100", b"FFmpeg version 5.1.4", "ffmpeg", "5.1.4"),
    ("usr/bin/git", b"git/2.39.5", "git", "2.39.5"),
    ("usr/sbin/sshd", b"OpenSSH_9.2p1 Debian", "openssh", "9.2p1"),
    ("usr/bin/gpg", b"\x002.2.40\0", "gpg", "2.2.40"),
    ("opt/jre/bin/java", b"\x0019.0.1+10-21\0", "jre", "19.0.1+10-21"),
]
TEXTS = [
    ("usr/local/bin/composer", b"<?php 'pretty_version' => '2.6.5',", "composer", "2.6.5"),
    ("usr/local/bin/wp", b"#!/usr/bin/env php\nwp-cli/wp-cli 2.9.0", "wp-cli", "2.9.0"),
    ("usr/local/bin/elixir", b"#!/bin/sh\nELIXIR_VERSION=1.15.7\n", "elixir", "1.15.7"),
    ("usr/lib/elixir/lib/elixir/ebin/elixir.app", b'{vsn,"1.12.0-rc.1"},', "elixir", "1.12.0-rc.1"),
    ("opt/firefox/application.ini", b"[App]\nName=Firefox\nVersion=151.0\n", "firefox", "151.0"),
    ("usr/lib/erlang/liberts_internal.a", b"!<arch>\n/usr/src/otp_src_26.2.4/erts/", "erlang", "26.2.4"),
]


@pytest.mark.parametrize(("path", "piece", "name", "version"), SEEN, ids=[each[0] for each in SEEN])
def test_a_well_known_program_is_told(path, piece, name, version):
    (package,) = read(path, elf({".rodata": b"\0" * 100 + piece + b"\0" * 100}))
    assert (package.name, package.version, package.evidence) == (name, version, "binary")


@pytest.mark.parametrize(("path", "piece", "name", "version"), TEXTS, ids=[each[0] for each in TEXTS])
def test_a_program_that_is_a_text_is_told(path, piece, name, version):
    (package,) = classified(path, piece)
    assert (package.name, package.version) == (name, version)


@pytest.mark.parametrize("path", [each[0] for each in (*SEEN, *TEXTS)])
def test_every_program_is_read_at_all(path):
    found = Selection().of(path, executable=".so" not in path)
    assert found is not None
    assert found.reader in ("executables:read", "binaries:classified")


def test_every_entry_has_an_example():
    assert {each.name for each in programs()} == {name for _, _, name, _ in (*SEEN, *TEXTS)}


def test_a_cpe_names_the_version():
    (package,) = classified("bin/bash", b"@(#)Bash version 5.2.15(1)")
    assert package.cpes == ("cpe:2.3:a:gnu:bash:5.2.15:*:*:*:*:*:*:*",)


def test_a_program_of_another_name_is_not_searched():
    assert not list(classified("bin/other", b"@(#)Bash version 5.2.15(1)"))


def test_every_entry_has_a_group_for_the_version():
    for each in programs():
        assert each.versions
        assert all("(" in pattern for pattern in each.versions)
