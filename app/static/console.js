// What pages do beyond HTML: menus, confirmation, comboboxes, row selection, unsaved changes. Everything works
// through attributes, so that no page needs a script of its own.
"use strict";

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const on = (type, selector, handler) =>
    document.addEventListener(type, (event) => {
      const found = event.target.closest?.(selector);
      if (found) handler(event, found);
    });

  // -- frame -------------------------------------------------------------------------------------------------

  const sidebar = $("#sidebar");
  const toggle = $("[data-toggle-sidebar]");
  const showSidebar = (open) => {
    sidebar?.classList.toggle("open", open);
    toggle?.setAttribute("aria-expanded", String(open));
    if (open) $("a", sidebar)?.focus();
  };
  on("click", "[data-toggle-sidebar]", () => showSidebar(!sidebar.classList.contains("open")));
  on("click", "[data-close-sidebar]", () => showSidebar(false));
  on("click", "[data-dismiss]", (_event, button) => button.closest(".alert").remove());

  document.addEventListener("click", (event) => {
    if (event.target.closest("details.menu")) showSidebar(false);
    for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of $$("details.menu[open]")) {
      menu.open = false;
      $("summary", menu).focus();
    }
    if (sidebar?.classList.contains("open")) {
      showSidebar(false);
      toggle.focus();
    }
  });

  // -- asking before, and once only ------------------------------------------------------------------------------

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
    if (form.target === "_blank") return;
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

  // -- unsaved changes ---------------------------------------------------------------------------------------------

  const warn = (event) => event.preventDefault();
  on("input", "form[data-guard]", () => window.addEventListener("beforeunload", warn));
  on("click", "[data-leave]", () => window.removeEventListener("beforeunload", warn));

  // -- rows of a list -------------------------------------------------------------------------------------------------

  const countSelected = () => {
    const bulk = $("#bulk");
    if (!bulk) return;
    const boxes = $$("input[name=rowid]");
    const chosen = boxes.filter((box) => box.checked).length;
    bulk.classList.toggle("none", chosen === 0);
    const count = $(".bulk-count", bulk);
    count.textContent = chosen ? `${chosen} ${count.dataset.text}` : "";
    const all = $("[data-check-all]");
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  };
  on("change", "[data-check-all]", (_event, all) => {
    for (const box of $$("input[name=rowid]")) box.checked = all.checked;
    countSelected();
  });
  on("change", "input[name=rowid]", countSelected);
  countSelected();

  // -- lists that load when opened -------------------------------------------------------------------------------------

  document.addEventListener("toggle", async (event) => {
    const details = event.target;
    if (!details.open || !details.dataset.load) return;
    const response = await fetch(details.dataset.load, { headers: { "X-Requested-With": "fetch" } });
    if (!response.ok) return; // the link to the whole list stays
    delete details.dataset.load;
    $(".related-body", details).innerHTML = await response.text();
  }, true);

  // -- combobox: a select whose options the server finds --------------------------------------------------------------

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

  // -- what was typed outlives a session that ended: kept when a form is sent, put back when its page comes again ----

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

  for (const select of $$("select[data-combobox]")) combobox(select);

  // -- for boards and other pages that post in the background ------------------------------------------------------------

  window.consolePost = async (url, fields = {}) => {
    // Posts a form with the page's token; returns the JSON, throws an Error with the server's sentence.
    const body = new URLSearchParams(fields);
    const org = $("meta[name=organization]")?.content;
    if (org) body.set("_org", org);
    const token = $("meta[name=csrf-token]")?.content || "";
    const response = await fetch(url, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token } });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw Object.assign(new Error(answer.detail || response.statusText), { status: response.status, answer });
    return answer;
  };
})();
