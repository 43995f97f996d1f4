"""Layers lie over each other as an overlay shows them."""

from __future__ import annotations

import tarfile

from tests.images.layers.making import DATABASE, entry, folder, hardlink, record_of, records, status, symlink, tar
from transom.images.layers.merging import Merged, merge
from transom.images.layers.reading import unread_names


def names(merged: Merged) -> dict[str, list[str]]:
    return {path: [each.name for each in packages] for path, packages in merged.packages.items()}


def test_a_higher_layer_replaces_a_file() -> None:
    merged = merge(records([entry(DATABASE, status("a"))], [entry(DATABASE, status("a", "b"))]))
    assert names(merged) == {DATABASE: ["a", "b"]}
    assert not merged.hidden


def test_a_whiteout_takes_away_and_leaves_evidence() -> None:
    merged = merge(records([entry(DATABASE, status("a"))], [entry("var/lib/dpkg/.wh.status")]))
    assert not merged.packages
    assert [(each.path, len(each.packages)) for each in merged.hidden] == [(DATABASE, 1)]


def test_a_whiteout_of_a_parent_takes_away_everything_below() -> None:
    merged = merge(records([entry(DATABASE, status("a")), entry("var/lib/other")], [entry("var/.wh.lib")]))
    assert not merged.packages


def test_a_whiteout_hides_nothing_of_its_own_layer_whatever_the_order() -> None:
    for layer in (
        [entry("var/.wh.lib"), entry(DATABASE, status("b"))],
        [entry(DATABASE, status("b")), entry("var/.wh.lib")],
    ):
        assert names(merge(records([entry(DATABASE, status("a"))], layer))) == {DATABASE: ["b"]}


def test_an_opaque_folder_hides_lower_layers_only() -> None:
    for layer in (
        [entry("var/lib/.wh..wh..opq"), entry(DATABASE, status("b"))],
        [entry(DATABASE, status("b")), entry("var/lib/.wh..wh..opq")],
    ):
        merged = merge(records([entry(DATABASE, status("a")), entry("lib/apk/db/installed", b"P:x\nV:1\n\n")], layer))
        assert names(merged) == {DATABASE: ["b"], "lib/apk/db/installed": ["x"]}


def test_the_root_may_be_opaque() -> None:
    assert not merge(records([entry(DATABASE, status("a"))], [entry(".wh..wh..opq")])).packages


def test_what_was_removed_may_come_again() -> None:
    layers = [entry(DATABASE, status("a"))], [entry("var/.wh.lib")], [entry(DATABASE, status("c"))]
    assert names(merge(records(*layers))) == {DATABASE: ["c"]}


def test_the_last_of_several_of_one_name_counts() -> None:
    assert names(merge(records([entry(DATABASE, status("a")), entry("./" + DATABASE, status("b"))]))) == {
        DATABASE: ["b"]
    }


def test_a_file_that_becomes_a_link_or_a_folder_in_its_layer_tells_nothing() -> None:
    assert not merge(records([entry(DATABASE, status("a")), symlink(DATABASE, "/nowhere")])).packages
    assert not merge(records([entry(DATABASE, status("a")), folder(DATABASE)])).packages


def test_a_file_in_the_place_of_a_folder_takes_away_what_was_below() -> None:
    assert not merge(records([entry(DATABASE, status("a"))], [entry("var/lib", b"x")])).packages


def test_a_folder_leaves_a_folder_and_replaces_a_file() -> None:
    merged = merge(
        records(
            [entry(DATABASE, status("a")), entry("etc/os-release", b"ID=a")],
            [folder("var/lib"), folder("etc/os-release")],
        )
    )
    assert names(merged) == {DATABASE: ["a"]}
    assert not merged.texts


def test_a_program_that_is_replaced_is_setuid_no_more() -> None:
    setuid = entry("usr/bin/su", b"x", mode=0o4755)
    assert merge(records([setuid])).specials
    assert not merge(records([setuid], [entry("usr/bin/su", b"y", mode=0o755)])).specials


def test_parents_that_are_links_are_followed() -> None:
    merged = merge(
        records([folder("usr/lib"), symlink("lib", "usr/lib")], [entry("lib/apk/db/installed", b"P:x\nV:1\n\n")])
    )
    assert names(merged) == {"usr/lib/apk/db/installed": ["x"]}


def test_a_whiteout_follows_parents_that_are_links() -> None:
    base = [entry("usr/lib/apk/db/installed", b"P:x\nV:1\n\n"), symlink("lib", "/usr/lib")]
    assert not merge(records(base, [entry("lib/apk/db/.wh.installed")])).packages


def test_a_link_that_becomes_a_folder_leads_nowhere_any_more() -> None:
    base = [symlink("lib", "usr/lib")]
    merged = merge(records(base, [folder("lib"), entry("lib/apk/db/installed", b"P:x\nV:1\n\n")]))
    assert names(merged) == {"lib/apk/db/installed": ["x"]}


