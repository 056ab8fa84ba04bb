"""The ledger: accounts, transactions, entries, what each wallet holds, freezes, and proposals that a second person decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    DateTime,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column

from app.models.audit import Batches
from app.models.base import (
    CURRENT_ORG,
    NOW,
    Authored,
    Model,
    Tenant,
    Timestamps,
    in_tenant,
    line,
    link,
    person,
    quoted,
)
from app.models.declare import (
    ADMITTED,
    IN_ORG,
    MINE,
    TYPES,
    Grant,
    Policy,
    Published,
    functions,
    protect,
    staff_policies,
    trigger,
)
from app.models.organizations import Hostel
from app.models.people import Member
from app.permissions import Portal, Resource
from app.rules.wallet import (
    AMOUNT_MAX_PAISE,
    CHART,
    DESCRIPTION_MAX,
    KEY_MAX,
    OF_A_PERSON,
    REASON_MAX,
    AccountCode,
    AccountKind,
    ProposalState,
    ProposedKind,
    TransactionKind,
    WalletState,
)

_KIND_OF = " ".join(f"WHEN '{code}' THEN '{kind}'" for code, kind in CHART.items())
# Another kind is added to it NOT VALID, and validated afterwards: what the linter warns of.
TYPES.append(f"-- squawk-ignore ban-create-domain-with-constraint\nCREATE DOMAIN public.ledger_kind AS text CHECK (VALUE IN ({quoted(TransactionKind)}))")


class _Kind(Text):
    """A domain, as checks of a table are read anew for every statement that writes to it: this one was a twentieth of a posting."""


@compiles(_Kind)
def _named(*_: Any, **__: Any) -> str:
    return "public.ledger_kind"


class LedgerAccount(Tenant, Model):
    """One account of a hostel's chart, in its currency. Opened when money is first booked on it, and never closed."""

    __tablename__ = "ledger_accounts"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    code: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, Computed(f"CASE code {_KIND_OF} END", persisted=True))
    party: Mapped[str] = mapped_column(Text, server_default="")
    user_id: Mapped[int | None] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="LedgerAccount")
    member: Mapped[Member | None] = link("Member", "user_id", here="LedgerAccount", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), person("user_id"),
        Index("ledger_accounts_key", "org_id", "hostel_id", "code", text("coalesce(user_id, 0)"), "party", unique=True),
        CheckConstraint(f"code IN ({quoted(AccountCode)})", name="ledger_accounts_code_known"),
        CheckConstraint(f"kind IN ({quoted(AccountKind)})", name="ledger_accounts_kind_known"),
        CheckConstraint(f"(user_id IS NOT NULL) = (code IN ({quoted(sorted(OF_A_PERSON))}))", name="ledger_accounts_of_a_person"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="ledger_accounts_currency"),
    )

    @property
    def account_code(self) -> AccountCode:
        """Its place in the chart."""
        return AccountCode(self.code)


class LedgerTransaction(Tenant, Model):
    """Why money moved, once per `key`. `event_at` is when it happened, `created_at` when it was booked.

    `xid` stands before `seq`, as in the audit log: a number is only ever given to a transaction that others can see running.
    """

    __tablename__ = "ledger_transactions"

    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    key: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(_Kind)
    description: Mapped[str] = mapped_column(Text, server_default="")
    source: Mapped[str] = mapped_column(Text, server_default="")
    source_id: Mapped[UUID | None] = mapped_column(Uuid)
    event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    created_by: Mapped[int | None] = mapped_column(Integer)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="LedgerTransaction")
    author: Mapped[Member | None] = link("Member", "created_by", here="LedgerTransaction", key="user_id")

    # Without foreign keys: under load each of them locks the row of the hostel, or of the person, for all who post at the
    # same time. The one function that writes here takes both from rows it has just read.
    __table_args__ = (
        Index("ledger_transactions_key", "org_id", "key", unique=True),
        Index("ledger_transactions_order", "org_id", "seq", unique=True),
        Index("ledger_transactions_source", "org_id", "source_id", postgresql_where=text("source_id IS NOT NULL")),
        CheckConstraint(f"length(key) BETWEEN 1 AND {KEY_MAX} AND length(description) <= {DESCRIPTION_MAX}", name="ledger_transactions_texts"),
    )


