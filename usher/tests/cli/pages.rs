//! Every block and every command of every page: run from top to bottom by a real shell, with stand-ins for what one machine does not
//! have. What is run by tests of its own is named in `KINDS`, and a block of no kind is an error.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use usher_tests::binaries::workspace;
use usher_tests::http::Request;
use usher_tests::pages::{self, Block, Page};

use crate::running_store::{ADMIN_TOKEN, RunningStore};
use crate::support::{Folder, usher};

/// How a block begins, behind its page and info string, and what tries it.
const KINDS: [(&str, &str, &str, &str); 15] = [
    ("", "sh", "", "here; ten minutes: `tests/e2e/guide.rs`"),
    ("", "console", "", "here"),
    ("", "yaml", "version: 1", "guides.rs"),
    ("", "yaml", "scenarios:", "guides.rs"),
    ("", "json ", "{", "guides.rs"),
    ("docs/scenarios.md", "yaml", "", "scenario_docs.rs"),
    ("docs/denial-pages.md", "yaml", "denial_pages:", "guides.rs"),
    ("docs/scim.md", "yaml", "parents:", "here"),
    ("docs/guides/seeing.md", "yaml", "rule_files:", "`cargo xtask alerts`"),
    ("docs/store.md", "json", "{\"changes\": ", "here"),
    ("docs/store.md", "sql", "CREATE ROLE usher", "`tests/e2e/operations.rs`"),
    ("docs/check.md", "", "usher.yaml:", "here"),
    ("README.md", "", "            ┌", "a picture"),
    ("ARCHITECTURE.md", "", " usher.yaml ──", "a picture"),
    ("SECURITY.md", "", "client ──", "a picture"),
];

/// Begins every run of a page's lines.
const BEFORE: &str = include_str!("pages/before.sh");

/// A line that the filter wrote for a denial.
const LINE: &str = r#"{"event":"denial","verdict":"deny","reason":"no_seat_available","organization":"acme-chat","request_id":"REQUEST","shadow":false,"at":1800000000,"method":"GET","host":"chat.acme.example","path":"/","issuer":"https://acme.okta.example","subject":"00u1","email":"ada@acme.example"}"#;

/// A provider's keys (RFC 7517, A.1).
const KEYS: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}"#;

fn all() -> Vec<Page> {
    pages::all().unwrap()
}

#[test]
fn every_block_of_every_page_is_of_a_kind_that_is_tried() {
    let mut used = [0; KINDS.len()];
    for page in all() {
        let blocks = page.blocks();
        let fences = page.text.lines().filter(|line| line.trim_start().starts_with("```")).count();
        assert_eq!(fences, 2 * blocks.len(), "{}: a fence that begins no line, or is not closed", page.name);
        for Block { info, text } in blocks {
            let is_of = |(name, kind, begin, _): &(&str, &str, &str, &str)| {
                let is_kind = info == *kind || kind.ends_with(' ') && info.starts_with(kind);
                is_kind && (name.is_empty() || *name == page.name) && text.starts_with(begin)
            };
            let kind = KINDS.iter().position(is_of);
            used[kind.unwrap_or_else(|| panic!("{}: nothing tries ```{info}\n{text}", page.name))] += 1;
        }
    }
    assert!(!used.contains(&0), "{used:?}");
}

