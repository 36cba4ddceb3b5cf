//! The platforms that the command is shipped for: Linux, on two kinds of processors.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use elf::abi::{EM_AARCH64, EM_X86_64};

use crate::target;

/// One of them.
#[derive(Debug, PartialEq)]
pub(crate) struct Platform {
    /// The processor, as images call it.
    pub(crate) architecture: &'static str,
    /// The processor, as Rust and the names of files call it.
    pub(crate) processor: &'static str,
    /// The processor, as programs state it.
    pub(crate) machine: u16,
    /// The largest pages of memory that its Linux may have: a program must begin its parts on such boundaries.
    pub(crate) page: u64,
    /// What it is built for.
    pub(crate) target: &'static str,
    /// What Zig's compiler calls that.
    pub(crate) zig: &'static str,
    /// What runs its programs on another processor.
    emulator: &'static str,
}

/// In the order in which an image names them.
const ALL: [Platform; 2] = [
    Platform {
        architecture: "amd64",
        processor: "x86_64",
        machine: EM_X86_64,
        page: 0x1000,
        target: target::STATIC_AMD64,
        zig: "x86_64-linux-musl",
        emulator: "qemu-x86_64-static",
    },
    Platform {
        architecture: "arm64",
        processor: "aarch64",
        machine: EM_AARCH64,
        page: 0x1_0000,
        target: target::STATIC_ARM64,
        zig: "aarch64-linux-musl",
        emulator: "qemu-aarch64-static",
    },
];

impl Platform {
    /// As `--platform` and container engines name it.
    pub(crate) fn name(&self) -> String {
        format!("linux/{}", self.architecture)
    }

    /// Whether this machine runs its programs by itself.
    pub(crate) fn is_own(&self) -> bool {
        self.processor == std::env::consts::ARCH
    }

    /// What runs its programs here, where this machine cannot.
    pub(crate) fn emulator(&self) -> Result<Option<PathBuf>> {
        if self.is_own() {
            return Ok(None);
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let found =
            std::env::split_paths(&folders).map(|folder| folder.join(self.emulator)).find(|file| file.is_file());
        let (emulator, name) = (self.emulator, self.name());
        let found = found.with_context(|| {
            format!(
                "`{emulator}` is not there, with which the image for {name} is tried: `apt install qemu-user-static`"
            )
        })?;
        Ok(Some(found))
    }
}

/// This machine's, and those that arguments (`--platform linux/arm64` …) add.
pub(crate) fn chosen(arguments: &[String]) -> Result<Vec<&'static Platform>> {
    let mut added = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        ensure!(argument == "--platform", "there is no argument `{argument}`, only `--platform`");
        let name = arguments.next().context("`--platform` needs a platform, such as `linux/arm64`")?;
        let known = ALL.iter().find(|platform| platform.name() == *name);
        let Some(known) = known else {
            let names = ALL.map(|platform| format!("`{}`", platform.name()));
            bail!("usher is not shipped for `{name}`, only for {}", names.join(" and "))
        };
        added.push(known);
    }
    ensure!(
        ALL.iter().any(Platform::is_own),
        "the shipped command is built on x86_64 or aarch64, this machine is {}",
        std::env::consts::ARCH
    );
    Ok(ALL.iter().filter(|platform| platform.is_own() || added.contains(platform)).collect())
}

#[cfg(test)]
mod tests {
    use super::{ALL, chosen};

    fn names(arguments: &[&str]) -> Result<Vec<String>, String> {
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let chosen = chosen(&arguments).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(|platform| platform.name()).collect())
    }

    #[test]
    fn this_machines_platform_is_always_there_and_others_where_they_are_named() {
        let own: Vec<_> = ALL.iter().filter(|platform| platform.is_own()).map(super::Platform::name).collect();
        assert_eq!(own.len(), 1, "the tests run on a platform that usher is shipped for");
        assert_eq!(names(&[]).unwrap(), own);
        let both = ["linux/amd64", "linux/arm64"];
        for order in [["linux/arm64", "linux/amd64"], ["linux/amd64", "linux/arm64"]] {
            let [one, other] = order;
            assert_eq!(names(&["--platform", one, "--platform", other, "--platform", one]).unwrap(), both);
        }
    }

    #[test]
    fn what_is_no_platform_of_ours_is_told_with_those_that_are() {
        for (arguments, words) in [
            (&["--platform", "linux/riscv64"][..], "only for `linux/amd64` and `linux/arm64`"),
            (&["--platform"], "such as `linux/arm64`"),
            (&["--platforms", "linux/arm64"], "no argument `--platforms`"),
        ] {
            let error = names(arguments).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
