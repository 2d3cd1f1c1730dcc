//! Tables of a result folder as Parquet files, whose columns have types.
//!
//! A column is of integers, of numbers or of texts, as the table has it and whatever stands in it; of an axis, as its
//! values are. An empty field is null. The series of all trials are one table each. The same folder gives the same bytes.

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
use crate::tables::kind::Columns;
use crate::tables::results::Row;
use crate::tables::rows::Table;
use crate::tables::{FileError, Results, Study, axes, groups, series, summary};
use column::{Column, place};

/// Rows that a group of rows has at most, and that lie in memory at once.
const GROUP: usize = 1 << 17;

/// Writes the tables and series of `dir` into the folder `out`, in place of those of an earlier export, and names each
/// file that is whole. `go_on` is asked before each group of rows. Returns the reason for which the figures may not
/// be those of a whole run.
pub fn export<E: From<ReportError>>(
    dir: &Path,
    out: &Path,
    go_on: impl Fn() -> Result<(), E>,
    mut name: impl FnMut(&Path) -> Result<(), E>,
) -> Result<Option<String>, E> {
    let manifest = Manifest::read(dir)?;
    let _lock = Lock::take(dir)?;
    let results = Results::load_some(Arc::new(Disk::of(dir)), &manifest.study).map_err(ReportError::from)?;
    layout::clear_exported(out)?;
    fs::create_dir_all(out).map_err(ReportError::io("create", out))?;
    for source in sources(&results) {
        let path = out.join(source.file());
        let draft = path.with_extension(format!("{}{}", &layout::EXPORTED_ENDING[1..], layout::DRAFT));
        let rows = write(&draft, &source, &results, &manifest, GROUP, &go_on);
        let is_whole = rows.as_ref().is_ok_and(|rows| *rows > 0 || source.has_no_need_of_rows());
        if !is_whole {
            // A second error would only hide the first.
            let _ = fs::remove_file(&draft);
        }
        rows?;
        if is_whole {
            fs::rename(&draft, &path).map_err(ReportError::io("write", &path))?;
            name(&path)?;
        }
    }
    Ok(super::doubt(dir, &manifest, |_| true)?)
}

