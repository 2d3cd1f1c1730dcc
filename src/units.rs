//! Quantities with units, parsed once from iproute2's vocabulary: `"10mbit"`, `"25ms"`, `"10%"`,
//! `"64KiB"`. After parsing, no string is looked at again.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use crate::time::Duration;

/// A link or pacing rate in bits per second; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(u64);

/// A probability, kept as a 64-bit threshold so that a draw is one comparison without floats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u64);

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Longer times are mistakes, and sums of a few thousand of them still fit.
pub const LONGEST: Duration = Duration::from_secs(1000 * 3600);

/// Error of reading a quantity: the problem, and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {help}")]
pub struct UnitError {
    /// Problem of the text.
    pub problem: String,
    /// Mend.
    pub help: String,
}

impl Rate {
    /// A rate of `bits` per second; `None` for zero.
    pub const fn from_bits_per_second(bits: u64) -> Option<Rate> {
        if bits == 0 { None } else { Some(Rate(bits)) }
    }

    /// Bits per second.
    pub const fn bits_per_second(self) -> u64 {
        self.0
    }

    /// Megabits per second, for tables and plots.
    pub fn as_mbit(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Time that `bytes` take at this rate, rounded up to the nanosecond.
    pub fn time_for(self, bytes: u64) -> Duration {
        let nanos = (u128::from(bytes) * 8_000_000_000).div_ceil(u128::from(self.0));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Number of whole bytes that pass in `span`.
    pub fn bytes_in(self, span: Duration) -> u64 {
        let bytes = u128::from(self.0) * u128::from(span.as_nanos()) / 8_000_000_000;
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

impl Probability {
    /// It never happens.
    pub const NEVER: Probability = Probability(0);
    /// It always happens.
    pub const ALWAYS: Probability = Probability(u64::MAX);

    /// A probability between 0 and 1; `None` outside.
    pub fn new(fraction: f64) -> Option<Probability> {
        if !(0.0..=1.0).contains(&fraction) {
            return None;
        }
        // 2^64; the cast saturates, so that 1.0 becomes ALWAYS.
        Some(Probability((fraction * 18_446_744_073_709_551_616.0) as u64))
    }

    /// True if a uniform 64-bit `draw` falls within the probability.
    pub const fn hits(self, draw: u64) -> bool {
        draw < self.0 || self.0 == u64::MAX
    }

    /// True if it can never happen.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// As a fraction between 0 and 1, for tables and formulas.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 18_446_744_073_709_551_616.0
    }
}

/// The units of a quantity, with what one of each is in the base unit.
pub struct Units {
    /// True if they may be written in capitals.
    pub any_case: bool,
    scales: &'static [(&'static str, f64)],
}

/// Of times, in nanoseconds.
pub static TIMES: &Units = &Units {
    any_case: false,
    scales: &[
        ("ns", 1.0),
        ("us", 1e3),
        ("usec", 1e3),
        ("usecs", 1e3),
        // Both letters look alike: the micro sign (U+00B5) and the Greek mu (U+03BC).
        ("\u{b5}s", 1e3),
        ("\u{3bc}s", 1e3),
        ("ms", 1e6),
        ("msec", 1e6),
        ("msecs", 1e6),
        ("s", 1e9),
        ("sec", 1e9),
        ("secs", 1e9),
        ("min", 60e9),
        ("h", 3600e9),
    ],
};

/// Of rates, in bits per second.
pub static RATES: &Units = &Units {
    any_case: true,
    scales: &[
        ("bit", 1.0),
        ("bit/s", 1.0),
        ("kbit", 1e3),
        ("kbit/s", 1e3),
        ("mbit", 1e6),
        ("mbit/s", 1e6),
        ("gbit", 1e9),
        ("gbit/s", 1e9),
        ("tbit", 1e12),
        ("tbit/s", 1e12),
        ("kibit", 1024.0),
        ("mibit", 1_048_576.0),
        ("gibit", 1_073_741_824.0),
    ],
};

/// Of sizes, in bytes.
pub static SIZES: &Units = &Units {
    any_case: true,
    scales: &[
        ("b", 1.0),
        ("kb", 1e3),
        ("k", 1e3),
        ("mb", 1e6),
        ("m", 1e6),
        ("gb", 1e9),
        ("g", 1e9),
        ("kib", 1024.0),
        ("mib", 1_048_576.0),
        ("gib", 1_073_741_824.0),
    ],
};

/// Prefixes that may stand before an ambiguous "bps".
const BPS_PREFIXES: &[&str] = &["", "k", "m", "g", "t"];

impl Units {
    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.scales.iter().map(|(name, _)| *name)
    }

