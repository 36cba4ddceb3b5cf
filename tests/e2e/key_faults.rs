//! Key servers that misbehave, rotate, or are not who they say.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use usher_scenario::token::KeyRing;
use usher_tests::http::{Connection, Request, Response};
use usher_tests::policy;
use usher_tests::server::{Fault, Server};
use usher_tests::stage::denied;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};
use usher_tests::wait;

const LET_IN: &str = "- {login: ada, allow: {role: user, seat_tier: premium}}";

#[test]
fn without_keys_nobody_comes_in_and_with_them_everyone_does() -> Result<()> {
    let remote = "connection: {jwks: {remote: {min_interval: 100ms, timeout: 2s}}}";
    // From the beginning: the filter fetches keys before anybody asks.
    let setup = Setup { key_fault: Some(Fault::Error(500)), ..Setup::default() };
    let mut stage = RealEnvoy::start_with(&policy::changed("claude", remote)?, &setup)?;
    let mut faults = Vec::from(Fault::ALL);
    faults.extend([
        Fault::Wrong(200, String::new()),
        Fault::Wrong(200, "{}".to_owned()),
        Fault::Wrong(200, "{\"keys\": {}}".to_owned()),
        Fault::Wrong(200, "{\"keys\": []}".to_owned()),
        Fault::Wrong(200, format!("{{\"keys\": [{}]}}", " ".repeat(8 << 20))),
        Fault::Wrong(404, KeyRing::Main.jwks()?.to_string()),
        Fault::Wrong(302, String::new()),
    ]);
    for fault in faults {
        stage.system.key_server.fault(Some(fault.clone()));
        let before = stage.system.key_server.attempts();
        wait::until("the provider was asked, and asked again", || {
            stage.play("- {login: ada, deny: keys_unavailable}").with_context(|| format!("{fault:?}"))?;
            Ok((stage.system.key_server.attempts() >= before + 2).then_some(()))
        })?;
    }
    stage.system.key_server.fault(None);
    let request = stage.request_of("{login: ada, pass: true}")?;
    wait::until("the keys are fetched again", || {
        let response = stage.system.envoy.send(&request)?;
        if upstream::saw(&response)?.is_some() {
            return Ok(Some(()));
        }
        ensure!(denied(&response)?.code() == "keys_unavailable", "denied for {}", denied(&response)?.code());
        Ok(None)
    })?;
    stage.play(LET_IN)
}

#[test]
fn keys_are_fetched_once_for_everyone() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "connection: {jwks: {remote: {}}}")?)?;
    for _ in 0..20 {
        stage.play(LET_IN)?;
    }
    // Two workers and the main thread may each have asked before the first answer was there.
    let fetches = stage.system.key_server.requests().len();
    ensure!((1..=3).contains(&fetches), "{fetches} fetches for 20 logins");
    Ok(())
}

#[test]
fn a_rotated_key_is_fetched_at_once_and_the_old_one_is_forgotten() -> Result<()> {
    let remote = "connection: {jwks: {remote: {min_interval: 100ms}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", remote)?)?;
    stage.play(LET_IN)?;
    rotate(&stage, KeyRing::Next);
    let request = stage.request_of("{login: ada, key: next, pass: true}")?;
    wait::until("the new key is fetched", || {
        Ok(upstream::saw(&stage.system.envoy.send(&request)?)?.is_some().then_some(()))
    })?;
    let old = stage.request_of("{login: ada, pass: true}")?;
    wait::until("no worker trusts the old key", || {
        let response = stage.system.envoy.send(&old)?;
        Ok((upstream::saw(&response)?.is_none() && denied(&response)?.code() == "unknown_key").then_some(()))
    })
}

/// Nobody asks for the new key: the sessions alone are there, and it is the refresh that tells.
#[test]
fn a_session_is_over_in_every_worker_as_soon_as_its_key_is_known_to_be_withdrawn() -> Result<()> {
    let remote =
        "connection: {jwks: {remote: {refresh: 1s, min_interval: 100ms}}}\noptions: {sessions: {max_staleness: 1h}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", remote)?)?;
    let session = stage.request_of("{login: ada, pass: true}")?;
    let mut connections = in_every_worker(&stage, &session)?;
    let (logins, begun) = (stage.system.logins(), Instant::now());
    rotate(&stage, KeyRing::Next);
    for connection in &mut connections {
        wait::until("the session is over", || {
            let response = connection.send(&session)?;
            if upstream::saw(&response)?.is_some() {
                return Ok(None);
            }
            ensure!(denied(&response)?.code() == "unknown_key", "denied for {}", denied(&response)?.code());
            Ok(Some(()))
        })?;
    }
    // The refresh is every second; the rest is for a busy machine.
    ensure!(begun.elapsed() < wait::PATIENCE, "over after {:?}", begun.elapsed());
    ensure!(stage.system.logins() == logins, "it was the key, not the store");
    rotate(&stage, KeyRing::Main);
    wait::until("with the key the token is good again", || {
        Ok(upstream::saw(&stage.system.envoy.send(&session)?)?.is_some().then_some(()))
    })
}

