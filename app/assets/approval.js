// A submission under review: documents beside the answers, enlarged and turned; hidden values shown in place.
import { $, $$, get, on } from "./dom.js";

// -- documents ------------------------------------------------------------------------------------------------

const MOST = 8, STEP = 1.25, MOVE = 60, KEPT = 60;
const TURNS = "documents-turned"; // on this device alone: which documents this reader has turned, the last ones

const turns = () => {
  try {
    return new Map(JSON.parse(localStorage.getItem(TURNS) || "[]"));
  } catch {
    return new Map(); // storage is full or forbidden: nothing is kept
  }
};
const keepTurn = (key, turn) => {
  const kept = turns();
  kept.delete(key);
  if (turn) kept.set(key, turn);
  try {
    localStorage.setItem(TURNS, JSON.stringify([...kept].slice(-KEPT)));
  } catch {
    // the same
  }
};

const viewer = (box) => {
  const links = $$("[data-paper]", box), stage = $(".paper-stage", box), tools = $(".paper-tools", box), state = $(".paper-state", box), help = $(".paper-help", box);
  const words = JSON.parse(state.dataset.words);
  let at = -1, view = { size: 1, turn: 0, x: 0, y: 0 };

  const draw = () => {
    const image = $("img", stage);
    if (!image) return;
    const { width, height } = stage.getBoundingClientRect();
    const most = [(width * (view.size - 1)) / 2, (height * (view.size - 1)) / 2];
    [view.x, view.y] = [view.x, view.y].map((value, axis) => Math.min(Math.max(value, -most[axis]), most[axis]));
    // Lying on its side it still fits: as much smaller as its longer side needs.
    const ratio = image.naturalWidth ? Math.min(width / image.naturalWidth, height / image.naturalHeight) : 1;
    const lying = view.turn % 180 && image.naturalWidth ? Math.min(width / image.naturalHeight, height / image.naturalWidth) / ratio : 1;
    image.style.transform = `translate(${view.x}px, ${view.y}px) rotate(${view.turn}deg) scale(${view.size * lying})`;
    stage.classList.toggle("enlarged", view.size > 1);
    say();
  };
  const say = () => {
    const place = words.place.replace("{name}", links[at].dataset.name).replace("{at}", at + 1).replace("{all}", links.length);
    state.textContent = links[at].dataset.kind === "image" ? `${place} · ${Math.round(view.size * 100)} %` : place;
  };
  const resize = (factor, point) => {
    const size = Math.min(Math.max(view.size * factor, 1), MOST), { left, top, width, height } = stage.getBoundingClientRect();
    const [dx, dy] = point ? [point.clientX - left - width / 2, point.clientY - top - height / 2] : [0, 0];
    // What lies under the pointer stays there.
    view = { ...view, x: dx - (dx - view.x) * (size / view.size), y: dy - (dy - view.y) * (size / view.size), size };
    draw();
  };
  const turn = (by) => {
    view = { size: 1, x: 0, y: 0, turn: (view.turn + by + 360) % 360 };
    keepTurn(links[at].dataset.paper, view.turn);
    draw();
  };
  const open = (number) => {
    at = (number + links.length) % links.length;
    const link = links[at], isImage = link.dataset.kind === "image";
    view = { size: 1, x: 0, y: 0, turn: turns().get(link.dataset.paper) || 0 };
    for (const one of links) one.toggleAttribute("aria-current", one === link);
    for (const one of [stage, tools, state, help]) one.hidden = false;
    for (const one of $$("[data-deed]", tools)) one.disabled = !isImage && !["before", "after"].includes(one.dataset.deed) || links.length < 2 && ["before", "after"].includes(one.dataset.deed);
    $("[data-outside]", tools).href = link.href;
    help.hidden = !isImage;
    stage.setAttribute("aria-label", link.dataset.name);
    if (!isImage && !navigator.pdfViewerEnabled) {
      stage.hidden = true;
      state.textContent = words.elsewhere;
      return;
    }
    const shown = document.createElement(isImage ? "img" : "iframe");
    if (isImage) Object.assign(shown, { alt: link.dataset.name, draggable: false, onload: draw, onerror: () => { state.textContent = words.failed; } });
    else shown.title = link.dataset.name;
    shown.src = link.href;
    stage.replaceChildren(shown);
    say();
  };

  const deeds = {
    before: () => open(at - 1), after: () => open(at + 1), larger: () => resize(STEP), smaller: () => resize(1 / STEP), left: () => turn(-90), right: () => turn(90),
    fit: () => { view = { ...view, size: 1, x: 0, y: 0 }; draw(); },
  };
  const keys = { "+": "larger", "=": "larger", "-": "smaller", 0: "fit", r: "right", R: "left", n: "after", p: "before" };
  const moves = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };
  tools.addEventListener("click", ({ target }) => deeds[target.closest("[data-deed]")?.dataset.deed]?.());
  stage.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (keys[event.key] && (links[at].dataset.kind === "image" || ["n", "p"].includes(event.key))) deeds[keys[event.key]]();
    else if (moves[event.key] && view.size > 1) {
      view = { ...view, x: view.x + moves[event.key][0], y: view.y + moves[event.key][1] };
      draw();
    } else return;
    event.preventDefault();
    event.stopPropagation(); // no shortcut of the console's as well
  });
  // The wheel enlarges where one works with the document; elsewhere, and before, it scrolls the page as ever.
  stage.addEventListener("wheel", (event) => {
    if (!$("img", stage) || !(event.ctrlKey || stage.contains(document.activeElement))) return;
    event.preventDefault();
    resize(Math.exp(-event.deltaY / 400), event);
  }, { passive: false });
  for (const [number, link] of links.entries()) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      open(number);
    });
  }

  // One finger or the mouse moves, two fingers enlarge.
  const held = new Map();
  const apart = () => {
    const [one, two] = [...held.values()];
    return Math.hypot(one.clientX - two.clientX, one.clientY - two.clientY);
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.tagName !== "IMG") return;
    held.set(event.pointerId, event);
    if (event.pointerType === "mouse" || view.size > 1 || held.size > 1) event.target.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const last = held.get(event.pointerId);
    if (!last) return;
    const before = held.size === 2 ? apart() : 0;
    held.set(event.pointerId, event);
    if (before) {
      const [one, two] = [...held.values()];
      resize(apart() / before, { clientX: (one.clientX + two.clientX) / 2, clientY: (one.clientY + two.clientY) / 2 });
    } else if (view.size > 1) {
      view = { ...view, x: view.x + event.clientX - last.clientX, y: view.y + event.clientY - last.clientY };
      draw();
    }
  });
  for (const type of ["pointerup", "pointercancel"]) stage.addEventListener(type, (event) => held.delete(event.pointerId));
  stage.addEventListener("touchmove", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });
  stage.addEventListener("dblclick", (event) => (view.size > 1 ? deeds.fit() : resize(2.5, event)));
  new ResizeObserver(draw).observe(stage);

  if (box.hasAttribute("data-opens")) open(0);
};
for (const box of $$("[data-viewer]")) if ($("[data-paper]", box)) viewer(box);

// -- hidden values --------------------------------------------------------------------------------------------

on("submit", "form[data-reveal]", async (event, form) => {
  if (event.defaultPrevented) return; // a second click
  event.preventDefault();
  const state = $("#reveal-state"), buttons = $$("button[form=reveal]");
  const asked = event.submitter?.value || "";
  state.textContent = "";
  try {
    const answer = await get(form.action, { method: "POST", body: new FormData(form, event.submitter), headers: { Accept: "application/json" } });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.detail);
    for (const [name, value] of Object.entries(found.values)) {
      const place = $(`[data-value="${name}"]`);
      place.textContent = value;
      place.classList.add("revealed");
      buttons.find((one) => one.value === name)?.remove();
    }
    if (!asked) event.submitter?.remove();
  } catch (error) {
    state.textContent = error.message;
    $("#reveal-note").focus();
  } finally {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});
