// Follows the database. A page names tables; whatever changes in them and may be seen by its reader arrives here.
//
//   <div data-live="maintenance_requests notifications" data-live-src="/part/of/page">
//
// is fetched anew when one of its tables changes, and put in place without disturbing whoever works in it. Pages that do
// it themselves listen to `live` on the document: detail is {table, type, record, old_record, seq}; type ANEW (without a
// table) means that changes may have been missed. While there is no connection, parts are asked for every ten seconds.
import { Serializer, Socket } from "phoenix";
import { $, $$, forget, get, news } from "./dom.js";

const SETTLE = 100, COUNT_EVERY = 2000, POLL_EVERY = 10000, PATIENCE = 5000, HIDDEN_FOR = 5 * 60000, HEARTBEAT = 8000;
const organization = $("meta[name=organization]")?.content;
const portal = $("meta[name=portal]")?.content || "";

// -- parts of the page ----------------------------------------------------------------------------------------

const parts = () => $$("[data-live][data-live-src]");
const isTyped = (field) => (field.matches("select") ? [...field.options].some((one) => one.selected !== one.defaultSelected)
  : field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked
    : field.type !== "hidden" && field.value !== field.defaultValue);
const isBusy = (part) => Boolean($("details.menu[open], dialog[open], [aria-expanded=true]:not(summary)", part))
  || $$("input, select, textarea", part).some((field) => field === document.activeElement || isTyped(field));

// The same thing after the swap: by its id, or by what it is called and where it leads.
const nameOf = (one) => [one.tagName, one.getAttribute("href") ?? one.getAttribute("action"), one.getAttribute("name"), one.getAttribute("aria-label"), one.textContent].join("\n");
const again = (part, one) => (one.id && document.getElementById(one.id)) || $$(one.tagName, part).find((other) => nameOf(other) === nameOf(one));

const swap = (part, html) => {
  const focused = part.contains(document.activeElement) ? document.activeElement : null;
  const opened = $$("details[open]", part), { scrollTop, scrollLeft } = part;
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  part.replaceChildren(fresh.content);
  for (const one of opened) {
    const same = one.id ? document.getElementById(one.id)
      : $$("details", part).find((other) => $("summary", other)?.textContent === $("summary", one)?.textContent);
    if (same) same.open = true;
  }
  if (focused) again(part, focused)?.focus({ preventScroll: true });
  Object.assign(part, { scrollTop, scrollLeft });
  part.dispatchEvent(new CustomEvent("live:swapped", { bubbles: true }));
};

const due = new Set(), shows = new WeakMap();
let settling = 0;
const refresh = async (part) => {
  if (document.hidden || isBusy(part)) return; // it stays due: see below
  due.delete(part);
  try {
    const answer = await news(part.dataset.liveSrc);
    if (!answer) return;
    const html = await answer.text();
    if (!part.isConnected) return;
    if (isBusy(part)) {
      forget(part.dataset.liveSrc);
      due.add(part); // somebody began meanwhile
    } else if (shows.get(part) !== html) {
      shows.set(part, html);
      swap(part, html);
    }
  } catch {
    due.add(part); // no network just now
  }
};
const refreshDue = () => {
  settling = 0;
  for (const part of due) if (part.isConnected) refresh(part); else due.delete(part);
};
const refreshSoon = () => { settling ||= setTimeout(refreshDue, SETTLE); };
for (const type of ["focusout", "toggle", "close", "change", "reset"]) document.addEventListener(type, () => { if (due.size) refreshSoon(); }, true);

const touch = (table) => {
  for (const part of parts()) if (!table || part.dataset.live.split(/\s+/).includes(table)) due.add(part);
  if (due.size) refreshSoon();
};

// -- counts of the bell and the sidebar -----------------------------------------------------------------------

const shown = (number) => (number > 99 ? "99+" : String(number));
let counting = 0, counted = 0;
const count = async () => {
  counting = 0;
  counted = performance.now();
  if (document.hidden || !$("[data-counter]")) return;
  const answer = await news("/live/counters").catch(() => null);
  if (!answer) return;
  const { unread, counters } = await answer.json();
  for (const [name, number] of Object.entries({ ...counters, unread })) {
    for (const one of $$(`[data-counter="${name}"]`)) {
      one.textContent = shown(number);
      one.hidden = !number;
    }
  }
  const bell = $("[data-bell]");
  if (bell) {
    bell.dataset.name ||= bell.getAttribute("aria-label").split(":")[0];
    bell.setAttribute("aria-label", unread ? `${bell.dataset.name}: ${shown(unread)}` : bell.dataset.name);
  }
};
const countSoon = () => { counting ||= setTimeout(count, Math.max(SETTLE, COUNT_EVERY - (performance.now() - counted))); };

const everything = () => {
  touch();
  countSoon();
};

// -- how it stands --------------------------------------------------------------------------------------------

