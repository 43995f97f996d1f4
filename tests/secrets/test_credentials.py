"""Our own rules find what they are for, and what is found never shows the value."""

from __future__ import annotations

import random
import string
from pathlib import Path

import msgspec
import pytest

from transom.cli.excerpts import excerpts
from transom.inventory import Inventory
from transom.inventory.sources import fill
from transom.lang.leaks import read_rules
from transom.lang.leaks.stream import leaks_of
from transom.model.errors import UsageError
from transom.model.findings import Finding
from transom.rules.leaks import OWN_RULES, finder, searcher
from transom.rules.load import builtin_pack
from transom.scan import assess

RANDOM = random.Random(7)  # the samples are made here, so that none stands in a file
WORD, LOWER, HEX = string.ascii_letters + string.digits, string.ascii_lowercase + string.digits, "0123456789abcdef"


def some(count: int, alphabet: str = WORD) -> str:
    return "".join(RANDOM.choice(alphabet) for _ in range(count))


UPPER32 = string.ascii_uppercase + "234567"
SAMPLES = {
    "private-key": f"-----BEGIN RSA PRIVATE KEY-----\n{some(64)}\n-----END",
    "aws-access-key-id": "AKIA" + some(16, UPPER32),
    "aws-secret-access-key": f"aws_secret_access_key = {some(40)}",
    "google-api-key": "AIza" + some(35),
    "google-oauth-secret": "GOCSPX-" + some(28),
    "azure-storage-key": f"DefaultEndpointsProtocol=https;AccountKey={some(86)}==;",
    "azure-client-secret": f"{some(3)}8Q~{some(32)}",
    "github-token": "ghp_" + some(36),
    "gitlab-token": "glpat-" + some(20),
    "slack-token": f"xoxb-{some(12, string.digits)}-{some(24)}",
    "slack-webhook": f"https://hooks.slack.com/services/T{some(8)}/B{some(8)}/{some(24)}",
    "discord-webhook": f"https://discord.com/api/webhooks/{some(18, string.digits)}/{some(68)}",
    "telegram-bot-token": f"{some(9, '123456789')}:AA{some(33)}",
    "stripe-key": "sk_" + "live_" + some(24),
    "sendgrid-key": f"SG.{some(22)}.{some(43)}",
    "mailgun-key": "key-" + some(32, HEX),
    "twilio-key": "SK" + some(32, HEX),
    "npm-token": "npm_" + some(36),
    "pypi-token": "pypi-AgE" + some(80),
    "docker-hub-token": "dckr_pat_" + some(27),
    "docker-config-auth": f'{{"auths": {{"r": {{"auth": "{some(24)}"}}}}}}',
    "vault-token": "hvs." + some(90),
    "terraform-cloud-token": f"{some(14)}.atlasv1.{some(65)}",
    "digitalocean-token": "dop_v1_" + some(64, HEX),
    "databricks-token": "dapi" + some(32, HEX),
    "openai-key": f"sk-proj-{some(40)}T3BlbkFJ{some(40)}",
    "anthropic-key": f"sk-ant-api03-{some(95)}",
    "hugging-face-token": "hf_" + some(34, string.ascii_letters),
    "grafana-token": f"glsa_{some(32)}_{some(8, HEX)}",
    "new-relic-key": "NRAK-" + some(27, UPPER32),
    "sentry-token": "sntrys_" + some(100),
    "shopify-token": "shpat_" + some(32, HEX),
    "square-token": "sq0atp-" + some(22),
    "atlassian-token": "ATATT3" + some(186),
    "linear-key": "lin_api_" + some(40),
    "postman-key": f"PMAK-{some(24, HEX)}-{some(34, HEX)}",
    "age-secret-key": "AGE-SECRET-KEY-1" + some(58, "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
    "kubernetes-bootstrap-token": f"kubeadm join --token {some(6, LOWER)}.{some(16, LOWER)}",
    "kubernetes-secret": f"kind: Secret\nmetadata:\n  name: a\ndata:\n  # told\n  key: {some(12)}\n",
    "json-web-token": f"eyJ{some(30)}.eyJ{some(60)}.{some(43)}",
    "password-in-address": f"amqp://app:{some(12)}@queue.shop:5672/",
    "password-in-connection": f"Server=db;User Id=app;Password={some(12)};",
    "password-in-option": f"serve --db-password={some(12)}",
    "password-of-mysql": f"mysqldump -u root -p{some(10)} shop",
    "login-of-curl": f"curl -s -u admin:{some(10)} https://example.com/",
    "authorization-header": f"Authorization: Bearer {some(40)}",
    "crypt-hash": f"root:$6${some(8)}${some(86)}:",
}
HARMLESS = (
    "postgres://app@db:5432/shop",
    "postgres://app:$(PASSWORD)@db/shop",
    "https://example.com:8443/path@v1",
    "password=${PASSWORD}",
    "serve --password-file=/run/secrets/db --token-ttl 1h",
    "serve --secret-name shop-secret",
    "sha256:" + some(64, HEX),
    "mysql -u root -p$MYSQL_PASSWORD",
    "ghp_example",
    "registry.example/team/app@sha256:" + some(64, HEX),
)


@pytest.mark.parametrize("rule", [rule.id for rule in finder().rules.rules])
def test_every_own_rule_finds_a_sample(rule: str) -> None:
    assert rule in {leak.rule.id for leak in finder().find(SAMPLES[rule].encode(), "a.yaml")}


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_credential_is_none(text: str) -> None:
    assert [leak.rule.id for leak in finder().find(text.encode())] == []


def test_every_own_rule_loads_and_has_keywords() -> None:
    assert read_rules(OWN_RULES).problems == ()
    assert all(rule.keywords and rule.description for rule in finder().rules.rules)
    assert set(SAMPLES) == {rule.id for rule in finder().rules.rules}


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"apiVersion: v1\ndata:\n  key: {some(12)}\nkind: Secret\n", [3]),
        (f"kind: Secret\nstringData:\n  a: {some(12)}\n---\nkind: Secret\ndata:\n  b: {some(12)}\n", [3, 7]),
        (f"kind: Secret\nmetadata: {{}}\n---\nkind: ConfigMap\ndata:\n  key: {some(12)}\n", []),
        (f"kind: SecretStore\ndata:\n  key: {some(12)}\n", []),
        ("kind: Secret\ndata:\n  key: {{ .Values.key }}\n", []),
    ],
)
def test_secrets_in_manifests_are_found_document_by_document(text: str, lines: list[int]) -> None:
    found = leaks_of(searcher(), "a.yaml", [text.encode()])
    assert [each.line for each in found if each.rule.id == "kubernetes-secret"] == lines


