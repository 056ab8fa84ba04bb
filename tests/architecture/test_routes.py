"""Every route asks who is calling, but a short list that says why not; pages fetch nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "app" / "templates"

# Open to everybody, each with its reason.
PUBLIC = {
    "static": "style sheets and scripts carry nothing of anybody's",
    "appbuilder.static": "the framework's own",
    "healthz": "a probe has no account", "readyz": "a probe has no account",
    "prometheus": "guarded by a token, or by the address",
    "HomeView.index": "leads a stranger to the sign-in page",
    "LocaleView.index": "the framework's own; nothing reads what it remembers",
    "PublicInquiryView.ask": "whoever asks for a bed has no account; limited, proved by work, written by functions alone",
    "inquiries_api.challenge": "as the form", "inquiries_api.device": "as the form", "inquiries_api.submit": "as the form",
    "UnsubscribeView.off": "a mail program posts here for whoever got the mail; the secret in the link is the proof",
    "FeedView.get": "calendar programs have no account, but a secret that nobody can guess",
    "LanguageView.choose": "the language is the reader's choice, signed in or not",
}
# What people do who have no session yet; each of these takes a password, a code, or a secret from a mail.
SIGN_IN = {"SignInView", "SignInLinkView", "NewDeviceView", "ProviderView", "SignUpView", "PasswordView", "InvitationLinkView", "UtilView"}


def _routes(app: Any) -> list[Any]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint not in PUBLIC]


def test_a_stranger_gets_nowhere(app: Any, browser: Any) -> None:
    """Asked without a session, every other route sends to the sign-in page or refuses."""
    open_doors = []
    stranger = browser(None)
    for rule in _routes(app):
        if rule.endpoint.partition(".")[0] in SIGN_IN:
            continue
        values = dict.fromkeys(rule.arguments, "00000000-0000-0000-0000-000000000000")
        with app.test_request_context():
            path = app.url_for(rule.endpoint, **values)
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            response = stranger.http.open(path, method=method)
            away = response.status_code in {302, 303} and "/login" in response.headers["Location"]
            if not away and response.status_code not in {401, 403, 404, 405, 410}:
                open_doors.append(f"{method} {path} ({rule.endpoint}): {response.status_code}")
    assert open_doors == []


def test_the_public_list_holds_nothing_that_is_gone(app: Any) -> None:
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert set(PUBLIC) - endpoints <= {"LocaleView.index", "appbuilder.static"}


def test_state_changes_are_never_a_get(app: Any) -> None:
    changing = re.compile(r"delete|remove|restore|claim|resolve|assign|resend|suspend|end_session|sign_out|logout|undo|approve|reject")
    wrong = [f"{rule} ({rule.endpoint})" for rule in _routes(app)
             if changing.search(rule.endpoint.partition(".")[2]) and "GET" in rule.methods and "POST" not in rule.methods]
    assert wrong == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda p: str(p.relative_to(TEMPLATES)))
def test_a_template_keeps_to_the_content_security_policy(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", source), "an inline event handler"
    assert "javascript:" not in source
    for script in re.findall(r"<script\b[^>]*>", source):
        assert "src=" in script or "nonce" in script or "application/json" in script, script
    assert not re.search(r"(?:src|href|action)\s*=\s*[\"'](?:https?:)?//", source), "something from another host"


def test_static_files_name_no_other_host() -> None:
    wrong = [str(p.relative_to(ROOT)) for p in (ROOT / "app" / "static").rglob("*")
             if p.suffix in {".css", ".js"} and "vendor" not in p.parts
             and re.search(r"url\(\s*[\"']?(?:https?:)?//|fetch\(\s*[\"']https?:|@import", p.read_text(encoding="utf-8"))]
    assert wrong == []
