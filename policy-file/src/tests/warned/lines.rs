//! Where warnings stand.

#[cfg(feature = "yaml")]
#[test]
fn warnings_have_their_lines_and_come_in_the_order_of_the_file() {
    let text = "\
version: 1
parents:
- id: acme
  plan: team
  domains: [acme.example]
  connections:
  - id: okta
    issuer: https://acme.okta.example
    audiences: [usher]
    jwks: {uri: https://acme.okta.example/keys, cluster: okta}
  organizations:
  - id: acme-chat
    product: claude
    hosts: ['*.acme.example']
    seats:
      caps:
        premium: 1
    provisioning:
      mode: jit
      group_mappings:
        roles:
        - {group: staff, role: owner}
        - {group: staff, role: user}
  - {id: other, product: console, hosts: [x.acme.example]}
";
    let warnings = super::super::super::check_yaml(text).unwrap().warnings;
    let found: Vec<_> = warnings.iter().map(|warning| (warning.line, warning.code.name())).collect();
    assert_eq!(
        found,
        [
            (Some(14), "shadowed_host"),
            (Some(16), "tier_without_seats"),
            (Some(23), "group_mapped_twice"),
            (Some(23), "dead_mapping"),
        ]
    );
}
