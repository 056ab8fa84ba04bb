"""The ledger and its wallets: postings, statements, freezes, proposals. The database's functions decide and write."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.models.wallet import LedgerAccount, LedgerEntry, LedgerProposal, Wallet, WalletFreeze
from app.permissions import Action, Resource
from app.rules.errors import NotFound
from app.rules.wallet import BATCH_MAX, AccountCode, Posting, ProposalState, ProposedKind
from app.services.notifications import Message, people_who_can, tell

_POST = text("SELECT app.post_batch(:batch)")
_POST_ONE = text("SELECT app.post_one(:key, :kind, :hostel, :amount, :debit, :debit_user, :debit_party, :credit, :credit_user, :credit_party, "
                 ":description, :source, :source_id, :event_at)")
_FREEZE = text("SELECT app.freeze_wallet(:wallet, :reason)")
_UNFREEZE = text("SELECT app.unfreeze_wallet(:wallet, :reason)")
_PROPOSE = text("SELECT app.propose(:hostel, :kind, :person, :amount, :reason, :party, :id)")
_DECIDE = text("SELECT app.decide_proposal(:id, :event, :note)")
_MISMATCHES = text("SELECT * FROM app.wallet_mismatches()")

# Errors of what writes below (as DBAPIError, translated at the edge): VR404 unknown or foreign, VR403 not allowed, VR409 not
# possible as things stand (frozen, not enough money, decided already), VR422 an amount or a reason that cannot be meant.


def post(session: Session, postings: Sequence[Posting]) -> list[UUID]:
    """Book all of them or none, as the product itself; the ids of their transactions. Posted again, they are the same.

    Errors: Invalid before the database is asked.
    """
    for posting in postings:
        posting.check()
    if len(postings) > BATCH_MAX:
        raise ValueError(f"post at most {BATCH_MAX} transactions at once")
    if not postings:
        return []
    if len(postings) == 1 and (sides := postings[0].two_sides()):
        return [_write(session, _POST_ONE, **sides)]
    return list(_write(session, _POST, batch=json.dumps([posting.document() for posting in postings])))


def freeze(session: Session, wallet_id: UUID, reason: str) -> None:
    """Nothing can be taken from it any more; what comes in still does."""
    _write(session, _FREEZE, wallet=wallet_id, reason=reason)


def unfreeze(session: Session, wallet_id: UUID, reason: str) -> None:
    """It can be used again."""
    _write(session, _UNFREEZE, wallet=wallet_id, reason=reason)


def propose(session: Session, hostel_id: UUID, kind: ProposedKind, amount_paise: int, reason: str, *, user_id: int | None = None,  # noqa: PLR0913
            party: str = "", proposal_id: UUID | None = None) -> UUID:
    """Something that a second person has to approve; the amount counts in favour of the resident. Sent again, it is the same."""
    made: UUID = _write(session, _PROPOSE, hostel=hostel_id, kind=kind.value, person=user_id, amount=amount_paise, reason=reason, party=party,
                        id=proposal_id)
    return made


def decide(session: Session, proposal_id: UUID, event: str, note: str = "") -> None:
    """`approve` books it, `reject` needs a note, `withdraw` is the proposer's. Nobody decides on their own."""
    _write(session, _DECIDE, id=proposal_id, event=event, note=note)


def _write(session: Session, statement: Any, **given: Any) -> Any:
    """Run a function that writes; what the session holds of the database is read anew."""
    session.flush()
    found = session.execute(statement, given).scalar_one()
    session.expire_all()
    return found


# -- reading -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mismatch:
    """A wallet whose row and whose entries disagree."""

    wallet_id: UUID
    hostel_id: UUID
    user_id: int
    cached_paise: int
    summed_paise: int
    entries: int
    version: int


def mismatches(session: Session) -> list[Mismatch]:
    """Wallets whose balance is not what their entries sum to."""
    return [Mismatch(**row) for row in session.execute(_MISMATCHES).mappings()]


