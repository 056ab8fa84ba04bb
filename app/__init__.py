"""The console: create_app() wires the parts, nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    import config

# Nothing comes from another host, and no script or style is written into a page without its nonce.
CONTENT_SECURITY_POLICY = {
    "default-src": "'self'", "img-src": ["'self'", "data:", "blob:"], "object-src": "'none'", "base-uri": "'self'",
    "form-action": "'self'", "frame-ancestors": "'none'", "script-src": "'self'",
    "style-src": "'self'", "media-src": ["'self'", "blob:"],
}


def create_app(process: str | None = None, settings: config.Settings | None = None) -> Flask:
    """The application for one kind of process: `web` connects as the web login, `cli` and `worker` as service."""
    # Imported here: the rules, and the start-up program, use this package without the framework.
    from flask import Flask
    from flask_appbuilder import AppBuilder
    from flask_talisman import Talisman
    from werkzeug.middleware.proxy_fix import ProxyFix
    from whitenoise import WhiteNoise

    import config
    from app import cli, health, security, views, wakeup, wiring
    from app.api.telegram import TelegramUpdates
    from app.api.webhooks import Webhooks
    from app.logs import init_logging
    from app.problems import register_error_handlers
    from app.views import registry

    found = settings or config.load(os.environ)
    process = process or os.environ.get("CONSOLE_PROCESS", "web")
    app = Flask(__name__)
    app.config.update(_flask_settings(found, process))
    init_logging(found.log_level, sentry_dsn=found.sentry_dsn)
    # Static files by WhiteNoise: compressed ones where the browser takes them, kept for ever where the name says so.
    app.wsgi_app = WhiteNoise(  # type: ignore[method-assign]
        app.wsgi_app, root=app.static_folder, prefix="static/", immutable_file_test=r"/built/.+-[0-9A-Z]{8}\.\w+$",
        add_headers_function=lambda headers, *_: headers.add_header("X-Content-Type-Options", "nosniff"))
    health.init_requests(app)
    wiring.init_app(app, found)
    app.wsgi_app = Webhooks(app, found)  # type: ignore[method-assign]
    app.wsgi_app = TelegramUpdates(app, found)  # type: ignore[method-assign]
    if found.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=found.trusted_proxies, x_proto=found.trusted_proxies, x_host=found.trusted_proxies)
    wakeup.init_app(app)
    security.init_app(app)
    register_error_handlers(app)
    live = [found.realtime_url.replace("http", "ws", 1)] if found.realtime_url else []
    Talisman(app, force_https=False, content_security_policy={**CONTENT_SECURITY_POLICY, "connect-src": ["'self'", *live]},
             content_security_policy_nonce_in=["script-src"], frame_options="DENY",
             session_cookie_secure=app.config["SESSION_COOKIE_SECURE"], strict_transport_security=found.public_url.startswith("https"),
             referrer_policy="same-origin")
    with app.app_context():
        builder = AppBuilder(app, wiring.db.session, security_manager_class=security.ConsoleSecurityManager,
                             base_template="appbuilder/baselayout.html", indexview=registry.index_view())
        views.init_app(app)
        registry.register(builder)
        security.register_screens(app, builder.baseviews)
    health.init_app(app)
    cli.init_app(app)
    return app


def _flask_settings(found: config.Settings, process: str) -> dict[str, Any]:
    web = process == "web"
    secure = found.public_url.startswith("https")
    return {
        "SECRET_KEY": found.secret_key,
        "SQLALCHEMY_DATABASE_URI": found.database_url if web else found.database_service_url,
        # A list page is three statements: a handful of connections serve a process that answers one request at a time.
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 2, "max_overflow": 3, "pool_pre_ping": False, "pool_recycle": 1800},
        "FAB_CREATE_DB": False, "FAB_UPDATE_PERMS": False, "FAB_ADD_SECURITY_VIEWS": False, "FAB_API_SWAGGER_UI": False,
        "FAB_ADD_OPENAPI_VIEW": False, "FAB_ADD_SECURITY_API": False, "RATELIMIT_ENABLED": False,
        "APP_NAME": "Viramah Console",
        "MAX_CONTENT_LENGTH": found.max_upload_bytes + 64 * 1024, "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "SESSION_COOKIE_NAME": "viramah", "SESSION_COOKIE_HTTPONLY": True, "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure, "REMEMBER_COOKIE_SECURE": secure, "WTF_CSRF_TIME_LIMIT": None,
        "PERMANENT_SESSION_LIFETIME": 30 * 24 * 3600, "BABEL_DEFAULT_LOCALE": "en", "LANGUAGES": {"en": {"flag": "gb", "name": "English"}},
        "SEND_FILE_MAX_AGE_DEFAULT": 365 * 24 * 3600,
    }
