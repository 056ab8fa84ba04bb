// The boards of requests and of inquiries. The server draws every card, and says on it which steps its reader may take
// and why not others; here cards are moved (board-move.js), asked about (board-ask.js) and kept up to date.
import { $, $$, get, on, post } from "./dom.js";
import { ask, menu } from "./board-ask.js";
import { carrying, startMoving } from "./board-move.js";

const LIVE = 60, QUICK_POLL = 5000, SLOW_POLL = 60000, MOST_IDS = 60; // milliseconds, ids
const board = $("#board");
const root = location.pathname.replace(/\/$/, "");
const words = board.dataset;
const columnOf = (state) => $(`.board-column[data-state="${state}"]`, board);
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_all, name) => values[name]);
const say = (text) => { $("#board-status").textContent = text; };
const refuse = (sentence) => {
  const box = $("#board-refusal");
  $("p", box).textContent = sentence;
  box.hidden = !sentence;
};

// -- cards in their places -------------------------------------------------------------------------------------------

const parsed = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
};

// Gives a card what only scripts need: the button of its menu, and its part in moving about by arrow keys.
const dress = (card) => {
  const link = $(".board-link", card);
  link.tabIndex = -1;
  link.setAttribute("aria-describedby", "board-keys");
  if (!card.dataset.steps) return card;
  const button = $("#board-menu").content.firstElementChild.cloneNode(true);
  button.setAttribute("aria-label", fill(words.move, { reference: card.dataset.reference }));
  button.tabIndex = -1;
  $(".board-top", card).append(button);
  return card;
};

// One card is reached by Tab, the others from there by arrow keys.
const tabTo = (card) => {
  for (const one of $$("[tabindex='0']", board)) one.tabIndex = -1;
  for (const one of $$(".board-link, .board-menu", card)) one.tabIndex = 0;
};
const focusCard = (card) => {
  tabTo(card);
  $(".board-link", card).focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest", inline: "nearest" });
};
const keepTabbable = () => {
  if (!$(".board-card .board-link[tabindex='0']", board)) tabTo($(".board-card", board) || board);
};

// Changes a list so that what one reads in it stays where it is.
const steadily = (list, change) => {
  const edge = list.getBoundingClientRect().top;
  const anchor = list.scrollTop > 0 && $$(".board-card", list).find((card) => card.getBoundingClientRect().bottom > edge);
  const before = anchor && anchor.getBoundingClientRect().top;
  change();
  if (anchor?.isConnected && list.contains(anchor)) list.scrollTop += anchor.getBoundingClientRect().top - before;
};

const signature = (card) => `${card.dataset.changed} ${card.dataset.steps || ""} ${$(".board-foot", card).textContent}`;
const highlight = (card) => {
  card.classList.add("changed");
  card.addEventListener("animationend", () => card.classList.remove("changed"), { once: true });
};

// Puts a freshly drawn card where it belongs. What lies below the cards loaded so far comes when one scrolls there.
const place = (fresh, state, { quietly = false } = {}) => {
  const list = $(".board-cards", columnOf(state));
  const old = document.getElementById(fresh.id);
  const same = old?.parentElement === list && old.dataset.order === fresh.dataset.order;
  if (same && signature(old) === signature(fresh)) return;
  const focused = old?.contains(document.activeElement);
  const next = $$(".board-card", list).find((card) => card !== old && Number(card.dataset.order) > Number(fresh.dataset.order));
  if (old && old.parentElement !== list) steadily(old.parentElement, () => old.remove());
  steadily(list, () => {
    old?.remove();
    if (!next && $("[data-next]", list) && !focused) return;
    list.insertBefore(dress(fresh), next || $(".board-end, .board-none", list));
    if (!quietly) highlight(fresh);
  });
  if (focused) focusCard(fresh);
};

