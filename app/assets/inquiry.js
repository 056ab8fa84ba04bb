// The public form: the browser shows that it is no program, says what it looks like, and is recognized when it comes again.
import { $ } from "./dom.js";

const KEPT = "inquiry-device", FRESH = 15 * 60000; // milliseconds, of the twenty minutes that the server gives
const form = $("[data-inquiry]");

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
  const say = (what) => { status.textContent = status.dataset[what] || ""; };
  let proof = prove(JSON.parse(form.dataset.inquiry)), begun = Date.now(), sending = false; // begun at once: done before the name is typed
  proof.catch(() => say("failed"));
  const again = async () => { // a page that was left open: its work is too old
    begun = Date.now();
    const answer = await fetch(`/v1/inquiries/challenge?organization=${form.dataset.organization}`, { cache: "no-store" });
    return prove(await answer.json());
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    if (!form.checkValidity()) { form.reportValidity(); return; }
    if (!navigator.onLine) { say("offline"); return; }
    sending = true;
    say("waiting");
    try {
      if (Date.now() - begun > FRESH) proof = again();
      form.elements.altcha.value = await proof;
      form.submit(); // not once more through the listeners
    } catch {
      sending = false;
      say("failed");
    }
  });

  const recognize = async () => {
    const body = JSON.stringify({ organization: form.dataset.organization, local_token: localToken(), fingerprint: fingerprint() });
    const answer = await fetch("/v1/inquiries/device", { method: "POST", body, headers: { "Content-Type": "application/json", Accept: "application/json" } });
    const { known } = await answer.json();
    $("[data-inquiry-known]").hidden = !known;
    form.hidden = Boolean(known);
  };
  // A browser that came from another site did not show its cookie to the page itself. Without a network the form stays.
  if (!("another" in form.dataset)) recognize().catch(() => {});
  // Back from an answer: if the form arrived it is not sent once more, and if it did not, nothing typed is lost.
  addEventListener("pageshow", (event) => {
    if (!event.persisted || !sending) return;
    [sending, begun] = [false, 0];
    say("");
    recognize().catch(() => {});
  });
}
