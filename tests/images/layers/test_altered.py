"""Programs of OS packages that are not what their package brought: found across layers, and nothing else is."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from tests.images.layers.making import DATABASE, Written, entry, hardlink, record_of, records, status, symlink, tar
from transom.images.layers.merging import merge
from transom.images.layers.reading import unread_names

OURS, OTHER, NEWER = b"#!/bin/sh\necho ours\n", b"#!/bin/sh\necho other\n", b"#!/bin/sh\necho newer\n"
APK = "lib/apk/db/installed"


def program(path: str, content: bytes = OURS) -> Written:
    return entry(path, content, mode=0o755)


def sums(package: str, **files: bytes) -> Written:
    lines = (f"{hashlib.md5(content).hexdigest()}  {path.replace('__', '/')}\n" for path, content in files.items())
    return entry(f"var/lib/dpkg/info/{package}.md5sums", "".join(lines).encode())


def installed(**files: bytes) -> Written:
    text = "P:busybox\nV:1\n"
    for path, content in files.items():
        folder, _, name = path.replace("__", "/").rpartition("/")
        text += f"F:{folder}\nR:{name}\na:0:0:755\nZ:Q1{b64encode(hashlib.sha1(content).digest()).decode()}\n"
    return entry(APK, text.encode())


def altered(*layers: list[Written]) -> list[tuple[str, str]]:
    found = records(*layers)
    names = {record.diff_id: number for number, record in enumerate(found)}
    merged = merge(found)
    assert all(each.layer in names for each in merged.altered)
    return [(each.path, each.package) for each in merged.altered]


def test_a_program_that_is_as_it_was_brought_is_none() -> None:
    assert altered([program("usr/bin/ls"), sums("coreutils", usr__bin__ls=OURS)]) == []


def test_a_program_that_differs_within_its_layer_is_found() -> None:
    assert altered([program("usr/bin/ls", OTHER), sums("coreutils", usr__bin__ls=OURS)]) == [
        ("usr/bin/ls", "coreutils")
    ]


def test_a_program_that_a_higher_layer_wrote_over_is_found_in_that_layer() -> None:
    found = records([program("usr/bin/ls"), sums("coreutils", usr__bin__ls=OURS)], [program("usr/bin/ls", OTHER)])
    (one,) = merge(found).altered
    assert (one.path, one.layer) == ("usr/bin/ls", found[1].diff_id)


def test_a_program_that_a_layer_between_altered_and_the_last_restored_is_none() -> None:
    base = [program("usr/bin/ls"), sums("coreutils", usr__bin__ls=OURS)]
    assert altered(base, [program("usr/bin/ls", OTHER)], [program("usr/bin/ls")]) == []


def test_a_package_that_a_higher_layer_upgraded_is_none() -> None:
    lower = [program("usr/bin/ls"), sums("coreutils", usr__bin__ls=OURS)]
    assert altered(lower, [program("usr/bin/ls", NEWER), sums("coreutils", usr__bin__ls=NEWER)]) == []


def test_an_upgrade_that_left_the_old_program_is_found() -> None:
    lower = [program("usr/bin/ls"), sums("coreutils", usr__bin__ls=OURS)]
    assert altered(lower, [sums("coreutils", usr__bin__ls=NEWER)]) == [("usr/bin/ls", "coreutils")]


def test_a_package_or_a_program_that_was_removed_is_none() -> None:
    lower = [program("usr/bin/ls", OTHER), sums("coreutils", usr__bin__ls=OURS)]
    assert altered(lower, [entry("var/lib/dpkg/info/.wh.coreutils.md5sums")]) == []
    assert altered(lower, [entry("usr/bin/.wh.ls")]) == []
    assert altered(lower, [entry("usr/bin/.wh..wh..opq")]) == []


def test_a_removed_program_is_not_taken_for_the_one_that_a_newer_list_awaits() -> None:
    lower = [program("usr/bin/ls"), sums("coreutils", usr__bin__ls=OURS)]
    assert altered(lower, [entry("usr/bin/.wh.ls")], [sums("coreutils", usr__bin__ls=NEWER)]) == []


def test_a_list_that_says_lib_speaks_of_usr_lib_where_that_is_a_link() -> None:
    base = [symlink("lib", "usr/lib"), entry("usr/lib/libc.so.6", OURS), sums("libc6:amd64", lib__libc_so=OURS)]
    base[2] = entry("var/lib/dpkg/info/libc6:amd64.md5sums", f"{hashlib.md5(OURS).hexdigest()}  lib/libc.so.6".encode())
    assert altered(base) == []
    assert altered(base, [entry("lib/libc.so.6", OTHER)]) == [("usr/lib/libc.so.6", "libc6")]


def test_a_link_of_a_lower_layer_leads_a_list_of_a_higher_one() -> None:
    higher = [entry("usr/lib/libz.so.1", OTHER)]
    higher.append(entry("var/lib/dpkg/info/zlib1g.md5sums", f"{hashlib.md5(OURS).hexdigest()}  lib/libz.so.1".encode()))
    assert altered([symlink("lib", "usr/lib")], higher) == [("usr/lib/libz.so.1", "zlib1g")]


def test_a_file_that_a_second_package_took_over_is_none() -> None:
    base = [program("usr/bin/vi", NEWER), sums("nvi", usr__bin__vi=OURS), sums("vim", usr__bin__vi=NEWER)]
    assert altered(base) == []


def test_a_diverted_program_is_looked_for_where_it_went() -> None:
    told = b"/usr/bin/sh\n/usr/bin/sh.distrib\ndash\n"
    base = [
        program("usr/bin/sh", NEWER),
        program("usr/bin/sh.distrib"),
        sums("dash", usr__bin__sh=NEWER),
        sums("bash", usr__bin__sh=OURS),
        entry("var/lib/dpkg/diversions", told),
    ]
    assert altered(base) == []
    assert altered(base, [program("usr/bin/sh.distrib", OTHER)]) == [("usr/bin/sh.distrib", "bash")]


def test_a_setting_a_document_and_a_file_of_nobody_are_none() -> None:
    base = [
        program("etc/cron.daily/x", OTHER),
        entry("usr/share/doc/x/README", OTHER),
        entry("usr/lib/python3/x.py", OTHER),
        program("usr/local/bin/ls", OTHER),
        program("usr/bin/mine", OTHER),
        sums("x", etc__cron_daily__x=OURS, usr__share__doc__x__README=OURS, usr__lib__python3__x_py=OURS),
    ]
    assert altered(base) == []


def test_documents_that_were_left_out_are_none() -> None:
    assert altered([program("usr/bin/x"), sums("x", usr__bin__x=OURS, usr__share__doc__x__copyright=OURS)]) == []


def test_the_last_of_two_entries_of_one_name_counts() -> None:
    assert altered([program("usr/bin/ls", OTHER), program("usr/bin/ls"), sums("c", usr__bin__ls=OURS)]) == []
    assert altered([program("usr/bin/ls"), program("usr/bin/ls", OTHER), sums("c", usr__bin__ls=OURS)]) != []


def test_another_name_of_a_program_is_held_to_its_own_sum() -> None:
    base = [program("usr/bin/perl"), hardlink("usr/bin/perl5", "usr/bin/perl")]
    base[1][0].mode = 0o755
    assert altered([*base, sums("perl", usr__bin__perl=OURS, usr__bin__perl5=OURS)]) == []
    assert altered([*base, sums("perl", usr__bin__perl=OURS, usr__bin__perl5=NEWER)]) == [("usr/bin/perl5", "perl")]


def test_a_program_that_a_hard_link_brings_from_elsewhere_is_found() -> None:
    link = hardlink("usr/bin/ls", "opt/x")
    link[0].mode = 0o755
    plain = tar([entry("opt/x", OTHER), link, sums("coreutils", usr__bin__ls=OURS)])
    names = unread_names(record_of(plain))
    assert names == {"opt/x": ("usr/bin/ls",)}
    assert [each.path for each in merge([record_of(plain, names=names)]).altered] == ["usr/bin/ls"]


def test_distroless_lists_count() -> None:
    told = f"{hashlib.md5(OURS).hexdigest()}  usr/bin/openssl\n".encode()
    base = [entry("var/lib/dpkg/status.d/openssl.md5sums", told), program("usr/bin/openssl", OTHER)]
    assert altered(base) == [("usr/bin/openssl", "openssl")]


def test_alpines_checksums_count_and_a_rewritten_database_alters_nothing() -> None:
    base = [program("bin/busybox"), installed(bin__busybox=OURS)]
    assert altered(base) == []
    assert altered(base, [program("usr/bin/x"), installed(bin__busybox=OURS, usr__bin__x=OURS)]) == []
    assert altered(base, [program("bin/busybox", OTHER)]) == [("bin/busybox", "busybox")]
    later = [program("usr/bin/x"), installed(bin__busybox=OURS, usr__bin__x=OURS)]
    assert altered(base, later, [program("bin/busybox", OTHER)]) == [("bin/busybox", "busybox")]
    assert altered(base, [program("bin/busybox", OTHER)], later) == [("bin/busybox", "busybox")]


def test_a_system_that_is_told_early_is_hashed_by_one_algorithm() -> None:
    record = record_of(tar([entry("etc/debian_version", b"12.1\n"), program("usr/bin/x"), sums("y")]))
    assert record.hashed == ("md5",)
    assert list(record.digests) == ["md5"]


def test_a_layer_that_misleads_is_hashed_by_all_that_is_asked() -> None:
    plain = tar([entry("etc/alpine-release", b"3.20\n"), program("usr/bin/x", OTHER), sums("x", usr__bin__x=OURS)])
    first = record_of(plain)
    assert not first.algorithms.issubset(first.hashed)
    second = record_of(plain, algorithms=first.algorithms)
    assert [each.path for each in merge([second]).altered] == ["usr/bin/x"]


def test_a_status_without_lists_is_none() -> None:
    assert altered([entry(DATABASE, status("a")), program("usr/bin/a", OTHER)]) == []
