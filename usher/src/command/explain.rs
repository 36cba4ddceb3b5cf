//! `usher explain`: what becomes of one request, and each step that leads to it.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use usher_policy::Policy;
use usher_policy::token::Assertion;
use usher_policy::token::keys::KeySet;

use super::{Failure, bounded, read_bounded};
use crate::explain::{
    self, AssumedError, AssumedMember, Explanation, KnownKeys, MAX_LINES, Question, Verdict, explain_log_line,
};
use crate::output::print;
use crate::policy_file::PolicyFile;

/// The exit code of a denial.
const DENIED: u8 = 3;

/// The arguments of `usher explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The policy file, YAML or JSON
    #[arg(value_name = "FILE")]
    policy: PathBuf,
    /// The host of the request, as in `:authority`
    #[arg(long, value_name = "H", required_unless_present = "log_line")]
    host: Option<String>,
    /// The path of the request, with its query
    #[arg(long, value_name = "P", required_unless_present = "log_line")]
    path: Option<String>,
    /// Explain a denial from its line in the filter's log, instead of a request: the line itself, @FILE, or - for standard input;
    /// of several lines the last denial
    #[arg(long, value_name = "LINE", conflicts_with_all = ["host", "path", "token", "claims", "method", "now", "member", "full", "jwks"])]
    log_line: Option<String>,
    /// The assertion: the text itself, @FILE, or - for standard input; without it, the request has none
    #[arg(long, value_name = "T")]
    token: Option<String>,
    /// Claims instead of a token: a file with a JSON object, or - for standard input; no signature is checked then
    #[arg(long, value_name = "FILE", conflicts_with_all = ["token", "jwks"])]
    claims: Option<PathBuf>,
    /// The method
    #[arg(long, value_name = "M", default_value = "GET")]
    method: String,
    /// The clock, seconds since the Unix epoch; default: now
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,
    /// The member assumed to be in the store: any of role=ROLE, tier=TIER, status=active|pending|suspended, email=EMAIL,
    /// source=manual|jit|scim, linked=yes|no|other; or none
    #[arg(long, value_name = "role=…,tier=…", default_value = "none")]
    member: StoredMember,
    /// A seat tier assumed to be full; may be repeated
    #[arg(long, value_name = "TIER")]
    full: Vec<String>,
    /// Keys of a connection that the filter would fetch, as CONNECTION=FILE; may be repeated
    #[arg(long, value_name = "CONNECTION=FILE", value_parser = key_file)]
    jwks: Vec<(String, PathBuf)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug)]
struct StoredMember(Option<AssumedMember>);

impl FromStr for StoredMember {
    type Err = AssumedError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(Some).map(Self) }
    }
}

