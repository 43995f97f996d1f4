"""Which packages match, which do not, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from transom.advisories import match, outdated, why_not
from transom.model.advisories import Match, NonMatch, State
from transom.model.findings import Skipped
from transom.model.packages import Package
from transom.model.severity import Severity

RUNC = "CVE-2024-21626"
DEBIAN = {
    "runc": {
        RUNC: {
            "description": "leaked file descriptors",
            "releases": {
                "bookworm": {"status": "resolved", "fixed_version": "1.1.5+ds1-1+deb12u1", "urgency": "high"},
                "bullseye": {"status": "resolved", "fixed_version": "1.0.0~rc93+ds1-5+deb11u3"},
                "trixie": {"status": "resolved", "fixed_version": "0"},
                "buster": {"status": "open", "urgency": "end-of-life"},
            },
        },
        "CVE-2024-0002": {"releases": {"bookworm": {"status": "open", "nodsa": "minor", "nodsa_reason": "ignored"}}},
        "CVE-2024-0003": {"releases": {"bookworm": {"status": "undetermined"}}},
    }
}
GO_RUNC = {
    "id": "GO-2024-2491",
    "modified": "2024-02-01T00:00:00Z",
    "aliases": [RUNC, "GHSA-xr7r-f8xq-vfvv"],
    "affected": [
        {
            "package": {"ecosystem": "Go", "name": "github.com/opencontainers/runc"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "1.0.0-rc93"}, {"fixed": "1.1.12"}]}],
            "ecosystem_specific": {
                "imports": [{"path": "github.com/opencontainers/runc/libcontainer", "symbols": ["Init"]}]
            },
        }
    ],
}


def matched(index, *packages, distro=""):
    return {each.id: each for each in match(packages, distro, index) if isinstance(each, Match)}


def skipped(index, *packages, distro="", today=None):
    return [each for each in match(packages, distro, index, today) if isinstance(each, Skipped)]


def runc(version):
    return Package("deb", "runc", version, "debian", source_name="runc", source_version=version, distro="debian-12")


def test_the_distributions_own_fixed_runc_is_not_affected(index_of):
    index = index_of(DEBIAN, GO_RUNC)
    assert RUNC not in matched(index, runc("1.1.5+ds1-1+deb12u1"))
    assert RUNC in matched(index, runc("1.1.5+ds1-1"))


def test_it_is_told_why_the_distributions_runc_is_not_affected(index_of):
    index = index_of(DEBIAN, GO_RUNC)
    (told,) = why_not(runc("1.1.5+ds1-1+deb12u1"), RUNC, "debian-12", index)
    assert told == NonMatch(
        "1.1.5+ds1-1+deb12u1 has the fix of 1.1.5+ds1-1+deb12u1: affected is < 1.1.5+ds1-1+deb12u1", "debian", RUNC
    )


def test_a_module_that_a_distributions_package_owns_is_judged_as_that_package(index_of):
    index = index_of(DEBIAN, GO_RUNC)
    module = Package("golang", "runc", "v1.1.5", "github.com/opencontainers")
    owned = Package("golang", "runc", "v1.1.5", "github.com/opencontainers", owner="pkg:deb/debian/runc")
    assert RUNC in matched(index, module)
    assert RUNC not in matched(index, owned)
    assert "belongs to" in next(iter(why_not(owned, RUNC, "", index))).reason


def test_a_match_tells_range_feed_record_and_symbols(index_of):
    found = matched(index_of(GO_RUNC), Package("golang", "runc", "v1.1.5", "github.com/opencontainers"))[RUNC]
    (reason,) = found.reasons
    assert (reason.feed, reason.record, reason.versions) == ("govulndb", "GO-2024-2491", ">= 1.0.0-rc93, < 1.1.12")
    assert found.symbols[0].names == ("Init",)
    assert set(found.aliases) == {"GO-2024-2491", "GHSA-xr7r-f8xq-vfvv"}


@pytest.mark.parametrize(
    ("distro", "state"),
    [("debian-12", State.FIXED), ("debian-13", None), ("debian-10", State.END_OF_LIFE), ("debian-11", State.FIXED)],
)
def test_each_release_has_its_own_state(index_of, distro, state):
    package = Package("deb", "runc", "1.0.0~rc6", source_name="runc", source_version="1.0.0~rc6", distro=distro)
    found = matched(index_of(DEBIAN), package).get(RUNC)
    assert (found.state if found else None) is state


def test_what_will_not_be_fixed_and_what_is_looked_into_are_told_as_such(index_of):
    found = matched(index_of(DEBIAN), runc("9"))
    assert found["CVE-2024-0002"].state is State.WONT_FIX
    assert found["CVE-2024-0003"].state is State.UNDER_INVESTIGATION


def test_a_binary_package_is_judged_by_its_source(index_of):
    index = index_of(
        {"openssl": {"CVE-1": {"releases": {"bookworm": {"status": "resolved", "fixed_version": "3.0.11-1"}}}}}
    )
    binary = Package(
        "deb", "libssl3", "3.0.9-1+b1", source_name="openssl", source_version="3.0.9-1", distro="debian-12"
    )
    assert "CVE-1" in matched(index, binary)


def test_headers_of_the_kernel_are_not_the_kernel(index_of):
    index = index_of({"linux": {"CVE-1": {"releases": {"bookworm": {"status": "open"}}}}})
    headers = Package(
        "deb", "linux-libc-dev", "6.1.1-1", source_name="linux", source_version="6.1.1-1", distro="debian-12"
    )
    assert not matched(index, headers)
    assert "nothing of the kernel that runs" in next(iter(why_not(headers, "CVE-1", "", index))).reason


@pytest.mark.parametrize(
    ("events", "affected", "clean"),
    [
        ([{"introduced": "0"}, {"fixed": "2.0.0"}], ["0.0.1", "1.9.9"], ["2.0.0", "3.0.0"]),
        ([{"introduced": "1.0.0"}, {"last_affected": "2.0.0"}], ["1.0.0", "2.0.0"], ["0.9.0", "2.0.1"]),
        ([{"introduced": "1.0.0"}, {"limit": "2.0.0"}], ["1.5.0"], ["2.0.0"]),
        ([{"introduced": "1.0.0"}], ["1.0.0", "99.0.0"], ["0.9.0"]),
        (
            [{"introduced": "3.0.0"}, {"fixed": "3.1.0"}, {"introduced": "0"}, {"fixed": "1.0.0"}],
            ["0.5.0", "3.0.5"],
            ["2.0.0", "3.1.0"],
        ),
    ],
)
def test_ranges_are_evaluated_as_osv_says(index_of, osv, events, affected, clean):
    index = index_of(osv(events=events))
    assert all(matched(index, Package("npm", "left", version)) for version in affected)
    assert not any(matched(index, Package("npm", "left", version)) for version in clean)


def test_versions_that_are_listed_count_beside_ranges(index_of, osv):
    index = index_of(osv(events=[{"introduced": "0"}, {"fixed": "1.0.0"}], versions=["0.5.0", "2.0.0"]))
    assert matched(index, Package("npm", "left", "2.0.0"))
    assert not matched(index, Package("npm", "left", "2.0.1"))


def test_ranges_of_commits_are_not_matched(index_of, osv):
    commits = osv("T-2", ("npm", "right"), [{"introduced": "0"}], kind="GIT")
    index = index_of(osv(events=[{"introduced": "0"}]), commits)
    assert not matched(index, Package("npm", "right", "1.0.0"))
    assert ("osv", "names no version of right but commits", 1, "T-2") in list(index.refusals)


def test_what_was_withdrawn_does_not_match_and_says_so(index_of, osv):
    index = index_of(osv(events=[{"introduced": "0"}], withdrawn="2024-05-01T00:00:00Z"))
    package = Package("npm", "left", "1.0.0")
    assert not matched(index, package)
    assert [each.reason for each in why_not(package, "T-1", "", index)] == ["the record was withdrawn on 2024-05-01"]


def test_two_records_of_one_bug_are_one_match(index_of, osv):
    events = [{"introduced": "0"}, {"fixed": "2.0.0"}]
    index = index_of(
        osv("GHSA-1", events=events, aliases=["CVE-1"]),
        osv("T-1", events=[{"introduced": "0"}, {"fixed": "2.0.1"}], aliases=["GHSA-1"]),
    )
    (found,) = matched(index, Package("npm", "left", "1.0.0")).values()
    assert found.id == "CVE-1"
    assert found.fixed == "2.0.1"
    assert len(found.reasons) == 2


def test_a_chain_of_aliases_does_not_join_two_bugs(index_of, osv):
    events = [{"introduced": "0"}]
    index = index_of(
        osv("T-1", events=events, aliases=["CVE-1", "GHSA-1"]), osv("T-2", events=events, aliases=["CVE-2", "GHSA-1"])
    )
    assert set(matched(index, Package("npm", "left", "1.0.0"))) == {"CVE-1", "CVE-2"}


def test_the_vendors_word_on_severity_comes_before_all_others(index_of, osv):
    vector = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]
    ghsa = osv("GHSA-1", events=[{"introduced": "0"}], aliases=[RUNC], severity=vector)
    debian = {"runc": {RUNC: {"releases": {"bookworm": {"status": "open", "urgency": "unimportant"}}}}}
    index = index_of(debian, ghsa)
    found = matched(index, runc("1"))[RUNC]
    assert (found.severity, found.rated_by) == (Severity.INFO, "debian")
    assert matched(index, Package("npm", "left", "1.0.0"))[RUNC].severity is Severity.CRITICAL


def test_exploited_and_likely_stand_beside_the_match(index_of, osv):
    kev = {"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2024-1001", "dateAdded": "2024-01-02"}]}
    epss = b"#model_version:v1,score_date:2025-02-20T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1001,0.5,0.9\n"
    found = matched(
        index_of(osv(events=[{"introduced": "0"}], aliases=["CVE-2024-1001"]), kev, epss),
        Package("npm", "left", "1.0.0"),
    )["CVE-2024-1001"]
    assert found.exploited.added == "2024-01-02"
    assert (found.likelihood.score, found.likelihood.date) == (0.5, "2025-02-20")


def test_a_distribution_without_data_is_skipped_never_clean(index_of):
    (told,) = skipped(index_of(DEBIAN), Package("apk", "zlib", "1.2.11-r3", distro="alpine-3.19.1"))
    assert "knows nothing of alpine-3.19: 1 package not judged" in told.reason


def test_a_version_that_cannot_be_compared_is_skipped(index_of, osv):
    (told,) = skipped(index_of(osv(events=[{"introduced": "0"}])), Package("npm", "left", "?!"))
    assert "cannot be compared" in told.reason


def test_a_release_past_its_end_is_skipped(index_of):
    ends = {"result": [{"name": "debian", "releases": [{"name": "12", "eolFrom": "2026-06-10"}]}]}
    index = index_of(DEBIAN, ends)
    assert not skipped(index, runc("9"), today=date(2026, 6, 1))
    assert "no security support since 2026-06-10" in skipped(index, runc("9"), today=date(2026, 7, 1))[0].reason


def test_ubuntu_pro_fixes_are_for_those_who_have_it(index_of):
    def affected(ecosystem, fixed):
        events = [{"introduced": "0"}, {"fixed": fixed}]
        return {"package": {"ecosystem": ecosystem, "name": "w"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}

    both = [affected("Ubuntu:Pro:16.04:LTS", "1-1esm2"), affected("Ubuntu:16.04:LTS", "1-1")]
    index = index_of({"id": "UBUNTU-CVE-1", "modified": "2024-01-01", "upstream": ["CVE-1"], "affected": both})

    def installed(version):
        return Package("deb", "w", version, source_name="w", source_version=version, distro="ubuntu-16.04")

    assert not matched(index, installed("1-1"))
    assert matched(index, installed("1-1esm1"))["CVE-1"].fixed == "1-1esm2"


def test_an_erratum_matches_as_each_bug_that_it_fixes(index_of, osv):
    erratum = osv(
        "ALSA-1", ("AlmaLinux:9", "avahi"), [{"introduced": "0"}, {"fixed": "0.8-20.el9"}], related=["CVE-1", "CVE-2"]
    )
    package = Package(
        "rpm", "avahi-libs", "0.8-15.el9", source_name="avahi", source_version="0.8-15.el9", distro="almalinux-9.3"
    )
    assert set(matched(index_of(erratum), package)) == {"CVE-1", "CVE-2"}


def test_a_fix_of_a_module_is_not_for_other_streams(index_of, osv):
    fixed = "1:18.20.2-1.module_el8.9.0+3775+d8460d35"
    erratum = osv("ALSA-1", ("AlmaLinux:8", "nodejs"), [{"introduced": "0"}, {"fixed": fixed}], related=["CVE-1"])
    index = index_of(erratum)

    def installed(version):
        return Package("rpm", "nodejs", version, source_name="nodejs", source_version=version, distro="almalinux-8")

    assert matched(index, installed("1:18.12.1-2.module_el8.7.0+1+a"))
    assert not matched(index, installed("1:16.20.2-2.module_el8.7.0+1+a"))
    assert not matched(index, installed("1:10.24.0-1.el8"))


def csaf(release, cpe, *builds, module=""):
    """Return an erratum of Red Hat: builds of one product, each (name, version, architecture)."""
    qualifiers = f"&rpmmod={module}:1:2" if module else ""

    def purl(name, version, arch):
        return f"pkg:rpm/redhat/{name}@{version.partition(':')[2]}?arch={arch}&epoch={version.partition(':')[0]}{qualifiers}"

    products = [
        {"product": {"product_id": "-".join(build), "product_identification_helper": {"purl": purl(*build)}}}
        for build in builds
    ]
    products.append({"product": {"product_id": "P", "product_identification_helper": {"cpe": cpe}}})
    parts = [
        {
            "product_reference": "-".join(build),
            "relates_to_product_reference": "P",
            "full_product_name": {"product_id": f"P:{'-'.join(build)}"},
        }
        for build in builds
    ]
    fixed = [part["full_product_name"]["product_id"] for part in parts]
    return {
        "document": {"tracking": {"id": release}, "publisher": {"name": "Red Hat Product Security"}},
        "product_tree": {"branches": [{"branches": products}], "relationships": parts},
        "vulnerabilities": [
            {
                "cve": "CVE-1",
                "product_status": {"fixed": fixed},
                "threats": [{"category": "impact", "details": "Important"}],
            }
        ],
    }


MAIN, EXTENDED = "cpe:/a:redhat:enterprise_linux:8::appstream", "cpe:/o:redhat:rhel_eus:8.6::baseos"


def rpm(name, version, source="", source_version=""):
    return Package(
        "rpm", name, version, source_name=source or name, source_version=source_version or version, distro="rhel-8.6"
    )


def test_of_several_updates_with_one_fix_any_is_enough(index_of):
    index = index_of(
        csaf("RHSA-1", MAIN, ("sudo", "0:1.8-1.el8", "src")), csaf("RHSA-2", MAIN, ("sudo", "0:1.9-1.el8", "src"))
    )
    assert matched(index, rpm("sudo", "1.7-1.el8"))["CVE-1"].severity is Severity.HIGH
    assert not matched(index, rpm("sudo", "1.8-1.el8"))


def test_extended_support_decides_for_what_it_built(index_of):
    index = index_of(
        csaf("RHSA-1", MAIN, ("sudo", "0:1.9-1.el8_9", "src")),
        csaf("RHSA-2", EXTENDED, ("sudo", "0:1.9-1.el8_6.1", "src")),
    )
    assert not matched(index, rpm("sudo", "1.9-1.el8_6.1"))
    assert matched(index, rpm("sudo", "1.9-1.el8_6"))["CVE-1"].fixed == "1.9-1.el8_6.1"
    assert matched(index, rpm("sudo", "1.9-1.el8"))["CVE-1"].fixed == "1.9-1.el8_9"


def test_a_binary_with_a_version_of_its_own_is_judged_by_that(index_of):
    builds = (("perl", "4:5.26.3-420.el8", "src"), ("perl-Carp", "0:1.50-420.el8", "noarch"))
    index = index_of(csaf("RHSA-1", MAIN, *builds))
    assert not matched(index, rpm("perl-Carp", "1.50-420.el8", "perl", "5.26.3-420.el8"))
    assert matched(index, rpm("perl-Carp", "1.42-396.el8", "perl", "5.26.3-396.el8"))


def test_an_epoch_counts(index_of):
    index = index_of(csaf("RHSA-1", MAIN, ("bind", "32:9.11-1.el8", "src")))
    assert matched(index, rpm("bind", "31:9.16-1.el8"))
    assert not matched(index, rpm("bind", "32:9.11-1.el8"))


def test_red_hats_modules_are_told_apart_by_stream(index_of):
    fixed = "0:2.7.8-139.module+el8.8.0+18745+f1bef313"
    index = index_of(csaf("RHSA-1", MAIN, ("ruby", fixed, "src"), module="ruby:2.7"))
    assert matched(index, rpm("ruby", "2.7.1-1.module+el8.3.0+1+a"))
    assert not matched(index, rpm("ruby", "2.5.9-111.module+el8.9.0+1+a"))


def test_what_a_vendor_says_is_not_affected_is_not(index_of):
    def said(status, distro):
        products = [{"@id": f"pkg:deb/ubuntu/curl@8?arch=source&distro={distro}"}]
        return {"vulnerability": {"name": "CVE-1"}, "status": status, "products": products}

    statements = [said("not_affected", "jammy"), said("affected", "noble")]
    index = index_of(
        {"@context": "https://openvex.dev/ns/v0.2.0", "author": "Canonical Ltd.", "statements": statements}
    )

    def curl(release):
        return Package("deb", "curl", "8", source_name="curl", source_version="8", distro=f"ubuntu-{release}")

    assert not matched(index, curl("22.04"))
    assert "not affected in ubuntu-22.04" in next(iter(why_not(curl("22.04"), "CVE-1", "", index))).reason
    assert matched(index, curl("24.04"))["CVE-1"].state is State.AFFECTED


def test_an_open_range_of_ghsa_ends_where_it_was_last_known_to_be_affected(index_of, osv):
    record = osv("GHSA-1", events=[{"introduced": "0"}])
    record["affected"][0]["database_specific"] = {"last_known_affected_version_range": "<= 2.3.1"}
    index = index_of(record)
    assert matched(index, Package("npm", "left", "2.3.1"))
    assert not matched(index, Package("npm", "left", "2.3.2"))


def vex(status, category="", details=""):
    """Return a VEX document of Red Hat about one component of RHEL 8 that has no fix."""
    product = {"product_id": "rhel8", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:8"}}
    purl = {"purl": "pkg:rpm/redhat/openssl?arch=src"}
    component = {"product_id": "openssl", "product_identification_helper": purl}
    whole = "rhel8:openssl"
    part = {
        "product_reference": "openssl",
        "relates_to_product_reference": "rhel8",
        "full_product_name": {"product_id": whole},
    }
    remedies = [{"category": category, "details": details, "product_ids": [whole]}] if category else []
    return {
        "document": {"category": "csaf_vex", "tracking": {"id": "CVE-1"}, "publisher": {"name": "Red Hat"}},
        "product_tree": {"branches": [{"product": product}, {"product": component}], "relationships": [part]},
        "vulnerabilities": [{"cve": "CVE-1", "product_status": {status: [whole]}, "remediations": remedies}],
    }


@pytest.mark.parametrize(
    ("document", "state"),
    [
        (vex("known_affected"), State.AFFECTED),
        (vex("known_affected", "none_available", "Fix deferred"), State.NOT_FIXED),
        (vex("known_affected", "no_fix_planned", "Will not fix"), State.WONT_FIX),
        (vex("known_affected", "no_fix_planned", "Out of support scope"), State.END_OF_LIFE),
        (vex("under_investigation"), State.UNDER_INVESTIGATION),
        (vex("known_not_affected"), None),
    ],
)
def test_red_hats_vex_tells_the_state_of_what_has_no_fix(index_of, document, state):
    found = matched(index_of(document), rpm("openssl-libs", "1:1.1.1k-9.el8", "openssl", "1:1.1.1k-9.el8")).get("CVE-1")
    assert (found.state if found else None) is state


def test_a_product_of_suse_is_known_by_its_cpe_and_its_build_by_its_name(index_of):
    product = {"product_id": "SLES", "product_identification_helper": {"cpe": "cpe:/o:suse:sles:15:sp4"}}
    build = "libopenssl1_1-1.1.1l-150400.7.63.1.x86_64"
    part = {
        "product_reference": build,
        "relates_to_product_reference": "SLES",
        "full_product_name": {"product_id": "x"},
    }
    document = {
        "document": {"tracking": {"id": "SUSE-SU-2024:1-1"}, "publisher": {"name": "SUSE Product Security Team"}},
        "product_tree": {"branches": [{"product": product}], "relationships": [part]},
        "vulnerabilities": [{"cve": "CVE-1", "product_status": {"recommended": ["x"]}}],
    }
    index = index_of(document)

    def libssl(version):
        return Package(
            "rpm", "libopenssl1_1", version, source_name="openssl-1_1", source_version=version, distro="sles-15.4"
        )

    assert matched(index, libssl("1.1.1l-150400.7.60.2"))["CVE-1"].reasons[0].record == "SUSE-SU-2024:1-1"
    assert not matched(index, libssl("1.1.1l-150400.7.63.1"))


def test_sources_that_are_too_old_are_skipped(index_of, osv):
    index = index_of(osv(events=[{"introduced": "0"}]))
    (told,) = outdated(index, datetime(2024, 1, 31, tzinfo=UTC))
    assert told.reason.startswith("osv was last changed 30 days ago")
    assert not list(outdated(index, datetime(2024, 1, 10, tzinfo=UTC)))


def test_a_source_does_not_speak_for_a_binary_that_is_named_by_itself(index_of):
    builds = (("perl", "0:5.26.3-420.el8", "src"), ("perl-Carp", "0:9.50-420.el8", "noarch"))
    index = index_of(csaf("RHSA-1", MAIN, *builds))
    assert matched(index, rpm("perl-Carp", "9.42-396.el8", "perl", "5.26.3-420.el8"))


def test_a_package_without_a_version_is_skipped_only_where_something_is_known_of_it(index_of, osv):
    index = index_of(osv(events=[{"introduced": "0"}]))
    (told,) = skipped(index, Package("npm", "left"), Package("npm", "fixture"))
    assert (told.ref.name, told.reason) == ("npm/left", "it tells no version")


def program(version, evidence="go-main"):
    return Package("golang", "runc", version, "github.com/opencontainers", evidence=evidence)


COMMIT = "v0.0.0-20240201000000-0123456789ab"


def test_a_program_of_an_untagged_commit_is_skipped_where_advisories_count_by_tags(index_of):
    index = index_of(GO_RUNC)
    assert not matched(index, program(COMMIT))
    (told,) = skipped(index, program(COMMIT))
    assert told.reason.endswith(f"is told by tags: {RUNC} (1)")
    assert [each.reason[:42] for each in why_not(program(COMMIT), RUNC, "", index)] == [
        "it was built from a commit without a tag: "
    ]


def test_a_program_of_an_untagged_commit_is_judged_where_advisories_count_by_commits(index_of, osv):
    package = ("Go", "github.com/opencontainers/runc")
    commits = [{"introduced": "0"}, {"fixed": "0.0.0-20240301000000-ba9876543210"}]
    index = index_of(osv("GO-1", package, commits), osv("GO-2", package, [{"introduced": "0"}]))
    assert set(matched(index, program(COMMIT))) == {"GO-1", "GO-2"}
    assert set(matched(index, program("v0.0.0-20240401000000-0123456789ab"))) == {"GO-2"}
    assert not skipped(index, program(COMMIT))


def test_a_needed_module_without_tags_is_below_every_tag(index_of, osv):
    index = index_of(osv("GO-1", ("Go", "github.com/opencontainers/runc"), [{"introduced": "0"}, {"fixed": "1.0.0"}]))
    assert set(matched(index, program(COMMIT, "go-buildinfo"))) == {"GO-1"}


def test_a_program_that_go_itself_names_by_its_last_tag_is_judged(index_of):
    index = index_of(GO_RUNC)
    assert set(matched(index, program("v1.1.5-0.20230401000000-0123456789ab+dirty"))) == {RUNC}
    assert not matched(index, program("v1.2.0+dirty"))


def lifetimes(product, release, ends, extended=None):
    releases = [{"name": release, "eolFrom": ends, "eoesFrom": extended}]
    return {"result": [{"name": product, "releases": releases}]}


@pytest.mark.parametrize(
    ("product", "distro", "release"),
    [("alpine-linux", "alpine-3.18.4", "3.18"), ("rocky-linux", "rocky-8.9", "8"), ("amazon-linux", "amzn-2", "2")],
)
def test_the_end_of_a_release_is_known_by_the_name_that_it_has_itself(index_of, product, distro, release):
    index = index_of(lifetimes(product, release, "2025-05-01"), DEBIAN)
    package = Package("apk" if "alpine" in distro else "rpm", "a", "1-r0", source_name="a", distro=distro)
    told = [each.reason for each in skipped(index, package, distro=distro, today=date(2026, 1, 1))]
    assert any("no security support since 2025-05-01" in each for each in told)


def test_a_release_in_its_extended_support_is_still_recorded(index_of):
    index = index_of(lifetimes("debian", "12", "2026-06-10", "2028-06-30"), DEBIAN)
    assert not skipped(index, runc("1.1.5+ds1-1+deb12u1"), distro="debian-12", today=date(2026, 11, 25))
    (told,) = skipped(index, runc("1.1.5+ds1-1+deb12u1"), distro="debian-12", today=date(2029, 1, 1))
    assert "since 2028-06-30" in told.reason


@pytest.mark.parametrize(
    ("cpe", "channel"),
    [
        ("cpe:/o:suse:sles:15:sp4", "sles-15.4"),
        ("cpe:/o:suse:sles-ltss:15:sp3", "sles-15.3"),
        ("cpe:/o:suse:sles_sap:15:sp5", "sles-15.5"),
        ("cpe:/o:suse:sle-module-basesystem:15:sp6", "sles-15.6"),
        ("cpe:/o:suse:sle_hpc-ltss:15:sp3", "sles-15.3"),
        ("cpe:/o:suse:suse_sles:12:sp5", "sles-12.5"),
        ("cpe:/o:suse:sles:15", "sles-15"),
        ("cpe:/o:suse:sles:16:16.0", "sles-16.0"),
        ("cpe:/o:suse:suse-microos:5.3", ""),
        ("cpe:/o:opensuse:leap:15.6", "opensuse-15.6"),
    ],
)
def test_products_of_suse_are_releases_by_their_cpe(cpe, channel):
    from transom.advisories.feeds.csaf import channel_of_cpe

    assert channel_of_cpe(cpe) == channel


def test_an_unfixed_module_of_red_hat_is_meant_with_its_stream(index_of):
    product = {"product_id": "RHEL8", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:8"}}
    part = {"product_id": "nodejs:16/nodejs", "name": "nodejs:16/nodejs"}
    document = {
        "document": {"tracking": {"id": "CVE-2024-1"}, "publisher": {"name": "Red Hat"}},
        "product_tree": {
            "branches": [{"product": product}, {"product": part}],
            "relationships": [
                {
                    "product_reference": part["product_id"],
                    "relates_to_product_reference": "RHEL8",
                    "full_product_name": {"product_id": "RHEL8:nodejs:16/nodejs"},
                }
            ],
        },
        "vulnerabilities": [{"cve": "CVE-2024-1", "product_status": {"known_affected": ["RHEL8:nodejs:16/nodejs"]}}],
    }

    def nodejs(version):
        return Package("rpm", "nodejs", version, source_name="nodejs", source_version=version, distro="rhel-8.9")

    index = index_of(document)
    assert set(matched(index, nodejs("1:16.20.2-1.module+el8.8.0+1+a"))) == {"CVE-2024-1"}
    assert not matched(index, nodejs("1:18.19.1-1.module+el8.9.0+1+a"))


def bodhi(name="FEDORA-2024-1", release="40", prefix="FEDORA", **more):
    return {
        "alias": name,
        "release": {"version": release, "id_prefix": prefix},
        "builds": [{"nvr": "java-17-openjdk-17.0.14.0.7-1.fc40", "epoch": 1}],
        "bugs": [{"title": "CVE-2025-9999 java-17-openjdk: vulnerability in JVM [fedora-40]"}],
        "type": "security",
        "status": "stable",
        "severity": "urgent",
        **more,
    }


def fedora(version, distro="fedora-40"):
    source = {"source_name": "java-17-openjdk", "source_version": version}
    return Package("rpm", "java-17-openjdk-headless", version, distro=distro, **source)


def test_fedoras_updates_are_of_their_release_and_of_what_was_released(index_of, osv):
    index = index_of(bodhi(), bodhi("FEDORA-2024-2", status="testing", bugs=[{"title": "CVE-2025-1"}]))
    assert matched(index, fedora("1:17.0.13.0.11-1.fc40"))["CVE-2025-9999"].severity is Severity.CRITICAL
    assert not matched(index, fedora("1:17.0.14.0.7-1.fc40"))
    assert "the index knows nothing of fedora-41" in skipped(index, fedora("1:17-1.fc41", "fedora-41"))[0].reason
    assert set(matched(index, fedora("1:17.0.13.0.11-1.fc40"))) == {"CVE-2025-9999"}


def test_epel_is_no_release_of_fedora(index_of):
    index = index_of(bodhi(), bodhi("FEDORA-EPEL-2024-1", "7", "FEDORA-EPEL"))
    assert index.channels == {"fedora-40"}
    assert [reason for _, reason, _, _ in index.refusals] == ["of FEDORA-EPEL, which is no release of Fedora"]


def test_a_page_of_fedoras_updates_is_read(index_of):
    assert index_of({"updates": [bodhi(), {"alias": 5}], "page": 1}).channels == {"fedora-40"}


def test_photons_lists_tell_their_release_by_their_builds(index_of):
    index = index_of(
        [
            {"cve_id": "CVE-1", "pkg": "curl", "cve_score": 9.8, "res_ver": "7.88.1-4.ph4", "status": "Fixed"},
            {"cve_id": "CVE-2", "pkg": "curl", "cve_score": None, "res_ver": "NA", "status": "Not Affected"},
            {"cve_id": "CVE-3", "pkg": "curl", "cve_score": 5.0, "res_ver": "NA", "status": "Unfixed"},
            {"cve_id": "CVE-4", "pkg": "curl", "cve_score": 5.0, "res_ver": "NA", "status": "Fixed"},
        ]
    )

    def curl(version):
        return Package("rpm", "curl", version, source_name="curl", source_version=version, distro="photon-4.0")

    found = matched(index, curl("7.88.1-3.ph4"))
    assert {bug: each.state for bug, each in found.items()} == {"CVE-1": State.FIXED, "CVE-3": State.NOT_FIXED}
    assert found["CVE-1"].severity is Severity.CRITICAL
    assert set(matched(index, curl("7.88.1-4.ph4"))) == {"CVE-3"}
    assert [reason for _, reason, _, _ in index.refusals] == ["fixed, but in no version"]


def els(cpe, status, *products):
    tree = [{"product_id": "RHEL", "product_identification_helper": {"cpe": cpe}}, *products]
    parts = [
        {
            "product_reference": each["product_id"],
            "relates_to_product_reference": "RHEL",
            "full_product_name": {"product_id": f"RHEL:{each['product_id']}"},
        }
        for each in products
    ]
    told = {"cve": "CVE-1", "product_status": {status: [each["full_product_name"]["product_id"] for each in parts]}}
    return {
        "document": {"tracking": {"id": f"RHSA-{status}"}, "publisher": {"name": "Red Hat"}},
        "product_tree": {"branches": [{"product": each} for each in tree], "relationships": parts},
        "vulnerabilities": [told],
    }


def test_what_extended_support_has_fixed_is_fixed_and_the_rest_is_judged_as_everybodys(index_of):
    index = index_of(
        els("cpe:/o:redhat:enterprise_linux:7", "known_affected", {"product_id": "bind", "name": "bind"}),
        els(
            "cpe:/o:redhat:rhel_els:7",
            "fixed",
            {"product_id": "bind-32:9.11.4-26.P2.el7_9.17.src", "name": "bind-32:9.11.4-26.P2.el7_9.17.src"},
        ),
    )

    def bind(version):
        return Package("rpm", "bind", version, source_name="bind", source_version=version, distro="rhel-7.9")

    assert not matched(index, bind("32:9.11.4-26.P2.el7_9.17"))
    assert matched(index, bind("32:9.11.4-26.P2.el7_9.13"))["CVE-1"].state is State.AFFECTED


@pytest.mark.parametrize(
    ("release", "state", "note", "severity"),
    [
        ({"status": "open", "urgency": "unimportant"}, State.NOT_FIXED, "", Severity.INFO),
        ({"status": "open", "nodsa": "Minor issue", "nodsa_reason": ""}, State.NOT_FIXED, "Minor issue", None),
        ({"status": "open", "nodsa": "Later", "nodsa_reason": "postponed"}, State.NOT_FIXED, "Later", None),
        ({"status": "open", "nodsa": "Too old", "nodsa_reason": "ignored"}, State.WONT_FIX, "Too old", None),
        ({"status": "open", "urgency": "end-of-life"}, State.END_OF_LIFE, "", None),
        ({"status": "undetermined"}, State.UNDER_INVESTIGATION, "", None),
        ({"status": "resolved", "fixed_version": "0"}, None, "", None),
        ({"status": "resolved", "fixed_version": "2.0-1", "urgency": "low"}, State.FIXED, "", Severity.LOW),
    ],
)
def test_debians_words_on_a_release_are_told_as_it_means_them(index_of, release, state, note, severity):
    package = Package("deb", "a", "1.0-1", source_name="a", source_version="1.0-1", distro="debian-12")
    found = matched(index_of({"a": {"CVE-2024-1": {"releases": {"bookworm": release}}}}), package).get("CVE-2024-1")
    assert (found.state if found else None) is state
    if found:
        assert found.reasons[0].note == note
        assert found.severity is severity


def test_what_alpine_says_was_never_in_a_package_is_not(index_of):
    fixes = {"0": ["CVE-2024-1"], "1.1-r0": ["CVE-2024-2 GHSA-1"]}
    document = {
        "urlprefix": "https://dl-cdn.alpinelinux.org/alpine",
        "reponame": "main",
        "distroversion": "v3.18",
        "packages": [{"pkg": {"name": "a", "secfixes": fixes}}],
    }
    package = Package("apk", "a", "1.0-r0", source_name="a", source_version="1.0-r0", distro="alpine-3.18.4")
    index = index_of(document)
    assert set(matched(index, package)) == {"CVE-2024-2"}
    (told,) = why_not(package, "CVE-2024-1", "alpine-3.18.4", index)
    assert "not affected in alpine-3.18" in told.reason
