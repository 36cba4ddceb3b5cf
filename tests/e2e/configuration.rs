//! Configurations that must not run, and those that must.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use usher_tests::http::local;
use usher_tests::policy;
use usher_tests::system::envoy::Envoy;
use usher_tests::system::render;
use usher_tests::{binaries, port};

#[test]
fn a_configuration_as_struct_is_refused_with_what_to_write_instead() -> Result<()> {
    let log = refusal(|bootstrap| {
        let configuration = filter_configuration(bootstrap)?;
        let document: Value = serde_json::from_str(configuration["value"].as_str().context("a StringValue")?)?;
        *configuration = json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": document});
        Ok(())
    })?;
    ensure!(log.contains("StringValue"), "{log}");
    Ok(())
}

#[test]
fn a_policy_with_faults_is_refused_with_every_field() -> Result<()> {
    let log = refusal(|bootstrap| {
        let configuration = filter_configuration(bootstrap)?;
        let mut document: Value = serde_json::from_str(configuration["value"].as_str().context("a StringValue")?)?;
        document["parents"][0]["organizations"][0]["product"] = json!("typewriter");
        document["parents"][0]["connections"][0]["audience"] = json!("usher");
        document["enforcment"] = json!("shadow");
        configuration["value"] = json!(document.to_string());
        Ok(())
    })?;
    for field in ["parents[0].organizations[0].product", "parents[0].connections[0].audience", "enforcment"] {
        ensure!(log.contains(field), "`{field}` is not named: {log}");
    }
    Ok(())
}

#[test]
fn a_filter_without_its_secret_is_refused() -> Result<()> {
    let log = refusal(|bootstrap| {
        let vm = filter(bootstrap)?.get_mut("vm_config").context("vm_config")?;
        vm["environment_variables"] = json!({"host_env_keys": ["NOT_SET_ANYWHERE"]});
        Ok(())
    })?;
    ensure!(log.contains("USHER_STORE_TOKEN"), "the variable is named: {log}");
    Ok(())
}

#[test]
fn the_store_refuses_a_policy_with_faults() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("usher.yaml");
    let mut document = filled("claude")?;
    document["parents"][0]["organizations"][0]["product"] = json!("typewriter");
    document["parents"][0]["plan"] = json!("platinum");
    std::fs::write(&file, document.to_string())?;
    for arguments in
        [vec!["check"], vec!["store", "--database", "sqlite::memory:", "--listen", "127.0.0.1:0", "--policy"]]
    {
        let output = Command::new(binaries::usher()?)
            .args(&arguments)
            .arg(&file)
            .env("USHER_STORE_TOKEN", "store-token-of-the-tests")
            .env("USHER_ADMIN_TOKEN", "admin-token-of-the-tests")
            .output()?;
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.code() == Some(1), "{arguments:?}: {:?}: {words}", output.status.code());
        for field in ["parents[0].organizations[0].product", "parents[0].plan"] {
            ensure!(words.contains(field), "{arguments:?}: `{field}` is not named: {words}");
        }
    }
    Ok(())
}

#[test]
fn the_example_is_good_and_what_is_rendered_from_it_is_a_valid_bootstrap() -> Result<()> {
    let example = binaries::workspace().join("envoy-config").join("envoy").join("usher.yaml");
    let check = Command::new(binaries::usher()?).arg("check").arg(&example).output()?;
    ensure!(check.status.success(), "usher check: {}", String::from_utf8_lossy(&check.stderr));
    let authorities = tempfile::NamedTempFile::new()?;
    let authority = rcgen::generate_simple_self_signed(vec!["authority.example".to_owned()])?;
    std::fs::write(authorities.path(), authority.cert.pem())?;
    let flags = [
        ("--wasm", binaries::filter()?.display().to_string()),
        ("--ca", authorities.path().display().to_string()),
        ("--upstream", "127.0.0.1:8080".to_owned()),
    ];
    let folder = tempfile::tempdir()?;
    let bootstrap = folder.path().join("envoy.yaml");
    std::fs::write(&bootstrap, render(&example, &flags)?)?;
    let output = envoy(&bootstrap).arg("--mode").arg("validate").output()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "envoy --mode validate: {words}");
    Ok(())
}

#[test]
fn the_demo_holds_what_it_promises() -> Result<()> {
    let output = Command::new(binaries::usher()?)
        .args(["demo", "--check", "--wasm"])
        .arg(binaries::filter()?)
        .env("ENVOY", binaries::envoy()?)
        .output()?;
    let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "usher demo --check: {words}");
    Ok(())
}

/// What Envoy says when it is started with a changed bootstrap, which it must refuse.
fn refusal(change: impl Fn(&mut Value) -> Result<()>) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("usher.yaml");
    std::fs::write(&file, filled("claude")?.to_string())?;
    let flags = [
        ("--listen", local(port::free()?).to_string()),
        ("--admin", local(port::free()?).to_string()),
        ("--wasm", binaries::filter()?.display().to_string()),
    ];
    let mut bootstrap =
        usher_policy_file::yaml_to_json(&render(&file, &flags)?).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    change(&mut bootstrap)?;
    let changed = folder.path().join("envoy.json");
    std::fs::write(&changed, bootstrap.to_string())?;
    Envoy::refusal(folder.path(), &changed)
}

fn filled(base: &str) -> Result<Value> {
    usher_scenario::policy::fill_in_keys(&policy::base(base)?, Some(local(9)))
}

fn filter(bootstrap: &mut Value) -> Result<&mut Value> {
    let manager = bootstrap
        .pointer_mut("/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters")
        .and_then(Value::as_array_mut)
        .context("a bootstrap has HTTP filters")?;
    match manager.iter_mut().find(|filter| filter["name"] == "usher") {
        Some(filter) => filter.pointer_mut("/typed_config/config").context("the filter has a configuration"),
        None => bail!("a bootstrap has the filter"),
    }
}

fn filter_configuration(bootstrap: &mut Value) -> Result<&mut Value> {
    filter(bootstrap)?.get_mut("configuration").context("the filter has a plugin configuration")
}

fn envoy(bootstrap: &Path) -> Command {
    let mut command = Command::new(binaries::envoy().unwrap_or_default());
    command.arg("--config-path").arg(bootstrap).env("USHER_STORE_TOKEN", "store-token-of-the-tests");
    command
}
