//! Credentials as they are kept, whole. The assertions of one provider are alike in most of what they say, so each is kept as
//! what its payload has in common with a model, what it has of its own, and its signature, all without their base64.

mod pieces;

use std::collections::HashMap;
use std::rc::Rc;

use usher_policy::id::Issuer;
use usher_policy::token::base64url;

use pieces::Pieces;

/// So many providers are remembered without a look at which of them still have sessions.
const FIRST_SWEEP: usize = 64;

/// So many headers that a provider uses at the same time have a model: keys are rotated, and applications have their own.
const HEADERS: usize = 4;

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
    model: Model,
    /// So many pieces of the payload are in `own`.
    pieces: u16,
    /// How long the assertion is.
    length: u32,
    /// The pieces, then the signature.
    own: Box<[u8]>,
}

/// An assertion's header as text, with its dot, and the bytes of its payload.
#[derive(Clone, Debug)]
struct Model {
    bytes: Rc<[u8]>,
    header: u16,
}

impl Kept {
    /// Whether this is the credential, to the byte.
    pub(super) fn is(&self, credential: &[u8]) -> bool {
        match self {
            Self::Assertion(assertion) => assertion.signature_in(credential).is_some_and(<[u8]>::is_empty),
            Self::Text(text) => is_same(text, credential),
        }
    }

    /// How long the credential is.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Assertion(assertion) => usize::try_from(assertion.length).unwrap_or(usize::MAX),
            Self::Text(text) => text.len(),
        }
    }
}

impl Assertion {
    fn of(model: &Model, pieces: Pieces, signature: &[u8], length: usize) -> Option<Self> {
        Some(Self {
            model: model.clone(),
            pieces: pieces.count()?,
            length: length.try_into().ok()?,
            own: [pieces.bytes(), signature].concat().into(),
        })
    }

    /// What follows in `text` after this whole assertion, if `text` begins with it.
    fn signature_in<'a>(&self, text: &'a [u8]) -> Option<&'a [u8]> {
        let (header, payload) = self.model.parts()?;
        let (start, text) = text.split_at_checked(header.len())?;
        let (text, signature) = pieces::strip(text, &self.own, self.pieces, payload)?;
        let rest = base64url::strip(text.strip_prefix(b".")?, signature)?;
        is_same(header, start).then_some(rest)
    }
}

impl Model {
    fn of(header: &[u8], payload: &[u8]) -> Option<Self> {
        Some(Self { header: header.len().try_into().ok()?, bytes: [header, payload].concat().into() })
    }

    fn parts(&self) -> Option<(&[u8], &[u8])> {
        self.bytes.split_at_checked(self.header.into())
    }

    fn has(&self, header: &[u8]) -> bool {
        self.parts().is_some_and(|(own, _)| own == header)
    }
}

/// Of each provider the models for its next assertions. Connections of several customers may have one name, issuers have not.
#[derive(Debug)]
pub(super) struct Models {
    by_issuer: HashMap<Issuer, Vec<Model>>,
    sweep_at: usize,
}

impl Models {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self { by_issuer: HashMap::new(), sweep_at: FIRST_SWEEP }
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
        let known = self.by_issuer.get(issuer).and_then(|models| models.iter().find(|model| model.has(header)));
        if let Some(model) = known {
            let pieces = Pieces::of(&payload, model.parts()?.1)?;
            if pieces.bytes().len() <= payload.len() / 2 {
                return Assertion::of(model, pieces, &signature, text.len());
            }
        }
        // It costs its own sessions no more than if there were no models.
        let model = Model::of(header, &payload)?;
        self.remember(issuer, &model, header);
        Assertion::of(&model, Pieces::of(&payload, &payload)?, &signature, text.len())
    }

    /// The model for the next with this header.
    fn remember(&mut self, issuer: &Issuer, model: &Model, header: &[u8]) {
        if self.by_issuer.len() >= self.sweep_at {
            self.by_issuer.retain(|_, models| models.iter().any(|model| Rc::strong_count(&model.bytes) > 1));
            self.sweep_at = self.by_issuer.len().saturating_mul(2).max(FIRST_SWEEP);
        }
        let models = self.by_issuer.entry(issuer.clone()).or_default();
        models.retain(|model| !model.has(header));
        if models.len() >= HEADERS {
            models.remove(0);
        }
        models.push(model.clone());
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
