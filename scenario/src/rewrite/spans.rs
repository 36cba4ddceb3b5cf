//! Where in the text each value stands, to the byte.

use std::ops::Range;

use saphyr_parser::{Event, Parser};

/// A value's place in the text.
#[derive(Clone, Debug)]
pub(super) struct Span {
    /// The bytes of the value; a block's go to the end of its last value.
    pub(super) bytes: Range<usize>,
    /// What stands below.
    pub(super) below: Below,
}

/// What stands below a value.
#[derive(Clone, Debug)]
pub(super) enum Below {
    /// A list.
    Items {
        /// In brackets, or in lines.
        flow: bool,
        /// In the order of the text.
        items: Vec<Span>,
    },
    /// A map's members.
    Members {
        /// In braces, or in lines.
        flow: bool,
        /// In the order of the text.
        members: Vec<Member>,
    },
    /// Nothing: a scalar.
    Nothing,
}

/// A member of a map.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its name.
    pub(super) name: String,
    /// The bytes of the name.
    pub(super) key: Range<usize>,
    /// Its value.
    pub(super) value: Span,
}

impl Span {
    /// The member with this name, of a map.
    pub(super) fn member(&self, name: &str) -> Option<&Span> {
        let Below::Members { members, .. } = &self.below else { return None };
        members.iter().find(|member| member.name == name).map(|member| &member.value)
    }

    /// An item of a list.
    pub(super) fn item(&self, index: usize) -> Option<&Span> {
        let Below::Items { items, .. } = &self.below else { return None };
        items.get(index)
    }
}

/// A list or a map whose end has not come yet.
struct Open {
    start: usize,
    flow: bool,
    /// Empty for a list.
    names: Vec<(String, Range<usize>)>,
    values: Vec<Span>,
    is_map: bool,
}

/// The places of one document; `None` where the text is none, or uses what scenario files may not.
pub(super) fn parse(text: &str) -> Option<Span> {
    // The parser counts characters.
    let mut at: Vec<usize> = text.char_indices().map(|(byte, _)| byte).collect();
    at.push(text.len());
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    while let Some(event) = parser.next_event() {
        let (event, span) = event.ok()?;
        let bytes = *at.get(span.start.index())?..*at.get(span.end.index())?;
        let finished = match event {
            Event::Alias(_) => return None,
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let is_map = matches!(event, Event::MappingStart(..));
                let flow = text.get(bytes.start..)?.starts_with(['{', '[']);
                open.push(Open { start: bytes.start, flow, names: Vec::new(), values: Vec::new(), is_map });
                continue;
            }
            Event::Scalar(name, ..) => match open.last_mut() {
                Some(map) if map.is_map && map.names.len() == map.values.len() => {
                    map.names.push((name.into_owned(), bytes));
                    continue;
                }
                _ => Span { bytes, below: Below::Nothing },
            },
            // The parser counts what stands behind a bracket to it: spaces, and a comment.
            Event::SequenceEnd | Event::MappingEnd => close(open.pop()?, bytes.start + 1),
            _ => continue,
        };
        match open.last_mut() {
            Some(above) => above.values.push(finished),
            None => root = Some(finished),
        }
    }
    root
}

/// `end` is where the brackets end, if there are any.
fn close(open: Open, end: usize) -> Span {
    // A block ends where its last value does; its own end is only noticed at the next thing in the text.
    let last = open.values.last().map_or(open.start, |value| value.bytes.end);
    let bytes = open.start..if open.flow { end } else { last };
    let below = if open.is_map {
        let pairs = open.names.into_iter().zip(open.values);
        let members = pairs.map(|((name, key), value)| Member { name, key, value }).collect();
        Below::Members { flow: open.flow, members }
    } else {
        Below::Items { flow: open.flow, items: open.values }
    };
    Span { bytes, below }
}
