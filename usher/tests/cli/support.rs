//! Running the command, and what came of it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The command, with nothing of the machine's environment that it would read.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usher"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["URL", "CA", "CERT", "KEY", "TOKEN"].map(|end| format!("USHER_STORE_{end}")) {
        command.env_remove(variable);
    }
    for variable in ["USHER_ADMIN_TOKEN", "USHER_LOG", "OTEL_EXPORTER_OTLP_ENDPOINT", "ENVOY"] {
        command.env_remove(variable);
    }
    for variable in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_lowercase());
    }
    command
}

/// Runs the command.
pub(crate) fn usher(arguments: &[&str]) -> Outcome {
    outcome(&mut command(arguments))
}

/// Runs the command with this on its standard input.
pub(crate) fn usher_with_input(arguments: &[&str], input: &str) -> Outcome {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    read(child.wait_with_output().unwrap())
}

/// Runs a command that was made ready.
pub(crate) fn outcome(command: &mut Command) -> Outcome {
    read(command.output().unwrap())
}

fn read(output: std::process::Output) -> Outcome {
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with files in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file and answers its path.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path: PathBuf = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A policy of one organization, with fields put in place of the usual ones.
pub(crate) fn policy(jwks: &Value, organization: &Value) -> Value {
    let mut merged = serde_json::json!({
        "id": "acme-chat", "product": "claude", "hosts": ["chat.acme.example"], "primary_owner": "owner@acme.example",
    });
    for (name, value) in organization.as_object().unwrap() {
        merged[name] = value.clone();
    }
    serde_json::json!({
        "version": 1,
        "parents": [{
            "id": "acme",
            "plan": "enterprise",
            "domains": ["acme.example"],
            "connections": [{"id": "okta", "issuer": "https://acme.okta.example", "audiences": ["usher"], "jwks": jwks}],
            "directory": {"scim": true, "token_env": "ACME_SCIM_TOKEN"},
            "organizations": [merged],
        }],
    })
}
