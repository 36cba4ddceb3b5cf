//! A real store in this process, for the commands that administer one.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use usher_policy_file::from_json;
use usher_store::{Config, Secrets, Server};

use crate::support::{Folder, Outcome, command, outcome, policy};

/// The administrator's token.
pub(crate) const ADMIN_TOKEN: &str = "an-administrator-of-tests";

/// A store that serves until it is dropped.
pub(crate) struct RunningStore {
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
    _folder: Folder,
}

impl RunningStore {
    /// A store of one organization, `acme-chat`, where members are added by hand.
    pub(crate) fn start(seats: &Value) -> Self {
        let folder = Folder::new();
        let jwks = json!({"uri": "https://acme.okta.example/keys", "cluster": "okta"});
        let organization = json!({"provisioning": {"mode": "manual"}, "seats": seats});
        let policy = Arc::new(from_json(policy(&jwks, &organization).to_string().as_bytes()).unwrap());
        let secrets = Secrets::from_env(&policy, |name| match name {
            "USHER_ADMIN_TOKEN" => Some(ADMIN_TOKEN.to_owned()),
            name => Some(format!("another-secret-of-tests-{name}")),
        })
        .unwrap();
        let database = format!("sqlite://{}", folder.path().join("usher.db").display());
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let policy_digest = usher_store::digest("the policy of this test");
        let runtime = Runtime::new().unwrap();
        let server = runtime
            .block_on(Server::bind(Config {
                policy,
                policy_digest,
                database,
                listen,
                secrets,
                max_rate: None,
                tls: None,
            }))
            .unwrap();
        let address = server.local_addr();
        runtime.spawn(server.run(std::future::pending()));
        Self { address, _runtime: runtime, _folder: folder }
    }

    /// The command with this store and the administrator's token in its environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("USHER_STORE_URL", format!("http://{}", self.address)).env("USHER_ADMIN_TOKEN", ADMIN_TOKEN);
        command
    }

    /// Runs the command against this store.
    pub(crate) fn usher(&self, arguments: &[&str]) -> Outcome {
        outcome(&mut self.command(arguments))
    }
}