/// One customer's provider changes its only key with every fetch, while another's is down for longer than its keys may be used.
#[test]
fn a_provider_that_withdraws_keys_without_end_ends_no_session_of_another_customer() -> Result<()> {
    let fetches = Arc::new(AtomicUsize::new(0));
    let flapping = flapping_key_server(&fetches)?;
    let policy = policy::changed(
        "customers",
        &format!(
            "options: {{sessions: {{max_staleness: 1h}}, parents: [\
             {{id: acme, plan: enterprise, domains: [acme.example], connections: [{{id: okta, issuer: 'https://acme.okta.example', \
              audiences: [usher], jwks: {{remote: {{refresh: 1s, min_interval: 100ms, max_stale: 2s}}}}}}], \
              organizations: [{{id: acme-chat, product: claude, hosts: [chat.acme.example], provisioning: {{mode: jit}}}}]}}, \
             {{id: globex, plan: enterprise, domains: [globex.example], connections: [{{id: google, issuer: 'https://accounts.google.example', \
              audiences: [usher], jwks: {{remote: {{uri: 'http://{}/keys', cluster: flapping, refresh: 1s, min_interval: 100ms}}}}}}], \
              organizations: [{{id: globex-chat, product: claude, hosts: [chat.globex.example], provisioning: {{mode: jit}}}}]}}]}}",
            flapping.address()
        ),
    )?;
    let mut stage = RealEnvoy::start(&policy)?;
    let session = stage.request_of("{login: ada, organization: acme-chat, pass: true}")?;
    let mut connections = in_every_worker(&stage, &session)?;
    stage.system.key_server.fault(Some(Fault::Error(500)));
    wait::until("the keys are too old", || {
        let newcomer = stage.request_of("{login: eve, organization: acme-chat, pass: true}")?;
        let response = stage.system.envoy.send(&newcomer)?;
        Ok((upstream::saw(&response)?.is_none() && denied(&response)?.code() == "keys_unavailable").then_some(()))
    })?;
    // Between two fetches every worker ticks often: each has taken up all but the last.
    let (logins, begun) = (stage.system.logins(), fetches.load(Ordering::Relaxed));
    wait::until("more keys are withdrawn", || Ok((fetches.load(Ordering::Relaxed) >= begun + 3).then_some(())))?;
    for connection in &mut connections {
        let response = connection.send(&session)?;
        ensure!(upstream::saw(&response)?.is_some(), "the session is over: {}", denied(&response)?.code());
    }
    ensure!(stage.system.logins() == logins, "nobody logged in again");
    // What ada's own provider withdraws still ends it.
    rotate(&stage, KeyRing::Next);
    stage.system.key_server.fault(None);
    for connection in &mut connections {
        wait::until("the session is over", || {
            let response = connection.send(&session)?;
            Ok((upstream::saw(&response)?.is_none() && denied(&response)?.code() == "unknown_key").then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn unknown_keys_do_not_make_usher_hammer_the_provider() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "connection: {jwks: {remote: {min_interval: 1h}}}")?)?;
    stage.play(LET_IN)?;
    for _ in 0..30 {
        stage.play("- {login: eve, key: stranger, deny: unknown_key}")?;
    }
    let fetches = stage.system.key_server.requests().len();
    ensure!(fetches <= 4, "{fetches} fetches for 30 unknown keys");
    stage.play(LET_IN)
}

/// A stranger has just used up the interval, and the provider signs with a new key: who comes with that waits for the rest of it.
#[test]
fn a_new_key_is_waited_for_when_a_stranger_has_just_named_one_that_there_is_not() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", "connection: {jwks: {remote: {}}}")?)?;
    stage.play(LET_IN)?;
    for key in ["next", "main", "next"] {
        stage.play("- {login: eve, key: stranger, deny: unknown_key}")?;
        rotate(&stage, if key == "next" { KeyRing::Next } else { KeyRing::Main });
        stage.play(&format!("- {{login: ada, key: {key}, allow: {{role: user, seat_tier: premium}}}}"))?;
    }
    Ok(())
}

#[test]
fn keys_are_kept_while_the_provider_is_down_but_not_for_ever() -> Result<()> {
    let remote = "connection: {jwks: {remote: {refresh: 1s, min_interval: 100ms, max_stale: 4s}}}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", remote)?)?;
    stage.play(LET_IN)?;
    let before = stage.system.key_server.requests().len();
    stage.system.key_server.fault(Some(Fault::Error(500)));
    wait::until("the filter tries to refresh", || {
        stage.play(LET_IN)?;
        Ok((stage.system.key_server.requests().len() > before).then_some(()))
    })?;
    stage.play(LET_IN)?;
    let request = stage.request_of("{login: ada, pass: true}")?;
    wait::until("the keys are too old", || {
        let response = stage.system.envoy.send(&request)?;
        let out = upstream::saw(&response)?.is_none();
        if out {
            // A session may end as a login would: without keys it is no longer known whether the ticket is good.
            ensure!(denied(&response)?.code() == "keys_unavailable", "denied for {}", denied(&response)?.code());
            return Ok(Some(()));
        }
        let login = stage.request_of("{login: ada, pass: true}")?;
        let response = stage.system.envoy.send(&login)?;
        Ok((upstream::saw(&response)?.is_none() && denied(&response)?.code() == "keys_unavailable").then_some(()))
    })
}

