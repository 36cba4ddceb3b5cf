//! `usher demo`, as far as it goes without Envoy.

use crate::support::usher;

#[test]
fn what_is_missing_is_named() {
    for arguments in [
        ["demo", "--check", "--envoy", "/no/such/envoy"].as_slice(),
        &["demo", "--check", "--envoy", env!("CARGO_BIN_EXE_usher"), "--wasm", "/no/such/usher.wasm"],
    ] {
        let outcome = usher(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
        assert!(outcome.stderr.contains("/no/such/"), "{outcome:?}");
    }
}

#[test]
fn an_envoy_that_ends_at_once_ends_the_demo_with_its_log() {
    // This command is no Envoy: it refuses the arguments and says so.
    let binary = env!("CARGO_BIN_EXE_usher");
    let outcome = usher(&["demo", "--check", "--envoy", binary, "--wasm", binary]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (1, ""), "{outcome:?}");
    assert!(
        outcome.stderr.contains("Envoy ended with") && outcome.stderr.contains("unexpected argument"),
        "{outcome:?}"
    );
}