    fn scale(&self, unit: &str, text: &str, what: &str, help: &str) -> Result<f64, UnitError> {
        let same = |name: &str| if self.any_case { name.eq_ignore_ascii_case(unit) } else { name == unit };
        match self.scales.iter().find(|(name, _)| same(name)) {
            Some((_, scale)) => Ok(*scale),
            None if unit.is_empty() => Err(no_unit(text, what, help)),
            None => Err(unknown_unit(unit, what, help)),
        }
    }
}

impl FromStr for Duration {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Duration, UnitError> {
        const HELP: &str = "write a duration with its unit, up to \"1000h\": \"25ms\", \"1.5s\", \"2min\"";
        let (number, unit) = split(text, "a duration", HELP)?;
        let scale = TIMES.scale(unit, text, "a duration", HELP)?;
        let span = Duration::from_nanos(whole(number, scale, text, HELP)?);
        if span > LONGEST { Err(too_large(text, HELP)) } else { Ok(span) }
    }
}

impl FromStr for Rate {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Rate, UnitError> {
        // Bound of the number: see `whole`.
        const HELP: &str = "write a rate in bits per second, up to \"9000000tbit\": \"10mbit\", \"64kbit\"";
        let (number, unit) = split(text, "a rate", HELP)?;
        let lower = unit.to_ascii_lowercase();
        if let Some(prefix) = lower.strip_suffix("bps").filter(|prefix| BPS_PREFIXES.contains(prefix)) {
            return Err(UnitError {
                problem: format!("\"{unit}\" means bytes per second to iproute2 and bits to most others"),
                help: format!("write \"{}{prefix}bit\" if you mean bits", text.trim_end_matches(unit).trim()),
            });
        }
        let scale = RATES.scale(unit, text, "a rate", HELP)?;
        let bits = whole(number, scale, text, HELP)?;
        Rate::from_bits_per_second(bits).ok_or_else(|| UnitError {
            problem: "a rate of zero moves nothing".to_owned(),
            help: "leave `rate` out for an unlimited link, or use loss = \"100%\" to cut it".to_owned(),
        })
    }
}

impl FromStr for Probability {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Probability, UnitError> {
        const HELP: &str = "write a probability in percent: \"10%\", \"0.5%\"";
        let (number, unit) = split(text, "a probability", HELP)?;
        match unit {
            "%" => {}
            "" => return Err(no_unit(text, "a probability", HELP)),
            _ => return Err(unknown_unit(unit, "a probability", HELP)),
        }
        Probability::new(number / 100.0).ok_or_else(|| UnitError {
            problem: format!("{text} is not a probability"),
            help: "a probability lies between \"0%\" and \"100%\"".to_owned(),
        })
    }
}

impl FromStr for Bytes {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Bytes, UnitError> {
        const HELP: &str = "write a size in bytes: \"200B\", \"64KiB\", \"1MB\"";
        let (number, unit) = split(text, "a size", HELP)?;
        let scale = SIZES.scale(unit, text, "a size", HELP)?;
        Ok(Bytes(whole(number, scale, text, HELP)?))
    }
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// `1 trial`, `3 trials`: so many of something.
pub fn plural(n: u64, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// `512 bytes`, `881 MB`, `1.9 GB`: so many bytes, as much of them as anybody wants to know.
pub fn size(bytes: u64) -> String {
    let (unit, scale) = match bytes {
        0..1_000 => return plural(bytes, "byte"),
        1_000..1_000_000 => ("kB", 1e3),
        1_000_000..1_000_000_000 => ("MB", 1e6),
        1_000_000_000..1_000_000_000_000 => ("GB", 1e9),
        _ => ("TB", 1e12),
    };
    let number = bytes as f64 / scale;
    if number < 9.95 { format!("{number:.1} {unit}") } else { format!("{number:.0} {unit}") }
}

/// Splits `"10 mbit"` into its number and its unit.
fn split<'a>(text: &'a str, what: &str, help: &str) -> Result<(f64, &'a str), UnitError> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_')))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let value = number
        .replace('_', "")
        .parse::<f64>()
        .map_err(|_| UnitError { problem: format!("\"{text}\" is not {what}"), help: help.to_owned() })?;
    Ok((value, unit.trim()))
}

