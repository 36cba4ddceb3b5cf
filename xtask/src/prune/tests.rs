use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, DataSymbolDefinition, EntityType, ExportKind, ExportSection,
    FunctionSection, ImportSection, LinkingSection, MemorySection, MemoryType, NameMap, NameSection, SymbolTable,
    TypeSection,
};
use wasmparser::{Operator, RelocationType};

use super::*;

/// Pieces of data of this length, one after the other.
const PIECE: u32 = 4;

/// A module with one imported function, functions, and pieces of data, all of which may refer to others. The symbol of a
/// function has its number, those of data come after them. The first function is exported.
#[derive(Default)]
struct Built {
    functions: Vec<(String, Vec<u32>)>,
    data: Vec<Vec<u32>>,
    /// How many bytes of the next piece each piece has.
    overlap: u32,
}

impl Built {
    fn function(mut self, name: &str, references: &[u32]) -> Self {
        self.functions.push((name.to_owned(), references.to_vec()));
        self
    }

    fn data(mut self, references: &[u32]) -> Self {
        self.data.push(references.to_vec());
        self
    }

    fn module(&self) -> Vec<u8> {
        let count = u32::try_from(self.functions.len()).unwrap();
        let (mut types, mut imports, mut functions) =
            (TypeSection::new(), ImportSection::new(), FunctionSection::new());
        let (mut memories, mut exports) = (MemorySection::new(), ExportSection::new());
        let (mut code, mut names, mut symbols) = (CodeSection::new(), NameMap::new(), SymbolTable::new());
        types.ty().function([], []);
        imports.import("env", "host", EntityType::Function(0));
        memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
        exports.export("first", ExportKind::Func, 1);
        symbols.function(SymbolTable::WASM_SYM_UNDEFINED, 0, None);
        let mut of_code = Vec::new();
        for (index, (name, references)) in (1..).zip(&self.functions) {
            functions.function(0);
            // Each body is its length, no locals, a `nop` and the end, behind the length of the section.
            of_code.extend(references.iter().map(|symbol| (1 + (index - 1) * 4 + 2, *symbol)));
            let mut body = Function::new([]);
            body.instruction(&Instruction::Nop).instruction(&Instruction::End);
            code.function(&body);
            names.append(index, name);
            symbols.function(0, index, Some(name));
        }
        let (mut data, mut of_data) = (DataSection::new(), Vec::new());
        let pieces = u32::try_from(self.data.len()).unwrap();
        data.active(0, &ConstExpr::i32_const(0), vec![7; (pieces * PIECE + self.overlap) as usize]);
        for (index, references) in (0..).zip(&self.data) {
            // The head of the section: how many segments, the kind of the first, where it goes (3), its length.
            of_data.extend(references.iter().map(|symbol| (6 + index * PIECE, *symbol)));
            let place = DataSymbolDefinition { index: 0, offset: index * PIECE, size: PIECE + self.overlap };
            symbols.data(0, &format!("data{}", count + index), Some(place));
        }
        let (mut linking, mut name_section) = (LinkingSection::new(), NameSection::new());
        linking.symbol_table(&symbols);
        name_section.functions(&names);
        let mut module = Module::new();
        module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports);
        module.section(&code).section(&data).section(&linking);
        for (name, section, references) in [("reloc.CODE", 5, of_code), ("reloc.DATA", 6, of_data)] {
            let mut bytes = vec![section, u8::try_from(references.len()).unwrap()];
            for (offset, symbol) in references {
                let (offset, symbol) = (u8::try_from(offset).unwrap(), u8::try_from(symbol).unwrap());
                bytes.extend([RelocationType::FunctionIndexLeb as u8, offset, symbol]);
            }
            module.section(&CustomSection { name: name.into(), data: bytes.into() });
        }
        module.section(&name_section);
        module.finish()
    }
}

/// What a pruned module has of the functions and of the data, and whether it has notes.
struct Left {
    bodies: Vec<Option<Body>>,
    data: Vec<bool>,
    has_notes: bool,
}

