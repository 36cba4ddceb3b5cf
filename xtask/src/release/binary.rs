//! The static `usher`: one file that runs on any Linux of its processor, and in an image that holds nothing else.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use elf::ElfBytes;
use elf::abi::{DT_NEEDED, PT_INTERP, PT_LOAD};
use elf::endian::AnyEndian;

use super::compiler::Variables;
use super::platform::Platform;
use crate::{paths, shell, target};

const INSTALL_RUST: &str = "install Rust with rustup";

/// Builds it for a platform, and makes sure that it is static.
pub(crate) fn build(platform: &Platform, compiler: Variables) -> Result<PathBuf> {
    target::add(platform.target)
        .with_context(|| format!("the static binary needs the Rust target {}", platform.target))?;
    shell::progress(&format!("building the static command for {}; the first time takes minutes", platform.name()));
    let hidden = hidden_folders()?;
    // Where it was built is nobody's business, and must not make it another file.
    let flags: Vec<_> = hidden.iter().map(|(path, name)| format!("--remap-path-prefix={path}={name}")).collect();
    let mut cargo = shell::cargo()?;
    cargo.args(["build", "--release", "--locked", "--package", "usher", "--target", platform.target]).envs(compiler);
    // What C calls the time at which it is compiled (mimalloc writes it into itself) is one for every build.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env("SOURCE_DATE_EPOCH", "0");
    shell::run(&mut cargo, INSTALL_RUST)?;
    let built = paths::cargo_target()?.join(platform.target).join("release").join("usher");
    let bytes = std::fs::read(&built).with_context(|| format!("cannot read {}", built.display()))?;
    fits(&bytes, platform).with_context(|| built.display().to_string())?;
    for (path, _) in hidden {
        ensure!(!contains(&bytes, path.as_bytes()), "{} names {path}, a folder of this machine", built.display());
    }
    shell::progress(&format!("the command for {} is static: {} bytes", platform.name(), bytes.len()));
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

/// Whether a program is for this processor, can be loaded by every Linux of it, and asks for no loader and no library.
fn fits(program: &[u8], platform: &Platform) -> Result<()> {
    let elf = ElfBytes::<AnyEndian>::minimal_parse(program).context("not a program")?;
    ensure!(elf.ehdr.e_machine == platform.machine, "for another processor than {}", platform.processor);
    let segments = elf.segments().context("a program without segments")?;
    ensure!(segments.iter().all(|segment| segment.p_type != PT_INTERP), "not static: it asks for a loader");
    let loaded = segments.iter().filter(|segment| segment.p_type == PT_LOAD);
    let (page, smallest) = (platform.page, loaded.map(|segment| segment.p_align).min());
    ensure!(smallest >= Some(page), "not for pages of {page} bytes, only {smallest:?}");
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
    use elf::abi::{EM_AARCH64, EM_X86_64, PT_INTERP, PT_LOAD};

    use super::{contains, fits};
    use crate::release::platform::{Platform, chosen};

    fn arm64() -> &'static Platform {
        let arguments = ["--platform", "linux/arm64"].map(str::to_owned);
        chosen(&arguments).unwrap().into_iter().find(|platform| platform.architecture == "arm64").unwrap()
    }

    /// The head of a program (ELF64, little-endian) with one segment.
    fn program(machine: u16, kind: u32, align: u64) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        for half in [2, machine] {
            bytes.extend(half.to_le_bytes());
        }
        bytes.extend(1_u32.to_le_bytes());
        // It begins anywhere, has its segments after the head, and no sections.
        for word in [0, 64, 0_u64] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(0_u32.to_le_bytes());
        for half in [64, 56, 1, 64, 0, 0_u16] {
            bytes.extend(half.to_le_bytes());
        }
        for half in [kind, 5] {
            bytes.extend(half.to_le_bytes());
        }
        for word in [0, 0, 0, 120, 120, align] {
            bytes.extend(word.to_le_bytes());
        }
        bytes
    }

    #[test]
    fn a_program_is_for_its_processor_asks_for_nothing_and_may_be_loaded_on_its_pages() {
        let told = |program: &[u8]| fits(program, arm64()).map_err(|error| error.to_string());
        told(&program(EM_AARCH64, PT_LOAD, 0x1_0000)).unwrap();
        for (bad, words) in [
            (program(EM_X86_64, PT_LOAD, 0x1_0000), "for another processor than aarch64"),
            (program(EM_AARCH64, PT_INTERP, 0x1_0000), "asks for a loader"),
            (program(EM_AARCH64, PT_LOAD, 0x1000), "not for pages of 65536 bytes"),
            (b"no program".to_vec(), "not a program"),
        ] {
            let error = told(&bad).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_program_that_needs_a_loader_is_not_static() {
        let this = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let own = chosen(&[]).unwrap();
        assert!(fits(&this, own.first().unwrap()).unwrap_err().to_string().contains("asks for a loader"));
    }

    #[test]
    fn a_path_is_found_wherever_it_is() {
        assert!(contains(b"abc/root/.cargo/x", b"/root/.cargo") && !contains(b"/cargo/x", b"/root/.cargo"));
    }
}
