//! Numbers that a controller in Python gives: any kind of number, within what makes sense.

use pyo3::prelude::*;
use pyo3::types::PyInt;

use testbed::units::Rate;

/// Largest window in bytes: a second of 8 Tbit/s.
const MOST_BYTES: f64 = MOST_WHOLE as f64;
const MOST_WHOLE: u64 = 1 << 40;

/// A window in bytes, such as `cwnd`.
pub fn window(value: &Bound<'_, PyAny>, name: &str) -> Result<u64, String> {
    // Whole numbers, which are most, without a detour.
    if value.is_instance_of::<PyInt>()
        && let Ok(bytes @ 1..=MOST_WHOLE) = value.extract::<u64>()
    {
        return Ok(bytes);
    }
    let bytes = number(value, name, "bytes")?;
    if (1.0..=MOST_BYTES).contains(&bytes) {
        return Ok(bytes as u64);
    }
    Err(format!("{name} is {bytes} bytes: it must be at least 1 and at most {MOST_BYTES}"))
}

/// A threshold in bytes; infinite, or `None`, is none.
pub fn threshold(value: &Bound<'_, PyAny>, name: &str) -> Result<Option<u64>, String> {
    if value.is_none() {
        return Ok(None);
    }
    if value.extract::<f64>().is_ok_and(|number| number == f64::INFINITY) {
        return Ok(Some(u64::MAX));
    }
    window(value, name).map(Some)
}

/// A rate in bits per second; `None` is none.
pub fn rate(value: &Bound<'_, PyAny>, name: &str) -> Result<Option<Rate>, String> {
    if value.is_none() {
        return Ok(None);
    }
    let bits = number(value, name, "bits per second")?;
    let rate = Some(bits)
        .filter(|bits| *bits <= 8.0 * MOST_BYTES)
        .and_then(|bits| Rate::from_bits_per_second(bits as u64));
    rate.map(Some).ok_or_else(|| format!("{name} is {bits} bit/s: it must be at least 1, or None"))
}

fn number(value: &Bound<'_, PyAny>, name: &str, unit: &str) -> Result<f64, String> {
    let Ok(number) = value.extract::<f64>() else {
        let given = value.repr().map_or_else(|_| "something".to_owned(), |text| text.to_string());
        return Err(format!("{name} is {given}: it must be a number of {unit}"));
    };
    if number.is_finite() {
        Ok(number)
    } else {
        Err(format!("{name} is {number}: it must be a number of {unit}"))
    }
}
