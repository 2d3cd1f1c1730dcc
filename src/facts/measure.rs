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
}

words! { Measure { Goodput = "goodput", Completion = "completion", Latency = "latency" } }
