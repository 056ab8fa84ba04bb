// Registration: what is typed is saved after a pause. While that does not work it stays on this device (forms.js keeps it,
// encrypted) and is sent as soon as it can be; of two devices, each field's last writer wins.
import { $, get, post } from "./dom.js";
import { saved } from "./forms.js";

const PAUSE = 800, AGAIN = 3000, BEDS_EVERY = 20000;
const form = $("form[data-onboarding]");

const content = (field) => (field.type === "checkbox" ? (field.checked ? field.value : "") : field.value);
const asDrawn = (field) => (field.type === "checkbox" ? (field.defaultChecked ? field.value : "")
  : field.matches("select") ? [...field.options].find((one) => one.defaultSelected)?.value || "" : field.defaultValue);
const put = (field, text) => (field.type === "checkbox" ? (field.checked = Boolean(text)) : (field.value = text));

if (form) {
  const fields = [...form.elements].filter((one) => one.name && !/^(_|csrf_token$)/.test(one.name) && !/^(submit|button|hidden)$/.test(one.type));
  const known = new Map(fields.map((field) => [field, asDrawn(field)])); // what the server has
  const state = $(".save-state", form), version = form.elements.namedItem("_version");
  let timer = 0, busy = null, leaving = false;

  const say = (text, problem = false) => {
    state.textContent = text;
    state.classList.toggle("save-problem", problem);
  };
  const changed = () => fields.filter((field) => content(field) !== known.get(field));
  const later = (wait) => { clearTimeout(timer); timer = setTimeout(save, wait); };

  const catchUp = async () => {
    const answer = await (await get(form.dataset.onboarding, { headers: { Accept: "application/json" } })).json();
    for (const field of fields) {
      const theirs = answer.answers[field.name] ?? "", mine = content(field) !== known.get(field);
      known.set(field, theirs);
      if (!mine) put(field, theirs);
    }
    version.value = answer.version;
  };

  const refused = async (error) => {
    if (error.status === 409) {
      const before = version.value;
      await catchUp().catch(() => {});
      if (version.value !== before) return later(0);
    } else if (error.status === 401) {
      say(`${form.dataset.signedOut} `, true);
      state.append(Object.assign(document.createElement("a"), { href: form.dataset.signInUrl, textContent: form.dataset.signIn }));
      return undefined;
    } else if (!error.status || error.status >= 500) {
      say(form.dataset.cut, true);
      return later(AGAIN);
    }
    return say(error.message, true);
  };

  const save = () => {
    const sent = changed().map((field) => [field, content(field)]);
    if (!busy && !leaving && sent.length) busy = send(sent);
  };
  const send = async (sent) => {
    say(form.dataset.saving);
    try {
      const answer = await post(form.dataset.onboarding, { ...Object.fromEntries(sent.map(([field, text]) => [field.name, text])), _version: version.value });
      version.value = answer.version;
      for (const [field, text] of sent) known.set(field, text);
      say(form.dataset.saved);
      if (!changed().length) saved(form);
    } catch (error) {
      await refused(error);
    } finally {
      busy = null;
    }
    if (!state.classList.contains("save-problem") && changed().length) later(PAUSE);
  };

  form.addEventListener("input", () => {
    if (!state.classList.contains("save-problem")) say("");
    later(PAUSE);
  });
  form.addEventListener("submit", (event) => {
    if (navigator.onLine && !busy) {
      leaving = true;
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // nobody takes it for sent
    if (!navigator.onLine) say(form.dataset.cut, true);
    else if (!leaving) { // what is being saved makes a version that this page has to know first
      leaving = true;
      busy.finally(() => {
        leaving = false;
        if (event.submitter?.form) form.requestSubmit(event.submitter);
      });
    }
  });
  window.addEventListener("online", () => later(0));
  window.addEventListener("pageshow", () => { leaving = false; });
  if (changed().length && !$(".form-problem")) later(0); // put back from this device
}

// The beds as they are now: when the day changes, and while one looks.
const beds = $("[data-beds]");
if (beds) {
  const day = $("[name=move_in_on]");
  const refresh = async () => {
    if (document.hidden || (beds.contains(document.activeElement) && document.activeElement !== document.body)) return;
    const answer = await get(`${beds.dataset.beds}?${new URLSearchParams({ on: day?.value || "" })}`).catch(() => null);
    if (answer?.ok && !answer.redirected) beds.innerHTML = await answer.text();
  };
  day?.addEventListener("change", refresh);
  setInterval(refresh, BEDS_EVERY);
}
