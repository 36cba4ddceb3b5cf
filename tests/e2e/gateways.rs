//! Istio and Envoy Gateway: what is rendered is valid by the schemas of its kinds, and what Envoy gets of it by Envoy itself.

use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use usher_policy_file::{from_json, yaml_to_json};
use usher_tests::http::Request;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, render};
use usher_tests::{binaries, policy};

use crate::schemas::{are_noticed, config, faults, find, objects};

const IMAGE: &str = "oci://registry.example/usher/filter:0.1.0";
const DIGEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const STORE: &str = "usher-store.usher.svc.cluster.local:7070";
const ISTIO: &[&str] = &[
    "istio",
    "--namespace",
    "istio-ingress",
    "--gateway",
    "edge",
    "--wasm",
    IMAGE,
    "--sha256",
    DIGEST,
    "--store",
    STORE,
];
const ENVOY_GATEWAY: &[&str] = &[
    "envoy-gateway",
    "--namespace",
    "edge",
    "--gateway",
    "edge",
    "--listener",
    "https",
    "--wasm",
    IMAGE,
    "--sha256",
    DIGEST,
    "--store",
    STORE,
];

/// `usher render` of the examples' policy with these arguments.
fn rendered(arguments: &[&str], more: &[&str]) -> Result<String> {
    let mut command = Command::new(binaries::usher()?);
    command.arg("render").args(arguments).args(more).arg(config("envoy").join("usher.yaml"));
    let output = command.output()?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn authority() -> Result<tempfile::NamedTempFile> {
    let file = tempfile::NamedTempFile::new()?;
    let authority = rcgen::generate_simple_self_signed(vec!["authority.example".to_owned()])?;
    std::fs::write(file.path(), authority.cert.pem())?;
    Ok(file)
}

#[test]
fn everything_for_istio_is_valid_by_its_schemas() -> Result<()> {
    let authority = authority()?;
    let ca = authority.path().to_str().context("a path")?;
    let own = ["--ca", ca, "--store-ca", ca, "--pull-secret", "registry"];
    let labels =
        ["istio", "--namespace", "istio-system", "--selector", "istio=ingressgateway", "--selector", "app=edge"];
    let elsewhere =
        ["--wasm", "https://files.example/usher.wasm", "--store", "store.example:443", "--envoy-version", "1.32"];
    let mut all = Vec::new();
    for (arguments, more) in [(ISTIO, &[][..]), (ISTIO, &own), (&labels, &elsewhere)] {
        let objects = objects(&rendered(arguments, more)?)?;
        all.extend(objects.clone());
        let plugin = &find(&objects, "WasmPlugin", "usher")?["spec"];
        let old = more.contains(&"1.32");
        ensure!(plugin["failStrategy"] == if old { "FAIL_CLOSE" } else { "FAIL_RELOAD" }, "{plugin}");
        ensure!(
            objects.iter().all(|object| arguments.get(2).is_some_and(|name| object["metadata"]["namespace"] == *name)),
            "one namespace"
        );
    }
    let faults = faults(&all)?;
    ensure!(faults.is_empty(), "{faults}");
    Ok(())
}

#[test]
fn everything_for_envoy_gateway_is_what_its_reference_has() -> Result<()> {
    let authority = authority()?;
    let ca = authority.path().to_str().context("a path")?;
    let own = ["--ca", ca, "--store-ca", ca, "--pull-secret", "registry", "--listener", "tcp-443"];
    let page =
        ["envoy-gateway", "--namespace", "edge", "--gateway", "edge", "--wasm", "https://files.example/usher.wasm"];
    let old = ["--store", "10.0.0.7:7070", "--envoy-version", "1.32"];
    let mut all = Vec::new();
    for (arguments, more) in [(ENVOY_GATEWAY, &[][..]), (ENVOY_GATEWAY, &own), (&page, &old)] {
        let text = rendered(arguments, more)?;
        all.extend(objects(&text)?);
        ensure!(text.contains("FAIL_RELOAD") != more.contains(&"1.32"), "{more:?}");
    }
    let faults = faults(&all)?;
    ensure!(faults.is_empty(), "{faults}");
    Ok(())
}

#[test]
fn the_schemas_find_what_is_wrong() -> Result<()> {
    let istio = objects(&rendered(ISTIO, &[])?)?;
    let gateway = objects(&rendered(ENVOY_GATEWAY, &[])?)?;
    let (istio, gateway) = (istio.as_slice(), gateway.as_slice());
    let broken = [
        (istio, "WasmPlugin", "/spec/failStrategy", json!("FAIL_SOMEHOW")),
        (istio, "WasmPlugin", "/spec/vmConfig/env/0/from", json!("HOST")),
        (istio, "WasmPlugin", "/spec/url", Value::Null),
        (istio, "EnvoyFilter", "/spec/configPatches/0/applyTo", json!("FILTERS")),
        (istio, "DestinationRule", "/spec/trafficPolicy/portLevelSettings/0/timeout", json!("1s")),
        (istio, "ServiceEntry", "/spec/hosts", json!([])),
        (gateway, "EnvoyExtensionPolicy", "/spec/wasm/0/failurePolicy", json!("FAIL_RELOAD")),
        (gateway, "ClientTrafficPolicy", "/spec/path/escapedSlashesAction", json!("Keep")),
    ];
    are_noticed(&broken)
}

#[test]
fn the_ready_configurations_are_what_render_prints_and_their_gateways_are_valid() -> Result<()> {
    for (folder, arguments) in [("istio", ISTIO), ("envoy-gateway", ENVOY_GATEWAY)] {
        let file = config(folder).join("usher.yaml");
        let text = rendered(arguments, &[])?;
        if std::env::var_os("USHER_WRITE_EXAMPLES").is_some() {
            std::fs::write(&file, &text)?;
        }
        let there = std::fs::read_to_string(&file)?;
        ensure!(there == text, "{} is another: set USHER_WRITE_EXAMPLES=1 to write it anew", file.display());
        let gateway = objects(&std::fs::read_to_string(config(folder).join("gateway.yaml"))?)?;
        let faults = faults(&gateway)?;
        ensure!(faults.is_empty(), "{folder}/gateway.yaml: {faults}");
    }
    Ok(())
}

#[test]
fn istio_hands_on_the_policy_with_the_clusters_that_it_makes() -> Result<()> {
    let objects = objects(&rendered(ISTIO, &[])?)?;
    let configuration = &find(&objects, "WasmPlugin", "usher")?["spec"]["pluginConfig"];
    let policy = from_json(configuration.to_string().as_bytes()).map_err(|faults| anyhow!("{faults:?}"))?;
    ensure!(policy.store.cluster == "outbound|7070||usher-store.usher.svc.cluster.local", "{}", policy.store.cluster);
    let mut document = yaml_to_json(&std::fs::read_to_string(config("envoy").join("usher.yaml"))?)
        .map_err(|faults| anyhow!("{faults:?}"))?;
    document["store"]["cluster"] = json!("outbound|7070||usher-store.usher.svc.cluster.local");
    document["parents"][0]["connections"][0]["jwks"]["cluster"] = json!("outbound|443||acme.okta.example");
    ensure!(*configuration == document, "{configuration}");
    Ok(())
}

/// A bootstrap of the same policy, for an Envoy on this machine.
fn bootstrap(ca: &str) -> Result<Value> {
    let flags = [("--wasm", binaries::filter()?.display().to_string()), ("--ca", ca.to_owned())];
    let bootstrap = render(&config("envoy").join("usher.yaml"), &flags)?;
    let mut bootstrap = yaml_to_json(&bootstrap).map_err(|faults| anyhow!("{faults:?}"))?;
    // A gateway has routes of its own: all its streams may live as long as those here that were decided about.
    let manager = bootstrap.pointer_mut(MANAGER).context("a connection manager")?;
    let longest =
        manager.pointer("/route_config/virtual_hosts/0/routes/0/route/max_stream_duration/max_stream_duration");
    let longest = longest.context("a route's own")?.clone();
    let options = manager.pointer_mut("/common_http_protocol_options").and_then(Value::as_object_mut);
    options.context("options")?.insert("max_stream_duration".to_owned(), longest);
    Ok(bootstrap)
}

const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

#[test]
fn what_istio_merges_into_the_connection_manager_is_what_envoy_has_there() -> Result<()> {
    let objects = objects(&rendered(ISTIO, &[])?)?;
    let patch = &find(&objects, "EnvoyFilter", "usher")?["spec"]["configPatches"][0];
    ensure!(patch["patch"]["operation"] == "MERGE", "{patch}");
    let merged = patch["patch"]["value"]["typed_config"].as_object().context("a typed_config")?;
    let authority = authority()?;
    let mut bootstrap = bootstrap(authority.path().to_str().context("a path")?)?;
    let manager = bootstrap.pointer_mut(MANAGER).and_then(Value::as_object_mut).context("a connection manager")?;
    for (field, value) in merged {
        let ours = manager.get(field).with_context(|| format!("a standalone Envoy has no {field}"))?;
        match (ours, value) {
            (Value::Object(ours), Value::Object(value)) => {
                ensure!(value.iter().all(|(field, value)| ours.get(field) == Some(value)), "{field} is another");
            }
            (ours, value) => ensure!(ours == value, "{field} is another: {ours} and {value}"),
        }
        manager.insert(field.clone(), value.clone());
    }
    accepted(&bootstrap)
}

#[test]
fn what_envoy_gateway_patches_is_what_envoy_has_there() -> Result<()> {
    let authority = authority()?;
    let ca = authority.path().to_str().context("a path")?;
    let objects = objects(&rendered(ENVOY_GATEWAY, &["--ca", ca, "--store-ca", ca])?)?;
    let mut bootstrap = bootstrap(ca)?;
    let clusters: Vec<Value> =
        patches(&objects, "usher-clusters")?.iter().map(|patch| patch["operation"]["value"].clone()).collect();
    ensure!(clusters.len() == 2, "{clusters:?}");
    let ours = bootstrap.pointer_mut("/static_resources/clusters").and_then(Value::as_array_mut).context("clusters")?;
    ours.retain(|cluster| cluster["name"] == "upstream");
    ours.extend(clusters);

    // As Envoy Gateway makes it: its own name for the filter, and nothing that its API has no field for.
    let listener = bootstrap.pointer_mut("/static_resources/listeners/0").context("a listener")?;
    let manager = "/filter_chains/0/filters/0/typed_config";
    let filter = listener.pointer_mut(&format!("{manager}/http_filters/0")).context("a filter")?;
    filter["name"] = json!("envoy.filters.http.wasm/envoyextensionpolicy/edge/usher/wasm/0");
    filter["disabled"] = json!(false);
    let before = listener.clone();
    // Envoy Gateway leaves it to the routes.
    let disabled = listener.pointer_mut(&format!("{manager}/http_filters/0/disabled")).context("a filter")?;
    *disabled = json!(true);
    for pointer in [
        "/http_filters/0/typed_config/config/failure_policy",
        "/http_filters/0/typed_config/config/reload_config",
        "/normalize_path",
        "/common_http_protocol_options/max_stream_duration",
    ] {
        let (parent, field) = pointer.rsplit_once('/').context("a pointer")?;
        let parent = listener.pointer_mut(&format!("{manager}{parent}")).and_then(Value::as_object_mut);
        parent.and_then(|parent| parent.remove(field)).with_context(|| format!("no {pointer}"))?;
    }
    for patch in patches(&objects, "usher-filter")? {
        ensure!(patch["name"] == "edge/edge/https", "{patch}");
        apply(listener, &patch["operation"])?;
    }
    let filters = listener.pointer_mut(&format!("{manager}/http_filters")).and_then(Value::as_array_mut);
    let filters = filters.context("filters")?;
    let place = filters.iter().position(|filter| filter["name"] == GUARD).context("the guard is there")?;
    ensure!(filters.get(place + 1).is_some_and(|next| next["name"] == ROUTER), "it stands before the router");
    accepted(&bootstrap)?;
    // A standalone Envoy has routes in its place.
    let listener = bootstrap.pointer_mut("/static_resources/listeners/0").context("a listener")?;
    let filters = listener.pointer_mut(&format!("{manager}/http_filters")).and_then(Value::as_array_mut);
    filters.context("filters")?.remove(place);
    ensure!(*listener == before, "not as a standalone Envoy has it: {listener}");
    Ok(())
}

fn patches<'a>(objects: &'a [Value], name: &str) -> Result<&'a Vec<Value>> {
    let policy = find(objects, "EnvoyPatchPolicy", name)?;
    policy.pointer("/spec/jsonPatches").and_then(Value::as_array).context("patches")
}

