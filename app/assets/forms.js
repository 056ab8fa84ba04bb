// Forms: checked as they are filled in, kept when a session ends or a tab is closed, asked about before they are left, and
// told when somebody else saves the same thing.
import { $, $$, on, get } from "./dom.js";

const controls = (form) => [...form.elements].filter((one) => one.name && one.type !== "submit" && one.type !== "button");
const own = (one) => !/^_|^csrf_token$/.test(one.name) && (one.matches("[data-kept]") || !/^(hidden|password|file|submit|button)$/.test(one.type))
  && !/^(current-password|new-password|one-time-code)$/.test(one.autocomplete);
const shown = (control) => document.getElementById(`${control.id}-text`) || control; // of a combobox, its box

// -- checked while it is filled in --------------------------------------------------------------------------------

const amount = (text) => text.replace(/[\s,]|[^\d.\-A-Za-z]|[A-Z]{3}/g, "");
const wrong = (control) => {
  const { required, long, most, range, bad, money } = control.dataset;
  const value = control.type === "checkbox" ? (control.checked ? "y" : "") : control.value;
  if (control.validity.badInput) return bad || control.validationMessage;
  if (!value.trim()) return (control.required && required) || "";
  if (long && [...value].length > Number(most)) return long;
  if (range && (control.validity.rangeUnderflow || control.validity.rangeOverflow || control.validity.stepMismatch)) return range;
  if (money && !/^-?\d{1,15}(\.\d+)?$/.test(amount(value))) return money;
  return control.validity.rangeUnderflow || control.validity.rangeOverflow ? control.validationMessage : "";
};

const tell = (control, sentence) => {
  const field = control.closest(".field");
  if (!field) return;
  const target = shown(control), id = `${control.id}-error`;
  let error = document.getElementById(id);
  if (!sentence && !error) return;
  if (!error) {
    error = Object.assign(document.createElement("p"), { className: "error", id });
    field.append(error);
  }
  const described = new Set((target.getAttribute("aria-describedby") || "").split(" ").filter(Boolean));
  error.textContent = sentence;
  error.hidden = !sentence;
  described[sentence ? "add" : "delete"](id);
  field.classList.toggle("field-invalid", Boolean(sentence));
  for (const one of [control, target]) sentence ? one.setAttribute("aria-invalid", "true") : one.removeAttribute("aria-invalid");
  described.size ? target.setAttribute("aria-describedby", [...described].join(" ")) : target.removeAttribute("aria-describedby");
};

// What is wrong is told when a field is left, and taken back as soon as it is right.
const touched = new WeakSet();
document.addEventListener("focusout", ({ target }) => {
  const control = target.id?.endsWith("-text") ? document.getElementById(target.id.slice(0, -5)) || target : target;
  if (control.form?.matches("form[data-checked]") && touched.has(control)) tell(control, wrong(control));
});
on("input", "form[data-checked]", ({ target }) => {
  touched.add(target);
  if (target.getAttribute("aria-invalid") === "true" && !wrong(target)) tell(target, "");
});
on("change", "form[data-checked] select", ({ target }) => touched.has(target) && tell(target, wrong(target)));

const summarize = (form, failing) => {
  form.parentElement.querySelector(".form-problem")?.remove();
  const summary = Object.assign(document.createElement("div"), { className: "alert alert-danger form-problem", tabIndex: -1 });
  const inner = document.createElement("div"), list = document.createElement("ul");
  summary.setAttribute("role", "alert");
  inner.append(Object.assign(document.createElement("p"), { textContent: form.dataset.summary }), list);
  for (const [control, sentence] of failing) {
    const item = document.createElement("li"), label = control.closest(".field")?.querySelector("label, .label")?.firstChild.textContent.trim();
    item.append(Object.assign(document.createElement("a"), { href: `#${control.id}`, textContent: label || control.name }), `: ${sentence}`);
    list.append(item);
  }
  summary.append(inner);
  form.before(summary);
  summary.focus();
};
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-checked]") || event.submitter?.formNoValidate) return;
  const failing = controls(form).map((control) => [control, wrong(control)]).filter(([, sentence]) => sentence);
  for (const [control, sentence] of failing) tell(control, sentence);
  if (!failing.length) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.dataset.summary ? summarize(form, failing) : shown(failing[0][0]).focus();
}, true);
on("click", ".form-problem a[href^='#']", (event, link) => {
  const control = document.getElementById(link.hash.slice(1));
  if (!control) return;
  event.preventDefault();
  shown(control).focus();
  shown(control).scrollIntoView({ block: "center" });
});
$("[data-focus]")?.focus();

