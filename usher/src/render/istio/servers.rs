//! Key servers and store as Istio knows them: by name, through `ServiceEntry` and `DestinationRule`.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use usher_policy::Policy;
use usher_policy::model::Jwks;

use crate::render::template::{fill, indented, quoted};
use crate::render::{Endpoint, Host, Placement, RenderError, clusters};

/// The Secret with the authorities of key servers.
const KEYS_CA: &str = "usher-keys-ca";
/// The Secret with the authorities of the store.
const STORE_CA: &str = "usher-store-ca";

/// The servers that the filter calls.
pub(super) struct Servers<'a> {
    placement: &'a Placement,
    /// The ports of each key server, and whether each speaks TLS.
    keys: BTreeMap<String, BTreeMap<u16, bool>>,
    /// The key server of each connection: place of parent and connection in the file, host and port.
    of_connections: Vec<(usize, usize, String, u16)>,
    store: &'a Endpoint,
    /// Whether the store is a Service of the cluster.
    is_service: bool,
}

/// One port of a server.
struct Port {
    number: u16,
    limits: &'static [(&'static str, &'static str)],
    tls: Option<Tls>,
}

struct Tls {
    host: String,
    secret: Option<&'static str>,
}

impl<'a> Servers<'a> {
    /// # Errors
    /// One of them has no name.
    pub(super) fn of(policy: &Policy, placement: &'a Placement) -> Result<Self, RenderError> {
        let mut keys: BTreeMap<String, BTreeMap<u16, bool>> = BTreeMap::new();
        for (connection, jwks) in clusters::remote(policy) {
            let connection = connection.id.to_string();
            match Host::parse(&jwks.uri.host) {
                Ok(Host::Name(name)) => drop(keys.entry(name).or_default().insert(jwks.uri.port, jwks.uri.tls)),
                Ok(Host::Address(address)) => {
                    return Err(RenderError::KeysWithoutName { connection, address: address.to_string() });
                }
                Err(problem) => return Err(RenderError::KeyHost { connection, problem: problem.to_string() }),
            }
        }
        let is_service = is_service(&placement.store)?;
        Ok(Self { placement, keys, of_connections: places(policy), store: &placement.store, is_service })
    }

    /// What is not kept from others on the way.
    pub(super) fn warnings(&self) -> Option<String> {
        let store = self.store;
        match (&self.placement.store_ca, self.is_service) {
            (Some(_), _) => None,
            (None, true) => Some(format!(
                "the filter's token goes to the store at {store} as the mesh does it: encrypted where gateway and store are \
                 both in the mesh, else in plain http; name its authorities with `--store-ca`, or see that mTLS is STRICT"
            )),
            (None, false) => Some(format!(
                "the filter's token goes to the store at {store} in plain http: name its authorities with `--store-ca`"
            )),
        }
    }

    /// The policy with the clusters' names as Istio makes them.
    pub(super) fn renamed(&self, document: &Value) -> Value {
        let mut document = document.clone();
        if let Some(root) = document.as_object_mut() {
            let store = root.entry("store").or_insert_with(|| json!({}));
            if let Some(store) = store.as_object_mut() {
                store.insert("cluster".to_owned(), json!(cluster(&self.store.host.to_string(), self.store.port)));
            }
        }
        for (parent, connection, host, port) in &self.of_connections {
            if let Some(name) =
                document.pointer_mut(&format!("/parents/{parent}/connections/{connection}/jwks/cluster"))
            {
                *name = json!(cluster(host, *port));
            }
        }
        document
    }

