//! Files before and after: only expectations change, and what is rewritten holds.

use std::path::{Path, PathBuf};

use super::{FailedScenario, RewriteError, rewrite};
use crate::play::Failed;
use crate::{Scenario, native, read};

fn policy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios/policies/claude.yaml")
}

fn scenarios(text: &str) -> Vec<Scenario> {
    read::scenarios(Path::new("test.yaml"), text, Some(&policy())).unwrap_or_else(|faulty| panic!("{faulty}\n{text}"))
}

fn failures(text: &str) -> Vec<(usize, Vec<Failed>)> {
    let played = scenarios(text).into_iter().map(|scenario| {
        let failed = native::perform(&scenario).unwrap();
        (scenario.index, failed)
    });
    played.filter(|(_, failed)| !failed.is_empty()).collect()
}

fn rewritten(text: &str) -> Result<String, RewriteError> {
    let failures = failures(text);
    let failed: Vec<_> = failures.iter().map(|(index, steps)| FailedScenario { index: *index, steps }).collect();
    rewrite(text, &failed)
}

/// What is rewritten is as expected, holds, and is not rewritten again.
#[track_caller]
fn check(before: &str, after: &str) {
    let text = rewritten(before).unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(text, after);
    let still = failures(&text);
    assert!(still.is_empty(), "{still:#?}\n{text}");
    assert_eq!(rewritten(&text).as_deref(), Ok(after));
}

#[test]
fn another_outcome_stands_where_the_old_one_stood() {
    check(
        "scenarios:\n- name: a # why\n  steps:\n  # first\n  - {login: ada, deny: not_a_member, path: /x}  # behind\n  - login: bob\n    allow: {role: admin}   # wrong\n    path: /y\n",
        "scenarios:\n- name: a # why\n  steps:\n  # first\n  - {login: ada, allow: {role: user, seat_tier: premium}, path: /x}  # behind\n  - login: bob\n    allow: {role: user, seat_tier: premium}   # wrong\n    path: /y\n",
    );
    check(
        "scenarios:\n- name: a\n  steps:\n  - login: ada\n    allow:\n      # the role\n      role: admin # no\n    claims: {email: eda@acme.test}\n  - { login : ada , pass : true }\n",
        "scenarios:\n- name: a\n  steps:\n  - login: ada\n    deny: domain_not_verified # no\n    claims: {email: eda@acme.test}\n  - { login : ada , allow: {role: user, seat_tier: premium} }\n",
    );
}

#[test]
fn members_come_and_go_one_by_one() {
    check(
        "scenarios:\n- name: a\n  steps:\n  - {login: ada, allow: {role: user, seat_tier: premium}, members: {}}\n  - login: bob\n    allow: {role: user, seat_tier: premium}\n    members:\n      ada: {role: user}\n      # eve is gone\n      eve: {}   # who?\n      gus: {role: admin}\n      bob:\n        role: admin # not he\n        status: suspended\n",
        "scenarios:\n- name: a\n  steps:\n  - {login: ada, allow: {role: user, seat_tier: premium}, members: {ada: {role: user, seat_tier: premium}}}\n  - login: bob\n    allow: {role: user, seat_tier: premium}\n    members:\n      ada: {role: user}\n      # eve is gone\n      # who?\n      bob:\n        role: user # not he\n        status: active\n",
    );
    check(
        "scenarios:\n- name: a\n  steps:\n  - login: ada\n    claims: {email: x@y.example}\n    deny: domain_not_verified\n    members:\n      eve: {}\n      gus: {}\n",
        "scenarios:\n- name: a\n  steps:\n  - login: ada\n    claims: {email: x@y.example}\n    deny: domain_not_verified\n    members:\n      {}\n",
    );
    check(
        "scenarios:\n- name: a\n  before: {members: {ada: {}, \"b.c@acme.example\": {status: suspended}}}\n  steps:\n  - {members: {eve: {}, ada: {}, zoe: {}, gus: {}}}\n  - members:\n      eve: {}\n      ada: {}\n",
        "scenarios:\n- name: a\n  before: {members: {ada: {}, \"b.c@acme.example\": {status: suspended}}}\n  steps:\n  - {members: {ada: {}, b.c: {role: user, status: suspended}}}\n  - members:\n      ada: {}\n      b.c: {role: user, status: suspended}\n",
    );
}

