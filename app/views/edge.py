"""Where a screen's write begins and ends: run the service, commit, and turn what was refused into an answer.

The commit happens here, before the response is built: a deferred constraint that fails later would be a bare 500.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, urlsplit
from uuid import UUID, uuid4, uuid5

from flask import (
    Response,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
)
from flask_babel import gettext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app import metrics
from app.languages import sentence
from app.logs import current_request_id
from app.problems import problem, translate_database_error
from app.rules.errors import Conflict, DomainError, NotFound
from app.rules.files import content_disposition

REMEMBERED_SUBMISSIONS = 12


def db_session() -> Session:
    """The request's session, bound to the signed-in person."""
    found: Session = current_app.extensions["appbuilder"].session
    return found


class ServiceCall:
    """What became of a service call: `error` is None once it is committed."""

    def __init__(self, session: Session, done: str) -> None:
        self.session = session
        self.done = done
        self.error: DomainError | None = None

    def respond(self, back: str, failed: Callable[[], str] | None = None) -> Response:
        """Redirect to `back` after success; else draw `failed()` (or a plain page) with the refusal's status."""
        if self.error is None:
            if self.done:
                flash(self.done, "success")
            remember_submission(back)
            return redirect(back, code=303)
        if failed is None:
            return problem_page(self.error, back)
        flash(sentence(self.error.message), "danger")
        return make_response(failed(), self.error.status)


@contextmanager
def service_call(done: str = "") -> Iterator[ServiceCall]:
    """Run services inside, commit at the end. Refusals land in `.error`; anything else is a bug and passes on.

    >>> with service_call(gettext("Claimed.")) as call:
    ...     maintenance.claim(call.session, request_id)
    >>> return call.respond(back=self.show_url(request_id))
    """
    call = ServiceCall(db_session(), done)
    try:
        yield call
        call.session.commit()
    except DomainError as error:
        call.session.rollback()
        call.error = error
    except StaleDataError:
        call.session.rollback()
        call.error = Conflict(gettext("Somebody changed or removed this in the meantime. Nothing was saved."))
    except DBAPIError as error:
        call.session.rollback()
        call.error = meaning_of(error)
    except BaseException:
        call.session.rollback()
        raise
    if call.error is not None:
        metrics.count_domain_error(call.error.code)


def meaning_of(error: DBAPIError) -> DomainError:
    """What the database refused, in words for people; what has none is a bug and is raised again."""
    meaning = translate_database_error(error)
    if meaning is None:
        raise error
    return meaning


def given_id(text: str, missing: str) -> UUID:
    """An id from an address; what is none belongs to nothing: NotFound with the sentence."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(missing) from error


def kept(response: Response, tag: str) -> Response:
    """The browser may keep it, and asks each time whether it still holds."""
    response.set_etag(tag)
    response.cache_control.no_cache = response.cache_control.private = True
    return response


def paper(content: bytes | Iterable[str], name: str) -> Response:
    """A PDF or CSV to take along, by the ending of its name; nobody on the way keeps it. Whole at once: its rows may need the session."""
    response = Response(content if isinstance(content, bytes) else "".join(content), mimetype="application/pdf" if name.endswith(".pdf") else "text/csv")
    response.headers["Content-Disposition"] = content_disposition(name)
    response.cache_control.no_store = True
    return response


def problem_page(error: DomainError, back: str | None = None) -> Response:
    """A page that says, in a sentence, why not."""
    page = render_template("base/problem.html", status=error.status, message=sentence(error.message), back=back)
    return make_response(page, error.status)


def problem_json(error: DomainError) -> Response:
    """The same for programs (RFC 9457)."""
    field = getattr(error, "field", None)
    return problem(error.status, error.code, sentence(error.message), current_request_id(), **({"field": field} if field else {}))


def api_post(work: Callable[[Session], Any]) -> Response:
    """For pages that post in the background (a card dragged on a board): JSON of what `work` returns, or a problem."""
    with service_call() as call:
        result = work(call.session)
    return problem_json(call.error) if call.error else jsonify(result if result is not None else {})


def local_path(target: str | None, otherwise: str) -> str:
    """`target` if it stays on this site, else `otherwise`: a redirect must not be a way out."""
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\") or "\\" in target:
        return otherwise
    parts = taken_apart(target)
    return otherwise if parts is None or parts.scheme or parts.netloc else target


def taken_apart(address: str) -> SplitResult | None:
    """The parts of an address that somebody sent; None if it is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return None


# -- one form, one submission -----------------------------------------------------------------------------------


def submission_id() -> UUID:
    """The id that this form was opened with. A service that makes the new row under it cannot make it twice."""
    try:
        return UUID(request.form.get("_once", ""))
    except ValueError:
        return g.setdefault("_once", uuid4())


def submission_part(name: object) -> UUID:
    """An id for one of several forms on a page: sent from a page kept open, the second must not pass for the first."""
    return uuid5(submission_id(), str(name))


def remember_submission(outcome: str) -> None:
    """Keep where a submitted form ended, so that sending it again leads there instead of doing it again."""
    if request.form.get("_once"):
        done = session.get("submitted", [])
        session["submitted"] = [*done, [str(submission_id()), outcome]][-REMEMBERED_SUBMISSIONS:]


def already_submitted() -> str | None:
    """Where this very form ended when it was sent before."""
    return dict(session.get("submitted", [])).get(request.form.get("_once", ""))


def saved_before() -> Any:
    """The answer to a form that was sent before, None to a new one: what was typed over it since must not pass for saved."""
    if (outcome := already_submitted()) is None:
        return None
    flash(gettext("This was saved already."), "info")
    return redirect(outcome, code=303)


# -- one form, one organization ---------------------------------------------------------------------------------


class OtherOrganization(DomainError):
    """The form was opened in one organization and sent in another."""

    code = "other_organization"
    status = 409


def check_organization() -> None:
    """Refuse a form that was opened in another organization than the one the person now works in."""
    opened_in, identity = request.form.get("_org"), g.get("identity")
    if identity is None or not opened_in or opened_in == str(identity.org_id):
        return
    name = next((org.name for org in identity.organizations if str(org.id) == opened_in), None)
    raise OtherOrganization(
        gettext("This form was opened in %(org)s, and you now work in %(now)s. Nothing was saved.",
                org=name or gettext("another organization"), now=identity.org_name)
    )
