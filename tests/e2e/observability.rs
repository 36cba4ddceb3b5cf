//! Dashboard and alerts ask for metrics that Envoy and the store really have.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use usher_tests::http::{Request, local};
use usher_tests::server::Fault;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::Setup;
use usher_tests::{binaries, policy, wait};

/// Labels that usher adds to metrics, and look like them.
const LABELS: [&str; 2] = ["usher_reason", "usher_verdict"];

#[test]
fn every_metric_of_the_dashboard_and_the_alerts_is_in_a_real_scrape() -> Result<()> {
    let folder = binaries::workspace().join("envoy-config").join("observability");
    let dashboard = std::fs::read_to_string(folder.join("dashboard.json"))?;
    let document: Value = serde_json::from_str(&dashboard)?;
    let panels = document.get("panels").and_then(Value::as_array).context("a dashboard has panels")?;
    let asked: Vec<&str> = panels.iter().flat_map(expressions).collect();
    ensure!(asked.len() >= panels.len() && panels.len() >= 10, "{} panels ask {} times", panels.len(), asked.len());
    let mut wanted: BTreeSet<String> = asked.iter().flat_map(|expression| metrics(expression)).collect();
    let rules = std::fs::read_to_string(folder.join("alerts.yaml"))?;
    let rules = usher_policy_file::yaml_to_json(&rules).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let rules = rules.pointer("/groups/0/rules").and_then(Value::as_array).context("there are rules")?;
    for rule in rules {
        let expression = rule.get("expr").and_then(Value::as_str).context("a rule has an expression")?;
        let named: Vec<String> = metrics(expression).collect();
        ensure!(!named.is_empty(), "{rule} asks for nothing of ours");
        wanted.extend(named);
    }

    let (envoy, store) = scrape()?;
    let there = names(&envoy).chain(names(&store)).collect::<BTreeSet<_>>();
    let missing: Vec<_> = wanted.iter().filter(|name| !there.contains(name.as_str())).collect();
    ensure!(missing.is_empty(), "nobody says {missing:?}; there is {there:#?}");
    for line in [
        "usher_requests{usher_verdict=\"allow\"}",
        "usher_requests{usher_verdict=\"deny\",usher_reason=\"no_mapped_group\"}",
    ] {
        ensure!(envoy.contains(line), "no {line} in {envoy}");
    }
    Ok(())
}

/// What both say after a day in which everything happened once.
fn scrape() -> Result<(String, String)> {
    let changes = "{connection: {jwks: {remote: {}}}, organization: {provisioning: {group_mappings: {roles: [{group: staff, role: user}]}}, \
                   seats: {caps: {premium: 1, standard: 1}}}}";
    let setup = Setup { filter: Some(binaries::filter_with_trap()?), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", changes)?, &setup)?;
    stage.play("- {login: ada, groups: [staff], allow: {role: user, seat_tier: premium}}")?;
    stage.play("- {login: bob, groups: [staff], allow: {role: user, seat_tier: standard}}")?;
    stage.play("- {login: bob, groups: [], deny: no_mapped_group}")?;
    stage.system.store_gate.fault(Some(Fault::Wrong(500, "{}".to_owned())));
    stage.play("- {login: bea, groups: [staff], deny: store_unavailable}")?;
    stage.system.store_gate.fault(None);
    let trapped = Request::new("GET", "chat.acme.example", "/").header("x-usher-trap", "now");
    wait::until("a filter traps", || Ok((stage.system.envoy.send(&trapped)?.status == 503).then_some(())))?;
    let good = stage.request_of("{login: ada, groups: [staff], pass: true}")?;
    let ask = |address, path: &str| -> Result<String> {
        Ok(String::from_utf8_lossy(&Request::new("GET", "metrics", path).send(address)?.body).into_owned())
    };
    let admin = local(stage.system.envoy.admin());
    let envoy = wait::until("every worker has told of itself", || {
        stage.system.envoy.send(&good)?;
        let said = ask(admin, "/stats/prometheus")?;
        let is_told = ["usher_keys_age_ms", "usher_feed_age_ms", "vm_reload_success", "usher_sessions"];
        Ok(is_told.iter().all(|name| said.contains(name)).then_some(said))
    })?;
    Ok((envoy, ask(stage.system.store.address(), "/metrics")?))
}

fn expressions(panel: &Value) -> impl Iterator<Item = &str> {
    let targets = panel.get("targets").and_then(Value::as_array).into_iter().flatten();
    targets.filter_map(|target| target.get("expr")?.as_str())
}

/// The names in an expression that are metrics of ours or of Envoy's.
fn metrics(expression: &str) -> impl Iterator<Item = String> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let is_metric = |word: &&str| (word.starts_with("usher_") || word.starts_with("envoy_")) && !LABELS.contains(word);
    words.filter(is_metric).map(str::to_owned)
}

/// The names in a scrape.
fn names(scrape: &str) -> impl Iterator<Item = &str> {
    let samples = scrape.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next())
}
