/** Counts down what ends by itself: every element with data-countdown shows how long is left, to the second. */
import { $$ } from "./dom.js";

const two = (number) => String(number).padStart(2, "0");

const draw = () => {
  for (const element of $$("[data-countdown]")) {
    const left = Math.max(0, Math.round((Date.parse(element.dataset.countdown) - Date.now()) / 1000));
    element.textContent = `${Math.floor(left / 3600)}:${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
  }
};

if ($$("[data-countdown]").length) {
  draw();
  setInterval(draw, 1000);
}
