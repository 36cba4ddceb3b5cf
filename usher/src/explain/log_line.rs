//! A denial's line in the filter's log, told with the policy beside it; pure.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value, json};
use usher_policy::Reason;
use usher_policy::model::{Organization, Policy};
use usher_policy::rules::route;

use super::trace::{Explanation, Told, Trace};
use super::unproven::Said;
use super::words::quoted;
use super::{clock, host, page, provider};

/// The most that is read of a log, in bytes.
pub(crate) const MAX_LINES: usize = 1024 * 1024;

/// How the filter begins a line about a denial, whatever stands before it.
const BEGIN: &str = r#"{"event":"denial""#;

/// How it begins the line that says why the store gave no answer, which has the request's id too.
const STORE_FAILED: &str = r#"{"event":"store_failed""#;

/// What Envoy writes before what a filter logs: this, the plugin's names and a colon, after the time and the like.
const OF_A_FILTER: &str = "wasm log";

/// The members in which log collectors, and Envoy where it logs JSON, keep a line.
const MESSAGES: [&str; 9] = ["log", "message", "msg", "MESSAGE", "textPayload", "body", "line", "text", "_raw"];

/// What was given is no line about a denial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LogLineError {
    /// There is none.
    #[error(
        "--log-line: no denial (a line with `{BEGIN},…}}`) was found in the last {MAX_LINES} bytes; \
         give the line itself, or a log: `grep REQUEST-ID envoy.log | usher explain usher.yaml --log-line -`"
    )]
    NoDenial,
    /// It has a reason that this version does not know.
    #[error("--log-line: unknown reason `{0}`: the filter's version differs from this command's")]
    UnknownReason(String),
}

/// What the filter wrote. Every field may be absent but the reason.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    reason: String,
    organization: Option<String>,
    request_id: Option<String>,
    shadow: bool,
    at: Option<u64>,
    method: Option<String>,
    host: Option<String>,
    path: Option<String>,
    issuer: Option<String>,
    audience: Option<String>,
    key_id: Option<String>,
    algorithm: Option<String>,
    issued_at: Option<u64>,
    expires_at: Option<u64>,
    subject: Option<String>,
    email: Option<String>,
}

/// Why the store gave no answer to the call of a request.
#[derive(Debug, Deserialize)]
struct StoreFailed {
    request_id: Option<String>,
    why: String,
}

/// Explains the last denial of a log; `policy_file` is how its file is called in commands.
///
/// # Errors
/// There is none, or one of another version.
pub(crate) fn told(policy: &Policy, policy_file: &str, log: &[u8]) -> Result<Explanation, LogLineError> {
    let log = String::from_utf8_lossy(log);
    let line = log.lines().rev().find_map(|line| event::<Line>(line, BEGIN)).ok_or(LogLineError::NoDenial)?;
    let reason = Reason::from_code(&line.reason).ok_or_else(|| LogLineError::UnknownReason(line.reason.clone()))?;
    let mut trace = Trace::default();
    trace.step("request", line.request());
    if let (Some(host), Some(path)) = (&line.host, &line.path) {
        trace.step("route", line.route(policy, host, path));
    }
    let organization = line.organization.as_deref().and_then(|id| policy.organization(id));
    if let Some(organization) = organization {
        trace.organization(&organization.id);
        line.token(&mut trace, organization);
    }
    if let Some(told) = line.person(reason) {
        trace.step("person", told);
    }
    if let Some(failed) = store_failed(&log, line.request_id.as_deref()) {
        let told = format!("no answer: {}{}", quoted(&failed.why), refused_by_store(&failed.why));
        trace.step("store", Told::with(told, json!({"why": failed.why})));
    }
    let known = [
        ("ORG", line.organization.clone()),
        ("PARENT", organization.map(|organization| organization.parent.id.to_string())),
        ("EMAIL", line.email),
        ("HOST", line.host),
        ("PATH", line.path),
        ("METHOD", line.method),
        ("ISSUER", line.issuer),
        ("REQUEST", line.request_id.clone()),
        ("usher.yaml", Some(policy_file.to_owned())),
    ];
    let mut explanation = trace.deny("denial", reason);
    explanation.request_id = line.request_id;
    explanation.next = page::advice(reason, &known);
    Ok(explanation)
}

/// Why the store gave no answer to the call of this request, where the log has it.
fn store_failed(log: &str, request_id: Option<&str>) -> Option<StoreFailed> {
    let mut failed = log.lines().rev().filter_map(|line| event::<StoreFailed>(line, STORE_FAILED));
    failed.find(|failed| request_id.is_some() && failed.request_id.as_deref() == request_id)
}

/// What the store means by the status that it refused the filter's call with.
fn refused_by_store(why: &str) -> &'static str {
    match why.strip_prefix("the answer's status is ") {
        Some("401") => ": the store does not know the filter's token (`store.token_env`)",
        Some("404") => ": the store's policy does not have the organization",
        Some("409") => ": the store has another policy, under which no login can have this plan (`policy_mismatch`)",
        _ => "",
    }
}

