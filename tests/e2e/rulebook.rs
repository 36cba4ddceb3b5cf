//! The list of the rules with the scenarios that show them, the precedence of the reasons, and what must be refused.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;
use usher_policy::Reason;
use usher_policy_file::yaml_to_json;
use usher_scenario::policy::fill_in_keys;
use usher_tests::http::local;
use usher_tests::system::store;
use usher_tests::{binaries, scenarios};

/// The order in which reasons are answered (design §2, "Precedence"), with what stands twice in it or is no reason.
const PRECEDENCE: [&str; 31] = [
    "ambiguous_request",
    "unknown_organization",
    "bypass",
    "no_credentials",
    "malformed_token",
    "unknown_issuer",
    "unsupported_algorithm",
    "keys_unavailable",
    "unknown_key",
    "bad_signature",
    "wrong_audience",
    "expired",
    "not_yet_valid",
    "missing_claim (email)",
    "email_not_verified",
    "domain_not_verified",
    "not_assigned",
    "groups_overage",
    "missing_claim (groups)",
    "store_unavailable",
    "replayed",
    "identity_conflict",
    "member_suspended",
    "session_revoked",
    "not_a_member",
    "not_provisioned",
    "no_mapped_group",
    "no_seat_available",
    "seat_unassigned",
    "role_not_allowed",
    "seat_tier_not_allowed",
];

/// Neighbours that cannot both apply.
const NEVER_TOGETHER: [(&str, &str, &str); 4] = [
    ("store_unavailable", "replayed", "no assertion is for single use before browser login comes"),
    ("replayed", "identity_conflict", "no assertion is for single use before browser login comes"),
    ("not_a_member", "not_provisioned", "the one is said in manual and jit modes, the other in scim modes"),
    (
        "not_provisioned",
        "no_mapped_group",
        "the one is said in scim modes, the other where a login's groups are mapped: in jit modes",
    ),
];

#[test]
fn every_rule_names_its_scenarios_and_every_file_of_scenarios_its_rule() -> Result<()> {
    let rules = std::fs::read_to_string(binaries::workspace().join("docs/rules.md"))?;
    let scenarios = written()?;
    let mut unnamed: BTreeSet<&str> = scenarios.iter().map(|scenario| scenario.file.as_str()).collect();
    let (mut count, mut faults) = (0, Vec::new());
    for (number, line) in (1..).zip(rules.lines()) {
        let Some(cells) = line.strip_prefix("| ") else { continue };
        let (rule, shown_by) = cells.split_once(" | ").with_context(|| format!("line {number}: two cells"))?;
        if rule == "rule" {
            continue;
        }
        let references: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        ensure!(!references.is_empty(), "line {number} shows nothing: {rule}");
        for reference in references {
            let found = if reference.contains(".rs: ") {
                is_a_test(reference)
            } else {
                unnamed.remove(reference.split(": ").next().unwrap_or_default());
                scenarios.iter().filter(|scenario| scenario.is_meant_by(reference)).count() == 1
            };
            if !found {
                faults.push(format!("line {number}: not one scenario or test is `{reference}`"));
            }
        }
        count += 1;
    }
    ensure!(faults.is_empty(), "{}", faults.join("\n"));
    ensure!(count > 100, "{count} rules were found");
    ensure!(unnamed.is_empty(), "no rule names a scenario of {unnamed:?}");
    Ok(())
}

#[test]
fn the_order_of_the_reasons_is_that_of_the_list() -> Result<()> {
    let mut codes: Vec<&str> = PRECEDENCE.iter().map(|entry| code(entry)).filter(|code| *code != "bypass").collect();
    // It stands in the list for the email first, and again for the groups.
    let again = codes.iter().rposition(|code| *code == Reason::MissingClaim.code()).context("missing_claim")?;
    codes.remove(again);
    let listed: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    ensure!(codes == listed, "{codes:?}\n{listed:?}");
    Ok(())
}

