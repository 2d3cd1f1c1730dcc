//! Keys that workloads share: the process of arrivals, and the law of sizes.

use crate::scenario::form::{Number, Whole};
use crate::scenario::quantity::{Size, Span};
use crate::scenario::reader::Reader;
use crate::scenario::visit::{Visitor, required};
use crate::time::Duration;
use crate::traffic::{Arrivals, SizeDistribution, WEB_SEARCH};

/// Declares `arrivals`.
pub(super) fn arrivals(v: &mut impl Visitor, arrivals: &mut Arrivals) {
    let variants = [
        ("poisson", Arrivals::Poisson),
        ("periodic", Arrivals::Periodic),
        ("bursts", Arrivals::Bursts { size: 1, gap: Duration::ZERO }),
    ];
    v.tag(required("kind"), arrivals, &variants, "the process", |v, arrivals| match arrivals {
        Arrivals::Poisson | Arrivals::Periodic => {}
        Arrivals::Bursts { size, gap } => {
            v.key(required("size"), size, Whole(1, 1000), "messages in a burst");
            v.key(required("gap"), gap, Span, "time between two messages of a burst");
        }
    });
}

/// A process whose usual word is `periodic`.
pub(super) fn steady(v: &mut impl Visitor, arrivals: &mut Arrivals) {
    // The word that stands first is the default that the reference names.
    let variants = [("periodic", Arrivals::Periodic), ("poisson", Arrivals::Poisson)];
    v.tag(required("kind"), arrivals, &variants, "the process", |_, _| {});
}

/// Laws of sizes that any workload takes; those of objects as well if it is `heavy`.
pub(super) fn size(v: &mut impl Visitor, size: &mut SizeDistribution, usual: u64, most: u64, heavy: bool) {
    let mean = usual as f64;
    let variants = [
        ("fixed", SizeDistribution::Constant(usual)),
        ("uniform", SizeDistribution::Uniform { low: usual, high: usual }),
        ("exponential", SizeDistribution::Exponential { mean }),
        ("lognormal", SizeDistribution::Lognormal { mean, sd: mean }),
        ("pareto", SizeDistribution::Pareto { mean, shape: 1.5 }),
        (WEB_SEARCH.name, SizeDistribution::Published(&WEB_SEARCH)),
    ];
    let variants = if heavy { &variants[..] } else { &variants[..4] };
    let bytes = || Size(1, most);
    v.tag(required("distribution"), size, variants, "the distribution of lengths", |v, size| match size {
        SizeDistribution::Constant(length) => v.key(required("mean"), length, bytes(), "the one length"),
        SizeDistribution::Uniform { low, high } => {
            v.key(required("min"), low, bytes(), "the shortest");
            v.key(required("max"), high, bytes(), "the longest");
            v.check(|reader| check_order(*low, *high, reader));
        }
        SizeDistribution::Exponential { mean } => {
            v.key(required("mean"), mean, bytes(), "the mean length");
        }
        SizeDistribution::Lognormal { mean, sd } => {
            v.key(required("mean"), mean, bytes(), "the mean length");
            v.key(required("deviation"), sd, bytes(), "the standard deviation of the length");
        }
        SizeDistribution::Pareto { mean, shape } => {
            v.key(required("mean"), mean, bytes(), "the mean length");
            v.key("shape", shape, Number(1.01, 100.0), "of the tail; the heavier, the closer to 1");
        }
        SizeDistribution::Published(_) => {}
    });
}

fn check_order(low: u64, high: u64, reader: &mut Reader) {
    if let Some(least) = reader.get("min")
        && low > high
        && !["min", "max"].into_iter().any(|key| reader.is_faulty(key))
    {
        let message = "the shortest text is longer than the longest";
        reader.error(least.place, message, "write the smaller size as `min`");
    }
}
