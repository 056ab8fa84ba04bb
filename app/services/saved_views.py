"""Keeps the views of lists that people save, and says which there are."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, joinedload

from app.models.saved_views import SavedView
from app.rules.errors import Invalid, LimitReached, NotFound
from app.rules.lists import VIEW_NAME_MAX, VIEW_QUERY_MAX, VIEWS_PER_SCREEN
from app.text import is_visible

V = SavedView
_SHOWN = 100


def of_screen(session: Session, screen: str) -> Sequence[SavedView]:
    """The caller's own views of a screen and those shared with them, by name."""
    found = select(V).where(V.screen == screen).order_by(V.name, V.id).limit(_SHOWN).options(joinedload(V.owner))
    return session.scalars(found).all()


def save(session: Session, user_id: int, view: SavedView) -> None:
    """Keep a new view under the id of the form it was sent with: sent twice, it is kept once.

    Errors: Invalid (`name`), LimitReached; a name that the person uses already is a conflict of the database.
    """
    own = _locked(session, user_id, view.screen)
    if view.id in own:
        return
    if len(own) >= VIEWS_PER_SCREEN:
        raise LimitReached(f"You have {VIEWS_PER_SCREEN} views of this list; delete one that you do not need.")
    if len(view.query) > VIEW_QUERY_MAX:
        raise Invalid("This view has too many filters to be kept.")
    session.execute(insert(V).values(
        id=view.id, screen=view.screen, resource=view.resource, name=_checked(view.name), query=view.query,
        shared=view.shared).on_conflict_do_nothing(index_elements=["org_id", "id"]))


def change(session: Session, user_id: int, view_id: UUID, *, name: str | None = None, query: str | None = None,
           shared: bool | None = None) -> None:
    """Rename one of the person's own views, let it show something else, share it or stop sharing. Errors: NotFound."""
    values: dict[str, object] = {
        key: value for key, value in {"query": query, "shared": shared}.items() if value is not None}
    if name is not None:
        values["name"] = _checked(name)
    changed = session.execute(update(V).where(V.id == view_id, V.user_id == user_id).values(**values).returning(V.id))
    if changed.one_or_none() is None:
        raise _gone()


def set_default(session: Session, user_id: int, screen: str, view_id: UUID | None) -> None:
    """Let a list open with one of the person's own views; None for all rows again. Errors: NotFound."""
    if view_id not in {None, *_locked(session, user_id, screen)}:
        raise _gone()
    own = update(V).where(V.user_id == user_id, V.screen == screen)
    session.execute(own.where(V.is_default).values(is_default=False))
    if view_id is not None:
        session.execute(own.where(V.id == view_id).values(is_default=True))


def remove(session: Session, user_id: int, view_id: UUID) -> None:
    """Forget one of the person's own views; one that is gone already is no error."""
    session.execute(delete(V).where(V.id == view_id, V.user_id == user_id))


def _locked(session: Session, user_id: int, screen: str) -> set[UUID]:
    """The person's own views of a screen; others who change them at the same time wait."""
    own = select(V.id).where(V.user_id == user_id, V.screen == screen).order_by(V.id).with_for_update()
    return set(session.scalars(own))


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > VIEW_NAME_MAX or not is_visible(name):
        raise Invalid(f"Give the view a name of 1 to {VIEW_NAME_MAX} characters.", field="name")
    return name


def _gone() -> NotFound:
    return NotFound("This view is not there any more, or it is somebody else's.")
