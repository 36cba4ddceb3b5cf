// Every denial page in a real browser: axe-core finds nothing, a narrow screen need not be scrolled sideways, nothing is fetched, and Tab reaches the link.
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { start } from "./browser.mjs";

const [chromium, modules, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(join(resolve(modules), "package.json")).resolve("axe-core/axe.min.js"), "utf8");

const browser = await start(chromium, modules);
const { Emulation, Input, Network, Page, Runtime } = browser.client;
const faults = [];
const fetched = [];
Network.requestWillBeSent(({ request }) => fetched.push(request.url));
await Promise.all([Network.enable(), Page.enable(), Runtime.enable()]);

const evaluate = async (expression) => {
  const { result, exceptionDetails } = await Runtime.evaluate({ expression, awaitPromise: true, returnByValue: true });
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
};

const pages = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
let looks = 0;
for (const name of pages) {
  for (const scheme of ["light", "dark"]) {
    // A phone; and what a person sees who enlarges a page four times (WCAG 2.2, 1.4.10).
    for (const width of scheme === "light" ? [390, 320] : [390]) {
      const fault = (what) => faults.push(`${name}, ${scheme}, ${width} px: ${what}`);
      await Emulation.setDeviceMetricsOverride({ width, height: 640, deviceScaleFactor: 2, mobile: true });
      await Emulation.setEmulatedMedia({ features: [{ name: "prefers-color-scheme", value: scheme }] });
      fetched.length = 0;
      const url = pathToFileURL(join(resolve(folder), name)).href;
      const loaded = Page.loadEventFired();
      await Page.navigate({ url });
      await loaded;
      if (fetched.some((asked) => asked !== url)) fault(`fetches ${fetched.join(", ")}`);
      await evaluate(`${axe};0`);
      const found = await evaluate(`axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations", "incomplete"] })
        .then((result) => ({ passes: result.passes.length, wrong: [...result.violations, ...result.incomplete].map((rule) => rule.id + ": " + rule.nodes.map((node) => node.html).join(" ")) }))`);
      if (found.passes < 10) fault(`only ${found.passes} rules of axe-core applied`);
      for (const wrong of found.wrong) fault(wrong);
      if (await evaluate(`document.documentElement.scrollWidth > ${width}`)) fault("has to be scrolled sideways");
      const background = await evaluate("getComputedStyle(document.body).backgroundColor");
      const sum = background.match(/\d+/g).slice(0, 3).reduce((total, part) => total + Number(part), 0);
      if ((sum > 382) !== (scheme === "light")) fault(`background ${background}`);
      if (await evaluate("document.links.length > 0")) {
        for (const type of ["keyDown", "keyUp"]) await Input.dispatchKeyEvent({ type, key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 });
        if (await evaluate("document.activeElement.tagName") !== "A") fault("Tab does not reach the link");
      }
      looks += 1;
    }
  }
}
await browser.end();
for (const fault of faults) console.error(fault);
console.log(`${pages.length} pages, ${looks} looks, ${faults.length} faults`);
process.exit(faults.length === 0 && pages.length > 0 ? 0 : 1);
