// Rows of a list: choosing them.
import { $, $$, on } from "./dom.js";

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
