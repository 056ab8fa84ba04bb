"""Opening private files: links signed for one person, one file and some minutes."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar
from uuid import UUID

from flask import Response, current_app, g, request, url_for
from flask_appbuilder import AppBuilder
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import wrap_file

from app.models.files import File
from app.permissions import Action, Portal, Resource
from app.rules.files import PHOTOS, VIDEOS, MediaType, Purpose, content_disposition
from app.rules.maintenance import RESIDENT_LINK_MINUTES, STAFF_LINK_MINUTES
from app.services import documents, files
from app.signing import FileLink, LinkOfAnother, read_file_link, sign_file_link
from app.views.base import ConsoleView, expose, has_access, problem_page, service_call
from app.views.people.doors import ring
from app.wiring import objects, settings

_SHOWN = PHOTOS | VIDEOS  # everything else is saved, never opened within the console
_KEPT_SECONDS = 300  # by the browser of the person, who may look twice
# Whatever the bytes are, they run nothing and reach nothing; the picture and film players of browsers need the rest,
# and so does the page that says why a link does not open.
_LOCKED_UP = "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'self'; frame-ancestors 'none'; sandbox"


class FilesView(ConsoleView):
    """One file behind a link; the link's organization, person and time are checked before the database is asked."""

    route_base = "/files"
    resource = Resource.FILES
    portals = frozenset({Portal.ADMIN, Portal.MANAGEMENT, Portal.CANTEEN, Portal.RESIDENT})
    method_actions: ClassVar[dict[str, Action]] = {"get": Action.READ, "small": Action.READ}

    @expose("/<token>")
    @has_access
    def get(self, token: str) -> Response:
        """The file: photos and videos to look at, other kinds to save; in parts, if the player asks for parts.

        Whoever opens an identity document leaves an audit row.
        """
        file_id = _read(token).file_id
        if files.find(self.session(), file_id).purpose != Purpose.IDENTITY:
            file, stream = files.open_file(self.session(), objects(), file_id)
            return _answer(file, stream, file.media_type, file.size)
        content = b""
        with service_call() as call:
            file, content = documents.read(call.session, ring(), objects(), file_id)
        if call.error is not None:
            return problem_page(call.error)
        return _answer(files.find(self.session(), file_id), io.BytesIO(content), file.media_type, file.size)

    @expose("/<token>/small")
    @has_access
    def small(self, token: str) -> Response:
        """A photo at 480 pixels."""
        file, stream = files.open_thumbnail(self.session(), objects(), _read(token).file_id)
        return _answer(file, stream, MediaType.JPEG, None)



def _read(token: str) -> FileLink:
    link = read_file_link(settings().secret_key, token, g.identity.user_id, datetime.now(UTC))
    if link.org_id != g.identity.org_id:
        raise LinkOfAnother("This link belongs to another organization; switch to it and open the file from there.")
    return link


def _answer(file: File, stream: BinaryIO, media_type: str, size: int | None) -> Response:
    shown = media_type in _SHOWN and "save" not in request.args
    response = current_app.response_class(wrap_file(request.environ, stream), mimetype=media_type, direct_passthrough=True)
    response.call_on_close(stream.close)
    response.headers["Content-Disposition"] = content_disposition(file.name, inline=shown)
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.private = True
    if file.purpose == Purpose.IDENTITY:
        response.cache_control.no_store = True
    else:
        response.cache_control.max_age = _KEPT_SECONDS
    if size is None:
        return response
    response.content_length = size
    response.set_etag(file.sha256)
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        stream.close()
        raise
    return response


def file_link(file: File, *, small: bool = False, save: bool = False) -> str:
    """The address at which the signed-in person may open `file` for the next 15 (residents) or 30 minutes."""
    identity = g.identity
    minutes = RESIDENT_LINK_MINUTES if identity.portal is Portal.RESIDENT else STAFF_LINK_MINUTES
    token = files.link_for(settings().secret_key, file, identity.user_id, minutes, datetime.now(UTC))
    return url_for("FilesView.small" if small else "FilesView.get", token=token, **({"save": 1} if save else {}))


def photo_link(file_id: UUID) -> str:
    """The small picture of a photo that many look at, good for at least ten minutes; for five it is the same, so browsers keep it."""
    window = datetime.fromtimestamp(datetime.now(UTC).timestamp() // _KEPT_SECONDS * _KEPT_SECONDS, UTC)
    token = sign_file_link(settings().secret_key, file_id, g.identity.org_id, g.identity.user_id, RESIDENT_LINK_MINUTES * 60, window)
    return url_for("FilesView.small", token=token)


def register(builder: AppBuilder) -> None:
    """Add the screen, and `file_link(file)` and `photo_link(id)` for templates."""
    builder.add_view_no_menu(FilesView)
    for door in ("get", "small"):  # Talisman asks the function that Flask calls, which is not the method itself
        current_app.view_functions[f"FilesView.{door}"].talisman_view_options = {  # type: ignore[attr-defined]
            "content_security_policy": _LOCKED_UP, "content_security_policy_nonce_in": []}
    current_app.jinja_env.globals.update(file_link=file_link, photo_link=photo_link)
