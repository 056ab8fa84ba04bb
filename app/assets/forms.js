// What was typed: kept when a session ends, asked about before it is left.
import { $, $$, on } from "./dom.js";

export const warn = (event) => event.preventDefault();
on("input", "form[data-guard]", () => window.addEventListener("beforeunload", warn));
on("click", "[data-leave]", () => window.removeEventListener("beforeunload", warn));

// Kept when a form is sent, put back when its page comes again.
const DRAFT = "draft";
const keepDraft = (form) => {
  const fields = [...form.elements].filter((one) => one.name && !/^_|^csrf_token$/.test(one.name) && !/^(hidden|password|file|submit)$/.test(one.type));
  const typed = fields.map((one) => [one.name, one.type === "checkbox" || one.type === "radio" ? one.checked : one.value,
    one.selectedOptions?.[0]?.textContent, one.value]);
  sessionStorage.setItem(DRAFT, JSON.stringify({ path: location.pathname, typed }));
};
const restoreDraft = () => {
  const draft = JSON.parse(sessionStorage.getItem(DRAFT) || "null");
  if (!draft || location.pathname.startsWith("/login")) return;
  sessionStorage.removeItem(DRAFT);
  const form = $("form[data-guard]");
  const from = document.referrer.startsWith(location.origin) ? new URL(document.referrer).pathname : "";
  if (!form || draft.path !== location.pathname || !(from.startsWith("/login") || from === draft.path)) return;
  for (const [name, value, label, own] of draft.typed) {
    for (const field of $$(`[name="${CSS.escape(name)}"]`, form)) {
      if (typeof value === "boolean") { if (field.value === own) field.checked = value; continue; }
      if (field.matches("select[data-combobox]") && value) field.replaceChildren(new Option("", ""), new Option(label, value, true, true));
      else field.value = value;
    }
  }
};
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-guard]")) keepDraft(event.target);
}, true);
restoreDraft();

