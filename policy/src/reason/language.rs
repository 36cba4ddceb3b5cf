//! The languages that denials are told in, and what stands around their words on a page.

use super::{Reason, de, es, fr, ja};

/// A language that denials are told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// English: what is told to those who ask for none of the others.
    English,
    /// German.
    German,
    /// Spanish.
    Spanish,
    /// French.
    French,
    /// Japanese.
    Japanese,
}

/// What is told about a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// A short title for the person who is denied.
    pub title: &'static str,
    /// What the person can do next; never names groups, other members or keys.
    pub detail: &'static str,
}

/// What stands around them on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Before what the policy names as `denial_pages.contact`.
    pub contact: &'static str,
    /// Before the reason and the request's id.
    pub administrator: &'static str,
}

impl Language {
    /// Every language, the fallback first.
    pub const ALL: [Self; 5] = [Self::English, Self::German, Self::Spanish, Self::French, Self::Japanese];

    /// The subtag of BCP 47.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::Japanese => "ja",
        }
    }

    /// The language with this primary subtag, in any case.
    pub fn tagged(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }

    /// What stands around a reason's words.
    pub const fn frame(self) -> Frame {
        match self {
            Self::English => Frame { contact: "Questions?", administrator: "For your administrator:" },
            Self::German => de::FRAME,
            Self::Spanish => es::FRAME,
            Self::French => fr::FRAME,
            Self::Japanese => ja::FRAME,
        }
    }
}

impl Reason {
    /// What is told about it in a language.
    pub const fn words(self, language: Language) -> Words {
        match language {
            Language::English => Words { title: self.title(), detail: self.detail() },
            Language::German => de::words(self),
            Language::Spanish => es::words(self),
            Language::French => fr::words(self),
            Language::Japanese => ja::words(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_language_has_words_of_its_own_for_every_reason() {
        let mut details = HashSet::new();
        for language in Language::ALL {
            for reason in Reason::ALL {
                let Words { title, detail } = reason.words(language);
                assert!(!title.is_empty() && !title.ends_with(['.', '。']), "{} {reason}", language.tag());
                assert!(detail.ends_with(['.', '。']), "{} {reason}", language.tag());
                for text in [title, detail] {
                    assert!(!text.contains(['<', '>', '&', '"', '\n']), "{} {reason}", language.tag());
                }
                assert!(details.insert(detail), "{} {reason}: another has the same words", language.tag());
            }
        }
    }

    #[test]
    fn a_title_is_shared_in_every_language_by_the_same_reasons() {
        let shared = |language: Language| {
            let alike = |a: &Reason, b: &Reason| a.words(language).title == b.words(language).title;
            let pairs = Reason::ALL.iter().flat_map(|a| Reason::ALL.iter().map(move |b| (*a, *b)));
            pairs.filter(|(a, b)| alike(a, b)).collect::<Vec<_>>()
        };
        for language in Language::ALL {
            assert_eq!(shared(language), shared(Language::English), "{}", language.tag());
        }
    }

    #[test]
    fn a_language_is_found_by_its_tag() {
        for language in Language::ALL {
            assert_eq!(Language::tagged(language.tag()), Some(language));
        }
        assert_eq!(Language::tagged("DE"), Some(Language::German));
        assert_eq!(Language::tagged("nl"), None);
    }
}
