//! Latencies: percentiles among what was and was not delivered, `HdrHistogram` logs of trials, and
//! the percentile text of a cell.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{IntervalLogHistogram, IntervalLogWriterBuilder, LogEntry};
use hdrhistogram::serialization::{Deserializer, V2DeflateSerializer};

use super::error::FileError;
use super::results::Results;
use super::study::Study;
use crate::facts::Measure;
use crate::time::Duration;

/// Nanoseconds in a millisecond: histograms hold the former, texts the latter.
const NANOS_PER_MS: f64 = 1e6;

/// Steps of the percentile text in each halving of the distance to 100 %, as `HdrHistogram`'s own
/// tools have them.
const TICKS_PER_HALF: u32 = 5;

/// The latency that a share `p` of the `expected` deliveries did not exceed, in nanoseconds. What
/// was not delivered counts as later than everything that was: a percentile among it is `None`.
pub fn percentile(delivered: &Histogram<u64>, expected: u64, p: f64) -> Option<u64> {
    let expected = expected.max(delivered.len());
    let rank = ((p * expected as f64).ceil() as u64).clamp(1, expected.max(1));
    let mut seen = 0;
    for step in delivered.iter_recorded() {
        seen += step.count_at_value();
        if seen >= rank {
            return Some(step.value_iterated_to().min(delivered.max()));
        }
    }
    None
}

/// Path of the histogram of a trial, below the result folder.
pub fn log_path(study: &Study, cell: usize, trial: u32) -> PathBuf {
    study.trial_path("latency", cell, trial).with_extension("hlog")
}

/// One trial's histogram as an interval log of one interval.
pub fn log(latency: &Histogram<u64>, measured: Duration) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("[Values in nanoseconds, Interval_Max in milliseconds]");
    builder.with_max_value_divisor(NANOS_PER_MS);
    builder.begin_log_with(&mut bytes, &mut serializer).and_then(|mut log| {
        let span = core::time::Duration::from_nanos(measured.as_nanos());
        log.write_histogram(latency, core::time::Duration::ZERO, span, None)
            .map_err(|error| std::io::Error::other(format!("{error:?}")))
    })?;
    Ok(bytes)
}

/// Reads a log back, which lies at that path.
pub fn read_log(bytes: &[u8], path: &Path) -> Result<Histogram<u64>, FileError> {
    let mut deserializer = Deserializer::new();
    let mut sum: Option<Histogram<u64>> = None;
    for entry in hdrhistogram::serialization::interval_log::IntervalLogIterator::new(bytes) {
        let Ok(entry) = entry else {
            return Err(FileError::malformed(path, "not an HdrHistogram log"));
        };
        if let LogEntry::Interval(interval) = entry {
            let histogram = decode(&mut deserializer, &interval)
                .ok_or_else(|| FileError::malformed(path, "not an HdrHistogram log"))?;
            match &mut sum {
                None => sum = Some(histogram),
                Some(sum) => {
                    sum.add(&histogram).map_err(|error| FileError::malformed(path, error))?;
                }
            }
        }
    }
    sum.ok_or_else(|| FileError::malformed(path, "an HdrHistogram log without a histogram"))
}

fn decode(deserializer: &mut Deserializer, interval: &IntervalLogHistogram<'_>) -> Option<Histogram<u64>> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(interval.encoded_histogram()).ok()?;
    deserializer.deserialize(&mut bytes.as_slice()).ok()
}

/// The latencies of all trials of a cell that have a log, and how many deliveries were expected.
pub fn of_cell(results: &Results, cell: usize) -> Result<Option<Histogram<u64>>, FileError> {
    let mut sum: Option<Histogram<u64>> = None;
    for trial in results.trials.of_cell(cell) {
        let file = log_path(&results.study, cell, trial.number);
        if !results.holds(&file) {
            continue;
        }
        let path = results.path(&file);
        let histogram = read_log(&results.read(&file)?, &path)?;
        match &mut sum {
            None => {
                let mut first = histogram;
                first.auto(true);
                sum = Some(first);
            }
            Some(sum) => sum.add(&histogram).map_err(|error| FileError::malformed(&path, error))?,
        }
    }
    Ok(sum)
}

