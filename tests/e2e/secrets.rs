//! Everything that comes out anywhere, searched for everything that must not.

use anyhow::{Result, ensure};
use serde_json::json;
use usher_tests::http::Request;
use usher_tests::policy;
use usher_tests::server::Fault;
use usher_tests::stage::envoy::RealEnvoy;
use usher_tests::system::store::{ADMIN_TOKEN, DIRECTORY_TOKEN, STORE_TOKEN};

/// A policy with a directory, so that every kind of token is in use.
const WITH_DIRECTORY: &str = "{parent: {directory: {scim: true, token_env: USHER_TEST_SCIM_TOKEN}}, \
                              options: {store: {timeout: 2s}, credentials: {sources: [authorization, {cookie: IdToken}]}}}";

#[test]
fn no_secret_and_no_token_is_in_any_log_error_metric_or_audit() -> Result<()> {
    let mut stage = RealEnvoy::start(&policy::changed("claude", WITH_DIRECTORY)?)?;
    stage.play(
        "
        - {login: ada, allow: {role: user, seat_tier: premium}}
        - {again: ada, allow: {role: user, seat_tier: premium}}
        - {login: bob, via: cookie IdToken, allow: {role: user, seat_tier: premium}}
        - {login: ada, forge: flipped_signature, deny: bad_signature}
        - {login: ada, forge: padded, deny: malformed_token}
        - {login: ada, key: stranger, deny: unknown_key}
        - {login: ada, exp: -4000, deny: expired}
        - {login: ada, claims: {email: ada@evil.example}, deny: domain_not_verified}
        - {change: ada, role: admin}
        - {suspend: bob}
        - {remove: bob, members: {ada: {}}}
        ",
    )?;
    let mut told = Vec::new();
    // Everything that the store says to whom it should not, and to whom it should, in the wrong way.
    let store = stage.system.store.address();
    let directory = "/scim/v2/acme/Users";
    for (method, path) in [
        ("GET", "/v1/organizations/acme-chat/members"),
        ("GET", "/v1/organizations/acme-chat/seats"),
        ("POST", "/v1/organizations/acme-chat/members"),
        ("POST", "/v1/organizations/acme-chat/logins"),
        ("PATCH", "/v1/organizations/acme-chat/members/nobody"),
        ("GET", "/v1/changes"),
        ("GET", "/v1/changes?after=x"),
        ("GET", "/v1/audit"),
        ("GET", directory),
        ("POST", directory),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
    ] {
        for token in [STORE_TOKEN, ADMIN_TOKEN, DIRECTORY_TOKEN, "some-token-that-is-none"] {
            let request = Request::new(method, "store", path).bearer(token);
            let request = match method {
                "GET" => request,
                // What a client writes into a resource is kept and read there again: but this is no part of one.
                _ if path == directory => request.json(&json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "somebody", "active": true,
                    "emails": [{"value": "somebody@acme.example", "primary": true}], "password": token, "token": token,
                })),
                _ => request.json(&json!({"token": token, "userName": token})),
            };
            let answer = request.send(store)?;
            let is_made = method == "POST" && path == directory && token == DIRECTORY_TOKEN;
            ensure!(!is_made || answer.status == 201, "the directory makes somebody: {}", answer.status);
            let headers: Vec<_> =
                answer.headers.iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
            told.push((
                format!("{method} {path}"),
                format!("{}\n{}", headers.join("\n"), String::from_utf8_lossy(&answer.body)),
            ));
        }
    }
    for fault in Fault::ALL {
        stage.system.store_gate.fault(Some(fault));
        stage.play("- {login: ada, deny: store_unavailable}")?;
    }
    stage.system.store_gate.fault(None);
    for path in ["/stats", "/stats/prometheus", "/clusters", "/listeners", "/server_info", "/certs"] {
        let answer = Request::new("GET", "admin", path).send(usher_tests::http::local(stage.system.envoy.admin()))?;
        told.push((format!("Envoy's {path}"), String::from_utf8_lossy(&answer.body).into_owned()));
    }
    told.push(("the bootstrap".to_owned(), std::fs::read_to_string(stage.system.folder().join("envoy.yaml"))?));
    told.push(("the policy file".to_owned(), std::fs::read_to_string(stage.system.folder().join("usher.yaml"))?));
    told.push(("the logs".to_owned(), stage.log()));
    for (place, text) in &told {
        ensure!(!text.is_empty(), "{place} says nothing: nothing was searched");
        for secret in [STORE_TOKEN, ADMIN_TOKEN, DIRECTORY_TOKEN] {
            ensure!(!text.contains(secret), "{place} shows a secret");
        }
        stage.has_no_token(text).map_err(|error| error.context(place.clone()))?;
    }
    // The database keeps no secret either.
    for file in stage.system.database_files()? {
        let bytes = std::fs::read(&file)?;
        for secret in [STORE_TOKEN, ADMIN_TOKEN, DIRECTORY_TOKEN] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            ensure!(!found, "{} keeps a secret", file.display());
        }
    }
    stage.no_filter_died()
}

#[test]
fn a_token_opens_only_the_organizations_of_its_own_customer() -> Result<()> {
    let two = "options: {parents: [\
        {id: acme, plan: enterprise, domains: [acme.example], connections: [{id: okta, issuer: 'https://acme.okta.example', audiences: [usher]}], \
         organizations: [{id: acme-chat, product: claude, hosts: [chat.acme.example], provisioning: {mode: jit}}]}, \
        {id: globex, plan: enterprise, domains: [globex.example], connections: [{id: entra, issuer: 'https://globex.entra.example', audiences: [usher]}], \
         organizations: [{id: globex-chat, product: claude, hosts: [chat.globex.example], provisioning: {mode: jit}}]}]}";
    let mut stage = RealEnvoy::start(&policy::changed("claude", two)?)?;
    let at = |request: &Request, host: &str| {
        let mut request = request.clone();
        request.headers.retain(|(name, _)| name != b"host");
        request.header("host", host)
    };
    let ada = stage.request_of("{login: ada, organization: acme-chat, pass: true}")?;
    let bob = stage.request_of("{login: bob, organization: globex-chat, pass: true}")?;
    for _ in 0..4 {
        for (request, own, other) in
            [(&ada, "chat.acme.example", "chat.globex.example"), (&bob, "chat.globex.example", "chat.acme.example")]
        {
            ensure!(stage.system.envoy.send(&at(request, own))?.status == 200, "{own}");
            // Neither as a login nor by a session that some worker holds for the same bytes.
            let response = stage.system.envoy.send(&at(request, other))?;
            ensure!(
                response.first("x-usher-reason").as_deref() == Some("unknown_issuer"),
                "{other}: {}",
                response.status
            );
        }
    }
    stage.no_token_was_logged()
}