#[test]
fn a_key_server_is_believed_only_with_a_certificate_of_the_right_authority_for_the_right_name() -> Result<()> {
    let (ours, others) = (authority("ours")?, authority("others")?);
    let folder = tempfile::tempdir()?;
    let authorities = folder.path().join("ca.pem");
    std::fs::write(&authorities, ours.pem())?;
    let stage_with =
        |issuer: &CertifiedIssuer<'static, KeyPair>, name: &str, host: &str| -> Result<(RealEnvoy, Server)> {
            let server = tls_key_server(issuer, name)?;
            let uri = format!("https://{host}:{}/keys", server.address().port());
            let policy = policy::changed("claude", &format!("connection: {{jwks: {{remote: {{uri: \"{uri}\"}}}}}}"))?;
            let authorities: Option<PathBuf> = Some(authorities.clone());
            Ok((RealEnvoy::start_with(&policy, &Setup { authorities, ..Setup::default() })?, server))
        };
    for host in ["localhost", "127.0.0.1"] {
        let (mut stage, server) = stage_with(&ours, host, host)?;
        stage.play(LET_IN).with_context(|| format!("the right certificate for {host}"))?;
        ensure!(!server.requests().is_empty(), "the keys come from the server");
    }
    let (mut stage, server) = stage_with(&others, "localhost", "localhost")?;
    stage.play("- {login: ada, deny: keys_unavailable}").context("an authority that is not ours")?;
    ensure!(server.requests().is_empty(), "nothing is asked of a server that is not trusted");
    let (mut stage, server) = stage_with(&ours, "keys.evil.example", "localhost")?;
    stage.play("- {login: ada, deny: keys_unavailable}").context("a certificate for another name")?;
    ensure!(server.requests().is_empty(), "nothing is asked of a server with another name");
    Ok(())
}

/// Connections to both workers, each of which has the session then.
fn in_every_worker(stage: &RealEnvoy, session: &Request) -> Result<Vec<Connection>> {
    // Each worker asks the store once about ada: two logins are two workers that have her session.
    let mut connections = Vec::new();
    while connections.len() < 8 || (stage.system.logins() < 2 && connections.len() < 200) {
        let mut connection = stage.system.envoy.connect()?;
        ensure!(connection.send(session)?.status == 200, "ada is let in");
        connections.push(connection);
    }
    Ok(connections)
}

/// One that has another key each time that it is asked.
fn flapping_key_server(fetches: &Arc<AtomicUsize>) -> Result<Server> {
    let fetches = Arc::clone(fetches);
    Server::start(move |_| {
        let ring =
            if fetches.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { KeyRing::Main } else { KeyRing::Next };
        match ring.jwks() {
            Ok(jwks) => Response::json(200, &jwks),
            Err(_) => Response::json(500, &json!({})),
        }
    })
}

fn rotate(stage: &RealEnvoy, ring: KeyRing) {
    *stage.system.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = ring;
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn tls_key_server(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str) -> Result<Server> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec![name.to_owned()])?.signed_by(&key, issuer)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    let jwks = KeyRing::Main.jwks()?;
    Server::start_tls(tls, move |_: &Request| Response::json(200, &jwks))
}
