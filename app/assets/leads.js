// While somebody writes down an inquiry, those are shown whom we may know already.
import { on, post } from "./dom.js";

let timer = 0, asked = "";
on("input", "[data-known]", (_event, { form, dataset: { known: url } }) => {
  clearTimeout(timer);
  timer = setTimeout(async () => {
    const fields = Object.fromEntries([...form.querySelectorAll("[data-known]")].map((one) => [one.name, one.value]));
    const now = asked = JSON.stringify(fields);
    let html = "";
    try { ({ html } = await post(url, fields)); } catch { return; } // no network just now: the server looks again when it is saved
    if (now !== asked) return;
    let box = form.querySelector("[data-known-box]");
    if (!box) {
      box = Object.assign(document.createElement("div"), { className: "inquiry-known-box" });
      box.dataset.knownBox = "";
      form.querySelector("[data-known]").closest("fieldset").append(box);
    }
    box.innerHTML = html; // drawn by our own template, which escapes
  }, 350);
});
