//! BBR v3 beside v1: what random loss leaves of it, and what it leaves to CUBIC.

use testbed::facts::Outcome;
use testbed::rng::Seed;
use testbed::scenario::{Plan, Trial, build};

fn run(text: &str, seed: u64) -> Outcome {
    let plan = Plan::parse_with("test.toml", text, &[], &mut |_| Err(std::io::ErrorKind::NotFound.into()));
    let plan = plan.unwrap_or_else(|error| panic!("{}\n{text}", error.render(false)));
    let trial = Trial { cell: 0, number: 0, seed: Seed(seed) };
    build(&plan.scenario(0).expect("one cell"), trial).run(&mut || true).expect("nobody stops it")
}

/// Mbit/s of goodput of each flow, on average over three seeds.
fn goodput(text: &str) -> Vec<f64> {
    let mut sums = Vec::new();
    for seed in 1..=3 {
        let outcome = run(text, seed);
        sums.resize(outcome.flows.len(), 0.0);
        for (sum, flow) in sums.iter_mut().zip(&outcome.flows) {
            let upload = flow.directions[0].as_ref().expect("an upload");
            *sum += upload.bytes_delivered as f64 * 8e-6 / outcome.measured.as_secs_f64() / 3.0;
        }
    }
    sums
}

fn client(name: &str, controller: &str) -> String {
    format!(
        "[[clients]]\nname = \"{name}\"\npath = [\"neck\"]\napp = {{ kind = \"bulk\" }}\n\
         congestion = \"{controller}\"\n"
    )
}

/// §5.3.3.8.3 aims at 1 % of loss a round trip.
#[test]
fn loss_below_one_percent_costs_little_and_beyond_two_it_yields() {
    let at = |controller: &str, loss: &str| {
        let link = format!("rate = \"10mbit\"\ndelay = \"10ms\"\nqueue = \"100 packets\"\nloss = \"{loss}\"");
        goodput(&format!("duration = \"60s\"\n[link.neck]\n{link}\n{}", client("one", controller)))[0]
    };
    for (loss, shares) in [("0.5%", 0.9..1.0), ("1%", 0.85..1.0), ("5%", 0.2..0.5), ("10%", 0.1..0.3)] {
        let share = at("bbr3", loss) / at("bbr", loss);
        assert!(shares.contains(&share), "{share} of v1 at {loss}");
    }
}

/// 20 Mbit/s at 40 ms: about half, whatever the buffer, where v1 leaves a tenth to CUBIC in a shallow one.
#[test]
fn it_shares_with_cubic_in_shallow_and_in_deep_buffers() {
    let share = |controller: &str, queue: &str| {
        let flows = client("one", controller) + &client("two", "cubic");
        let link = format!("rate = \"20mbit\"\ndelay = \"20ms\"\nqueue = \"{queue}\"");
        let rates = goodput(&format!("duration = \"90s\"\nwarmup = \"10s\"\n[link.neck]\n{link}\n{flows}"));
        rates[0] / (rates[0] + rates[1])
    };
    for queue in ["0.5bdp", "2bdp", "8bdp"] {
        let ours = share("bbr3", queue);
        assert!((0.4..0.7).contains(&ours), "{ours} at {queue}");
    }
    let first = share("bbr", "0.5bdp");
    assert!(first > 0.85, "v1: {first}");
}
