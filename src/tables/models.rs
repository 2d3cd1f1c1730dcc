//! Models of long transfers that random loss alone limits: goodput in Mbit/s.

use super::study::Study;
use crate::facts::{Direction, Measure};
use crate::scenario::Plan;

/// A model of a transfer.
#[derive(Debug)]
pub struct Model {
    /// Its name.
    pub name: &'static str,
    /// Its source.
    pub words: &'static str,
    /// Goodput with [`SEGMENT`]s from round trip in seconds and loss as a share.
    goodput: fn(f64, f64) -> f64,
}

/// All of them.
pub static MODELS: [Model; 3] = [
    Model { name: "mathis", words: "Mathis et al. (1997)", goodput: mathis },
    Model { name: "padhye", words: "Padhye et al. (1998)", goodput: padhye },
    Model { name: "cubic", words: "RFC 9438 (CUBIC)", goodput: cubic },
];

/// Transfers of a group of clients, as the models see them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfers {
    /// Their number.
    pub count: f64,
    /// Payload of their segments in bytes.
    pub mss: f64,
    /// Round trip without queues, in seconds.
    pub rtt_s: f64,
    /// Share of their data that is lost on the way by chance.
    pub loss: f64,
}

impl Model {
    /// Goodput of all these together in Mbit/s; none without loss, where a model has no bound.
    pub fn mbit(&self, all: &[Transfers]) -> Option<f64> {
        let one = |of: &Transfers| of.count * (self.goodput)(of.rtt_s, of.loss) * of.mss / SEGMENT;
        Some(all.iter().map(one).sum::<f64>()).filter(|mbit| mbit.is_finite() && !all.is_empty())
    }
}

/// The bulk transfers of each cell of a study. The error says of which the models say nothing.
pub fn transfers(study: &Study) -> Result<Vec<Vec<Transfers>>, String> {
    let plan = Plan::parse("scenario.toml", &study.scenario, &study.overrides)
        .map_err(|_| "the scenario reads other files, whose conditions no model has".to_owned())?;
    let of_cell = |cell: usize| {
        let scenario = plan.scenario(cell).map_err(|error| error.to_string())?;
        let bulk = scenario.groups.iter().filter(|group| group.app.measures_a(Measure::Goodput));
        let transfers = bulk.map(|group| {
            let direction = group.app.directions().first().copied().unwrap_or(Direction::Up);
            let loss = scenario.random_loss(&group.path, direction);
            let loss = loss.ok_or("losses in bursts, which the models do not have")?;
            Ok(Transfers {
                count: f64::from(group.count),
                mss: f64::from(group.tcp.mss),
                rtt_s: scenario.base_rtt(&group.path).as_secs_f64(),
                loss,
            })
        });
        transfers.collect::<Result<Vec<_>, String>>()
    };
    (0..study.cells()).map(of_cell).collect()
}

/// Payload of a segment in bytes.
const SEGMENT: f64 = 1448.0;
const SEGMENT_BITS: f64 = SEGMENT * 8.0;

/// Reno without timeouts: √(3/2p) segments a round trip, because windows grow by bytes and so no
/// acknowledgment is missed (Mathis, Semke, Mahdavi and Ott, CCR 27(3), 1997, with b = 1).
pub fn mathis(rtt_s: f64, loss: f64) -> f64 {
    SEGMENT_BITS * 1e-6 / rtt_s * (1.5 / loss).sqrt()
}

/// Reno with timeouts of the round trip and 200 ms (Padhye, Firoiu, Towsley and Kurose, SIGCOMM 1998,
/// equation 32, with b = 1).
pub fn padhye(rtt_s: f64, loss: f64) -> f64 {
    let timeout = rtt_s + 0.2;
    let repair = rtt_s * (2.0 * loss / 3.0).sqrt();
    let silence = timeout * (3.0 * (3.0 * loss / 8.0).sqrt()).min(1.0) * loss * (1.0 + 32.0 * loss * loss);
    SEGMENT_BITS * 1e-6 / (repair + silence)
}

/// CUBIC's mean window where the cubic curve governs, and Reno's where that is larger (RFC 9438 §5.1, with
/// C = 0.4 and β = 0.7).
pub fn cubic(rtt_s: f64, loss: f64) -> f64 {
    let window = (0.4f64 * 3.7 / (4.0 * 0.3)).powf(0.25) * (rtt_s / loss).powf(0.75);
    (SEGMENT_BITS * 1e-6 / rtt_s * window).max(mathis(rtt_s, loss))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64) -> bool {
        (value / expected - 1.0).abs() < 0.005
    }

    #[test]
    fn models_give_what_their_papers_do() {
        // 12.25 segments in 100 ms.
        assert!(is_near(mathis(0.1, 0.01), 1.419), "{}", mathis(0.1, 0.01));
        // RFC 9438, table 1: at 100 ms and 10^-2 of loss Reno's 12 segments, more than the curve's 6.
        assert!(is_near(cubic(0.1, 0.01), mathis(0.1, 0.01)));
        // And at 10^-4 the curve's 187.
        assert!(is_near(cubic(0.1, 0.0001) / (SEGMENT_BITS * 1e-6 / 0.1), 187.4), "{}", cubic(0.1, 0.0001));
    }

    #[test]
    fn timeouts_count_where_losses_are_frequent() {
        assert!(padhye(0.1, 0.0001) > 0.97 * mathis(0.1, 0.0001));
        assert!(padhye(0.1, 0.1) < 0.6 * mathis(0.1, 0.1));
    }

    #[test]
    fn transfers_are_those_of_the_scenario_and_add_up() {
        let text = "duration = \"9s\"\n[link.a]\ndelay = \"10ms\"\nup.loss = \"1%\"\n[link.b]\ndelay = \"15ms\"\nloss = \"2%\"\n\
            [[clients]]\nname = \"u\"\ncount = 3\npath = [\"a\", \"b\"]\napp = { kind = \"bulk\" }\n[[clients]]\nname = \"p\"\n\
            path = [\"a\"]\napp = { kind = \"ping\" }\n[sweep]\n\"tcp.mss\" = [1448, 724]\n";
        let of = |text: &str| {
            let axes: &[(&str, &[&str])] = &[("tcp.mss", &["1448", "724"])];
            transfers(&Study {
                scenario: text.to_owned(),
                overrides: vec![],
                ..crate::tables::testing::study(axes)
            })
        };
        let cells = of(text).expect("a sound scenario");
        let [one] = cells[0][..] else { panic!("{cells:?}") };
        assert!((one.loss - 0.0298).abs() < 1e-9 && (one.rtt_s - 0.05).abs() < 1e-9, "{one:?}");
        let mbit = |cell: usize| MODELS[0].mbit(&cells[cell]).expect("a bound");
        assert!(is_near(mbit(0), 3.0 * mathis(0.05, 0.0298)) && is_near(mbit(1) * 2.0, mbit(0)));
        let bursts = "{ model = \"gilbert-elliott\", p = \"1%\", r = \"50%\" }";
        assert!(of(&text.replace("\"2%\"", bursts)).is_err_and(|why| why.contains("bursts")));
        let none = text.replace("\"2%\"", "\"0%\"").replace("\"1%\"", "\"0%\"");
        assert_eq!(MODELS[0].mbit(&of(&none).expect("sound")[0]), None);
        let traced = text.replace("delay = \"10ms\"", "rate = { trace = \"x\" }");
        assert!(of(&traced).is_err_and(|why| why.contains("other files")));
    }
}