/// Rows of one table.
enum Source {
    /// Of a table with rows of trials.
    Trials(Table),
    /// Of a computed table, with its columns.
    Computed(&'static str, Columns),
    /// Of a file of each trial's series.
    Series(&'static str),
}

fn sources(results: &Results) -> Vec<Source> {
    let study = &results.study;
    let tables = Table::of(study).into_iter().map(Source::Trials);
    let computed = [
        Source::Computed(summary::FILE, summary::columns(study)),
        Source::Computed(groups::FILE, groups::columns(study)),
        Source::Computed(axes::FILE, axes::file_columns()),
    ];
    tables.chain(computed).chain(series::FILES.map(Source::Series)).collect()
}

impl Source {
    /// The exported file.
    fn file(&self) -> String {
        match self {
            Source::Trials(table) => layout::exported("", table.file()),
            Source::Computed(file, _) => layout::exported("", file),
            Source::Series(file) => layout::exported(layout::SERIES, file),
        }
    }

    /// True if a file without rows says something: that nothing of the kind happened.
    const fn has_no_need_of_rows(&self) -> bool {
        matches!(self, Source::Trials(_))
    }

    /// The columns that its rows may have.
    fn columns(&self, study: &Study) -> Columns {
        match self {
            Source::Trials(table) => table.columns(study),
            Source::Computed(_, columns) => columns.clone(),
            Source::Series(file) => series::columns(file, study, true),
        }
    }

    /// Calls `visit` with each row, until it returns false.
    fn each_row(&self, results: &Results, mut visit: impl FnMut(&Row<'_>) -> bool) -> Result<(), FileError> {
        let mut goes_on = true;
        match self {
            Source::Trials(table) => {
                results.each_row_of(*table, |_, row| goes_on = goes_on && visit(row))?;
            }
            Source::Computed(file, _) => {
                results.any_row(Path::new(file), |row| !visit(row))?;
            }
            Source::Series(file) => {
                for trial in results.trials.iter() {
                    let folder = series::folder(&results.study, trial.cell, trial.number);
                    if results.any_row(&folder.join(file), |row| !visit(row))? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes a file with groups of so many rows; the number of rows.
fn write<E: From<ReportError>>(
    path: &Path,
    source: &Source,
    results: &Results,
    manifest: &Manifest,
    group: usize,
    go_on: impl Fn() -> Result<(), E>,
) -> Result<usize, E> {
    let failed = |error| ReportError::io("write", path)(std::io::Error::other::<ParquetError>(error));
    let mut columns: Vec<Column> = source.columns(&results.study).into_iter().map(Column::new).collect();
    let file = File::create(path).map_err(ReportError::io("create", path))?;
    let mut writer = begin(file, manifest, &columns).map_err(failed)?;
    let mut rows = 0;
    let mut problem = go_on().err();
    let mut take = |row: &Row<'_>| -> Result<(), E> {
        gather(&mut columns, row).map_err(failed)?;
        rows += 1;
        if rows % group == 0 {
            go_on()?;
            write_group(&mut writer, &mut columns).map_err(failed)?;
        }
        Ok(())
    };
    let visit = |row: &Row<'_>| {
        if problem.is_none() {
            problem = take(row).err();
        }
        problem.is_none()
    };
    source.each_row(results, visit).map_err(ReportError::from)?;
    if let Some(problem) = problem {
        return Err(problem);
    }
    if rows % group > 0 {
        write_group(&mut writer, &mut columns).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    Ok(rows)
}

/// Gathers the fields of a row; null in columns that its file has not.
fn gather(columns: &mut [Column], row: &Row<'_>) -> Result<(), ParquetError> {
    let rows = columns.first().map_or(0, Column::rows) + 1;
    for (n, (name, field)) in row.fields().enumerate() {
        let Some(place) = place(columns, n, name) else {
            return Err(ParquetError::General(format!("there is a column {name}")));
        };
        columns[place].take(field)?;
    }
    columns.iter_mut().filter(|column| column.rows() < rows).try_for_each(|column| column.take(""))
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
        assert_eq!(export(dir, out, || Ok(()), name).expect("exported"), None);
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

    /// Columns of series that only some trials have.
    const MORE: [&str; 3] = ["alpha", "marked_fraction", "capacity_bytes"];

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
            let known = found.iter().zip(&expected).flat_map(|(found, expected)| {
                let (known, others) = found.split_at(expected.len());
                assert!(
                    others.iter().all(|(name, field)| MORE.contains(&name.as_str()) && *field == Field::Null)
                );
                known.iter().zip(expected)
            });
            for ((column, field), (header, text)) in known {
                assert_eq!(column, header);
                let same = match field {
                    Field::Null => text.is_empty(),
                    Field::ULong(value) => column == "seed" && text.parse() == Ok(*value),
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
        assert!(matches!(kinds("trials.parquet", "seed"), Field::ULong(_)));
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
        // Of an earlier export, and of somebody else.
        fs::write(places[1].join("probes.parquet"), "old").expect("written");
        fs::write(places[1].join("mine.parquet"), "mine").expect("written");
        exported(dir.path(), &places[1]);
        assert!(!places[1].join("probes.parquet").exists() && places[1].join("mine.parquet").exists());
        layout::clear(dir.path()).expect("cleared");
        assert!(!places[0].exists() && places[1].join("trials.parquet").exists());
    }

    #[test]
    fn groups_of_rows_lose_and_add_none_at_their_bounds() {
        let dir = a_folder(&[("link.access.delay", &["10ms", "0.3s"])]);
        let manifest = Manifest::read(dir.path()).expect("a manifest");
        let results = Results::load_some(Arc::new(Disk::of(dir.path())), &manifest.study).expect("results");
        let file = dir.path().join("some.parquet");
        // Four rows: more than a group has, exactly as many, two full groups, and less.
        for (group, groups) in [(3, 2), (4, 1), (2, 2), (5, 1)] {
            let source = Source::Trials(Table::Trials);
            let written = write(&file, &source, &results, &manifest, group, || Ok::<_, ReportError>(()));
            assert_eq!(written.expect("written"), 4);
            let reader = SerializedFileReader::new(File::open(&file).expect("a file")).expect("Parquet");
            assert_eq!((reader.num_row_groups(), rows(&file).len()), (groups, 4), "{group}");
            let seeds = rows(&file).into_iter().flatten().filter(|(name, _)| name == "seed");
            assert!(seeds.map(|(_, seed)| seed).eq((0..4).map(Field::ULong)), "{group}");
        }
    }

    #[test]
    fn an_export_that_ends_early_leaves_no_draft() {
        let dir = a_folder(&[("link.access.delay", &["10ms", "0.3s"])]);
        let out = dir.path().join("parquet");
        let asked = std::cell::Cell::new(0);
        let stop = || {
            asked.set(asked.get() + 1);
            if asked.get() < 3 { Ok(()) } else { Err(ReportError::InUse { path: PathBuf::new() }) }
        };
        export(dir.path(), &out, stop, |_| Ok(())).expect_err("stopped");
        let left = || fs::read_dir(&out).expect("a folder").map(|file| file.expect("a file").file_name());
        let drafts = || left().filter(|name| name.to_string_lossy().ends_with(layout::DRAFT)).count();
        assert_eq!((left().count(), drafts()), (2, 0));
        // A field that is of no number.
        let links = dir.path().join("links.csv");
        let text = fs::read_to_string(&links).expect("a table");
        let last = text.trim_end().rfind(',').expect("a field");
        fs::write(&links, format!("{},soon\n", &text[..last])).expect("written");
        let problem = export(dir.path(), &out, || Ok(()), |_| Ok::<_, ReportError>(())).expect_err("refused");
        assert!(problem.to_string().contains("soon stands in column jain_index"), "{problem}");
        assert_eq!(drafts(), 0);
    }
}
