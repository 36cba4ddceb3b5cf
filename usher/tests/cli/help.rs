//! `usher help`: a word that people try before they know the flags.

use crate::support::usher;

#[test]
fn help_is_a_command_and_no_error() {
    for (arguments, shown) in [
        (["help"].as_slice(), "Usage: usher <COMMAND>"),
        (&["help", "explain"], "Usage: usher explain "),
        (&["members", "help", "add"], "Usage: usher members add "),
    ] {
        let told = usher(arguments);
        assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
        assert!(told.stdout.contains(shown), "{told:?}");
    }
}
