//! The static `usher`: one file that runs on any Linux of its processor, and in an image that holds nothing else.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use elf::ElfBytes;
use elf::abi::{DT_NEEDED, PT_INTERP};
use elf::endian::AnyEndian;

use crate::{paths, shell, target};

/// The C compiler for SQLite and ring.
const COMPILER: &str = "musl-gcc";
/// What names another.
const COMPILER_ENV: &str = "CC_x86_64_unknown_linux_musl";
const INSTALL_RUST: &str = "install Rust with rustup";

/// Builds it and makes sure that it is static.
pub(crate) fn build() -> Result<PathBuf> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("the shipped binary is built on x86_64, this machine is {}", std::env::consts::ARCH);
    }
    if std::env::var_os(COMPILER_ENV).is_none() && Command::new(COMPILER).arg("--version").output().is_err() {
        bail!("`{COMPILER}` is not there, which the C of SQLite and ring needs: `apt install musl-tools`");
    }
    target::add(target::STATIC)
        .with_context(|| format!("the static binary needs the Rust target {}", target::STATIC))?;
    shell::progress("building the static command; the first time takes minutes");
    let hidden = hidden_folders()?;
    // Where it was built is nobody's business, and must not make it another file.
    let flags: Vec<_> = hidden.iter().map(|(path, name)| format!("--remap-path-prefix={path}={name}")).collect();
    let mut cargo = shell::cargo()?;
    cargo.args(["build", "--release", "--locked", "--package", "usher", "--target", target::STATIC]);
    shell::run(cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")), INSTALL_RUST)?;
    let built = paths::cargo_target()?.join(target::STATIC).join("release").join("usher");
    let bytes = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    is_static(&bytes).with_context(|| built.display().to_string())?;
    for (path, _) in hidden {
        ensure!(!contains(&bytes, path.as_bytes()), "{} names {path}, a folder of this machine", built.display());
    }
    shell::progress(&format!("the command is static: {} bytes", bytes.len()));
    Ok(built)
}

/// Folders of this machine whose names would be built in, and what stands for them.
fn hidden_folders() -> Result<[(String, &'static str); 2]> {
    let home = std::env::var("CARGO_HOME").or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut rustc = Command::new(rustc);
    let sysroot = shell::capture(rustc.args(["--print", "sysroot"]).current_dir(paths::root()?), INSTALL_RUST)?;
    Ok([(home.context("neither CARGO_HOME nor HOME is set")?, "/cargo"), (sysroot.trim().to_owned(), "/rust")])
}

/// Whether a program asks for no loader and no library.
fn is_static(program: &[u8]) -> Result<()> {
    let elf = ElfBytes::<AnyEndian>::minimal_parse(program).context("not a program")?;
    let segments = elf.segments().context("a program without segments")?;
    ensure!(segments.iter().all(|segment| segment.p_type != PT_INTERP), "not static: it asks for a loader");
    if let Some(dynamic) = elf.dynamic()? {
        ensure!(dynamic.iter().all(|entry| entry.d_tag != DT_NEEDED), "not static: it asks for libraries");
    }
    Ok(())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::{contains, is_static};

    #[test]
    fn a_program_that_needs_a_loader_is_not_static() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert!(is_static(&this).unwrap_err().to_string().contains("asks for a loader"));
        assert!(is_static(b"no program").is_err());
    }

    #[test]
    fn a_path_is_found_wherever_it_is() {
        assert!(contains(b"abc/root/.cargo/x", b"/root/.cargo") && !contains(b"/cargo/x", b"/root/.cargo"));
    }
}
