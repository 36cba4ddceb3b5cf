// The pictures of the README, taken of the real thing: `usher demo --check`, and the page that a person sees who is turned away by the demo's Envoy.
import { spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "./browser.mjs";

const [chromium, modules, usher, envoy, wasm, folder] = process.argv.slice(2);
const flags = ["demo", "--envoy", envoy, "--wasm", wasm];

const checked = spawnSync(usher, [...flags, "--check"], { encoding: "utf8" });
if (checked.status !== 0) throw new Error(`usher demo --check: ${checked.stdout}${checked.stderr}`);

const demo = spawn(usher, flags, { stdio: ["ignore", "pipe", "pipe"] });
const said = await new Promise((ready, failed) => {
  let text = "";
  demo.stdout.on("data", (words) => {
    text += words;
    if (text.includes("usher seats") || text.includes(" seats acme-chat")) ready(text);
  });
  demo.stderr.on("data", (words) => (text += words));
  demo.on("exit", () => failed(new Error(`usher demo: ${text}`)));
});
const place = (name) => said.match(new RegExp(`${name} +http://([0-9.:]+)`))[1];
const ticket = async (person) => (await fetch(`http://${place("identity provider")}/token?person=${person}`)).text();
const gate = place("Envoy with usher");

const browser = await start(chromium, modules, "--host-resolver-rules=MAP chat.acme.example 127.0.0.1");
const { Emulation, Network, Page } = browser.client;
await Promise.all([Network.enable(), Page.enable()]);
const visit = async (url, width, height, scheme, headers) => {
  await Emulation.setDeviceMetricsOverride({ width, height, deviceScaleFactor: 1.5, mobile: false });
  await Emulation.setEmulatedMedia({ features: [{ name: "prefers-color-scheme", value: scheme }] });
  await Network.setExtraHTTPHeaders({ headers });
  const loaded = Page.loadEventFired();
  await Page.navigate({ url });
  await loaded;
};
const take = async (name, url, width, height, scheme, headers = {}) => {
  await visit(url, width, height, scheme, headers);
  const { data } = await Page.captureScreenshot({ format: "png" });
  writeFileSync(join(folder, name), Buffer.from(data, "base64"));
};

// ada takes the only premium seat: her page is asked for and thrown away. dan, for whom none is left, sees why.
const page = `http://chat.acme.example:${gate.split(":")[1]}/`;
await visit(page, 420, 520, "light", { authorization: `Bearer ${await ticket("ada")}` });
for (const [language, scheme] of [["en", "light"], ["de", "dark"]]) {
  await take(`denial-${scheme}.png`, page, 420, 520, scheme, { authorization: `Bearer ${await ticket("dan")}`, "accept-language": language });
}
const escaped = checked.stdout.trimEnd().replace(/&/g, "&amp;").replace(/</g, "&lt;");
const lines = checked.stdout.trimEnd().split("\n");
const columns = Math.max(...lines.map((line) => line.length));
const style = "margin:0;padding:16px;background:#11151a;color:#e8edf2;font:14px/20px 'DejaVu Sans Mono',monospace";
const terminal = `<!doctype html><meta charset="utf-8"><body style="margin:0"><pre style="${style}">$ cargo xtask demo --check\n${escaped}</pre>`;
await take("demo.png", `data:text/html;base64,${Buffer.from(terminal).toString("base64")}`, Math.ceil(columns * 8.5) + 32, (lines.length + 1) * 20 + 32, "dark");

await browser.end();
demo.removeAllListeners("exit");
const gone = new Promise((ended) => demo.on("exit", ended));
demo.kill("SIGINT");
await gone;
