// Combobox: a select whose options the server finds.
import { $, $$ } from "./dom.js";

const combobox = (select) => {
  const box = document.createElement("div");
  const input = document.createElement("input");
  const list = document.createElement("ul");
  let options = [], active = -1, timer = 0, request = 0;
  box.className = "combobox";
  list.id = `${select.id}-list`;
  list.hidden = true;
  list.setAttribute("role", "listbox");
  Object.assign(input, { type: "text", className: "form-control", autocomplete: "off", id: `${select.id}-text`, dir: "auto" });
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) input.setAttribute(name, value);
  for (const name of ["aria-describedby", "aria-invalid"]) if (select.hasAttribute(name)) input.setAttribute(name, select.getAttribute(name));
  const label = $(`label[for="${select.id}"]`);
  if (label) label.htmlFor = input.id;
  if (select.required) input.setAttribute("aria-required", "true");
  select.hidden = true;
  select.before(box);
  box.append(input, list);
  input.value = select.selectedOptions[0]?.textContent.trim() || "";

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const choose = (option) => {
    select.replaceChildren(new Option("", ""), ...(option ? [new Option(option.label, option.value, true, true)] : []));
    input.value = option?.label || "";
    close();
    select.dispatchEvent(new Event("input", { bubbles: true }));
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const mark = (index) => {
    active = (index + options.length) % options.length;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === active)));
    input.setAttribute("aria-activedescendant", list.children[active].id);
    list.children[active].scrollIntoView({ block: "nearest" });
  };
  const draw = () => {
    list.replaceChildren(...options.map((option, at) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${at}`;
      item.role = "option";
      item.textContent = option.label;
      item.addEventListener("mousedown", (event) => { event.preventDefault(); choose(option); });
      return item;
    }));
    if (!options.length) list.replaceChildren(Object.assign(document.createElement("li"), { className: "muted", textContent: "—" }));
    active = -1;
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
  };
  const load = async () => {
    const mine = ++request;
    const url = new URL(select.dataset.combobox, location.href);
    const untouched = input.value === (select.selectedOptions[0]?.textContent.trim() || "");
    url.searchParams.set("q", untouched ? "" : input.value);
    for (const name of (select.dataset.depends || "").split(" ").filter(Boolean)) {
      const other = select.form?.elements[name];
      if (other?.value) url.searchParams.set(name, other.value);
    }
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (mine !== request || !response.ok || document.activeElement !== input) return;
    options = (await response.json()).options;
    draw();
  };
  input.addEventListener("focus", load);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, 150);
  });
  input.addEventListener("blur", () => {
    clearTimeout(timer);
    close();
    if (!input.value.trim()) { if (select.value) choose(null); }
    else input.value = select.selectedOptions[0]?.textContent.trim() || "";
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) load();
      else if (options.length) mark(event.key === "ArrowDown" ? active + 1 : active < 0 ? options.length - 1 : active - 1);
    } else if (event.key === "Enter" && !list.hidden && active >= 0) {
      event.preventDefault();
      choose(options[active]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      close();
    }
  });
};

for (const select of $$("select[data-combobox]")) combobox(select);