def test_links_in_circles_end() -> None:
    circle = [symlink("a", "b"), symlink("b", "a"), symlink("c", "c/c/c")]
    merged = merge(
        records(circle, [entry("a/x/lib/dpkg/status", status("a")), entry("c/lib/dpkg/status", status("b"))])
    )
    assert len(merged.packages) == 2


def test_dots_behind_a_link_are_of_where_it_leads() -> None:
    base = [symlink("a", "b/c"), folder("b/c"), symlink("d", "a/../e")]
    merged = merge(records(base, [entry("d/lib/dpkg/status", status("a"))]))
    assert names(merged) == {"b/e/lib/dpkg/status": ["a"]}


def test_a_hard_link_to_a_lower_layer_has_its_content() -> None:
    base = [entry("old/lib/dpkg/status", status("a"))]
    merged = merge(records(base, [hardlink(DATABASE, "old/lib/dpkg/status")]))
    assert names(merged)[DATABASE] == ["a"]


def test_a_hard_link_to_what_was_passed_by_is_told() -> None:
    merged = merge(records([entry("x", status("a"))], [hardlink(DATABASE, "x")]))
    assert [each.path for each in merged.unread] == [DATABASE]


def test_a_database_under_another_name_is_read_by_a_second_pass() -> None:
    plain = tar([entry("x", status("a")), hardlink(DATABASE, "x")])
    first = record_of(plain)
    assert unread_names(first) == {"x": (DATABASE,)}
    assert names(merge([record_of(plain, names=unread_names(first))])) == {DATABASE: ["a"]}


def test_what_aufs_keeps_for_itself_hides_nothing() -> None:
    assert merge(records([entry(DATABASE, status("a"))], [folder(".wh..wh.plnk"), entry(".wh..wh.aufs")])).packages


def test_packages_that_a_database_lost_are_told() -> None:
    lists = [entry(f"var/lib/dpkg/info/{name}.list", b"/.\n") for name in ("a", "b:amd64", "gone")]
    removed = b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    assert merge(records([*lists, entry(DATABASE, status("a") + removed)])).unlisted == ("b",)


def test_devices_and_pipes_are_passed_by() -> None:
    odd = [
        entry("dev/a", kind=tarfile.CHRTYPE),
        entry("dev/b", kind=tarfile.BLKTYPE),
        entry("c", kind=tarfile.FIFOTYPE),
    ]
    (record,) = records([*odd, entry(DATABASE, status("a"))])
    assert record.entries == 4
    assert names(merge([record])) == {DATABASE: ["a"]}


def test_many_whiteouts_cost_no_more_than_they_are() -> None:
    base = [entry(f"p{number}/lib/dpkg/status", status("a")) for number in range(500)]
    gone = [entry(f"q/.wh.{number}") for number in range(5_000)]
    assert len(merge(records(base, gone)).packages) == 500


def test_what_apk_owns_is_known_by_its_package_through_links() -> None:
    database = b"P:py3-six\nV:1.16-r0\nF:lib/python3/site-packages/six-1.16.dist-info\nR:METADATA\nR:notes.txt\n"
    record = record_of(tar([symlink("lib", "usr/lib"), entry("lib/apk/db/installed", database)]))
    assert merge([record]).owned == {"usr/lib/python3/site-packages/six-1.16.dist-info/METADATA": "py3-six"}


def test_an_absolute_link_below_a_folder_leads_to_the_root() -> None:
    base = [folder("a/b"), folder("c"), symlink("a/b/l", "/c")]
    assert names(merge(records(base, [entry("a/b/l/lib/dpkg/status", status("x"))]))) == {"c/lib/dpkg/status": ["x"]}


def test_a_store_of_nix_without_a_database_tells_its_packages() -> None:
    first = [folder("nix/store/0c2kjxz8gvbqjg2qrx6n0m1q9k3v5w7y-openssl-3.0.13"), entry("nix/store/x.drv")]
    second = [entry("nix/store/1c2kjxz8gvbqjg2qrx6n0m1q9k3v5w7y-bash-interactive-5.2p26/bin/bash")]
    second += [folder("nix/store/2c2kjxz8gvbqjg2qrx6n0m1q9k3v5w7y-source")]
    found = merge(records(first, second)).packages
    assert {(each.name, each.version) for told in found.values() for each in told} == {
        ("openssl", "3.0.13"),
        ("bash-interactive", "5.2p26"),
    }


def test_a_package_that_is_taken_out_of_the_store_of_nix_is_hidden() -> None:
    path = "0c2kjxz8gvbqjg2qrx6n0m1q9k3v5w7y-openssl-3.0.13"
    merged = merge(records([folder(f"nix/store/{path}")], [entry(f"nix/store/.wh.{path}")]))
    assert not merged.packages
    assert [each.path for each in merged.hidden] == [f"nix/store/{path}"]
