"""The demo's stand-ins for payment gateways: there when nothing else is set, and never where money is real (W5)."""

import pytest

import config
from app.local.console import payment_twins_port
from app.local.environment import describe
from app.local.places import open_data_folder


def port(folder, given):
    return payment_twins_port(config.load(describe(folder, 8080, given).settings))


def test_only_a_demo_for_this_machine_has_them(tmp_path):
    folder = open_data_folder(tmp_path / "var")
    assert port(folder, {}) == 8083
    settings = config.load(describe(folder, 8080, {}).settings)
    assert (settings.phonepe_api_base, settings.stripe_api_base) == ("http://127.0.0.1:8083/phonepe", "http://127.0.0.1:8083/stripe")
    assert port(folder, {"PUBLIC_URL": "https://console.example.com"}) is None
    assert port(folder, {"STRIPE_API_BASE": "https://api.stripe.com"}) is None
    assert not [name for name in describe(folder, 8080, {"DEMO": "0"}).settings if name.endswith("_API_BASE")]


@pytest.mark.parametrize("address", ["http://gateway.example.com", "ftp://127.0.0.1", "api.stripe.com"])
def test_secrets_travel_encrypted(tmp_path, address):
    folder = open_data_folder(tmp_path / "var")
    with pytest.raises(config.ConfigError, match="STRIPE_API_BASE must"):
        config.load(describe(folder, 8080, {"STRIPE_API_BASE": address}).settings)