// An amount is grouped as soon as it is left: 123456.5 becomes 1,23,456.50 where the page's own amounts look like that.
document.addEventListener("focusout", ({ target }) => {
  const example = target.dataset?.money?.match(/\d[\d,.]*\d/)?.[0];
  if (!example || !target.value.trim() || wrong(target)) return;
  const [, sign, whole, part = ""] = amount(target.value).match(/^(-?)0*(\d+?)(?:\.(\d*))?$/) || [];
  const decimals = example.split(".")[1]?.length || 0;
  if (whole === undefined || part.length > decimals) return;
  const groups = /^\d,\d\d,/.test(example) ? /\B(?=(?:\d\d)*\d{3}$)/g : /\B(?=(?:\d{3})+$)/g;
  target.value = sign + whole.replace(groups, ",") + (decimals ? `.${part.padEnd(decimals, "0")}` : "");
});

// -- unsaved changes ----------------------------------------------------------------------------------------------

const state = (form) => JSON.stringify(controls(form).filter((one) => !/^_|^csrf_token$/.test(one.name)).map(
  (one) => [one.name, /^(checkbox|radio)$/.test(one.type) ? one.checked : one.value]));
const opened = new Map();
const dirty = (form) => opened.has(form) && state(form) !== opened.get(form);
let leaving = false;
export const warn = (event) => { if (!leaving && [...opened.keys()].some((form) => form.isConnected && dirty(form))) event.preventDefault(); };
window.addEventListener("beforeunload", warn);
// On the window: all others have said by then whether it is sent.
window.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post" || event.target.target === "_blank") return;
  leaving = true;
  if (opened.has(event.target)) keep(event.target, true);
});
window.addEventListener("pageshow", () => { leaving = false; });

// -- drafts -------------------------------------------------------------------------------------------------------
// Of one person, in one organization, for one address; gone when saved, left on purpose, signed out, or after half a day.
// Encrypted: the key comes with the page and stays in its memory, so that nobody reads them here before that person has
// signed in again. Where pages come unencrypted there is no cipher, and nothing is kept.

const meta = (name) => $(`meta[name=${name}]`)?.content || "";
const LIFE = 12 * 3600 * 1000, PREFIX = "draft:";
const keyOf = (form) => `${PREFIX}${meta("person")}:${meta("organization")}:${location.pathname}${location.search}#${form.id || form.getAttribute("action") || ""}`;
const stored = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
const value = (form, name) => form.elements.namedItem(name)?.value || "";

const KEY = $("form[data-guard]")?.dataset.guard, AES = "AES-GCM";
const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const letters = (found) => btoa(Array.from(new Uint8Array(found), (one) => String.fromCharCode(one)).join(""));
const cipher = KEY && crypto.subtle && crypto.subtle.importKey("raw", bytes(KEY), AES, false, ["encrypt", "decrypt"]);
const bound = (key, iv) => ({ name: AES, iv, additionalData: new TextEncoder().encode(key) });
const turns = new Map(); // what is still being encrypted is not written after it was dropped, or typed anew
const turn = (key) => turns.set(key, (turns.get(key) || 0) + 1).get(key);
const drop = (key) => { turn(key); localStorage.removeItem(key); };
const write = (key, draft) => { try { localStorage.setItem(key, JSON.stringify(draft)); } catch { /* no room: then without */ } };
const seal = async (key, sent, content) => {
  const mine = turn(key), iv = crypto.getRandomValues(new Uint8Array(12));
  const box = await crypto.subtle.encrypt(bound(key, iv), await cipher, new TextEncoder().encode(JSON.stringify(content)));
  if (turns.get(key) === mine) write(key, { at: Date.now(), sent, iv: letters(iv), box: letters(box) });
};
const unseal = async (key) => {
  const { iv, box } = read(key) || {};
  if (!box || !cipher) return null;
  try {
    return JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(bound(key, bytes(iv)), await cipher, bytes(box))));
  } catch {
    return drop(key); // made under a key that is no more
  }
};

