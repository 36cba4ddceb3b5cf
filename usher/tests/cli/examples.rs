//! The ready configurations under `envoy-config/`.

use crate::support::usher;

#[test]
fn the_envoy_example_is_good_and_renders() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-config/envoy/usher.yaml");
    let checked = usher(&["check", file]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""), "{checked:?}");
    let rendered = usher(&["render", "envoy", file]);
    assert_eq!(rendered.code, 0, "{rendered:?}");
    for part in ["failure_policy: FAIL_RELOAD", "name: \"acme-okta\"", "chat.acme.example"] {
        assert!(rendered.stdout.contains(part), "{part}");
    }
}

#[test]
fn the_list_of_every_field_is_good_and_renders() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy-config/envoy/every-field.yaml");
    let checked = usher(&["check", file]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert_eq!(usher(&["render", "envoy", file]).code, 0);
}
