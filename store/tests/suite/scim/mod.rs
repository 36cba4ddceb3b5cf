//! SCIM as identity providers meet it, and what it means for memberships.

mod access;
mod audited;
mod bad_input;
mod crowded;
mod dialogues;
mod large;
mod lists;
mod memberships;
mod namesakes;
mod versions;

use serde_json::{Value, json};

use super::harness::{Reply, SCIM, Store};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// Two parents with directories; `everyone` is for all users, `mapped` for those in mapped groups, `seated` has few seats.
pub(crate) const DIRECTORIES: &str = r"
version: 1
admin_tokens: [{name: root, token_env: ROOT_TOKEN}]
parents:
- id: acme
  plan: enterprise
  domains: [acme.example]
  connections:
  - {id: okta, issuer: https://acme.okta.example, audiences: [usher], jwks: {uri: https://acme.okta.example/keys, cluster: okta}}
  directory: {scim: true, token_env: ACME_SCIM_TOKEN}
  organizations:
  - {id: everyone, product: console, hosts: [everyone.acme.example], provisioning: {mode: scim}}
  - id: mapped
    product: claude
    hosts: [mapped.acme.example]
    provisioning:
      mode: scim
      group_mappings:
        roles: [{group: owners, role: owner}, {group: admins, role: admin}, {group: staff, role: user}]
    guards: {max_removals: {members: 3, percent: 1}}
  - id: seated
    product: claude
    hosts: [seated.acme.example]
    provisioning:
      mode: scim
      group_mappings:
        roles: [{group: players, role: user}]
        seat_tiers: [{group: power, tier: premium}]
    seats: {caps: {premium: 1, standard: 1}, default: standard}
  - {id: jit, product: claude, hosts: [jit.acme.example], provisioning: {mode: jit}}
- id: globex
  plan: enterprise
  domains: [globex.example]
  connections:
  - {id: entra, issuer: https://globex.entra.example, audiences: [usher], jwks: {uri: https://globex.entra.example/keys, cluster: entra}}
  directory: {scim: true, token_env: GLOBEX_SCIM_TOKEN, patch_response: no_content}
  organizations:
  - {id: globex, product: console, hosts: [globex.example], provisioning: {mode: scim}}
";

/// A store with these directories, as acme's provider sees it.
pub(crate) struct Directory {
    pub(crate) store: Store,
}

impl Directory {
    pub(crate) fn start() -> Self {
        Self { store: Store::start_by(DIRECTORIES) }
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<Value>) -> Reply {
        self.store.call(method, &format!("/scim/v2/acme{path}"), SCIM, body.as_ref())
    }

    /// Calls, expects this status, and gives the body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, method: &str, path: &str, body: Option<Value>) -> Value {
        let reply = self.call(method, path, body);
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text);
        reply.json
    }

    /// Adds an active user with this name at acme; gives the id.
    #[track_caller]
    pub(crate) fn user(&self, name: &str) -> String {
        let email = format!("{name}@acme.example");
        let user = json!({"schemas": [USER], "userName": email, "externalId": name, "emails": [{"value": email}]});
        id(&self.expect(201, "POST", "/Users", Some(user)))
    }

    /// Adds a group with these members; gives the id.
    #[track_caller]
    pub(crate) fn group(&self, name: &str, members: &[&str]) -> String {
        let group = json!({"schemas": [GROUP], "displayName": name, "members": members});
        id(&self.expect(201, "POST", "/Groups", Some(group)))
    }

    /// Does one operation on a user or a group.
    #[track_caller]
    pub(crate) fn patch(&self, path: &str, operation: Value) -> Value {
        self.expect(200, "PATCH", path, Some(json!({"Operations": [operation]})))
    }

    /// The members of an organization with one field each, by email.
    pub(crate) fn members(&self, organization: &str, field: &str) -> Value {
        let list = self.store.list(organization, "?limit=500");
        let members = list["members"].as_array().unwrap().iter();
        members.map(|member| (member["email"].as_str().unwrap().to_owned(), member[field].clone())).collect()
    }
}

pub(crate) fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_else(|| panic!("{resource}")).to_owned()
}

impl Reply {
    /// Expects a SCIM error.
    #[track_caller]
    pub(crate) fn is_scim_error(&self, status: u16, scim_type: Option<&str>) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/scim+json", "{}", self.text);
        assert_eq!(self.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(self.json["status"], json!(status.to_string()));
        assert_eq!(self.json["scimType"].as_str(), scim_type, "{}", self.text);
        assert!(self.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.text);
    }
}
