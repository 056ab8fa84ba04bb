// Combobox: a select whose options the server finds (the pattern of ARIA 1.2: the keyboard stays in the box).
import { $, $$, on, get } from "./dom.js";

const words = $("#combobox-words")?.dataset || {};
const chosen = (select) => select.selectedOptions[0]?.textContent.trim() || "";

export const combobox = (select) => {
  if (select.hidden) return;
  const box = document.createElement("div"), popup = document.createElement("div");
  const input = document.createElement("input"), list = document.createElement("ul");
  const clear = Object.assign(document.createElement("button"), { type: "button", className: "combobox-clear", tabIndex: -1, textContent: "×" });
  let options = [], active = -1, timer = 0, request = 0;
  box.className = "combobox";
  Object.assign(popup, { className: "combobox-popup", hidden: true });
  list.id = `${select.id}-list`;
  list.setAttribute("role", "listbox");
  Object.assign(input, { type: "text", className: "form-control", autocomplete: "off", id: `${select.id}-text`, dir: "auto", spellcheck: false });
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list", "aria-haspopup": "listbox" })) input.setAttribute(name, value);
  for (const name of ["aria-describedby", "aria-invalid", "aria-label"]) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  const label = $(`label[for="${select.id}"]`);
  if (label) {
    label.htmlFor = input.id;
    label.id ||= `${select.id}-label`;
    list.setAttribute("aria-labelledby", label.id);
  } else list.setAttribute("aria-label", select.getAttribute("aria-label") || "");
  if (select.required) input.setAttribute("aria-required", "true");
  clear.setAttribute("aria-label", `${words.clear || ""} ${label?.firstChild.textContent.trim() || ""}`.trim());
  select.hidden = true;
  select.before(box);
  popup.append(list);
  box.append(input, clear, popup);

  const show = () => {
    input.value = chosen(select);
    clear.hidden = !select.value;
  };
  const close = () => {
    popup.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (option) => {
    select.replaceChildren(new Option("", ""), ...(option ? [new Option(option.label, option.value, true, true)] : []));
    show();
    close();
    for (const type of ["input", "change"]) select.dispatchEvent(new Event(type, { bubbles: true }));
  };
  const mark = (index) => {
    active = (index + options.length) % options.length;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    const marked = list.children[active];
    input.setAttribute("aria-activedescendant", marked.id);
    marked.scrollIntoView({ block: "nearest" });
  };
  const item = (text, more) => {
    const made = Object.assign(document.createElement("li"), { role: "option", textContent: text, ...more });
    made.setAttribute("aria-selected", "false");
    return made;
  };
  const note = (text) => item(text, { className: "muted", ariaDisabled: "true" });
  const above = () => (select.dataset.depends || "").split(" ").filter(Boolean)
    .map((name) => [name, select.form?.elements[name]?.value]).filter(([, value]) => value);
  // What is missing can be made beside, in a tab of its own; the box asks again when it is looked at again.
  if (select.dataset.new) {
    const link = Object.assign(document.createElement("a"), { className: "combobox-new", target: "_blank", rel: "noopener", textContent: select.dataset.newText });
    popup.append(link);
    link.addEventListener("click", () => {
      const url = new URL(select.dataset.new, location.href);
      for (const [name, value] of above()) url.searchParams.set(name, value);
      link.href = url;
    });
    Object.assign(link, { href: select.dataset.new, tabIndex: -1 });
  }
  popup.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus; a finger may scroll
  const draw = () => {
    list.replaceChildren(...options.map((option, at) => {
      const made = item(option.label, { id: `${list.id}-${at}` });
      made.addEventListener("click", () => choose(option));
      return made;
    }));
    if (!options.length) list.append(note(words.none || "—"));
    active = -1;
    popup.hidden = false;
    input.setAttribute("aria-expanded", "true");
    input.removeAttribute("aria-activedescendant");
  };
  const load = async () => {
    const mine = ++request;
    const url = new URL(select.dataset.combobox, location.href);
    url.searchParams.set("q", input.value === chosen(select) ? "" : input.value);
    for (const [name, value] of above()) url.searchParams.set(name, value);
    if (popup.hidden) {
      list.replaceChildren(note(words.busy || "…"));
      popup.hidden = false;
    }
    const response = await get(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (mine !== request || document.activeElement !== input) return;
    if (!response?.ok) { close(); return; }
    options = (await response.json()).options;
    draw();
  };
  input.addEventListener("focus", () => { input.select(); load(); });
  input.addEventListener("click", () => popup.hidden && load());
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, 150);
  });
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    request += 1;
    close();
    if (!input.value.trim() && select.value) choose(null);
    else show();
  });
  input.addEventListener("keydown", (event) => {
    const { key } = event, open = !popup.hidden && options.length > 0;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (popup.hidden) load();
      else if (open) mark(key === "ArrowDown" ? active + 1 : active < 0 ? options.length - 1 : active - 1);
    } else if (key === "Enter" && open) {
      event.preventDefault(); // of a list, Enter chooses; it does not send the form
      choose(options[Math.max(active, 0)]);
    } else if (key === "Escape" && !popup.hidden) {
      event.stopPropagation();
      close();
    } else if (key === "Escape") show();
  });
  clear.addEventListener("pointerdown", (event) => event.preventDefault());
  clear.addEventListener("click", () => {
    choose(null);
    input.focus();
  });
  select.addEventListener("combobox:show", show);
  show();
};

// What depended on the choice before may not fit the new one.
on("change", "select, input", ({ target }) => {
  if (!target.name) return;
  for (const other of $$("select[data-depends]", target.form || document)) {
    if (!other.dataset.depends.split(" ").includes(target.name) || !other.value) continue;
    other.replaceChildren(new Option("", ""));
    other.dispatchEvent(new Event("combobox:show"));
    other.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

for (const select of $$("select[data-combobox]")) combobox(select);