#[test]
fn seats_writes_and_refusals_too() {
    check(
        "scenarios:\n- name: a\n  before: {members: {ada: {}}}\n  steps:\n  - {add: ada}\n  - {add: bob, refused: already_a_member, writes: nothing}\n  - add: cyd # c\n    seats: {used: {premium: 0, standard: 7}, pending: 3}\n    writes: {created: [bob], removed: [ada]}\n  - refused: no_seat_available\n    add: dan\n  - suspend: eve\n",
        "scenarios:\n- name: a\n  before: {members: {ada: {}}}\n  steps:\n  - {add: ada, refused: already_a_member}\n  - {add: bob, writes: {created: [bob]}}\n  - add: cyd # c\n    seats: {used: {premium: 2, standard: 0}, pending: 0}\n    writes: {created: [cyd]}\n  - add: dan\n  - suspend: eve\n    refused: member_not_found\n",
    );
}

#[test]
fn line_breaks_and_other_scripts_stay() {
    check(
        "about: \"ünï 🦀\"\r\nscenarios:\r\n- name: 🦀🦀 # é\r\n  steps:\r\n  - suspend: ada # ü\r\n  - {login: ada, allow: {role: owner}}\r\n",
        "about: \"ünï 🦀\"\r\nscenarios:\r\n- name: 🦀🦀 # é\r\n  steps:\r\n  - suspend: ada # ü\r\n    refused: member_not_found\r\n  - {login: ada, allow: {role: user, seat_tier: premium}}\r\n",
    );
    // No line break at the end.
    check(
        "scenarios:\n- name: a\n  steps:\n  - suspend: ada",
        "scenarios:\n- name: a\n  steps:\n  - suspend: ada\n    refused: member_not_found",
    );
}

#[test]
fn what_would_take_a_comment_along_is_left_alone() {
    let text = "scenarios:\n- name: a\n  steps:\n  - refused: no_seat_available # because\n    add: ada\n";
    assert_eq!(rewritten(text), Err(RewriteError::Layout(4)));
    let text = "scenarios:\n- name: a\n  policy: {parent: {plan: gold}}\n  refused:\n  - {field: a, says: b} # why\n  - {field: c, says: d}\n";
    assert_eq!(rewritten(text), Err(RewriteError::Layout(2)));
}

#[test]
fn the_faults_of_a_refused_policy_too() {
    // In its place and its layout; the words that hold stay as they are, and so do comments.
    check(
        "scenarios:\n- name: a\n  policy: {parent: {plan: gold, domains: []}}\n  refused: # both\n  - field: parents[0].domain # no\n    says: must not be empty # so\n  - {field: \"parents[0].plan\", says: nobody sells it}  # gold\n",
        "scenarios:\n- name: a\n  policy: {parent: {plan: gold, domains: []}}\n  refused: # both\n  - field: \"parents[0].plan\" # no\n    says: \"unknown plan `gold`. Write one of `team`, `enterprise`, `console`\" # so\n  - {field: \"parents[0].domains\", says: \"must not be empty\"}  # gold\n",
    );
    // Fewer than were written; and whatever comes first.
    check(
        "scenarios:\n- name: a\n  policy: {parent: {plan: team, domains: []}}\n  refused: [{field: \"parents[0].plan\", says: unknown plan}, {field: \"parents[0].domains\", says: must not}]\n- {name: b, policy: {parent: {plan: gold}}, refused: [{says: y, field: \"parents[0].plan\"}]}\n",
        "scenarios:\n- name: a\n  policy: {parent: {plan: team, domains: []}}\n  refused: [{field: \"parents[0].domains\", says: \"must not\"}]\n- {name: b, policy: {parent: {plan: gold}}, refused: [{says: \"unknown plan `gold`. Write one of `team`, `enterprise`, `console`\", field: \"parents[0].plan\"}]}\n",
    );
    // More than were written, in lines.
    check(
        "scenarios:\n- name: a\n  policy: {parent: {plan: team, domains: [], connections: []}}\n  refused:\n    - field: \"parents[0].domains\"\n      says: must not\n- {name: b, steps: [{members: {}}]}\n",
        "scenarios:\n- name: a\n  policy: {parent: {plan: team, domains: [], connections: []}}\n  refused:\n    - {field: \"parents[0].domains\", says: \"must not\"}\n    - {field: \"parents[0].connections\", says: \"must not be empty\"}\n- {name: b, steps: [{members: {}}]}\n",
    );
}
