//! The axes in tables: of each axis the values as written, and as numbers in each unit that any of them has; and
//! `axes.csv`, which lists them by cell.

use std::fmt::Write as _;

use super::axis;
use super::rows::push_field;
use super::study::Study;

/// The file's name.
pub const FILE: &str = "axes.csv";

/// `,` and the name of each column of the axes.
pub fn push_names(line: &mut String, study: &Study) {
    for axis in &study.axes {
        push_field(line, &axis.key);
        for unit in axis.units() {
            push_field(line, &format!("{}_{}", axis.key, unit.name));
        }
    }
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

/// True if a column of this name has the numbers of an axis.
#[cfg(feature = "parquet")]
pub fn is_number(study: &Study, column: &str) -> bool {
    let is_of = |axis: &axis::Axis| axis.units().any(|unit| column == format!("{}_{}", axis.key, unit.name));
    study.axes.iter().any(is_of)
}

/// The text of `axes.csv`: a row per cell and axis.
pub fn text(study: &Study) -> String {
    let mut text = "cell,axis,value,number,unit\n".to_owned();
    for cell in 0..study.cells() {
        for (axis, value) in study.axes.iter().zip(study.values(cell)) {
            let number = axis::number(value);
            text.push_str(&study.cell_name(cell));
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

    fn columns(axes: &[(&str, &[&str])]) -> Vec<String> {
        let study = study(axes);
        let mut lines = vec![String::new()];
        push_names(&mut lines[0], &study);
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
            columns(&[("link.x.delay", &["10ms", "0.3s", "250us"])]),
            [",link.x.delay,link.x.delay_ms", ",10ms,10", ",0.3s,300", ",250us,0.25"]
        );
        assert_eq!(columns(&[("link.x.loss", &["0%", "0.7%"])])[2], ",0.7%,0.7");
        assert_eq!(
            columns(&[("link.x.rate", &["1gbit", "1500kbit"])])[1..],
            [",1gbit,1000", ",1500kbit,1.5"]
        );
        assert_eq!(
            columns(&[("clients.a.size", &["64KiB", "1MB"])])[0],
            ",clients.a.size,clients.a.size_bytes"
        );
        assert_eq!(columns(&[("clients.a.arrivals", &["30/min", "2/s"])])[1], ",30/min,0.5");
    }

    #[test]
    fn values_of_several_units_have_a_column_for_each() {
        assert_eq!(
            columns(&[("link.x.queue", &["0.5bdp", "100 packets", "1 packet"])]),
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
        let lines = columns(&[("clients.a.count", &["1", "16"]), ("tcp.congestion", &["reno", "cubic"])]);
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
