//! The lines by which a store is backed up, restored and given another token, and by which a database of PostgreSQL is made, run as the
//! guide and the store's page have them.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use usher_scenario::policy::fill_in_keys;
use usher_tests::http::local;
use usher_tests::{binaries, pages, policy, port};

use crate::server;

/// What the lines run besides usher, and where it comes from.
const PROGRAMS: [(&str, &str); 4] =
    [("bash", "bash"), ("curl", "curl"), ("openssl", "openssl"), ("sqlite3", "sqlite3")];

/// Starts and stops the store, asks it as the filter does, and wants what it says.
const BEFORE: &str = r#"set -euo pipefail
trap 'kill "$STORE" 2>/dev/null || true' EXIT
start() {
  usher store --policy usher.yaml --database "$DATABASE" --listen "$LISTEN" >>store.log 2>&1 &
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
    let (guide, manual) = (pages::page("docs/guides/operations.md")?, pages::page("docs/store.md")?);
    let backup = guide.command("VACUUM INTO")?;
    let restore = manual.command("mv backup.db usher.db")?;
    let rotate = guide.command("export USHER_STORE_TOKEN_PREVIOUS=")?;
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
    run(&script, 10, &[("DATABASE", "sqlite://usher.db")])
}

#[test]
fn a_database_of_postgresql_is_made_backed_up_and_restored_by_the_lines_of_the_page() -> Result<()> {
    let manual = pages::page("docs/store.md")?;
    let (dump, restore) = (manual.command("pg_dump ")?, manual.command("pg_restore ")?);
    let blocks = manual.blocks();
    let made = blocks.iter().find(|block| block.info == "sql").context("the page says how a database is made")?;
    let postgres = server::made();
    // The server of the tests has a role of the page's name already.
    let made = made.text.replace("usher", "page");
    let (role, database) = made.split_once('\n').context("a role and a database")?;
    for statement in [role, database, &database.replace("DATABASE page", "DATABASE empty")] {
        postgres.sql("postgres", statement.trim());
    }
    let [database, empty] = ["page", "empty"].map(|name| postgres.address(name).replace("//usher@", "//page@"));
    let script = format!(
        r#"{BEFORE}start
usher members add acme-chat ada@acme.example
{dump}
usher members add acme-chat bob@acme.example
stop
EMPTY_DATABASE="$EMPTY"
{restore}
DATABASE="$EMPTY"
start
want 1 "$(members ada)" "who was there is there again"
want 0 "$(members bob)" "who came later is not"
usher members add acme-chat bob@acme.example
want 1 "$(members bob)" "and the store goes on"
"#
    );
    run(&script, 3, &[("DATABASE", &database), ("EMPTY", &empty)])
}

/// Runs a script in a folder with the policy, and wants so many things seen.
fn run(script: &str, seen: usize, environment: &[(&str, &str)]) -> Result<()> {
    for (program, package) in PROGRAMS {
        let found = std::env::var_os("PATH")
            .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
        ensure!(found, "`{program}` is not there: `apt install {package}`");
    }
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("usher.yaml"), fill_in_keys(&policy::base("claude")?, None)?.to_string())?;
    let programs = tempfile::tempdir()?;
    std::os::unix::fs::symlink(binaries::usher()?.canonicalize()?, programs.path().join("usher"))?;
    let path = std::env::var("PATH").unwrap_or_default();
    let listen = local(port::free()?).to_string();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "180", "bash", "-c", script])
        .env("PATH", format!("{}:{}:{path}", programs.path().display(), server::programs().display()))
        .envs(environment.iter().copied())
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
    ensure!(output.status.success() && told.matches("saw: ").count() == seen, "{told}\n{complained}\n{log}");
    Ok(())
}