const keep = (form, sent = false) => {
  if (!cipher) return;
  const typed = controls(form).filter(own).map((one) => [one.name, /^(checkbox|radio)$/.test(one.type) ? one.checked : one.value,
    one.matches("select") ? one.selectedOptions[0]?.textContent : null, one.value]);
  const key = keyOf(form), before = read(key);
  if (sent && before) write(key, { ...before, sent }); // at once: the page may be gone before the rest is encrypted
  seal(key, sent, { typed, version: value(form, "_version"), was: value(form, "_was"), once: value(form, "_once") });
};
const put = (form, draft) => {
  for (const [name, content, label, mine] of draft.typed) {
    for (const field of $$(`[name="${CSS.escape(name)}"]`, form)) {
      if (typeof content === "boolean") { if (field.value === mine) field.checked = content; continue; }
      if (field.matches("select[data-combobox]") && content) field.replaceChildren(new Option("", ""), new Option(label, content, true, true));
      else field.value = content;
    }
  }
};
// What the form says it changes is what was seen when it was typed; sent twice, it is still one.
const goOn = (form, draft) => {
  for (const [name, content] of [["_version", draft.version], ["_was", draft.was], ["_once", draft.once]]) {
    const field = form.elements.namedItem(name);
    if (field && content) field.value = content;
  }
};
const offer = (form, key) => {
  const template = $("#draft-notice");
  if (!template) return;
  const notice = template.content.cloneNode(true);
  $("[data-discard]", notice).addEventListener("click", () => {
    drop(key);
    leaving = true;
    location.reload();
  });
  form.before(notice);
};

const signedIn = Boolean(meta("person"));
const here = `:${location.pathname}${location.search}#`;
// What was sent is saved when another page comes after it, or the same one from itself; else the session had ended.
const fromItself = document.referrer.startsWith(location.origin) && new URL(document.referrer).pathname === location.pathname;
for (const key of stored()) {
  const draft = read(key);
  if (!draft?.box || Date.now() - draft.at > LIFE || (draft.sent && signedIn && (fromItself || !key.includes(here)))) localStorage.removeItem(key);
}
on("submit", "form[action*='logout'], form[data-sign-out]", () => stored().forEach(drop));
on("click", "a[href*='/logout']", () => stored().forEach(drop));

for (const form of signedIn ? $$("form[data-guard]") : []) {
  const key = keyOf(form), before = state(form), draft = await unseal(key);
  const refused = Boolean($(".form-problem, .alert-danger"));
  opened.set(form, refused ? "" : before); // a form that came back refused is not saved yet
  if (draft && !refused) {
    put(form, draft);
    if (state(form) === before) drop(key);
    else {
      goOn(form, draft);
      offer(form, key);
      form.dispatchEvent(new Event("restored", { bubbles: true }));
    }
  }
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => leaving || (dirty(form) ? keep(form) : drop(key)), 400); // what is being sent is kept as sent
  });
}
// What a page has saved by itself: nothing to be put back, and nothing to be asked about.
export const saved = (form) => {
  opened.set(form, state(form));
  drop(keyOf(form));
};
on("click", "[data-leave]", (_event, link) => {
  leaving = true;
  for (const form of opened.keys()) if (form.contains(link)) drop(keyOf(form));
});

// -- somebody else saves ------------------------------------------------------------------------------------------

const ASK_EVERY = 30000;
for (const form of $$("form[data-version-url]")) {
  const { versionUrl, table, key } = form.dataset;
  const seen = value(form, "_version");
  let told = false;
  const ask = async () => {
    if (told || document.hidden || form.dataset.sent) return;
    const url = new URL(versionUrl, location.href);
    url.searchParams.set("seen", seen);
    const response = await get(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response?.ok || response.redirected) return;
    const { version, said } = await response.json();
    if (version === seen || told) return;
    told = true;
    const notice = $("[data-overtaken]", form).content.cloneNode(true);
    $("[data-said]", notice).textContent = said;
    form.before(notice);
  };
  setInterval(ask, ASK_EVERY);
  document.addEventListener("visibilitychange", ask);
  document.addEventListener("live", ({ detail }) => {
    if ((detail.table === table && String(detail.record?.id) === key) || !detail.table) ask();
  });
}

// What both changed: theirs is put into the field when it is chosen, and mine again.
for (const choice of $$("[data-conflict]")) {
  const control = choice.closest(".field").querySelector(`[name="${CSS.escape(choice.dataset.conflict)}"]`);
  const mine = control.type === "checkbox" ? control.checked : control.value, label = control.selectedOptions?.[0]?.textContent || "";
  choice.addEventListener("change", ({ target }) => {
    const theirs = target.value === "theirs";
    const next = theirs ? choice.dataset.theirs : mine;
    if (control.type === "checkbox") control.checked = theirs ? next === "y" : mine;
    else if (control.matches("[data-combobox]")) {
      control.replaceChildren(new Option("", ""), new Option(theirs ? choice.dataset.theirsLabel : label, next, true, true));
      shown(control).value = control.selectedOptions[0].textContent;
    } else control.value = next;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
