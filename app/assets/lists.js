// Lists: rows chosen and walked by keyboard, a tidy address, columns in another order, density.
import { $, $$, on } from "./dom.js";

const YEAR = 31536000; // seconds

// -- choosing rows ------------------------------------------------------------------------------------------------

const bulk = $("#bulk");
const boxes = () => $$("input[name=rowid]");
let last = null; // the box that was clicked before, where a range begins

const count = () => {
  if (!bulk) return;
  const all = boxes(), chosen = all.filter((box) => box.checked).length, head = $("[data-check-all]");
  const everything = bulk.elements.all.value === "1" && chosen === all.length;
  if (!everything) bulk.elements.all.value = "";
  const more = $("[data-select-all]", bulk), text = $(".bulk-count", bulk);
  $(".bulk", bulk).classList.toggle("none", chosen === 0);
  text.textContent = chosen ? text.dataset.text.replace("#", (everything ? Number(more.dataset.selectAll) : chosen).toLocaleString()) : "";
  head.checked = chosen > 0 && chosen === all.length;
  head.indeterminate = chosen > 0 && chosen < all.length;
  if (more) more.hidden = everything || chosen < all.length;
  $("[data-select-none]", bulk).hidden = false;
  for (const box of all) box.closest("tr").classList.toggle("chosen", box.checked);
};
const chooseAll = (wanted) => {
  for (const box of boxes()) box.checked = wanted;
  count();
};
on("change", "[data-check-all]", (_event, box) => chooseAll(box.checked));
on("change", "input[name=rowid]", count);
on("click", "input[name=rowid]", (event, box) => {
  const all = boxes();
  if (event.shiftKey && last && last !== box) {
    const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
    for (const one of all.slice(from, to + 1)) one.checked = box.checked;
  }
  last = box;
});
on("click", "[data-select-all]", () => { bulk.elements.all.value = "1"; count(); });
on("click", "[data-select-none]", () => { chooseAll(false); $("[data-check-all]").focus(); });
count();

// A page that the browser kept is another form when it comes back: what it sends then is not the same again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of $$("#bulk, .view-form")) form.elements._once.value = crypto.randomUUID();
  count();
});

// What became of an action is told in answer to it: loading this page again shows the list and acts on nothing.
const outcome = $(".outcome[data-address]");
if (outcome) history.replaceState(null, "", outcome.dataset.address);

// -- opening and walking ------------------------------------------------------------------------------------------

const rows = () => $$(".table[data-shortcuts] tbody tr");
const opener = (row) => $(".row-link", row);

on("click", ".table[data-shortcuts] tbody tr", (event, row) => {
  const link = opener(row);
  if (!link || event.target.closest("a, button, input, label, summary") || String(getSelection())) return;
  if ($("input", event.target)) { $("input", row).click(); return; }
  if (event.metaKey || event.ctrlKey) window.open(link.href);
  else link.click();
});

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (event.key === "Enter" && event.target.matches("input[name=rowid]")) { opener(event.target.closest("tr")).click(); return; }
  const typing = event.target.matches("textarea, select, input:not([type=checkbox])") || event.target.isContentEditable;
  if (typing || !["j", "k", "x"].includes(event.key)) return;
  const all = rows(), here = all.indexOf(event.target.closest("tr"));
  if (!all.length) return;
  if (event.key === "x") {
    const box = here >= 0 && $("input[name=rowid]", all[here]);
    if (!box) return;
    event.preventDefault();
    box.click();
    return;
  }
  event.preventDefault();
  const next = here < 0 ? 0 : here + (event.key === "j" ? 1 : -1);
  if (all[next]) opener(all[next]).focus(); // Enter opens it: it is a link
});

// On a phone a row is a card: beside each value stands the name of its column.
const label = () => {
  for (const table of $$(".table:not([data-labelled])")) {
    table.dataset.labelled = "";
    const names = $$("thead th", table).map((head) => head.textContent.trim());
    for (const row of $$("tbody tr", table)) {
      let at = 0; // a cell across several columns speaks for itself
      for (const cell of row.cells) {
        if (names[at] && cell.colSpan === 1 && !$(".row-link", cell)) cell.dataset.label ||= names[at];
        at += cell.colSpan;
      }
    }
  }
};
if (matchMedia("(max-width: 48rem)").matches) {
  label();
  new MutationObserver(label).observe($("main"), { childList: true, subtree: true });
}

// A text that does not fit is shown whole on hover.
on("mouseover", ".table td", (_event, cell) => {
  if (cell.scrollWidth > cell.clientWidth && !cell.title && !$("[title]", cell)) cell.title = cell.textContent.trim();
});

// -- the form that holds the state of the list: an address says only what is not so anyway ------------------------

const form = $("#list-form");
const columns = $("[data-columns]");
form?.addEventListener("submit", () => {
  for (const field of form.elements) {
    if (field.name && !field.value && !field.disabled) { field.disabled = true; }
  }
  const chosen = $$("input:checked", columns).map((box) => box.value).join();
  if (columns && chosen === columns.dataset.columns) for (const box of $$("input", columns)) box.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const field of form?.elements || []) field.disabled = false;
});
on("change", "[data-preset]", (_event, select) => {
  if (select.value) for (const day of $$("input[type=date]", select.parentElement)) day.value = "";
});
on("change", ".period input", (_event, day) => {
  if (day.value) $("[data-preset]", day.closest(".filter-control")).value = "";
});
document.addEventListener("toggle", (event) => { // a filter that opens is there to be typed in
  if (event.target.open && event.target.closest?.(".add-filter .pop, .chips")) {
    $("input:not([type=hidden], [hidden]), select:not([hidden])", event.target)?.focus();
  }
}, true);

// -- columns in another order: dragged, or by their buttons --------------------------------------------------------

const move = (item, by) => {
  const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(item);
  else other.after(item);
};
for (const item of columns?.children || []) {
  item.draggable = true;
  for (const [by, sign, text] of [[-1, "↑", columns.dataset.up], [1, "↓", columns.dataset.down]]) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "icon-button", textContent: sign });
    button.setAttribute("aria-label", `${text}: ${item.textContent.trim().replace(/[↑↓]/g, "")}`);
    button.addEventListener("click", () => { move(item, by); button.focus(); });
    item.append(button);
  }
}
let dragged = null;
columns?.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("li");
  event.dataTransfer.effectAllowed = "move";
});
columns?.addEventListener("dragover", (event) => {
  const over = event.target.closest("li");
  if (!dragged || !over || over === dragged) return;
  event.preventDefault();
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(dragged);
  else over.after(dragged);
});
columns?.addEventListener("drop", (event) => event.preventDefault());
columns?.addEventListener("dragend", () => { dragged = null; });

// -- density, remembered on this device ----------------------------------------------------------------------------

const density = $("[data-density]");
if (density) density.hidden = false;
on("click", "[data-density]", (_event, button) => {
  const compact = $(".table[data-shortcuts]")?.classList.toggle("compact") ?? false;
  button.setAttribute("aria-pressed", String(compact));
  document.cookie = `density=${compact ? "compact" : ""}; path=/; max-age=${compact ? YEAR : 0}; samesite=lax`;
});
