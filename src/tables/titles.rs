//! Axes of a sweep and their values in pictures: words with the unit, where the scenario has keys.

use super::axis::{self, Axis};
use super::study::{SCENARIO, Study};

/// Words for the ends of keys, the longest first where one ends another.
const WORDS: [(&str, &str); 22] = [
    ("queue.limit", "queue"),
    ("queue.kind", "queue discipline"),
    ("queue", "queue"),
    ("congestion", "congestion control"),
    ("rate", "rate"),
    ("delay.jitter", "jitter"),
    ("delay.reorder", "jitter that reorders"),
    ("delay", "one-way delay"),
    ("loss", "loss"),
    ("duplicate", "duplicated packets"),
    ("corrupt", "damaged packets"),
    ("reorder", "reordered packets"),
    ("count", "clients"),
    ("app.rule", "bitrate rule"),
    ("app.servers", "servers"),
    ("chat.dialect", "chat dialect"),
    ("kind.aggregate", "frames sent together"),
    ("kind.retries", "retries of a frame"),
    ("tcp.min_rto", "minimum RTO"),
    ("tcp.recovery", "loss recovery"),
    ("tcp.dsack", "DSACK"),
    ("tcp.mss", "segment size"),
];

/// Units as they are written in scenarios, and in titles.
const UNITS: [(&str, &str); 15] = [
    ("b", "bytes"),
    ("kb", "kB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("bdp", "BDP"),
    ("packet", "packets"),
    ("kbit", "kbit/s"),
    ("mbit", "Mbit/s"),
    ("gbit", "Gbit/s"),
    ("us", "µs"),
    ("/s", "per second"),
    ("/min", "per minute"),
];

impl Axis {
    /// The unit that all values are written in, as a title has it; `None` where there is no such unit.
    pub fn unit(&self) -> Option<String> {
        self.magnitudes()?;
        let mut units = self.values.iter().map(|value| parts(value).1);
        let first = units.next().filter(|unit| !unit.is_empty())?;
        units.all(|unit| unit == first).then(|| titled(&first).to_owned())
    }

    /// A value below a title that has its unit.
    pub fn bare(&self, value: &str) -> String {
        if self.unit().is_some() { parts(value).0.to_owned() } else { self.short(value) }
    }

    /// A value with its unit, as titles write that: `0.5 BDP`, `1 packet`.
    pub fn spelled(&self, value: &str) -> String {
        spelled(value).unwrap_or_else(|| self.short(value))
    }
}

/// A number with its unit, as titles write that; `None` for other values.
pub fn spelled(value: &str) -> Option<String> {
    let (number, unit) = parts(value);
    match (number, unit.as_str()) {
        ("", _) => None,
        (_, "") => Some(number.to_owned()),
        ("1", "packet") => Some("1 packet".to_owned()),
        _ => Some(format!("{number} {}", titled(&unit))),
    }
}

/// A unit, which is written in small letters, as titles have it.
fn titled(unit: &str) -> &str {
    UNITS.iter().find(|(written, _)| *written == unit).map_or(unit, |(_, title)| title)
}

/// Number and unit of a value, or no number if it is none of a known unit; one packet is of the unit of several.
fn parts(value: &str) -> (&str, String) {
    if !axis::number(value).is_some_and(|(number, _)| number.is_finite()) {
        return ("", value.to_owned());
    }
    let is_number =
        |end: &usize| value.get(..*end).is_some_and(|number| number.replace('_', "").parse::<f64>().is_ok());
    let end = (0..=value.len()).rev().find(is_number).unwrap_or(0);
    let unit = value[end..].trim().to_ascii_lowercase();
    (&value[..end], if unit == "packets" { "packet".to_owned() } else { unit })
}

/// Short name of an axis: the shortest ending of its key that no other has, as `loss`, `access loss`; that of a group of
/// clients begins with the group, as `far count`. `mixed` is true if groups have controllers of their own.
pub fn ending(axes: &[Axis], mixed: bool, axis: usize) -> String {
    let key = axes[axis].key.as_str();
    let last = match key {
        "tcp.congestion" if mixed => 0,
        _ if key.starts_with("clients.") => "clients.".len(),
        _ => key.len(),
    };
    let is_own =
        |start: &usize| (0..axes.len()).all(|other| other == axis || !ends(&axes[other].key, &key[*start..]));
    let starts = key.rmatch_indices('.').map(|(dot, _)| dot + 1).filter(|start| *start <= last);
    key[starts.chain([0]).find(is_own).unwrap_or(0)..].replace('.', " ")
}

/// Heading of an axis in tables, and its name in sentences: `queue`, `access loss`, `far clients`; its key's ending where
/// another goes by the same words or there are none.
pub fn heading(axes: &[Axis], mixed: bool, axis: usize) -> String {
    let headed = |axis: usize| {
        let ending = ending(axes, mixed, axis);
        match entry(&axes[axis].key) {
            Some((end, words)) if end != "congestion" => {
                let whose = ending.strip_suffix(&end.replace('.', " ")).unwrap_or_default();
                whose.to_owned() + words
            }
            _ => ending.replace('_', " "),
        }
    };
    let own = headed(axis);
    let is_shared = (0..axes.len()).any(|other| other != axis && headed(other) == own);
    if is_shared { ending(axes, mixed, axis) } else { own }
}

impl Study {
    /// An axis in words without a unit: `queue`, `clients of group far`.
    pub fn axis_words(&self, axis: usize) -> String {
        let key = self.axes[axis].key.as_str();
        let mut parts = key.split('.');
        let (table, name, way) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
        let way = way.filter(|way| ["up", "down"].contains(way)).map(|way| format!(", {way}"));
        let words = match words(key) {
            None => self.heading(axis),
            Some(words) if table == Some("clients") => format!("{words} of group {name}"),
            Some(words) if table == Some("link") && self.shares_words(axis) => {
                format!("{words} of link {name}")
            }
            Some(words) => words.to_owned(),
        };
        words + &way.unwrap_or_default()
    }

    /// True if another axis goes by the same words.
    fn shares_words(&self, axis: usize) -> bool {
        let own = words(&self.axes[axis].key);
        own.is_some()
            && (0..self.axes.len()).any(|other| other != axis && words(&self.axes[other].key) == own)
    }

    /// The cell in the words of legends and panels; nothing where no axis varies.
    pub fn cell_legend(&self, cell: usize) -> String {
        self.legend(&self.values(cell), |_| true)
    }

    /// The values of the wanted axes, by index, in the words of legends and panels.
    pub fn legend(&self, values: &[impl AsRef<str>], wanted: impl Fn(usize) -> bool) -> String {
        self.listed(wanted, |axis| self.legend_part(axis, values[axis].as_ref()))
    }

    /// A value of an axis in a legend: `queue 0.5 BDP`, `16 × cubic`, `first: reno`, `droptail`.
    pub fn legend_part(&self, axis: usize, value: &str) -> String {
        let key = self.axes[axis].key.as_str();
        let (said, ending) = (self.axes[axis].spelled(value), self.ending(axis));
        match key.split('.').collect::<Vec<_>>()[..] {
            ["clients", group, "count"] => format!("{said} × {group}"),
            ["clients", group, "congestion"] => format!("{group}: {said}"),
            _ if ["congestion", "kind", SCENARIO].contains(&ending.as_str()) => said,
            _ => match words(key).filter(|_| !self.shares_words(axis)) {
                Some(words) => format!("{words} {said}"),
                None => format!("{} {said}", ending.replace('_', " ")),
            },
        }
    }

    /// The same with its unit: `queue (BDP)`.
    pub fn axis_title(&self, axis: usize) -> String {
        let words = self.axis_words(axis);
        self.axes[axis].unit().map_or_else(|| words.clone(), |unit| format!("{words} ({unit})"))
    }
}

/// True if these are the last parts of a key.
fn ends(key: &str, end: &str) -> bool {
    key.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// End of a key that has words, and these.
fn entry(key: &str) -> Option<(&'static str, &'static str)> {
    WORDS.iter().find(|(end, _)| ends(key, end)).copied()
}

fn words(key: &str) -> Option<&'static str> {
    entry(key).map(|(_, words)| words)
}

#[cfg(test)]
mod tests {
    use crate::tables::testing::study;

    fn title(key: &str, values: &[&str]) -> String {
        study(&[(key, values)]).axis_title(0)
    }

    #[test]
    fn an_axis_has_words_and_the_unit_of_its_values() {
        assert_eq!(title("link.neck.queue", &["0.5bdp", "2 bdp"]), "queue (BDP)");
        assert_eq!(title("link.neck.queue.limit", &["1 packet", "100 packets"]), "queue (packets)");
        assert_eq!(title("link.neck.queue", &["1bdp", "100 packets"]), "queue");
        assert_eq!(title("link.path.up.loss", &["0%", "1.5%"]), "loss, up (%)");
        assert_eq!(title("link.a.rate", &["1mbit", "500kbit"]), "rate");
        assert_eq!(title("link.neck.queue", &["64KB", "128kb"]), "queue (kB)");
        assert_eq!(title("link.neck.queue", &["1MiB", "2MiB"]), "queue (MiB)");
        assert_eq!(title("link.neck.loss", &["1e-3", "1e-2"]), "loss");
        assert_eq!(title("clients.a.count", &["1_000", "2_000"]), "clients of group a");
        assert_eq!(title("link.a.rate", &["1mbit", "10mbit"]), "rate (Mbit/s)");
        assert_eq!(title("clients.far.count", &["1", "30"]), "clients of group far");
        assert_eq!(title("clients.viewer.app.rule", &["rate", "buffer"]), "bitrate rule of group viewer");
        assert_eq!(title("tcp.min_rto", &["1ms", "200ms"]), "minimum RTO (ms)");
        assert_eq!(title("tcp.congestion", &["reno", "bbr"]), "congestion control");
        // A key without words of its own.
        assert_eq!(title("clients.viewer.app.buffer_s", &["1", "2"]), "viewer app buffer s");
        let both = study(&[("link.a.loss", &["1%", "2%"]), ("link.b.loss", &["1%", "2%"])]);
        assert_eq!(both.axis_title(1), "loss of link b (%)");
    }

    #[test]
    fn headings_and_sentences_have_words_where_scenarios_have_keys() {
        let phrase = |key: &str, value: &str| study(&[(key, &[value, "other"])]).phrase(0, value);
        assert_eq!(phrase("link.neck.queue.limit", "0.5bdp"), "queue 0.5 BDP");
        assert_eq!(phrase("link.neck.queue.kind", "fq_codel"), "queue discipline fq_codel");
        assert_eq!(phrase("clients.cubic.count", "16"), "cubic clients 16");
        assert_eq!(phrase("clients.viewer.app.rule", "bba"), "viewer bitrate rule bba");
        assert_eq!(phrase("tcp.min_rto", "200ms"), "minimum RTO 200 ms");
        assert_eq!(phrase("tcp.congestion", "reno"), "reno");
        assert_eq!(phrase("clients.viewer.app.buffer_s", "8"), "viewer app buffer s 8");
        let headings = |keys: [&str; 2]| {
            let study = study(&keys.map(|key| (key, &["1", "2"][..])));
            study.headings().collect::<Vec<_>>()
        };
        assert_eq!(headings(["link.a.loss", "link.b.loss"]), ["a loss", "b loss"]);
        assert_eq!(headings(["link.a.queue.kind", "link.a.queue.limit"]), ["queue discipline", "queue"]);
        // Two that would go by the same words.
        assert_eq!(headings(["link.a.queue", "link.b.queue.limit"]), ["queue", "limit"]);
    }

    #[test]
    fn legends_have_words_and_values_with_their_units() {
        let part = |key: &str, value: &str| study(&[(key, &[value, "other"])]).legend_part(0, value);
        assert_eq!(part("link.neck.queue", "0.0625bdp"), "queue 0.0625 BDP");
        assert_eq!(part("link.neck.queue.limit", "1 packets"), "queue 1 packet");
        assert_eq!(part("link.neck.queue", "20packets"), "queue 20 packets");
        assert_eq!(
            part("link.neck.queue", "{ kind = \"codel\", limit = \"100 packets\" }"),
            "queue codel 100 packets"
        );
        assert_eq!(
            part("link.neck.queue", "{ kind = \"droptail\", limit = \"1bdp\" }"),
            "queue droptail 1 BDP"
        );
        assert_eq!(part("link.path.up.loss", "0.3%"), "loss 0.3 %");
        assert_eq!(part("link.neck.delay", "10ms"), "one-way delay 10 ms");
        assert_eq!(part("link.neck.queue.kind", "fq_codel"), "fq_codel");
        assert_eq!(part("tcp.congestion", "reno"), "reno");
        assert_eq!(part("clients.first.congestion", "vegas"), "first: vegas");
        assert_eq!(part("clients.cubic.count", "16"), "16 × cubic");
        assert_eq!(part("clients.viewer.app.rule", "bba"), "bitrate rule bba");
        assert_eq!(part("tcp.min_rto", "200ms"), "minimum RTO 200 ms");
        assert_eq!(part("clients.viewer.app.buffer_s", "8"), "viewer app buffer s 8");
        let both = study(&[("link.a.loss", &["1%", "2%"]), ("link.b.loss", &["1%", "2%"])]);
        assert_eq!(both.cell_legend(1), "a loss 1 %, b loss 2 %");
    }

    #[test]
    fn values_stand_without_the_unit_of_the_title() {
        let bare = |values: &[&str], value: &str| study(&[("x.queue", values)]).axes[0].bare(value);
        assert_eq!(bare(&["0.5bdp", "2 bdp"], "2 bdp"), "2");
        assert_eq!(bare(&["1mbit", "500kbit"], "500kbit"), "500kbit");
        assert_eq!(bare(&["reno", "bbr"], "bbr"), "bbr");
        assert_eq!(super::parts("1.5_0ms"), ("1.5_0", "ms".to_owned()));
    }

    #[test]
    fn only_numbers_with_known_units_are_parted() {
        for word in
            ["5G-indoor", "2024-Verizon.trace", "nantes", "nan", "inf", "infinity/s", "10ms..20ms", "3 fish"]
        {
            assert_eq!(study(&[("link.a.trace", &[word, "other"])]).axes[0].spelled(word), word);
        }
        let spelled = |value: &str| study(&[("link.a.rate", &[value, "other"])]).axes[0].spelled(value);
        assert_eq!(
            ["5mbit", "20/min", "1e-3", "0.5 bdp"].map(spelled),
            ["5 Mbit/s", "20 per minute", "1e-3", "0.5 BDP"]
        );
    }
}
