//! A real `usher store` as a child process, and an operator's hand on it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::http::{Request, Response, local};
use crate::process::Process;
use crate::{binaries, port, wait};
use usher_scenario::step::Deed;

/// The filter's secret.
pub const STORE_TOKEN: &str = "store-token-of-the-tests";
/// The operator's secret.
pub const ADMIN_TOKEN: &str = "admin-token-of-the-tests";

/// The directory's secret.
pub const DIRECTORY_TOKEN: &str = "directory-token-of-the-tests";

/// A running store.
pub struct Store {
    process: Process,
    address: SocketAddr,
}

impl Store {
    /// Starts a store on the database `number` of a folder; returns when it is ready.
    ///
    /// # Errors
    /// It ends, or never gets ready.
    pub fn start(folder: &Path, policy: &Path, number: u32) -> Result<Self> {
        Self::start_with(folder, policy, number, "info,usher_store::http=debug", None)
    }

    /// The same, as it logs when nobody asks for more.
    ///
    /// # Errors
    /// It ends, or never gets ready.
    pub fn start_quiet(folder: &Path, policy: &Path, number: u32) -> Result<Self> {
        Self::start_with(folder, policy, number, "info", None)
    }

    /// The same, with a collector for its traces.
    ///
    /// # Errors
    /// It ends, or never gets ready.
    pub(crate) fn start_traced(folder: &Path, policy: &Path, number: u32, collector: SocketAddr) -> Result<Self> {
        Self::start_with(folder, policy, number, "info,usher_store::http=debug", Some(collector))
    }

    fn start_with(folder: &Path, policy: &Path, number: u32, log: &str, collector: Option<SocketAddr>) -> Result<Self> {
        let address = local(port::free()?);
        let mut command = Command::new(binaries::usher()?);
        let database = format!("sqlite://{}", folder.join(format!("usher-{number}.db")).display());
        command.args(["store", "--database", &database, "--listen", &address.to_string(), "--policy"]).arg(policy);
        command.env("USHER_STORE_TOKEN", STORE_TOKEN).env("USHER_ADMIN_TOKEN", ADMIN_TOKEN);
        command.env("USHER_TEST_SCIM_TOKEN", DIRECTORY_TOKEN).env("USHER_LOG", log);
        command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
        if let Some(collector) = collector {
            command.args(["--otlp-endpoint", &format!("http://{collector}")]).env("OTEL_BSP_SCHEDULE_DELAY", "100");
        }
        let mut process = Process::start("the store", command, folder.join("store.log"))?;
        wait::until("the store is ready", || {
            process.still_runs()?;
            let answer = Request::new("GET", "store", "/readyz").send(address);
            Ok(answer.is_ok_and(|response| response.status == 200).then_some(()))
        })?;
        Ok(Self { process, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// How much memory it holds, in KiB.
    ///
    /// # Errors
    /// The system does not say.
    pub fn memory(&self) -> Result<u64> {
        self.process.memory()
    }

    /// Everything that it said so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Calls the API as an operator.
    ///
    /// # Errors
    /// No answer.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Response> {
        let request = Request::new(method, "store", path).bearer(ADMIN_TOKEN);
        match body {
            Some(body) => request.json(body).send(self.address),
            None => request.send(self.address),
        }
    }

    /// All members of an organization, page by page.
    ///
    /// # Errors
    /// No answer, or none that was promised.
    pub fn members(&self, organization: &str) -> Result<Vec<Value>> {
        let mut members = Vec::new();
        let mut page = format!("/v1/organizations/{organization}/members");
        loop {
            let mut body = ok(&self.call("GET", &page, None)?)?;
            let found = body.get_mut("members").and_then(Value::as_array_mut).context("a list has `members`")?;
            members.append(found);
            match body.get("next").and_then(Value::as_str) {
                Some(next) => page = format!("/v1/organizations/{organization}/members?cursor={next}"),
                None => return Ok(members),
            }
        }
    }

    /// The seats of an organization.
    ///
    /// # Errors
    /// No answer, or none that was promised.
    pub fn seats(&self, organization: &str) -> Result<Value> {
        ok(&self.call("GET", &format!("/v1/organizations/{organization}/seats"), None)?)
    }

    /// The id of the member with an email.
    ///
    /// # Errors
    /// There is none.
    pub fn id_of(&self, organization: &str, email: &str) -> Result<String> {
        self.find(organization, email)?.with_context(|| format!("{email}: no member of {organization}"))
    }

    fn find(&self, organization: &str, email: &str) -> Result<Option<String>> {
        let members = self.members(organization)?;
        let field = |member: &Value, name: &str| member.get(name).and_then(Value::as_str).map(str::to_owned);
        let found = members.iter().find(|member| field(member, "email").is_some_and(|e| e.eq_ignore_ascii_case(email)));
        Ok(found.and_then(|member| field(member, "id")))
    }

    /// Does something by hand; the inner error is the code of a refusal.
    ///
    /// # Errors
    /// No answer, or none that was promised.
    pub fn by_hand(&self, organization: &str, deed: &Deed, email: &str) -> Result<Result<(), String>> {
        let list = format!("/v1/organizations/{organization}/members");
        // Nobody has this id, so that the store itself says so.
        let nobody = || "00000000-0000-0000-0000-000000000000".to_owned();
        let one = || {
            let id = self.find(organization, email)?.unwrap_or_else(nobody);
            Ok::<_, anyhow::Error>(format!("{list}/{id}"))
        };
        let (response, success) = match deed {
            Deed::Add { role, seat_tier, .. } => {
                let mut body = json!({"email": email});
                for (name, value) in [("role", role), ("seat_tier", seat_tier)] {
                    if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                        body.insert(name.to_owned(), json!(value));
                    }
                }
                (self.call("POST", &list, Some(&body))?, 201)
            }
            Deed::Change { role, seat_tier, .. } => {
                let mut body = serde_json::Map::new();
                if let Some(role) = role {
                    body.insert("role".to_owned(), json!(role));
                }
                if let Some(seat_tier) = seat_tier {
                    body.insert("seat_tier".to_owned(), json!(seat_tier));
                }
                (self.call("PATCH", &one()?, Some(&Value::Object(body)))?, 200)
            }
            Deed::Activate(_) => (self.call("PATCH", &one()?, Some(&json!({"status": "active"})))?, 200),
            Deed::Suspend(_) => (self.call("PATCH", &one()?, Some(&json!({"status": "suspended"})))?, 200),
            Deed::Unlink(_) => (self.call("PATCH", &one()?, Some(&json!({"unlink": true})))?, 200),
            Deed::Remove(_) => (self.call("DELETE", &one()?, None)?, 204),
        };
        if response.status == success {
            return Ok(Ok(()));
        }
        let body = response.body_json()?;
        match body.get("code").and_then(Value::as_str) {
            Some(code) if (400..500).contains(&response.status) => Ok(Err(code.to_owned())),
            _ => bail!("{}: {body}", response.status),
        }
    }
}

fn ok(response: &Response) -> Result<Value> {
    let body = response.body_json()?;
    if response.status != 200 {
        bail!("{}: {body}", response.status);
    }
    Ok(body)
}
