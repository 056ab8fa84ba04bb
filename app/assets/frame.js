// The frame: appearance, menus, messages, tabs that load when opened.
import { $, $$, on } from "./dom.js";

// -- light or dark, on this device ----------------------------------------------------------------------------

on("click", "[data-theme-choice]", (_event, button) => {
  const chosen = button.dataset.themeChoice;
  document.cookie = `theme=${chosen}; path=/; max-age=${chosen ? 31536000 : 0}; samesite=lax`;
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  for (const one of $$("[data-theme-choice]")) one.setAttribute("aria-pressed", String(one === button));
  document.dispatchEvent(new CustomEvent("themechange"));
});

// -- menus and messages ---------------------------------------------------------------------------------------

on("click", "[data-dismiss]", (_event, button) => button.closest(".alert").remove());
document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of $$("details.menu[open]")) {
    menu.open = false;
    $("summary", menu).focus();
  }
});
