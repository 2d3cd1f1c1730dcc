//! Measures of workloads.

/// Measure of a workload: what its figures are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Goodput and fairness, of flows that take all they can get.
    Goodput,
    /// Completion time, of transfers of a given size.
    Completion,
    /// Latency, of messages.
    Latency,
    /// Round trips of echo requests.
    Probes,
    /// Loss, delay and jitter of datagrams.
    Datagrams,
    /// Quality of speech.
    Voice,
    /// Completion and slowdown of requests.
    Requests,
    /// Bitrate, stalls and start-up of video.
    Video,
}

words! {
    Measure {
        Goodput = "goodput",
        Completion = "completion",
        Latency = "latency",
        Probes = "probes",
        Datagrams = "datagrams",
        Voice = "voice",
        Requests = "requests",
        Video = "video",
    }
}
