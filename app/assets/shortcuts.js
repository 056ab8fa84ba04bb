// Keyboard shortcuts. Any element with data-keys ("c", "g h") is pressed by them, or the first that its data-press finds;
// a page with keys of its own lists them in data-shortcuts='[["j", "Next row"]]'. `?` shows all that work here.
import { $, $$, on } from "./dom.js";

const dialog = $("#shortcuts");
const OFF = "shortcuts"; // in localStorage: "off"
const PAUSE = 1200; // milliseconds between the keys of one shortcut
const isOff = () => localStorage.getItem(OFF) === "off";
const isTyping = (target) => target.isContentEditable
  || target.matches?.("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=range])");

let begun = "", timer = 0;

const pressed = (element) => {
  if (!element.dataset.press) return element;
  return $$(element.dataset.press).find((one) => !one.closest("dialog")) || null;
};

if (dialog) {
  // Before everybody else: whoever switched single letters off gets none of them, here or on the pages' own.
  window.addEventListener("keydown", (event) => {
    const single = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (single && isOff() && !isTyping(event.target)) event.stopImmediatePropagation();
  }, true);

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length !== 1) return;
    if (isTyping(event.target) || $("dialog[open]")) return;
    const keys = begun ? `${begun} ${event.key}` : event.key;
    begun = "";
    clearTimeout(timer);
    const all = $$("[data-keys]");
    const found = all.filter((one) => one.dataset.keys === keys).map(pressed).find(Boolean);
    if (found) {
      event.preventDefault();
      found.click();
    } else if (all.some((one) => one.dataset.keys.startsWith(`${keys} `))) {
      event.preventDefault();
      begun = keys;
      timer = setTimeout(() => { begun = ""; }, PAUSE);
    }
  });

  const row = (keys, text) => {
    const made = document.createElement("div"), term = document.createElement("dt"), says = document.createElement("dd");
    made.className = "shortcut";
    made.dataset.added = "";
    term.append(...keys.split(" ").map((key) => Object.assign(document.createElement("kbd"), { textContent: key })));
    says.textContent = text;
    made.append(term, says);
    return made;
  };
  const fill = () => {
    for (const old of $$("[data-added]", dialog)) old.remove();
    const own = $$("[data-keys]").filter((one) => !one.closest("dialog") && !one.closest("#sidebar"));
    const listed = $$("[data-shortcuts]").flatMap((one) => JSON.parse(one.dataset.shortcuts));
    $("[data-shortcuts-here] dl", dialog).append(
      ...own.map((one) => row(one.dataset.keys, one.getAttribute("aria-label") || one.textContent.trim())),
      ...listed.map(([keys, text]) => row(keys, text)));
    $("[data-shortcuts-go] dl", dialog).append(...$$("#sidebar [data-keys]").map((one) => row(one.dataset.keys, one.title)));
    for (const one of $$("[data-shortcuts-here] [data-press]", dialog)) one.hidden = !pressed(one);
    const here = $("[data-shortcuts-here]", dialog);
    here.hidden = !$(".shortcut:not([hidden])", here);
  };
  on("click", "[data-open-shortcuts]", () => {
    fill();
    $("#shortcuts-on").checked = !isOff();
    for (const menu of $$("details.menu[open]")) menu.open = false;
    dialog.showModal();
  });
  on("change", "#shortcuts-on", (_event, box) => {
    if (box.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "off");
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
}
