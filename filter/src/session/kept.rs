//! Credentials as they are kept, whole. What the assertions of one provider begin with alike (their header, and often
//! `iss` and `aud`) is in memory once for all of them, and of the rest the bytes that its base64url stands for.

use std::collections::HashMap;
use std::rc::Rc;

use usher_policy::id::Issuer;
use usher_policy::token::base64url;

/// A head that is shorter than this, in bytes, saves nothing.
const SHORTEST_HEAD: usize = 64;

/// So many providers are remembered without a look at which of them still have sessions.
const FIRST_SWEEP: usize = 64;

/// One credential.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    head: Rc<[u8]>,
    tail: Tail,
}

/// What follows the head.
#[derive(Clone, Debug)]
enum Tail {
    /// The rest of an assertion's payload, in so many bytes, and its signature: three bytes for four letters.
    Decoded(usize, Box<[u8]>),
    /// Whatever else it is.
    Text(Box<[u8]>),
}

impl Kept {
    /// Whether this is the credential, to the byte.
    pub(super) fn is(&self, credential: &[u8]) -> bool {
        let parts = credential.split_at_checked(self.head.len());
        parts.is_some_and(|(head, tail)| self.tail.is(tail) && is_same(&self.head, head))
    }

    /// How long the credential is.
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.tail.len()
    }
}

impl Tail {
    fn of(text: &[u8]) -> Self {
        let decoded = text.iter().rposition(|byte| *byte == b'.').and_then(|dot| {
            let mut bytes = base64url::decode(text.get(..dot)?)?;
            let payload = bytes.len();
            bytes.extend(base64url::decode(text.get(dot + 1..)?)?);
            Some(Self::Decoded(payload, bytes.into()))
        });
        decoded.unwrap_or_else(|| Self::Text(text.into()))
    }

    fn is(&self, text: &[u8]) -> bool {
        match self {
            Self::Decoded(payload, bytes) => {
                let (payload, signature) = bytes.split_at_checked(*payload).unwrap_or_default();
                let parts = text.split_at_checked(base64url::length(payload.len()));
                parts.is_some_and(|(before, after)| {
                    after.strip_prefix(b".").is_some_and(|after| base64url::is_of(after, signature))
                        && base64url::is_of(before, payload)
                })
            }
            Self::Text(own) => is_same(own, text),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Decoded(payload, bytes) => {
                base64url::length(*payload) + 1 + base64url::length(bytes.len().saturating_sub(*payload))
            }
            Self::Text(text) => text.len(),
        }
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
                let common = known.map_or(0, |head| whole_letters(credential, common(head, credential)));
                // The first of its kind is its own head, from which the second takes what both have.
                let head = credential.get(..common).filter(|head| head.len() >= SHORTEST_HEAD).unwrap_or(credential);
                let head: Rc<[u8]> = Rc::from(head);
                self.remember(issuer, &head);
                head
            }
        };
        Kept { tail: Tail::of(credential.get(head.len()..).unwrap_or_default()), head }
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

/// Not more than so many bytes of an assertion, so that what follows of its payload stands for whole bytes.
fn whole_letters(credential: &[u8], bytes: usize) -> usize {
    let payload = credential.iter().position(|byte| *byte == b'.').map_or(0, |dot| dot + 1);
    bytes - bytes.checked_sub(payload).map_or(0, |letters| letters % 4)
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
        let [header, begins, ends, signature] =
            [("h", 60), ("b", 39), ("e", 158), ("s", 341)].map(|(a, n)| a.repeat(n));
        format!("{header}.{begins}{person}{ends}.{signature}w").into_bytes()
    }

    fn size(kept: &Kept) -> usize {
        match &kept.tail {
            Tail::Decoded(_, bytes) | Tail::Text(bytes) => bytes.len(),
        }
    }

    #[test]
    fn what_the_credentials_of_a_provider_begin_with_is_in_memory_once() {
        let mut heads = Heads::new();
        let kept: Vec<Kept> =
            ["ada", "bob", "cyd", "dee"].iter().map(|person| heads.keep(&okta(), &token(person))).collect();
        assert_eq!(kept.iter().map(|kept| kept.tail.len()).collect::<Vec<_>>(), [0, 507, 507, 507]);
        assert_eq!(kept.iter().map(size).collect::<Vec<_>>(), [0, 379, 379, 379], "three bytes for four letters");
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
        assert_eq!((size(&third), size(&fourth)), (0, 379));
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
        fn a_credential_is_itself_and_no_other(credentials in proptest::collection::vec(prop_oneof![parts(), assertion()], 1..12), odd: u8, at: proptest::sample::Index) {
            let mut heads = Heads::new();
            let kept: Vec<Kept> = credentials.iter().map(|credential| heads.keep(&okta(), credential)).collect();
            for (kept, own) in kept.iter().zip(&credentials) {
                for credential in &credentials {
                    prop_assert_eq!(kept.is(credential), credential == own);
                }
                let mut changed = own.clone();
                changed[at.index(own.len())] = odd;
                prop_assert_eq!(kept.is(&changed), changed == *own);
                prop_assert_eq!(kept.len(), own.len());
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

    /// Assertions, nearly all of them canonical, with one of a few headers and much in common after it.
    fn assertion() -> impl Strategy<Value = Vec<u8>> {
        ("h{58,62}", 0..70_usize, "[A_]{0,9}", "[AEIMQUYcgkosw048]{0,90}").prop_map(
            |(header, alike, payload, signature)| {
                format!("{header}.{}{payload}.{signature}", "c".repeat(alike)).into_bytes()
            },
        )
    }
}