fn left(module: &[u8]) -> Left {
    let mut left = Left { bodies: Vec::new(), data: Vec::new(), has_notes: false };
    for payload in Parser::new(0).parse_all(module) {
        match payload.unwrap() {
            Payload::CodeSectionEntry(body) => {
                left.bodies.push(match body.get_operators_reader().unwrap().read().unwrap() {
                    Operator::Unreachable => Some(Body::Trap),
                    Operator::I32Const { value: 0 } => Some(Body::Ok),
                    _ => None,
                });
            }
            Payload::DataSection(segments) => {
                for segment in segments {
                    let pieces = segment.unwrap().data.chunks(PIECE as usize).map(|piece| piece == [7; PIECE as usize]);
                    left.data.extend(pieces);
                }
            }
            Payload::CustomSection(_) => left.has_notes = true,
            _ => {}
        }
    }
    left
}

fn pruned(built: &Built) -> Left {
    left(&prune(&built.module()).unwrap())
}

/// A function of each kind that is given another body, called by the first; its name is made of these parts.
fn of_all_kinds() -> Built {
    let names: Vec<_> = UNUSED.iter().chain(UNREAD).map(|parts| parts.join("_")).collect();
    let symbols: Vec<_> = (2..).take(names.len()).collect();
    names.iter().fold(Built::default().function("first", &symbols), |built, name| built.function(name, &[]))
}

#[test]
fn what_nothing_calls_is_a_trap_and_what_nobody_reads_says_nothing() {
    let whole = of_all_kinds();
    let before = left(&whole.module());
    assert_eq!(before.bodies, vec![None; whole.functions.len()]);
    assert!(before.has_notes);
    let mut expected = vec![None];
    expected.extend(vec![Some(Body::Trap); UNUSED.len()]);
    expected.extend(vec![Some(Body::Ok); UNREAD.len()]);
    let after = pruned(&whole);
    assert_eq!(after.bodies, expected);
    assert!(!after.has_notes);
}

#[test]
fn one_that_is_part_of_another_leaves_the_others_as_they_would_be() {
    let all = pruned(&of_all_kinds()).bodies;
    for missing in 1..all.len() {
        let mut built = of_all_kinds();
        built.functions[missing].0 = "another".to_owned();
        let mut others = pruned(&built).bodies;
        assert_eq!(others[missing], None, "{missing}");
        others[missing] = all[missing];
        assert_eq!(others, all, "{missing}");
    }
}

/// The names in it are those of `UNREAD`'s first, whose error nobody reads.
fn unread() -> String {
    UNREAD[0].join("_")
}

#[test]
fn what_only_those_refer_to_goes_with_them() {
    let built = Built::default()
        .function("first", &[2, 3, 5])
        .function(&unread(), &[4, 5, 7])
        .function("reached", &[6])
        .function("of the unread only", &[8])
        .function("of both", &[])
        .data(&[])
        .data(&[9])
        .data(&[])
        .data(&[]);
    let left = pruned(&built);
    assert_eq!(left.bodies, [None, Some(Body::Ok), None, Some(Body::Trap), None]);
    assert_eq!(left.data, [true, false, false, false]);
}

#[test]
fn what_data_refers_to_stays_however_far_away_it_is() {
    let built = Built::default()
        .function("first", &[2, 4])
        .function(&unread(), &[])
        .function("by the last piece", &[2])
        .data(&[5])
        .data(&[4, 6])
        .data(&[3]);
    let left = pruned(&built);
    assert_eq!(left.bodies, [None, Some(Body::Ok), None]);
    assert_eq!(left.data, [true, true, true]);
}

#[test]
fn what_two_pieces_share_stays_with_either() {
    let mut built = Built::default().function("first", &[2, 4]).function(&unread(), &[3]).data(&[]).data(&[]).data(&[]);
    let apart = Links::read(&built.module()).unwrap();
    assert!(apart.to_data().all(|(_, piece)| apart.is_apart(&piece)));
    assert_eq!(pruned(&built).data, [false, true, false]);
    built.overlap = PIECE;
    let shared = Links::read(&built.module()).unwrap();
    assert!(shared.to_data().all(|(at, piece)| !shared.is_apart(&piece) && !shared.is_data(at)));
    assert_eq!(pruned(&built).data, [false, true, true, false]);
}

#[test]
fn a_module_without_names_or_relocations_is_not_taken_for_a_pruned_one() {
    let built = Built::default().function("first", &[2]).function("second", &[]);
    assert!(prune(&built.module()).unwrap_err().to_string().contains("no names"));
    let built = Built::default().function("first", &[]).function(&unread(), &[]);
    assert!(prune(&built.module()).unwrap_err().to_string().contains("no relocations"));
}
