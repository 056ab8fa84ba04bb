// What the board asks before a step: the menu of a card, and the dialog for words or a person.
import { $, $$, get } from "./dom.js";

// -- the menu of a card, one for all ---------------------------------------------------------------------------------

export const menu = (button, steps, choose) => {
  const list = $("#board-steps");
  list.replaceChildren(...steps.map((step) => {
    const item = document.createElement("button");
    Object.assign(item, { type: "button", role: "menuitem", tabIndex: -1, textContent: step.label });
    item.dataset.event = step.name;
    item.addEventListener("click", () => {
      list.hidePopover();
      button.focus();
      choose(step);
    });
    return item;
  }));
  list.setAttribute("aria-label", button.getAttribute("aria-label"));
  list.showPopover();
  const here = button.getBoundingClientRect(), own = list.getBoundingClientRect();
  list.style.left = `${Math.max(8, Math.min(here.right - own.width, innerWidth - own.width - 8))}px`;
  list.style.top = `${here.bottom + own.height + 8 > innerHeight ? Math.max(8, here.top - own.height - 4) : here.bottom + 4}px`;
  list.firstElementChild.focus();
  button.setAttribute("aria-expanded", "true");
  list.addEventListener("toggle", () => button.setAttribute("aria-expanded", "false"), { once: true });
  list.onkeydown = (event) => {
    const items = [...list.children], at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      list.hidePopover();
      button.focus();
    } else if (to !== undefined) {
      event.preventDefault();
      items[to % items.length].focus();
    }
  };
};

// -- the dialog ------------------------------------------------------------------------------------------------------

const dialog = $("#board-dialog");
const show = (what, shown) => { for (const field of $$(`[data-asks=${what}]`, dialog)) field.hidden = !shown; };
const complain = (sentence) => {
  $("#board-dialog-error").textContent = sentence;
  $("#board-dialog-error").hidden = !sentence;
};

const fillWorkers = async (card, root) => {
  const answer = await get(`${root}/workers/${card.dataset.id}`, { headers: { Accept: "application/json" } });
  const found = answer.ok ? (await answer.json()).workers : [];
  $("#board-worker").replaceChildren(new Option("—", ""), ...found.map((one) => new Option(one.name, one.id)));
  $("#board-outside").value = "";
};

// Asks, and sends the answers with `send`. A refusal is shown beside them, so that nothing typed is lost; resolves
// to what the server answered, or to null if the person thought better of it.
export const ask = async (card, steps, root, send) => {
  const chosen = () => steps[Number($("#board-choice").value)] || steps[0];
  const draw = () => {
    const step = chosen();
    show("worker", step.name === "assign");
    show("moment", step.asksMoment);
    show("note", Boolean(step.question));
    $("label[for=board-note]").textContent = step.question;
    $("#board-note").required = step.needsNote;
    $("#board-dialog-title").textContent = `${card.dataset.reference}: ${step.label}`;
    $("button[value=yes]", dialog).textContent = step.label;
  };
  if (steps.some((step) => step.name === "assign")) await fillWorkers(card, root);
  $("#board-choice").replaceChildren(...steps.map((step, at) => new Option(step.label, at)));
  show("choice", steps.length > 1);
  for (const field of $$("#board-note, #board-moment")) field.value = "";
  complain("");
  $("#board-choice").onchange = draw;
  draw();
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    let answer = null;
    const form = $("form", dialog);
    form.onsubmit = async (event) => {
      if (event.submitter?.value === "no") return;
      event.preventDefault();
      if (form.ariaBusy === "true") return;
      form.ariaBusy = "true";
      complain("");
      const step = chosen(), fields = { event: step.name };
      if (step.question) fields.note = $("#board-note").value;
      if (step.asksMoment) fields.at = $("#board-moment").value;
      if (step.name === "assign") Object.assign(fields, { user_id: $("#board-worker").value, outside_party: $("#board-outside").value });
      try {
        answer = await send(fields);
        dialog.close("yes");
      } catch (error) {
        complain(error.status ? error.message : $("#board").dataset.offline);
      }
      form.ariaBusy = "false";
    };
    dialog.addEventListener("close", () => resolve(answer), { once: true });
  });
};