def find(session: Session, wallet_id: UUID) -> Wallet:
    """One wallet that the caller may see; NotFound."""
    found = session.scalars(select(Wallet).where(Wallet.id == wallet_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such wallet.")
    return found


def wallet_of(session: Session, hostel_id: UUID, user_id: int) -> Wallet | None:
    """A resident's wallet in a hostel."""
    return session.scalars(select(Wallet).where(Wallet.hostel_id == hostel_id, Wallet.user_id == user_id)).one_or_none()


def balance(session: Session, hostel_id: UUID, code: AccountCode, user_id: int | None = None, party: str | None = None, *,
            before: datetime | None = None) -> int:
    """What the entries of an account sum to, in paise, now or at a time; of all parties where none is named."""
    wanted = [LedgerAccount.hostel_id == hostel_id, LedgerAccount.code == code.value, LedgerAccount.user_id.is_not_distinct_from(user_id)]
    if party is not None:
        wanted.append(LedgerAccount.party == party)
    asked = select(func.coalesce(func.sum(LedgerEntry.amount_paise), 0)).join(LedgerEntry.account).where(*wanted)
    if before is not None:
        asked = asked.where(LedgerEntry.event_at < before)
    return int(session.execute(asked).scalar_one())


def entries(session: Session, account_id: UUID, limit: int = 50, before_seq: int | None = None) -> Sequence[LedgerEntry]:
    """The newest entries of an account, from before `before_seq` on."""
    asked = select(LedgerEntry).where(LedgerEntry.account_id == account_id).order_by(LedgerEntry.seq.desc()).limit(limit)
    if before_seq is not None:
        asked = asked.where(LedgerEntry.seq < before_seq)
    return session.scalars(asked).all()


def freezes(session: Session, wallet_id: UUID) -> Sequence[WalletFreeze]:
    """When it was frozen and why, the newest first."""
    return session.scalars(select(WalletFreeze).where(WalletFreeze.wallet_id == wallet_id).order_by(WalletFreeze.created_at.desc())).all()


def find_proposal(session: Session, proposal_id: UUID) -> LedgerProposal:
    """One proposal that the caller may see; NotFound."""
    found = session.scalars(select(LedgerProposal).where(LedgerProposal.id == proposal_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such proposal.")
    return found


# -- telling -------------------------------------------------------------------------------------------------------------

_PROPOSALS = "/wallet/proposals/show/"


def deciders(session: Session, found: LedgerProposal) -> set[int]:
    """Who could approve it: neither who proposed it nor whose money it is. Nobody means the platform."""
    return people_who_can(session, Resource.WALLET, Action.APPROVE, found.hostel_id) - {found.proposed_by, found.user_id}


def tell_of_proposal(session: Session, proposal_id: UUID) -> None:
    """Tell whoever could approve it; if nobody could, who proposed it that the platform was asked."""
    found = find_proposal(session, proposal_id)
    if found.standing is not ProposalState.PROPOSED:
        return
    others = deciders(session, found)
    if not others and found.proposed_by is not None:
        tell(session, {found.proposed_by}, Message(
            "wallet.platform_asked", f"proposal:{found.id}:platform", "Nobody else here can decide on your posting, so the platform was asked.",
            found.hostel_id, f"{_PROPOSALS}{found.id}"))
    tell(session, others, Message("wallet.proposed", f"proposal:{found.id}", "A posting waits for your decision.", found.hostel_id,
                                  f"{_PROPOSALS}{found.id}"))


def tell_of_decision(session: Session, proposal_id: UUID) -> None:
    """Tell who proposed it, unless they decided themselves."""
    found = find_proposal(session, proposal_id)
    if found.proposed_by is None or found.proposed_by == found.decided_by:
        return
    said = {ProposalState.APPROVED: "What you proposed was approved and booked.", ProposalState.REJECTED: "What you proposed was rejected."}
    if title := said.get(found.standing):
        tell(session, {found.proposed_by}, Message("wallet.decided", f"proposal:{found.id}:decided", title, found.hostel_id,
                                                   f"{_PROPOSALS}{found.id}"))
