//! What is known to have gone wrong elsewhere, as tables: a name, how the token is made, the reason it is refused with.

mod claims;
mod confusion;
mod form;
mod key_sets;

use super::world::{plain, verified};
use crate::Reason;

/// One attack: the clause or the history it is from, the token, and what is answered.
type Attack = (String, String, Reason);

/// Every attack is refused with its own reason, and as many were tried as are meant to be.
#[track_caller]
fn assert_refused(attacks: Vec<Attack>, at_least: usize) {
    assert!(attacks.len() >= at_least, "only {} attacks", attacks.len());
    let wrong: Vec<String> = attacks
        .into_iter()
        .filter_map(|(name, token, expected)| {
            let found = verified(&plain(), &token).err();
            (found != Some(expected)).then(|| format!("{name}: {found:?}, not {expected:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
