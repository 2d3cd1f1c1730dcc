//! The table of figures.

use super::Better::{Less, More, Neither};
use super::dynamics;
use super::source::{datagram_loss, mean_latency, mean_score, responsiveness, utilisation};
use super::{Compared, Figure, Nature};
use crate::facts::Measure;
use crate::tables::study::Study;
use crate::tables::{goodput, groups};
use crate::time::Duration;

/// Every figure of a trial, in the order of `trials.csv`.
pub const FIGURES: &[Figure] = &[
    Figure::new("goodput_mbit", "Mbit/s", 6, "goodput", More, |trial| trial.goodput.busier())
        .only_if(connections)
        .of_group(|share| share.goodput_mbit)
        .at_bottleneck()
        .table("goodput", "Mbit/s")
        .said_alone()
        .compared(Compared { same_is_news: true, ..Compared::ranked(2) })
        .panel(2, "goodput"),
    Figure::new("share", "%", 6, "share of the goodput", More, |_| None)
        .in_percent()
        .only_if(connections)
        .of_group(|share| share.of_all)
        .only_of_groups()
        .table("share", "% of goodput"),
    Figure::new("goodput_ratio", "", 6, "relative goodput", Neither, |_| None)
        .only_if(rivals)
        .of_group(|share| share.goodput_ratio)
        .only_of_groups()
        .table("goodput", "ratio"),
    Figure::new("goodput_up_mbit", "Mbit/s", 6, "goodput from the clients", More, |trial| trial.goodput.up)
        .only_if(connections)
        .at_bottleneck(),
    Figure::new("goodput_down_mbit", "Mbit/s", 6, "goodput to the clients", More, |trial| trial.goodput.down)
        .only_if(connections)
        .at_bottleneck(),
    Figure::new("utilisation", "%", 6, "utilisation", More, |trial| utilisation(trial.row.outcome))
        .in_percent()
        .table("slowest link", "% busy")
        .panel(13, "utilisation"),
    Figure::new("jain_index", "", 6, "Jain's fairness index", More, |trial| {
        goodput::jain_index(trial.row.outcome)
    })
    .only_if(connections)
    .at_bottleneck()
    .table("fairness", "Jain")
    .if_mean(|mean| mean < 0.9995)
    .compared(Compared { worth_naming: 0.05, unclear_is_said: false, ..Compared::ranked(7) })
    .panel(11, "Jain's index"),
    Figure::new("convergence_s", "s", 3, "convergence time", Less, |trial| {
        dynamics::convergence(trial.row.outcome)
    })
    .only_if(recorded)
    .table("convergence", "s"),
    Figure::new("ramp_up_s", "s", 3, "ramp-up time", Less, |trial| dynamics::ramp_up(trial.row.outcome))
        .only_if(recorded)
        .table("ramp-up", "s"),
    Figure::new("rate_variation", "", 6, "variation of the rate", Less, |trial| {
        dynamics::variation(trial.row.outcome)
    })
    .only_if(recorded)
    .table("rate", "variation"),
    Figure::new("power", "Mbit/s\u{b2}", 6, "power", More, |trial| dynamics::power(trial.row.outcome))
        .only_if(recorded)
        .table("power", "Mbit/s\u{b2}")
        .said_alone(),
    Figure::new("completion_mean_s", "s", 6, "completion time", Less, |trial| trial.completions.mean())
        .only_if(connections)
        .of_group(|share| share.completion_s.mean)
        .table("completion", "mean s")
        .said_alone()
        .compared(Compared::ranked(1))
        .panel(1, "mean completion time"),
    Figure::new("completion_p50_s", "s", 6, "median completion time", Less, |trial| {
        trial.completions.percentile(0.50)
    })
    .only_if(connections)
    .of_group(|share| share.completion_s.p50)
    .table("completion", "median s")
    .unlike(&["completion_mean_s"]),
    Figure::new("completion_p95_s", "s", 6, "p95 completion time", Less, |trial| {
        trial.completions.percentile(0.95)
    })
    .only_if(connections)
    .of_group(|share| share.completion_s.p95)
    .table("completion", "p95 s")
    .unlike(&["completion_mean_s", "completion_p50_s"]),
    Figure::new("completion_p99_s", "s", 6, "p99 completion time", Less, |_| None)
        .only_if(connections)
        .of_group(|share| share.completion_s.p99)
        .only_of_groups()
        .table("completion", "p99 s"),
    Figure::new("messages_sent", "", 0, "messages sent", Neither, |trial| trial.messages(|m| m.sent))
        .only_if(chat),
    Figure::new("deliveries_expected", "", 0, "deliveries expected", Neither, |trial| {
        trial.messages(|m| m.deliveries_expected)
    })
    .only_if(chat),
    Figure::new("deliveries", "", 0, "deliveries", More, |trial| trial.messages(|m| m.deliveries))
        .only_if(chat)
        .panel(15, "deliveries"),
    Figure::new("latency_mean_ms", "ms", 3, "mean latency", Less, |trial| mean_latency(trial.row.outcome))
        .only_if(chat),
    Figure::new("latency_p50_ms", "ms", 3, "median latency", Less, |trial| trial.latency(0.50))
        .only_if(chat)
        .of_group(|share| share.latency_ms?[0])
        .table("latency p50", "ms")
        .said_alone()
        .panel(4, "median latency"),
    Figure::new("latency_p90_ms", "ms", 3, "p90 latency", Less, |trial| trial.latency(0.90)).only_if(chat),
    Figure::new("latency_p99_ms", "ms", 3, "p99 latency", Less, |trial| trial.latency(0.99))
        .only_if(chat)
        .of_group(|share| share.latency_ms?[1])
        .table("latency p99", "ms")
        .said_alone()
        .compared(Compared {
            missing: Some("it lies among messages that never arrived"),
            ..Compared::ranked(3)
        })
        .panel(3, "p99 latency"),
    Figure::new("latency_p999_ms", "ms", 3, "p99.9 latency", Less, |trial| trial.latency(0.999))
        .only_if(chat),
    Figure::new("latency_max_ms", "ms", 3, "longest latency", Less, |trial| trial.latency(1.0)).only_if(chat),
    Figure::new("request_mean_ms", "ms", 3, "mean completion time of requests", Less, |trial| {
        trial.requests.mean()
    })
    .only_if(requests)
    .of_group(|share| share.request_ms.mean)
    .table("requests", "mean ms")
    .said_alone()
    .compared(Compared { missing: Some("some requests were never answered"), ..Compared::ranked(4) })
    .panel(5, "mean completion time of requests"),
    Figure::new(
        "request_sd_ms",
        "ms",
        3,
        "standard deviation of the completion time of requests",
        Less,
        |trial| trial.requests.deviation(),
    )
    .only_if(requests)
    .table("requests", "sd ms"),
    Figure::new("request_p50_ms", "ms", 3, "median completion time of requests", Less, |trial| {
        trial.requests.percentile(0.50)
    })
    .only_if(requests)
    .of_group(|share| share.request_ms.p50),
    Figure::new("request_p99_ms", "ms", 3, "p99 completion time of requests", Less, |trial| {
        trial.requests.percentile(0.99)
    })
    .only_if(requests)
    .of_group(|share| share.request_ms.p99)
    .table("requests", "p99 ms"),
    Figure::new("slowdown_mean", "", 3, "mean slowdown of requests", Less, |trial| trial.slowdowns.mean())
        .only_if(requests)
        .table("slowdown", "mean"),
    Figure::new("slowdown_p99", "", 3, "p99 slowdown of requests", Less, |trial| {
        trial.slowdowns.percentile(0.99)
    })
    .only_if(requests),
    Figure::new("request_loss", "%", 6, "share of requests never answered", Less, |trial| {
        trial.requests.missing()
    })
    .in_percent()
    .only_if(requests)
    .table("unanswered", "% requests")
    .if_mean(|mean| mean > 0.0),
    Figure::new("video_bitrate_mbit", "Mbit/s", 6, "mean bitrate of video", More, |trial| {
        trial.viewing.bitrate_mbit()
    })
    .only_if(video)
    .of_group(|share| share.video.bitrate_mbit)
    .table("video", "Mbit/s")
    .said_alone()
    .compared(Compared::ranked(11))
    .panel(17, "mean bitrate of video"),
    Figure::new("stall_s", "s", 3, "stalled time of a viewer", Less, |trial| trial.viewing.stall_s())
        .only_if(video)
        .of_group(|share| share.video.stall_s)
        .table("stalled", "s")
        .if_mean(|mean| mean > 0.0),
    Figure::new("stall_fraction", "%", 6, "stalled share of the time", Less, |trial| {
        trial.viewing.stall_fraction()
    })
    .in_percent()
    .only_if(video)
    .of_group(|share| share.video.stall_fraction)
    .table("stalled", "% of time")
    .said_alone()
    .compared(Compared::ranked(10))
    .panel(16, "stalled share of the time"),
    Figure::new("startup_s", "s", 3, "start-up delay of video", Less, |trial| trial.viewing.startup_s())
        .only_if(video)
        .of_group(|share| share.video.startup_s)
        .table("start-up", "s"),
    Figure::new("switches", "", 3, "changes of the bitrate of a viewer", Less, |trial| {
        trial.viewing.switches()
    })
    .only_if(video)
    .of_group(|share| share.video.switches)
    .table("changes", "of bitrate"),
    Figure::new("rtt_p50_ms", "ms", 3, "median round trip of probes", Less, |trial| {
        trial.rtts.percentile(0.50)
    })
    .only_if(probes)
    .of_group(|share| share.rtt_ms.p50)
    .table("ping p50", "ms")
    .said_alone()
    .compared(Compared { missing: Some("it lies among probes that were lost"), ..Compared::ranked(5) })
    .panel(6, "median round trip of probes"),
    Figure::new("rtt_p99_ms", "ms", 3, "p99 round trip of probes", Less, |trial| trial.rtts.percentile(0.99))
        .only_if(probes)
        .of_group(|share| share.rtt_ms.p99)
        .table("ping p99", "ms")
        .panel(7, "p99 round trip of probes"),
    Figure::new("rpm", "/min", 3, "responsiveness under load", More, |trial| responsiveness(&trial.rtts))
        .only_if(loaded_probes)
        .table("responsiveness", "round trips/min"),
    Figure::new("probe_loss", "%", 6, "loss of probes", Less, |trial| trial.rtts.missing())
        .in_percent()
        .only_if(probes)
        .table("ping loss", "%")
        .if_mean(|mean| mean > 0.0),
    Figure::new("datagram_loss", "%", 6, "loss of datagrams", Less, |trial| datagram_loss(trial.row.outcome))
        .in_percent()
        .only_if(datagrams)
        .table("datagrams", "% lost")
        .said_alone()
        .compared(Compared::ranked(8))
        .panel(8, "loss of datagrams"),
    Figure::new("delay_p50_ms", "ms", 3, "median one-way delay of datagrams", Less, |trial| {
        Some(trial.row.outcome.datagram_delay_ms?[1])
    })
    .only_if(datagrams)
    .table("delay p50", "ms")
    .said_alone(),
    Figure::new("delay_p99_ms", "ms", 3, "p99 one-way delay of datagrams", Less, |trial| {
        Some(trial.row.outcome.datagram_delay_ms?[2])
    })
    .only_if(datagrams)
    .table("delay p99", "ms"),
    Figure::new("jitter_ms", "ms", 3, "jitter of datagrams", Less, |trial| {
        trial.mean_of_datagrams(|way| way.jitter.map(Duration::as_millis_f64))
    })
    .only_if(datagrams)
    .table("jitter", "ms"),
    Figure::new("mos", "", 3, "mean opinion score of speech", More, |trial| mean_score(trial.row.outcome))
        .only_if(speech)
        .table("speech", "MOS")
        .said_alone()
        .compared(Compared::ranked(9))
        .panel(9, "mean opinion score"),
    Figure::new("segments_sent", "", 0, "segments sent", Neither, |trial| {
        Some(trial.sum(|way| way.segments_sent))
    })
    .only_if(connections),
    Figure::new("retransmits", "", 0, "retransmits", Less, |trial| Some(trial.sum(|way| way.retransmits)))
        .only_if(connections)
        .table("retransmits", "segments")
        .said_alone()
        .compared(Compared { negligible: Some(("segments_sent", 0.005)), ..Compared::ranked(6) })
        .panel(10, "retransmitted segments"),
    Figure::new("retransmission_rate", "%", 6, "retransmitted share of segments", Less, |_| None)
        .in_percent()
        .only_if(connections)
        .of_group(|share| share.retransmission_rate)
        .only_of_groups()
        .table("retransmits", "% of segments"),
    Figure::new("srtt_mean_ms", "ms", 3, "mean smoothed RTT", Less, |_| None)
        .only_if(connections)
        .of_group(|share| share.srtt_mean_ms)
        .only_of_groups()
        .table("smoothed RTT", "mean ms"),
    Figure::new("recovery_episodes", "", 0, "recovery episodes", Less, |trial| {
        Some(trial.sum(|way| way.recovery_episodes))
    })
    .only_if(connections)
    .panel(14, "recovery episodes"),
    Figure::new("timeouts", "", 0, "timeouts", Less, |trial| Some(trial.sum(|way| way.timeouts)))
        .only_if(connections)
        .table("timeouts", "RTO")
        .if_mean(|mean| mean >= 1.0)
        .panel(12, "timeouts"),
    Figure::new("events", "", 0, "events of the engine", Neither, |trial| {
        Some(trial.row.outcome.events as f64)
    })
    .nature(Nature::Program),
    Figure::new("wall_s", "s", 3, "wall time", Neither, |trial| Some(trial.row.wall_s))
        .nature(Nature::Machine),
];

