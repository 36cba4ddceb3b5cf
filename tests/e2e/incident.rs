//! The first incident: from the page that somebody sees to its cause, by one request id.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use usher_tests::binaries;
use usher_tests::policy;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::store::ADMIN_TOKEN;
use usher_tests::wait;

const MAPPED: &str = "organization: {provisioning: {group_mappings: {roles: [{group: staff, role: user}]}}}";

#[test]
fn one_request_id_leads_from_the_page_through_both_logs_and_the_audit_to_the_cause() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", MAPPED)?)?;
    stage.play("- {login: bea, groups: [staff], allow: {role: user, seat_tier: premium}}")?;
    let request =
        stage.request_of("{login: bea, groups: [guests], path: '/reports?q=a-secret', deny: no_mapped_group}")?;
    let browser = request.header("accept", "text/html").header("accept-language", "de-AT,de;q=0.9,en;q=0.8");
    let page = stage.system.envoy.send(&browser)?;
    ensure!(denied(&page)?.code() == "no_mapped_group", "{page:?}");
    let body = String::from_utf8_lossy(&page.body).into_owned();
    ensure!(page.first("content-language").as_deref() == Some("de"), "{page:?}");
    ensure!(body.contains("<html lang=\"de\">") && body.contains("Kein Zugang für Ihre Gruppen"), "{body}");

    // What the person reads out is what the filter wrote.
    let line = wait::until("the filter logs it", || {
        let log = stage.system.envoy.log();
        Ok(log.lines().find(|line| line.contains(r#"{"event":"denial""#)).map(str::to_owned))
    })?;
    let at = line.find(r#"{"event""#).context("it begins there")?;
    let denial: Value = serde_json::from_str(line.get(at..).unwrap_or_default())?;
    let id = denial.get("request_id").and_then(Value::as_str).context("the line has an id")?;
    ensure!(id.len() > 30 && body.contains(id), "`{id}` is not on the page: {body}");
    for (field, value) in [("email", "bea@acme.example"), ("path", "/reports"), ("organization", "acme-chat")] {
        ensure!(denial.get(field).and_then(Value::as_str) == Some(value), "{field}: {line}");
    }
    ensure!(!line.contains("a-secret"), "the query was logged: {line}");
    stage.no_token_was_logged()?;

    wait::until("the store logs the same id", || {
        let log = stage.system.store.log();
        Ok(log.lines().any(|line| line.contains(id) && line.contains("/logins")).then_some(()))
    })?;
    wait::until("the access log has it", || {
        let log = stage.system.envoy.log();
        let is_it = |line: &str| line.contains(id) && line.contains(r#""reason":"no_mapped_group""#);
        Ok((log.lines().filter(|line| is_it(line)).count() == 2).then_some(()))
    })?;

    // And it leads an operator on.
    let usher = |arguments: &[&str]| -> Result<(Option<i32>, String)> {
        let mut command = Command::new(binaries::usher()?);
        command.args(arguments).env("USHER_ADMIN_TOKEN", ADMIN_TOKEN);
        command.env("USHER_STORE_URL", format!("http://{}", stage.system.store.address()));
        let output = command.output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let file = stage.system.folder().join("usher.yaml").display().to_string();
    let (code, told) = usher(&["explain", &file, "--log-line", &line])?;
    ensure!(code == Some(3) && told.starts_with("deny: no_mapped_group (403)"), "{code:?} {told}");
    let audit = format!("usher audit acme-chat --request {id}");
    ensure!(told.contains(&audit), "{told}");
    let (code, entries) = usher(&["audit", "acme-chat", "--request", id, "--json"])?;
    let entries = entries.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let actions: Vec<_> = entries.iter().filter_map(|entry| entry.get("action").and_then(Value::as_str)).collect();
    ensure!(code == Some(0) && actions == ["member_removed"], "{entries:?}");
    stage.no_filter_died()
}

/// Requests that never come to the store are told by the same id, and say nothing that nobody has proven.
#[test]
fn a_forged_token_is_told_without_the_name_in_it() -> Result<()> {
    let own = "options: {denial_pages: {contact: it@acme.example, texts: {fr: {bad_signature: Voir <IT>.}}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", own)?)?;
    let request = stage.request_of("{login: ada, forge: changed_claims, deny: bad_signature}")?;
    let response = stage.system.envoy.send(&request)?;
    ensure!(denied(&response)?.code() == "bad_signature", "{response:?}");
    let body = response.body_json()?;
    let id = body.get("request_id").and_then(Value::as_str).context("the body has an id")?;
    let line = wait::until("the filter logs it", || {
        let log = stage.system.envoy.log();
        Ok(log.lines().find(|line| line.contains(r#"{"event":"denial""#)).map(str::to_owned))
    })?;
    ensure!(line.contains(id) && line.contains("https://acme.okta.example"), "{line}");
    ensure!(!line.contains("ada@"), "{line}");
    let page = stage.system.envoy.send(&request.header("accept", "text/html").header("accept-language", "fr"))?;
    let page = String::from_utf8_lossy(&page.body).into_owned();
    for words in ["<p>Voir &lt;IT&gt;.</p>", "<a href=\"mailto:it@acme.example\">", "Connexion non acceptée"] {
        ensure!(page.contains(words), "{words}: {page}");
    }
    stage.no_token_was_logged()
}
