//! The lines by which a store is backed up, restored and given another token, run as the guide and the store's page have them.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use usher_scenario::policy::fill_in_keys;
use usher_tests::http::local;
use usher_tests::{binaries, policy, port};

/// What the lines run besides usher, and where it comes from.
const PROGRAMS: [(&str, &str); 4] =
    [("bash", "bash"), ("curl", "curl"), ("openssl", "openssl"), ("sqlite3", "sqlite3")];

/// Starts and stops the store, asks it as the filter does, and wants what it says.
const BEFORE: &str = r#"set -euo pipefail
trap 'kill "$STORE" 2>/dev/null || true' EXIT
start() {
  usher store --policy usher.yaml --database sqlite://usher.db --listen "$LISTEN" >>store.log 2>&1 &
  STORE=$!
  for _ in $(seq 400); do curl -sf "http://$LISTEN/readyz" >/dev/null && return 0; sleep 0.05; done
  return 8
}
stop() { kill "$STORE"; wait "$STORE" || true; }
status() { curl -s -o /dev/null -w '%{http_code}' -H "authorization: Bearer $1" "http://$LISTEN/v1/changes?wait=0s"; }
want() { if [ "$1" != "$2" ]; then echo "wanted $1, saw $2: $3"; exit 9; fi; echo "saw: $3"; }
members() { usher members list acme-chat | grep -c "$1@acme.example" || true; }
"#;

#[test]
fn a_backup_is_restored_and_a_token_rotated_by_the_lines_of_the_guide() -> Result<()> {
    for (program, package) in PROGRAMS {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
        ensure!(found, "`{program}` is not there: `apt install {package}`");
    }
    let backup = line("guides/operations.md", "VACUUM INTO")?;
    let restore = line("store.md", "mv backup.db usher.db")?;
    let rotate = line("guides/operations.md", "export USHER_STORE_TOKEN_PREVIOUS=")?;
    let mut script = BEFORE.to_owned();
    write!(
        script,
        r#"start
usher members add acme-chat ada@acme.example
{backup}
want 600 "$(stat -c %a backup.db)" "a backup is as private as the database"
usher members add acme-chat bob@acme.example
usher members remove acme-chat ada@acme.example
stop
{restore}
start
want 1 "$(members ada)" "who was there is there again"
want 0 "$(members bob)" "who came later is not"
usher members add acme-chat bob@acme.example
want 1 "$(members bob)" "and the store goes on"
OLD="$USHER_STORE_TOKEN"
want 200 "$(status "$OLD")" "the token opens"
{rotate}
want 401 "$(status "$USHER_STORE_TOKEN")" "the new one is not known yet"
stop; start
want 200 "$(status "$OLD")" "while it is rotated the old one opens"
want 200 "$(status "$USHER_STORE_TOKEN")" "and the new one"
unset USHER_STORE_TOKEN_PREVIOUS
stop; start
want 401 "$(status "$OLD")" "then the old one opens nothing"
want 200 "$(status "$USHER_STORE_TOKEN")" "and the new one goes on"
"#
    )?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("usher.yaml"), fill_in_keys(&policy::base("claude")?, None)?.to_string())?;
    let programs = tempfile::tempdir()?;
    std::os::unix::fs::symlink(binaries::usher()?.canonicalize()?, programs.path().join("usher"))?;
    let listen = local(port::free()?).to_string();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "180", "bash", "-c", &script])
        .env("PATH", format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap_or_default()))
        .env("USHER_STORE_TOKEN", "the-filters-first-token")
        .env("USHER_ADMIN_TOKEN", "an-operators-only-token")
        .env("USHER_STORE_URL", format!("http://{listen}"))
        .env("LISTEN", &listen)
        .env_remove("USHER_STORE_TOKEN_PREVIOUS")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .process_group(0)
        .output()?;
    let (told, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let log = std::fs::read_to_string(folder.path().join("store.log")).unwrap_or_default();
    ensure!(output.status.success() && told.matches("saw: ").count() == 10, "{told}\n{complained}\n{log}");
    Ok(())
}

/// The one line of a page's commands that has these words.
fn line(page: &str, words: &str) -> Result<String> {
    let text = std::fs::read_to_string(binaries::workspace().join("docs").join(page))?;
    let blocks = text.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let mut lines = blocks.flat_map(str::lines).filter(|line| line.contains(words));
    let line = lines.next().with_context(|| format!("{page} says how: `{words}`"))?;
    ensure!(lines.next().is_none(), "{page} says it twice: `{words}`");
    Ok(line.to_owned())
}
