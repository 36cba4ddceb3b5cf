//! `denial_pages`: what the operator puts into denials.

use usher_policy::model::DenialPages;
use usher_policy::reason::{Language, Reason};

use super::field_path::quoted;
use super::reader::{Node, Recorded};

/// The longest contact and the longest text, in bytes.
const MAX_CONTACT: usize = 200;
const MAX_TEXT: usize = 1_000;

/// Reads the contact, and the texts by language and reason.
pub(super) fn read(node: &Node<'_>) -> Result<DenialPages, Recorded> {
    node.object(|fields| {
        let contact = fields.optional("contact", |node| node.text(MAX_CONTACT).map(str::to_owned));
        let texts = fields.or("texts", Vec::new(), texts);
        Ok(DenialPages { contact: contact?, texts: texts? })
    })
}

fn texts(node: &Node<'_>) -> Result<Vec<(Language, Reason, String)>, Recorded> {
    let mut texts = Vec::new();
    let mut faulty = Ok(());
    for (tag, node) in node.members(1..=Language::ALL.len())? {
        let Some(language) = Language::ALL.into_iter().find(|language| language.tag() == tag) else {
            faulty = Err(node.fault(format!("unknown language {}. Write `en`, `de`, `es`, `fr` or `ja`", quoted(tag))));
            continue;
        };
        for (code, node) in node.members(1..=Reason::ALL.len())? {
            match (Reason::from_code(code), node.text(MAX_TEXT)) {
                (Some(reason), Ok(text)) => texts.push((language, reason, text.to_owned())),
                (Some(_), Err(recorded)) => faulty = Err(recorded),
                (None, _) => {
                    let message = format!("unknown reason {}. They are listed in docs/reasons.md", quoted(code));
                    faulty = Err(node.fault(message));
                }
            }
        }
    }
    faulty.map(|()| texts)
}
