//! Models of a long transfer that random loss alone limits: goodput in Mbit/s.

/// Payload of a segment in bits.
const SEGMENT_BITS: f64 = 1448.0 * 8.0;

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
}