class LedgerEntry(Model):
    """One side of a transaction: positive credits the account, negative debits it. Wallets' entries tell the balance after.

    Its place in its transaction is its key: an id of its own would be an index more on what is written most.
    """

    __tablename__ = "ledger_entries"

    org_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=CURRENT_ORG)
    transaction_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    account_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int | None] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(_Kind)
    description: Mapped[str] = mapped_column(Text, server_default="")
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    balance_paise: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int | None] = mapped_column(BigInteger)
    event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    account: Mapped[LedgerAccount] = link("LedgerAccount", "account_id", here="LedgerEntry")
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="LedgerEntry")
    member: Mapped[Member | None] = link("Member", "user_id", here="LedgerEntry", key="user_id")
    transaction: Mapped[LedgerTransaction] = link("LedgerTransaction", "transaction_id", here="LedgerEntry")

    # Without foreign keys as well: that of the transaction would be a sixth of the work of a batch, and asks what the two
    # functions that write here have just done. Nothing is ever deleted, and `flask ledger verify` names entries of nothing.
    __table_args__ = (
        Index("ledger_entries_account", "org_id", "account_id", "seq", unique=True),
        CheckConstraint(f"amount_paise <> 0 AND abs(amount_paise) <= {AMOUNT_MAX_PAISE} AND (balance_paise IS NULL) = (version IS NULL)",
                        name="ledger_entries_whole"),
    )


class Wallet(Tenant, Model):
    """What a resident's wallet holds: the one row that a posting locks, with the id of its account. The entries' sum verifies it."""

    __tablename__ = "wallet_balance_cache"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str] = mapped_column(Text)
    balance_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    limit_paise: Mapped[int] = mapped_column(BigInteger, server_default="0")
    version: Mapped[int] = mapped_column(BigInteger, server_default="0")
    frozen: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    last_computed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="Wallet")
    member: Mapped[Member] = link("Member", "user_id", here="Wallet", key="user_id")

    __table_args__ = (
        in_tenant("id", "ledger_accounts"),
        Index("wallet_balance_cache_person_key", "org_id", "hostel_id", "user_id", unique=True),
        CheckConstraint("balance_paise >= -limit_paise AND limit_paise >= 0", name="wallet_balance_cache_limit"),
        {"postgresql_with": {"fillfactor": "50"}},  # room for the next version of a row beside it, without the indexes
    )

    @property
    def state(self) -> WalletState:
        """Whether something can be taken from it."""
        return WalletState.FROZEN if self.frozen else WalletState.USABLE

    def __repr__(self) -> str:
        return self.member.name


class WalletFreeze(Tenant, Timestamps, Authored, Model):
    """That nothing could be taken from a wallet, from when to when, why, and who ended it."""

    __tablename__ = "wallet_freezes"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    user_id: Mapped[int] = mapped_column(Integer)
    wallet_id: Mapped[UUID] = mapped_column(Uuid)
    reason: Mapped[str] = line(REASON_MAX)
    lifted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lifted_by: Mapped[int | None] = mapped_column(Integer)
    lift_reason: Mapped[str | None] = line(REASON_MAX)

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("wallet_id", "wallet_balance_cache"), person("user_id"), person("lifted_by"),
        person("created_by"),
        Index("wallet_freezes_wallet", "org_id", "wallet_id", "created_at"),
        Index("wallet_freezes_one", "org_id", "wallet_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
        CheckConstraint("length(btrim(reason)) > 0", name="wallet_freezes_reason_given"),
    )


class LedgerBatch(Batches, Model):
    """A sealed batch of an organization's transactions, each with its entries.

    `wallets` are those that they touch, beside the numbers of these: of a transaction that is removed, nothing else tells.
    """

    __tablename__ = "ledger_batches"

    org_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, server_default=CURRENT_ORG, sort_order=-20)
    wallet_seqs: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default=text("'{}'"), deferred=True)
    wallets: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default=text("'{}'"), deferred=True)


class LedgerCheck(Tenant, Model):
    """That a whole ledger was compared with its seals and its sums, and what was found: nothing, if all is well."""

    __tablename__ = "ledger_checks"

    batches: Mapped[int] = mapped_column(Integer)
    transactions: Mapped[int] = mapped_column(Integer)
    findings: Mapped[int] = mapped_column(Integer)
    first_finding: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=NOW)

    __table_args__ = (Index("ledger_checks_newest", "org_id", "created_at"),)


