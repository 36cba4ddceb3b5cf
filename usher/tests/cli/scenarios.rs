//! `usher test`: what holds, what does not, what is no scenario at all, and the rewriting of expectations.

use std::path::Path;

use crate::support::{Folder, Outcome, command, outcome, usher};

/// Keys from afar and secrets in the environment: none of it is there when scenarios are played.
pub(crate) const POLICY: &str = "\
version: 1
store: {token_env: NO_SUCH_VARIABLE}
admin_tokens: [{name: ops, token_env: NO_SUCH_VARIABLE_EITHER, parents: [acme]}]
parents:
- id: acme
  plan: enterprise
  domains: [acme.example]
  connections:
  - id: okta
    issuer: https://acme.okta.example
    audiences: [usher]
    jwks: {uri: https://acme.okta.example/oauth2/v1/keys, cluster: acme-okta}
    algorithms: [ES256, RS256]
    claims: {groups: /realm_access/roles, email: mail}
    email: trusted
    require: {hd: [acme.example]}
    assignment: {claim: apps, any_of: [chat]}
  directory: {scim: true, token_env: NO_SUCH_SCIM_TOKEN}
  organizations:
  - id: acme-chat
    product: claude
    hosts: ['*.chat.acme.example']
    path_prefix: /chat
    provisioning:
      mode: jit
      group_mappings: {roles: [{group: admins, role: admin}, {group: staff, role: user}]}
  - id: acme-console
    product: console
    hosts: [console.acme.example]
    provisioning: {mode: manual}
";

pub(crate) const GOOD: &str = "\
about: Who comes in.
scenarios:
- name: staff come in, others do not
  steps:
  - {login: ada, groups: [staff], allow: {role: user, seat_tier: premium}, writes: {created: [ada]}}
  - {login: bob, groups: [other], deny: no_mapped_group, members: {ada: {}}}
  - {login: cyd, without: [apps], groups: [staff], deny: not_assigned}
  - {login: dan, claims: {hd: other.example}, groups: [staff], deny: not_assigned}
  - {login: eve, alg: EdDSA, groups: [staff], deny: unsupported_algorithm}
";

/// A folder with a policy above the scenarios.
pub(crate) fn folder(scenarios: &str) -> (Folder, String) {
    let folder = Folder::new();
    folder.file("usher.yaml", POLICY);
    std::fs::create_dir(folder.path().join("scenarios")).unwrap();
    let file = folder.file("scenarios/a.yaml", scenarios);
    (folder, file)
}

pub(crate) fn run(folder: &Folder, more: &[&str]) -> Outcome {
    let scenarios = folder.path().join("scenarios");
    usher(&[&["test", scenarios.to_str().unwrap()], more].concat())
}

/// One scenario with this step.
pub(crate) fn step(step: &str) -> String {
    format!("scenarios:\n- name: one\n  steps:\n  - {step}\n")
}

#[test]
fn scenarios_hold_under_a_policy_as_it_is_deployed() {
    let (folder, file) = folder(GOOD);
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(outcome.stdout, format!("ok    {file}: staff come in, others do not\n1 passed, 0 failed\n"));
    assert_eq!(outcome.stderr, "");
}

#[test]
fn inline_keys_of_the_policy_are_replaced_and_those_of_a_scenario_are_not() {
    let (folder, _) = folder(GOOD);
    let inline =
        "jwks: {inline: {keys: [{kty: OKP, crv: Ed25519, kid: k, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}]}}";
    let remote = "jwks: {uri: https://acme.okta.example/oauth2/v1/keys, cluster: acme-okta}";
    folder.file("usher.yaml", &POLICY.replace(remote, inline));
    assert_eq!(run(&folder, &[]).code, 0);
    let own =
        format!("policy: {{connection: {{{inline}}}}}\n{}", step("{login: ada, groups: [staff], deny: unknown_key}"));
    folder.file("scenarios/a.yaml", &own);
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
}

#[test]
fn what_does_not_hold_is_told_with_its_line_field_by_field() {
    let (folder, file) = folder(
        "\
scenarios:
- name: wrong in many ways
  before: {members: {ada: {role: user, seat_tier: standard}, eve: {}}}
  steps:
  - {members: {ada: {role: user}, eve: {}}}
  - login: ada
    groups: [admins]
    allow: {role: user, seat_tier: standard}
    members: {ada: {role: user, seat_tier: standard}, gus: {}}
    seats: {used: {standard: 2}}
    writes: nothing
  - {login: bob, groups: [], allow: {role: user}}
  - {remove: nobody}
",
    );
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let expected = [
        format!("FAIL  {file}: wrong in many ways"),
        format!("      {file}:6: login ada"),
        "        allow:".to_owned(),
        "      -   role: user".to_owned(),
        "      +   role: admin".to_owned(),
        "        members:".to_owned(),
        "          ada:".to_owned(),
        "      -     role: user".to_owned(),
        "      +     role: admin".to_owned(),
        "      -   gus: {}".to_owned(),
        "      +   eve: {role: user}".to_owned(),
        "        seats:".to_owned(),
        "          used:".to_owned(),
        "      -     standard: 2".to_owned(),
        "      +     standard: 1".to_owned(),
        "      - writes: nothing".to_owned(),
        "      + writes: {changed: [ada]}".to_owned(),
    ];
    assert_eq!(lines[..expected.len()], expected, "{}", outcome.stdout);
    for line in [
        format!("      {file}:12: login bob"),
        "      - allow: {role: user}".to_owned(),
        "      + deny: no_mapped_group".to_owned(),
        "      why: no_mapped_group (No access for your groups)".to_owned(),
        format!("      {file}:13: remove nobody"),
        "      + refused: member_not_found".to_owned(),
        "0 passed, 1 failed".to_owned(),
    ] {
        assert!(lines.contains(&line.as_str()), "{line}: {}", outcome.stdout);
    }
}

#[test]
fn what_needs_envoy_is_counted_apart() {
    let (folder, file) =
        folder(&step("{login: ada, deny: expired}").replace("  steps", "  only_envoy: raw headers\n  steps"));
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let line = format!("-     {file}: one (not run here: needs Envoy: raw headers)\n");
    assert_eq!(outcome.stdout, format!("{line}0 passed, 0 failed, 1 not run here\n"));
}

#[test]
fn the_policy_is_found_where_it_is_named() {
    let (folder, _) = folder(GOOD);
    let other = folder.file("other.yaml", &POLICY.replace("group: staff", "group: crew"));
    assert_eq!(run(&folder, &["--policy", &other]).code, 1, "the one that is named");
    folder.file("scenarios/usher.yaml", &POLICY.replace("role: user}]", "role: admin}]"));
    assert_eq!(run(&folder, &[]).code, 1, "the one in the folder comes before the one above it");
    folder.file("scenarios/a.yaml", &format!("base: ../usher.yaml\n{GOOD}"));
    assert_eq!(run(&folder, &["--policy", &other]).code, 0, "the file's own base");
    folder.file("scenarios/a.yaml", &format!("base: ../nowhere.yaml\n{GOOD}"));
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome.stderr.contains("a.yaml:1: base: ") && outcome.stderr.contains("nowhere.yaml: cannot be read"),
        "{outcome:?}"
    );
    folder.file("scenarios/a.yaml", &format!("base: /etc/usher.yaml\n{GOOD}"));
    assert!(run(&folder, &[]).stderr.contains("begins at this file's folder"));
    let outcome = run(&folder, &["--policy", "/no/such.yaml"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    folder.file("scenarios/usher.yaml", "version: 2");
    assert_eq!(run(&folder, &["--policy", folder.path().join("scenarios/usher.yaml").to_str().unwrap()]).code, 2);
}

#[test]
fn folders_are_searched_in_order_links_are_no_loops_and_what_is_no_file_is_named() {
    let (folder, _) = folder(GOOD);
    let scenarios = folder.path().join("scenarios");
    for below in ["b/c", "policies", ".git"] {
        std::fs::create_dir_all(scenarios.join(below)).unwrap();
    }
    folder.file("scenarios/b/c/d.yml", &format!("base: ../../../usher.yaml\n{GOOD}"));
    folder.file("scenarios/policies/p.yaml", "no: policy");
    folder.file("scenarios/.git/x.yaml", "no: scenario");
    folder.file("scenarios/notes.txt", "no scenario");
    std::os::unix::fs::symlink(&scenarios, scenarios.join("b/loop")).unwrap();
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let files: Vec<&str> = outcome.stdout.lines().filter_map(|line| line.strip_prefix("ok    ")).collect();
    assert!(files.len() == 2 && files[0].contains("/a.yaml: ") && files[1].contains("/b/c/d.yml: "), "{files:?}");

    std::os::unix::fs::symlink("/dev/zero", scenarios.join("z.yaml")).unwrap();
    let outcome = run(&folder, &[]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("z.yaml: cannot be read: not a regular file"), "{outcome:?}");
}

#[test]
fn junit_is_well_formed_whatever_stands_in_names_and_differences() {
    let (folder, _) = folder(
        "\
scenarios:
- name: 'good & \"quoted\" <b> ]]> é'
  steps: [{login: ada, groups: [staff], allow: {role: user, seat_tier: premium}}]
- name: bad
  steps: [{login: ada, groups: [staff], claims: {email: x}, allow: {role: user, email: \"<&\\u0001\\u009f\\uFFFE'\\\"\\n>@acme.example\"}}]
- name: apart
  only_envoy: <because>
  steps: [{look: x}]
"
        .replace("{look: x}", "{members: {}}")
        .as_str(),
    );
    folder.file("scenarios/<&\"\u{1}'>.yaml", "scenarios: &");
    let report = folder.path().join("out.xml");
    let outcome = run(&folder, &["--junit", report.to_str().unwrap()]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(!outcome.stdout.contains('\u{1}') && !outcome.stderr.contains('\u{1}'), "{outcome:?}");

    let text = std::fs::read_to_string(&report).unwrap();
    let xml = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let count = |node: &roxmltree::Node<'_, '_>, name: &str| node.attribute(name).unwrap().parse::<usize>().unwrap();
    let counts =
        |node: &roxmltree::Node<'_, '_>| ["tests", "failures", "errors", "skipped"].map(|name| count(node, name));
    assert_eq!(counts(&xml.root_element()), [4, 1, 1, 1], "{text}");
    let suites: Vec<_> = xml.root_element().children().filter(roxmltree::Node::is_element).collect();
    assert_eq!(suites.iter().map(counts).collect::<Vec<_>>(), [[1, 0, 1, 0], [3, 1, 0, 1]], "{text}");
    assert!(suites[0].attribute("name").unwrap().ends_with("/<&\"\u{fffd}'>.yaml"), "{text}");
    let faulty = suites[0].descendants().find(|node| node.has_tag_name("error")).unwrap();
    assert_eq!(faulty.attribute("message"), Some("1 fault"));
    let case = |name: &str| xml.descendants().find(|node| node.attribute("name") == Some(name)).unwrap();
    assert_eq!(case("good & \"quoted\" <b> ]]> é").attribute("line"), Some("2"));
    let bad = case("bad");
    assert_eq!((bad.attribute("line"), bad.attribute("classname").is_some()), (Some("4"), true));
    let failure = bad.children().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("message"), Some("line 5: login ada"));
    assert!(failure.text().unwrap().contains("<&"), "{text}");
    let skipped = case("apart").children().find(|node| node.has_tag_name("skipped")).unwrap();
    assert_eq!(skipped.attribute("message"), Some("needs Envoy: <because>"));

    let outcome = run(&folder, &["--junit", "/no/such/folder/out.xml"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("/no/such/folder/out.xml: cannot be written"), "{outcome:?}");
}

#[test]
fn expectations_are_rewritten_in_place_and_nothing_else_is() {
    let before = "\
# Ours.
about: Who comes in.   # with a comment
scenarios:
- name: wrong
  steps:
  # The first.
  - {login: ada, groups: [ staff ], deny: expired, members: {gus: {}}}   # behind
  - login: bob # he
    groups: [admins]
    allow:
      role: user     # was once
    writes: nothing
  - {add: cyd,   refused: already_a_member}
- {name: right, steps: [{login: ada, groups: [], deny: no_mapped_group}]}
";
    let after = "\
# Ours.
about: Who comes in.   # with a comment
scenarios:
- name: wrong
  steps:
  # The first.
  - {login: ada, groups: [ staff ], allow: {role: user, seat_tier: premium}, members: {ada: {role: user, seat_tier: premium}}}   # behind
  - login: bob # he
    groups: [admins]
    allow:
      role: admin     # was once
      seat_tier: premium
    writes: {created: [bob]}
  - {add: cyd}
- {name: right, steps: [{login: ada, groups: [], deny: no_mapped_group}]}
";
    let (folder, file) = folder(before);
    let link = folder.path().join("scenarios/link.yml");
    let outcome = run(&folder, &["--override"]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
    assert!(
        outcome.stdout.ends_with(&format!("rewritten  {file}: 1 scenario\n1 passed, 0 failed, 1 rewritten\n")),
        "{}",
        outcome.stdout
    );
    assert_eq!(run(&folder, &[]).code, 0);

    // Again, nothing is written: the file is the same one, and not another with the same text.
    let inode = |path: &str| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let first = inode(&file);
    assert_eq!(run(&folder, &["--override"]).code, 0);
    assert_eq!((std::fs::read_to_string(&file).unwrap().as_str(), inode(&file)), (after, first));

    // Through a link, what it points to is rewritten; no other file is left behind.
    std::fs::rename(&file, folder.path().join("real.yaml")).unwrap();
    std::fs::write(folder.path().join("real.yaml"), before).unwrap();
    std::os::unix::fs::symlink(folder.path().join("real.yaml"), &link).unwrap();
    assert_eq!(run(&folder, &["--override"]).code, 0);
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(&link).unwrap(), after);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_a_policy_must_be_refused_for_is_rewritten_and_one_that_is_not_refused_is_left() {
    let story = |name: &str, plan: &str, says: &str| {
        let refused = format!("[{{field: 'parents[0].directory.scim', says: {says}}}]");
        format!("- name: {name}\n  policy: {{parent: {{plan: {plan}}}}}\n  refused: {refused} # scim\n")
    };
    let right = story("right", "team", "does not include SCIM");
    let none = story("none", "enterprise", "does not include SCIM");
    let (folder, file) = folder(&format!("scenarios:\n{}{right}{none}", story("wrong", "team", "no directory")));
    let outcome = run(&folder, &["--override"]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.stdout.contains(&format!("{file}:8: the policy is not refused")), "{outcome:?}");
    assert!(outcome.stdout.ends_with("1 passed, 1 failed, 1 rewritten\n"), "{outcome:?}");
    let says = "\"plan `team` does not include SCIM. Write `plan: enterprise`, or leave `directory` out\"";
    let after = format!("scenarios:\n{}{right}{none}", story("wrong", "team", says));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
    assert!(run(&folder, &[]).stdout.ends_with("2 passed, 1 failed\n"));
}

#[test]
fn a_file_with_faults_is_never_rewritten() {
    let text = format!("{}  - {{login: eve, deny: expird}}\n", step("{login: ada, groups: [staff], deny: expired}"));
    let (folder, file) = folder(&text);
    let outcome = run(&folder, &["--override"]);
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn what_cannot_be_rewritten_in_place_is_left_and_still_fails() {
    let text = "scenarios:\n- name: one\n  steps:\n  - refused: no_seat_available # because\n    add: ada\n";
    let (folder, file) = folder(text);
    let outcome = run(&folder, &["--override"]);
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.stderr.contains(&format!("{file}: not rewritten: line 4: ")), "{outcome:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn the_projects_own_scenarios_hold_without_environment_and_network() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
    let outcome = outcome(command(&["test", scenarios.to_str().unwrap()]).env_clear());
    assert_eq!(outcome.code, 0, "{}\n{}", outcome.stdout, outcome.stderr);
    assert!(outcome.stdout.lines().filter(|line| line.starts_with("ok ")).count() > 150, "{}", outcome.stdout);
}
