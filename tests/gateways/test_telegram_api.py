"""The client of the Bot API against the stand-in: what it sends, what refusals mean, and where the token does not get."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterator

import pytest

from app.gateways.telegram import (
    BadRequest,
    BotApi,
    BotTaken,
    BotUnknown,
    Button,
    ChatGone,
    Line,
    ServerError,
    TooManyRequests,
    Uncertain,
    Unparsable,
    Unreached,
)
from app.local.telegram_twin import create_twin, serve
from app.local.telegram_twin.state import State, Trouble

TOKEN = "123456789:AAplantedPLANTEDplanted_planted-123"
BOT, CHAT, GROUP = 123456789, 1001, -1002


@pytest.fixture
def twin() -> Iterator[State]:
    state = State(clock=lambda: state.now)
    state.now = 1_000_000.0  # type: ignore[attr-defined]
    server = serve(create_twin(state), 0)
    state.port = server.server_port  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    state.says(BOT, CHAT, "/start", name="Aarav")
    state.says(BOT, GROUP, "/start", name="Kitchen")
    yield state
    server.shutdown()
    server.server_close()


def bot(twin: State, patience: float = 5.0, token: str = TOKEN) -> BotApi:
    return BotApi(Line(f"http://127.0.0.1:{twin.port}", patience), token)  # type: ignore[attr-defined]


def test_it_says_reads_and_changes_what_the_stand_in_knows(twin: State) -> None:
    api = bot(twin)
    assert api.get_me().username == "twin_123456789_bot"
    first = api.get_updates(0)
    assert [one["message"]["text"] for one in first] == ["/start", "/start"]
    sent = api.send_message(CHAT, "<b>Hello</b> &amp; welcome", html=True, buttons=[[Button("Claim", "claim:1")]])
    twin.presses(BOT, CHAT, sent.message_id, "claim:1")
    pressed = api.get_updates(first[-1]["update_id"])[0]["callback_query"]
    api.answer_callback_query(pressed["id"], "Yours now.")
    api.edit_message_text(CHAT, sent.message_id, "Claimed")
    api.edit_message_text(CHAT, sent.message_id, "Claimed")  # as it is already
    message = twin.chats[CHAT].messages[-1]
    assert (message.text, message.answer, message.buttons) == ("Claimed", "Yours now.", [])
    twin.says(BOT, CHAT, "It drips", file=b"a photo")
    photo = api.get_updates(pressed["message"]["message_id"])[-1]["message"]["photo"][0]
    assert api.get_file(photo["file_id"]) == b"a photo"
    api.set_webhook("https://console.example/telegram/x", "secret")
    assert api.get_webhook_info().url == "https://console.example/telegram/x"
    with pytest.raises(BotTaken):
        api.get_updates(0)
    api.delete_webhook()
    assert api.get_webhook_info().url == ""


def test_refusals_mean_what_has_to_be_done_about_them(twin: State) -> None:
    api = bot(twin)
    with pytest.raises(Unparsable):
        api.send_message(CHAT, "<b>Hello", html=True)
    with pytest.raises(BadRequest, match="too long"):
        api.send_message(CHAT, "😀" * 2049)
    with pytest.raises(ChatGone):
        api.send_message(4711, "Hello")
    api.send_message(CHAT, "😀" * 2048)
    with pytest.raises(TooManyRequests) as told:
        api.send_message(CHAT, "Hello")
    assert told.value.retry_after == 1
    twin.blocks(BOT, CHAT)
    with pytest.raises(ChatGone):
        api.send_message(CHAT, "Hello")
    twin.revoked.add(TOKEN)
    with pytest.raises(BotUnknown):
        api.get_me()


def test_a_group_takes_20_messages_in_a_minute_and_a_bot_about_30_in_a_second(twin: State) -> None:
    api = bot(twin)
    for _ in range(20):
        api.send_message(GROUP, "An order")
        twin.now += 1  # type: ignore[attr-defined]
    with pytest.raises(TooManyRequests) as told:
        api.send_message(GROUP, "An order")
    assert told.value.retry_after == 40
    for number in range(33):
        twin.chat(2000 + number, bot=BOT)
        api.send_message(2000 + number, "Hello")
    with pytest.raises(TooManyRequests):
        api.send_message(CHAT, "Hello")


def test_an_answer_that_does_not_come_is_uncertain_and_one_that_comes_twice_harms_nobody(twin: State) -> None:
    api = bot(twin, patience=0.3)
    for trouble, wanted in (({"server_error": 1}, ServerError), ({"silent": 1, "silence": 0.6}, Uncertain), ({"dropped": 1}, Uncertain)):
        twin.trouble = Trouble(**trouble)  # type: ignore[arg-type]
        twin.now += 1  # type: ignore[attr-defined]
        with pytest.raises(wanted):
            api.send_message(CHAT, "Hello")
    assert len([one for one in twin.chats[CHAT].messages if not one.mine]) == 2, "the last two were done"
    twin.trouble = Trouble(repeated=1)
    numbers = []
    for _ in range(3):
        twin.now += 1  # type: ignore[attr-defined]
        numbers.append(api.send_message(CHAT, "Hello").message_id)
        assert api.get_me().id == BOT
    assert numbers == [one.id for one in twin.chats[CHAT].messages if not one.mine][2:]


def test_the_token_is_in_no_error_and_no_log(twin: State, closed_port: int, caplog: pytest.LogCaptureFixture) -> None:
    from app.masking import mask_text

    caplog.set_level(logging.DEBUG)
    said = [repr(bot(twin))]
    twin.trouble = Trouble(dropped=1)
    for base, ask in (("", "send"), (f"http://127.0.0.1:{closed_port}", "me"), ("http://127.0.0.1:1x", "me")):
        api = BotApi(Line(base, 1), TOKEN) if base else bot(twin, 0.3)
        with pytest.raises((Uncertain, Unreached)) as told:
            api.send_message(CHAT, "Hello") if ask == "send" else api.get_me()
        error: BaseException | None = told.value
        while error:
            said.append("".join(traceback.format_exception(error, chain=False)) + repr(error))
            error = error.__cause__ or error.__context__
    assert TOKEN not in "".join(said)
    assert TOKEN not in mask_text(caplog.text), "what reaches a log goes through the mask"