/// The event of one line of a log that begins so: after what Envoy writes before it, or as a line that JSON has as a message.
/// A client can write one into what an access log says of its request: that is neither.
fn event<T: DeserializeOwned>(line: &str, begin: &str) -> Option<T> {
    let of_the_filter = |text: &str| {
        let (before, _) = text.split_once(begin)?;
        let event = text.get(before.len()..).filter(|_| is_before_an_event(before))?;
        Deserializer::from_str(event).into_iter().next()?.ok()
    };
    of_the_filter(line).or_else(|| {
        let wrapped: Map<String, Value> = serde_json::from_str(line.trim()).ok()?;
        MESSAGES.iter().filter_map(|name| wrapped.get(*name)?.as_str()).find_map(of_the_filter)
    })
}

/// Whether it is what Envoy writes before what a filter logs, or nothing. Where logs quote what clients sent, it stands in
/// quotation marks, and in a path there are no spaces.
fn is_before_an_event(text: &str) -> bool {
    let names = text.rsplit_once(OF_A_FILTER).map(|(before, names)| (before.chars().next_back(), names));
    let is_envoys = names.is_some_and(|(last, names)| {
        last.is_none_or(|last| last.is_whitespace() || last == ']') && names.ends_with(": ")
    });
    text.trim().is_empty() || is_envoys && !text.contains(['"', '\'', '`'])
}

impl Line {
    fn request(&self) -> Told {
        let shown = |text: &Option<String>| text.as_deref().map_or_else(|| "?".to_owned(), quoted);
        let when = self.at.map_or_else(String::new, |at| format!(" at {at}"));
        let shadow = if self.shadow { "; in shadow, so that nobody was turned away" } else { "" };
        Told::with(
            format!(
                "{} {}{}{when}, request {}{shadow}",
                self.method.as_deref().filter(|method| method.chars().all(char::is_alphanumeric)).unwrap_or("?"),
                shown(&self.host),
                self.path.as_deref().map_or_else(String::new, |path| format!(" {}", quoted(path))),
                shown(&self.request_id),
            ),
            json!({"at": self.at, "method": self.method, "host": self.host, "path": self.path, "shadow": self.shadow}),
        )
    }

    /// Where this policy sends the request: elsewhere than the filter's did, where they are not the same.
    fn route(&self, policy: &Policy, host: &str, path: &str) -> Told {
        let (told, found) = match route::route(policy, host.as_bytes(), path.as_bytes()) {
            Ok(routed) => {
                let told = host::served(host, routed.organization, routed.path.as_ref());
                (told, Some(routed.organization.id.as_str()))
            }
            Err(reason) => (host::refused(policy, host, path, reason), None),
        };
        match (self.organization.as_deref(), found) {
            (Some(logged), found) if found != Some(logged) => Told {
                detail: format!(
                    "{}; but the filter answered for {}: it runs another policy than this file",
                    told.detail,
                    quoted(logged)
                ),
                ..told
            },
            _ => told,
        }
    }

    /// What the token said of itself, beside what the policy takes.
    fn token(&self, trace: &mut Trace, organization: &Organization) {
        let Some(issuer) = &self.issuer else { return };
        let said = self.said();
        let Some(chosen) =
            organization.connections.iter().find(|connection| connection.issuer.as_str() == issuer.as_str())
        else {
            trace.step("connection", provider::no_connection(organization, &said));
            return;
        };
        trace.step("connection", provider::connection(chosen, &said));
        let (alg, kid) = (Said::shown(&said.header, "alg"), Said::shown(&said.header, "kid"));
        trace.step("signature", Told::with(format!("`alg` {alg}, `kid` {kid}"), Value::Object(said.header.clone())));
        if let Some(at) = self.at {
            trace.step("clock", clock::times(chosen, &said, at));
        }
    }

    fn said(&self) -> Said {
        let text = |text: &Option<String>| text.clone().map(Value::from);
        Said {
            header: object([("alg", text(&self.algorithm)), ("kid", text(&self.key_id))]),
            claims: object([
                ("iss", text(&self.issuer)),
                ("aud", text(&self.audience)),
                ("iat", self.issued_at.map(Value::from)),
                ("exp", self.expires_at.map(Value::from)),
            ]),
        }
    }

    fn person(&self, reason: Reason) -> Option<Told> {
        let facts = json!({"subject": self.subject, "email": self.email});
        match (&self.subject, &self.email) {
            (Some(subject), Some(email)) => {
                Some(Told::with(format!("subject {}, email {}", quoted(subject), quoted(email)), facts))
            }
            (Some(subject), None) => {
                Some(Told::with(format!("subject {}; no email that is verified", quoted(subject)), facts))
            }
            (None, _) if reason > Reason::MalformedToken => Some(Told::plain(
                "not known: the token was not accepted, so that nothing it says about a person is proven",
            )),
            (None, _) => None,
        }
    }
}

/// The members that are there.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
