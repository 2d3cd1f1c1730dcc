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
}

const FLOWS: &str = "flows with series";
const CHAT: &str = "delivered chat messages";
const SWEEP: &str = "a sweep of two values or more";

/// All of them; those of the page in its order.
pub static NAMED: [Named; 18] = [
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
        latency_cdf::draw,
        "latency/",
        CHAT,
        &[],
    ),
    page("latency_histogram", "histogram of message latency", latency_histogram::draw, "latency/", CHAT, &[]),
    named(
        "four-panel",
        "window, round trip, queue, throughput over one time",
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
    named("ccdf", "share of messages later than a time, logarithmic", latency_tail::draw_ccdf, CHAT, &[]),
    named(
        "percentiles",
        "message latency by percentile, to 99.9 % and beyond",
        latency_tail::draw_percentiles,
        CHAT,
        &[],
    ),
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
    Named { name, words, draw, inputs, needs, takes, on_page: true, needs_capture: false }
}

const fn named(
    name: &'static str,
    words: &'static str,
    draw: Draw,
    needs: &'static str,
    takes: &'static [&'static str],
) -> Named {
    Named { name, words, draw, inputs: "", needs, takes, on_page: false, needs_capture: false }
}

/// Those of the page.
pub fn of_page() -> impl Iterator<Item = &'static Named> {
    NAMED.iter().filter(|named| named.on_page)
}
