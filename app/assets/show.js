// The page of one row: dialogs of its steps, tabs that load when opened, earlier events.
import { $, $$, on, get } from "./dom.js";

// -- dialogs: popovers without scripts, and with them what keeps the keyboard inside ---------------------------------

const openDialog = (dialog) => {
  dialog.removeAttribute("popover");
  dialog.removeAttribute("open");
  dialog.showModal();
  ($("[aria-invalid=true]", dialog) || $("textarea, select, input:not([type=hidden])", dialog))?.focus();
};
on("click", "[data-open-dialog]", (event, button) => {
  event.preventDefault();
  button.closest("details.menu")?.removeAttribute("open");
  openDialog(document.getElementById(button.dataset.openDialog));
});
on("click", "[data-close-dialog]", (event, button) => {
  event.preventDefault();
  button.closest("dialog").close();
});
on("click", "dialog.dialog", (event, dialog) => {
  if (event.target === dialog && !$$("textarea", dialog).some((one) => one.value)) dialog.close();
});
const refused = $("dialog[data-refused]");
if (refused) openDialog(refused);

// -- tabs: links to lists, whose rows are shown here --------------------------------------------------------------------

for (const box of $$("[data-tabs]")) {
  const links = $$(".tab-list a", box), list = $(".tab-list", box);
  list.setAttribute("role", "tablist");
  const panels = links.map((link) => {
    const panel = Object.assign(document.createElement("div"), { id: `${link.id}-panel`, className: "tab-panel", hidden: true, tabIndex: 0 });
    link.parentElement.setAttribute("role", "presentation");
    for (const [name, value] of [["role", "tab"], ["aria-controls", panel.id], ["aria-selected", "false"], ["tabindex", "-1"]]) link.setAttribute(name, value);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", link.id);
    box.append(panel);
    return panel;
  });
  const load = async (link, panel) => {
    if (panel.dataset.loaded) return;
    panel.dataset.loaded = "yes";
    panel.setAttribute("aria-busy", "true");
    const response = await get(link.dataset.load).catch(() => null);
    panel.removeAttribute("aria-busy");
    if (response?.ok && !response.redirected) {
      panel.innerHTML = await response.text();
      return;
    }
    delete panel.dataset.loaded;
    const failed = $("template[data-failed]", box).content.cloneNode(true);
    $("a", failed).href = link.href;
    panel.replaceChildren(failed);
  };
  const select = (at, focus) => {
    links.forEach((link, number) => {
      link.setAttribute("aria-selected", String(number === at));
      link.tabIndex = number === at ? 0 : -1;
      panels[number].hidden = number !== at;
    });
    if (focus) links[at].focus();
    load(links[at], panels[at]);
  };
  links.forEach((link, at) => {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      history.replaceState(history.state, "", `#${link.id}`);
      select(at);
    });
    link.addEventListener("keydown", (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: links.length - 1 }[event.key];
      if (event.key === " ") link.click();
      if (to !== undefined) select((to + links.length) % links.length, true);
      if (to !== undefined || event.key === " ") event.preventDefault();
    });
  });
  select(Math.max(links.findIndex((link) => `#${link.id}` === location.hash), 0));
}

// -- earlier events ----------------------------------------------------------------------------------------------------

on("click", "[data-earlier]", async (event, link) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const row = link.parentElement;
  const response = await get(link.dataset.earlier).catch(() => null);
  if (!response?.ok || response.redirected) {
    location.assign(link.href);
    return;
  }
  const page = document.createElement("template");
  page.innerHTML = await response.text();
  const first = $("li", page.content);
  row.replaceWith(page.content);
  if (first) {
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  }
});

// -- changed meanwhile -------------------------------------------------------------------------------------------------

const watched = $("[data-watched]");
const news = ({ detail: { table, record } }) => {
  const { watched: own, key, version } = watched.dataset;
  if (table !== own || String(record?.id) !== key || !(new Date(record.updated_at) > new Date(version))) return;
  document.removeEventListener("live", news);
  watched.before($("#changed-notice").content.cloneNode(true));
};
if (watched) document.addEventListener("live", news);
