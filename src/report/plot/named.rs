//! The table of named figures. A new one is a file and a line here.

use super::sheet::Sheet;
use super::sources::Sources;
use super::{
    compare, cwnd, delay_throughput, four_panel, jain, latency_cdf, latency_histogram, latency_tail,
    phase_plot, probes, queue, rates, sweep, throughput, time_sequence,
};
use crate::report::error::ReportError;

/// Function that draws a picture: `None` if the scenario has nothing for it to show.
type Draw = fn(&Sources<'_>) -> Result<Option<Sheet>, ReportError>;

/// Options that choose flows and time.
const SERIES: &[&str] = &["flows", "groups", "from", "to"];
/// Those that choose time.
const TIME: &[&str] = &["from", "to"];

/// A figure that can be asked for by its name.
pub struct Named {
    pub name: &'static str,
    /// Subject in words.
    pub words: &'static str,
    pub draw: Draw,
    /// Beginning of the paths of the files that it is drawn from.
    pub inputs: &'static str,
    /// Results without which there is nothing to show.
    pub needs: &'static str,
    /// Options that it knows beside those that all know.
    pub takes: &'static [&'static str],
    /// True if the page shows it.
    pub on_page: bool,
    /// True if it is drawn of captures.
    pub needs_capture: bool,
    /// True if `y` chooses among times of messages, requests and pings, and not among figures.
    pub is_of_times: bool,
}

const FLOWS: &str = "flows with series";
const CHAT: &str = "delivered chat messages";
const SWEEP: &str = "a sweep of two values or more";

/// All of them; those of the page in its order.
pub static NAMED: [Named; 19] = [
    page("compare", "figures against the values of a sweep", compare::draw, "trials.csv", SWEEP, &[]),
    page("cwnd", "congestion window over time", cwnd::draw, "series/", FLOWS, SERIES),
    page(
        "rates",
        "bandwidth, pacing and arrivals of controllers with a model",
        |sources| Ok(rates::draw(sources)),
        "series/",
        "flows whose controller estimates a bandwidth",
        SERIES,
    ),
    page("throughput", "throughput over time", throughput::draw, "series/", FLOWS, SERIES),
    page(
        "queue",
        "backlog of links over time",
        queue::draw,
        "series/",
        "links with a queue and series",
        TIME,
    ),
    page("probes", "round trips of pings over time", probes::draw, "probes.csv", "pings", TIME),
    page(
        "latency_cdf",
        "share of messages delivered within a time",
        latency_cdf::draw_messages,
        "latency/",
        CHAT,
        &[],
    ),
    page("latency_histogram", "histogram of message latency", latency_histogram::draw, "latency/", CHAT, &[]),
    named(
        "four-panel",
        "window, round trip, queue, and latency or throughput over one time",
        four_panel::draw,
        FLOWS,
        SERIES,
    ),
    Named {
        needs_capture: true,
        ..named(
            "time-sequence",
            "segments, acknowledgments, window and SACK of a captured flow over time",
            time_sequence::draw,
            "segments of a captured flow (run --pcap)",
            SERIES,
        )
    },
    named(
        "sweep",
        "chosen figures (--y) against an axis (--x), with curves of models (--model)",
        sweep::draw,
        SWEEP,
        &["x", "y", "by", "model"],
    ),
    named(
        "heat-map",
        "a figure (--y) over two axes (--x, --by)",
        sweep::heat_map::draw,
        "a sweep of two axes",
        &["x", "y", "by"],
    ),
    named(
        "box",
        "quartiles and extremes of single trials' figures (--y)",
        sweep::box_plot::draw,
        "finished trials",
        &["x", "y", "by"],
    ),
    of_times("cdf", "share of messages, requests and pings within a time", latency_cdf::draw),
    of_times("ccdf", "share that is later than a time, logarithmic", latency_tail::draw_ccdf),
    of_times("percentiles", "time by percentile, to 99.9 % and beyond", latency_tail::draw_percentiles),
    named(
        "delay-throughput",
        "goodput against round trip of each cell; better is upper right",
        delay_throughput::draw,
        "cells with a goodput and a round trip",
        &["groups"],
    ),
    named(
        "phase-plot",
        "throughput of one flow against another's",
        phase_plot::draw,
        "two flows with series (bulk transfers, unless --flows names others)",
        SERIES,
    ),
    named(
        "jain-over-time",
        "Jain's index of the flows over time",
        jain::draw,
        "two flows with series",
        SERIES,
    ),
];

