//! `usher explain`: what becomes of one request, and each step that leads to it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use usher_policy::token::Assertion;
use usher_policy::token::keys::KeySet;

use super::Failure;
use crate::explain::{self, AssumedMember, AssumedMemberError, Explanation, KnownKeys, Question, Verdict};
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
    /// The host that is asked for, as in `:authority`
    #[arg(long, value_name = "H")]
    host: String,
    /// The path that is asked for, with its query
    #[arg(long, value_name = "P")]
    path: String,
    /// The assertion: itself, @FILE, or - for standard input; without it the request has none
    #[arg(long, value_name = "T")]
    token: Option<String>,
    /// The method
    #[arg(long, value_name = "M", default_value = "GET")]
    method: String,
    /// The clock, seconds since the Unix epoch; default: now
    #[arg(long, value_name = "UNIX")]
    now: Option<u64>,
    /// The member that the store is assumed to have: role=…,tier=…,status=…; or none
    #[arg(long, value_name = "role=…,tier=…", default_value = "none")]
    member: StoredMember,
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
    type Err = AssumedMemberError;

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
        let PolicyFile { policy, .. } = PolicyFile::load(&self.policy)?;
        let token = self.token.as_deref().map(credential).transpose()?;
        let mut keys = KnownKeys::default();
        for (connection, path) in &self.jwks {
            let document =
                read_bounded(path, KeySet::MAX_LEN).map_err(|source| Failure::file("--jwks", path, source))?;
            keys.add(&policy, connection, &document)?;
        }
        let question = Question {
            host: &self.host,
            path: &self.path,
            method: &self.method,
            token: token.as_deref(),
            now: self.now.unwrap_or_else(unix_time),
            member: self.member.0.as_ref(),
            keys: &keys,
        };
        let explanation = explain::explain(&policy, &question)?;
        let text = if self.json { json(&explanation) } else { prose(&explanation) };
        print(&text)?;
        Ok(match explanation.verdict {
            Verdict::Allow => ExitCode::SUCCESS,
            Verdict::Deny => ExitCode::from(DENIED),
        })
    }
}

/// The credential that `--token` means, without the line break that files end with.
fn credential(argument: &str) -> Result<Vec<u8>, Failure> {
    // More than the longest credential is not read: it is malformed all the same.
    let limit = Assertion::MAX_LEN + 2;
    let mut token = match argument.strip_prefix('@') {
        Some(path) => {
            let path = Path::new(path);
            read_bounded(path, limit).map_err(|source| Failure::file("--token", path, source))?
        }
        None if argument == "-" => {
            let mut token = Vec::new();
            let limit = u64::try_from(limit).unwrap_or(u64::MAX);
            io::stdin()
                .take(limit)
                .read_to_end(&mut token)
                .map_err(|source| Failure::file("--token", Path::new("-"), source))?;
            token
        }
        None => argument.as_bytes().to_vec(),
    };
    token.truncate(token.trim_ascii_end().len());
    Ok(token)
}

fn read_bounded(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut content)?;
    Ok(content)
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
    text
}