/// Scenarios with people who send messages.
fn chat(study: &Study) -> bool {
    study.measures(Measure::Latency)
}

/// Scenarios with connections, and not only datagrams.
fn connections(study: &Study) -> bool {
    study.has_connections()
}

/// Scenarios with exactly two groups of bulk flows.
fn rivals(study: &Study) -> bool {
    groups::rivals(study).is_some()
}

/// Scenarios with requests.
fn requests(study: &Study) -> bool {
    study.measures(Measure::Requests)
}

/// Scenarios with video.
fn video(study: &Study) -> bool {
    study.measures(Measure::Video)
}

/// Scenarios with echo requests.
fn probes(study: &Study) -> bool {
    study.measures(Measure::Probes)
}

/// Scenarios with echo requests beside flows that take all they can get.
fn loaded_probes(study: &Study) -> bool {
    probes(study) && study.measures(Measure::Goodput)
}

/// Scenarios with bulk flows of which each trial keeps its series.
fn recorded(study: &Study) -> bool {
    study.recorded && study.measures(Measure::Goodput)
}

/// Scenarios with flows of datagrams.
fn datagrams(study: &Study) -> bool {
    study.measures(Measure::Datagrams)
}

/// Scenarios with speech.
fn speech(study: &Study) -> bool {
    study.measures(Measure::Voice)
}
