//! Comma-separated values (RFC 4180) that a spreadsheet takes for text, whatever they say.

/// What makes a spreadsheet take a cell for a formula, where the cell begins with it.
const STARTS_FORMULA: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// One line, with its end. A cell that a spreadsheet would calculate gets an apostrophe in front, which makes it text.
pub(crate) fn line<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            line.push(',');
        }
        let guard = if cell.starts_with(STARTS_FORMULA) { "'" } else { "" };
        if cell.contains([',', '"', '\r', '\n']) {
            line.push_str(&format!("\"{guard}{}\"", cell.replace('"', "\"\"")));
        } else {
            line.push_str(guard);
            line.push_str(cell);
        }
    }
    line.push_str("\r\n");
    line
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn what_would_part_cells_or_lines_is_quoted() {
        assert_eq!(line(["a", "", "b c"]), "a,,b c\r\n");
        assert_eq!(line(["a,b", "say \"a\"", "two\r\nlines"]), "\"a,b\",\"say \"\"a\"\"\",\"two\r\nlines\"\r\n");
        assert_eq!(line([]), "\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for begin in ["=", "+", "-", "@", "\t", "＝", "＋", "－", "＠"] {
            assert_eq!(line([&*format!("{begin}1")]), format!("'{begin}1\r\n"));
        }
        assert_eq!(line(["=HYPERLINK(\"x\",\"y\")"]), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"\r\n");
        assert_eq!(line(["\r=1", "\n=1"]), "\"'\r=1\",\"'\n=1\"\r\n");
        assert_eq!(line(["a=1", "ada@acme.example", "2026-01-01"]), "a=1,ada@acme.example,2026-01-01\r\n");
    }
}
