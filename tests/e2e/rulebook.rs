//! The list of the rules with the scenarios that show them, and the precedence of the reasons, pair by pair.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use usher_policy::Reason;
use usher_scenario::Scenario;
use usher_scenario::step::{Action, Outcome, Step};
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
    let scenarios = scenarios::all()?;
    let mut unnamed: BTreeSet<String> = scenarios.iter().map(stem).collect();
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
                is_a_test(reference)?
            } else {
                unnamed.remove(reference.split(": ").next().unwrap_or_default());
                named(&scenarios, reference) == 1
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
fn the_order_of_the_reasons_is_that_of_the_list() {
    let mut codes: Vec<&str> = PRECEDENCE.iter().map(|entry| code(entry)).filter(|code| *code != "bypass").collect();
    // It stands in the list for the email first, and again for the groups.
    let again = codes.iter().rposition(|code| *code == Reason::MissingClaim.code()).unwrap();
    codes.remove(again);
    assert_eq!(codes, Reason::ALL.iter().map(|reason| reason.code()).collect::<Vec<_>>());
}

#[test]
fn every_two_neighbours_of_the_precedence_have_a_scenario_with_both() -> Result<()> {
    let scenarios = scenarios::all()?;
    let file: Vec<&Scenario> = scenarios.iter().filter(|scenario| stem(scenario) == "precedence").collect();
    for pair in PRECEDENCE.windows(2) {
        let &[first, second] = pair else { continue };
        let excuse = NEVER_TOGETHER.iter().find(|(one, other, _)| (*one, *other) == (first, second));
        let name = format!("{first} before {second}");
        let shown = file.iter().any(|scenario| scenario.name == name);
        ensure!(shown != excuse.is_some(), "`{name}`: shown: {shown}, excused: {:?}", excuse.map(|(.., why)| why));
    }
    for scenario in file {
        let (first, second) = scenario.name.split_once(" before ").context("the name says which before which")?;
        let place = |name: &str| PRECEDENCE.iter().position(|entry| *entry == name).with_context(|| name.to_owned());
        ensure!(place(first)? < place(second)?, "{}: it is the other way round", scenario.name);
        let answered = |wanted: &str| scenario.steps.iter().position(|step| answers(step, code(wanted)));
        let (one, other) = (answered(first), scenario.steps.iter().rposition(|step| answers(step, code(second))));
        ensure!(
            one.is_some() && one < other,
            "{}: first both with the one answer, then the other alone",
            scenario.name
        );
    }
    Ok(())
}

fn answers(step: &Step, code: &str) -> bool {
    let Action::Request(request) = &step.action else { return false };
    match &request.outcome {
        Outcome::Deny(reason) => reason.code() == code,
        Outcome::Pass => code == "bypass",
        Outcome::Allow(_) => false,
    }
}

/// `missing_claim (email)` is a `missing_claim`.
fn code(entry: &str) -> &str {
    entry.split(' ').next().unwrap_or(entry)
}

fn stem(scenario: &Scenario) -> String {
    scenario.file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// How many scenarios are meant; `…` stands for the rest of a name.
fn named(scenarios: &[Scenario], reference: &str) -> usize {
    let is_meant = |title: &str| match reference.strip_suffix('…') {
        Some(beginning) => title.starts_with(beginning),
        None => title == reference,
    };
    scenarios.iter().filter(|scenario| is_meant(&scenario.title())).count()
}

/// Whether `path/of/a/file.rs: name` is a test.
fn is_a_test(reference: &str) -> Result<bool> {
    let (path, name) = reference.split_once(": ").context("a file and a name")?;
    let source = std::fs::read_to_string(binaries::workspace().join(path)).with_context(|| path.to_owned())?;
    Ok(source.contains(&format!("fn {name}(")))
}
