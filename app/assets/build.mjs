// Bundles style sheets and scripts, makes the icon sprite, and writes everything to app/static/built under names that
// change with the content, with gzip and brotli beside, and manifest.json, which says what each name has become.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";

const ENTRIES = ["console.css", "console.js", "approval.js", "board.js", "canteen.js", "charts.js", "inquiry.js", "proof.js"];
const sources = dirname(fileURLToPath(import.meta.url));
const root = join(sources, "..", "..");
const target = join(root, "app", "static", "built");
const fresh = `${target}.new`;

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
const made = await build({
  absWorkingDir: root, entryPoints: ENTRIES.map((name) => join(sources, name)), outdir: fresh, bundle: true, minify: true,
  format: "esm", loader: { ".woff2": "file" }, assetNames: "[name]-[hash]", splitting: true, entryNames: "[name]-[hash]", chunkNames: "[name]-[hash]", metafile: true,
  target: ["chrome125", "firefox128", "safari18"], logLevel: "warning", legalComments: "none",
});
const manifest = {};
for (const [file, output] of Object.entries(made.metafile.outputs)) {
  if (output.entryPoint) manifest[basename(output.entryPoint)] = basename(file);
}

const symbols = readFileSync(join(sources, "icons.txt"), "utf8").split("\n").filter((line) => line && !line.startsWith("#")).map((line) => {
  const [name, theirs] = line.split("=").map((part) => part.trim());
  const svg = readFileSync(join(root, "node_modules", "lucide-static", "icons", `${theirs}.svg`), "utf8");
  const shapes = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>")).replace(/\s+/g, " ").replace(/> </g, "><").trim();
  return `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">${shapes}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("\n")}</svg>`;
const copies = { "icons.svg": sprite, "icon.svg": readFileSync(join(sources, "icon.svg")) };
for (const [name, content] of Object.entries(copies)) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8).toUpperCase();
  manifest[name] = name.replace(".", `-${hash}.`);
  writeFileSync(join(fresh, manifest[name]), content);
}

for (const file of readdirSync(fresh)) {
  const content = readFileSync(join(fresh, file));
  if (file.endsWith(".woff2")) continue; // compressed by itself
  writeFileSync(join(fresh, `${file}.gz`), gzipSync(content, { level: 9 }));
  writeFileSync(join(fresh, `${file}.br`), brotliCompressSync(content));
}
writeFileSync(join(fresh, "manifest.json"), JSON.stringify(manifest, null, 1));
rmSync(target, { recursive: true, force: true });
renameSync(fresh, target);