    /// Every object, each with its `---`.
    pub(super) fn objects(&self) -> String {
        let mut text = String::new();
        for (number, (host, ports)) in (1..).zip(&self.keys) {
            let name = format!("usher-keys-{number}");
            let secret = self.placement.ca.as_ref().map(|_| KEYS_CA);
            let ports: Vec<_> = ports
                .iter()
                .map(|(number, tls)| Port {
                    number: *number,
                    limits: LIMITS_OF_KEYS,
                    tls: tls.then(|| Tls { host: host.clone(), secret }),
                })
                .collect();
            text.push_str(&self.entry("Keys of an identity provider.", &name, host, &ports));
            text.push_str(&self.rule(
                "How they are fetched, and who is believed to be that provider.",
                &name,
                host,
                &ports,
            ));
        }
        let host = self.store.host.to_string();
        let tls = self.placement.store_ca.as_ref().map(|_| Tls { host: host.clone(), secret: Some(STORE_CA) });
        let ports = [Port { number: self.store.port, limits: LIMITS_OF_STORE, tls }];
        if !self.is_service {
            text.push_str(&self.entry("The membership store.", "usher-store", &host, &ports));
        }
        text.push_str(&self.rule("The membership store: one call for each login.", "usher-store", &host, &ports));
        for (name, bundle) in [(KEYS_CA, &self.placement.ca), (STORE_CA, &self.placement.store_ca)] {
            if let Some(bundle) = bundle {
                let values = self.values(name, &[("bundle", quoted(bundle))]);
                text.push_str(&fill(include_str!("secret.yaml"), &values));
            }
        }
        text
    }

    fn entry(&self, purpose: &str, name: &str, host: &str, ports: &[Port]) -> String {
        let port = |port: &Port| {
            let protocol = if port.tls.is_some() { "HTTPS" } else { "HTTP" };
            let number = port.number;
            format!("- {{number: {number}, name: {}-{number}, protocol: {protocol}}}\n", protocol.to_ascii_lowercase())
        };
        let ports: String = ports.iter().map(port).collect();
        let more = [("host", quoted(host)), ("ports", indented(&ports, 2)), ("purpose", purpose.to_owned())];
        fill(include_str!("service_entry.yaml"), &self.values(name, &more))
    }

    fn rule(&self, purpose: &str, name: &str, host: &str, ports: &[Port]) -> String {
        let ports: String = ports.iter().map(Port::render).collect();
        let more = [("host", quoted(host)), ("ports", indented(&ports, 4)), ("purpose", purpose.to_owned())];
        fill(include_str!("destination_rule.yaml"), &self.values(name, &more))
    }

    fn values<'v>(&self, name: &str, more: &[(&'v str, String)]) -> Vec<(&'v str, String)> {
        let mut values = vec![("name", name.to_owned()), ("namespace", quoted(&self.placement.namespace))];
        values.extend(more.iter().cloned());
        values
    }
}

const LIMITS_OF_KEYS: &[(&str, &str)] =
    &[("connect_timeout", "2s"), ("idle_timeout", "30s"), ("max_connections", "16"), ("max_requests", "64")];

const LIMITS_OF_STORE: &[(&str, &str)] =
    &[("connect_timeout", "500ms"), ("idle_timeout", "30s"), ("max_connections", "256"), ("max_requests", "4096")];

impl Port {
    fn render(&self) -> String {
        let mut values: Vec<_> = self.limits.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        values.push(("port", self.number.to_string()));
        let mut text = fill(include_str!("port.yaml"), &values);
        if let Some(tls) = &self.tls {
            let host = quoted(&tls.host);
            let secret = tls.secret.map(|name| format!(", credentialName: {name}")).unwrap_or_default();
            text.push_str(&format!("  tls: {{mode: SIMPLE, sni: {host}, subjectAltNames: [{host}]{secret}}}\n"));
        }
        text
    }
}

/// The cluster that Istio makes for a port of a service.
fn cluster(host: &str, port: u16) -> String {
    format!("outbound|{port}||{host}")
}

fn is_service(store: &Endpoint) -> Result<bool, RenderError> {
    match &store.host {
        Host::Name(name) if name.contains(".svc.") => Ok(true),
        Host::Name(name) if name.contains('.') && !name.ends_with(".svc") => Ok(false),
        Host::Address(_) | Host::Name(_) => Err(RenderError::StoreWithoutName(store.to_string())),
    }
}

/// Where in the file each connection with a key server stands.
fn places(policy: &Policy) -> Vec<(usize, usize, String, u16)> {
    let mut places = Vec::new();
    for (parent, of_parent) in policy.parents.iter().enumerate() {
        for (connection, found) in of_parent.connections.iter().enumerate() {
            if let Jwks::Remote(jwks) = &found.jwks {
                places.push((parent, connection, jwks.uri.host.clone(), jwks.uri.port));
            }
        }
    }
    places
}
