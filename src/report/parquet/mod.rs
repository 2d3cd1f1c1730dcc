//! Tables of a result folder as Parquet files, whose columns have types.
//!
//! A column is of integers, of numbers or of texts, by its name and by all that stands in it; an empty field is null. The
//! series of all trials are one table each. The same folder gives the same bytes.

mod column;

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::disk::{Disk, Lock};
use super::error::ReportError;
use super::layout;
use super::manifest::Manifest;
use super::version;
use crate::tables::results::Row;
use crate::tables::rows::Table;
use crate::tables::{FileError, Results, axes, groups, series, summary};
use column::{Column, place};

/// Rows that a group of rows has at most, and that lie in memory at once.
const GROUP: usize = 1 << 17;

/// Writes the tables and series of `dir` into the folder `out`, and names each file that is whole. Returns the reason for
/// which the figures may not be those of a whole run.
pub fn export<E: From<ReportError>>(
    dir: &Path,
    out: &Path,
    mut name: impl FnMut(&Path) -> Result<(), E>,
) -> Result<Option<String>, E> {
    let manifest = Manifest::read(dir)?;
    let _lock = Lock::take(dir)?;
    let results = Results::load_some(Arc::new(Disk::of(dir)), &manifest.study).map_err(ReportError::from)?;
    fs::create_dir_all(out).map_err(ReportError::io("create", out))?;
    for source in sources(&results) {
        let columns = source.columns(&results).map_err(ReportError::from)?;
        if columns.is_empty() {
            continue;
        }
        let path = out.join(format!("{}.parquet", source.name()));
        let draft = path.with_extension(format!("parquet{}", layout::DRAFT));
        write(&draft, &source, &results, &manifest, columns)?;
        fs::rename(&draft, &path).map_err(ReportError::io("write", &path))?;
        name(&path)?;
    }
    Ok(super::doubt(dir, &manifest, |_| true)?)
}

