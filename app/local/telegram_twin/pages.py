"""The page on which people of the demo write to bots, press their buttons and block them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template_string, request

from app.local.telegram_twin.state import state

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Stand-in for Telegram</title><style>
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: end; margin: .5rem 0 } label { display: grid } input, button { padding: .4rem; font: inherit }
.said { white-space: pre-wrap; overflow-wrap: anywhere; border-inline-start: .25rem solid #888; padding: .25rem .75rem; margin: .5rem 0 }
.mine { border-color: #2a7; margin-inline-start: 2rem }</style>
<h1>Stand-in for Telegram</h1><p>A program of this demo: what bots write arrives here, and nothing leaves your machine.</p>
<h2>Write to a bot</h2><form method="post" action="/says">
<label>Bot<input name="bot" required list="bots" pattern="(twin_)?[0-9]+(_bot)?" value="{{ first }}"></label>
<label>Person (a number; a group's is negative)<input name="chat" required pattern="-?[0-9]{1,12}" value="1001"></label>
<label>Called<input name="name" value="Aarav"></label><label>Text<input name="text" required value="/start"></label><button>Send</button></form>
<datalist id="bots">{% for bot in bots %}<option>{{ bot.username }}{% endfor %}</datalist>
{% for chat in chats %}<h2>{{ chat.name }} <small>({{ chat.id }})</small></h2>
{% for said in chat.messages[-20:] %}<div class="said{{ ' mine' if said.mine }}">{{ said.text }}</div>
{% if said.buttons %}<form method="post" action="/presses"><input type="hidden" name="chat" value="{{ chat.id }}"><input type="hidden" name="message" value="{{ said.id }}">
<input type="hidden" name="bot" value="{{ said.bot }}">{% for row in said.buttons %}{% for button in row %}{% if button.callback_data %}
<button name="data" value="{{ button.callback_data }}">{{ button.text }}</button>{% else %}<a href="{{ button.url }}">{{ button.text }}</a>{% endif %}{% endfor %}{% endfor %}
</form>{% endif %}{% if said.answer %}<p><small>Answer: {{ said.answer }}</small></p>{% endif %}{% endfor %}
{% for bot in chat.bots %}<form method="post" action="/says"><input type="hidden" name="bot" value="{{ bot }}"><input type="hidden" name="chat" value="{{ chat.id }}">
<label>To bot {{ bot }}<input name="text" required></label><button>Send</button>
<button formaction="/blocks" formnovalidate>{{ "Let it write again" if bot in chat.blocked else "Block it" }}</button></form>{% endfor %}
{% else %}<p>Nobody has written to a bot yet.</p>{% endfor %}</html>"""

pages = Blueprint("telegram_pages", __name__)


@pages.get("/")
def overview() -> Any:
    """Chats, the last one first."""
    known = state()
    with known.lock:
        chats = sorted(known.chats.values(), key=lambda one: -max((said.at for said in one.messages), default=0))
        return render_template_string(_PAGE, chats=chats, bots=known.bots.values(), first=next((one.username for one in known.bots.values()), ""))


@pages.post("/says")
def says() -> Any:
    """Somebody writes."""
    state().says(_bot(), int(request.form["chat"]), request.form["text"], name=request.form.get("name", ""))
    return redirect("/", code=303)


@pages.post("/presses")
def presses() -> Any:
    """Somebody presses a button."""
    state().presses(_bot(), int(request.form["chat"]), int(request.form["message"]), request.form["data"])
    return redirect("/", code=303)


@pages.post("/blocks")
def blocks() -> Any:
    """Somebody blocks a bot, or no more."""
    chat = int(request.form["chat"])
    state().blocks(_bot(), chat, blocked=_bot() not in state().chats[chat].blocked)
    return redirect("/", code=303)


def _bot() -> int:
    return int(request.form["bot"].removeprefix("twin_").removesuffix("_bot"))
