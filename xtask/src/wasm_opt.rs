//! Binaryen's `wasm-opt`: what it takes away of the filter is memory that no worker needs, and calls that no request pays for.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::node::Node;
use crate::prune::prune;
use crate::{paths, shell};

/// The version of `binaryen` on npm: another one writes another file.
const VERSION: &str = "132.0.0";

/// What npm says of that package: the hash that the file must have.
const INTEGRITY: &str =
    "sha512-4Usg7yEvwO3FMso3Oov6qkOOHSod1IEv+boKkh77kTljM+eNBouqCTbqWswGzbG+vDNO/b/v2C4gfEh1WgB9Lg==";

/// What to do where it does not run.
const OTHERWISE: &str = "install Binaryen and name its `wasm-opt` in $WASM_OPT";

/// For size, until nothing is left to find. What lies below address 1024 is the far end of the stack, which is never reached:
/// a place beside a pointer may be part of the instruction that reads it, and needs no addition.
const PASSES: [&str; 3] = ["--low-memory-unused", "-Oz", "-Oz"];

/// The instructions that rustc may use for this target, and those that the filter asks for by name (SIMD), and no others: every
/// Envoy that runs the filter has them.
const FEATURES: [&str; 9] = [
    "--mvp-features",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
];

/// A module as rustc built it, pruned, made smaller and quicker, at `place`. Says whether it was: a machine that cannot fetch
/// the program is told so, and has the module that is only pruned.
pub(crate) fn smaller(built: &Path, place: &Path) -> Result<bool> {
    let half = place.with_extension("wasm.new");
    let pruned = prune(&read(built)?)?;
    // What was made of the same in the same way before need not be made again.
    let made_of = place.with_extension(format!("wasm.binaryen-{VERSION}"));
    let made = [PASSES.join(" ").as_bytes(), &pruned].concat();
    if place.is_file() && std::fs::read(&made_of).is_ok_and(|before| before == made) {
        return Ok(true);
    }
    let program = Program::ready();
    match &program {
        Ok(program) => {
            shell::progress(&format!("optimising {} with wasm-opt", built.display()));
            let input = place.with_extension("wasm.pruned");
            write(&input, &pruned)?;
            let mut command = program.command();
            command.args(PASSES).args(FEATURES).arg(&input).arg("--output").arg(&half);
            shell::run(&mut command, OTHERWISE)?;
        }
        Err(error) => {
            shell::progress(&format!("{} stays as it was built, larger than it need be: {error:#}", built.display()));
            write(&half, &pruned)?;
        }
    }
    // A module that is in use cannot be written to, but its name can be given to another file.
    std::fs::rename(&half, place).with_context(|| format!("cannot write {}", place.display()))?;
    if program.is_ok() {
        write(&made_of, &made)?;
    }
    Ok(program.is_ok())
}

fn read(from: &Path) -> Result<Vec<u8>> {
    std::fs::read(from).with_context(|| format!("cannot read {}", from.display()))
}

fn write(to: &Path, module: &[u8]) -> Result<()> {
    std::fs::write(to, module).with_context(|| format!("cannot write {}", to.display()))
}

/// What is to be run.
enum Program {
    Named(PathBuf),
    ByNode { node: Node, script: PathBuf },
}

impl Program {
    /// `$WASM_OPT`, else the package from npm.
    fn ready() -> Result<Self> {
        if let Some(named) = env::var_os("WASM_OPT").filter(|named| !named.is_empty()) {
            return Ok(Self::Named(PathBuf::from(named)));
        }
        let node = Node::ready()?;
        let place = paths::output()?.join(format!("binaryen-{VERSION}"));
        if !place.is_dir() {
            fetch(&node, &place)?;
        }
        Ok(Self::ByNode { node, script: place.join("bin").join("wasm-opt") })
    }

    fn command(&self) -> Command {
        match self {
            Self::Named(program) => Command::new(program),
            Self::ByNode { node, script } => {
                let mut command = node.command();
                command.arg(script);
                command
            }
        }
    }
}

/// Gets the package and unpacks it at `place`.
fn fetch(node: &Node, place: &Path) -> Result<()> {
    let output = paths::output()?;
    let downloads = output.join("download");
    std::fs::create_dir_all(&downloads)?;
    shell::progress(&format!("fetching wasm-opt: binaryen@{VERSION} from npm, about 20 MB"));
    let mut pack = node.npm();
    pack.args(["pack", "--json", "--silent", "--pack-destination"]).arg(&downloads).arg(format!("binaryen@{VERSION}"));
    let told = shell::capture(&mut pack, OTHERWISE).context("npm could not fetch binaryen")?;
    if !told.contains(INTEGRITY) {
        bail!("what npm calls binaryen@{VERSION} is not the package that is known by this version");
    }
    let half = output.join("binaryen.new");
    if half.exists() {
        std::fs::remove_dir_all(&half)?;
    }
    std::fs::create_dir_all(&half)?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(downloads.join(format!("binaryen-{VERSION}.tgz")));
    unpack.args(["--strip-components=1", "--directory"]).arg(&half);
    shell::run(&mut unpack, "`apt install tar gzip`")?;
    std::fs::rename(&half, place).with_context(|| format!("cannot put binaryen at {}", place.display()))
}
