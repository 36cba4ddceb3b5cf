//! Aligned columns for people at a terminal.

/// Lines of columns; every cell is shown without what could steer a terminal.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column heads.
    pub(crate) fn with_heads(heads: &[&str]) -> Self {
        let mut table = Self::default();
        table.row(heads.iter().copied());
        table
    }

    /// Adds a line.
    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        self.rows.push(cells.into_iter().map(printable).collect());
    }

    /// The lines: columns two spaces apart, none at the end.
    pub(crate) fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:width$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_aligned_and_cannot_steer_a_terminal() {
        let mut table = Table::with_heads(&["EMAIL", "ROLE", "ID"]);
        table.row(["ada@acme.example", "admin", "1"]);
        table.row(["b\u{1b}[2J", "", "22"]);
        assert_eq!(
            table.text(),
            format!("EMAIL{:13}ROLE   ID\nada@acme.example  admin  1\nb\u{fffd}[2J{:20}22\n", "", "")
        );
    }
}
