//! A person with a browser, behind Envoy's own oauth2 filter: from the first page to the product, and what usher makes of it.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use usher_policy_file::yaml_to_json;
use usher_scenario::read;
use usher_scenario::token::KeyRing;
use usher_tests::binaries;
use usher_tests::http::{Request, Response};
use usher_tests::server::Server;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::{Setup, upstream};

const HOST: &str = "chat.acme.example";

/// A browser: it keeps cookies, and takes none for other than what was set last.
#[derive(Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn get(&mut self, stage: &RealEnvoy, target: &str) -> Result<Response> {
        let mut request = Request::new("GET", HOST, target).header("accept", "text/html");
        if !self.cookies.is_empty() {
            let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        let response = stage.system.envoy.send(&request)?;
        for (name, value) in response.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let text = String::from_utf8_lossy(value);
            let pair = text.split(';').next().and_then(|pair| pair.split_once('='));
            let (cookie, value) = pair.with_context(|| format!("{name}: {text}"))?;
            self.cookies.retain(|(known, _)| known != cookie);
            if value != "deleted" {
                self.cookies.push((cookie.to_owned(), value.to_owned()));
            }
        }
        Ok(response)
    }
}

/// The provider's token endpoint: it gives whatever ID token is laid there.
fn provider(token: &Arc<Mutex<String>>) -> Result<Server> {
    let token = Arc::clone(token);
    Server::start(move |_| {
        let id_token = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Response::json(
            200,
            &json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": 3600, "id_token": id_token}),
        )
    })
}

/// The example as it stands, with a provider on this machine and secrets in this folder.
fn example(provider: &Server, folder: &std::path::Path) -> Result<String> {
    let file = binaries::workspace().join("envoy-config").join("examples").join("oauth2.yaml");
    let text = std::fs::read_to_string(file)?;
    let mut additions = yaml_to_json(&text).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let cluster = additions.pointer_mut("/clusters/0").and_then(Value::as_object_mut).context("a cluster")?;
    cluster.remove("transport_socket").context("the provider is reached over TLS")?;
    cluster.insert("type".to_owned(), json!("STATIC"));
    let address = additions
        .pointer_mut("/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address")
        .context("an address")?;
    *address = json!({"address": "127.0.0.1", "port_value": provider.address().port()});
    for name in ["token", "hmac"] {
        let file = folder.join(format!("{name}.yaml"));
        let secret = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": name,
            "generic_secret": {"secret": {"inline_string": format!("a-secret-of-the-tests-{name}")}},
        });
        std::fs::write(&file, json!({"resources": [secret]}).to_string())?;
        let pointer =
            format!("/before/0/typed_config/config/credentials/{name}_secret/sds_config/path_config_source/path");
        *additions.pointer_mut(&pointer).context("a secret")? = json!(file);
    }
    Ok(additions.to_string())
}

fn start(token: &Arc<Mutex<String>>, folder: &std::path::Path) -> Result<(RealEnvoy, Server)> {
    KeyRing::Main.jwks()?;
    let provider = provider(token)?;
    let policy = read::policy(&binaries::workspace().join("envoy-config").join("examples").join("usher.yaml"))?;
    let with = Some(example(&provider, folder)?);
    Ok((RealEnvoy::start_with(&policy, &Setup { with, ..Setup::default() })?, provider))
}

fn bearer(request: &Request) -> Result<String> {
    let value = request.first("authorization").context("a bearer token")?;
    Ok(String::from_utf8_lossy(value).trim_start_matches("Bearer ").to_owned())
}

/// Signs in as the provider says; gives what the browser gets at the end.
fn sign_in(browser: &mut Browser, stage: &RealEnvoy) -> Result<Response> {
    let first = browser.get(stage, "/page?x=1")?;
    let login = first.first("location").with_context(|| format!("no way to the provider: {}", first.status))?;
    ensure!(login.starts_with("https://acme.okta.example/oauth2/v1/authorize?"), "{login}");
    let state = login.split('&').find_map(|part| part.strip_prefix("state=")).context("a state")?;
    let back = browser.get(stage, &format!("/callback?code=of-the-provider&state={state}"))?;
    let Some(page) = back.first("location") else { bail!("not signed in: {} {:?}", back.status, back.headers) };
    let target = page.split_once(HOST).map(|(_, target)| target).context("back to where the person was")?;
    ensure!(target == "/page?x=1", "{page}");
    browser.get(stage, target)
}

#[test]
fn who_signs_in_at_the_provider_is_let_in_with_their_role() -> Result<()> {
    let (token, folder) = (Arc::new(Mutex::new(String::new())), tempfile::tempdir()?);
    let (mut stage, _provider) = start(&token, folder.path())?;
    let request = stage.request_of("{login: amy, organization: acme-chat, groups: [chat-admins], pass: true}")?;
    *token.lock().unwrap_or_else(PoisonError::into_inner) = bearer(&request)?;
    let mut browser = Browser::default();
    let response = sign_in(&mut browser, &stage)?;
    let headers = upstream::saw(&response)?.with_context(|| format!("not let in: {}", response.status))?;
    let value = |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    ensure!(value("x-usher-role") == Some("admin"), "{headers:?}");
    ensure!(value("x-usher-email") == Some("amy@acme.example"), "{headers:?}");
    ensure!(!value("cookie").unwrap_or_default().contains("IdToken"), "the credential is not passed on: {headers:?}");
    // A program with a bearer token is not sent to a login page.
    ensure!(upstream::saw(&stage.system.envoy.send(&request)?)?.is_some(), "a bearer token serves too");
    stage.no_token_was_logged()
}

#[test]
fn who_may_not_in_is_told_why_on_a_page() -> Result<()> {
    let (token, folder) = (Arc::new(Mutex::new(String::new())), tempfile::tempdir()?);
    let (mut stage, _provider) = start(&token, folder.path())?;
    let request = stage.request_of("{login: bob, organization: acme-chat, groups: [], pass: true}")?;
    *token.lock().unwrap_or_else(PoisonError::into_inner) = bearer(&request)?;
    let response = sign_in(&mut Browser::default(), &stage)?;
    ensure!(response.status == 403, "{}", response.status);
    ensure!(response.first("x-usher-reason").as_deref() == Some("no_mapped_group"), "{:?}", response.headers);
    let page = String::from_utf8_lossy(&response.body).into_owned();
    ensure!(page.contains("<html"), "a browser gets a page: {page}");
    Ok(())
}
