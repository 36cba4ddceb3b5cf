//! A `usher store` process that can be killed.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// The filter's token.
pub(crate) const FILTER: &str = "the-filter-s-own-secret";
/// The administrator's token.
pub(crate) const ADMIN: &str = "an-administrator-s-secret";

/// One organization, with fewer seats than people.
const POLICY: &str = r#"{
  "version": 1,
  "parents": [{
    "id": "acme",
    "plan": "team",
    "domains": ["acme.example"],
    "connections": [{
      "id": "okta",
      "issuer": "https://acme.okta.example",
      "audiences": ["usher"],
      "jwks": {"uri": "https://acme.okta.example/keys", "cluster": "okta"}
    }],
    "organizations": [{
      "id": "chat",
      "product": "claude",
      "hosts": ["chat.acme.example"],
      "provisioning": {"mode": "jit"},
      "seats": {"caps": {"premium": 20, "standard": 60}}
    }]
  }]
}"#;

/// A running process. Killed when dropped.
pub(crate) struct Store {
    process: Child,
    address: SocketAddr,
    _policy: tempfile::NamedTempFile,
}

impl Store {
    /// Starts one; returns when it listens.
    pub(crate) fn start(database: &str) -> Self {
        let policy = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        std::fs::write(policy.path(), POLICY).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_usher"))
            .args(["store", "--listen", "127.0.0.1:0", "--database", database, "--policy"])
            .arg(policy.path())
            .env("USHER_STORE_TOKEN", FILTER)
            .env("USHER_ADMIN_TOKEN", ADMIN)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = log.find_map(|line| {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            line["address"].as_str().map(|address| address.parse().unwrap())
        });
        // What it says further is of no interest, but must go somewhere.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, address: address.expect("the store listens"), _policy: policy }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
    }
}
