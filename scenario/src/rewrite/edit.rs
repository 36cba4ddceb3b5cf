//! Edits of a text, collected first and made at once.

use std::ops::Range;

use serde_json::Value;

use super::spans::{Below, Member, Span};
use crate::yaml::{flow, scalar};

/// What shall stand where.
pub(super) struct Edits<'t> {
    text: &'t str,
    list: Vec<(Range<usize>, String)>,
}

impl<'t> Edits<'t> {
    /// None yet.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, list: Vec::new() }
    }

    /// Another value in the place of one.
    pub(super) fn replace(&mut self, span: &Span, value: &Value) {
        let space = if span.bytes.is_empty() { " " } else { "" };
        self.list.push((span.bytes.clone(), format!("{space}{}", flow(value))));
    }

    /// Other items in the place of all of a list; `None` where a comment stands among them.
    pub(super) fn replace_items(&mut self, list: &Span, items: &[Value]) -> Option<()> {
        let Below::Items { flow: in_brackets, .. } = &list.below else { return None };
        self.without_comment(list.bytes.clone())?;
        let items: Vec<String> = items.iter().map(flow).collect();
        let text = if *in_brackets {
            format!("[{}]", items.join(", "))
        } else {
            let items: Vec<String> = items.iter().map(|item| format!("- {item}")).collect();
            items.join(&self.line_break(list.bytes.start)?)
        };
        self.list.push((list.bytes.clone(), text));
        Some(())
    }

    /// Another member in the place of one.
    pub(super) fn replace_member(&mut self, map: &Span, old: &str, new: &str, value: &Value) -> Option<()> {
        let Below::Members { members, .. } = &map.below else { return None };
        let member = members.iter().find(|member| member.name == old)?;
        self.list.push((member.key.start..member.value.bytes.end, entry(new, value)));
        Some(())
    }

    /// Takes members out of a map and puts others in.
    pub(super) fn change_members(&mut self, map: &Span, gone: &[&str], added: &[(&str, &Value)]) -> Option<()> {
        let Below::Members { flow, members } = &map.below else { return None };
        if gone.is_empty() && added.is_empty() {
            return Some(());
        }
        let added: Vec<String> = added.iter().map(|(name, value)| entry(name, value)).collect();
        let kept: Vec<&Member> = members.iter().filter(|member| !gone.contains(&member.name.as_str())).collect();
        if kept.is_empty() {
            // Nothing of it stays: in lines as in braces it is written anew.
            let text = if *flow || added.is_empty() {
                format!("{{{}}}", added.join(", "))
            } else {
                added.join(&self.line_break(map.bytes.start)?)
            };
            self.list.push((map.bytes.clone(), text));
            return Some(());
        }
        if *flow { self.change_flow(members, gone, &added) } else { self.change_block(members, gone, &added) }
    }

    /// The text with all edits; `None` where two of them overlap.
    pub(super) fn apply(mut self) -> Option<String> {
        self.list.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(self.text.len());
        let mut at = 0;
        for (range, new) in &self.list {
            text.push_str(self.text.get(at..range.start)?);
            text.push_str(new);
            at = range.end;
        }
        text.push_str(self.text.get(at..)?);
        Some(text)
    }

    /// `{a: 1, b: 2}`: a member goes with the comma before it, the first with the one after it.
    fn change_flow(&mut self, members: &[Member], gone: &[&str], added: &[String]) -> Option<()> {
        let is_gone = |member: &Member| gone.contains(&member.name.as_str());
        let first_kept = members.iter().position(|member| !is_gone(member))?;
        self.take_first(members, first_kept)?;
        let mut end = members.get(first_kept)?.value.bytes.end;
        let mut last_kept = end;
        for member in members.iter().skip(first_kept + 1) {
            if is_gone(member) {
                self.without_comment(end..member.key.start)?;
                self.list.push((end..member.value.bytes.end, String::new()));
            } else {
                last_kept = member.value.bytes.end;
            }
            end = member.value.bytes.end;
        }
        if !added.is_empty() {
            self.list.push((last_kept..last_kept, format!(", {}", added.join(", "))));
        }
        Some(())
    }

    /// A member a line: one goes with its line, but for a comment on it; one is added below the last.
    fn change_block(&mut self, members: &[Member], gone: &[&str], added: &[String]) -> Option<()> {
        let is_gone = |member: &Member| gone.contains(&member.name.as_str());
        let first = members.first()?;
        // The first stands behind a dash, so that another has to come up to its place.
        let first_kept = members.iter().position(|member| !is_gone(member))?;
        self.take_first(members, first_kept)?;
        for member in members.iter().skip(first_kept).filter(|member| is_gone(member)) {
            self.list.push((self.lines_of(member)?, String::new()));
        }
        if !added.is_empty() {
            let line_break = self.line_break(first.key.start)?;
            let last = members.iter().rfind(|member| !is_gone(member))?;
            let end = self.line_end(last.value.bytes.end)?;
            let lines: String = added.iter().map(|entry| format!("{line_break}{entry}")).collect();
            self.list.push((end..end, lines));
        }
        Some(())
    }

    /// The first kept member comes up to the place of the first.
    fn take_first(&mut self, members: &[Member], first_kept: usize) -> Option<()> {
        for (member, next) in members.iter().zip(members.iter().skip(1)).take(first_kept) {
            self.without_comment(member.value.bytes.end..next.key.start)?;
            self.list.push((member.key.start..next.key.start, String::new()));
        }
        Some(())
    }

    /// A comment is somebody's words: what would go with one is not edited.
    fn without_comment(&self, between: Range<usize>) -> Option<()> {
        (!self.text.get(between)?.contains('#')).then_some(())
    }

    /// What goes with a member that stands on lines of its own: all of them, but not a comment behind it.
    fn lines_of(&self, member: &Member) -> Option<Range<usize>> {
        let line_start = self.text.get(..member.key.start)?.rfind('\n')? + 1;
        let line_end = self.line_end(member.value.bytes.end)?;
        let behind = self.text.get(member.value.bytes.end..line_end)?;
        if behind.trim().is_empty() {
            // With the end of the line before it: the last line of a file may have none.
            let before = self.text.get(..line_start)?;
            let before = before.strip_suffix("\r\n").or_else(|| before.strip_suffix('\n'))?;
            return Some(before.len()..line_end);
        }
        let spaces = behind.len() - behind.trim_start().len();
        Some(member.key.start..member.value.bytes.end + spaces)
    }

    /// The end of the line on which a byte stands, before its line break.
    fn line_end(&self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let line = rest.split('\n').next()?;
        Some(at + line.strip_suffix('\r').unwrap_or(line).len())
    }

    /// A line break as the file has them, and the indentation of what begins at a byte.
    fn line_break(&self, at: usize) -> Option<String> {
        let line_start = self.text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
        let column = self.text.get(line_start..at)?.chars().count();
        let end = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        Some(format!("{end}{}", " ".repeat(column)))
    }
}

fn entry(name: &str, value: &Value) -> String {
    format!("{}: {}", scalar(name), flow(value))
}
