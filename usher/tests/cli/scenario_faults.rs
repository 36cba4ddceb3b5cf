//! `usher test` and what is no scenario: every fault with its file, line and field, and what was meant.

use crate::scenarios::{GOOD, folder, run, step};
use crate::support::{Folder, usher};

#[test]
fn every_fault_of_a_file_is_told_with_line_field_and_what_was_meant() {
    for (bad, place, words) in [
        (
            "{login: ada, deny: no_mapped_grup}",
            "4: scenarios[0].steps[0].deny",
            "unknown reason `no_mapped_grup`; did you mean `no_mapped_group`?",
        ),
        (
            "{login: ada, allow: {role: ownr}}",
            "4: scenarios[0].steps[0].allow.role",
            "unknown role `ownr` of product `claude`; did you mean `owner`?",
        ),
        ("{login: ada, allow: {}}", "4: scenarios[0].steps[0].allow.role", "missing"),
        (
            "{login: ada, organization: acme-console, allow: {role: user, seat_tier: premium}}",
            "4: scenarios[0].steps[0].allow.seat_tier",
            "unknown seat tier `premium` of product `console`; there are none",
        ),
        (
            "{login: ada, deny: expired, of: acme-chatt, members: {ada: {}}}",
            "4: scenarios[0].steps[0].of",
            "unknown organization `acme-chatt`; did you mean `acme-chat`?",
        ),
        (
            "{login: ada, deny: expired, members: {ada: {role: developer}}}",
            "4: scenarios[0].steps[0].members.ada.role",
            "unknown role `developer` of product `claude`",
        ),
        (
            "{login: ada, deny: expired, members: {ada: {}, ADA@acme.example: {}}}",
            "4: scenarios[0].steps[0].members",
            "the same person as",
        ),
        (
            "{login: ada, deny: expired, seats: {used: {gold: 1}}}",
            "4: scenarios[0].steps[0].seats.used.gold",
            "the product has no seat tier `gold`",
        ),
        ("{again: ada, deny: expired}", "4: scenarios[0].steps[0].again", "no step before this one has `login: ada`"),
        (
            "{login: ada, allow: {role: user}, deny: expired}",
            "4: scenarios[0].steps[0].deny",
            "two outcomes: `allow` and `deny`",
        ),
        ("{login: ada}", "4: scenarios[0].steps[0]", "no outcome"),
        ("{login: ada, pass: yes}", "4: scenarios[0].steps[0].pass", "write `pass: true`"),
        ("{deny: expired}", "4: scenarios[0].steps[0]", "no action"),
        ("{}", "4: scenarios[0].steps[0]", "an empty step"),
        ("{add: ada, remove: ada}", "4: scenarios[0].steps[0]", "two actions: `add` and `remove`"),
        ("{sync: now, login: ada}", "4: scenarios[0].steps[0]", "two actions: `login` and `sync`"),
        ("{provison: ada}", "4: scenarios[0].steps[0].provison", "did you mean `provision`?"),
        ("{logn: ada, deny: expired}", "4: scenarios[0].steps[0].logn", "unknown field `logn`: did you mean `login`?"),
        ("{add: ada, allow: {role: user}}", "4: scenarios[0].steps[0].allow", "unknown field `allow`"),
        ("{add: ada, refused: managed}", "4: scenarios[0].steps[0].refused", "unknown refusal `managed`"),
        (
            "{login: ada, connection: octa, deny: expired}",
            "4: scenarios[0].steps[0].connection",
            "unknown connection `octa`; did you mean `okta`?",
        ),
        (
            "{login: ada, alg: HS256, deny: expired}",
            "4: scenarios[0].steps[0].alg",
            "unknown algorithm `HS256`; did you mean `RS256`?",
        ),
        ("{login: ada, iat: 1.5, deny: expired}", "4: scenarios[0].steps[0].iat", "expected seconds from now"),
        ("{login: ada, via: pigeon, deny: expired}", "4: scenarios[0].steps[0].via", "unknown way `pigeon`"),
        ("{login: ada, writes: nothin, deny: expired}", "4: scenarios[0].steps[0].writes", "did you mean `nothing`?"),
        ("{store: dwn}", "4: scenarios[0].steps[0].store", "did you mean `down`?"),
    ] {
        let (folder, file) = folder(&step(bad));
        let outcome = run(&folder, &[]);
        assert_eq!(outcome.code, 2, "{bad}: {outcome:?}");
        let line = outcome.stderr.lines().next().unwrap();
        assert_eq!(outcome.stderr.lines().count(), 1, "{bad}: {}", outcome.stderr);
        assert!(line.starts_with(&format!("{file}:{place}")) && line.contains(words), "{bad}: {line}");
        assert_eq!(outcome.stdout, "0 passed, 0 failed, 1 file is bad\n");
    }
}

#[test]
fn what_a_directory_cannot_say_is_told() {
    let parent = "parent: {directory: {scim: true, token_env: ACME_SCIM_TOKEN}}";
    let (folder, _) = folder(&format!("policy: {{parent: {{directory: null}}}}\n{}", step("{provision: ada}")));
    let outcome = run(&folder, &[]);
    let told = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(outcome.code == 2 && told.contains("the parent has no directory"), "{told}");
    for (bad, field, words) in [
        ("{provision: ada, active: maybe}", "active", "write `true` or `false`"),
        ("{provision: ada, email: nobody}", "email", "this is not an email"),
        ("{provision: ada, groups: staff}", "groups", "list"),
        ("{provision: ada, allow: {role: user}}", "allow", "unknown field `allow`"),
        ("{group: staff}", "has", "missing"),
        ("{sync: later}", "sync", "unknown `sync` value `later`"),
    ] {
        let (folder, _) = crate::scenarios::folder(&format!("policy: {{{parent}}}\n{}", step(bad)));
        let outcome = run(&folder, &[]);
        assert_eq!(outcome.code, 2, "{bad}: {outcome:?}");
        let told = format!("{}{}", outcome.stdout, outcome.stderr);
        let place = format!("a.yaml:5: scenarios[0].steps[0].{field}");
        assert!(told.contains(&place) && told.contains(words), "{bad}: {told}");
    }
}

