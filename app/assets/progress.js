// Long work: the indicator in the top bar, a word when something has ended, and pages that follow what runs. Everything is
// asked for again when a change is told live, and every few seconds while something runs; an ETag keeps that cheap.
import { $, $$, forget, news, on } from "./dom.js";

const EVERY = 2000; // milliseconds, while something runs

// Null, too, when the server cannot be reached just now.
const ask = (url) => news(url, { Accept: "application/json, text/html" }).catch(() => null);

// -- the top bar, and what has ended -------------------------------------------------------------------------------

const indicator = $("[data-tasks]");
const toasts = $("[data-toasts]");
const place = `tasks-told-${$("meta[name=organization]")?.content || ""}`;
let running = false;

// What was told already, in whatever tab of this browser; null in a browser that is here for the first time.
const told = () => {
  try {
    return JSON.parse(localStorage.getItem(place));
  } catch {
    return [];
  }
};

const toast = (task) => {
  const note = document.createElement("div");
  note.className = "toast-note";
  const body = note.appendChild(document.createElement("div"));
  const title = body.appendChild(document.createElement("strong"));
  title.textContent = `${task.end}: ${task.title}`;
  title.dir = "auto";
  if (task.text) body.appendChild(document.createElement("p")).textContent = task.text;
  const link = body.appendChild(document.createElement("a"));
  link.href = task.url;
  link.textContent = toasts.dataset.openLabel;
  const close = note.appendChild(document.createElement("button"));
  close.type = "button";
  close.dataset.closeToast = "";
  close.textContent = toasts.dataset.closeLabel;
  toasts.appendChild(note);
};
on("click", "[data-close-toast]", (_event, button) => button.closest(".toast-note").remove());

const summarize = async () => {
  const response = await ask(indicator.dataset.tasks);
  if (!response) return;
  const { running: count, label, tasks } = await response.json();
  running = count > 0;
  indicator.hidden = !running;
  $("[data-tasks-label]", indicator).textContent = label;
  const ended = tasks.filter((task) => !task.active);
  const before = told();
  const here = $("[data-tasks-list], [data-task]"); // whoever looks at it need not be told
  if (before && !here) for (const task of ended) if (!before.includes(task.id)) toast(task);
  localStorage.setItem(place, JSON.stringify(ended.map((task) => task.id)));
};

// -- pages about it ------------------------------------------------------------------------------------------------

// Rows that changed are put in place, but not under a question that is being answered about one of them.
const follow = async (list) => {
  const response = await ask(list.dataset.tasksList);
  if (!response) return;
  if ($("dialog[open]")) return forget(list.dataset.tasksList);
  const fresh = document.createElement("template");
  fresh.innerHTML = await response.text();
  const rows = $$("[data-row]", fresh.content);
  for (const old of $$("[data-row]", list)) if (!rows.some((row) => row.dataset.row === old.dataset.row)) old.remove();
  rows.forEach((row, index) => {
    const old = $(`[data-row="${row.dataset.row}"]`, list);
    if (!old) list.insertBefore(row, list.children[index] || null);
    else if (old.dataset.version !== row.dataset.version) {
      const place = $$("a, button", old).indexOf(document.activeElement);
      old.replaceWith(row);
      if (place >= 0) ($$("a, button", row)[place] || $("a", row)).focus();
    }
  });
};

const watch = async (part) => {
  const response = await ask(part.dataset.task);
  if (!response) return;
  const task = await response.json();
  if (!task.active) return location.reload();
  const bar = $("progress", part);
  if (task.total) {
    bar.max = task.total;
    bar.value = task.done;
  }
  $(".number", part).textContent = task.text;
  if ("taskBadge" in part.dataset) $(".page-title .badge").outerHTML = task.badge; // the server's own markup
};

const refresh = () => {
  if (document.hidden) return;
  if (indicator) summarize();
  $$("[data-tasks-list]").forEach(follow);
  $$("[data-task]").forEach(watch);
};

if (indicator) {
  summarize();
  setInterval(() => {
    if (running || $("[data-task], [data-tasks-list] [data-active]")) refresh();
  }, EVERY);
  document.addEventListener("visibilitychange", refresh);
  document.addEventListener("live", (event) => {
    if (event.detail.table === "tasks") refresh();
  });
}
