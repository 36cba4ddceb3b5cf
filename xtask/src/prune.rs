//! Takes out of the filter what nothing calls and what nobody reads, both of which the linker cannot know.

use std::collections::HashMap;
use std::convert::Infallible;

use anyhow::{Result, ensure};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Function, Instruction, Module};
use wasmparser::{CustomSectionReader, FunctionBody, KnownCustom, Name, Parser, Payload, TypeRef};

use crate::shell;

/// What the names of functions have in them that nothing calls. All but the last write out a trace, of which this target has
/// none, and the names in it. The last would be an error in the words of a panic, which ends in a trap either way. No other
/// function is like one of them: of two that are alike to the byte the compiler keeps one, under one of their names.
const UNUSED: &[&[&str]] = &[
    &["_RNC", "3std9backtrace", "7Display3fmt"],
    &["_RNSN", "3std9backtrace", "7Display3fmt"],
    &["_RNvX", "13BacktraceLock5print", "7Display3fmt"],
    &["_RNvX", "9symbolize", "10SymbolName", "7Display3fmt"],
    &["_RNvX", "14rustc_demangle13DemangleStyle", "7Display3fmt"],
    &["anyhow..error..ErrorImpl", "core..fmt..Debug"],
];

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
    &["_RNvX", "3std2io5error", "5Error", "5Debug3fmt"],
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

/// The module with other bodies for these functions, so that wasm-opt finds what only they call; and without the names by
/// which they were found, or any other section of notes.
pub(crate) fn prune(module: &[u8]) -> Result<Vec<u8>> {
    let mut pruner = Pruner { bodies: replaced(module)?, at: 0 };
    let mut pruned = Module::new();
    pruner.parse_core_module(&mut pruned, Parser::new(0), module)?;
    Ok(pruned.finish())
}

/// What to replace, by the functions' places among those that have bodies.
fn replaced(module: &[u8]) -> Result<HashMap<usize, Body>> {
    let (mut imported, mut found) = (0, Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += usize::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::CustomSection(section) => found.extend(named(&section)?),
            _ => {}
        }
    }
    ensure!(!found.is_empty(), "the filter has no names: cargo has taken them away");
    for parts in UNUSED.iter().chain(UNREAD).filter(|parts| !found.iter().any(|(_, name)| has(name, parts))) {
        shell::progress(&format!(
            "no function of the filter is named {parts:?}: is it part of another, or named anew?"
        ));
    }
    Ok(found.into_iter().filter_map(|(index, name)| Some((index.checked_sub(imported)?, body(&name)?))).collect())
}

/// The functions of a section of names that are replaced.
fn named(section: &CustomSectionReader<'_>) -> Result<Vec<(usize, String)>> {
    let KnownCustom::Name(names) = section.as_known() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for subsection in names {
        let Name::Function(functions) = subsection? else { continue };
        for function in functions {
            let function = function?;
            if body(function.name).is_some() {
                found.push((usize::try_from(function.index)?, function.name.to_owned()));
            }
        }
    }
    Ok(found)
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
    bodies: HashMap<usize, Body>,
    at: usize,
}

impl Reencode for Pruner {
    type Error = Infallible;

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error<Infallible>> {
        let other = self.bodies.get(&self.at);
        self.at += 1;
        let instruction = match other {
            None => return utils::parse_function_body(self, code, body),
            Some(Body::Trap) => Instruction::Unreachable,
            Some(Body::Ok) => Instruction::I32Const(0),
        };
        let mut function = Function::new([]);
        function.instruction(&instruction).instruction(&Instruction::End);
        code.function(&function);
        Ok(())
    }

    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Result<(), Error<Infallible>> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{
        EntityType, ExportKind, ExportSection, FunctionSection, ImportSection, NameMap, NameSection, TypeSection,
    };
    use wasmparser::Operator;

    use super::*;

    /// A module with one imported function and one function for each name, each of which does nothing and is exported.
    fn module(names: &[String]) -> Vec<u8> {
        let (mut types, mut imports, mut functions) =
            (TypeSection::new(), ImportSection::new(), FunctionSection::new());
        let (mut exports, mut code, mut map) = (ExportSection::new(), CodeSection::new(), NameMap::new());
        types.ty().function([], []);
        imports.import("env", "host", EntityType::Function(0));
        for (index, name) in (1..).zip(names) {
            functions.function(0);
            exports.export(name, ExportKind::Func, index);
            let mut body = Function::new([]);
            body.instruction(&Instruction::Nop).instruction(&Instruction::End);
            code.function(&body);
            map.append(index, name);
        }
        let mut names = NameSection::new();
        names.functions(&map);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&exports).section(&code).section(&names);
        module.finish()
    }

    /// Of each function what it is now, if it is another; and whether there is a section of notes.
    fn bodies(module: &[u8]) -> (Vec<Option<Body>>, bool) {
        let (mut bodies, mut has_notes) = (Vec::new(), false);
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::CodeSectionEntry(body) => {
                    bodies.push(match body.get_operators_reader().unwrap().read().unwrap() {
                        Operator::Unreachable => Some(Body::Trap),
                        Operator::I32Const { value: 0 } => Some(Body::Ok),
                        _ => None,
                    });
                }
                Payload::CustomSection(_) => has_notes = true,
                _ => {}
            }
        }
        (bodies, has_notes)
    }

    /// A function of each kind that is replaced, as its name is made of these parts; then two that are not.
    fn names() -> Vec<String> {
        let replaced = UNUSED.iter().chain(UNREAD).map(|parts| parts.join("_"));
        replaced.chain(["proxy_on_tick", "_RNvXs4_NtCs3_6filterNtB5_4Line7Display3fmt"].map(str::to_owned)).collect()
    }

    #[test]
    fn what_nothing_calls_is_a_trap_and_what_nobody_reads_says_nothing() {
        let whole = module(&names());
        assert_eq!(bodies(&whole), (vec![None; names().len()], true));
        let mut expected = vec![Some(Body::Trap); UNUSED.len()];
        expected.extend(vec![Some(Body::Ok); UNREAD.len()]);
        expected.extend([None, None]);
        assert_eq!(bodies(&prune(&whole).unwrap()), (expected, false));
    }

    /// What a crate's generic code is compiled to in the crate that needs it ends in that crate's name, and others call it.
    #[test]
    fn what_is_only_compiled_for_a_crate_of_these_stays() {
        let mut names = names();
        names.push("_RNvXs1i_NtCs4_4core3fmtReNtB6_7Display3fmtCs2_14rustc_demangle".to_owned());
        names.push(
            "_ZN4core3ptr74drop_in_place$LT$core..option..Option$LT$std..backtrace..Backtrace$GT$$GT$17h0E".to_owned(),
        );
        let (bodies, _) = bodies(&prune(&module(&names)).unwrap());
        assert_eq!(bodies[names.len() - 2..], [None, None]);
    }

    #[test]
    fn one_that_is_part_of_another_leaves_the_others_as_they_would_be() {
        for missing in 0..UNUSED.len() + UNREAD.len() {
            let mut names = names();
            let (all, _) = bodies(&prune(&module(&names)).unwrap());
            names[missing] = "another".to_owned();
            let (mut others, _) = bodies(&prune(&module(&names)).unwrap());
            assert_eq!(others[missing], None, "{missing}");
            others[missing] = all[missing];
            assert_eq!(others, all, "{missing}");
        }
    }

    #[test]
    fn a_module_without_names_is_not_taken_for_a_pruned_one() {
        let stripped = prune(&module(&names())).unwrap();
        let error = prune(&stripped).unwrap_err().to_string();
        assert!(error.contains("no names"), "{error}");
    }
}