/// Rows of one table.
enum Source {
    /// Of a table with rows of trials.
    Trials(Table),
    /// Of a computed table.
    Computed(&'static str),
    /// Of a file of each trial's series.
    Series(&'static str),
}

fn sources(results: &Results) -> Vec<Source> {
    let tables = Table::of(&results.study).into_iter().map(Source::Trials);
    let computed = [summary::FILE, groups::FILE, axes::FILE].map(Source::Computed);
    tables.chain(computed).chain(series::FILES.map(Source::Series)).collect()
}

impl Source {
    fn name(&self) -> String {
        let (folder, file) = match self {
            Source::Trials(table) => ("", table.file()),
            Source::Computed(file) => ("", *file),
            Source::Series(file) => ("series-", *file),
        };
        folder.to_owned() + file.trim_end_matches(".csv")
    }

    fn each_row(&self, results: &Results, mut visit: impl FnMut(&Row<'_>)) -> Result<(), FileError> {
        match self {
            Source::Trials(table) => results.each_row_of(*table, |_, row| visit(row)),
            Source::Computed(file) => results.each_row(Path::new(file), visit),
            Source::Series(file) => results.trials.iter().try_for_each(|trial| {
                let folder = series::folder(&results.study, trial.cell, trial.number);
                results.each_row(&folder.join(file), &mut visit)
            }),
        }
    }

    /// The columns in order, of every file where a few have some of their own.
    fn columns(&self, results: &Results) -> Result<Vec<Column>, FileError> {
        let mut columns: Vec<Column> = Vec::new();
        if let Source::Trials(table) = self {
            let header = table.header(&results.study);
            let mut reader = csv::Reader::from_reader(header.as_bytes());
            let path = results.path(table.file());
            let names = reader.headers().map_err(|error| FileError::malformed(&path, error))?;
            columns.extend(names.iter().map(|name| Column::new(name, &results.study)));
        }
        self.each_row(results, |row| {
            for (n, (name, field)) in row.fields().enumerate() {
                let place = place(&columns, n, name).unwrap_or_else(|| {
                    columns.push(Column::new(name, &results.study));
                    columns.len() - 1
                });
                columns[place].see(field);
            }
        })?;
        Ok(columns)
    }
}

fn write(
    path: &Path,
    source: &Source,
    results: &Results,
    manifest: &Manifest,
    mut columns: Vec<Column>,
) -> Result<(), ReportError> {
    let failed = |error| FileError::io("write", path)(std::io::Error::other::<ParquetError>(error));
    let file = File::create(path).map_err(ReportError::io("create", path))?;
    let mut writer = begin(file, manifest, &columns).map_err(failed)?;
    let (mut rows, mut problem) = (0, None);
    source.each_row(results, |row| {
        for (n, (name, field)) in row.fields().enumerate() {
            if let Some(place) = place(&columns, n, name) {
                columns[place].take(field);
            }
        }
        rows += 1;
        // Columns that this file has not.
        for column in columns.iter_mut().filter(|column| column.rows() < rows) {
            column.take("");
        }
        if rows == GROUP && problem.is_none() {
            problem = write_group(&mut writer, &mut columns).err();
            rows = 0;
        }
    })?;
    if let Some(problem) = problem {
        return Err(failed(problem).into());
    }
    let end = write_group(&mut writer, &mut columns).and_then(|()| writer.close());
    Ok(end.map(|_| ()).map_err(failed)?)
}

/// Begins a file, which says of what run it is.
fn begin(
    file: File,
    manifest: &Manifest,
    columns: &[Column],
) -> Result<SerializedFileWriter<File>, ParquetError> {
    let fields = columns.iter().map(|column| column.field().map(Arc::new)).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("testbed").with_fields(fields).build()?;
    let said = [
        ("scenario", &manifest.study.name),
        ("command", &manifest.command),
        ("version", &manifest.made_by()),
    ];
    let said = said.map(|(key, value)| KeyValue::new(key.to_owned(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::GZIP(GzipLevel::default()))
        .set_created_by(format!("testbed {}", version::VERSION))
        .set_key_value_metadata(Some(said.to_vec()))
        .build();
    SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))
}

/// Writes what the columns have gathered, and empties them.
fn write_group(writer: &mut SerializedFileWriter<File>, columns: &mut [Column]) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for column in columns {
        let Some(place) = group.next_column()? else { break };
        column.write(place)?;
    }
    group.close().map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;
    use crate::report::testing::{chat_outcome, run, study, with_chat};
    use crate::report::{Mode, ResultFolder, finish};
    use crate::tables::TrialRow;

    fn exported(dir: &Path, out: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let name = |path: &Path| {
            files.push(path.to_owned());
            Ok::<_, ReportError>(())
        };
        assert_eq!(export(dir, out, name).expect("exported"), None);
        files
    }

    /// Rows of a file, as the crate's own reader has them.
    fn rows(path: &Path) -> Vec<Vec<(String, Field)>> {
        let reader = SerializedFileReader::new(File::open(path).expect("a file")).expect("Parquet");
        let rows = reader.get_row_iter(None).expect("rows");
        rows.map(|row| row.expect("a row").into_columns()).collect()
    }

    /// Rows of a CSV file.
    fn lines(path: &Path) -> Vec<Vec<(String, String)>> {
        let mut reader = csv::Reader::from_path(path).expect("a table");
        let names = reader.headers().expect("a header").clone();
        let pair = |row: csv::StringRecord| {
            names.iter().zip(&row).map(|(name, field)| (name.to_owned(), field.to_owned())).collect()
        };
        reader.records().map(|row| pair(row.expect("a row"))).collect()
    }

    fn a_folder(axes: &[(&str, &[&str])]) -> tempfile::TempDir {
        let mut study = with_chat(study(axes));
        study.trials = 2;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut folder = ResultFolder::open(dir.path(), &study, &run(), Mode::Fresh).expect("opened");
        for n in 0..4 {
            let outcome = chat_outcome(n, 0.05);
            let (cell, trial) = (n as usize / 2, (n % 2) as u32);
            folder
                .append(&TrialRow { cell, trial, seed: n, outcome: &outcome, wall_s: 0.5 })
                .expect("written");
        }
        drop(folder);
        finish(dir.path(), "later", false).expect("finished");
        dir
    }

    #[test]
    fn every_table_is_read_back_with_its_types_and_every_field() {
        let dir = a_folder(&[("link.access.delay", &["10ms", "0.3s"])]);
        let out = dir.path().join("parquet");
        let files = exported(dir.path(), &out);
        let names: Vec<_> = files.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
        let tables = ["flows", "links", "realised", "trials", "summary", "groups", "axes"];
        assert_eq!(names, [&tables[..], &["series-flows", "series-links", "series-events"]].concat());
        for (name, path) in names.iter().zip(&files) {
            let found = rows(path);
            let expected: Vec<_> = match name.strip_prefix("series-") {
                None => lines(&dir.path().join(format!("{name}.csv"))),
                Some(file) => (0..4)
                    .map(|n| format!("series/{}/trial-{}/{file}.csv", n / 2, n % 2))
                    .flat_map(|file| lines(&dir.path().join(file)))
                    .collect(),
            };
            assert!(found.len() == expected.len() && !found.is_empty(), "{name}: {} rows", found.len());
            for ((column, field), (header, text)) in found.iter().flatten().zip(expected.iter().flatten()) {
                assert_eq!(column, header);
                let same = match field {
                    Field::Null => text.is_empty(),
                    Field::Long(value) => text.parse() == Ok(*value),
                    Field::Double(value) => text.parse() == Ok(*value),
                    Field::Str(value) => text == value,
                    other => panic!("{name}, {column}: {other:?}"),
                };
                assert!(same, "{name}, {column}: {field:?} for {text:?}");
            }
        }
        let kinds = |file: &str, column: &str| {
            let rows = rows(&out.join(file));
            let mut fields = rows.into_iter().flatten().filter(|(name, _)| name == column);
            fields.find_map(|(_, field)| (field != Field::Null).then_some(field)).expect("a field")
        };
        assert!(matches!(kinds("trials.parquet", "seed"), Field::Long(_)));
        assert!(matches!(kinds("trials.parquet", "goodput_mbit"), Field::Double(_)));
        assert!(matches!(kinds("trials.parquet", "link.access.delay"), Field::Str(_)));
        assert!(matches!(kinds("series-flows.parquet", "link.access.delay_ms"), Field::Double(10.0)));
        assert!(matches!(kinds("series-flows.parquet", "cwnd_bytes"), Field::Long(_)));
        assert!(matches!(kinds("series-events.parquet", "event"), Field::Str(_)));
    }

    #[test]
    fn the_same_folder_gives_the_same_bytes_and_the_next_run_clears_them() {
        let dir = a_folder(&[("clients.a.count", &["1", "16"])]);
        let places = [dir.path().join("parquet"), dir.path().join("other")];
        let bytes = places.each_ref().map(|out| {
            let files = exported(dir.path(), out);
            files.iter().map(|path| fs::read(path).expect("a file")).collect::<Vec<_>>()
        });
        assert!(bytes[0] == bytes[1]);
        layout::clear(dir.path()).expect("cleared");
        assert!(!places[0].exists() && places[1].exists());
    }
}
