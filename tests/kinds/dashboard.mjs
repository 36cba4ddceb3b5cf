// Checks a Grafana dashboard, the file argv[2], against the types that Grafana publishes, field by field: see dashboard.d.ts.
// Run it where `npm ci` has put node_modules.

import { readFileSync } from "node:fs";
import { typeFaults } from "./types.mjs";

const text = readFileSync(process.argv[2], "utf8");
const head = 'import type { Dashboard } from "./dashboard.js";\nexport const dashboard: Dashboard = ';
JSON.parse(text);
const lines = text.split("\n");
const faults = typeFaults(head + text);
for (const { line, words } of faults) console.error(`line ${line}, \`${lines[line - 1]?.trim()}\`: ${words}`);
process.exitCode = faults.length === 0 ? 0 : 1;
