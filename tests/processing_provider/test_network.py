"""QGIS's proxy and authentication reach the engine, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsNetworkAccessManager,
    QgsProcessingException,
    QgsSettings,
)

from gossan.engine import client
from gossan.processing_provider.imagery import network

PROXY = {
    "proxyEnabled": True,
    "proxyType": "HttpProxy",
    "proxyHost": "proxy.example",
    "proxyPort": "3128",
    "proxyUser": "me",
    "proxyPassword": "pa:ss@",
    "noProxyUrls": ["https://direct.example"],
}


@pytest.fixture
def proxy(qgis_application):
    """QGIS's settings name a proxy, until the test is over."""
    settings = QgsSettings()
    before = {name: settings.value(f"proxy/{name}") for name in PROXY}
    for name, value in PROXY.items():
        settings.setValue(f"proxy/{name}", value)
    yield settings
    for name, value in before.items():
        if value is None:
            settings.remove(f"proxy/{name}")
        else:
            settings.setValue(f"proxy/{name}", value)
    QgsNetworkAccessManager.instance().setupDefaultProxyAndCache()


@pytest.fixture
def login(qgis_application, tmp_path):
    """Id of an authentication configuration with a password."""
    manager = QgsApplication.authManager()
    if not manager.masterPasswordIsSet():
        manager.setMasterPassword("master", True)
    configuration = QgsAuthMethodConfig("Basic", 1)
    configuration.setName("catalogue")
    configuration.setConfig("username", "me")
    configuration.setConfig("password", "s3cret")
    stored = manager.storeAuthenticationConfig(configuration)
    if not (stored if isinstance(stored, bool) else stored[0]):
        pytest.skip("this QGIS cannot keep authentication configurations")
    yield configuration.id()
    manager.removeAuthenticationConfig(configuration.id())


def test_without_a_proxy_there_is_none(qgis_application):
    assert network.proxy_for("https://catalogue.example/v1") == ""


def test_the_proxy_of_the_settings_is_handed_on_with_its_password(proxy):
    assert network.proxy_for("https://catalogue.example/v1") == (
        "http://me:pa:ss%40@proxy.example:3128"
    )


def test_a_server_that_the_settings_except_is_reached_directly(proxy):
    assert network.proxy_for("https://direct.example/v1") == ""


def test_a_socks_proxy_keeps_its_kind(proxy):
    proxy.setValue("proxy/proxyType", "Socks5Proxy")
    assert network.proxy_for("https://catalogue.example").startswith("socks5://")


def test_a_configuration_becomes_a_header(login):
    headers = network.headers_for("https://catalogue.example", login)
    assert headers == {"Authorization": "Basic bWU6czNjcmV0"}
    assert network.headers_for("https://catalogue.example", "") == {}


def test_an_unknown_configuration_is_refused(qgis_application):
    with pytest.raises(QgsProcessingException, match="no authentication configuration zzz"):
        network.headers_for("https://catalogue.example", "zzz")


def test_a_login_reaches_the_engine_and_no_log_or_result(
    bench, cases, login, tmp_path, feedback, monkeypatch
):
    jobs = []
    run_job = client.run_job

    def watch(name, parameters, *rest):
        jobs.append(parameters)
        return run_job(name, parameters, *rest)

    monkeypatch.setattr(client, "run_job", watch)
    bench.run(cases["searchimagery"], tmp_path, feedback, AUTHENTICATION=login)
    (job,) = jobs
    secret = job["headers"]["Authorization"]
    assert secret == "Basic bWU6czNjcmV0"
    assert secret not in json.dumps(job["origin"])
    told = "".join(feedback.said + feedback.warned)
    written = b"".join(path.read_bytes() for path in Path(tmp_path).iterdir())
    for text in (secret, "s3cret", "bWU6czNjcmV0"):
        assert text not in told
        assert text.encode() not in written
