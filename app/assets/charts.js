// Charts are drawn from the table that stands behind each of them: <figure data-chart> in templates/base/chart.html.
import {
  BarController, BarElement, CategoryScale, Chart, LinearScale, LineController, LineElement, PointElement, Tooltip,
} from "chart.js";
import { $, $$ } from "./dom.js";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, LineController, LineElement, PointElement, Tooltip);

const DASHES = [[], [6, 4], [2, 3]];
const POINTS = ["circle", "rectRot", "triangle"];
const ROW = 44; // pixels that a lying bar takes with its name above it

// A canvas knows no custom properties: what a colour has become is asked of an element that wears it.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);
const colour = (name) => {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
};
const look = () => ({
  text: colour("--text"), muted: colour("--muted"), line: colour("--line"), surface: colour("--surface"),
  series: [colour("--chart-1"), colour("--chart-2"), colour("--chart-3")],
  font: getComputedStyle(document.body).fontFamily,
});

// Stripes tell a series from the others where colours do not.
const stripes = (color, ground) => {
  const tile = Object.assign(document.createElement("canvas"), { width: 8, height: 8 });
  const pen = tile.getContext("2d");
  pen.fillStyle = color;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = ground;
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (const start of [-8, 0, 8]) {
    pen.moveTo(start, 8);
    pen.lineTo(start + 8, 0);
  }
  pen.stroke();
  return pen.createPattern(tile, "repeat");
};

const read = (figure) => {
  const rows = $$("tbody tr", figure).map((row) => [...row.cells]);
  const names = $$("thead th", figure).slice(1, 1 + Number(figure.dataset.drawn)).map((head) => head.textContent.trim());
  return {
    rows, names,
    labels: rows.map(([head]) => head.textContent.trim()),
    links: rows.map(([head]) => $("a", head)?.href),
    texts: names.map((_, at) => rows.map((cells) => cells[at + 1].textContent.trim())),
    values: names.map((_, at) => rows.map((cells) => {
      const cell = cells[at + 1];
      const text = cell.dataset.value ?? cell.textContent.replace(/[^0-9.-]/g, "");
      return text === "" ? null : Number(text);
    })),
  };
};

// The name of a line at its end, in its colour: nobody has to look from a legend to the lines and back.
const endNames = {
  id: "endNames",
  afterDatasetsDraw(chart) {
    const pen = chart.ctx;
    pen.save();
    pen.textAlign = "right";
    const used = [];
    chart.data.datasets.forEach((set, at) => {
      const points = chart.getDatasetMeta(at).data;
      const last = points.findLast((point) => !point.skip);
      if (!last) return;
      let y = Math.max(last.y - 10, 12);
      while (used.some((other) => Math.abs(other - y) < 15)) y += last.y > chart.height / 2 ? -15 : 15;
      used.push(y);
      pen.fillStyle = set.nameColor;
      pen.font = `600 12px ${chart.look.font}`;
      pen.lineWidth = 4;
      pen.strokeStyle = chart.look.surface;
      pen.strokeText(set.label, chart.chartArea.right, y);
      pen.fillText(set.label, chart.chartArea.right, y);
    });
    pen.restore();
  },
};

// Above a lying bar its name, at the right what it says: names as long as they are need no axis that takes half the width.
const barNames = {
  id: "barNames",
  afterDatasetsDraw(chart) {
    const pen = chart.ctx;
    const { left, right } = chart.chartArea;
    pen.save();
    pen.textBaseline = "bottom";
    chart.getDatasetMeta(0).data.forEach((bar, at) => {
      const said = chart.said[at];
      pen.font = `12px ${chart.look.font}`;
      pen.fillStyle = chart.look.muted;
      pen.textAlign = "right";
      pen.fillText(said, right, bar.y - 9);
      const room = right - left - pen.measureText(said).width - 12;
      pen.font = `13px ${chart.look.font}`;
      pen.fillStyle = chart.look.text;
      pen.textAlign = "left";
      let name = chart.data.labels[at];
      while (name.length > 4 && pen.measureText(name).width > room) name = `${name.slice(0, -2).trimEnd()}…`;
      pen.fillText(name, left, bar.y - 9);
    });
    pen.restore();
  },
};