/// What a machine has on which the pages' lines are run: the files that they name.
fn machine(folder: &Folder, page: &Page) {
    let root = workspace();
    for file in ["claims.json", "bea.json"] {
        folder.file(file, r#"{"iss": "https://acme.okta.example"}"#);
    }
    folder.file("keys.json", KEYS);
    for file in ["ca.pem", "envoys-ca.pem", "envoy.pem", "envoy.key", "me.pem", "me.key", "store.pem", "store.key"] {
        folder.file(file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    }
    for (file, text) in [("envoy.log", LINE), ("access.log", "{}"), ("token.jwt", "e30.e30.AA")] {
        folder.file(file, text);
    }
    let policy = std::fs::read_to_string(root.join("envoy-config/envoy/usher.yaml")).unwrap();
    let release = format!("target/release-{}", env!("CARGO_PKG_VERSION"));
    for below in [
        "scenarios",
        ".ci",
        "usher-trial",
        &release,
        &format!("{release}/usher-image"),
        &format!("{release}/usher-wasm-image"),
    ] {
        std::fs::create_dir_all(folder.path().join(below)).unwrap();
    }
    for file in ["usher.yaml", "new.yaml", "usher-trial/usher.yaml"] {
        folder.file(file, &policy);
    }
    let readme = pages::page("README.md").unwrap();
    let blocks = readme.blocks();
    let story = blocks.iter().find(|block| block.text.starts_with("scenarios:")).unwrap();
    folder.file("scenarios/readme.yaml", story.text);
    // As a program that is there, and does nothing.
    std::fs::copy(root.join(".ci/run"), folder.path().join(".ci/run")).unwrap();
    folder.file(".ci/run", "#!/bin/sh\n");
    for image in ["usher-image", "usher-wasm-image"] {
        folder.file(&format!("{release}/{image}/index.json"), "{}");
    }
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    folder.file(&format!("{release}/usher.wasm"), "");
    folder.file(&format!("{release}/SHA256SUMS"), &format!("{empty}  usher.wasm\n"));
    // A page's paths begin where it is, or at the root.
    copy(&root.join("envoy-config"), &folder.path().join("envoy-config"));
    copy(&root.join("envoy-config/kubernetes"), &folder.path().join(&release).join("kubernetes"));
    if page.name == "envoy-config/README.md" {
        copy(&root.join("envoy-config"), folder.path());
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else {
            std::fs::copy(path, to.join(name)).unwrap();
        }
    }
}

/// Runs lines as the page's, and gives what was tried, a line each.
fn run(page: &Page, lines: &str, store: &RunningStore, only_help: bool) -> Vec<String> {
    let folder = Folder::new();
    machine(&folder, page);
    let (failed, tried) = (folder.path().join("failed"), folder.path().join("tried"));
    let output = Command::new("bash")
        .args(["-c", &format!("{BEFORE}\n{lines}\nwait")])
        .env("ROOT", workspace().canonicalize().unwrap())
        .env("HOME", folder.path())
        .env("USHER", env!("CARGO_BIN_EXE_usher"))
        .env("STORE", format!("http://{}", store.address))
        .env("ADMIN_TOKEN", ADMIN_TOKEN)
        .env("ONLY_HELP", if only_help { "help" } else { "" })
        .envs([("FAILED", &failed), ("TRIED", &tried)])
        .envs([("LINE", LINE), ("TOKEN", "e30.eyJpc3MiOiIxMiJ9.AA"), ("WASM", "usher.wasm")])
        .envs([("DATABASE", "postgres://a"), ("EMPTY_DATABASE", "postgres://b")])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("`bash` is not there: `apt install bash`");
    let failed = std::fs::read_to_string(failed).unwrap_or_default();
    assert!(
        output.status.success() && failed.is_empty(),
        "{}: {}\n{failed}\n{}\n{}",
        page.name,
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    std::fs::read_to_string(tried).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn store() -> RunningStore {
    let store = RunningStore::start(&json!({"default": "none"}));
    assert_eq!(store.usher(&["members", "add", "acme-chat", "ada@acme.example"]).code, 0);
    store
}

fn count(tried: &[String], begin: &str) -> usize {
    tried.iter().filter(|line| line.starts_with(begin)).count()
}

/// The guide of ten minutes is run as a whole, by a test of its own, but for what that one has done before.
#[test]
fn every_page_s_commands_run_from_top_to_bottom() {
    let store = store();
    let mut tried = Vec::new();
    for page in all() {
        let is_run = |block: &Block<'_>| match block.info {
            "sh" => page.name != "docs/guides/ten-minutes.md",
            info => info == "console",
        };
        let lines: String = page.blocks().into_iter().filter(is_run).map(|block| block.text).collect();
        if !lines.is_empty() {
            tried.extend(run(&page, &lines, &store, false));
        }
    }
    let counts = ["run usher", "help usher", "cargo", "field"].map(|begin| count(&tried, begin));
    assert!(counts[0] >= 60 && counts[1] >= 15 && counts[2] >= 8 && counts[3] >= 8, "{counts:?}");
}

#[test]
fn every_command_that_a_page_speaks_of_exists() {
    let store = store();
    let mut tried = Vec::new();
    for page in all() {
        let quoted = page.quoted();
        let is_command = |text: &&String| text.starts_with("usher ") || text.contains("| usher ");
        let lines: Vec<&str> = quoted.iter().filter(is_command).map(String::as_str).collect();
        if !lines.is_empty() {
            tried.extend(run(&page, &lines.join("\n"), &store, true));
        }
    }
    assert!(count(&tried, "help usher") >= 80, "{tried:#?}");
}

#[test]
fn the_directory_of_the_page_is_one_for_a_policy() {
    let page = pages::page("docs/scim.md").unwrap();
    let blocks = page.blocks();
    let block = blocks.iter().find(|block| block.text.starts_with("parents:")).unwrap();
    let (directory, other) = block.text.lines().last().unwrap().split_once("      # ").unwrap();
    let (other, _) = other.split_once(',').unwrap();
    let okta = pages::page("docs/guides/okta.md").unwrap();
    let policy = okta.blocks()[0].text.to_owned();
    let old = policy.lines().find(|line| line.starts_with("  directory:")).unwrap();
    let folder = Folder::new();
    for new in [directory.to_owned(), directory.replace('}', &format!(", {other}}}"))] {
        let checked = usher(&["check", &folder.file("usher.yaml", &policy.replace(old, &new)), "--deny-warnings"]);
        assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{new}: {checked:?}");
    }
}

#[test]
fn a_warning_looks_as_the_page_shows_it() {
    let page = pages::page("docs/check.md").unwrap();
    let (line, _) = page.blocks()[0].text.split_once('…').unwrap();
    let (_, warning) = line.split_once(": ").unwrap();
    let okta = pages::page("docs/guides/okta.md").unwrap();
    let policy = okta.blocks()[0].text.replace("{group: chat-admins, role: admin}", "{group: chat-owners, role: user}");
    let folder = Folder::new();
    let checked = usher(&["check", &folder.file("usher.yaml", &policy)]);
    let is_it = |told: &str| {
        let (place, told) = told.split_once(": ").unwrap();
        place.contains("usher.yaml:") && told.starts_with(warning)
    };
    assert!(checked.code == 0 && checked.stderr.lines().any(is_it), "{warning}: {checked:?}");
}

#[test]
fn a_change_looks_as_the_page_shows_it() {
    let page = pages::page("docs/store.md").unwrap();
    let blocks = page.blocks();
    let block = blocks.iter().find(|block| block.info == "json").unwrap();
    let shown: Value = serde_json::from_str(block.text).unwrap();
    let store = RunningStore::start(&json!({"default": "none"}));
    let told = Request::new("GET", "store", "/openapi.json").send(store.address).unwrap();
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    for (name, shown) in [("Changes", &shown), ("Change", &shown["changes"][0])] {
        let known = &told["components"]["schemas"][name]["properties"];
        let names = |fields: &Value| fields.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(shown), names(known), "{name}");
    }
}

/// What is in the Rust files of these folders of the repository, and of those below.
fn sources(folders: &[&str]) -> String {
    let mut folders: Vec<_> = folders.iter().map(|folder| workspace().join(folder)).collect();
    let mut text = String::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                // A file's name is that of its tests' module.
                text.push_str(&format!("\nmod {};\n", path.file_stem().unwrap().display()));
                text.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    text
}

/// Whether `cargo test` with these arguments runs something: the filter is in a name.
fn runs_tests(arguments: &[&str]) -> bool {
    let after = |flag: &str| arguments.iter().skip_while(|word| **word != flag).nth(1).copied();
    let folder = match (after("-p"), after("--test")) {
        (None | Some("usher"), Some("cli")) => "usher/tests/cli",
        (Some("usher"), Some("crash")) => "usher/tests/crash",
        (None, Some("e2e")) => "tests/e2e",
        (Some("usher-policy"), Some("oracle")) => "policy/tests/oracle",
        (Some("usher-store"), None) => "store",
        _ => return false,
    };
    let valued = |word: &&&str| **word == after("-p").unwrap_or("") || **word == after("--test").unwrap_or("");
    let mut filters = arguments.iter().filter(|word| !word.starts_with('-') && !valued(word));
    let Some(filter) = filters.next() else { return true };
    let sources = sources(&[folder]);
    let names = sources.lines().map(str::trim_start).filter(|line| line.starts_with("fn ") || line.starts_with("mod "));
    names.into_iter().any(|line| line.split(['(', ';', '{']).next().unwrap().contains(filter))
}

#[test]
fn every_cargo_command_of_a_page_does_something() {
    let xtask = sources(&["xtask/src", "bench/src"]);
    let mut tried = 0;
    for page in all() {
        let mut texts = page.quoted();
        let is_shell = |block: &&Block<'_>| ["sh", "console"].contains(&block.info);
        texts.extend(page.blocks().iter().filter(is_shell).flat_map(|block| block.text.lines()).map(str::to_owned));
        // In the table of claims, what follows a command with other tests.
        let commands = texts.iter().flat_map(|text| match text.strip_prefix("… ") {
            Some(filter) if page.name == "README.md" && !filter.contains(' ') => {
                vec![format!("test --test e2e {filter}")]
            }
            _ => text.split("cargo ").skip(1).map(str::to_owned).collect(),
        });
        for command in commands {
            let command = command.split(['#', '&', ';', '|', '`']).next().unwrap();
            let mut words: Vec<&str> = command.split_whitespace().collect();
            let is_xtask = words.first() == Some(&"xtask");
            words.drain(..usize::from(is_xtask));
            let does = match words.as_slice() {
                ["test", arguments @ ..] => (is_xtask && arguments.is_empty()) || runs_tests(arguments),
                ["demo", arguments @ ..] => usher(&[&["demo"], arguments, &["--help"]].concat()).code == 0,
                [verb, arguments @ ..] if is_xtask => {
                    let is_known = |word: &&str| {
                        let is_value = word.starts_with(|first: char| first.is_ascii_digit() || first.is_uppercase());
                        is_value || xtask.contains(&format!("\"{word}\""))
                    };
                    xtask.contains(&format!("(Some(\"{verb}\")")) && arguments.iter().all(is_known)
                }
                _ => continue,
            };
            assert!(does, "{}: cargo {command}", page.name);
            tried += 1;
        }
    }
    assert!(tried >= 60, "{tried}");
}

/// Flags of other programs that pages speak of.
const OF_OTHERS: [&str; 11] = [
    "--all",
    "--allowed-group",
    "--base-id",
    "--cargo-arg",
    "--cookie-refresh",
    "--drain-time-s",
    "--email-domain",
    "--iterate",
    "--pass-access-token",
    "--pass-authorization-header",
    "--set-authorization-header",
];

/// What the command says of itself and of all its subcommands.
fn help_of(command: &[&str]) -> String {
    let mut help = usher(&[command, &["--help"]].concat()).stdout;
    let commands = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
    let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names: Vec<String> = names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect();
    for name in names {
        help.push_str(&help_of(&[command, &[name.as_str()]].concat()));
    }
    help
}

#[test]
fn every_flag_that_a_page_speaks_of_exists() {
    let (help, xtask) = (help_of(&[]), sources(&["xtask/src", "bench/src"]));
    let mut known = 0;
    for page in all() {
        for text in page.quoted().iter().filter(|text| text.starts_with("--")) {
            let flag = text.split([' ', '=']).next().unwrap();
            let is_ours = help.lines().any(|line| line.split([' ', ',']).any(|word| word == flag));
            let is_known = is_ours || OF_OTHERS.contains(&flag) || xtask.contains(&format!("\"{flag}\""));
            assert!(is_known, "{}: {text}", page.name);
            known += 1;
        }
    }
    assert!(known >= 100, "{known}");
}
