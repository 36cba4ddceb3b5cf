//! The guide of ten minutes, run from top to bottom as a newcomer would, on ports of our own.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use usher_tests::{binaries, pages, port};

/// Begins what is expected in the output of the line before it.
const EXPECTED: &str = "# → ";

/// What is run before the guide's own lines: whatever it leaves running ends with it.
const BEFORE: &str = "set -uo pipefail\nset -m\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n\
    expect() { case \"$2\" in *\"$1\"*) echo \"saw: $1\" ;; *) echo \"expected: $1\"; echo \"saw: $2\"; exit 9 ;; esac; }\n";

/// What the guide's lines run besides usher and Envoy, and where it comes from.
const PROGRAMS: [(&str, &str); 6] = [
    ("basenc", "coreutils"),
    ("bash", "bash"),
    ("curl", "curl"),
    ("openssl", "openssl"),
    ("python3", "python3"),
    ("timeout", "coreutils"),
];

#[test]
fn ten_minutes_from_nothing_to_the_first_member_and_from_a_denial_to_its_cause() -> Result<()> {
    for (program, package) in PROGRAMS {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
        ensure!(found, "`{program}` is not there: `apt install {package}`");
    }
    let page = pages::page("docs/guides/ten-minutes.md")?;
    let blocks = page.blocks().into_iter().filter(|block| block.info == "sh");
    let (mut script, mut expected) = (BEFORE.to_owned(), 0);
    for line in blocks.flat_map(|block| block.text.lines()) {
        match line.split_once(EXPECTED) {
            Some((command, text)) => {
                expected += 1;
                script.push_str(&format!(
                    "out=$( {{ {}; }} 2>&1 ); expect '{}' \"$out\"\n",
                    command.trim(),
                    text.trim()
                ));
            }
            None => script.push_str(&format!("{line}\n")),
        }
    }
    ensure!(expected >= 9, "the guide says what is seen only {expected} times");
    for fixed in ["10000", "9901", "7070", "8080"] {
        ensure!(script.contains(fixed), "{fixed} is no port of the guide");
        script = script.replace(&format!("127.0.0.1:{fixed}"), &format!("127.0.0.1:{}", port::free()?));
    }
    let product = script.split("--upstream 127.0.0.1:").nth(1).and_then(|rest| rest.split(' ').next());
    let product = product.context("the guide has an upstream")?.to_owned();
    script = script.replace("http.server 8080", &format!("http.server {product}"));
    script = script
        .replace("--database sqlite://usher.db", &format!("--listen {} --database sqlite://usher.db", store(&script)?));

    let folder = tempfile::tempdir()?;
    let programs = tempfile::tempdir()?;
    std::os::unix::fs::symlink(binaries::usher()?.canonicalize()?, programs.path().join("usher"))?;
    std::os::unix::fs::symlink(binaries::envoy()?.canonicalize()?, programs.path().join("envoy"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "120", "bash", "-c", &script])
        .env("PATH", format!("{}:{path}", programs.path().display()))
        .env("WASM", binaries::filter()?.canonicalize()?)
        .env_remove("USHER_STORE_URL")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .process_group(0)
        .output()?;
    let log = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
    ensure!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).matches("saw: ").count() == expected,
        "{}\n{}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
        log("store.log"),
        log("envoy.log")
    );
    Ok(())
}

/// Where the guide's store is to listen.
fn store(script: &str) -> Result<String> {
    let rest = script.split("--store ").nth(1).and_then(|rest| rest.split(' ').next());
    Ok(rest.context("the guide has a store")?.to_owned())
}