impl Explain {
    /// Prints the verdict and the steps; leaves with 0 for allow and 3 for deny.
    ///
    /// # Errors
    /// A file cannot be read or is wrong, or the assumed member cannot be.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        let file = PolicyFile::load(&self.policy)?;
        let explanation = match &self.log_line {
            Some(line) => {
                let lines = given("--log-line", line, MAX_LINES)?;
                explain_log_line(&file.policy, &self.policy.display().to_string(), &lines)?
            }
            None => self.walked(file)?,
        };
        let text = if self.json { json(&explanation) } else { prose(&explanation) };
        print(&text)?;
        Ok(match explanation.verdict {
            Verdict::Allow => ExitCode::SUCCESS,
            Verdict::Deny => ExitCode::from(DENIED),
        })
    }

    /// A request, walked through.
    fn walked(&self, file: PolicyFile) -> Result<Explanation, Failure> {
        let (policy, token) = self.presented(file)?;
        let mut keys = KnownKeys::default();
        for (connection, path) in &self.jwks {
            let document =
                read_bounded(path, KeySet::MAX_LEN).map_err(|source| Failure::file("--jwks", path, source))?;
            keys.add(&policy, connection, &document)?;
        }
        let question = Question {
            host: self.asked().0,
            path: self.asked().1,
            method: &self.method,
            token: token.as_deref(),
            made_of_claims: self.claims.is_some(),
            now: self.now.unwrap_or_else(unix_time),
            member: self.member.0.as_ref(),
            full: &self.full,
            keys: &keys,
        };
        Ok(explain::explain(&policy, &question)?)
    }

    /// Host and path, which are there where no line is.
    fn asked(&self) -> (&str, &str) {
        (self.host.as_deref().unwrap_or_default(), self.path.as_deref().unwrap_or_default())
    }

    /// The policy, and the token that is presented under it: as it was given, or made of claims.
    fn presented(&self, file: PolicyFile) -> Result<(Policy, Option<Vec<u8>>), Failure> {
        let Some(path) = &self.claims else {
            let token = self.token.as_deref().map(credential).transpose()?;
            return Ok((file.policy, token));
        };
        let unreadable = |source| Failure::file("--claims", path, source);
        let document = if path == Path::new("-") {
            bounded(io::stdin(), Assertion::MAX_LEN).map_err(unreadable)?
        } else {
            read_bounded(path, Assertion::MAX_LEN).map_err(unreadable)?
        };
        let claims = explain::read_claims(&document)?;
        let signed = explain::sign_claims(&file.policy, &file.to_json()?, &claims, self.asked().0, self.asked().1)?;
        Ok((signed.policy, Some(signed.token.into_bytes())))
    }
}

/// The credential that `--token` means, without the line break that files end with.
fn credential(argument: &str) -> Result<Vec<u8>, Failure> {
    // More than the longest credential is not read: it is malformed all the same.
    let mut token = given("--token", argument, Assertion::MAX_LEN + 2)?;
    token.truncate(token.trim_ascii_end().len());
    Ok(token)
}

/// What an argument means: itself, `@FILE`, or `-` for standard input.
fn given(flag: &'static str, argument: &str, limit: usize) -> Result<Vec<u8>, Failure> {
    let (path, read) = match argument.strip_prefix('@') {
        Some(path) => (Path::new(path), read_bounded(Path::new(path), limit)),
        None if argument == "-" => (Path::new("-"), bounded(io::stdin(), limit)),
        None if Path::new(argument).is_file() => return Err(Failure::FileWithoutAt { flag, path: argument.into() }),
        None => return Ok(argument.as_bytes().to_vec()),
    };
    read.map_err(|source| Failure::file(flag, path, source))
}

fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

fn key_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((connection, file)) if !connection.is_empty() && !file.is_empty() => {
            Ok((connection.to_owned(), PathBuf::from(file)))
        }
        _ => Err("must be CONNECTION=FILE".to_owned()),
    }
}

fn json(explanation: &Explanation) -> String {
    // Names and texts only: nothing in it that JSON cannot have.
    let document = serde_json::to_value(explanation).unwrap_or_default();
    format!("{document:#}\n")
}

fn prose(explanation: &Explanation) -> String {
    let mut text = match (explanation.verdict, explanation.reason) {
        (Verdict::Allow, _) => "allow\n".to_owned(),
        (Verdict::Deny, Some(reason)) => format!("deny: {reason} ({}): {}\n", reason.status(), reason.detail()),
        (Verdict::Deny, None) => "deny\n".to_owned(),
    };
    let width = explanation.steps.iter().map(|step| step.step.len()).max().unwrap_or(0);
    for (number, step) in explanation.steps.iter().enumerate() {
        text.push_str(&format!("{:>3}. {:width$}  {}\n", number + 1, step.step, step.detail));
    }
    for advice in &explanation.next {
        let about = match advice.about {
            "means" => "what it means",
            "find_out" => "to find out",
            "at_provider" => "at the provider",
            _ => "to fix it",
        };
        let text_of = match advice.text.contains('\n') {
            true => format!("\n  {}", advice.text.replace('\n', "\n  ")),
            false => format!(" {}", advice.text),
        };
        text.push_str(&format!("\n{about}:{text_of}\n"));
        for command in &advice.commands {
            text.push_str(&format!("  {command}\n"));
        }
    }
    text
}