class LedgerProposal(Tenant, Timestamps, Authored, Model):
    """A posting that one person proposes and another decides; approved, it is `transaction_id`."""

    __tablename__ = "ledger_proposals"

    hostel_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(Integer)
    party: Mapped[str] = mapped_column(Text, server_default="")
    amount_paise: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = line(REASON_MAX)
    source: Mapped[str] = mapped_column(Text, server_default="")
    source_id: Mapped[UUID | None] = mapped_column(Uuid)
    details: Mapped[Any | None] = mapped_column(JSONB)  # the lines of a credit note
    status: Mapped[str] = mapped_column(Text, server_default="proposed")
    proposed_by: Mapped[int | None] = mapped_column(Integer)
    decided_by: Mapped[int | None] = mapped_column(Integer)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decision: Mapped[str | None] = line(REASON_MAX)
    transaction_id: Mapped[UUID | None] = mapped_column(Uuid)
    hostel: Mapped[Hostel] = link("Hostel", "hostel_id", here="LedgerProposal")
    member: Mapped[Member | None] = link("Member", "user_id", here="LedgerProposal", key="user_id")
    proposer: Mapped[Member | None] = link("Member", "proposed_by", here="LedgerProposal", key="user_id")
    decider: Mapped[Member | None] = link("Member", "decided_by", here="LedgerProposal", key="user_id")

    __table_args__ = (
        in_tenant("hostel_id", "hostels"), in_tenant("transaction_id", "ledger_transactions"), person("user_id"), person("proposed_by"),
        person("created_by"),
        Index("ledger_proposals_open", "org_id", "hostel_id", "created_at", postgresql_where=text("status = 'proposed'")),
        Index("ledger_proposals_source", "org_id", "source_id", unique=True,
              postgresql_where=text("source_id IS NOT NULL AND status IN ('proposed', 'approved') AND kind <> 'credit_note'")),
        Index("ledger_proposals_person", "org_id", "user_id"),
        Index("ledger_proposals_sort_created", "org_id", "created_at", "id"),
        CheckConstraint(f"kind IN ({quoted(ProposedKind)})", name="ledger_proposals_kind_known"),
        CheckConstraint(f"status IN ({quoted(ProposalState)})", name="ledger_proposals_status_known"),
        CheckConstraint(f"amount_paise <> 0 AND abs(amount_paise) <= {AMOUNT_MAX_PAISE} AND (amount_paise > 0 OR kind = 'adjustment')",
                        name="ledger_proposals_amount"),
        CheckConstraint("decided_by <> proposed_by OR status = 'withdrawn'", name="ledger_proposals_second_person"),
        CheckConstraint("(status = 'approved') = (transaction_id IS NOT NULL)", name="ledger_proposals_posted"),
        CheckConstraint("(kind = 'credit_note') <= (source_id IS NOT NULL)", name="ledger_proposals_credit_of_what"),
        CheckConstraint("length(btrim(reason)) > 0", name="ledger_proposals_reason_given"),
    )

    @property
    def standing(self) -> ProposalState:
        """Its state."""
        return ProposalState(self.status)

    def __repr__(self) -> str:
        return self.kind


functions("wallet")

_OWN = Policy("own_select", "SELECT", (Portal.RESIDENT,), using=f"{IN_ORG} AND {MINE} AND {ADMITTED}")
_READ = staff_policies(Resource.WALLET, commands=("SELECT",))
_BOTH = Grant((Portal.ADMIN, Portal.RESIDENT), select=True)
protect(LedgerAccount.__table__, definer="SELECT, INSERT", grants=[_BOTH], policies=[*_READ, _OWN], unaudited="opened by what is booked on it")
protect(LedgerTransaction.__table__, immutable=True, grants=[Grant((Portal.ADMIN,), select=True)], policies=_READ)
for _proof in (LedgerBatch, LedgerCheck):
    protect(_proof.__table__, immutable=True, grants=[Grant((Portal.ADMIN,), select=True)],
            policies=staff_policies(Resource.WALLET, column=None, commands=("SELECT",)))
protect(LedgerEntry.__table__, immutable=True, grants=[_BOTH], policies=[*_READ, _OWN])
protect(Wallet.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH], policies=[*_READ, _OWN], unaudited="what the entries sum to",
        # That something moved, and whose: no amounts. Postings run as fast with a reader of the stream as without.
        published=Published(key=("org_id", "hostel_id", "user_id", "id"), columns=("org_id", "hostel_id", "user_id", "id")))
protect(WalletFreeze.__table__, definer="SELECT, INSERT, UPDATE", grants=[_BOTH], policies=[*_READ, _OWN])
protect(LedgerProposal.__table__, definer="SELECT, INSERT, UPDATE", grants=[Grant((Portal.ADMIN,), select=True)], policies=_READ)
trigger("ledger_entries", "c_balanced", "AFTER INSERT", "app.check_balanced()", each="REFERENCING NEW TABLE AS added FOR EACH STATEMENT")
trigger("ledger_proposals", "b_lifecycle", "BEFORE INSERT OR UPDATE OF status", "app.guard_lifecycle('ledger_proposal')")
trigger("hostels", "c_currency", "BEFORE UPDATE OF currency", "app.keep_currency()")
trigger("residents", "x_wallet", "AFTER INSERT", "app.open_wallet_of_resident()")
