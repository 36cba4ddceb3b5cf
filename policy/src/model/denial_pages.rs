//! What the operator puts into denials.

use crate::reason::{Language, Reason};

/// What the operator puts into denials, on top of what every reason says by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DenialPages {
    /// Whom to ask, shown on every page: an email address and an `https` address become links.
    pub contact: Option<String>,
    /// Texts in the place of a reason's own.
    pub texts: Vec<(Language, Reason, String)>,
}

impl DenialPages {
    /// What the person can do next: the operator's word, else the reason's own.
    pub fn detail(&self, reason: Reason, language: Language) -> &str {
        let own = self.texts.iter().find(|(known, of, _)| (*known, *of) == (language, reason));
        own.map_or(reason.words(language).detail, |(_, _, text)| text)
    }
}
