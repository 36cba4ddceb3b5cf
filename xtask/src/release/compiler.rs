//! What compiles the C of SQLite, ring and mimalloc with musl: `musl-gcc` for this machine's processor, Zig's compiler for another.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::platform::Platform;
use crate::paths;
use crate::wheel::Wheel;

/// For this machine's processor.
const COMPILER: &str = "musl-gcc";

/// For others: it has the headers of musl for each.
const ZIG: Wheel = Wheel {
    what: "Zig's C compiler",
    package: "ziglang",
    version: "0.16.0",
    size: "98 MB",
    path: "ziglang",
    otherwise: "or name another compiler, see docs/guides/shipping.md",
};

/// Rust's own, which links for every processor.
const LINKER: &str = "rust-lld";

/// Compiles, without what only a debugger reads, which names folders. Packages also say the target as Rust calls it, which Zig does not know.
const CC: &str = r#"#!/bin/sh
for argument do
  shift
  case $argument in --target=*) ;; *) set -- "$@" "$argument" ;; esac
done
exec "${0%/*}/zig" cc -target TARGET -g0 "$@"
"#;

/// Packs what it compiled.
const AR: &str = r#"#!/bin/sh
exec "${0%/*}/zig" ar "$@"
"#;

/// Variables of the environment.
pub(crate) type Variables = Vec<(String, PathBuf)>;

/// What cargo is told of compiler and linker; whatever is missing is fetched, or told with what to install.
pub(crate) fn ready(platform: &Platform) -> Result<Variables> {
    let underscored = platform.target.replace('-', "_");
    let compiler = format!("CC_{underscored}");
    let is_named = std::env::var_os(&compiler).is_some();
    if platform.is_own() {
        if !is_named && Command::new(COMPILER).arg("--version").output().is_err() {
            bail!("`{COMPILER}` is not there, which the C of SQLite and ring needs: `apt install musl-tools`");
        }
        return Ok(Variables::new());
    }
    let mut variables = Variables::new();
    let linker = format!("CARGO_TARGET_{}_LINKER", underscored.to_uppercase());
    if std::env::var_os(&linker).is_none() {
        variables.push((linker, LINKER.into()));
    }
    if !is_named {
        let folder = paths::output()?.join("zig");
        if !folder.join("zig").is_file() {
            let wanted = || {
                format!(
                    "the C of SQLite and ring needs a compiler for {}, or its path in `{compiler}`",
                    platform.name()
                )
            };
            ZIG.fetch(&folder).with_context(wanted)?;
        }
        variables.push((compiler, script(&folder, platform, "cc", CC)?));
        let archiver = format!("AR_{underscored}");
        if std::env::var_os(&archiver).is_none() {
            variables.push((archiver, script(&folder, platform, "ar", AR)?));
        }
        variables.push(("ZIG_GLOBAL_CACHE_DIR".to_owned(), folder.join("cache")));
    }
    Ok(variables)
}

/// One of Zig's tools as a program of its own: what calls compilers takes one path, without arguments, and knows it by its name.
fn script(folder: &Path, platform: &Platform, tool: &str, text: &str) -> Result<PathBuf> {
    let place = folder.join(format!("zig-{}-{tool}", platform.zig));
    let text = text.replace("TARGET", platform.zig);
    std::fs::write(&place, text).with_context(|| format!("cannot write {}", place.display()))?;
    std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o755))?;
    Ok(place)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::{AR, CC, script};
    use crate::release::platform::chosen;

    /// What the script calls in the place of Zig tells its arguments.
    #[test]
    fn the_compiler_is_told_the_target_as_zig_calls_it_and_everything_else_as_it_came() {
        let folder = tempfile::tempdir().unwrap();
        symlink("/bin/echo", folder.path().join("zig")).unwrap();
        let platforms = chosen(&["--platform", "linux/amd64", "--platform", "linux/arm64"].map(str::to_owned)).unwrap();
        let arm64 = platforms.last().unwrap();
        for (tool, text, expected) in [
            ("cc", CC, "cc -target aarch64-linux-musl -g0 -O3 -DNAME=a  b a.c"),
            ("ar", AR, "ar -O3 --target=aarch64-unknown-linux-musl -DNAME=a  b a.c"),
        ] {
            let place = script(folder.path(), arm64, tool, text).unwrap();
            let mut run = Command::new("sh");
            run.arg(place).args(["-O3", "--target=aarch64-unknown-linux-musl", "-DNAME=a  b", "a.c"]);
            assert_eq!(String::from_utf8_lossy(&run.output().unwrap().stdout).trim_end(), expected);
        }
    }
}
