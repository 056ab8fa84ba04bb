// The maintenance board: cards are moved by dragging or from their menu, and the board looks for changes itself.
// The server says what each card's owner-to-be may do (the buttons of its menu); dragging means one of those buttons.
import { post } from "./dom.js";

(() => {
  const board = document.getElementById("board");
  if (!board) return;
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const POLL_MILLISECONDS = 5000;
  const dialog = $("#board-dialog");
  const refusal = $("#board-refusal");
  let dragged = null;
  let busy = false;

  const say = (text) => { $("#board-status").textContent = text; };
  const refuse = (sentence) => {
    $("p", refusal).textContent = sentence;
    refusal.hidden = !sentence;
  };
  const stepsOf = (card) => $$("[data-event]", card);

  // -- asking ------------------------------------------------------------------------------------------------

  const workers = async (card) => {
    const answer = await fetch(`${location.pathname.replace(/\/$/, "")}/workers/${card.dataset.id}`, { headers: { Accept: "application/json" } });
    const found = answer.ok ? (await answer.json()).workers : [];
    $("#board-worker").replaceChildren(new Option("—", ""), ...found.map((one) => new Option(one.name, one.id)));
    $("#board-outside").value = "";
  };

  const show = (what, shown) => { for (const field of $$(`[data-asks=${what}]`, dialog)) field.hidden = !shown; };

  // Resolves to the fields to post, or null if the person thought better of it.
  const ask = async (card, steps) => {
    const chosen = () => steps[Number($("#board-choice").value)] || steps[0];
    const draw = () => {
      const step = chosen();
      show("worker", step.dataset.event === "assign");
      show("note", Boolean(step.dataset.question));
      $("label", $("#board-note").parentElement).textContent = step.dataset.question || "";
      $("#board-note").required = "needsNote" in step.dataset;
      $("#board-dialog-title").textContent = `${card.dataset.reference}: ${step.dataset.label}`;
    };
    const plain = (step) => step.dataset.event !== "assign" && !step.dataset.question;
    if (steps.length === 1 && plain(steps[0])) return { event: steps[0].dataset.event };
    if (steps.some((step) => step.dataset.event === "assign")) await workers(card);
    $("#board-choice").replaceChildren(...steps.map((step, at) => new Option(step.dataset.label, at)));
    show("choice", steps.length > 1);
    $("#board-note").value = "";
    $("#board-choice").onchange = draw;
    draw();
    dialog.returnValue = "no";
    dialog.showModal();
    await new Promise((done) => dialog.addEventListener("close", done, { once: true }));
    if (dialog.returnValue !== "yes") return null;
    const step = chosen();
    const fields = { event: step.dataset.event };
    if (step.dataset.question) fields.note = $("#board-note").value;
    if (step.dataset.event === "assign") Object.assign(fields, { user_id: $("#board-worker").value, outside_party: $("#board-outside").value });
    return fields;
  };

  // -- moving ------------------------------------------------------------------------------------------------

  const move = async (card, steps) => {
    refuse("");
    const fields = await ask(card, steps);
    if (!fields) return;
    const home = card.parentElement, next = card.nextElementSibling;
    const target = $(`.board-column[data-state="${steps[0].dataset.to}"]`);
    busy = true;
    card.classList.add("busy");
    if (new Set(steps.map((step) => step.dataset.to)).size === 1) $(".board-cards", target).prepend(card);
    try {
      const answer = await post(`${location.pathname.replace(/\/$/, "")}/move/${card.dataset.id}`, fields);
      const words = $(`#column-${answer.state} .badge`)?.textContent || answer.state;
      say(board.dataset.moved.replace("{reference}", card.dataset.reference).replace("{state}", words));
    } catch (error) {
      home.insertBefore(card, next); // the card goes back where it was, and the sentence says why
      refuse(`${card.dataset.reference}: ${error.message}`);
    }
    card.classList.remove("busy");
    busy = false;
    await refresh(true, card.id);
  };

  board.addEventListener("click", (event) => {
    const button = event.target.closest("[data-event]");
    if (button) move(button.closest(".board-card"), [button]);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-board-dismiss]")) refuse("");
  });

  // -- dragging ----------------------------------------------------------------------------------------------

  const stepsTo = (card, column) => stepsOf(card).filter((step) => step.dataset.to === column.dataset.state);
  const stop = () => {
    dragged?.classList.remove("dragged");
    dragged = null;
    for (const column of $$(".board-column")) column.classList.remove("may-drop", "may-not", "over");
  };
  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest(".board-card");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.reference);
    dragged.classList.add("dragged");
    for (const column of $$(".board-column")) {
      const home = column.contains(dragged);
      column.classList.toggle("may-drop", !home && stepsTo(dragged, column).length > 0);
      column.classList.toggle("may-not", !home && stepsTo(dragged, column).length === 0);
    }
  });
  board.addEventListener("dragover", (event) => {
    const column = event.target.closest(".board-column.may-drop");
    for (const other of $$(".board-column.over")) if (other !== column) other.classList.remove("over");
    if (!dragged || !column) return;
    event.preventDefault();
    column.classList.add("over");
  });
  board.addEventListener("drop", (event) => {
    const column = event.target.closest(".board-column.may-drop");
    if (!dragged || !column) return;
    event.preventDefault();
    const card = dragged;
    stop();
    move(card, stepsTo(card, column));
  });
  board.addEventListener("dragend", stop);

  // -- looking for changes -----------------------------------------------------------------------------------

  const occupied = () => busy || dragged || dialog.open || $("details[open]", board) || document.hidden;

  const refresh = async (now = false, focus = "") => {
    if (!now && occupied()) return;
    const url = new URL(location.href);
    url.searchParams.set("part", "columns");
    url.hash = "";
    let answer;
    try {
      answer = await fetch(url, { headers: now ? {} : { "If-None-Match": `"${board.dataset.tag}"` }, cache: "no-store" });
    } catch { return; } // no network just now: the next look may have one
    if (answer.status !== 200 || (!now && occupied())) return;
    const scrolls = $$(".board-cards").map((list) => list.scrollTop);
    const active = document.activeElement?.closest?.(".board-card")?.id || "";
    board.innerHTML = await answer.text();
    board.dataset.tag = (answer.headers.get("ETag") || "").replace(/^W\//, "").replaceAll('"', "");
    $$(".board-cards").forEach((list, at) => { list.scrollTop = scrolls[at] || 0; });
    const card = document.getElementById(focus || active);
    if (card && (active || focus)) ($("summary", card) || $("a", card))?.focus({ preventScroll: !focus });
  };
  setInterval(refresh, POLL_MILLISECONDS);
})();
