//! `cargo xtask`: build, demo, test.

fn main() {}
