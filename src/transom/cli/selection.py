"""From the command line and transom.yaml to what a scan looks for, and where."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from transom.cli.arguments import kubernetes_version
from transom.cli.clusters import cluster_options, names_cluster, told_version
from transom.cli.scanners import (
    VULNERABLE,
    ignores,
    of_rules,
    of_scanners,
    searcher_of_files,
    searcher_of_images,
    vulnerability_options,
    wanted,
)
from transom.cli.settings import Settings, StatedException, read_settings
from transom.cli.signers import RULES as OF_SIGNATURES
from transom.cli.signers import signature_options
from transom.model.errors import UsageError

if TYPE_CHECKING:
    from transom.images.opening import ImageOptions
    from transom.inventory.cluster import ClusterOptions
    from transom.inventory.selection import Selection
    from transom.rules.check import Check
    from transom.rules.load import Pack
    from transom.rules.policy import Policy
    from transom.rules.waivers import Waiver
    from transom.scan import ScanOptions


STATUSES = ("", "not_affected", "fixed", "affected", "under_investigation")
"""What VEX says of a vulnerability."""


def scan_options(arguments: argparse.Namespace, every_profile: bool = False) -> ScanOptions:
    """Return what a scan is asked to do; every_profile: all rules are asked for, where no profile is named."""
    from transom.rules.select import select
    from transom.scan import WINDOWS, ScanOptions

    settings = read_settings(arguments.config)
    if arguments.pod_security and getattr(arguments, "framework", None):
        step = "leave out --pod-security; --framework pss tells the controls of its levels"
        raise UsageError("Pod Security's own verdict knows no controls of a framework", "", step)
    if arguments.pod_security:
        from transom.workloads.pod_security import PodSecurity

        return ScanOptions(
            pod_security=PodSecurity.parse(arguments.pod_security),
            exclude=[*settings.exclude, *arguments.exclude],
            value_files=arguments.values,
            selection=_selection(arguments),
            cluster=_cluster(arguments, (), ()),
            images=_images(arguments, "", ()),
        )
    whole = whole_pack(arguments, settings)
    framework = getattr(arguments, "framework", None)
    named = arguments.profile if every_profile or framework else profiles(arguments, settings)
    pack = select(whole, of_rules(arguments.rule), of_rules(arguments.skip_rule), named)
    pack = of_scanners(pack, wanted(arguments))
    if framework:
        from transom.rules.frameworks import framework_named

        pack = select(pack, sorted(framework_named(framework).rules & pack.faces.keys()))
    windows = _windows(arguments.only, list(WINDOWS))
    secret_rules = arguments.secret_rules or settings.secret_rules
    images, searcher = _images(arguments, secret_rules, windows), searcher_of_files(arguments, secret_rules)
    looking = searcher or (images.searcher if images is not None else None)
    leak_rules = [rule.id for rule in looking.finder.rules.rules] if looking is not None else []
    elsewhere = (VULNERABLE, *OF_SIGNATURES, *leak_rules)
    ignored, unusable = ignores(arguments)
    return ScanOptions(
        policies=pack.policies,
        checks=pack.checks,
        problems=[*pack.problems, *unusable],
        windows=windows,
        exclude=[*settings.exclude, *arguments.exclude],
        value_files=arguments.values,
        selection=_selection(arguments),
        exceptions=not arguments.no_exceptions,
        waivers=[*waivers(settings, [*whole.faces, *elsewhere]), *ignored],
        known_rules=[*whole.faces, *elsewhere, *(problem.rule for problem in whole.problems)],
        cluster=_cluster(
            arguments,
            [policy for policy in pack.policies if policy.window in windows],
            [check for check in pack.checks if check.window in windows],
        ),
        images=images,
        searcher=searcher,
        history=getattr(arguments, "git", False),
        vulnerabilities=vulnerability_options(arguments, windows),
    )


def waivers(settings: Settings, known: Collection[str]) -> list[Waiver]:
    """Return the exceptions that the settings keep; raises UsageError, with the line, for one that cannot be meant."""
    if not settings.exceptions:
        return []
    from msgspec.structs import asdict

    from transom.model.places import Locator
    from transom.rules.waivers import MAX_WAIVERS, Waiver

    known = {*known}
    if any(stated.rule not in known for stated in settings.exceptions):
        known |= _of_credentials(settings.secret_rules)
    made = []
    for index, stated in enumerate(settings.exceptions):
        file, line = settings.places.get(index, ("", 0))
        _check_exception(stated, known, f"{file}:{line}")
        made.append(Waiver(**asdict(stated), locator=Locator(file, line, 1)))
    if len(made) > MAX_WAIVERS:
        raise UsageError("there are too many exceptions", f"more than {MAX_WAIVERS:,}", "merge them by patterns")
    return made


def _of_credentials(rules: str) -> set[str]:
    """Return the rules for credentials, which every exception may name: our own, and those of a file."""
    from transom.rules.leaks import finder

    return {rule.id for file in {"", rules} for rule in finder(file).rules.rules}


def _check_exception(stated: StatedException, known: Collection[str], place: str) -> None:
    from datetime import date, datetime

    from transom.kube.selectors import SelectorError, parse_selector
    from transom.rules.select import unknown_rule

    what = f"the exception at {place} cannot be used"
    if stated.rule not in known:
        error = unknown_rule(stated.rule, known)
        raise UsageError(what, error.what, error.next_step)
    if not stated.reason.strip():
        raise UsageError(what, "no reason is given", "say why the finding is acceptable")
    if stated.expires is not None and (not isinstance(stated.expires, date) or isinstance(stated.expires, datetime)):
        raise UsageError(what, f"expires is {stated.expires!r}, which is no date", "write it like 2027-06-30")
    if stated.status not in STATUSES:
        raise UsageError(what, f"status is {stated.status!r}", f"choose from {', '.join(filter(None, STATUSES))}")
    try:
        parse_selector(stated.labels)
    except (SelectorError, UsageError) as error:
        raise UsageError(what, f"labels are no selector: {error}", "write it as kubectl does: app=web") from error


def _cluster(
    arguments: argparse.Namespace, policies: Sequence[Policy], checks: Sequence[Check]
) -> ClusterOptions | None:
    """Return what to read of a cluster for these rules; None where no target is one."""
    if not names_cluster(arguments.targets):
        return None
    from msgspec.structs import replace

    from transom.rules.reads import reader

    return replace(cluster_options(arguments, arguments.namespace), reads=reader(policies, checks))


def _images(arguments: argparse.Namespace, rules: str, windows: Collection[str]) -> ImageOptions | None:
    """Return how images are fetched; None where no target is one. rules: for credentials; windows: that are looked through."""
    from transom.model.images import OF_IMAGES

    asked = getattr(arguments, "images", False) or any(target.startswith(OF_IMAGES) for target in arguments.targets)
    if not asked and getattr(arguments, "verify_policy", None):
        raise UsageError("--verify-policy speaks of images", "no target is one", "name image:REF, or add --images")
    if not asked or not hasattr(arguments, "platform"):
        return None
    from msgspec.structs import replace

    from transom.cli.images import image_options

    return replace(
        image_options(arguments),
        searcher=searcher_of_images(arguments, rules, windows),
        exceptions=not arguments.no_exceptions,
        signatures=signature_options(arguments),
    )


def chosen_pack(arguments: argparse.Namespace, settings: Settings) -> Pack:
    """Return the rules that the command line and the settings choose, adapted as they say; of every profile by default."""
    from transom.rules.select import select

    return select(whole_pack(arguments, settings), arguments.rule, arguments.skip_rule, arguments.profile)


def profiles(arguments: argparse.Namespace, settings: Settings) -> Sequence[str]:
    """Return the profiles in force: those of the command line, else of the settings, else the default."""
    from transom.rules.profiles import DEFAULT

    return arguments.profile or settings.profiles or [DEFAULT]


def whole_pack(arguments: argparse.Namespace, settings: Settings) -> Pack:
    """Return every rule that there is to choose from, adapted as the settings say."""
    from transom.rules.load import builtin_pack, load_pack

    version = judged_version(arguments)
    pack = builtin_pack(version)
    if arguments.rules:
        pack = pack.joined(load_pack(arguments.rules, version))
    pack = pack.adapted(settings.severities(), settings.parameters)
    named = arguments.secret_rules or settings.secret_rules
    return _with_secret_rules(pack, named) if named else pack


def _with_secret_rules(pack: Pack, file: str) -> Pack:
    """Return the pack with checks that find credentials by the rules of a file; those that do not load are problems."""
    from msgspec.structs import replace

    from transom.model.findings import Skipped
    from transom.model.places import Locator
    from transom.model.refs import file_ref
    from transom.rules.leaks import PARAMETER, finder

    step = "correct the rule, or remove it"
    problems = [
        Skipped(file_ref(file), f"secret rule {problem.rule} does not load: {problem.reason}", step, "", Locator(file))
        for problem in finder(file).rules.problems
    ]
    checks = [
        replace(check, parameters={**check.parameters, PARAMETER: file}) if PARAMETER in check.parameters else check
        for check in pack.checks
    ]
    return replace(pack, checks=tuple(checks), problems=(*pack.problems, *problems))


def judged_version(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return the version to judge as: the one asked for, else that of a cluster among the targets, else the newest."""
    if arguments.kubernetes_version:
        return kubernetes_version(arguments.kubernetes_version)
    from transom.lang.cel.version import CURRENT

    told = told_version(arguments, getattr(arguments, "targets", ()))
    return kubernetes_version(told) if told else CURRENT


def _windows(names: Sequence[str], known: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in known:
            raise UsageError(f"there is no window {name!r}", "", f"choose from {', '.join(known)}")
    return [window for window in known if window in names] if names else known


def _selection(arguments: argparse.Namespace) -> Selection:
    from transom.inventory.selection import Selection

    return Selection(namespace=arguments.namespace, labels=_labels(arguments.selector))


def _labels(text: str | None) -> Callable[[dict[str, str]], bool] | None:
    if not text:
        return None
    from transom.kube.selectors import parse_selector

    return parse_selector(text)
