//! The test cases of draft-ietf-ccwg-bbr-06, appendix A, as runs of one flow of BBR v3. The appendix fixes
//! neither links nor verdicts; both are ours, and said at each case.

#![expect(clippy::float_cmp, reason = "variables are copied, not computed")]
#![expect(clippy::unused_self, reason = "the trace is the run's, wherever it lies")]

mod app_limited;
mod bench;
mod changes;
mod drain;
mod load;
mod neighbours;
mod probe_rtt;
mod probes;
mod spurious;
mod startup;
mod trace;
