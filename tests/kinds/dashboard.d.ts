// A dashboard of ours, by Grafana's own types, which leave open what a panel's kind and a data source's queries have: here
// every panel is a time series, and every query one of Prometheus. What is not in the types, the type check refuses.

import type { Dashboard as Any, FieldConfig, FieldConfigSource, Panel as AnyPanel, VariableModel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";
import type { FieldConfig as Custom, Options } from "@grafana/grafana-foundation-sdk/timeseries";
import type * as units from "@grafana/grafana-foundation-sdk/units";

// A type as JSON has it: an enumeration by its texts, and without the SDK's own methods.
type Json<T> = T extends (infer Item)[] ? Json<Item>[]
  : T extends string ? `${T}`
  : T extends object ? { [K in keyof T as K extends `_implements${string}` ? never : K]: Json<T[K]> }
  : T;

// The data source is whichever is chosen: nobody else's has the name that ours has.
interface Source { type: "prometheus"; uid: "${datasource}" }
type Unit = (typeof units)[keyof typeof units];

interface Panel extends Json<Omit<AnyPanel, "targets" | "options" | "fieldConfig">> {
  type: "timeseries";
  id: number;
  title: string;
  description: string;
  datasource: Source;
  targets: (Json<Dataquery> & { refId: string; legendFormat: string; datasource: Source })[];
  options: Json<Options>;
  fieldConfig: Json<Omit<FieldConfigSource, "defaults">> & { defaults: Json<Omit<FieldConfig, "custom">> & { unit: Unit; custom: Json<Custom> } };
}

export type Dashboard = Json<Omit<Any, "panels" | "templating">> & {
  uid: string;
  title: string;
  templating: { list: [{ type: "datasource"; name: "datasource"; query: "prometheus"; label: string }, ...Json<VariableModel>[]] };
  panels: Panel[];
};
