//! Credentials as they are kept, whole. What the assertions of one provider begin with alike (their header, and often
//! `iss` and `aud`) is in memory once for all of them.

use std::collections::HashMap;
use std::rc::Rc;

use usher_policy::id::Issuer;

/// A head that is shorter than this, in bytes, saves nothing.
const SHORTEST_HEAD: usize = 64;

/// So many providers are remembered without a look at which of them still have sessions.
const FIRST_SWEEP: usize = 64;

/// One credential.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    head: Rc<[u8]>,
    tail: Box<[u8]>,
}

impl Kept {
    /// Whether this is the credential, to the byte.
    pub(super) fn is(&self, credential: &[u8]) -> bool {
        let parts = credential.split_at_checked(self.head.len());
        parts.is_some_and(|(head, tail)| is_same(&self.tail, tail) && is_same(&self.head, head))
    }

    /// How long the credential is.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }
}

/// Of each provider the head that its next credential most likely has. Connections of several customers may have one name,
/// issuers have not.
#[derive(Debug)]
pub(super) struct Heads {
    by_issuer: HashMap<Issuer, Rc<[u8]>>,
    sweep_at: usize,
}

impl Heads {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self { by_issuer: HashMap::new(), sweep_at: FIRST_SWEEP }
    }

    /// Keeps a credential of a provider.
    pub(super) fn keep(&mut self, issuer: &Issuer, credential: &[u8]) -> Kept {
        let head = match self.by_issuer.get(issuer) {
            Some(head) if credential.starts_with(head) => Rc::clone(head),
            known => {
                let common = known.map_or(0, |head| common(head, credential));
                // The first of its kind is its own head, from which the second takes what both have.
                let head = credential.get(..common).filter(|head| head.len() >= SHORTEST_HEAD).unwrap_or(credential);
                let head: Rc<[u8]> = Rc::from(head);
                self.remember(issuer, &head);
                head
            }
        };
        Kept { tail: credential.get(head.len()..).unwrap_or_default().into(), head }
    }

    fn remember(&mut self, issuer: &Issuer, head: &Rc<[u8]>) {
        if self.by_issuer.len() >= self.sweep_at {
            self.by_issuer.retain(|_, head| Rc::strong_count(head) > 1);
            self.sweep_at = self.by_issuer.len().saturating_mul(2).max(FIRST_SWEEP);
        }
        self.by_issuer.insert(issuer.clone(), Rc::clone(head));
    }
}

/// How many bytes both begin with.
fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// Compares eight bytes at a time: what the target's library does for bytes takes one after the other.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    one.len() == other.len()
        && words.iter().zip(other_words).all(|(own, other)| u64::from_le_bytes(*own) == u64::from_le_bytes(*other))
        && rest == other_rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn okta() -> Issuer {
        Issuer::new("https://acme.okta.example")
    }

    fn token(person: &str) -> Vec<u8> {
        format!("{}{person}{}", "h".repeat(100), "s".repeat(300)).into_bytes()
    }

    #[test]
    fn what_the_credentials_of_a_provider_begin_with_is_in_memory_once() {
        let mut heads = Heads::new();
        let kept: Vec<Kept> =
            ["ada", "bob", "cyd", "dee"].iter().map(|person| heads.keep(&okta(), &token(person))).collect();
        assert_eq!(kept.iter().map(|kept| kept.tail.len()).collect::<Vec<_>>(), [0, 303, 303, 303]);
        assert!(Rc::ptr_eq(&kept[1].head, &kept[2].head) && Rc::ptr_eq(&kept[2].head, &kept[3].head));
        let elsewhere = heads.keep(&Issuer::new("https://acme.entra.example"), &token("ada"));
        assert!(!Rc::ptr_eq(&elsewhere.head, &kept[3].head), "each connection has its own");
    }

    #[test]
    fn a_key_that_is_rotated_begins_a_new_head() {
        let mut heads = Heads::new();
        let (first, second) = (heads.keep(&okta(), &token("ada")), heads.keep(&okta(), &token("bob")));
        let other = |person: &str| [b"H", &token(person)[..]].concat();
        let (third, fourth) = (heads.keep(&okta(), &other("ada")), heads.keep(&okta(), &other("bob")));
        assert_eq!((third.tail.len(), fourth.tail.len()), (0, 303));
        for (kept, credential) in
            [(first, token("ada")), (second, token("bob")), (third, other("ada")), (fourth, other("bob"))]
        {
            assert!(kept.is(&credential));
        }
    }

    #[test]
    fn providers_without_sessions_are_forgotten() {
        let mut heads = Heads::new();
        let kept = heads.keep(&okta(), &token("ada"));
        for number in 0..10_000 {
            heads.keep(&Issuer::new(number.to_string()), &token("ada"));
        }
        assert!(heads.by_issuer.len() <= FIRST_SWEEP, "{}", heads.by_issuer.len());
        assert!(Rc::ptr_eq(&kept.head, &heads.keep(&okta(), &token("ada")).head), "this one has some");
    }

    proptest! {
        #[test]
        fn a_credential_is_itself_and_no_other(credentials in proptest::collection::vec(parts(), 1..12)) {
            let mut heads = Heads::new();
            let kept: Vec<Kept> = credentials.iter().map(|credential| heads.keep(&okta(), credential)).collect();
            for (kept, own) in kept.iter().zip(&credentials) {
                for credential in &credentials {
                    prop_assert_eq!(kept.is(credential), credential == own);
                }
                prop_assert!(!kept.is(&[own.as_slice(), b"x"].concat()));
                prop_assert!(!kept.is(own.get(1..).unwrap_or(b"x")));
                prop_assert!(!kept.is(own.split_last().map_or(b"x", |(_, rest)| rest)));
            }
        }

        #[test]
        fn bytes_are_the_same_as_the_library_says(
            one in proptest::collection::vec(0..2_u8, 0..20),
            other in proptest::collection::vec(0..2_u8, 0..20),
        ) {
            prop_assert_eq!(is_same(&one, &other), one == other);
            prop_assert!(is_same(&one, &one.clone()));
        }
    }

    /// Credentials that have much in common.
    fn parts() -> impl Strategy<Value = Vec<u8>> {
        (0..80_usize, 0..3_usize, proptest::collection::vec(0..2_u8, 0..6))
            .prop_map(|(first, second, rest)| [vec![1; first + 40], vec![2; second], rest].concat())
    }
}
