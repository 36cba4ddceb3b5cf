//! Credentials as they are kept, whole. The assertions of one provider are alike in most of what they say, so each is kept as
//! what its payload has in common with a model, what it has of its own, and its signature, all without their base64.

mod pieces;

use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;

use hashbrown::HashTable;
use usher_policy::id::Issuer;
use usher_policy::scan::{self, Sought};
use usher_policy::token::base64url;

use pieces::{Anchors, Pieces};

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
            Self::Text(text) => scan::is_same(text, credential),
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
        scan::is_same(header, start).then_some(rest)
    }
}

/// Of each provider and header (keys are rotated, and applications have their own) the model for the next assertions.
/// Connections of several customers may have one name, issuers have not.
#[derive(Debug)]
pub(super) struct Models {
    of: HashTable<Model>,
    keys: RandomState,
    sweep_at: usize,
}

/// What a provider's assertions with one header are like.
#[derive(Debug)]
struct Model {
    issuer: Issuer,
    /// The header as text, with its dot, then the bytes of a payload.
    bytes: Rc<[u8]>,
    /// So many of them are the header.
    header: usize,
    anchors: Anchors,
}

impl Model {
    fn is_for(&self, issuer: &Issuer, header: &[u8]) -> bool {
        self.issuer == *issuer && scan::is_same(self.header(), header)
    }

    fn header(&self) -> &[u8] {
        self.bytes.get(..self.header).unwrap_or_default()
    }
}

impl Models {
    /// Nothing is known yet.
    pub(super) fn new() -> Self {
        Self { of: HashTable::new(), keys: RandomState::new(), sweep_at: FIRST_SWEEP }
    }

    /// Keeps a credential of a provider.
    pub(super) fn keep(&mut self, issuer: &Issuer, credential: &[u8]) -> Kept {
        self.assertion(issuer, credential).map_or_else(|| Kept::Text(credential.into()), Kept::Assertion)
    }

    fn assertion(&mut self, issuer: &Issuer, text: &[u8]) -> Option<Assertion> {
        const DOT: Sought = Sought::byte(b'.');
        let (header, rest) = text.split_at_checked(scan::position(text, DOT)? + 1)?;
        let (payload, signature) = rest.split_at_checked(scan::position(rest, DOT)?)?;
        let payload = base64url::decode(payload)?;
        // In which a further dot would be no letter.
        let signature = base64url::decode(signature.get(1..)?)?;
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
        let itself = || Some(([header, payload].concat().into(), Pieces::of_model(payload)?));
        if header.len() + payload.len() > LONGEST {
            return itself();
        }
        let keys = &self.keys;
        let hash = hash(keys, issuer, header);
        if let Some(model) = self.of.find(hash, |model| model.is_for(issuer, header)) {
            let pieces = Pieces::of(payload, model.bytes.get(header.len()..)?, &model.anchors)?;
            if pieces.bytes().len() <= payload.len() / 2 {
                return Some((Rc::clone(&model.bytes), pieces));
            }
        }
        if self.of.len() >= self.sweep_at {
            self.of.retain(|model| Rc::strong_count(&model.bytes) > 1);
            if self.of.len() > MODELS / 2 {
                self.of.clear();
            }
            self.sweep_at = self.of.len().saturating_mul(2).max(FIRST_SWEEP);
        }
        let (bytes, pieces): (Rc<[u8]>, _) = itself()?;
        if let Ok(known) = self.of.find_entry(hash, |model| model.is_for(issuer, header)) {
            known.remove();
        }
        let (issuer, header, anchors) = (issuer.clone(), header.len(), Anchors::of(payload));
        let model = Model { issuer, bytes: Rc::clone(&bytes), header, anchors };
        self.of.insert_unique(hash, model, |model| self::hash(keys, &model.issuer, model.header()));
        Some((bytes, pieces))
    }
}

/// The hash of all that a model is found by: were it a part of the header, whoever signs could have a thousand with one hash.
fn hash(keys: &RandomState, issuer: &Issuer, header: &[u8]) -> u64 {
    keys.hash_one((issuer.as_str(), header))
}

#[cfg(test)]
mod tests;