/// `number × scale` as a whole number of base units.
fn whole(number: f64, scale: f64, text: &str, help: &str) -> Result<u64, UnitError> {
    let value = (number * scale).round();
    if value < 0.0 {
        return Err(UnitError { problem: format!("\"{text}\" is negative"), help: help.to_owned() });
    }
    // 2^63 leaves room to add two of them.
    if value >= 9_223_372_036_854_775_808.0 {
        return Err(too_large(text, help));
    }
    Ok(value as u64)
}

fn too_large(text: &str, help: &str) -> UnitError {
    UnitError { problem: format!("\"{text}\" is too large"), help: help.to_owned() }
}

fn no_unit(text: &str, what: &str, help: &str) -> UnitError {
    UnitError { problem: format!("\"{text}\" has no unit; {what} needs one"), help: help.to_owned() }
}

fn unknown_unit(unit: &str, what: &str, help: &str) -> UnitError {
    UnitError { problem: format!("\"{unit}\" is no unit of {what}"), help: help.to_owned() }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n % 1_000_000_000 == 0 => write!(f, "{}gbit", n / 1_000_000_000),
            n if n % 1_000_000 == 0 => write!(f, "{}mbit", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{}kbit", n / 1_000),
            n => write!(f, "{n}bit"),
        }
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ten digits hide the rounding of the threshold and show all that a file can say.
        let percent = (self.as_f64() * 1e12).round() / 1e10;
        write!(f, "{percent}%")
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            n if n > 0 && n % (1 << 30) == 0 => write!(f, "{}GiB", n >> 30),
            n if n > 0 && n % 1_048_576 == 0 => write!(f, "{}MiB", n / 1_048_576),
            n if n > 0 && n % 1024 == 0 => write!(f, "{}KiB", n / 1024),
            n => write!(f, "{n}B"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_iproute2s_words() {
        assert_eq!("10mbit".parse::<Rate>().map(Rate::bits_per_second), Ok(10_000_000));
        assert_eq!("1.5 Gbit".parse::<Rate>().map(Rate::bits_per_second), Ok(1_500_000_000));
        assert_eq!("25ms".parse(), Ok(Duration::from_millis(25)));
        assert_eq!("0.5s".parse(), Ok(Duration::from_millis(500)));
        for micro in ["10us", "10\u{b5}s", "10\u{3bc}s", "10 \u{3bc}s"] {
            assert_eq!(micro.parse(), Ok(Duration::from_micros(10)), "{micro}");
        }
        assert_eq!("64KiB".parse(), Ok(Bytes(65536)));
        assert_eq!("10%".parse::<Probability>().map(|p| p.to_string()), Ok("10%".to_owned()));
        assert_eq!("0.01%".parse::<Probability>().map(|p| p.to_string()), Ok("0.01%".to_owned()));
    }

    #[test]
    fn refuses_the_ambiguous_and_the_impossible() {
        let mbps = "10Mbps".parse::<Rate>().unwrap_err();
        assert!(mbps.help.contains("10mbit"), "{mbps}");
        for bad in ["0mbit", "-1mbit", "10", "fast", "10 furlongs", "1e30tbit", "99999999999tbit"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
        for bad in ["-1%", "100.1%", "0.5", "x%"] {
            assert!(bad.parse::<Probability>().is_err(), "{bad}");
        }
        for bad in ["-1ms", "5", "1001h", "99999999999999h"] {
            assert!(bad.parse::<Duration>().is_err(), "{bad}");
        }
        assert_eq!("1000h".parse(), Ok(LONGEST));
        assert!("9000000tbit".parse::<Rate>().is_ok(), "the help says so");
    }

    #[test]
    fn certain_means_always_and_zero_never() {
        assert!(Probability::ALWAYS.hits(u64::MAX));
        assert_eq!(Probability::new(1.0), Some(Probability::ALWAYS));
        assert!(!Probability::NEVER.hits(0));
    }

    #[test]
    fn transmission_time_rounds_up() {
        let rate: Rate = "10mbit".parse().expect("a rate");
        assert_eq!(rate.time_for(1500), Duration::from_micros(1200));
        let third = Rate::from_bits_per_second(3).expect("not zero");
        assert_eq!(third.time_for(1), Duration::from_nanos(2_666_666_667));
        assert_eq!(rate.bytes_in(Duration::from_micros(1200)), 1500);
    }
}
