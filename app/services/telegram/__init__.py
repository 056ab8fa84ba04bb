"""Telegram: bots and chats, messages out through limits that all workers share, updates in. Texts are HTML or plain.

Whoever tells people something asks for `queue_message`; the sender of jobs/sender.py does the rest. Settings pages use `keep_bot`,
`remove_bot`, `in_force`, `check_bot`, `begin_link`, `remove_chat`; tokens never come back.
"""

from app.gateways.telegram import Button
from app.services.telegram.bots import (
    Keeper,
    Resolved,
    begin_link,
    check_bot,
    in_force,
    keep_bot,
    keeper_of,
    remove_bot,
    remove_chat,
    tell_of_broken,
    tell_of_chat_gone,
)
from app.services.telegram.outgoing import forget, queue_message

__all__ = ["Button", "Keeper", "Resolved", "begin_link", "check_bot", "forget", "in_force", "keep_bot", "keeper_of", "queue_message", "remove_bot", "remove_chat",
           "tell_of_broken", "tell_of_chat_gone"]
