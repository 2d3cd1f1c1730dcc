//! Quality of speech over datagrams: the E-model of ITU-T G.107 in the reduced form of Cole and Rosenbluth
//! ("Voice over IP performance monitoring", Computer Communication Review 31(2), 2001) for G.711.

use crate::facts::Voice;
use crate::time::Duration;

/// Speech in a packet, in G.711 at 64 kbit/s: 160 bytes.
pub const PACKET: Duration = Duration::from_millis(20);
/// Bytes of data in a datagram: the speech, and 12 of RTP's header (RFC 3550).
pub const PAYLOAD: u32 = 160 + 12;

/// Delay beyond which speakers interrupt each other, in milliseconds.
const KNEE: f64 = 177.3;

/// Quality at a delay from mouth to ear and a share of packets that are not played, lost at random.
pub fn quality(delay: Duration, loss: f64) -> Voice {
    let delay = delay.as_millis_f64();
    let by_delay = 0.024 * delay + 0.11 * (delay - KNEE).max(0.0);
    let by_loss = 30.0 * libm::log(1.0 + 15.0 * loss);
    let r = 94.2 - by_delay - by_loss;
    Voice { r, mos: mos(r) }
}

/// ITU-T G.107 annex B: the mean opinion score of a rating factor.
fn mos(r: f64) -> f64 {
    match r {
        ..=0.0 => 1.0,
        100.0.. => 4.5,
        // The polynomial dips below 1 at the bad end.
        _ => (1.0 + 0.035 * r + 7e-6 * r * (r - 60.0) * (100.0 - r)).max(1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_recommendation() {
        // ITU-T G.107 table B.1, lower limits of the categories.
        for (r, expected) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!((mos(r) - expected).abs() < 0.01, "{r}: {} instead of {expected}", mos(r));
        }
        assert!(mos(-1.0) <= 1.0 && mos(120.0) >= 4.5);
        assert!((0..1000).all(|r| mos(f64::from(r) / 10.0) >= 1.0));
    }

    #[test]
    fn ratings_are_those_of_the_formula() {
        let r = |ms, loss| quality(Duration::from_millis(ms), loss).r;
        assert!((r(0, 0.0) - 94.2).abs() < 1e-9);
        assert!((r(150, 0.0) - 90.6).abs() < 1e-9);
        // 0.024 x 300 + 0.11 x 122.7 = 20.697; 30 ln 1.75 = 16.788.
        assert!((r(300, 0.0) - 73.503).abs() < 1e-9);
        assert!((r(0, 0.05) - 77.412).abs() < 1e-3);
    }
}
