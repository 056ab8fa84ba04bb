"""Telegram's Bot API over HTTP: one small client, and what its refusals mean. A token reaches no error, no log and no repr."""

from app.gateways.telegram.api import BotApi, Line
from app.gateways.telegram.words import (
    ALLOWED_UPDATES,
    SECRET_HEADER,
    BadRequest,
    Bot,
    BotTaken,
    BotUnknown,
    Button,
    ChatGone,
    ChatMoved,
    Markup,
    Refused,
    Sent,
    ServerError,
    TelegramError,
    TooManyRequests,
    Uncertain,
    Unparsable,
    Unreached,
    WebhookInfo,
)

__all__ = ["ALLOWED_UPDATES", "SECRET_HEADER", "BadRequest", "Bot", "BotApi", "BotTaken", "BotUnknown", "Button", "ChatGone", "ChatMoved", "Line", "Markup", "Refused",
           "Sent", "ServerError", "TelegramError", "TooManyRequests", "Uncertain", "Unparsable", "Unreached", "WebhookInfo"]
