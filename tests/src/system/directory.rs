//! An identity provider's hand on the store: SCIM requests, one after the other, and the sync of an operator.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use usher_scenario::step::{DirectoryWord, UserWord};

use super::store::{DIRECTORY_TOKEN, Store};
use crate::http::Request;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The provider of one parent.
pub(crate) struct Directory<'a> {
    pub(crate) store: &'a Store,
    pub(crate) parent: &'a str,
}

impl Directory<'_> {
    /// Carries out a word; `email` gives a person's usual one.
    ///
    /// # Errors
    /// No answer, or not the one that such a request gets.
    pub(crate) fn hear(&self, word: &DirectoryWord, email: &dyn Fn(&str) -> String) -> Result<()> {
        match word {
            DirectoryWord::User(user) => self.provision(user, &email(&user.person)),
            DirectoryWord::Gone(person) => match self.user(person)? {
                Some(id) => self.call("DELETE", &format!("/Users/{id}"), None, 204).map(drop),
                None => Ok(()),
            },
            DirectoryWord::Group { group, has } => {
                let members = has.iter().map(|person| {
                    let id = self.user(person)?.with_context(|| format!("the directory has no `{person}`"))?;
                    Ok(json!({"value": id}))
                });
                let members = members.collect::<Result<Vec<_>>>()?;
                let group = self.group(group)?;
                self.patch(&format!("/Groups/{group}"), &json!({"op": "replace", "path": "members", "value": members}))
            }
            DirectoryWord::Sync { confirmed } => self.sync(*confirmed),
        }
    }

    fn provision(&self, word: &UserWord, email: &str) -> Result<()> {
        let emails = |email: &str| json!([{"value": email, "primary": true}]);
        let id = match self.user(&word.person)? {
            Some(id) => {
                let mut changes = serde_json::Map::new();
                changes.extend(word.active.map(|active| ("active".to_owned(), json!(active))));
                changes.extend(word.email.as_deref().map(|email| ("emails".to_owned(), emails(email))));
                changes.extend(word.external_id.as_deref().map(|id| ("externalId".to_owned(), json!(id))));
                if !changes.is_empty() {
                    self.patch(&format!("/Users/{id}"), &json!({"op": "replace", "value": changes}))?;
                }
                id
            }
            None => {
                let user = json!({
                    "schemas": [USER],
                    "userName": word.person,
                    "externalId": word.external_id,
                    "active": word.active.unwrap_or(true),
                    "emails": emails(word.email.as_deref().unwrap_or(email)),
                });
                id(&self.call("POST", "/Users", Some(&user), 201)?)?
            }
        };
        let Some(groups) = &word.groups else { return Ok(()) };
        for group in groups {
            let group = self.group(group)?;
            self.patch(
                &format!("/Groups/{group}"),
                &json!({"op": "add", "path": "members", "value": [{"value": id}]}),
            )?;
        }
        let user = self.call("GET", &format!("/Users/{id}"), None, 200)?;
        for group in user.get("groups").and_then(Value::as_array).into_iter().flatten() {
            let name = group.get("display").and_then(Value::as_str).context("a group of a user has `display`")?;
            if !groups.iter().any(|wanted| wanted == name) {
                let group = group.get("value").and_then(Value::as_str).context("a group of a user has `value`")?;
                let path = format!("members[value eq \"{id}\"]");
                self.patch(&format!("/Groups/{group}"), &json!({"op": "remove", "path": path}))?;
            }
        }
        Ok(())
    }

    /// The user's id, if there is one.
    fn user(&self, person: &str) -> Result<Option<String>> {
        self.find("/Users", "userName", person)
    }

    /// The group's id; it is made where there is none.
    fn group(&self, name: &str) -> Result<String> {
        if let Some(id) = self.find("/Groups", "displayName", name)? {
            return Ok(id);
        }
        id(&self.call("POST", "/Groups", Some(&json!({"schemas": [GROUP], "displayName": name})), 201)?)
    }

    fn find(&self, of: &str, attribute: &str, value: &str) -> Result<Option<String>> {
        let filter = format!("{attribute}%20eq%20%22{value}%22");
        let found = self.call("GET", &format!("{of}?filter={filter}"), None, 200)?;
        let first = found.pointer("/Resources/0");
        first.map(id).transpose()
    }

    fn patch(&self, path: &str, operation: &Value) -> Result<()> {
        let body = json!({"schemas": [PATCH], "Operations": [operation]});
        self.call("PATCH", path, Some(&body), 200).map(drop)
    }

    fn call(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Result<Value> {
        let request = Request::new(method, "store", format!("/scim/v2/{}{path}", self.parent)).bearer(DIRECTORY_TOKEN);
        let response = match body {
            Some(body) => request.json(body).send(self.store.address()),
            None => request.send(self.store.address()),
        }?;
        ensure!(response.status == status, "{method} {path}: {}", response.status);
        if status == 204 { Ok(Value::Null) } else { response.body_json() }
    }

    fn sync(&self, confirmed: bool) -> Result<()> {
        let path = format!("/v1/parents/{}/sync?confirm={confirmed}", self.parent);
        let response = self.store.call("POST", &path, None)?;
        let body = response.body_json()?;
        match body.get("done") {
            Some(Value::Bool(true)) if response.status == 200 => Ok(()),
            _ => bail!("{}: {body}", response.status),
        }
    }
}

fn id(resource: &Value) -> Result<String> {
    let id = resource.get("id").and_then(Value::as_str);
    id.map(str::to_owned).with_context(|| format!("no id: {resource}"))
}