def test_another_file_of_rules_is_used_instead(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[[rules]]\nid = "house"\nregex = "HOUSE-[0-9]+"\nkeywords = ["house-"]\n')
    assert [leak.rule.id for leak in finder(str(file)).find(b"HOUSE-7")] == ["house"]


def test_the_default_rules_of_another_file_are_our_own(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text("[extend]\nuseDefault = true\n")
    assert finder(str(file)).rules == finder(OWN_RULES).rules


def test_a_file_of_rules_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(UsageError):
        finder("/nowhere.toml")


@pytest.mark.parametrize("sample", ["aws-access-key-id", "password-in-option", "json-web-token", "github-token"])
def test_neither_findings_nor_excerpts_show_the_value(tmp_path: Path, sample: str) -> None:
    secret = SAMPLES[sample]
    (tmp_path / "a.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: true\n  containers:\n  - name: a\n    image: a\n"
        f"    args:\n    - {secret!r}\n    env:\n    - name: A\n      value: {secret!r}\n---\n"
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n  a.conf: |\n    a: {secret}\n"
    )
    inventory = Inventory()
    assert list(fill(inventory, str(tmp_path))) == []
    around = excerpts(inventory)
    findings = [each for each in assess(inventory, builtin_pack().rules) if isinstance(each, Finding)]
    assert sum(each.rule.startswith("known-credential") for each in findings) == 3
    hidden = secret.rpartition("=")[2].encode()
    for finding in findings:
        assert hidden not in msgspec.json.encode([finding, around(finding)])
