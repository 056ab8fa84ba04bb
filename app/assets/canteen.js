// The canteen: adds up a cart and keeps what is left up to date; one touch in the kitchen; a sound for new orders, if wanted.
import { $, $$, get, on, post } from "./dom.js";

const words = JSON.parse($("[data-canteen-words]")?.dataset.canteenWords || "{}");
const language = document.documentElement.lang || "en";

// -- the cart -------------------------------------------------------------------------------------------------

const boxOf = (dish) => $("input[type=number]", dish);
// What makes one ill is not ordered by mistake: the browser asks for the tick as well as the server.
const ask = (dish) => {
  const tick = $("[data-despite]", dish);
  if (tick) tick.required = Number(boxOf(dish)?.value) > 0;
};
const sum = (cart) => {
  $$("[data-dish]", cart).forEach(ask);
  const total = $("[data-total]", cart);
  if (!total) return;
  const paise = $$("[data-dish]", cart).reduce((all, dish) => all + Number(dish.dataset.price) * (Number(boxOf(dish)?.value) || 0), 0);
  cart.classList.toggle("cart-filled", paise > 0);
  const symbol = total.dataset.currency.replace(/[\d.,\s]/g, "");
  total.textContent = paise ? words.total.replace("{n}", symbol + (paise / 100).toLocaleString(`${language}-IN`, { minimumFractionDigits: 2 })) : "";
};
const change = (button, by) => {
  const box = boxOf(button.closest("[data-dish]"));
  box.value = Math.min(Math.max(Number(box.value) + by, 0), Number(box.max));
  box.dispatchEvent(new Event("input", { bubbles: true }));
};
on("click", "[data-more]", (_event, button) => change(button, 1));
on("click", "[data-less]", (_event, button) => change(button, -1));
on("input", "[data-cart] input[type=number]", (_event, box) => sum(box.form));
on("restored", "[data-cart]", (_event, cart) => sum(cart));
for (const button of $$("[data-more], [data-less]")) button.hidden = false;
for (const cart of $$("[data-cart]")) sum(cart);

const MOST = 20;
document.addEventListener("live", ({ detail: { table, record } }) => {
  if (table !== "canteen_menu" || !record) return;
  const dish = $(`[data-dish="${record.id}"]`);
  if (!dish) return;
  $("[data-left]", dish).textContent = record.stock ? words.left.replace("{n}", record.stock) : words.gone;
  dish.classList.toggle("dish-gone", !record.stock);
  const box = boxOf(dish);
  if (box) box.max = Math.min(MOST, record.stock);
});

// -- the storeroom ----------------------------------------------------------------------------------------------

for (const find of $$("[data-find]")) {
  find.hidden = false;
  $("input", find).addEventListener("input", ({ target }) => {
    const wanted = target.value.trim().toLowerCase();
    for (const shelf of $$(".stock-shelf")) {
      for (const row of $$(".stock-row", shelf)) row.hidden = !$("label", row).textContent.toLowerCase().includes(wanted);
      shelf.hidden = !$(".stock-row:not([hidden])", shelf);
    }
  });
}

// -- the kitchen ----------------------------------------------------------------------------------------------

const redraw = async (part) => {
  const answer = await get(part.dataset.liveSrc, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  part.replaceChildren(fresh.content);
};
on("submit", "form[data-touch]", async (event, form) => {
  event.preventDefault();
  const part = form.closest("[data-kitchen]"), button = $("button", form), ticket = form.closest(".ticket").id;
  if (button.disabled) return;
  button.disabled = true;
  try {
    await post(form.action, Object.fromEntries(new FormData(form)));
    await redraw(part);
    $(`#${ticket} button`)?.focus({ preventScroll: true });
  } catch {
    form.submit(); // the page that comes back says why not
  }
});

// -- the sound ------------------------------------------------------------------------------------------------

const sound = $("[data-sound]");
const KEPT = "kitchen-sound";
const beep = () => {
  const audio = new AudioContext(), tone = audio.createOscillator(), loud = audio.createGain();
  loud.gain.setValueAtTime(0.2, audio.currentTime);
  loud.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.5);
  tone.frequency.value = 880;
  tone.connect(loud).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.5);
  tone.onended = () => audio.close();
};
if (sound) {
  const wanted = () => localStorage.getItem(KEPT) === "on";
  const draw = () => sound.setAttribute("aria-pressed", wanted());
  sound.hidden = false;
  draw();
  sound.addEventListener("click", () => {
    localStorage.setItem(KEPT, wanted() ? "off" : "on");
    draw();
    if (wanted()) beep();
  });
  document.addEventListener("live", ({ detail: { table, record } }) => {
    if (table === "canteen_orders" && record?.status === "placed" && wanted()) beep();
  });
}
