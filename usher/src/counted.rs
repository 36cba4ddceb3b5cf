//! Numbers of things, in words.

use std::fmt::Display;

/// `1 member`, `2 members`.
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(number: N, thing: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_one_is_singular() {
        for (number, told) in [(0_u64, "0 members"), (1, "1 member"), (2, "2 members"), (11, "11 members")] {
            assert_eq!(counted(number, "member"), told);
        }
    }
}
