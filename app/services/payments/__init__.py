"""Payments through gateways: accounts, top-ups, webhooks, refunds, and what a gateway answers. The database's functions decide and write."""

from app.services.payments.accounts import (
    GivenAccount,
    Keeper,
    accounts_for,
    check_account,
    keeper_of,
    put_account,
    webhook_url,
)
from app.services.payments.asking import (
    answered,
    ask,
    ask_due,
    ask_later,
    attempt_refund,
    forget_bodies,
    process,
    send_refund,
    waiting,
)
from app.services.payments.intake import Arrived, Doors
from app.services.payments.working import (
    begin,
    decide,
    find_intent,
    flags_of,
    hand_over,
    own_intents,
    propose_refund,
    refunds_of,
    replay,
    resolve,
    tell_of_flag,
    tell_of_payment,
)

__all__ = ["Arrived", "Doors", "GivenAccount", "Keeper", "accounts_for", "answered", "ask", "ask_due", "ask_later", "attempt_refund", "begin", "check_account", "decide",
           "find_intent", "flags_of", "forget_bodies", "hand_over", "keeper_of", "own_intents", "process", "propose_refund", "put_account", "refunds_of", "replay",
           "resolve", "send_refund", "tell_of_flag", "tell_of_payment", "waiting", "webhook_url"]
