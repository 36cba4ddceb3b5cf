// The part of Envoy Gateway's kinds (gateway.envoyproxy.io/v1alpha1) that usher renders, as in the CRDs of 1.3 to 1.9: no
// package publishes their schemas. What is not here, the type check refuses.

interface Metadata { name: string; namespace: string }
interface GatewayRef { group: "gateway.networking.k8s.io"; kind: "Gateway"; name: string }
interface Kind<K extends string, Spec> { apiVersion: "gateway.envoyproxy.io/v1alpha1"; kind: K; metadata: Metadata; spec: Spec }

type Code =
  | { type: "HTTP"; http: { url: string; sha256?: string }; pullPolicy?: "IfNotPresent" | "Always" }
  | { type: "Image"; image: { url: string; sha256?: string; pullSecretRef?: { name: string } }; pullPolicy?: "IfNotPresent" | "Always" };

export type IEnvoyExtensionPolicy = Kind<"EnvoyExtensionPolicy", {
  targetRefs: [GatewayRef, ...GatewayRef[]];
  wasm: { name?: string; rootID?: string; code: Code; config?: unknown; failOpen?: boolean; env?: { hostKeys?: string[] } }[];
}>;

export type IClientTrafficPolicy = Kind<"ClientTrafficPolicy", {
  targetRefs: [GatewayRef, ...GatewayRef[]];
  headers?: { withUnderscoresAction?: "Allow" | "RejectRequest" | "DropHeader" };
  path?: { escapedSlashesAction?: "KeepUnchanged" | "RejectRequest" | "UnescapeAndForward" | "UnescapeAndRedirect"; disableMergeSlashes?: boolean };
}>;

type Env = { name: string; valueFrom: { secretKeyRef: { name: string; key: string } } };
type Sink = { type: "File"; file: { path: string } };
export type IEnvoyProxy = Kind<"EnvoyProxy", {
  provider?: { type: "Kubernetes"; kubernetes?: { envoyDeployment?: { container?: { env?: Env[] } } } };
  telemetry?: { accessLog?: { settings?: { sinks: [Sink, ...Sink[]]; format?: { type: "JSON"; json: { [field: string]: string } } }[] } };
}>;

type Patch = {
  type:
    | "type.googleapis.com/envoy.config.cluster.v3.Cluster"
    | "type.googleapis.com/envoy.config.listener.v3.Listener";
  name: string;
  operation: { op: "add" | "remove" | "replace" | "move" | "copy" | "test"; path?: string; jsonPath?: string; from?: string; value?: unknown };
};
export type IEnvoyPatchPolicy = Kind<"EnvoyPatchPolicy", {
  type: "JSONPatch";
  targetRef: GatewayRef;
  priority?: number;
  jsonPatches: [Patch, ...Patch[]];
}>;