#[test]
fn every_two_neighbours_of_the_precedence_have_a_scenario_with_both() -> Result<()> {
    let mut scenarios = written()?;
    scenarios.retain(|scenario| scenario.file == "precedence");
    for pair in PRECEDENCE.windows(2) {
        let &[first, second] = pair else { continue };
        let excuse = NEVER_TOGETHER.iter().find(|(one, other, _)| (*one, *other) == (first, second));
        let name = format!("{first} before {second}");
        let shown = scenarios.iter().any(|scenario| scenario.name == name);
        ensure!(shown != excuse.is_some(), "`{name}`: shown: {shown}, excused: {:?}", excuse.map(|(.., why)| why));
    }
    for Scenario { name, steps, .. } in &scenarios {
        let (first, second) = name.split_once(" before ").context("the name says which before which")?;
        let place = |name: &str| PRECEDENCE.iter().position(|entry| *entry == name).with_context(|| name.to_owned());
        ensure!(place(first)? < place(second)?, "{name}: it is the other way round");
        let one = steps.iter().position(|step| answers(step, code(first)));
        let other = steps.iter().rposition(|step| answers(step, code(second)));
        ensure!(one.is_some() && one < other, "{name}: first both with the one answer, then the other alone");
    }
    Ok(())
}

#[test]
fn what_must_be_refused_is_refused_by_the_store_with_every_field() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("usher.yaml");
    let mut refused = scenarios::all()?;
    refused.retain(|scenario| !scenario.refused.is_empty());
    for scenario in &refused {
        std::fs::write(&file, fill_in_keys(&scenario.policy, Some(local(9)))?.to_string())?;
        let output = Command::new(binaries::usher()?)
            .args(["store", "--database", "sqlite::memory:", "--listen", "127.0.0.1:0", "--policy"])
            .arg(&file)
            .envs([("USHER_STORE_TOKEN", store::STORE_TOKEN), ("USHER_ADMIN_TOKEN", store::ADMIN_TOKEN)])
            .output()?;
        let words = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1), "{}: {:?}: {words}", scenario.title(), output.status.code());
        for fault in &scenario.refused {
            let named = words.lines().any(|line| line.contains(&fault.field) && line.contains(&fault.says));
            ensure!(named, "{}: `{}` is not named: {words}", scenario.title(), fault.field);
        }
    }
    ensure!(refused.len() > 30, "{} policies were refused", refused.len());
    Ok(())
}

fn answers(step: &Value, code: &str) -> bool {
    match code {
        "bypass" => step.get("pass").is_some(),
        reason => step.get("deny").and_then(Value::as_str) == Some(reason),
    }
}

/// `missing_claim (email)` is a `missing_claim`.
fn code(entry: &str) -> &str {
    entry.split(' ').next().unwrap_or(entry)
}

/// Whether `path/of/a/file.rs: name` is a test.
pub(crate) fn is_a_test(reference: &str) -> bool {
    let Some((path, name)) = reference.split_once(": ") else { return false };
    let source = std::fs::read_to_string(binaries::workspace().join(path)).unwrap_or_default();
    source.contains(&format!("fn {name}("))
}

/// A scenario as the file writes it.
struct Scenario {
    /// The file, without its ending.
    file: String,
    name: String,
    steps: Vec<Value>,
}

impl Scenario {
    /// `file: name`, where `…` may stand for the rest of the name.
    fn is_meant_by(&self, reference: &str) -> bool {
        let title = format!("{}: {}", self.file, self.name);
        match reference.strip_suffix('…') {
            Some(beginning) => title.starts_with(beginning),
            None => title == reference,
        }
    }
}

fn written() -> Result<Vec<Scenario>> {
    let mut scenarios = Vec::new();
    for entry in Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").read_dir()? {
        let path = entry?.path();
        let text = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let file = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let document =
            yaml_to_json(&std::fs::read_to_string(&path)?).map_err(|faults| anyhow!("{file}: {faults:?}"))?;
        for scenario in document.get("scenarios").and_then(Value::as_array).into_iter().flatten() {
            let name = text(scenario, "name").with_context(|| format!("{file}: a scenario without a name"))?;
            let steps = scenario.get("steps").and_then(Value::as_array).cloned().unwrap_or_default();
            scenarios.push(Scenario { file: file.clone(), name, steps });
        }
    }
    Ok(scenarios)
}
