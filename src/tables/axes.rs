//! The axes in tables: of each axis the values as written, and as numbers in each unit that any of them has; and
//! `axes.csv`, which lists them by cell.

use std::fmt::Write as _;

use super::axis;
use super::kind::{self, Columns, Kind};
use super::rows::push_field;
use super::study::Study;

/// The file's name.
pub const FILE: &str = "axes.csv";

/// The columns of the axes in tables.
pub fn columns(study: &Study) -> Columns {
    let mut columns = Columns::new();
    for axis in &study.axes {
        columns.push((axis.key.clone(), Kind::of(axis.values.iter().map(String::as_str))));
        columns.extend(axis.units().map(|unit| (format!("{}_{}", axis.key, unit.name), Kind::Number)));
    }
    columns
}

/// `,` and what stands in each column of the axes in a cell: empty where its value has not the column's unit.
pub fn push_values(line: &mut String, study: &Study, cell: usize) {
    for (axis, value) in study.axes.iter().zip(study.values(cell)) {
        push_field(line, value);
        for unit in axis.units() {
            push_exact(line, (unit.read)(value));
        }
    }
}

/// The columns of `axes.csv`.
pub fn file_columns() -> Columns {
    use Kind::{Integer, Number, Text};
    let names = [("cell", Integer), ("axis", Text), ("value", Text), ("number", Number), ("unit", Text)];
    kind::columns(&names)
}

/// The text of `axes.csv`: a row per cell and axis.
pub fn text(study: &Study) -> String {
    let mut text = kind::header(&file_columns());
    for cell in 0..study.cells() {
        for (axis, value) in study.axes.iter().zip(study.values(cell)) {
            let number = axis::number(value);
            text.push_str(&cell.to_string());
            push_field(&mut text, &axis.key);
            push_field(&mut text, value);
            push_exact(&mut text, number.map(|(number, _)| number));
            push_field(&mut text, number.map_or("", |(_, unit)| unit));
            text.push('\n');
        }
    }
    text
}

/// `,` and the number with as many decimals as it has.
fn push_exact(line: &mut String, number: Option<f64>) {
    line.push(',');
    if let Some(number) = number {
        let _ = write!(line, "{number}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::study;
    use super::*;

    fn lines(axes: &[(&str, &[&str])]) -> Vec<String> {
        let study = study(axes);
        let mut lines = vec![String::new()];
        for (name, _) in super::columns(&study) {
            push_field(&mut lines[0], &name);
        }
        lines.extend((0..study.cells()).map(|cell| {
            let mut line = String::new();
            push_values(&mut line, &study, cell);
            line
        }));
        lines
    }

    #[test]
    fn an_axis_with_a_unit_has_a_column_of_numbers_beside_it() {
        assert_eq!(
            lines(&[("link.x.delay", &["10ms", "0.3s", "250us"])]),
            [",link.x.delay,link.x.delay_ms", ",10ms,10", ",0.3s,300", ",250us,0.25"]
        );
        assert_eq!(lines(&[("link.x.loss", &["0%", "0.7%"])])[2], ",0.7%,0.7");
        assert_eq!(lines(&[("link.x.rate", &["1gbit", "1500kbit"])])[1..], [",1gbit,1000", ",1500kbit,1.5"]);
        assert_eq!(
            lines(&[("clients.a.size", &["64KiB", "1MB"])])[0],
            ",clients.a.size,clients.a.size_bytes"
        );
        assert_eq!(lines(&[("clients.a.arrivals", &["30/min", "2/s"])])[1], ",30/min,0.5");
    }

    #[test]
    fn values_of_several_units_have_a_column_for_each() {
        assert_eq!(
            lines(&[("link.x.queue", &["0.5bdp", "100 packets", "1 packet"])]),
            [
                ",link.x.queue,link.x.queue_bdp,link.x.queue_packets",
                ",0.5bdp,0.5,",
                ",100 packets,,100",
                ",1 packet,,1"
            ]
        );
    }

    #[test]
    fn numbers_and_words_have_their_own_column_alone() {
        let lines = lines(&[("clients.a.count", &["1", "16"]), ("tcp.congestion", &["reno", "cubic"])]);
        assert_eq!(lines[..2], [",clients.a.count,tcp.congestion", ",1,reno"]);
    }

    #[test]
    fn the_list_has_a_row_per_cell_and_axis() {
        let table = "{ model = \"gilbert-elliott\", p = \"1%\", r = \"50%\" }";
        let text = text(&study(&[("tcp.congestion", &["reno"]), ("link.x.loss", &["3%", table])]));
        assert_eq!(
            text,
            "cell,axis,value,number,unit\n0,tcp.congestion,reno,,\n0,link.x.loss,3%,3,percent\n\
             1,tcp.congestion,reno,,\n1,link.x.loss,\"{ model = \"\"gilbert-elliott\"\", p = \"\"1%\"\", r = \
             \"\"50%\"\" }\",,\n"
        );
        assert_eq!(super::text(&study(&[])), "cell,axis,value,number,unit\n");
    }
}
