// Checks Kubernetes objects, a JSON array in the file argv[2], against the published schemas of their kinds: each is
// validated by the validator that was made from its CRD, and type-checked as a literal, which finds fields that no CRD has.
// Run it where `npm ci` has put node_modules.

import { readFileSync } from "node:fs";
import { typeFaults } from "./types.mjs";

const objects = JSON.parse(readFileSync(process.argv[2], "utf8"));
const faults = [];
const lines = [];

for (const [index, object] of objects.entries()) {
  const [version, group] = object.apiVersion.split("/").reverse();
  const told = `${object.kind} ${object.metadata?.name}`;
  const own = group === "gateway.envoyproxy.io";
  const name = own ? "./envoy-gateway.js" : `${library(group)}/${version}/${object.kind}`;
  if (!own) {
    const kind = (await import(name))[object.kind];
    try {
      new kind(object).validate();
    } catch (error) {
      faults.push(`${told}: ${error.message}`);
    }
  }
  lines.push(`import type { I${object.kind} as T${index} } from ${JSON.stringify(name)};`);
  lines.push(`export const o${index}: T${index} = ${JSON.stringify(object)};`);
}

for (const { line, words } of typeFaults(lines.join("\n"))) {
  const object = objects[(line - 1) / 2];
  faults.push(`${object?.kind} ${object?.metadata?.name}: ${words}`);
}

if (objects.length === 0) faults.push("there are no objects");
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function library(group) {
  if (group === undefined) return "kubernetes-models";
  if (group.endsWith(".istio.io")) return `@kubernetes-models/istio/${group}`;
  return group === "gateway.networking.k8s.io" ? `@kubernetes-models/gateway-api/${group}` : `kubernetes-models/${group}`;
}