const drop = (card) => {
  const neighbour = card.nextElementSibling?.matches(".board-card") ? card.nextElementSibling : $(".board-card", board);
  const focused = card.contains(document.activeElement);
  steadily(card.parentElement, () => card.remove());
  if (focused && neighbour && neighbour !== card) focusCard(neighbour);
};

const count = (state, text) => {
  for (const number of [$("[data-count]", columnOf(state)), $(`[data-tab="${state}"] [data-count]`)]) number.textContent = text;
};

// -- what has changed ------------------------------------------------------------------------------------------------

const changed = new Set(); // ids that are to be fetched
let timer = 0;
// Nothing moves under a hand that holds a card, or under an open menu.
const occupied = () => carrying() || $("#board-steps").matches(":popover-open") || $("#board-dialog").open;

// Asks the server; null if there is no news, or the session ended or moved to another organization.
const fetched = async (url, headers = {}) => {
  const answer = await get(url, { headers, cache: "no-cache" });
  return answer.status === 200 && !answer.redirected ? answer : null;
};

// An address of the board, narrowed as this page is.
const address = (path, fields) => {
  const narrowed = [...new URLSearchParams(location.search)].filter(([name]) => name !== "more");
  return `${root}${path}?${new URLSearchParams([...narrowed, ...fields])}`;
};

const look = async (ids, options = {}) => {
  const answer = await fetched(address("/cards", [["ids", ids.join(",")]]), { Accept: "application/json" });
  if (!answer) return;
  const { counts, cards } = await answer.json();
  for (const id of ids) {
    const old = document.getElementById(`card-${id}`);
    if (cards[id]) place(parsed(cards[id].html).firstElementChild, cards[id].state, options);
    else if (old) drop(old);
  }
  for (const [state, text] of Object.entries(counts)) count(state, text);
  keepTabbable();
};

const catchUp = async () => {
  timer = 0;
  if (occupied() || document.hidden || !changed.size) return;
  const ids = [...changed];
  changed.clear();
  try {
    if (ids.length > MOST_IDS) await poll(true);
    else await look(ids);
  } catch { /* no network just now: the next poll finds what has changed */ }
};
const catchUpSoon = () => { timer ||= setTimeout(catchUp, LIVE); };

document.addEventListener("live", ({ detail }) => {
  if (detail.type === "ANEW") poll(true).catch(() => {});
  const row = detail.record?.id ? detail.record : detail.old_record;
  const id = { maintenance_requests: row?.id, inquiries: row?.id, maintenance_assignments: detail.record?.request_id || detail.old_record?.request_id }[detail.table];
  if (!id) return;
  changed.add(id);
  catchUpSoon();
});
for (const type of ["visibilitychange", "board:free"]) document.addEventListener(type, catchUpSoon);
$("#board-steps").addEventListener("toggle", catchUpSoon);
$("#board-dialog").addEventListener("close", catchUpSoon);

