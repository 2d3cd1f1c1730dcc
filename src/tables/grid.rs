//! A table in the forms that people and programs read.

use std::str::FromStr;

use super::lines;
use super::rows::{push_field, push_number};

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// A name or a word.
    Text(String),
    /// A number with its decimals; `None` where it does not exist.
    Number(Option<f64>, usize),
}

/// Names on the left, figures on the right.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Number of columns of names.
    pub names: usize,
    /// Heading and unit of each column.
    pub head: Vec<[String; 2]>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// Form of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Aligned for a terminal.
    #[default]
    Table,
    /// A table of GitHub's Markdown.
    Markdown,
    /// RFC 4180.
    Csv,
    /// An array of objects.
    Json,
    /// `tabular` with the rules of `booktabs`.
    Latex,
}

impl Format {
    /// All of them, by name.
    pub const ALL: [(&'static str, Format); 5] = [
        ("table", Format::Table),
        ("md", Format::Markdown),
        ("csv", Format::Csv),
        ("json", Format::Json),
        ("latex", Format::Latex),
    ];

    /// True for those that programs read, which want numbers apart from their intervals.
    pub fn is_for_programs(self) -> bool {
        matches!(self, Format::Csv | Format::Json)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let names = Format::ALL.map(|(name, _)| name).join(", ");
        let found = Format::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, format)| format).ok_or_else(|| format!("there are {names}"))
    }
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Cell::Text(text) => text.clone(),
            Cell::Number(Some(value), decimals) => format!("{value:.decimals$}"),
            Cell::Number(None, _) => "–".to_owned(),
        }
    }
}

impl Grid {
    /// The table as text.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Table => self.aligned(),
            Format::Markdown => self.markdown(),
            Format::Csv => self.csv(),
            Format::Json => render_all(std::slice::from_ref(self), format),
            Format::Latex => self.latex(),
        }
    }

    fn aligned(&self) -> String {
        let mut rows = vec![self.head.iter().map(|[name, _]| name.clone()).collect::<Vec<_>>()];
        if self.head.iter().any(|[_, unit]| !unit.is_empty()) {
            rows.push(self.head.iter().map(|[_, unit]| unit.clone()).collect());
        }
        rows.extend(self.rows.iter().map(|row| row.iter().map(Cell::text).collect()));
        lines::align(&rows, self.names)
    }

    /// Headings with their units behind them.
    fn titles(&self) -> impl Iterator<Item = String> {
        let title = |[name, unit]: &[String; 2]| {
            if unit.is_empty() { name.clone() } else { format!("{name} ({unit})") }
        };
        self.head.iter().map(title)
    }

    fn markdown(&self) -> String {
        let line = |fields: Vec<String>| {
            let fields: Vec<String> = fields.iter().map(|field| field.replace('|', "\\|")).collect();
            format!("| {} |\n", fields.join(" | "))
        };
        let rule = (0..self.head.len()).map(|n| if n < self.names { "---" } else { "---:" }.to_owned());
        let rows = self.rows.iter().map(|row| line(row.iter().map(Cell::text).collect()));
        [line(self.titles().collect()), line(rule.collect())].into_iter().chain(rows).collect()
    }

    fn csv(&self) -> String {
        let mut text = String::new();
        let mut row = |fields: &mut dyn Iterator<Item = &Cell>| {
            let mut line = String::new();
            for field in fields {
                match field {
                    Cell::Text(word) => push_field(&mut line, word),
                    Cell::Number(value, decimals) => push_number(&mut line, *value, *decimals),
                }
            }
            // Each field has its comma before it.
            text.push_str(line.get(1..).unwrap_or_default());
            text.push('\n');
        };
        let head: Vec<Cell> = self.head.iter().map(|[name, _]| Cell::Text(name.clone())).collect();
        row(&mut head.iter());
        self.rows.iter().for_each(|fields| row(&mut fields.iter()));
        text
    }

    /// The rows as JSON.
    fn values(&self) -> Vec<serde_json::Value> {
        let value = |cell: &Cell| match cell {
            Cell::Text(text) => serde_json::Value::from(text.as_str()),
            Cell::Number(Some(count), 0) => serde_json::Value::from(*count as u64),
            Cell::Number(value, decimals) => {
                let rounded = value.and_then(|value| format!("{value:.decimals$}").parse::<f64>().ok());
                rounded.map_or(serde_json::Value::Null, serde_json::Value::from)
            }
        };
        let object = |row: &Vec<Cell>| -> serde_json::Map<_, _> {
            self.head.iter().zip(row).map(|([name, _], cell)| (name.clone(), value(cell))).collect()
        };
        self.rows.iter().map(|row| object(row).into()).collect()
    }

    fn latex(&self) -> String {
        let columns: String = (0..self.head.len()).map(|n| if n < self.names { 'l' } else { 'r' }).collect();
        let line = |fields: Vec<String>| {
            let fields: Vec<String> = fields.iter().map(|field| escaped(field)).collect();
            format!("{} \\\\\n", fields.join(" & "))
        };
        let rows: String = self.rows.iter().map(|row| line(row.iter().map(Cell::text).collect())).collect();
        format!(
            "% \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\\midrule\n{rows}\\bottomrule\n\\end{{tabular}}\n",
            line(self.titles().collect())
        )
    }
}

