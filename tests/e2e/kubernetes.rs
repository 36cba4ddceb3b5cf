//! The store's Kubernetes manifests: valid by the schemas of their kinds, confined, and of one piece.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use usher_policy_file::yaml_to_json;

use crate::schemas::{are_noticed, config, faults, find, objects};

fn folder() -> PathBuf {
    config("kubernetes")
}

fn read(name: &str) -> Result<String> {
    std::fs::read_to_string(folder().join(name)).with_context(|| name.to_owned())
}

fn kustomization() -> Result<Value> {
    yaml_to_json(&read("kustomization.yaml")?).map_err(|faults| anyhow!("{faults:?}"))
}

fn strings(value: &Value) -> Result<Vec<String>> {
    let list = value.as_array().with_context(|| format!("no list: {value}"))?;
    list.iter().map(|item| Ok(item.as_str().context("a text")?.to_owned())).collect()
}

/// Every object that `kubectl apply -k` applies, but for the policy's ConfigMap.
pub(crate) fn applied() -> Result<Vec<Value>> {
    let mut all = Vec::new();
    for name in strings(&kustomization()?["resources"])? {
        all.extend(objects(&read(&name)?)?);
    }
    Ok(all)
}

/// The Secrets that must be there.
pub(crate) fn secrets() -> Result<Vec<Value>> {
    objects(&read("secret.example.yaml")?)
}

/// The Deployment's pod.
pub(crate) fn pod(objects: &[Value]) -> Result<&Value> {
    find(objects, "Deployment", "usher-store")?.pointer("/spec/template/spec").context("a pod")
}

/// The only container of it.
pub(crate) fn container(objects: &[Value]) -> Result<&Value> {
    let containers = pod(objects)?["containers"].as_array().context("containers")?;
    ensure!(containers.len() == 1, "{containers:?}");
    containers.first().context("a container")
}

#[test]
fn the_manifests_are_valid_by_the_schemas_of_their_kinds() -> Result<()> {
    let mut all = applied()?;
    all.extend(secrets()?);
    ensure!(all.len() >= 8, "{}", all.len());
    let faults = faults(&all)?;
    ensure!(faults.is_empty(), "{faults}");
    Ok(())
}

#[test]
fn the_schemas_find_what_is_wrong_in_manifests() -> Result<()> {
    let all = applied()?;
    let broken = [
        ("Deployment", "/spec/replica", json!(2)),
        ("Deployment", "/spec/template/spec/containers/0/readinessProbe/httpGet/scheme", json!("TLS")),
        ("Deployment", "/spec/template/spec/containers/0/securityContext/readOnlyRootFileSystem", json!(true)),
        ("Deployment", "/spec/template/spec/volumes/0/configMap", json!("usher-policy")),
        ("Deployment", "/spec/selector", Value::Null),
        ("Service", "/spec/ports/0/port", json!("https")),
        ("PodDisruptionBudget", "/spec/maxUnavailables", json!(1)),
        ("NetworkPolicy", "/spec/policyTypes", json!("Ingress")),
        ("ServiceAccount", "/automountServiceAccountToken", json!("no")),
    ];
    are_noticed(&broken.map(|(kind, pointer, value)| (all.as_slice(), kind, pointer, value)))
}

#[test]
fn the_kustomization_has_every_file_and_the_version() -> Result<()> {
    let kustomization = kustomization()?;
    let known = ["apiVersion", "kind", "namespace", "resources", "images", "configMapGenerator", "generatorOptions"];
    let fields = kustomization.as_object().context("a mapping")?;
    ensure!(fields.keys().all(|field| known.contains(&field.as_str())), "{fields:?}");
    let mut named: BTreeSet<_> = strings(&kustomization["resources"])?.into_iter().collect();
    let policies = strings(&kustomization["configMapGenerator"][0]["files"])?;
    named.extend(policies.clone());
    named.extend(["kustomization.yaml", "secret.example.yaml"].map(str::to_owned));
    let mut there = BTreeSet::new();
    for file in std::fs::read_dir(folder())? {
        there.insert(file?.file_name().to_string_lossy().into_owned());
    }
    ensure!(named == there, "{named:?} and {there:?}");
    ensure!(
        read(policies.first().context("a policy")?)? == std::fs::read_to_string(config("envoy").join("usher.yaml"))?
    );
    let image = &kustomization["images"][0];
    ensure!(
        image["newTag"] == env!("CARGO_PKG_VERSION") && image["name"] == container(&applied()?)?["image"],
        "{image}"
    );
    Ok(())
}

