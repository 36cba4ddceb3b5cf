// A headless Chromium, spoken to by its DevTools protocol.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

// `modules` is a folder of npm's with chrome-remote-interface in it.
export async function start(chromium, modules, ...flags) {
  const connect = createRequire(join(resolve(modules), "package.json"))("chrome-remote-interface");
  const profile = mkdtempSync(join(tmpdir(), "usher-chromium-"));
  const common = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions", "--remote-debugging-port=0", `--user-data-dir=${profile}`];
  const child = spawn(chromium, [...common, ...flags, "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
  const port = await new Promise((found, failed) => {
    let said = "";
    child.stderr.on("data", (words) => {
      said += words;
      const line = said.match(/DevTools listening on ws:\/\/127\.0\.0\.1:(\d+)\//);
      if (line) found(Number(line[1]));
    });
    child.on("error", failed);
    child.on("exit", () => failed(new Error(`Chromium does not start: ${said}`)));
  });
  const client = await connect({ port });
  const end = async () => {
    await client.close();
    child.removeAllListeners("exit");
    const gone = new Promise((ended) => child.on("exit", ended));
    child.kill();
    await gone;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { client, end };
}