/// Several tables, with an empty line between two; in JSON, the rows of all in one array.
pub fn render_all(grids: &[Grid], format: Format) -> String {
    if format == Format::Json {
        let rows: Vec<_> = grids.iter().flat_map(Grid::values).collect();
        return serde_json::to_string_pretty(&rows).expect("rows are JSON") + "\n";
    }
    grids.iter().map(|grid| grid.render(format)).collect::<Vec<_>>().join("\n")
}

/// A text in which LaTeX sees no commands.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '\\' => out.push_str("\\textbackslash{}"),
            '~' => out.push_str("\\textasciitilde{}"),
            '^' => out.push_str("\\textasciicircum{}"),
            '<' | '>' => out.extend(['$', c, '$']),
            '±' => out.push_str("$\\pm$"),
            '×' => out.push_str("$\\times$"),
            '−' => out.push_str("$-$"),
            '→' => out.push_str("$\\to$"),
            '–' => out.push_str("--"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let head = [["a.loss", ""], ["goodput", "Mbit/s"], ["verdict", ""]];
        let text = |text: &str| Cell::Text(text.to_owned());
        Grid {
            names: 1,
            head: head.map(|[name, unit]| [name.to_owned(), unit.to_owned()]).to_vec(),
            rows: vec![
                vec![text("1%, 2"), Cell::Number(Some(2.5), 2), text("a|b_c")],
                vec![text("x"), Cell::Number(None, 2), text("4.0 ± 0.1")],
            ],
        }
    }

    #[test]
    fn each_form_is_as_its_readers_want_it() {
        let grid = grid();
        assert_eq!(grid.render(Format::Csv), "a.loss,goodput,verdict\n\"1%, 2\",2.50,a|b_c\nx,,4.0 ± 0.1\n");
        assert_eq!(
            grid.render(Format::Markdown),
            "| a.loss | goodput (Mbit/s) | verdict |\n| --- | ---: | ---: |\n| 1%, 2 | 2.50 | a\\|b_c |\n\
             | x | – | 4.0 ± 0.1 |\n"
        );
        let rows: serde_json::Value = serde_json::from_str(&grid.render(Format::Json)).expect("JSON");
        assert_eq!(rows[0]["goodput"], 2.5);
        assert!(rows[1]["goodput"].is_null() && rows[1]["verdict"] == "4.0 ± 0.1");
        let latex = grid.render(Format::Latex);
        assert!(
            latex.contains("\\begin{tabular}{lrr}") && latex.contains("1\\%, 2 & 2.50 & a|b\\_c \\\\\n"),
            "{latex}"
        );
        assert!(latex.contains("x & -- & 4.0 $\\pm$ 0.1 \\\\\n"), "{latex}");
        assert!(
            grid.render(Format::Table)
                .starts_with("a.loss  goodput    verdict\n         Mbit/s\n1%, 2      2.50")
        );
        assert!(
            "html".parse::<Format>().is_err_and(|error| error == "there are table, md, csv, json, latex")
        );
    }
}
