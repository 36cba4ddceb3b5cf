//! Credentials as they are kept, whole. The assertions of one provider are alike in most of what they say, so each is kept as
//! what its payload has in common with a model, what it has of its own, and its signature, all without their base64.

mod pieces;

use std::collections::HashMap;
use std::rc::Rc;

use usher_policy::id::Issuer;
use usher_policy::token::base64url;

use pieces::Pieces;

/// So many models are remembered without a look at which of them still have sessions.
const FIRST_SWEEP: usize = 64;

/// So many models are remembered at most: whoever signs for one customer could have one for each of its sessions.
const MODELS: usize = 1024;

/// So many bytes a model has at most that others share, or a short assertion could hold on to a long one that has gone.
const LONGEST: usize = 2048;

/// One credential.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// An assertion, every part of which is canonical base64url.
    Assertion(Assertion),
    /// Whatever else it is.
    Text(Box<[u8]>),
}

/// An assertion with the header of its model.
#[derive(Clone, Debug)]
pub(super) struct Assertion {
    /// The header as text, with its dot, then the bytes of a payload.
    model: Rc<[u8]>,
    /// So many bytes of the model are the header.
    header: u16,
    /// So many pieces of the payload are in `own`.
    pieces: u16,
    /// How long the assertion is.
    length: u32,
    /// The pieces, then the signature.
    own: Box<[u8]>,
}

impl Kept {
    /// Whether this is the credential, to the byte.
    pub(super) fn is(&self, credential: &[u8]) -> bool {
        match self {
            Self::Assertion(assertion) => assertion.strip(credential).is_some_and(<[u8]>::is_empty),
            Self::Text(text) => is_same(text, credential),
        }
    }

    /// How much room it takes, in bytes: as much as the credential, or as the model that it may be the last to hold.
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Assertion(Assertion { model, length, .. }) => {
                usize::try_from(*length).unwrap_or(usize::MAX).max(model.len())
            }
            Self::Text(text) => text.len(),
        }
    }
}

impl Assertion {
    /// What follows in `text` after this whole assertion, if `text` begins with it.
    fn strip<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (header, payload) = self.model.split_at_checked(self.header.into())?;
        let (start, text) = text.split_at_checked(header.len())?;
        let (text, signature) = pieces::strip(text, &self.own, self.pieces, payload)?;
        let rest = base64url::strip(text.strip_prefix(b".")?, signature)?;
        is_same(header, start).then_some(rest)
    }
}

/// Of each provider and header (keys are rotated, and applications have their own) the model for the next assertions.
/// Connections of several customers may have one name, issuers have not.
#[derive(Debug)]
pub(super) struct Models {
    of: HashMap<Vec<u8>, Rc<[u8]>>,
    sweep_at: usize,
}

impl Models {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self { of: HashMap::new(), sweep_at: FIRST_SWEEP }
    }

    /// Keeps a credential of a provider.
    pub(super) fn keep(&mut self, issuer: &Issuer, credential: &[u8]) -> Kept {
        self.assertion(issuer, credential).map_or_else(|| Kept::Text(credential.into()), Kept::Assertion)
    }

    fn assertion(&mut self, issuer: &Issuer, text: &[u8]) -> Option<Assertion> {
        let first = text.iter().position(|byte| *byte == b'.')?;
        let last = text.iter().rposition(|byte| *byte == b'.')?;
        let header = text.get(..=first)?;
        let payload = base64url::decode(text.get(first + 1..last)?)?;
        let signature = base64url::decode(text.get(last + 1..)?)?;
        let (model, pieces) = self.model(issuer, header, &payload)?;
        Some(Assertion {
            model,
            header: header.len().try_into().ok()?,
            pieces: pieces.count()?,
            length: text.len().try_into().ok()?,
            own: [pieces.bytes(), &signature].concat().into(),
        })
    }

    /// The model for a payload, and how the two differ.
    fn model(&mut self, issuer: &Issuer, header: &[u8], payload: &[u8]) -> Option<(Rc<[u8]>, Pieces)> {
        // The payload is a model itself, which costs no more than if there were none.
        let itself = || Some(([header, payload].concat().into(), Pieces::of(payload, payload)?));
        if header.len() + payload.len() > LONGEST {
            return itself();
        }
        let key = [issuer.as_str().as_bytes(), b"\0", header].concat();
        if let Some(model) = self.of.get(&key) {
            let pieces = Pieces::of(payload, model.get(header.len()..)?)?;
            if pieces.bytes().len() <= payload.len() / 2 {
                return Some((Rc::clone(model), pieces));
            }
        }
        if self.of.len() >= self.sweep_at {
            self.of.retain(|_, model| Rc::strong_count(model) > 1);
            if self.of.len() > MODELS / 2 {
                self.of.clear();
            }
            self.sweep_at = self.of.len().saturating_mul(2).max(FIRST_SWEEP);
        }
        let (model, pieces): (Rc<[u8]>, _) = itself()?;
        self.of.insert(key, Rc::clone(&model));
        Some((model, pieces))
    }
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
mod tests;
