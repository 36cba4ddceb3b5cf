//! Takes out of the filter what nothing calls and what nobody reads, both of which the linker cannot know; then everything that
//! only those refer to.

mod places;
mod reach;

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Result, ensure};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, DataSection, Function, Instruction, Module};
use wasmparser::{CustomSectionReader, Data, FunctionBody, KnownCustom, Name, Parser, Payload};

use self::places::Change;
use self::reach::{Links, Reached};
use crate::shell;

/// What the names of functions have in them that nothing calls. The first writes out a trace, of which this target has none.
/// The second would be an error in the words of a panic, which ends in a trap either way. No other function is like one of
/// them: of two that are alike to the byte the compiler keeps one, under one of their names.
const UNUSED: &[&[&str]] =
    &[&["_RNvX", "13BacktraceLock5print", "7Display3fmt"], &["anyhow..error..ErrorImpl", "core..fmt..Debug"]];

/// What the names of functions have in them that say in words what is wrong with a key or a signature, or what the host
/// answered to a call that must not fail. Nobody reads the first, and of the second a panic says where it was. They say nothing.
const UNREAD: &[&[&str]] = &[
    &["jwt_simple..error..JWTError", "core..fmt..Display"],
    &["jwt_simple..error..JWTError", "core..fmt..Debug"],
    &["der..error..ErrorKind", "core..fmt..Display"],
    &["der..error..ErrorKind", "core..fmt..Debug"],
    &["rsa..errors..Error", "core..fmt..Display"],
    &["rsa..errors..Error", "core..fmt..Debug"],
    &["const_oid..error..Error", "core..fmt..Debug"],
    &["_RNvX", "4wasi13lib_generated", "5Errno", "5Debug3fmt"],
];

/// What takes the place of a function's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// A trap.
    Trap,
    /// The answer that all went well.
    Ok,
}

/// The module with other bodies for these functions, with traps and zeros in place of what nothing else refers to, so that
/// wasm-opt takes it away; and without the names and relocations by which it was found, or any other section of notes.
pub(crate) fn prune(module: &[u8]) -> Result<Vec<u8>> {
    let named = named(module)?;
    let links = Links::read(module)?;
    let reached = links.reached(|index| named.contains_key(&index));
    let changes = places::shortened(module, &links);
    let mut pruner = Pruner { named, reached, changes, next: links.imported };
    let mut pruned = Module::new();
    pruner.parse_core_module(&mut pruned, Parser::new(0), module)?;
    Ok(pruned.finish())
}

/// The bodies that functions are given by their names.
fn named(module: &[u8]) -> Result<HashMap<u32, Body>> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(section) = payload? {
            find(&section, &mut found)?;
        }
    }
    ensure!(!found.is_empty(), "the filter has no names: cargo has taken them away");
    for parts in UNUSED.iter().chain(UNREAD).filter(|parts| !found.iter().any(|(_, name)| has(name, parts))) {
        shell::progress(&format!(
            "no function of the filter is named {parts:?}: is it part of another, or named anew?"
        ));
    }
    Ok(found.into_iter().filter_map(|(index, name)| Some((index, body(&name)?))).collect())
}

/// The functions of a section of names that are given another body.
fn find(section: &CustomSectionReader<'_>, found: &mut Vec<(u32, String)>) -> Result<()> {
    let KnownCustom::Name(names) = section.as_known() else { return Ok(()) };
    for subsection in names {
        let Name::Function(functions) = subsection? else { continue };
        for function in functions {
            let function = function?;
            if body(function.name).is_some() {
                found.push((function.index, function.name.to_owned()));
            }
        }
    }
    Ok(())
}

/// The body that a function of this name is given, if it is one of those.
fn body(name: &str) -> Option<Body> {
    let is_in = |list: &[&[&str]]| list.iter().any(|parts| has(name, parts));
    is_in(UNUSED).then_some(Body::Trap).or_else(|| is_in(UNREAD).then_some(Body::Ok))
}

fn has(name: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| name.contains(part))
}

struct Pruner {
    named: HashMap<u32, Body>,
    reached: Reached,
    changes: Vec<Change>,
    /// The number of the function whose body comes next.
    next: u32,
}

impl Reencode for Pruner {
    type Error = Infallible;

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error<Infallible>> {
        let index = self.next;
        self.next += 1;
        let instruction = match self.named.get(&index) {
            Some(Body::Ok) => Instruction::I32Const(0),
            None if self.reached.has_function(index) => return utils::parse_function_body(self, code, body),
            Some(Body::Trap) | None => Instruction::Unreachable,
        };
        let mut function = Function::new([]);
        function.instruction(&instruction).instruction(&Instruction::End);
        code.function(&function);
        Ok(())
    }

    fn parse_data(&mut self, data: &mut DataSection, segment: Data<'_>) -> Result<(), Error<Infallible>> {
        let start = segment.range.end.saturating_sub(segment.data.len() as u64);
        let left = self.reached.segment(&places::changed(segment.data, start, &self.changes), start);
        utils::parse_data(self, data, Data { data: &left, ..segment })
    }

    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
