// Forms that ask before they are sent, and are sent once only.
import { $, $$ } from "./dom.js";
import { warn } from "./forms.js";

const dialog = $("#confirm");
let waiting = null; // [form, submitter] while the dialog is open

const ask = (form, submitter, question, label) => {
  waiting = [form, submitter];
  $("#confirm-text").textContent = question || submitter?.textContent.trim() || "";
  $("#confirm-ask").hidden = !label;
  $("#confirm-ask label").textContent = label || "";
  $("#confirm-note").required = Boolean(label);
  $("#confirm-note").value = "";
  $("#confirm-yes").textContent = submitter?.textContent.trim() || form.dataset.verb;
  dialog.returnValue = "no";
  dialog.showModal();
};

dialog?.addEventListener("close", () => {
  const [form, submitter] = waiting || [];
  waiting = null;
  if (!form || dialog.returnValue !== "yes") return;
  if (!$("#confirm-ask").hidden) {
    const note = $("[name=note]", form) || form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "note" }));
    note.value = $("#confirm-note").value;
  }
  form.dataset.confirmed = "yes";
  form.requestSubmit(submitter || undefined);
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  const source = { ...form.dataset, ...(event.submitter?.dataset || {}) };
  if ((source.confirm || source.ask) && form.dataset.confirmed !== "yes") {
    event.preventDefault();
    ask(form, event.submitter, source.confirm, source.ask);
    return;
  }
  delete form.dataset.confirmed;
  if (form.dataset.sent === "yes") {
    event.preventDefault(); // a second click while the first is under way
    return;
  }
  if (form.target === "_blank" || event.submitter?.dataset.download !== undefined) return; // the page stays
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
  window.removeEventListener("beforeunload", warn);
});
window.addEventListener("pageshow", () => {
  for (const form of $$("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});
