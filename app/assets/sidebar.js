// The sidebar: a drawer on a phone, wide or narrow elsewhere, sections that stay as they were left, counts kept at hand.
import { $, $$, on } from "./dom.js";

const sidebar = $("#sidebar");
const toggle = $("[data-toggle-sidebar]");
const phone = matchMedia("(max-width: 48rem)");

// -- a drawer: while it is open, nothing behind it can be reached ------------------------------------------------

const behind = () => [$("main"), $(".skip"), ...[...$(".topbar").children].filter((one) => one !== toggle)];
const showDrawer = (open) => {
  sidebar.classList.toggle("open", open);
  toggle.setAttribute("aria-expanded", String(open));
  for (const one of behind()) one.inert = open;
  if (open) ($("a[aria-current]", sidebar) || $("a", sidebar))?.focus();
};

// -- what is kept on this device: `narrow`, and the names of closed sections; views/sidebar.py reads it ------------

const isNarrow = () => document.body.classList.contains("sidebar-narrow");
const keep = () => {
  const closed = $$("details.group:not([open])", sidebar).map((one) => one.dataset.section);
  const kept = [...(isNarrow() ? ["narrow"] : []), ...(isNarrow() ? narrowed : closed)].join(".");
  document.cookie = `sidebar=${kept}; path=/; max-age=${kept ? 31536000 : 0}; samesite=lax`;
};
let narrowed = []; // sections that were closed when it became narrow, where all are shown
const showNarrow = (narrow) => {
  const sections = $$("details.group", sidebar);
  if (narrow) narrowed = sections.filter((one) => !one.open).map((one) => one.dataset.section);
  document.body.classList.toggle("sidebar-narrow", narrow);
  for (const one of sections) one.open = narrow || !narrowed.includes(one.dataset.section);
  toggle.setAttribute("aria-expanded", String(!narrow));
  keep();
};

if (sidebar) {
  for (const one of $$("li > a", sidebar)) one.title = $("span", one).textContent; // what a narrow one is read by
  toggle.setAttribute("aria-expanded", String(!phone.matches && !isNarrow()));
  narrowed = (document.cookie.match(/(?:^|; )sidebar=([^;]*)/)?.[1] || "").split(".").filter((name) => name && name !== "narrow");
  on("click", "[data-toggle-sidebar]", () => {
    if (phone.matches) showDrawer(!sidebar.classList.contains("open"));
    else showNarrow(!isNarrow());
  });
  on("click", "[data-close-sidebar]", () => showDrawer(false));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !sidebar.classList.contains("open") || $("dialog[open], details.menu[open]")) return;
    showDrawer(false);
    toggle.focus();
  });
  phone.addEventListener("change", () => showDrawer(false));
  on("click", "details.group > summary", () => setTimeout(() => isNarrow() || keep()));

  // -- counts: what was shown last stands there until the server says otherwise ------------------------------------

  const place = `counters:${$("#palette")?.dataset.scope}`;
  const counters = $$("[data-counter]", sidebar);
  const known = JSON.parse(sessionStorage.getItem(place) || "{}");
  for (const one of counters) {
    if (!known[one.dataset.counter]) continue;
    one.textContent = known[one.dataset.counter];
    one.hidden = false;
  }
  const watch = new MutationObserver(() => {
    const shown = counters.filter((one) => !one.hidden && one.textContent).map((one) => [one.dataset.counter, one.textContent]);
    sessionStorage.setItem(place, JSON.stringify(Object.fromEntries(shown)));
  });
  for (const one of counters) watch.observe(one, { attributes: true, childList: true, characterData: true, subtree: true });
} else { // nobody is signed in: nothing of the person before stays
  for (const name of Object.keys(sessionStorage)) if (name.startsWith("counters:")) sessionStorage.removeItem(name);
}
