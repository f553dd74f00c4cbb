//! Reads the CSV files in which independent tools' numbers come: a header, no quotes, no commas inside fields.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A CSV file in memory.
pub struct Table {
    rows: Vec<Line>,
}

/// One line of a table: column → text.
pub struct Line {
    cells: BTreeMap<String, String>,
}

impl Table {
    /// Reads `path`; panics where the file is not as plain as promised, so that no column is read as another.
    pub fn read(path: &Path) -> Table {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Table::parse(&text)
    }

    fn parse(text: &str) -> Table {
        assert!(!text.contains('"'), "quoted fields are not read");
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let line = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells.len(), header.len(), "{line}");
            Line { cells: header.iter().zip(cells).map(|(&name, cell)| (name.to_owned(), cell.to_owned())).collect() }
        };
        Table { rows: lines.map(line).collect() }
    }

    /// All lines, in order.
    pub fn lines(&self) -> &[Line] {
        &self.rows
    }

    /// The lines with `text` in `column`.
    pub fn having<'a>(&'a self, column: &'a str, text: &'a str) -> impl Iterator<Item = &'a Line> {
        self.rows.iter().filter(move |line| line.text(column) == text)
    }
}

impl Line {
    /// The text of a column that must be there.
    pub fn text(&self, column: &str) -> &str {
        self.cells.get(column).unwrap_or_else(|| panic!("no column {column}"))
    }

    /// The number in a column; `None` where the tool had none to give.
    pub fn number(&self, column: &str) -> Option<f64> {
        number(self.text(column))
    }

    /// The whole number in a column that must have one.
    pub fn integer(&self, column: &str) -> i64 {
        self.text(column).parse().unwrap_or_else(|error| panic!("{column}: {error}"))
    }

    /// Column and number of every column that is not in `keys`.
    pub fn numbers<'a>(&'a self, keys: &'a [&str]) -> impl Iterator<Item = (&'a str, Option<f64>)> {
        let values = self.cells.iter().filter(|(name, _)| !keys.contains(&name.as_str()));
        values.map(|(name, text)| (name.as_str(), number(text)))
    }
}

fn number(text: &str) -> Option<f64> {
    (!text.is_empty()).then(|| text.parse().unwrap_or_else(|error| panic!("{text}: {error}")))
}

#[test]
fn a_table_is_read_by_column_and_an_empty_cell_is_no_number() {
    let table = Table::parse("kind,n,auc\nall,3,\nwindow,2,0.5\n");
    assert_eq!(table.lines()[0].number("auc"), None);
    let windows: Vec<_> = table.having("kind", "window").collect();
    assert_eq!(windows.len(), 1);
    assert_eq!((windows[0].integer("n"), windows[0].number("auc")), (2, Some(0.5)));
    assert_eq!(windows[0].numbers(&["kind"]).collect::<Vec<_>>(), [("auc", Some(0.5)), ("n", Some(2.0))]);
}

#[test]
#[should_panic(expected = "left: 1")]
fn a_line_with_a_cell_too_few_is_not_read() {
    Table::parse("a,b\n1\n");
}