/// The text of each `latency/<cell>.hgrm`, by its path below the folder.
pub fn percentiles(results: &Results) -> Result<Vec<(String, String)>, FileError> {
    let mut texts = Vec::new();
    if !results.study.measures(Measure::Latency) {
        return Ok(texts);
    }
    let complete = |cell: &usize| {
        let mut trials = results.trials.of_cell(*cell);
        trials.all(|trial| results.holds(log_path(&results.study, *cell, trial.number)))
    };
    // A text of all trials is not replaced by one of those whose logs are left.
    for cell in results.cells_with_trials().into_iter().filter(complete) {
        if let Some(histogram) = of_cell(results, cell)? {
            let expected: f64 = results.values(cell, "deliveries_expected").map(|(_, n)| n).sum();
            let missing = (expected as u64).saturating_sub(histogram.len());
            let name = format!("latency/{}.hgrm", results.study.cell_name(cell));
            texts.push((name, percentile_text(&histogram, missing)));
        }
    }
    Ok(texts)
}

/// The text that `HdrHistogram`'s own tools print and plot: values in milliseconds, of what was
/// delivered; how much was not stands at the end.
fn percentile_text(histogram: &Histogram<u64>, missing: u64) -> String {
    let mut text =
        format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    let mut seen = 0;
    for step in histogram.iter_quantiles(TICKS_PER_HALF) {
        seen += step.count_since_last_iteration();
        let value = step.value_iterated_to().min(histogram.max()) as f64 / NANOS_PER_MS;
        let quantile = step.quantile_iterated_to();
        let _ = write!(text, "{value:12.3} {quantile:2.12} {seen:10}");
        if quantile < 1.0 {
            let _ = write!(text, " {:14.2}", 1.0 / (1.0 - quantile));
        }
        text.push('\n');
    }
    let ms = |nanos: f64| nanos / NANOS_PER_MS;
    let _ = writeln!(
        text,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n\
         #[Max     = {:12.3}, Total count    = {:12}]\n\
         #[Buckets = {:12}, SubBuckets     = {:12}]",
        ms(histogram.mean()),
        ms(histogram.stdev()),
        ms(histogram.max() as f64),
        histogram.len(),
        histogram.buckets(),
        // The library keeps the number to itself; this is how it is defined.
        (2 * 10_u64.pow(u32::from(histogram.sigfig()))).next_power_of_two(),
    );
    if missing > 0 {
        let _ = writeln!(text, "#[Missing = {missing:12}, never delivered, in no percentile above]");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).expect("three digits are allowed");
        for &value in values {
            histogram.record(value).expect("it grows");
        }
        histogram
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let h = histogram(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(percentile(&h, 10, 0.5), Some(5));
        assert_eq!(percentile(&h, 10, 0.9), Some(9));
        assert_eq!(percentile(&h, 10, 0.99), Some(10));
        assert_eq!(percentile(&h, 10, 1.0), Some(10));
    }

    #[test]
    fn the_undelivered_are_later_than_everything() {
        let h = histogram(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(percentile(&h, 10, 0.9), Some(9));
        assert_eq!(percentile(&h, 10, 0.91), None);
        assert_eq!(percentile(&h, 10, 1.0), None);
        assert_eq!(percentile(&histogram(&[]), 10, 0.5), None);
        assert_eq!(percentile(&histogram(&[]), 0, 0.5), None);
    }

    #[test]
    fn a_log_reads_back() {
        let h = histogram(&[1_000_000, 25_000_000, 25_000_000, 3_000_000_000]);
        let log = || log(&h, Duration::from_secs(28)).expect("memory takes all");
        let first = log();
        assert!(String::from_utf8_lossy(&first).contains(",28.000,3"));
        assert_eq!(read_log(&first, Path::new("trial-1.hlog")).expect("read"), h);
        assert_eq!(first, log());
    }

    #[test]
    fn percentile_text_has_the_usual_columns_and_footer() {
        let text = percentile_text(&histogram(&[1_000_000, 2_000_000, 3_000_000, 4_000_000]), 0);
        let words: Vec<&str> = text.lines().next().expect("a line").split_whitespace().collect();
        assert_eq!(words, ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]);
        let last = text.lines().rfind(|line| !line.starts_with('#')).expect("a row");
        let last: Vec<&str> = last.split_whitespace().collect();
        // The maximum stands at 1.0, without an odds column.
        assert_eq!(last[1..], ["1.000000000000", "4"]);
        assert!(last[0].starts_with("4.0") || last[0] == "4.000", "{last:?}");
        let footer: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(footer.len(), 3);
        assert!(footer[0].starts_with("#[Mean    =        2.5"), "{text}");
        assert!(footer[1].contains("Total count    =            4]"), "{text}");
        assert!(footer[2].contains("SubBuckets     =         2048]"), "{text}");
    }
}
