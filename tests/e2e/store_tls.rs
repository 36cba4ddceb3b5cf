//! The filter and the store over mutual TLS, as `usher render envoy` writes it: only the right two meet.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;
use usher_tests::http::local;
use usher_tests::policy;
use usher_tests::process::Process;
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::envoy::Envoy;
use usher_tests::system::store::{ADMIN_TOKEN, DIRECTORY_TOKEN, STORE_TOKEN};
use usher_tests::system::{render, upstream};
use usher_tests::{binaries, port, wait};

/// A certificate and its key, as files.
type Files = [String; 2];

#[test]
fn the_filter_meets_only_the_store_that_it_trusts_and_the_store_only_the_filter() -> Result<()> {
    // The stage is there for its policy, its upstream and its tokens; its own Envoy and store are not asked.
    let mut stage = RealEnvoy::start(&policy::base("claude")?)?;
    let folder = tempfile::tempdir()?;
    let (servers, clients, others) = (authority("servers")?, authority("clients")?, authority("others")?);
    let [ca, client_ca, other_ca] = [("ca", &servers), ("client-ca", &clients), ("other-ca", &others)]
        .map(|(name, authority)| file(folder.path(), &format!("{name}.pem"), &authority.pem()));
    let (ca, client_ca, other_ca) = (ca?, client_ca?, other_ca?);
    let store_files = issue(&servers, folder.path(), "127.0.0.1")?;
    let envoy_files = issue(&clients, folder.path(), "envoy")?;
    let foreign_files = issue(&others, folder.path(), "stranger")?;
    let store = TlsStore::start(&stage, folder.path(), &store_files, &client_ca)?;
    let good = stage.request_of("{login: ada, pass: true}")?;
    let certificate = |files: &Files| {
        let [certificate, key] = files.clone();
        vec![("--store-cert", certificate), ("--store-key", key)]
    };
    for (name, flags, is_let_in) in [
        ("both trust each other", [vec![("--store-ca", ca.clone())], certificate(&envoy_files)].concat(), true),
        ("the filter shows nothing", vec![("--store-ca", ca.clone())], false),
        ("the filter shows another's", [vec![("--store-ca", ca.clone())], certificate(&foreign_files)].concat(), false),
        ("the store is another's", [vec![("--store-ca", other_ca)], certificate(&envoy_files)].concat(), false),
        ("no TLS at all", Vec::new(), false),
    ] {
        let envoy = envoy_to(&stage, &store, &folder.path().join(name), &flags).context(name)?;
        let response = envoy.send(&good)?;
        match is_let_in {
            true => ensure!(upstream::saw(&response)?.is_some(), "{name}: {}", response.status),
            false => ensure!(denied(&response)?.code() == "store_unavailable", "{name}: {}", denied(&response)?.code()),
        }
        let log = format!("{}{}", envoy.log(), store.process.log());
        ensure!(!log.contains(STORE_TOKEN) && !log.contains("PRIVATE KEY"), "{name}: a secret was logged");
    }
    Ok(())
}

/// A store that speaks TLS and asks for certificates, under the stage's policy.
struct TlsStore {
    process: Process,
    address: String,
}

impl TlsStore {
    fn start(stage: &RealEnvoy, folder: &Path, [certificate, key]: &Files, client_ca: &str) -> Result<Self> {
        let mut command = Command::new(binaries::usher()?);
        let database = format!("sqlite://{}", folder.join("tls.db").display());
        command.args(["store", "--database", &database, "--listen", "127.0.0.1:0", "--policy"]);
        command.arg(stage.system.folder().join("usher.yaml"));
        command.args(["--tls-cert", certificate, "--tls-key", key, "--tls-client-ca", client_ca]);
        command.env("USHER_STORE_TOKEN", STORE_TOKEN).env("USHER_ADMIN_TOKEN", ADMIN_TOKEN);
        command.env("USHER_TEST_SCIM_TOKEN", DIRECTORY_TOKEN);
        let mut process = Process::start("the store with TLS", command, folder.join("tls-store.log"))?;
        let address = wait::until("the store listens", || {
            process.still_runs()?;
            let log = process.log();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let address = lines.filter_map(|line| Some(line.get("address")?.as_str()?.to_owned())).next();
            Ok(address)
        })?;
        Ok(Self { process, address })
    }
}

/// An Envoy of its own, that goes to the store with these flags.
fn envoy_to(stage: &RealEnvoy, store: &TlsStore, folder: &Path, flags: &[(&str, String)]) -> Result<Envoy> {
    std::fs::create_dir_all(folder)?;
    let (listen, admin) = (port::free()?, port::free()?);
    let mut all = vec![
        ("--listen", local(listen).to_string()),
        ("--admin", local(admin).to_string()),
        ("--upstream", stage.system.upstream.address().to_string()),
        ("--store", store.address.clone()),
        ("--wasm", binaries::filter()?.display().to_string()),
    ];
    all.extend_from_slice(flags);
    let bootstrap = folder.join("envoy.yaml");
    std::fs::write(&bootstrap, render(&stage.system.folder().join("usher.yaml"), &all)?)?;
    Envoy::start(folder, &bootstrap, listen, admin)
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn issue(authority: &CertifiedIssuer<'static, KeyPair>, folder: &Path, name: &str) -> Result<Files> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, authority)?;
    Ok([
        file(folder, &format!("{name}.pem"), &certificate.pem())?,
        file(folder, &format!("{name}.key"), &key.serialize_pem())?,
    ])
}

fn file(folder: &Path, name: &str, content: &str) -> Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, content)?;
    Ok(path.display().to_string())
}