const datasets = (kind, found, wears, within) => found.names.map((label, at) => {
  const color = wears.series[at % wears.series.length];
  const common = { label, data: found.values[at], nameColor: color, order: within ? -at : 0 };
  if (kind === "line") {
    return {
      ...common, borderColor: color, backgroundColor: color, borderWidth: 2, borderDash: DASHES[at % DASHES.length], tension: 0.25, spanGaps: true,
      pointStyle: POINTS[at % POINTS.length], pointRadius: found.labels.length > 20 ? 2 : 3.5, pointHoverRadius: 6, clip: 8,
    };
  }
  return {
    ...common, backgroundColor: at ? stripes(color, wears.surface) : color, borderColor: color, borderWidth: at ? 1 : 0, borderRadius: 3,
    ...(kind === "bars" ? { barThickness: 12 } : { maxBarThickness: 28 }),
  };
});

const draw = (figure) => {
  const kind = figure.dataset.chart;
  const found = read(figure);
  const wears = look();
  const share = "share" in figure.dataset;
  const lying = kind === "bars";
  const within = figure.dataset.within || "";
  const ticks = { color: wears.muted, font: { family: wears.font, size: 12 }, maxRotation: 0, autoSkipPadding: 12 };
  const amounts = {
    display: !lying, beginAtZero: true, max: share ? 1 : lying ? Math.max(...found.values.flat(), 1) : undefined, border: { display: false }, grid: { color: wears.line },
    ticks: { ...ticks, maxTicksLimit: 5, precision: share ? undefined : 0, callback: share ? (value) => `${Math.round(value * 100)} %` : undefined },
  };
  const names = { display: !lying, border: { color: wears.line }, grid: { display: false }, ticks, stacked: Boolean(within) };
  const canvas = $("canvas", figure);
  if (lying) canvas.parentElement.style.height = `${found.labels.length * ROW + 8}px`;
  Chart.getChart(canvas)?.destroy();
  const chart = new Chart(canvas, {
    type: kind === "line" ? "line" : "bar",
    data: { labels: found.labels, datasets: datasets(kind, found, wears, within) },
    plugins: [{ id: "wears", beforeInit: (one) => {
      one.look = wears;
      one.said = found.labels.map((_, at) => (within && found.values[1][at]
        ? within.replace("{total}", found.texts[0][at]).replace("{part}", found.texts[1][at]) : found.texts[0][at]));
    } }, lying ? barNames : endNames].filter((plugin) => plugin !== endNames || kind === "line"),
    options: {
      animation: false, maintainAspectRatio: false, indexAxis: lying ? "y" : "x",
      layout: { padding: lying ? { top: 10 } : { top: 14, right: 4 } },
      interaction: { mode: "index", axis: lying ? "y" : "x", intersect: false },
      scales: lying ? { x: amounts, y: names } : { x: names, y: amounts },
      datasets: { bar: { grouped: !within } },
      onClick: (_event, [hit]) => { if (hit && found.links[hit.index]) location.assign(found.links[hit.index]); },
      onHover: (event, [hit]) => { event.native.target.style.cursor = hit && found.links[hit.index] ? "pointer" : "default"; },
      plugins: { tooltip: {
        backgroundColor: wears.text, titleColor: wears.surface, bodyColor: wears.surface, displayColors: false, padding: 10, cornerRadius: 7,
        titleFont: { family: wears.font }, bodyFont: { family: wears.font },
        callbacks: { label: ({ datasetIndex, dataIndex }) => `${found.names[datasetIndex]}: ${found.texts[datasetIndex][dataIndex]}` },
      } },
    },
  });
  figure.classList.add("drawn");
  return chart;
};

const figures = $$("figure[data-chart]");
for (const figure of figures) {
  draw(figure);
  $(".chart-table", figure).open = false;
}
const again = () => figures.forEach(draw);
document.addEventListener("themechange", again);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
document.fonts?.ready.then(again);