#[test]
fn one_name_finds_the_pods_their_policy_and_their_secrets() -> Result<()> {
    let all = applied()?;
    ensure!(all.iter().all(|object| {
        let namespace = object.pointer("/metadata/namespace").or(object.pointer("/metadata/name"));
        namespace.is_some_and(|namespace| namespace == "usher")
    }));
    let deployment = find(&all, "Deployment", "usher-store")?;
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    let spread = pod(&all)?["topologySpreadConstraints"].as_array().context("constraints")?;
    let budget = &find(&all, "PodDisruptionBudget", "usher-store")?["spec"]["selector"]["matchLabels"];
    let network = &find(&all, "NetworkPolicy", "usher-store")?["spec"]["podSelector"]["matchLabels"];
    let service = &find(&all, "Service", "usher-store")?["spec"]["selector"];
    let selector = &deployment["spec"]["selector"]["matchLabels"];
    let mut selectors = vec![budget, network, service, selector];
    selectors.extend(spread.iter().map(|constraint| &constraint["labelSelector"]["matchLabels"]));
    ensure!(selectors.len() == 6 && selectors.iter().all(|selector| *selector == labels), "{selectors:?}");
    ensure!(deployment["spec"]["replicas"].as_u64().is_some_and(|replicas| replicas >= 2), "one is no replica");

    let account = find(&all, "ServiceAccount", "usher-store")?;
    ensure!(pod(&all)?["serviceAccountName"] == account["metadata"]["name"]);
    let generated = kustomization()?;
    ensure!(pod(&all)?["volumes"][0]["configMap"]["name"] == generated["configMapGenerator"][0]["name"]);
    let secrets = secrets()?;
    find(&secrets, "Secret", pod(&all)?["volumes"][1]["secret"]["secretName"].as_str().context("a Secret")?)?;
    find(&secrets, "Secret", container(&all)?["envFrom"][0]["secretRef"]["name"].as_str().context("a Secret")?)?;
    for secret in &secrets {
        let values = secret["stringData"].as_object().context("values")?;
        ensure!(values.values().all(|value| value == ""), "an example without secrets: {secret}");
    }
    Ok(())
}

/// What the Pod Security Standard `restricted` asks, and a root that cannot be written to.
/// Source: <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
#[test]
fn the_pod_is_confined() -> Result<()> {
    let all = applied()?;
    let (pod, container) = (pod(&all)?, container(&all)?);
    for (object, pointer, value) in [
        (pod, "/securityContext/runAsNonRoot", json!(true)),
        (pod, "/securityContext/runAsUser", json!(65532)),
        (pod, "/securityContext/seccompProfile/type", json!("RuntimeDefault")),
        (pod, "/automountServiceAccountToken", json!(false)),
        (container, "/securityContext/allowPrivilegeEscalation", json!(false)),
        (container, "/securityContext/readOnlyRootFilesystem", json!(true)),
        (container, "/securityContext/capabilities", json!({"drop": ["ALL"]})),
    ] {
        ensure!(object.pointer(pointer) == Some(&value), "{pointer} is not {value}");
    }
    for forbidden in ["hostNetwork", "hostPID", "hostIPC", "initContainers", "hostUsers"] {
        ensure!(pod.get(forbidden).is_none(), "{forbidden}");
    }
    let namespace = find(&all, "Namespace", "usher")?;
    ensure!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted", "{namespace}");
    Ok(())
}
