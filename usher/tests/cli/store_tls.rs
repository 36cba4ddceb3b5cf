//! `usher store` over TLS, and operators who come by it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::running_store::RunningStore;
use crate::support::{Folder, Outcome, command, outcome, policy, usher};

const ADMIN: &str = "an-administrator-s-secret";

/// Killed when the test is over.
struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority, as a file, and what it issues.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn file(&self, folder: &Folder, name: &str) -> String {
        folder.file(name, &self.0.pem())
    }

    /// A certificate for a name and its key, as files.
    fn issue(&self, folder: &Folder, name: &str) -> [String; 2] {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        [
            folder.file(&format!("{name}.pem"), &certificate.pem()),
            folder.file(&format!("{name}.key"), &key.serialize_pem()),
        ]
    }
}

fn start(folder: &Folder, flags: &[&str]) -> Running {
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let policy = folder.file("usher.json", &policy(&jwks, &json!({})).to_string());
    let database = format!("sqlite://{}", folder.path().join("usher.db").display());
    let arguments = ["store", "--policy", &policy, "--database", &database, "--listen", "127.0.0.1:0"];
    let mut command = command(&[&arguments[..], flags].concat());
    command.env("USHER_STORE_TOKEN", "the-filter-s-own-secret").env("USHER_ADMIN_TOKEN", ADMIN);
    command.env("ACME_SCIM_TOKEN", "the-directory-s-own-secret");
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["tls"], json!(flags.contains(&"--tls-cert")), "{line}");
    Running { child, address: line["address"].as_str().unwrap().to_owned() }
}

fn seats(store: &str, flags: &[&str]) -> Outcome {
    outcome(
        command(&[&["seats", "acme-chat", "--json", "--store", store], flags].concat()).env("USHER_ADMIN_TOKEN", ADMIN),
    )
}

#[test]
fn a_store_with_a_certificate_is_believed_by_who_trusts_its_authority() {
    let folder = Folder::new();
    let (ours, others) = (Authority::new(), Authority::new());
    let (ca, other_ca) = (ours.file(&folder, "ca.pem"), others.file(&folder, "other-ca.pem"));
    let [cert, key] = ours.issue(&folder, "127.0.0.1");
    let store = start(&folder, &["--tls-cert", &cert, "--tls-key", &key]);
    let (https, http) = (format!("https://{}", store.address), format!("http://{}", store.address));
    let good = seats(&https, &["--store-ca", &ca]);
    assert_eq!(good.code, 0, "{good:?}");
    for (url, flags) in [(&https, vec![]), (&https, vec!["--store-ca", &other_ca]), (&http, vec![])] {
        let refused = seats(url, &flags);
        assert_eq!(refused.code, 1, "{url} {flags:?}: {refused:?}");
        assert!(!refused.stderr.contains(ADMIN), "{refused:?}");
    }
}

#[test]
fn a_store_that_speaks_no_tls_is_told_from_one_that_is_not_there() {
    let store = RunningStore::start(&json!({"default": "none"}));
    let https = format!("https://{}", store.address);
    for refused in [seats(&https, &[]), usher(&["ready", "--store", &https])] {
        assert_eq!(refused.code, 1, "{refused:?}");
        assert!(
            refused.stderr.contains("does not speak TLS") && refused.stderr.contains("http://HOST:PORT"),
            "{refused:?}"
        );
    }
}

#[test]
fn a_store_that_asks_for_certificates_hears_nobody_without_one_of_its_authority() {
    let folder = Folder::new();
    let (servers, clients, others) = (Authority::new(), Authority::new(), Authority::new());
    let [cert, key] = servers.issue(&folder, "127.0.0.1");
    let (ca, client_ca) = (servers.file(&folder, "ca.pem"), clients.file(&folder, "client-ca.pem"));
    let store = start(&folder, &["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &client_ca]);
    let https = format!("https://{}", store.address);
    let [own, own_key] = clients.issue(&folder, "operator");
    let good = seats(&https, &["--store-ca", &ca, "--store-cert", &own, "--store-key", &own_key]);
    assert_eq!(good.code, 0, "{good:?}");
    let [foreign, foreign_key] = others.issue(&folder, "stranger");
    // The server's own certificate is nobody's ticket either.
    for shown in [
        vec![],
        vec!["--store-cert", &foreign, "--store-key", &foreign_key],
        vec!["--store-cert", &cert, "--store-key", &key],
    ] {
        let refused = seats(&https, &[&["--store-ca", ca.as_str()], shown.as_slice()].concat());
        assert_eq!(refused.code, 1, "{shown:?}: {refused:?}");
    }
}

#[test]
fn files_that_are_no_certificate_or_key_are_refused_by_name() {
    let folder = Folder::new();
    let authority = Authority::new();
    let [cert, key] = authority.issue(&folder, "127.0.0.1");
    let [_, other_key] = authority.issue(&folder, "other");
    let empty = folder.file("empty.pem", "");
    let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
    let policy = folder.file("usher.json", &policy(&jwks, &json!({})).to_string());
    for (flags, told) in [
        (vec!["--tls-cert", &cert], "--tls-key"),
        (vec!["--tls-key", &key], "--tls-cert"),
        (vec!["--tls-client-ca", &cert], "--tls-cert"),
        (vec!["--tls-cert", &empty, "--tls-key", &key], "empty.pem"),
        (vec!["--tls-cert", &cert, "--tls-key", &empty], "empty.pem"),
        (vec!["--tls-cert", "/nowhere.pem", "--tls-key", &key], "/nowhere.pem"),
        (vec!["--tls-cert", &cert, "--tls-key", &other_key], "TLS"),
        (vec!["--tls-cert", &cert, "--tls-key", &key, "--tls-client-ca", &empty], "empty.pem"),
    ] {
        let mut store =
            command(&[&["store", "--policy", &policy, "--database", "sqlite::memory:"], flags.as_slice()].concat());
        store.env("USHER_STORE_TOKEN", "the-filter-s-own-secret").env("USHER_ADMIN_TOKEN", ADMIN);
        let refused = outcome(store.env("ACME_SCIM_TOKEN", "the-directory-s-own-secret"));
        assert!(refused.code != 0 && refused.stderr.contains(told), "{flags:?}: {refused:?}");
    }
}
