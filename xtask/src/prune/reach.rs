//! What of a module can be reached from its exports, by the relocations that the linker leaves in it: each says which function
//! or piece of data another one refers to.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use anyhow::{Result, ensure};
use wasmparser::{
    CustomSectionReader, ExternalKind, KnownCustom, Linking, Parser, Payload, RelocationEntry, RelocationType,
    SymbolInfo, TypeRef,
};

/// A module's functions and pieces of data, each by its place in the file.
#[derive(Default)]
pub(crate) struct Links {
    /// How many functions come before the first that has a body.
    pub(crate) imported: u32,
    bodies: Vec<Range<u64>>,
    segments: Vec<Range<u64>>,
    exports: Vec<u32>,
    /// Where the contents of each section begin.
    sections: Vec<u64>,
    symbols: Vec<Option<Symbol>>,
    /// Where something is referred to, and the number of its symbol.
    references: Vec<(u64, usize)>,
}

/// What can refer and be referred to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Symbol {
    Function(u32),
    Data(Range<u64>),
}

/// What is reached, and what is not.
pub(crate) struct Reached {
    functions: HashSet<u32>,
    unreached: Vec<Range<u64>>,
    data: Vec<Range<u64>>,
}

impl Links {
    pub(crate) fn read(module: &[u8]) -> Result<Self> {
        let mut links = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            links.take(payload?)?;
        }
        ensure!(!links.references.is_empty(), "the linker has left no relocations in the module");
        Ok(links)
    }

    fn take(&mut self, payload: Payload<'_>) -> Result<()> {
        if let Some((_, range)) = payload.as_section() {
            self.sections.push(range.start);
        }
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    self.imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    self.exports.extend((export.kind == ExternalKind::Func).then_some(export.index));
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body.range()),
            Payload::DataSection(segments) => {
                for segment in segments {
                    let segment = segment?;
                    let start = segment.range.end - u64::try_from(segment.data.len())?;
                    self.segments.push(start..segment.range.end);
                }
            }
            Payload::CustomSection(section) => self.take_notes(&section)?,
            _ => {}
        }
        Ok(())
    }

    fn take_notes(&mut self, section: &CustomSectionReader<'_>) -> Result<()> {
        match section.as_known() {
            KnownCustom::Linking(linking) => {
                for part in linking.subsections() {
                    let Linking::SymbolTable(symbols) = part? else { continue };
                    for symbol in symbols {
                        let symbol = self.symbol(&symbol?);
                        self.symbols.push(symbol);
                    }
                }
            }
            KnownCustom::Reloc(relocations) => {
                let Some(start) = self.sections.get(usize::try_from(relocations.section_index())?).copied() else {
                    return Ok(());
                };
                for relocation in relocations.entries() {
                    let RelocationEntry { ty, offset, index, .. } = relocation?;
                    if ty == RelocationType::TypeIndexLeb {
                        // Of a type, not of a symbol.
                        continue;
                    }
                    self.references.push((start + u64::from(offset), usize::try_from(index)?));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn symbol(&self, symbol: &SymbolInfo<'_>) -> Option<Symbol> {
        match symbol {
            SymbolInfo::Func { index, .. } => Some(Symbol::Function(*index)),
            SymbolInfo::Data { symbol: Some(place), .. } => {
                let start = self.segments.get(usize::try_from(place.index).ok()?)?.start + u64::from(place.offset);
                Some(Symbol::Data(start..start + u64::from(place.size)))
            }
            _ => None,
        }
    }

    /// What is reached from the exports, if functions with one of these numbers refer to nothing.
    pub(crate) fn reached(&self, is_end: impl Fn(u32) -> bool) -> Reached {
        let references = self.by_referrer();
        let mut reached = HashSet::new();
        let mut next: Vec<_> = self.exports.iter().copied().map(Symbol::Function).collect();
        while let Some(symbol) = next.pop() {
            if !reached.insert(symbol.clone()) || matches!(symbol, Symbol::Function(index) if is_end(index)) {
                continue;
            }
            next.extend(references.get(&symbol).into_iter().flatten().map(|symbol| (*symbol).clone()));
        }
        let (mut functions, mut data) = (HashSet::new(), Vec::new());
        let unreached = self.data().filter(|symbol| !reached.contains(symbol)).filter_map(range).collect();
        for symbol in reached {
            match symbol {
                Symbol::Function(index) => drop(functions.insert(index)),
                Symbol::Data(range) => data.push(range),
            }
        }
        Reached { functions, unreached, data }
    }

    /// Where a piece of data is referred to, and which.
    pub(crate) fn to_data(&self) -> impl Iterator<Item = (u64, Range<u64>)> {
        self.references.iter().filter_map(|(at, symbol)| Some((*at, range(self.symbols.get(*symbol)?.as_ref()?)?)))
    }

    /// Whether a place in the file is one of data.
    pub(crate) fn is_data(&self, at: u64) -> bool {
        self.segments.iter().any(|segment| segment.contains(&at))
    }

    /// Whether no other piece of data has a byte of this one.
    pub(crate) fn is_apart(&self, piece: &Range<u64>) -> bool {
        let mut others = self.data().filter_map(range).filter(|other| other != piece);
        others.all(|other| other.end <= piece.start || piece.end <= other.start)
    }

    fn data(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().flatten().filter(|symbol| matches!(symbol, Symbol::Data(_)))
    }

    fn by_referrer(&self) -> HashMap<Symbol, Vec<&Symbol>> {
        let mut by_referrer: HashMap<_, Vec<_>> = HashMap::new();
        for (at, symbol) in &self.references {
            let Some(Some(symbol)) = self.symbols.get(*symbol) else { continue };
            let body = self.bodies.partition_point(|body| body.end <= *at);
            if self.bodies.get(body).is_some_and(|body| body.contains(at)) {
                let index = self.imported.saturating_add(u32::try_from(body).unwrap_or(u32::MAX));
                by_referrer.entry(Symbol::Function(index)).or_default().push(symbol);
            } else {
                for data in self.data().filter(|data| range(data).is_some_and(|range| range.contains(at))) {
                    by_referrer.entry(data.clone()).or_default().push(symbol);
                }
            }
        }
        by_referrer
    }
}

impl Reached {
    pub(crate) fn has_function(&self, index: u32) -> bool {
        self.functions.contains(&index)
    }

    /// A segment, with zeros in place of what is not reached.
    pub(crate) fn segment(&self, segment: &[u8], start: u64) -> Vec<u8> {
        let mut left = segment.to_vec();
        for range in &self.unreached {
            if let Some(bytes) = within(range, start).and_then(|range| left.get_mut(range)) {
                bytes.fill(0);
            }
        }
        // The linker may have laid two pieces over each other.
        for range in &self.data {
            let Some(range) = within(range, start) else { continue };
            if let (Some(bytes), Some(original)) = (left.get_mut(range.clone()), segment.get(range)) {
                bytes.copy_from_slice(original);
            }
        }
        left
    }
}

fn range(symbol: &Symbol) -> Option<Range<u64>> {
    match symbol {
        Symbol::Data(range) => Some(range.clone()),
        Symbol::Function(_) => None,
    }
}

/// A range in the file as one in what begins there.
pub(crate) fn within(range: &Range<u64>, start: u64) -> Option<Range<usize>> {
    let at = |place: u64| usize::try_from(place.checked_sub(start)?).ok();
    Some(at(range.start)?..at(range.end)?)
}
