"""Settings: every mistake is named, no secret is repeated, and the page of settings is current."""

import base64
from pathlib import Path

import pytest

import config
from app.permissions import Portal

KEY = base64.b64encode(b"k" * 32).decode()
GOOD = {
    "DATABASE_URL": "postgresql://viramah_web:s3cret@/viramah?host=/tmp/pg",
    "DATABASE_AUTH_URL": "postgresql://viramah_auth:s3cret@db.example.com/viramah",
    "DATABASE_SERVICE_URL": "postgresql+psycopg2://viramah_service:s3cret@db.example.com/viramah",
    "REDIS_URL": "unix:///tmp/redis.sock?db=0",
    "SECRET_KEY": "s3cret" * 6,
    "AUDIT_SEAL_KEY": KEY,
    "FIELD_KEYS": f"k2:{KEY},k1:{KEY}",
    "ANCHOR_DIR": "/srv/anchors",
    "FILES_DIR": "/srv/files",
    "MAILBOX_DIR": "/srv/mail",
    "PUBLIC_URL": "https://console.example.com/",
}


def problems(**changes: str) -> list[str]:
    with pytest.raises(config.ConfigError) as refused:
        config.load(GOOD | changes)
    return refused.value.problems


def test_good_settings_are_read_with_their_types():
    settings = config.load(
        GOOD | {"PORTAL_HOSTS": "resident=Stay.example.com", "DEMO": "yes", "WEB_WORKERS": "3"}
    )
    assert settings.field_keys == {"k2": b"k" * 32, "k1": b"k" * 32}
    assert settings.current_field_key == "k2"
    assert settings.portal_hosts == {"stay.example.com": "resident"}
    assert settings.public_url == "https://console.example.com"
    assert (settings.demo, settings.web_workers, settings.max_upload_bytes) == (True, 3, 50 * 1024 * 1024)
    assert settings.database_admin_url is None


def test_database_addresses_are_spelt_for_the_driver_we_install():
    settings = config.load(GOOD)
    assert settings.database_url == "postgresql+psycopg2://viramah_web:s3cret@/viramah?host=/tmp/pg"
    assert settings.database_service_url == GOOD["DATABASE_SERVICE_URL"]


def test_a_redis_socket_is_spelt_the_way_the_rate_limiter_wants_it():
    assert config.load(GOOD).rate_limit_url == "redis+unix:///tmp/redis.sock?db=0"
    assert (
        config.load(GOOD | {"REDIS_URL": "redis://r.example.com"}).rate_limit_url == "redis://r.example.com"
    )


def test_everything_missing_is_named_at_once():
    with pytest.raises(config.ConfigError) as refused:
        config.load({})
    named = {problem.split()[0] for problem in refused.value.problems}
    assert named == GOOD.keys()


def test_an_empty_value_counts_as_missing():
    assert problems(SECRET_KEY="  ")[0].startswith("SECRET_KEY is not set")


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("DATABASE_URL", "mysql://viramah_web:s3cret@/viramah"),
        ("DATABASE_URL", "postgresql://db.example.com/viramah"),
        ("DATABASE_URL", "postgresql://viramah_web:s3cret@db.example.com"),
        ("REDIS_URL", "http://redis"),
        ("SECRET_KEY", "s3cret"),
        ("AUDIT_SEAL_KEY", "s3cret!"),
        ("AUDIT_SEAL_KEY", base64.b64encode(b"short").decode()),
        ("FIELD_KEYS", KEY),
        ("FIELD_KEYS", f"k1:{KEY},k1:{KEY}"),
        ("FIELD_KEYS", "k1:s3cret"),
        ("S3_ENDPOINT", "s3.example.com"),
        ("SMTP_URL", "mail.example.com"),
        ("MAIL_FROM", "nobody"),
        ("PUBLIC_URL", "https://console.example.com/path"),
        ("PORTAL_HOSTS", "kitchen=k.example.com"),
        ("PORTAL_HOSTS", "resident=a.example.com,admin=a.example.com"),
        ("TRUSTED_PROXIES", "-1"),
        ("LOG_LEVEL", "loud"),
        ("DEMO", "perhaps"),
        ("WEB_WORKERS", "0"),
        ("JOB_WORKERS", "two"),
        ("MAX_UPLOAD_BYTES", "10MB"),
    ],
)
def test_a_wrong_value_is_named_and_a_secret_in_it_is_not_repeated(variable: str, text: str):
    found = [problem for problem in problems(**{variable: text}) if problem.startswith(variable)]
    assert len(found) == 1
    assert "s3cret" not in found[0]


def test_half_an_s3_store_is_refused():
    assert problems(S3_BUCKET="files") == [
        "S3_ENDPOINT and S3_ACCESS_KEY and S3_SECRET_KEY must be set too, as another S3_ variable is."
    ]


def test_mail_needs_a_server_or_a_folder():
    assert [problem.split()[0] for problem in problems(MAILBOX_DIR="")] == ["MAILBOX_DIR"]
    assert config.load(GOOD | {"MAILBOX_DIR": "", "SMTP_URL": "smtps://mail.example.com"}).mailbox_dir is None


def test_secrets_never_show_in_repr():
    shown = repr(config.load(GOOD))
    assert "s3cret" not in shown
    assert "kkkk" not in shown
    assert "console.example.com" in shown


def test_the_portals_of_settings_are_the_portals_of_the_product():
    assert {f"portal_{name}" for name in config.PORTALS} == set(Portal)


def test_the_page_of_settings_is_current():
    page = Path(config.__file__).parent / "docs" / "configuration.md"
    assert page.read_text(encoding="utf-8") == config.documentation(), "run `make docs`"
