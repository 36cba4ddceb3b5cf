//! `usher render`: a gateway's configuration on stdout, from the policy file.

mod envoy;
mod in_cluster;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Failure, read_bounded};
use crate::output::tell;

/// The longest bundle of certificate authorities that is written into a configuration, in bytes.
const MAX_BUNDLE: usize = 512 * 1024;

/// The arguments of `usher render`.
#[derive(Debug, Args)]
pub(crate) struct Render {
    #[command(subcommand)]
    gateway: Gateway,
}

#[derive(Debug, Subcommand)]
enum Gateway {
    /// A whole Envoy bootstrap: listener, filter, clusters with verified TLS to key servers
    Envoy(envoy::Envoy),
    /// Everything for a Gateway of Envoy Gateway: the extension, its traffic policy, its proxy, and patches
    EnvoyGateway(in_cluster::EnvoyGateway),
    /// Everything for an Istio gateway: the plugin, a filter for what it has no field for, key servers and store
    Istio(in_cluster::Istio),
}

impl Render {
    /// Prints the configuration; warnings go to stderr.
    ///
    /// # Errors
    /// The policy file or another file that is needed is missing or wrong.
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match &self.gateway {
            Gateway::Envoy(envoy) => envoy.run()?,
            Gateway::EnvoyGateway(gateway) => gateway.run()?,
            Gateway::Istio(istio) => istio.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// So many warnings are shown one by one.
const SHOWN: usize = 20;

fn warn(warnings: &[String]) {
    shown(warnings).iter().for_each(|line| tell(line));
}

/// The lines that warn. A policy of thousands of connections can have as many of one kind.
fn shown(warnings: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = warnings.iter().take(SHOWN).map(|warning| format!("warning: {warning}")).collect();
    match warnings.len().saturating_sub(SHOWN) {
        0 => {}
        more => lines.push(format!("warning: and {more} more of them")),
    }
    lines
}

/// A bundle of certificate authorities that a flag names.
fn bundle(flag: &'static str, path: &Path) -> Result<String, Failure> {
    let text = text(flag, path, MAX_BUNDLE)?;
    if text.contains("-----BEGIN CERTIFICATE-----") {
        Ok(text)
    } else {
        Err(Failure::NoBundle { flag, path: path.to_owned() })
    }
}

/// The text of a file that a flag names, at most so many bytes long.
fn text(flag: &'static str, path: &Path, limit: usize) -> Result<String, Failure> {
    let read = read_bounded(path, limit).and_then(|bytes| match bytes.len() {
        length if length > limit => Err(io::Error::other(format!("longer than {limit} bytes"))),
        _ => String::from_utf8(bytes).map_err(io::Error::other),
    });
    read.map_err(|source| Failure::file(flag, path, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_warnings_are_shown_and_the_others_counted() {
        let of = |count: usize| shown(&(0..count).map(|number| number.to_string()).collect::<Vec<_>>());
        assert_eq!(of(0), [""; 0]);
        assert_eq!(of(SHOWN).last().map(String::as_str), Some("warning: 19"));
        let many = of(SHOWN + 7);
        assert_eq!(many.len(), SHOWN + 1);
        assert_eq!(many.last().map(String::as_str), Some("warning: and 7 more of them"));
    }
}
