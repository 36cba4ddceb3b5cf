//! Takes out of the filter what std would print of a panic: the filter prints it itself, and nothing else ever calls that.

use std::collections::HashSet;
use std::convert::Infallible;

use anyhow::{Result, ensure};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Function, Instruction, Module};
use wasmparser::{CustomSectionReader, FunctionBody, KnownCustom, Name, Parser, Payload, TypeRef};

/// What the names of those functions have in them. The first is what runs where no hook is set: `vm::start` sets one before
/// everything else. The second writes out a trace, of which this target has none. The third would be an error in the words of
/// a panic, which ends in a trap either way. No other function is like one of them: of two that are alike to the byte the
/// compiler keeps one, under one of their names.
const UNUSED: [&[&str]; 3] = [
    &["_RNv", "9panicking12default_hook"],
    &["_RNvX", "3std9backtrace", "7Display3fmt"],
    &["anyhow..error..ErrorImpl", "core..fmt..Debug"],
];

/// The module with a trap in place of these functions' bodies, so that wasm-opt finds what only they call; and without
/// the names by which they were found, or any other section of notes.
pub(crate) fn prune(module: &[u8]) -> Result<Vec<u8>> {
    let mut pruner = Pruner { bodies: unused(module)?, at: 0 };
    let mut pruned = Module::new();
    pruner.parse_core_module(&mut pruned, Parser::new(0), module)?;
    Ok(pruned.finish())
}

/// Which functions are unused, by their place among those that have bodies.
fn unused(module: &[u8]) -> Result<HashSet<usize>> {
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
    for parts in UNUSED {
        let is_found = found.iter().any(|(_, name)| has(name, parts));
        ensure!(
            is_found,
            "the filter has no function named {parts:?}: std names it anew, or cargo has taken the names away"
        );
    }
    Ok(found.into_iter().filter_map(|(index, _)| index.checked_sub(imported)).collect())
}

/// The functions of a section of names that are unused.
fn named(section: &CustomSectionReader<'_>) -> Result<Vec<(usize, String)>> {
    let KnownCustom::Name(names) = section.as_known() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for subsection in names {
        let Name::Function(functions) = subsection? else { continue };
        for function in functions {
            let function = function?;
            if UNUSED.iter().any(|parts| has(function.name, parts)) {
                found.push((usize::try_from(function.index)?, function.name.to_owned()));
            }
        }
    }
    Ok(found)
}

fn has(name: &str, parts: &[&str]) -> bool {
    parts.iter().all(|part| name.contains(part))
}

struct Pruner {
    bodies: HashSet<usize>,
    at: usize,
}

impl Reencode for Pruner {
    type Error = Infallible;

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Result<(), Error<Infallible>> {
        let is_unused = self.bodies.contains(&self.at);
        self.at += 1;
        if !is_unused {
            return utils::parse_function_body(self, code, body);
        }
        let mut trap = Function::new([]);
        trap.instruction(&Instruction::Unreachable).instruction(&Instruction::End);
        code.function(&trap);
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

    use super::*;

    /// A module with one imported function and one function for each name, each of which does nothing and is exported.
    fn module(names: &[&str]) -> Vec<u8> {
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

    /// Of each function whether it is a trap; and whether there is a section of notes.
    fn traps(module: &[u8]) -> (Vec<bool>, bool) {
        let (mut traps, mut has_notes) = (Vec::new(), false);
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::CodeSectionEntry(body) => {
                    let first = body.get_operators_reader().unwrap().read().unwrap();
                    traps.push(matches!(first, wasmparser::Operator::Unreachable));
                }
                Payload::CustomSection(_) => has_notes = true,
                _ => {}
            }
        }
        (traps, has_notes)
    }

    const NAMES: [&str; 5] = [
        "proxy_on_tick",
        "_RNvNtCs1_3std9panicking12default_hook",
        "_RNvXs4_NtCs1_3std9backtraceNtB5_9BacktraceNtNtCs2_4core3fmt7Display3fmt",
        "_ZN70_$LT$anyhow..error..ErrorImpl$LT$E$GT$$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
        "_RNvXs4_NtCs3_6filterNtB5_4LineNtNtCs2_4core3fmt7Display3fmt",
    ];

    #[test]
    fn what_prints_a_panic_is_a_trap_and_everything_else_as_it_was() {
        let whole = module(&NAMES);
        assert_eq!(traps(&whole), (vec![false; 5], true));
        assert_eq!(traps(&prune(&whole).unwrap()), (vec![false, true, true, true, false], false));
    }

    #[test]
    fn a_module_in_which_it_is_not_found_is_not_taken_for_a_pruned_one() {
        for missing in [1, 2, 3] {
            let mut names = NAMES;
            names[missing] = "another";
            let error = prune(&module(&names)).unwrap_err().to_string();
            assert!(error.contains("has no function"), "{error}");
        }
        let stripped = prune(&module(&NAMES)).unwrap();
        assert!(prune(&stripped).is_err(), "no names, nothing found");
    }
}