// The whole board as far as it is loaded: for browsers without a live connection, and for clocks that run on.
const poll = async (now = false) => {
  if (occupied() || document.hidden) return;
  const loaded = $$(".board-column", board).map((column) => ["more", `${column.dataset.state}:${$$(".board-card", column).length}`]);
  const answer = await fetched(address("/", [["part", "columns"], ...loaded]), now ? {} : { "If-None-Match": `"${words.tag}"` });
  if (!answer || occupied()) return;
  words.tag = (answer.headers.get("ETag") || "").replace(/^W\//, "").replaceAll('"', "");
  const fresh = parsed(await answer.text());
  for (const column of $$(".board-column", fresh)) {
    const { state } = column.dataset, list = $(".board-cards", columnOf(state));
    count(state, $("[data-count]", column).textContent);
    const cards = $$(".board-card", column), ids = new Set(cards.map((card) => card.id));
    for (const card of $$(".board-card", list)) if (!ids.has(card.id) && !fresh.getElementById(card.id)) drop(card);
    $(".board-end", list)?.remove();
    for (const card of cards) place(card, state);
    const end = $(".board-end", column);
    if (end) list.insertBefore(end, $(".board-none", list));
    watchEnd(list);
  }
  keepTabbable();
};
let polled = performance.now();
setInterval(() => {
  const live = $("[data-live-state]")?.dataset.liveState === "live";
  if (performance.now() - polled < (live ? SLOW_POLL : QUICK_POLL)) return;
  polled = performance.now();
  poll().catch(() => {}); // no network just now: the next look may have one
}, QUICK_POLL);

// -- the rest of a column, when its end is seen ----------------------------------------------------------------------

const more = async (link) => {
  const url = link.dataset.next;
  if (!url) return;
  delete link.dataset.next;
  const answer = await fetched(url);
  if (!answer) return; // the link still leads to a longer column
  const list = link.closest(".board-cards"), focused = link === document.activeElement;
  const fresh = parsed(await answer.text());
  const first = $$(".board-card", fresh).filter((card) => !document.getElementById(card.id)).map(dress)[0];
  for (const card of $$(".board-card", fresh)) if (document.getElementById(card.id)) card.remove();
  link.closest(".board-end").replaceWith(...fresh.children);
  if (focused && first) focusCard(first);
  watchEnd(list);
};
const ends = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) more(entry.target).catch(() => {});
}, { rootMargin: "300px" });
const watchEnd = (list) => { const link = $("[data-next]", list); if (link) ends.observe(link); };
on("click", ".board-end a[data-next]", (event, link) => {
  event.preventDefault();
  more(link).catch(() => {});
});

// -- on a phone: which column one looks at ---------------------------------------------------------------------------

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const tab = $(`[data-tab="${target.dataset.state}"]`);
    if (isIntersecting) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
}, { root: board, rootMargin: "0px -45%" });

// -- moving ----------------------------------------------------------------------------------------------------------

const steps = JSON.parse(words.steps);
for (const [name, step] of Object.entries(steps)) step.name = name;
const stepsOf = (card) => (card.dataset.steps || "").split(" ").filter(Boolean).map((name) => steps[name]);

// Takes one of the steps; the card waits in its new column meanwhile, and goes back with a sentence if it may not.
const move = async (card, possible) => {
  refuse("");
  const { id, reference } = card.dataset;
  const send = (fields) => post(`${root}/move/${id}`, fields);
  const focused = card.contains(document.activeElement) || document.activeElement === document.body;
  const [home, next] = [card.parentElement, card.nextElementSibling];
  const needs = possible.length > 1 || possible[0].question || possible[0].name === "assign";
  let answer = null;
  try {
    if (needs) {
      answer = await ask(card, possible, root, send);
    } else {
      $(".board-cards", columnOf(possible[0].to)).prepend(card);
      card.classList.add("busy");
      if (focused) focusCard(card);
      answer = await send({ event: possible[0].name });
    }
    if (answer) say(fill(words.moved, { reference, state: $(`#column-${answer.state} .badge`).textContent }));
  } catch (error) {
    home.insertBefore(card, next?.parentElement === home ? next : null);
    refuse(error.status ? `${reference}: ${error.message}` : words.offline);
  }
  if (focused && card.isConnected) focusCard(card);
  await look([id]).catch(() => {}); // who came too late sees what the other did
  card.classList.remove("busy");
};

on("click", ".board-menu", (_event, button) => {
  const card = button.closest(".board-card");
  menu(button, stepsOf(card), (step) => move(card, [step]));
});
on("click", "[data-board-dismiss]", () => refuse(""));
on("change", "[data-board-filter]", (_event, select) => select.form.requestSubmit());

for (const card of $$(".board-card", board)) dress(card);
board.tabIndex = $(".board-card", board) ? -1 : 0; // something in what scrolls can be reached by keyboard
keepTabbable();
for (const list of $$(".board-cards", board)) watchEnd(list);
for (const column of $$(".board-column", board)) seen.observe(column);
startMoving({ board, words, stepsOf, move, say, fill, focusCard, tabTo });
board.dataset.ready = "yes";
