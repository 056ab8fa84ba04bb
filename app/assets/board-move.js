// Carrying a card to another column: with a mouse, with a finger that rests on it first, or with the keyboard.
// Columns that it cannot go to are greyed, and say why while it is over them.
import { $, $$ } from "./dom.js";

const STARTS_AFTER = 6, REST = 300, EDGE = 56, PACE = 14; // pixels, milliseconds, pixels, pixels a frame
let held = null; // { card, steps by state, ghost?, column? } while a card is carried

export const carrying = () => held !== null;

export const startMoving = ({ board, words, stepsOf, move, say, fill, focusCard, tabTo }) => {
  const columns = () => $$(".board-column", board);
  const nameOf = (column) => $("h2 .badge", column).textContent;

  // -- what both ways share --------------------------------------------------------------------------------------------

  const reason = (card, column) => JSON.parse(card.dataset.refusals || "{}")[column.dataset.state]
    || fill(words.noStep, { from: nameOf(card.closest(".board-column")), to: nameOf(column) });
  const meaning = (column) => {
    if (column.contains(held.card)) return "";
    const steps = held.steps[column.dataset.state];
    return steps ? fill(words.over, { state: nameOf(column), step: steps.map((step) => step.label).join(" / ") }) : reason(held.card, column);
  };

  const pickUp = (card, byKeys) => {
    held = { card, steps: Object.groupBy(stepsOf(card), (step) => step.to), column: null };
    card.classList.add("carried");
    board.classList.add("carrying");
    board.classList.toggle("by-keys", byKeys);
    for (const column of columns()) {
      const home = column.contains(card);
      column.classList.toggle("may-drop", !home && column.dataset.state in held.steps);
      column.classList.toggle("may-not", !home && !(column.dataset.state in held.steps));
    }
  };
  const hover = (column) => {
    if (column === held.column) return;
    held.column?.classList.remove("over");
    held.column = column;
    column?.classList.add("over");
    if (held.caption) {
      held.caption.textContent = column ? meaning(column) : "";
      held.caption.classList.toggle("not", Boolean(column?.matches(".may-not")));
    }
  };
  const putDown = (column) => {
    const { card, steps, ghost } = held;
    ghost?.remove();
    card.classList.remove("carried");
    board.classList.remove("carrying", "by-keys");
    for (const one of columns()) one.classList.remove("may-drop", "may-not", "over");
    held = null;
    const taken = column && steps[column.dataset.state];
    if (taken) move(card, taken);
    else document.dispatchEvent(new Event("board:free")); // what changed meanwhile may be drawn now
    return Boolean(taken);
  };

  // -- mouse and finger ------------------------------------------------------------------------------------------------

  let press = null; // { card, x, y, type, timer } between pressing and moving

  const lift = (event) => {
    const { card } = press, box = card.getBoundingClientRect();
    release();
    pickUp(card, false);
    const ghost = card.cloneNode(true);
    for (const one of [ghost, ...$$("[id]", ghost)]) one.removeAttribute("id");
    ghost.className = "board-card board-ghost";
    ghost.ariaHidden = "true";
    ghost.inert = true;
    Object.assign(ghost.style, { width: `${box.width}px`, left: `${box.left}px`, top: `${box.top}px` });
    const caption = document.createElement("p");
    caption.className = "board-caption";
    ghost.append(caption);
    document.body.append(ghost);
    Object.assign(held, { ghost, caption, x: event.clientX, y: event.clientY, touch: event.pointerType === "touch", pointer: event.pointerId });
    follow(event);
    requestAnimationFrame(scroll);
  };
  const follow = (event) => {
    Object.assign(held, { atX: event.clientX, atY: event.clientY });
    held.ghost.style.transform = `translate(${held.atX - held.x}px, ${held.atY - held.y}px) rotate(1.5deg)`;
    aim();
  };
  const aim = () => { // beyond the left or right edge means the column there
    const box = board.getBoundingClientRect(), x = Math.max(box.left + 4, Math.min(box.right - 4, held.atX));
    hover(document.elementFromPoint(x, held.atY)?.closest(".board-column") || null);
  };
  // Near an edge the board, or the column, scrolls on.
  const scroll = () => {
    if (!held?.ghost) return;
    const near = (at, low, high) => (at < low + EDGE ? -PACE : at > high - EDGE ? PACE : 0);
    const box = board.getBoundingClientRect(), list = held.column && $(".board-cards", held.column);
    board.scrollLeft += near(held.atX, box.left, box.right);
    if (list) list.scrollTop += near(held.atY, list.getBoundingClientRect().top, list.getBoundingClientRect().bottom);
    aim();
    requestAnimationFrame(scroll);
  };
  const release = () => {
    clearTimeout(press?.timer);
    press = null;
  };

  board.addEventListener("pointerdown", (event) => {
    const card = event.target.closest(".board-card");
    if (!card?.dataset.steps || event.button !== 0 || held || !event.isPrimary || event.target.closest("button") || card.matches(".busy")) return;
    press = { card, x: event.clientX, y: event.clientY, type: event.pointerType };
    if (event.pointerType === "touch") press.timer = setTimeout(() => press && lift(event), REST);
  });
  document.addEventListener("pointermove", (event) => {
    if (held?.ghost) {
      if (event.pointerId === held.pointer) follow(event);
    } else if (press && Math.hypot(event.clientX - press.x, event.clientY - press.y) > STARTS_AFTER) {
      if (press.type === "touch") release(); // a finger that moves at once scrolls
      else lift(event);
    }
  });
  document.addEventListener("pointerup", (event) => {
    release();
    if (!held?.ghost || event.pointerId !== held.pointer) return;
    // The click that follows must not open the request.
    const swallow = (click) => { click.preventDefault(); click.stopPropagation(); };
    document.addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => document.removeEventListener("click", swallow, { capture: true }));
    const { card } = held, stays = !putDown(held.column);
    if (stays) tabTo(card);
  });
  document.addEventListener("pointercancel", () => {
    release();
    if (held?.ghost) putDown(null);
  });
  board.addEventListener("touchmove", (event) => { if (held?.ghost) event.preventDefault(); }, { passive: false });
  board.addEventListener("contextmenu", (event) => { if (held?.ghost || press?.type === "touch") event.preventDefault(); });
  board.addEventListener("dragstart", (event) => event.preventDefault());

  // -- keyboard --------------------------------------------------------------------------------------------------------

  const cardsIn = (column) => $$(".board-card", column);
  const beside = (card, way) => {
    const all = columns().filter((column) => cardsIn(column).length), here = card.closest(".board-column");
    const next = cardsIn(all[all.indexOf(here) + way] || here);
    return next[Math.min(cardsIn(here).indexOf(card), next.length - 1)];
  };
  const look = (card, key) => {
    const own = cardsIn(card.closest(".board-column")), at = own.indexOf(card);
    const to = { ArrowDown: () => own[at + 1], ArrowUp: () => own[at - 1], Home: () => own[0], End: () => own.at(-1),
      ArrowRight: () => beside(card, 1), ArrowLeft: () => beside(card, -1) }[key];
    if (to) focusCard(to() || card);
    return Boolean(to);
  };
  const carry = (key) => {
    const { card } = held, all = columns();
    const at = all.indexOf(held.column || card.closest(".board-column"));
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const column = all[Math.max(0, Math.min(all.length - 1, at + (key === "ArrowRight" ? 1 : -1)))];
      hover(column);
      column.scrollIntoView({ block: "nearest", inline: "nearest" });
      say(meaning(column) || fill(words.back, card.dataset));
    } else if (key === " " || key === "Enter") {
      const column = held.column;
      if (column?.matches(".may-not")) say(meaning(column)); // it stays in the hand
      else if (!putDown(column)) say(fill(words.back, card.dataset));
    } else if (key === "Escape" || key === "Tab") {
      putDown(null);
      say(fill(words.back, card.dataset));
      return key === "Escape";
    }
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (held?.ghost) {
      if (event.key === "Escape") putDown(null);
      return;
    }
    const link = event.target.closest?.(".board-card .board-link");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const card = link.closest(".board-card");
    let ours = false;
    if (held) {
      ours = carry(event.key);
    } else if (event.key === " ") {
      ours = true;
      if (card.dataset.steps && !card.matches(".busy")) {
        pickUp(card, true);
        say(fill(words.picked, card.dataset));
      } else say(fill(words.nowhere, card.dataset));
    } else {
      ours = look(card, event.key);
    }
    if (ours) {
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);
  board.addEventListener("focusout", () => { if (held && !held.ghost) putDown(null); });
  board.addEventListener("focusin", (event) => {
    const card = event.target.closest(".board-card");
    if (card) tabTo(card);
  });
};
