//! `usher discover`, against providers that behave and that do not.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use usher_scenario::token::KeyRing;
use usher_tests::http::{Request, Response};
use usher_tests::server::{Fault, Server};

use crate::support::{Folder, Outcome, usher};

/// A provider whose metadata are the usual ones, changed.
fn provider(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Server {
    Server::start(move |request| answer("http", request, &change)).unwrap()
}

fn answer(scheme: &str, request: &Request, change: &impl Fn(&mut Value)) -> Response {
    let base = format!("{scheme}://{}", std::str::from_utf8(request.first("host").unwrap()).unwrap());
    match request.target.as_slice() {
        b"/.well-known/openid-configuration" => {
            let mut document = json!({
                "issuer": base,
                "jwks_uri": format!("{base}/keys?v=1"),
                "id_token_signing_alg_values_supported": ["HS256", "none", "ES256", "EdDSA"],
                "claims_supported": ["sub", "email", "email_verified", "groups"],
            });
            change(&mut document);
            Response::json(200, &document)
        }
        b"/keys?v=1" => {
            let mut keys = KeyRing::Main.jwk_set("ES256").unwrap();
            keys["keys"].as_array_mut().unwrap().push(KeyRing::Main.jwk_set("ES384").unwrap()["keys"][0].clone());
            Response::json(200, &keys)
        }
        b"/empty" => Response::json(200, &json!({"keys": []})),
        _ => Response::json(404, &json!({})),
    }
}

fn issuer(server: &Server) -> String {
    format!("http://{}", server.address())
}

fn discover(server: &Server, more: &[&str]) -> Outcome {
    usher(&[&["discover", &issuer(server), "--timeout", "20"], more].concat())
}

/// Pastes a stanza into a policy, and checks that.
fn check(stanza: &str) -> Outcome {
    let indented: String = stanza.lines().map(|line| format!("  {line}\n")).collect();
    let policy = format!(
        "version: 1\nparents:\n- id: acme\n  plan: team\n  domains: [acme.example]\n  connections:\n{indented}  organizations:\n  - {{id: chat, product: claude, hosts: [chat.acme.example]}}\n"
    );
    let folder = Folder::new();
    usher(&["check", "--deny-warnings", &folder.file("usher.yaml", &policy)])
}

#[test]
fn the_stanza_is_what_a_policy_takes() {
    let server = provider(|_| ());
    let outcome = discover(&server, &[]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    let address = server.address();
    assert_eq!(
        outcome.stdout,
        format!(
            "\
# From http://{address}/.well-known/openid-configuration. Paste it under `connections` of a parent.
- id: \"127-0-0-1\"
  issuer: \"http://{address}\"
  audiences: [\"FILL-IN-CLIENT-ID\"]   # FILL IN: the client id that the application has at the provider (`aud`)
  jwks: {{uri: \"http://{address}/keys?v=1\", cluster: \"127-0-0-1\"}}
  # key today: \"main-es256\", for ES256
  # key today: \"main-es384\", for none of the algorithms
  algorithms: [ES256, EdDSA]   # of those that it offers
  claims: {{groups: \"groups\"}}
"
        )
    );
    let checked = check(&outcome.stdout);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
}

#[test]
fn what_is_known_need_not_be_filled_in() {
    let server = provider(|_| ());
    let outcome =
        discover(&server, &["--id", "okta", "--cluster", "acme-okta", "--audience", "usher", "--audience", "web"]);
    for part in ["- id: \"okta\"\n", "cluster: \"acme-okta\"", "audiences: [\"usher\", \"web\"]\n"] {
        assert!(outcome.stdout.contains(part), "{part}: {outcome:?}");
    }
    assert!(!outcome.stdout.contains("FILL"), "{outcome:?}");
    assert_eq!(check(&outcome.stdout).code, 0);
    let refused = discover(&server, &["--id", "no name"]);
    assert!(refused.code == 1 && refused.stderr.contains("`no name` is not a valid name"), "{refused:?}");
}

#[test]
fn json_has_the_connection_for_tools() {
    let server = provider(|_| ());
    let document = discover(&server, &["--json"]).json();
    assert_eq!(
        document,
        json!({
            "connection": {
                "id": "127-0-0-1",
                "issuer": issuer(&server),
                "audiences": ["FILL-IN-CLIENT-ID"],
                "jwks": {"uri": format!("{}/keys?v=1", issuer(&server)), "cluster": "127-0-0-1"},
                "algorithms": ["ES256", "EdDSA"],
                "claims": {"groups": "groups"},
            },
            "keys": [{"kid": "main-es256", "algorithms": ["ES256"]}, {"kid": "main-es384", "algorithms": []}],
            "fill_in": ["audiences"],
            "require": null,
        })
    );
}

#[test]
fn hints_follow_the_claims_that_the_provider_names() {
    for (claims, present, absent) in [
        (json!(["sub", "email", "email_verified", "cognito:groups"]), "claims: {groups: \"cognito:groups\"}", "# It"),
        (json!(["sub", "oid", "email", "groups"]), "external_id: oid", "names no claim with groups"),
        (json!(["sub", "oid", "email", "groups"]), "add `email: trusted`", "It does not name the claim `email`"),
        (json!(["sub"]), "It does not name the claim `email`", "oid"),
        (json!(["sub"]), "It names no claim with groups", "oid"),
        (Value::Null, "It names no claim with groups", "email"),
    ] {
        let server = provider(move |document| document["claims_supported"] = claims.clone());
        let outcome = discover(&server, &[]);
        assert!(outcome.stdout.contains(present) && !outcome.stdout.contains(absent), "{present}: {outcome:?}");
        assert_eq!(check(&outcome.stdout).code, 0, "{outcome:?}");
    }
}

#[test]
fn metadata_that_is_wrong_is_told_and_gives_no_stanza() {
    type Change = fn(&mut Value);
    let rows: [(Change, &str); 12] = [
        (
            |document| document["issuer"] = json!("https://other.example"),
            "its `issuer` is \"https://other.example\", and not \"http://127.",
        ),
        (
            |document| document["issuer"] = json!(format!("{}/", document["issuer"].as_str().unwrap())),
            "the trailing slash, which matters",
        ),
        (|document| document["issuer"] = json!("https://login.microsoftonline.com/{tenantid}/v2.0"), "v2.0`"),
        (|document| document["issuer"] = json!(7), "it has no `issuer`"),
        (|document| document["jwks_uri"] = Value::Null, "it has no `jwks_uri`"),
        (|document| document["jwks_uri"] = json!("http://keys.example/k"), "`jwks_uri`: plain http"),
        (|document| document["jwks_uri"] = json!("file:///etc/passwd"), "`jwks_uri`: "),
        (
            |document| document["jwks_uri"] = json!(document["issuer"].as_str().unwrap().to_owned() + "/empty"),
            "/empty: the provider's keys cannot be used: no usable key",
        ),
        (
            |document| document["jwks_uri"] = json!(document["issuer"].as_str().unwrap().to_owned() + "/nowhere"),
            "/nowhere: answers with status 404",
        ),
        (
            |document| document["id_token_signing_alg_values_supported"] = json!(["HS256", "none"]),
            "[\"HS256\", \"none\"], none of which is accepted",
        ),
        (|document| document["id_token_signing_alg_values_supported"] = Value::Null, "it has no list"),
        (
            |document| document["id_token_signing_alg_values_supported"] = json!(["RS256"]),
            "none of the keys is for RS256",
        ),
    ];
    for (change, message) in rows {
        let server = provider(change);
        let outcome = discover(&server, &[]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{message}: {outcome:?}");
    }
}

#[test]
fn a_provider_that_misbehaves_is_told_of_in_time() {
    let server = provider(|_| ());
    for (fault, message) in [
        (Fault::Error(500), "answers with status 500"),
        (Fault::Garbage, "not a discovery document"),
        (Fault::Nothing, "cannot be read"),
        (Fault::Reset, "cannot be read"),
        (Fault::Hang, "cannot be read"),
        (Fault::Slow, "cannot be read"),
        (Fault::Wrong(200, "[]".to_owned()), "a JSON object is needed"),
        (Fault::Wrong(404, String::new()), "answers with status 404: is this the issuer"),
        (Fault::Wrong(200, " ".repeat(300_000)), "longer than 262144 bytes"),
    ] {
        server.fault(Some(fault.clone()));
        let outcome = usher(&["discover", &issuer(&server), "--timeout", "1"]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{fault:?}: {outcome:?}");
        assert!(outcome.stderr.contains(message), "{fault:?}: {outcome:?}");
    }
    let address = issuer(&server);
    drop(server);
    let gone = usher(&["discover", &address, "--timeout", "1"]);
    assert!(gone.code == 1 && gone.stderr.contains("cannot be read"), "{gone:?}");
}

#[test]
fn keys_that_are_no_keys_or_too_many_bytes_are_refused() {
    for (body, message) in
        [("{}".to_owned(), "not a JWK set"), ("\u{0}".to_owned(), "not JSON"), (" ".repeat(2 << 20), "longer than")]
    {
        let server = Server::start(move |request| match request.target.as_slice() {
            b"/keys?v=1" => Response { status: 200, headers: Vec::new(), body: body.clone().into_bytes() },
            _ => answer("http", request, &|_: &mut Value| ()),
        })
        .unwrap();
        let outcome = discover(&server, &[]);
        assert!(outcome.code == 1 && outcome.stdout.is_empty() && outcome.stderr.contains(message), "{outcome:?}");
    }
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = Arc::new(provider(|_| ()));
    for path in ["/.well-known/openid-configuration", "/keys?v=1"] {
        let target = format!("http://{}{path}", elsewhere.address());
        let server = Server::start(move |request| {
            if request.target == path.as_bytes() {
                let headers = vec![("location".to_owned(), target.clone().into_bytes())];
                return Response { status: 302, headers, body: Vec::new() };
            }
            answer("http", request, &|_: &mut Value| ())
        })
        .unwrap();
        let outcome = discover(&server, &[]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains("answers with a redirect to http://127."), "{outcome:?}");
        assert!(elsewhere.requests().is_empty(), "the other server was asked");
    }
}

#[test]
fn what_is_no_issuer_is_refused_before_anything_is_asked() {
    for (issuer, message) in [
        ("acme.okta.example", "Write it in full"),
        ("http://acme.okta.example", "plain http can be changed on the way"),
        ("https://acme.okta.example/.well-known/openid-configuration", "write the issuer alone"),
        ("https://acme.okta.example?x", "no query"),
        ("https://ada:hunter2@acme.okta.example", "issuer acme.okta.example: write it without user and password"),
    ] {
        let outcome = usher(&["discover", issuer]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message) && !outcome.stderr.contains("hunter2"), "{outcome:?}");
    }
}

#[test]
fn a_key_s_name_cannot_write_into_the_stanza() {
    let hostile = "k\"\n- id: evil\u{2028}x";
    let server = Server::start(move |request| match request.target.as_slice() {
        b"/keys?v=1" => {
            let mut keys = KeyRing::Main.jwk_set("ES256").unwrap();
            keys["keys"][0]["kid"] = json!(hostile);
            Response::json(200, &keys)
        }
        _ => answer("http", request, &|_: &mut Value| ()),
    })
    .unwrap();
    let outcome = discover(&server, &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stdout.contains(r##"# key today: "k\"\n- id: evil\u{2028}x", for ES256"##), "{outcome:?}");
    assert_eq!(outcome.stdout.lines().filter(|line| line.starts_with("- id:")).count(), 1, "{outcome:?}");
}

/// A provider behind TLS, and its authority as PEM.
pub(crate) fn tls_provider(name: &str) -> (Server, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let server = Server::start_tls(tls, |request| answer("https", request, &|_: &mut Value| ())).unwrap();
    (server, authority.pem())
}

#[test]
fn a_provider_behind_tls_must_prove_its_name_to_an_authority_that_is_trusted() {
    let folder = Folder::new();
    let (server, authority) = tls_provider("localhost");
    let issuer = format!("https://localhost:{}", server.address().port());
    let ours = folder.file("ca.pem", &authority);
    let good = usher(&["discover", &issuer, "--ca", &ours, "--timeout", "20"]);
    assert_eq!((good.code, good.stderr.as_str()), (0, ""), "{good:?}");
    assert!(good.stdout.contains(&format!("uri: \"{issuer}/keys?v=1\"")), "{good:?}");
    assert_eq!(check(&good.stdout).code, 0);

    let asked = server.requests().len();
    let (_, stranger) = tls_provider("localhost");
    let theirs = folder.file("other.pem", &stranger);
    let nothing = folder.file("empty.pem", "no certificate\n");
    let by_address = format!("https://127.0.0.1:{}", server.address().port());
    for (arguments, message) in [
        (vec!["discover", &issuer], "cannot be read"),
        (vec!["discover", &issuer, "--ca", &theirs], "cannot be read"),
        (vec!["discover", &by_address, "--ca", &ours], "cannot be read"),
        (vec!["discover", &issuer, "--ca", &nothing], "no certificate in PEM form"),
        (vec!["discover", &issuer, "--ca", "/no/such/file"], "--ca /no/such/file: cannot be read"),
    ] {
        let outcome = usher(&[arguments.as_slice(), &["--insecure"]].concat());
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(message), "{outcome:?}");
    }
    assert_eq!(server.requests().len(), asked, "nothing is asked of a server that cannot prove its name");
}
