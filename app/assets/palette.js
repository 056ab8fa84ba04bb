// The command palette: what the page offers (sidebar, menus, its own buttons) and what the server finds, in one list.
import { $, $$, on, get } from "./dom.js";

const dialog = $("#palette");
const DELAY = 120; // milliseconds without a key before the server is asked
const KEPT = 8; // pages that are remembered
const SHOWN = 8; // commands of one group
const RECENT = "recent:"; // in localStorage, by organization and person

// -- pages opened last: only labels that their reader saw, and gone when nobody is signed in ---------------------------

const place = `${RECENT}${dialog?.dataset.scope}`;
const recent = () => JSON.parse(localStorage.getItem(place) || "[]");
const remember = (label, url, icon, group) =>
  localStorage.setItem(place, JSON.stringify([{ label, url, icon, group }, ...recent().filter((one) => one.url !== url)].slice(0, KEPT)));

if (!dialog) for (const name of Object.keys(localStorage)) if (name.startsWith(RECENT)) localStorage.removeItem(name);

const iconOf = (element) => element.dataset.icon || $("use", element)?.getAttribute("href").split("#")[1] || "";
const title = $("main h1");
if (dialog && title && !title.closest(".problem")) {
  const screen = $("#sidebar [aria-current]");
  const label = [...title.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join(" ").trim();
  const itself = screen?.pathname === location.pathname;
  remember(itself ? screen.title : label || title.textContent.trim(), location.pathname, screen ? iconOf(screen) : "file", itself ? "" : screen?.title || "");
}

// A step that asks something is taken on the row's page.
const takeStep = () => {
  const step = location.hash.match(/^#(step-[\w-]+)$/)?.[1];
  if (!step) return;
  history.replaceState(null, "", location.pathname + location.search);
  $(`[data-open-dialog="${step}"]`)?.click();
};
addEventListener("load", takeStep);
addEventListener("hashchange", takeStep);

// -- what the page offers -----------------------------------------------------------------------------------------------

const plain = (text) => text.toLocaleLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
const labelOf = (element) => (element.getAttribute("aria-label") || element.title || element.textContent).trim().replace(/\s+/g, " ");
const command = (element, group, words = "") => ({
  label: labelOf(element), group, icon: iconOf(element), words: `${words} ${element.dataset.words || ""}`, keys: element.dataset.keys,
  url: element.tagName === "A" ? element.getAttribute("href") : "", press: element,
});
const commands = () => {
  const { here, go } = dialog.dataset, act = dialog.dataset.do;
  const usable = (selector) => $$(selector).filter((one) => !one.disabled && !one.hasAttribute("aria-disabled"));
  const own = usable("main :is(.page-actions, .list-buttons) :is(a, button)").map((one) => command(one, here));
  const screens = usable("#sidebar a").map((one) => command(one, go, $("summary", one.closest("details.group") || dialog)?.textContent));
  const made = usable("#palette-commands > *").map((one) => command(one, act));
  const menus = usable(".topbar .menu-list :is(a, button):not([aria-current=true], [aria-pressed=true]), .portals .menu-list button:not([aria-current])")
    .filter((one) => !one.matches("[data-open-shortcuts]"))
    .map((one) => command(one, one.closest("[role=group]")?.getAttribute("aria-label")
      || one.closest(".switcher") && $(".menu-note", one.closest(".menu-list"))?.textContent || act));
  const seen = new Set();
  return [...own, ...screens, ...made, ...menus].filter((one) => one.label && !(one.url && seen.has(one.url)) && seen.add(one.url));
};

// Each word that was typed begins a word of the command: 0 for its very beginning, 1 for its name, 2 for another word of it.
const rank = (found, typed) => {
  const label = plain(found.label), all = plain([found.label, found.group, found.words, found.detail].join(" "));
  const begins = (text) => typed.split(" ").every((word) => ` ${text}`.includes(` ${word}`));
  return label.startsWith(typed) ? 0 : begins(label) ? 1 : begins(all) ? 2 : -1;
};
const matching = (typed) => commands().map((one) => [rank(one, typed), one]).filter(([at]) => at >= 0)
  .sort(([one], [other]) => one - other).map(([, one]) => one).slice(0, SHOWN);

// -- the list -----------------------------------------------------------------------------------------------------------

if (dialog) {
  const input = $("#palette-text"), list = $("#palette-list"), status = $("[role=status]", dialog), note = $(".palette-note", dialog);
  const sprite = $("use", dialog).getAttribute("href").split("#")[0];
  const more = $("[data-more]", dialog);
  let items = [], active = -1, timer = 0, asked = null, rows = [], inside = false; // inside: the steps of one row are shown

  const make = (tag, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };
  const glyph = (name) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "svg"), use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    made.setAttribute("class", "icon");
    made.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${sprite}#${name || "arrow-right"}`);
    made.append(use);
    return made;
  };
  const mark = (index) => {
    active = index;
    for (const [at, option] of $$("[role=option]", list).entries()) {
      option.setAttribute("aria-selected", String(at === active));
      if (at === active) option.scrollIntoView({ block: "nearest" });
    }
    more.hidden = !items[active]?.steps;
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `palette-${active}`);
  };
  const draw = (found) => {
    const chosen = items[active];
    const groups = new Map();
    for (const one of found) groups.set(one.group, [...(groups.get(one.group) || []), one]);
    items = [...groups.values()].flat();
    let at = 0;
    list.replaceChildren(...[...groups].map(([name, members], number) => {
      const heading = make("div", { className: "palette-group", id: `palette-group-${number}`, textContent: name });
      heading.setAttribute("role", "presentation");
      const group = make("div", {}, heading, ...members.map((one) => {
        const option = make(one.url && !one.posts ? "a" : "div", { id: `palette-${at++}`, className: "palette-option", tabIndex: -1 },
          glyph(one.icon), make("span", { className: "palette-label", dir: "auto", textContent: one.label }),
          make("span", { className: "palette-detail", dir: "auto", textContent: one.detail || "" }),
          ...(one.keys ? one.keys.split(" ").map((key) => make("kbd", { textContent: key })) : []));
        if (option.tagName === "A") option.href = one.url;
        option.setAttribute("role", "option");
        return option;
      }));
      group.setAttribute("role", "group");
      group.setAttribute("aria-labelledby", heading.id);
      return group;
    }));
    const still = chosen ? items.findIndex((one) => one.label === chosen.label && one.url === chosen.url) : -1;
    mark(items.length ? Math.max(still, 0) : -1);
  };
  const say = (text) => { status.textContent = text; };
  const tell = (text) => {
    note.hidden = !text;
    note.textContent = text;
    if (text) say(text);
  };

  const ask = async (typed, offered) => {
    asked = new AbortController();
    try {
      const response = await get(`${dialog.dataset.search}?q=${encodeURIComponent(typed)}`, { headers: { Accept: "application/json" }, signal: asked.signal });
      if (!response.ok) throw new Error(response.statusText);
      rows = (await response.json()).found;
      draw([...offered, ...rows]);
      tell(items.length ? "" : dialog.dataset.none);
      if (items.length) say(dialog.dataset.count.replace("#", items.length));
    } catch (error) {
      if (error.name !== "AbortError") tell(dialog.dataset.lost);
    } finally {
      list.removeAttribute("aria-busy");
    }
  };
  const look = () => {
    const typed = input.value.trim().replace(/\s+/g, " ");
    inside = false;
    clearTimeout(timer);
    asked?.abort(); // an answer to what is not wanted any more changes nothing
    tell("");
    list.removeAttribute("aria-busy");
    if (!typed) {
      const last = recent().filter((one) => one.url !== location.pathname).slice(0, 5);
      active = -1;
      draw([...last.map((one) => ({ ...one, detail: one.group, group: dialog.dataset.recent })),
        ...commands().filter((one) => !one.press.closest(".topbar, .portals"))]);
      return;
    }
    const offered = matching(plain(typed));
    active = -1;
    draw([...offered, ...rows.filter((one) => rank(one, plain(typed)) >= 0)]); // what was found and still fits stays meanwhile
    list.setAttribute("aria-busy", "true");
    timer = setTimeout(() => ask(typed, offered), DELAY);
  };
  const showSteps = async (item) => {
    const response = await get(item.steps, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok) return tell(dialog.dataset.lost);
    const { steps } = await response.json();
    inside = true;
    active = -1;
    draw([{ ...item, label: dialog.dataset.open, detail: "", steps: "" }, ...steps].map((one) => ({ ...one, group: `${item.label} ${item.detail}` })));
    say(dialog.dataset.count.replace("#", items.length));
  };
  const send = ({ url, fields }) => {
    const form = make("form", { method: "post", action: url, hidden: true });
    const all = { csrf_token: $("meta[name=csrf-token]")?.content || "", _org: $("meta[name=organization]")?.content || "", _once: crypto.randomUUID?.() || "", ...fields };
    for (const [name, value] of Object.entries(all)) form.append(make("input", { type: "hidden", name, value }));
    document.body.append(form);
    form.requestSubmit();
  };
  const choose = (item, apart) => {
    if (!item) return;
    if (item.posts) return send(item);
    if (item.url && apart) return window.open(item.url, "_blank", "noopener");
    dialog.close();
    if (item.url) location.assign(item.url);
    else item.press.click();
  };
  const open = () => {
    if (dialog.open) return dialog.close();
    if ($("dialog[open]")) return; // a question is waiting for its answer
    for (const menu of $$("details.menu[open]")) menu.open = false;
    input.value = "";
    dialog.showModal();
    look();
  };

  input.addEventListener("input", look);
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || !items.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 5, PageUp: -5 }[event.key];
    if (step) {
      event.preventDefault();
      mark(Math.abs(step) > 1 ? Math.min(Math.max(active + step, 0), items.length - 1) : (active + step + items.length) % items.length);
    } else if (event.key === "ArrowRight" && items[active]?.steps && input.selectionStart === input.value.length) {
      event.preventDefault();
      showSteps(items[active]);
    } else if (inside && event.key === "ArrowLeft") {
      event.preventDefault();
      look();
    } else if (event.key === "Enter") {
      event.preventDefault();
      choose(items[active], event.ctrlKey || event.metaKey);
    }
  });
  on("click", ".palette-option", (event, option) => {
    const item = items[Number(option.id.split("-")[1])];
    if (item.url && (event.ctrlKey || event.metaKey || event.shiftKey)) return; // the browser opens it beside this page
    event.preventDefault();
    choose(item);
  });
  list.addEventListener("mousemove", (event) => {
    const option = event.target.closest(".palette-option");
    if (option && option.getAttribute("aria-selected") !== "true") mark(Number(option.id.split("-")[1]));
  });
  dialog.addEventListener("cancel", (event) => {
    if (!inside) return;
    event.preventDefault(); // one step back
    look();
  });
  on("click", "[data-open-palette]", open);
  on("click", "[data-close-palette]", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { clearTimeout(timer); asked?.abort(); });
  const apple = /mac|iphone|ipad/i.test(navigator.userAgentData?.platform || navigator.platform);
  for (const one of $$("[data-open-palette] kbd")) if (apple) one.textContent = "⌘ K";
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || event.shiftKey || event.altKey || !(apple ? event.metaKey : event.ctrlKey)) return;
    event.preventDefault();
    open();
  });
}