#[test]
fn all_faults_are_told_and_the_good_files_are_still_played() {
    let (folder, file) = folder(
        "\
abuot: x
policy: {organization: {provisioning: {mode: jot}}}
scenarios:
- {name: a, stesp: []}
- {name: \"b\", before: {members: {ada: {role: kng}}}, steps: [{login: ada, deny: expird}]}
",
    );
    folder.file("scenarios/b.yml", GOOD);
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    for place in ["1: the policy has faults: ", "1: abuot: ", "4: scenarios[0].stesp: "] {
        assert!(outcome.stderr.contains(&format!("{file}:{place}")), "{place}: {}", outcome.stderr);
    }
    assert!(outcome.stdout.ends_with("1 passed, 0 failed, 1 file is bad\n"), "{}", outcome.stdout);
    folder.file("scenarios/a.yaml", &std::fs::read_to_string(&file).unwrap().replace("mode: jot", "mode: jit"));
    let outcome = run(&folder, &[]);
    for place in ["5: scenarios[1].before.members.ada.role: ", "5: scenarios[1].steps[0].deny: "] {
        assert!(outcome.stderr.contains(&format!("{file}:{place}")), "{place}: {}", outcome.stderr);
    }
}

#[test]
fn a_beginning_that_cannot_be_is_refused() {
    for (before, place, words) in [
        ("{members: {ada: {seat_tier: gold}}}", "members.ada.seat_tier", "unknown seat tier `gold`"),
        ("{members: {ada: {status: gone}}}", "members.ada.status", "unknown status `gone`"),
        ("{members: {ada: {status: pending, seat_tier: premium}}}", "members.ada.seat_tier", "waits for a seat"),
        ("{members: {ada: {primary_owner: true}}}", "members.ada.primary_owner", "no `primary_owner`"),
        ("{members: {ada: {}, ada@acme.example: {}}}", "members", "the same person"),
        ("{of: nowhere}", "of", "unknown organization `nowhere`"),
        ("{tickets: {ada: {}}}", "tickets.ada.last_iat", "missing"),
        ("[{of: acme-chat, membrs: {}}]", "[0].membrs", "did you mean `members`?"),
    ] {
        let text = step("{login: ada, deny: expired}").replace("  steps", &format!("  before: {before}\n  steps"));
        let (folder, file) = folder(&text);
        let outcome = run(&folder, &[]);
        assert_eq!(outcome.code, 2, "{before}: {outcome:?}");
        assert!(outcome.stderr.starts_with(&format!("{file}:3: scenarios[0].before")), "{before}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(place) && outcome.stderr.contains(words), "{before}: {}", outcome.stderr);
    }
}

#[test]
fn without_a_scenario_nothing_is_proven() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    for argument in [path, "/no/such/folder"] {
        let outcome = usher(&["test", argument]);
        assert_eq!(outcome.code, 2, "{outcome:?}");
        assert!(outcome.stderr.starts_with("error: "), "{outcome:?}");
    }
    folder.file("a.yaml", "scenarios: []");
    assert_eq!(usher(&["test", path]).code, 2);
}

#[test]
fn one_fault_is_told_once() {
    let text = step("{login: ada, conection: okta, deny: expired}") + "  - {again: ada, deny: expired}\n";
    let (folder, _) = folder(&text);
    let outcome = run(&folder, &[]);
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (2, 1), "{outcome:?}");
}

#[test]
fn a_policy_must_be_refused_for_exactly_what_is_written() {
    let story = |plan: &str, more: &str| {
        format!(
            "scenarios:\n- name: no directory\n  policy: {{parent: {{plan: {plan}}}}}\n  \
             refused: [{{field: 'parents[0].directory.scim', says: does not include SCIM}}]\n{more}"
        )
    };
    for (scenarios, code, told) in [
        (story("team", ""), 0, "1 passed"),
        (story("enterprise", ""), 1, "the policy is not refused"),
        (story("gold", ""), 1, "+ - {field: \"parents[0].plan\", says: \"unknown plan `gold`"),
        (
            story("team", "  steps: []\n"),
            2,
            "a.yaml:5: scenarios[0].steps: where the policy is refused, nothing happens",
        ),
        (story("team", "  before: {}\n"), 2, "scenarios[0].before: where the policy is refused, nothing happens"),
        ("scenarios:\n- {name: x, refused: []}\n".to_owned(), 2, "scenarios[0].refused: must not be empty"),
        ("scenarios:\n- {name: x, refused: [{field: a}]}\n".to_owned(), 2, "scenarios[0].refused[0].says: missing"),
    ] {
        let (folder, _) = folder(&scenarios);
        let outcome = run(&folder, &[]);
        assert_eq!(outcome.code, code, "{scenarios}{}{}", outcome.stdout, outcome.stderr);
        let words = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(words.contains(told), "{scenarios}{words}");
    }
}