const fn page(
    name: &'static str,
    words: &'static str,
    draw: Draw,
    inputs: &'static str,
    needs: &'static str,
    takes: &'static [&'static str],
) -> Named {
    Named { name, words, draw, inputs, needs, takes, on_page: true, needs_capture: false, is_of_times: false }
}

const fn named(
    name: &'static str,
    words: &'static str,
    draw: Draw,
    needs: &'static str,
    takes: &'static [&'static str],
) -> Named {
    Named {
        name,
        words,
        draw,
        inputs: "",
        needs,
        takes,
        on_page: false,
        needs_capture: false,
        is_of_times: false,
    }
}

const fn of_times(name: &'static str, words: &'static str, draw: Draw) -> Named {
    Named { is_of_times: true, ..named(name, words, draw, "messages, requests or pings that came", &["y"]) }
}

/// Those of the page.
pub fn of_page() -> impl Iterator<Item = &'static Named> {
    NAMED.iter().filter(|named| named.on_page)
}

/// Readings of the named figures, which captions on the page end with.
const READINGS: [(&str, &str); 19] = [
    ("compare", "Intervals that are far apart are a clear difference; curves that cross change places."),
    (
        "cwnd",
        "A sawtooth is a sender that grows until it loses a packet and then gives way; the marks above are losses, the \
         shaded spans their repair.",
    ),
    (
        "rates",
        "Pacing above the bandwidth believed in is a probe for more; arrivals below it are the share that others leave.",
    ),
    (
        "throughput",
        "Curves that lie on one another share the link equally; one that falls while another rises gives way.",
    ),
    (
        "queue",
        "A backlog that never empties adds its time to every round trip; one that is empty leaves the link idle.",
    ),
    ("probes", "What lies above the least round trip is time in queues."),
    (
        "latency_cdf",
        "The farther left a curve rises, the sooner messages arrive; a long flat end is a few that wait for a repair.",
    ),
    (
        "latency_histogram",
        "The first hump is the path; those to its right are messages that waited in a queue or for a retransmission.",
    ),
    (
        "four-panel",
        "From top to bottom: the window fills the queue, the queue lengthens the round trip, and a loss ends both.",
    ),
    (
        "time-sequence",
        "The slope is the rate; what is sent below the newest data is a retransmission, and the gap to the upper line is \
         room in the receiver's window.",
    ),
    ("sweep", "Intervals that are far apart are a clear difference; curves that cross change places."),
    ("heat-map", "Shades that change along one axis alone say that the other does not matter."),
    ("box", "A tall box is a figure that chance moves; boxes that are apart differ in most trials."),
    ("cdf", "The farther left a curve rises, the sooner all is there; a long flat end is a few that wait."),
    ("ccdf", "The farther right a curve ends, the longer the slowest wait."),
    ("percentiles", "Where a curve leaves the others begins the share that a condition delays."),
    ("delay-throughput", "Farther up is faster, farther right is sooner; the crosses are intervals."),
    (
        "phase-plot",
        "On the line of equal shares both have the same; the nearer to that of the full link, the better it is used.",
    ),
    ("jain-over-time", "1 is equal shares for all; with n flows, 1/n is one that has everything."),
];

/// The reading of a picture by the name of its file, which may have a number before the figure's.
pub fn reading(stem: &str) -> Option<&'static str> {
    let is = |name: &str| stem.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'));
    READINGS.iter().find(|(name, _)| is(name)).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_figure_has_a_reading() {
        for (named, (name, _)) in NAMED.iter().zip(READINGS) {
            assert_eq!(named.name, name);
        }
        assert_eq!(reading("1-four-panel"), reading("four-panel"));
        assert_eq!(reading("unknown"), None);
    }
}
