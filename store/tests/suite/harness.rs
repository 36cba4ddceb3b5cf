//! A store of one's own: an empty database, a clock that is set by hand, a server on a free port, and a client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use usher_policy::Policy;
use usher_store::{Clock, Config, Secrets, Server, StartError};

use super::database::Database;
pub(crate) use super::reply::{Reply, patiently, until};
use super::reply::{answered, coming_again};

pub(crate) const FILTER: &str = "filter-token-0123456789";
pub(crate) const ADMIN: &str = "admin-token-0123456789";
pub(crate) const ACME_ADMIN: &str = "acme-admin-token-0123456789";
pub(crate) const SCIM: &str = "scim-token-0123456789";
pub(crate) const GLOBEX_SCIM: &str = "globex-scim-token-0123456789";

/// 2026-01-01T00:00:00Z.
pub(crate) const NEW_YEAR: u64 = 1_767_225_600;

pub(crate) const POLICY: &str = r"
version: 1
admin_tokens: [{name: root, token_env: ROOT_TOKEN}, {name: acme-it, token_env: ACME_ADMIN_TOKEN, parents: [acme]}]
parents:
- id: acme
  plan: enterprise
  domains: [acme.example, acme-labs.example]
  connections:
  - {id: okta, issuer: https://acme.okta.example, audiences: [usher], jwks: {uri: https://acme.okta.example/keys, cluster: okta}}
  - {id: labs, issuer: https://labs.okta.example, audiences: [usher], domains: [acme-labs.example],
     jwks: {uri: https://labs.okta.example/keys, cluster: labs}}
  - {id: ids, issuer: https://ids.example, audiences: [usher], claims: {external_id: oid}, scim_match: external_id,
     jwks: {uri: https://ids.example/keys, cluster: ids}}
  directory: {scim: true, token_env: ACME_SCIM_TOKEN}
  organizations:
  - {id: manual, product: claude, hosts: [manual.acme.example], provisioning: {mode: manual}, connections: [okta]}
  - {id: jit, product: claude, hosts: [jit.acme.example], provisioning: {mode: jit}}
  - id: mapped
    product: claude
    hosts: [mapped.acme.example]
    primary_owner: {email: ada@acme.example, connection: okta}
    provisioning:
      mode: jit
      group_mappings:
        roles: [{group: owners, role: owner}, {group: admins, role: admin}, {group: staff, role: user}]
        seat_tiers: [{group: power, tier: premium}]
    guards: {removals_by_login: 2}
    seats: {caps: {premium: 1, standard: 3}}
  - {id: five, product: claude, hosts: [five.acme.example], provisioning: {mode: jit}, seats: {caps: {premium: 2, standard: 3}}}
  - {id: by-id, product: claude, hosts: [by-id.acme.example], provisioning: {mode: manual}, connections: [ids]}
  - {id: scim, product: claude, hosts: [scim.acme.example], provisioning: {mode: scim}}
- id: globex
  plan: team
  domains: [globex.example]
  connections:
  - {id: entra, issuer: https://globex.entra.example, audiences: [usher], jwks: {uri: https://globex.entra.example/keys, cluster: entra}}
  organizations:
  - {id: globex-console, product: console, hosts: [globex.example], provisioning: {mode: jit}}
";

pub(crate) fn policy(text: &str) -> Arc<Policy> {
    Arc::new(usher_policy_file::from_yaml(text).unwrap_or_else(|faults| panic!("{faults:#?}")))
}

pub(crate) fn variable(name: &str) -> Option<String> {
    let value = match name {
        "USHER_STORE_TOKEN" => FILTER,
        "ROOT_TOKEN" => ADMIN,
        "ACME_ADMIN_TOKEN" => ACME_ADMIN,
        "ACME_SCIM_TOKEN" => SCIM,
        "GLOBEX_SCIM_TOKEN" => GLOBEX_SCIM,
        _ => return None,
    };
    Some(value.to_owned())
}

/// A clock that stands until it is moved.
pub(crate) struct ManualClock(AtomicU64);

impl ManualClock {
    pub(crate) fn advance(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// A running store. Stops when dropped.
pub(crate) struct Store {
    pub(crate) address: SocketAddr,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) database: Arc<Database>,
    policy: String,
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

impl Store {
    pub(crate) fn start() -> Self {
        Self::start_on(Arc::new(Database::new()))
    }

    pub(crate) fn start_on(database: Arc<Database>) -> Self {
        Self::start_at(database, NEW_YEAR, POLICY)
    }

    /// A store with another policy.
    pub(crate) fn start_by(policy: &str) -> Self {
        Self::start_at(Arc::new(Database::new()), NEW_YEAR, policy)
    }

    /// One more replica on the same database.
    pub(crate) fn replica(&self) -> Self {
        Self::start_at(Arc::clone(&self.database), NEW_YEAR, &self.policy)
    }

    fn start_at(database: Arc<Database>, now: u64, policy: &str) -> Self {
        let mut store = Self::start_with(config(&database.address(), policy), database, now);
        policy.clone_into(&mut store.policy);
        store
    }

    /// With a configuration of one's own.
    pub(crate) fn start_with(config: Config, database: Arc<Database>, now: u64) -> Self {
        let clock = Arc::new(ManualClock(AtomicU64::new(now)));
        let (address_sender, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let running = {
            let clock = Arc::clone(&clock);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
                runtime.unwrap().block_on(async {
                    let server = Server::bind_with_clock(config, clock).await.unwrap();
                    address_sender.send(server.local_addr()).unwrap();
                    server.run(async { drop(stopped.await) }).await;
                });
            })
        };
        let address = address.recv().expect("the store starts");
        Self { address, clock, database, policy: POLICY.to_owned(), running: Some((stop, running)) }
    }

    /// Stops it and starts another on the same database.
    pub(crate) fn restart(self) -> Self {
        let policy = self.policy.clone();
        self.restart_with(&policy)
    }

    /// The same, with another policy.
    pub(crate) fn restart_with(mut self, policy: &str) -> Self {
        self.stop();
        Self::start_at(Arc::clone(&self.database), self.clock.now().as_secs(), policy)
    }

    /// Time goes by as it does while a store runs: with upkeep all the while, and no leap of the clock.
    pub(crate) fn pass(&self, seconds: u64) {
        until("upkeep was there", || self.upkeep_was_there(3_600));
        // As if a second ago, so that it shows when upkeep has been there.
        self.database.sql(&format!("UPDATE upkeep SET at = {}", self.clock.now().as_secs() + seconds - 1));
        self.clock.advance(seconds);
    }

    /// Whether upkeep was noted less than so many seconds ago.
    pub(crate) fn upkeep_was_there(&self, seconds: u64) -> bool {
        let noted = self.database.sql("SELECT at FROM upkeep").parse();
        noted.is_ok_and(|at: u64| self.clock.now().as_secs().abs_diff(at) < seconds)
    }

    pub(crate) fn stop(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            drop(stop);
            running.join().expect("the store stops in order");
        }
    }

    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
        let headers = [("authorization", format!("Bearer {token}"))];
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        self.send(method, path, &headers, body)
    }

    /// Sends anything at all.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<(&str, Vec<u8>)>,
    ) -> Reply {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some((kind, _)) = body
            && !kind.is_empty()
        {
            request = request.header("content-type", kind);
        }
        let response = match body {
            Some((_, body)) => agent.run(request.body(body).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        };
        let (parts, mut body) = response.unwrap().into_parts();
        let text = body.read_to_string().unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Reply { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    pub(crate) fn login(&self, organization: &str, login: &Value) -> Reply {
        self.call("POST", &format!("/v1/organizations/{organization}/logins"), FILTER, Some(login))
    }

    /// Logs in, expects 200, and gives the answer with the member.
    pub(crate) fn answer(&self, organization: &str, login: &Value) -> (String, Value) {
        answered(self.login(organization, login))
    }

    /// The same of a client that comes again, also where it is not known what was written: a login may be repeated.
    pub(crate) fn patient_answer(&self, organization: &str, login: &Value) -> (String, Value) {
        let codes = ["database_busy", "database_unavailable", "timed_out"];
        answered(coming_again(&codes, || self.login(organization, login)))
    }

    pub(crate) fn add(&self, organization: &str, member: &Value) -> Reply {
        self.call("POST", &members_path(organization), ADMIN, Some(member))
    }

    pub(crate) fn edit(&self, organization: &str, id: &str, change: &Value) -> Reply {
        self.call("PATCH", &format!("{}/{id}", members_path(organization)), ADMIN, Some(change))
    }

    pub(crate) fn remove(&self, organization: &str, id: &str) -> Reply {
        self.call("DELETE", &format!("{}/{id}", members_path(organization)), ADMIN, None)
    }

    pub(crate) fn member(&self, organization: &str, id: &str) -> Reply {
        self.call("GET", &format!("{}/{id}", members_path(organization)), ADMIN, None)
    }

    pub(crate) fn list(&self, organization: &str, query: &str) -> Value {
        let path = format!("{}{query}", members_path(organization));
        let reply = patiently(|| self.call("GET", &path, ADMIN, None));
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }

    pub(crate) fn emails(&self, organization: &str, query: &str) -> Vec<String> {
        let list = self.list(organization, query);
        list["members"].as_array().unwrap().iter().map(|member| member["email"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn seats(&self, organization: &str) -> Value {
        let reply = self.call("GET", &format!("/v1/organizations/{organization}/seats"), ADMIN, None);
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json
    }
}

impl Store {
    /// The value of a metric without labels; 0 before it is first counted.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.send("GET", "/metrics", &[], None).text;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Asks for changes.
    pub(crate) fn changes(&self, query: &str) -> Reply {
        self.call("GET", &format!("/v1/changes{query}"), FILTER, None)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        }
    }
}

pub(crate) fn members_path(organization: &str) -> String {
    format!("/v1/organizations/{organization}/members")
}

pub(crate) fn config(database: &str, policy_text: &str) -> Config {
    let policy = policy(policy_text);
    let secrets = Secrets::from_env(&policy, variable).unwrap();
    let (policy_digest, listen) = (usher_store::digest(policy_text), SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    Config { policy, policy_digest, database: database.to_owned(), listen, secrets, max_rate: None, tls: None }
}

/// Tries to start a store that is not expected to.
pub(crate) fn start_error(config: Config) -> StartError {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match runtime.block_on(Server::bind(config)) {
        Ok(_) => panic!("the store started"),
        Err(error) => error,
    }
}

/// A login of `NAME@acme.example` through okta, `iat` seconds after the new year.
pub(crate) fn login(name: &str, iat: u64, plan: Value) -> Value {
    json!({
        "connection": "okta",
        "issuer": "https://acme.okta.example",
        "subject": format!("sub-{name}"),
        "email": format!("{name}@acme.example"),
        "issued_at": NEW_YEAR + iat,
        "plan": plan,
    })
}

pub(crate) fn ensure() -> Value {
    json!({"do": "ensure", "role": "user"})
}

pub(crate) fn require() -> Value {
    json!({"do": "require"})
}

pub(crate) fn assign(role: &str) -> Value {
    json!({"do": "assign", "role": role})
}

pub(crate) fn leave() -> Value {
    json!({"do": "remove", "reason": "no_mapped_group"})
}

pub(crate) fn unassigned() -> Value {
    json!({"do": "remove", "reason": "not_assigned"})
}

/// The same object with some members changed; null takes one away.
pub(crate) fn with(object: &Value, changes: Value) -> Value {
    let mut object = object.clone();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(name)),
            value => object[name] = value.clone(),
        }
    }
    object
}

pub(crate) fn id(member: &Value) -> String {
    member["id"].as_str().unwrap().to_owned()
}
