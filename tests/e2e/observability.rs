//! Dashboard and alerts ask for metrics that Envoy and the store really have, and the dashboard is one by Grafana's own types.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use usher_tests::http::{Request, local};
use usher_tests::server::Fault;
use usher_tests::stage::denied;
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

/// What Grafana would refuse or pass over in a dashboard, by its own types; nothing where all is well.
fn faults(dashboard: &Value) -> Result<String> {
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_string_pretty(dashboard)?)?;
    let mut check = Command::new(binaries::node());
    check.arg("dashboard.mjs").arg(file.path()).current_dir(binaries::kinds()?);
    let output = check.output().context("Node.js is needed: run `cargo xtask test`")?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success() == words.is_empty(), "{}: {words}", output.status);
    Ok(words)
}

#[test]
fn the_dashboard_is_one_by_grafanas_own_types() -> Result<()> {
    let file = binaries::workspace().join("envoy-config").join("observability").join("dashboard.json");
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let faults = faults(&dashboard)?;
    ensure!(faults.is_empty(), "{faults}");
    let panels = dashboard.get("panels").and_then(Value::as_array).context("panels")?;
    let told =
        |panel: &Value, field: &str| panel.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    for panel in panels {
        ensure!(told(panel, "title") && told(panel, "description") && expressions(panel).next().is_some(), "{panel}");
    }
    Ok(())
}

/// One fault for each panel: of several in one, not all are told.
#[test]
fn what_grafana_does_not_know_or_misses_is_found_wherever_it_is() -> Result<()> {
    let file = binaries::workspace().join("envoy-config").join("observability").join("dashboard.json");
    let mut dashboard: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let broken = [
        ("/panels/0/colour", "\"red\"", "colour"),
        ("/panels/1/targets/0/expression", "\"up\"", "expression"),
        ("/panels/2/options/legend/placment", "\"right\"", "placment"),
        ("/panels/3/fieldConfig/defaults/measure", "\"s\"", "measure"),
        ("/panels/4/fieldConfig/defaults/custom/filling", "8", "filling"),
        ("/panels/5/gridPos/z", "0", "\"z\""),
        ("/panels/6/fieldConfig/defaults/unit", "\"req/s\"", "req/s"),
        ("/panels/7/datasource/uid", "\"P1809F7CD0C75ACF3\"", "P1809F7CD0C75ACF3"),
        ("/panels/8/fieldConfig/defaults/unit", "", "Property 'unit' is missing"),
        ("/panels/9/targets/0/datasource", "", "Property 'datasource' is missing"),
        ("/panels/10/options/tooltip/mode", "\"many\"", "\"many\""),
        ("/panels/11/targets/0/expr", "", "Property 'expr' is missing"),
        ("/panels/12/type", "\"graph\"", "\"graph\""),
        ("/panels/13/fieldConfig/defaults/min", "\"0\"", "Type 'string' is not assignable to type 'number'"),
        ("/templating/list/1/refresh", "9", "'9'"),
    ];
    for (place, value, _) in broken {
        let (parent, name) = place.rsplit_once('/').context("a place")?;
        let parent = dashboard.pointer_mut(parent).and_then(Value::as_object_mut).context(place)?;
        match value {
            "" => drop(parent.remove(name).context(place)?),
            value => drop(parent.insert(name.to_owned(), serde_json::from_str(value)?)),
        }
    }
    let told = faults(&dashboard)?;
    for (place, _, words) in broken {
        ensure!(told.lines().any(|line| line.contains(words)), "{place}: {told}");
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

#[test]
fn what_the_log_shows_of_verdicts_can_be_changed_while_envoy_runs() -> Result<()> {
    let setup = Setup { log_levels: Some("wasm:warning"), ..Setup::default() };
    let stage = RealEnvoy::start_with(&policy::base("claude")?, &setup)?;
    let envoy = &stage.system.envoy;
    // So many connections come to both workers.
    let mut connections = (0..16).map(|_| envoy.connect()).collect::<Result<Vec<_>>>()?;
    let nobody = Request::new("GET", "chat.acme.example", "/");
    let mut lines_of_a_round = || -> Result<usize> {
        let lines = || envoy.log().matches("{\"event\":\"denial\"").count();
        let before = lines();
        for connection in &mut connections {
            ensure!(denied(&connection.send(&nobody)?)?.code() == "no_credentials", "nobody is let in");
        }
        Ok(lines() - before)
    };
    ensure!(lines_of_a_round()? == 0, "the log shows warnings alone");
    for (level, lines) in [("info", 16), ("warning", 0), ("info", 16)] {
        envoy.admin_post(&format!("/logging?wasm={level}"))?;
        wait::until(&format!("a line for each denial, or none: {level}"), || {
            Ok((lines_of_a_round()? == lines).then_some(()))
        })?;
    }
    Ok(())
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
