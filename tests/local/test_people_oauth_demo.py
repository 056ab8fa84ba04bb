"""The demo's stand-ins for Google and GitHub: there when nothing else is set, and never where people come from elsewhere (T14)."""

import config
from app.local.console import twins_port
from app.local.environment import describe
from app.local.places import open_data_folder

REAL = {"DEMO": "1", "PUBLIC_URL": "https://console.example.com"}


def test_only_a_demo_for_this_machine_has_them(tmp_path):
    folder = open_data_folder(tmp_path / "var")
    assert twins_port(config.load(describe(folder, 8080, {}).settings)) == 8082
    for given in (REAL, {"OAUTH_GITHUB_CLIENT_ID": "x", "OAUTH_GITHUB_CLIENT_SECRET": "y"}):
        assert twins_port(config.load(describe(folder, 8080, given).settings)) is None
    assert not [name for name in describe(folder, 8080, {"DEMO": "0"}).settings if name.startswith("OAUTH_")]
