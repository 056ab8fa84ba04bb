// The public form: the browser shows that it is no program, says what it looks like, and is recognized when it comes again.
import { $ } from "./dom.js";

const KEPT = "inquiry-device", form = $("[data-inquiry]");

const localToken = () => {
  try {
    let token = localStorage.getItem(KEPT);
    if (!token) {
      token = [...crypto.getRandomValues(new Uint8Array(24))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
      localStorage.setItem(KEPT, token);
    }
    return token;
  } catch { return ""; } // storage is shut: the cookie alone remembers
};

const fingerprint = () => [
  navigator.platform, navigator.language, navigator.hardwareConcurrency, navigator.maxTouchPoints, screen.width, screen.height,
  screen.colorDepth, devicePixelRatio, Intl.DateTimeFormat().resolvedOptions().timeZone,
].join("|");

const work = (challenge) => new Promise((resolve, reject) => {
  const worker = new Worker(form.dataset.worker, { type: "module" });
  worker.onmessage = ({ data }) => { worker.terminate(); if (data === null) reject(new Error("unsolvable")); else resolve(data); };
  worker.onerror = () => { worker.terminate(); reject(new Error("no worker")); };
  worker.postMessage(challenge);
});

const prove = async (challenge) => {
  const { algorithm, salt, signature } = challenge;
  return btoa(JSON.stringify({ algorithm, challenge: challenge.challenge, number: await work(challenge), salt, signature }));
};

if (form) {
  const status = $("[data-inquiry-status]", form);
  form.elements.local_token.value = localToken();
  form.elements.fingerprint.value = fingerprint();
  const proof = prove(JSON.parse(form.dataset.inquiry)); // begun at once: done before the name is typed
  proof.catch(() => { status.textContent = status.dataset.failed; });

  form.addEventListener("submit", async (event) => {
    if (form.elements.altcha.value) return;
    event.preventDefault();
    if (!form.checkValidity()) { form.reportValidity(); return; }
    status.textContent = status.dataset.waiting;
    try {
      form.elements.altcha.value = await proof;
      form.submit(); // not once more through the listeners: to them it is sent already
    } catch { status.textContent = status.dataset.failed; }
  });

  // A browser that came from another site did not show its cookie to the page itself.
  if (!("another" in form.dataset)) {
    const body = JSON.stringify({ organization: form.dataset.organization, local_token: localToken(), fingerprint: fingerprint() });
    fetch("/v1/inquiries/device", { method: "POST", body, headers: { "Content-Type": "application/json", Accept: "application/json" } })
      .then((answer) => answer.json())
      .then(({ known }) => {
        if (!known) return;
        $("[data-inquiry-known]").hidden = false;
        form.hidden = true;
      })
      .catch(() => {}); // no network: the form stays
  }
}