const GUARD: &str = "usher.decided";
const ROUTER: &str = "envoy.filters.http.router";

/// The routes of a gateway are its own, and lead to the product whatever the filter has said: its guard stands in between.
#[test]
fn the_guard_of_a_gateway_lets_nothing_through_that_was_not_decided_about() -> Result<()> {
    let istio = objects(&rendered(ISTIO, &[])?)?;
    let patch = &find(&istio, "EnvoyFilter", "usher")?["spec"]["configPatches"][1];
    ensure!(patch["applyTo"] == "HTTP_FILTER" && patch["patch"]["operation"] == "INSERT_BEFORE", "{patch}");
    ensure!(patch["match"]["listener"]["filterChain"]["filter"]["subFilter"]["name"] == ROUTER, "{patch}");
    let gateway = objects(&rendered(ENVOY_GATEWAY, &[])?)?;
    let added = patches(&gateway, "usher-filter")?.iter().find(|patch| patch["operation"]["value"]["name"] == GUARD);
    ensure!(added.context("a guard")?["operation"]["value"] == patch["patch"]["value"], "one guard for both");

    // One Envoy with the routes of a gateway, and its filters in its order.
    let setup = Setup { edit_bootstrap: Some(as_a_gateway), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", PASSING)?, &setup)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let passed = Request::new("GET", "chat.acme.example", "/open/x");
    let unmatched = Request::new("GET", "else.example", "/");
    for request in [&good, &passed, &unmatched] {
        ensure!(
            stage.system.envoy.send(request)?.status == 200,
            "let in: {}",
            String::from_utf8_lossy(&request.target)
        );
    }
    let bare = Request::new("GET", "chat.acme.example", "/");
    ensure!(stage.system.envoy.send(&bare)?.status == 401, "who has no credentials is told so");

    let setup = Setup { edit_bootstrap: Some(as_a_gateway_without_the_filter), ..Setup::default() };
    let stage = RealEnvoy::start_with(&policy::changed("claude", PASSING)?, &setup)?;
    let forged = bare.clone().header("x-usher-organization", "acme-chat").header("x-usher-role", "owner");
    for request in [&good, &bare, &forged, &passed] {
        ensure!(stage.system.envoy.send(request)?.status == 403, "without the filter nobody passes");
    }
    ensure!(stage.system.upstream.attempts() == 0, "the product saw a request that nobody has decided about");
    Ok(())
}

const PASSING: &str = "organization: {bypass: [{path: /open/}]}\noptions: {unmatched: pass}";

/// The routes of our bootstrap ask nothing, and the guard that a gateway gets is where a gateway has it.
fn as_a_gateway(bootstrap: &str) -> Result<String> {
    let mut bootstrap = yaml_to_json(bootstrap).map_err(|faults| anyhow!("{faults:?}"))?;
    let manager = bootstrap.pointer_mut(MANAGER).context("a connection manager")?;
    let host = manager.pointer_mut("/route_config/virtual_hosts/0").context("a virtual host")?;
    host["routes"] = json!([{"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}}]);
    let istio = objects(&rendered(ISTIO, &[])?)?;
    let guard = find(&istio, "EnvoyFilter", "usher")?.pointer("/spec/configPatches/1/patch/value").cloned();
    let filters = manager.get_mut("http_filters").and_then(Value::as_array_mut).context("filters")?;
    let router = filters.iter().position(|filter| filter["name"] == ROUTER).context("a router")?;
    filters.insert(router, guard.context("a guard")?);
    Ok(bootstrap.to_string())
}

fn as_a_gateway_without_the_filter(bootstrap: &str) -> Result<String> {
    let mut bootstrap: Value = serde_json::from_str(&as_a_gateway(bootstrap)?)?;
    let filters = bootstrap.pointer_mut(&format!("{MANAGER}/http_filters")).and_then(Value::as_array_mut);
    filters.context("filters")?.retain(|filter| filter["name"] != "usher");
    Ok(bootstrap.to_string())
}

/// Adds a field as Envoy Gateway does, in each place that `..LIST[?match(@.name, 'NAME')].FIELD…` leads to; without a field,
/// an item before the one with that name (RFC 6902, 4.1).
fn apply(listener: &mut Value, operation: &Value) -> Result<()> {
    let text = |field: &str| operation[field].as_str().with_context(|| format!("{field}: {operation}"));
    ensure!(text("op")? == "add", "{operation}");
    let (list, rest) = text("jsonPath")?.trim_start_matches("..").split_once("[?match(@.name, '").context("a list")?;
    let (name, fields) = rest.split_once("')]").context("a name")?;
    if operation.get("path").is_none() {
        let items = items(listener, list, name).with_context(|| format!("nothing has the name {name}"))?;
        let place = items.iter().position(|item| item["name"] == name).context("an item")?;
        items.insert(place, operation["value"].clone());
        return Ok(());
    }
    let items = items(listener, list, name).with_context(|| format!("nothing has the name {name}"))?;
    let mut place = items.iter_mut().find(|item| item["name"] == name).context("an item")?;
    for field in fields.split('.').filter(|field| !field.is_empty()) {
        place = place.get_mut(field).with_context(|| format!("no {field}: {operation}"))?;
    }
    place.as_object_mut().context("a mapping")?.insert(text("path")?.to_owned(), operation["value"].clone());
    Ok(())
}

/// The first list of this field that has an item with this name.
fn items<'a>(value: &'a mut Value, list: &str, name: &str) -> Option<&'a mut Vec<Value>> {
    match value {
        Value::Array(values) => values.iter_mut().find_map(|value| items(value, list, name)),
        Value::Object(fields) => fields.iter_mut().find_map(|(field, value)| {
            let here =
                field == list && value.as_array().is_some_and(|items| items.iter().any(|item| item["name"] == name));
            if here { value.as_array_mut() } else { items(value, list, name) }
        }),
        _ => None,
    }
}

/// `envoy --mode validate`.
fn accepted(bootstrap: &Value) -> Result<()> {
    let file = tempfile::Builder::new().suffix(".json").tempfile()?;
    std::fs::write(file.path(), bootstrap.to_string())?;
    let output = Command::new(binaries::envoy()?)
        .args(["--mode", "validate", "--config-path"])
        .arg(file.path())
        .env("USHER_STORE_TOKEN", "store-token-of-the-tests")
        .output()?;
    ensure!(output.status.success(), "envoy --mode validate: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