let polling = 0, patience = 0;
const say = (state) => {
  let one = $("[data-live-state]");
  if (!one) {
    one = Object.assign(document.createElement("span"), { className: "live-state", role: "status" });
    $(".topbar")?.append(one);
  }
  if (one.dataset.liveState === state) return;
  one.dataset.liveState = state;
  const word = Object.assign(document.createElement("span"), { textContent: JSON.parse(one.dataset.words || "{}")[state] || "" });
  one.replaceChildren(word);
  one.title = word.textContent;
};
const isLive = () => {
  clearTimeout(patience);
  clearInterval(polling);
  patience = polling = 0;
  say("live");
};
const isDown = () => {
  if (polling || patience) return;
  say("reconnecting");
  patience = setTimeout(() => {
    say("offline");
    everything();
    polling = setInterval(everything, POLL_EVERY);
  }, PATIENCE);
};

// -- the connection -------------------------------------------------------------------------------------------

let granted = null, socket = null, channel = null, renewal = 0, attempts = 0;
const place = () => `live:${granted.scope}`; // the number of the last change that this tab has seen, by organization and portal
const seen = (seq) => { if (seq > (sessionStorage.getItem(place()) || "")) sessionStorage.setItem(place(), seq); };

const tell = (detail) => document.dispatchEvent(new CustomEvent("live", { detail }));
const anew = (seq) => {
  if (seq) sessionStorage.setItem(place(), seq);
  everything();
  tell({ table: null, type: "ANEW", seq });
};
const take = ({ data: { table, type, record, old_record, seq } }) => {
  seen(seq);
  touch(table);
  countSoon();
  tell({ table, type, record: record ?? null, old_record: old_record ?? null, seq });
};

// Why there is none: nothing is live in this installation, or for this portal; or the session ended or moved on.
const NOT_HERE = 404, NOT_YOURS = 403;
const grant = async () => {
  const answer = await get(`/live/token?portal=${portal}`, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) return { refused: answer.status };
  const found = await answer.json();
  return { ...found, until: Date.now() + found.expires_in * 1000 };
};

const renew = async () => {
  const found = await grant().catch(() => granted); // no network: the next attempt is made with the next connection
  if (found.refused) return stop(found.refused);
  granted = found;
  channel?.push("access_token", { access_token: granted.token });
  schedule();
};
const schedule = () => {
  clearTimeout(renewal);
  renewal = setTimeout(renew, granted.expires_in * 660);
};

const join = () => {
  const since = sessionStorage.getItem(place());
  const wanted = granted.tables.map((table) => ({ event: "*", schema: "public", table }));
  channel = socket.channel("realtime:console", () => ({
    access_token: granted.token,
    config: { postgres_changes: wanted, since: sessionStorage.getItem(place()) || undefined },
  }));
  channel.on("postgres_changes", take);
  channel.on("system", ({ snapshot, seq }) => { if (snapshot) anew(seq); });
  const mine = channel;
  channel.onClose(() => { // our place ended: with a new token, or not at all
    if (channel !== mine) return;
    isDown();
    reopenSoon();
  });
  channel.onError(() => isDown());
  let first = !since;
  channel.join().receive("ok", ({ seq, snapshot }) => {
    attempts = 0;
    isLive();
    if (snapshot || first) anew(seq);
    first = false;
  }).receive("error", () => reopenSoon());
};

let reopening = 0;
const reopenSoon = () => {
  if (reopening) return;
  close();
  reopening = setTimeout(() => { reopening = 0; open(); }, Math.min(1000 * 2 ** attempts++, 30000));
};

const open = async () => {
  if (socket || document.hidden) return;
  try {
    granted = await grant();
  } catch {
    isDown();
    reopenSoon();
    return;
  }
  if (granted.refused) return stop(granted.refused);
  if (socket) return;
  socket = new Socket(granted.url, {
    authToken: () => granted.token, heartbeatIntervalMs: HEARTBEAT, vsn: "2.0.0",
    // Broadcasts come as octets, which pages await from nobody and this client cannot read.
    decode: (data, take) => { if (typeof data === "string") Serializer.decode(data, take); },
    reconnectAfterMs: (tries) => [100, 500, 1000, 1000, 2000][tries - 1] ?? 5000,
    rejoinAfterMs: (tries) => [500, 1000, 2000][tries - 1] ?? 10000,
  });
  socket.onError(() => {
    isDown();
    if (Date.now() > granted.until) reopenSoon(); // this device slept: the token is over
  });
  socket.onClose(() => isDown());
  // Everything up to the number in a heartbeat's answer was told before it.
  socket.onMessage(({ topic, payload }) => { if (topic === "phoenix" && payload?.response?.seq) seen(payload.response.seq); });
  socket.connect();
  join();
  schedule();
};
const close = () => {
  clearTimeout(renewal);
  const leaving = socket;
  socket = channel = null;
  leaving?.disconnect();
};
const stop = (status) => {
  close();
  if (status === NOT_HERE) polling ||= setInterval(everything, POLL_EVERY);
  else if (status !== NOT_YOURS) say("offline");
};

let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(close, HIDDEN_FOR);
  } else {
    if (due.size) refreshSoon();
    countSoon();
    open();
  }
});
if (organization && $("[data-live], [data-counter]")) {
  count();
  open();
}
