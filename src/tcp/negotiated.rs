//! Agreement of the SYNs of both ends.

use super::config::{Config, EcnMode, TIMESTAMP_BYTES};
use crate::wire::{Flags, Segment};

/// RFC 9293 §3.7.1 (MUST-15): what a SYN without the option means, in bytes.
const DEFAULT_MSS: u16 = 536;
/// RFC 7323 §2.3: no shift is larger.
const LARGEST_SHIFT: u8 = 14;

/// The outcome of a handshake; before the peer's SYN, what holds without one.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "options of a protocol are independent switches")]
pub(super) struct Negotiated {
    /// Payload of a full segment in bytes.
    pub mss: u64,
    /// True if both offered SACK (RFC 2018 §2).
    pub sack: bool,
    /// True if both offered timestamps (RFC 7323 §3.2).
    pub timestamps: bool,
    /// Form of ECN that both SYNs set up (RFC 3168 §6.1.1, RFC 9768 table 2): marks are echoed so.
    pub ecn: EcnMode,
    /// And neither sent one that did not: data may be sent as ECN-capable.
    pub ect: bool,
    /// True if both offered to scale windows (RFC 7323 §2.2), and the shift of the peer's.
    pub window_scale: bool,
    pub window_shift: u8,
}

impl Negotiated {
    /// Before the peer's SYN.
    pub fn unknown(config: &Config) -> Negotiated {
        let mss = config.mss.into();
        Negotiated {
            mss,
            sack: false,
            timestamps: false,
            ecn: EcnMode::Off,
            ect: false,
            window_scale: false,
            window_shift: 0,
        }
    }

    /// After the peer's SYN: an option holds if both ends offer it.
    pub fn after(config: &Config, syn: &Segment) -> Negotiated {
        let offered = syn.syn_options();
        let timestamps = config.timestamps && syn.timestamps.is_some();
        let ecn = ecn_of(config.ecn, syn);
        let scale = offered.window_scale.filter(|_| config.window_scale);
        // Both offers are without options, so that a peer that declines timestamps gets their bytes as
        // payload.
        let limit = config.mss_option().min(offered.mss.unwrap_or(DEFAULT_MSS));
        let option_bytes = if timestamps { TIMESTAMP_BYTES } else { 0 };
        Negotiated {
            mss: limit.saturating_sub(option_bytes).max(1).into(),
            sack: config.sack && offered.sack_permitted,
            timestamps,
            ecn,
            ect: ecn != EcnMode::Off,
            window_scale: scale.is_some(),
            window_shift: scale.unwrap_or(0).min(LARGEST_SHIFT),
        }
    }
}

/// Form of ECN that a host with `own` enters by the peer's SYN or SYN-ACK (RFC 9768 table 2).
fn ecn_of(own: EcnMode, syn: &Segment) -> EcnMode {
    let is_answer = syn.flags.has(Flags::ACK);
    let said = syn.flags.of(Flags::ACE);
    match own {
        EcnMode::Accurate if said == Flags(0) => EcnMode::Off,
        // A server that returns what it does not know.
        EcnMode::Accurate if is_answer && said == Flags::ACE => EcnMode::Off,
        // §3.1.3: combinations that mean nothing yet are accurate ECN.
        EcnMode::Accurate if said != (if is_answer { Flags::ECE } else { Flags::ECN }) => own,
        EcnMode::Accurate => EcnMode::Classic,
        EcnMode::Classic if sets_up_ecn(syn) => own,
        EcnMode::Classic | EcnMode::Off => EcnMode::Off,
    }
}

/// RFC 3168 §6.1.1: a SYN sets ECN up with both flags, its answer with one, so that a peer that returns
/// what it does not know is not believed.
pub(super) fn sets_up_ecn(syn: &Segment) -> bool {
    let expected = if syn.flags.has(Flags::ACK) { Flags::ECE } else { Flags::ECN };
    syn.flags.of(Flags::ECN) == expected
}

/// RFC 9768 §3.1.5: one handshake must not offer both forms, for neither end could know which the other has.
pub(super) fn contradicts(agreed: EcnMode, own: EcnMode, syn: &Segment) -> bool {
    let other = ecn_of(own, syn);
    own == EcnMode::Accurate && other != EcnMode::Off && other != agreed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Options, SynOptions, Timestamps};

    fn syn(timestamps: bool, options: SynOptions) -> Segment {
        let timestamps = timestamps.then_some(Timestamps { value: 1, echo: 0 });
        Segment { timestamps, options: Options::Syn(options), ..Segment::default() }
    }

    const ALL: SynOptions =
        SynOptions { mss: Some(1460), window_scale: Some(15), sack_permitted: true, counted: None };

    #[test]
    fn an_option_holds_if_both_offer_it() {
        let config = Config::default();
        let plain = Config { timestamps: false, sack: false, window_scale: false, ..Config::default() };
        let all = Negotiated::after(&config, &syn(true, ALL));
        assert!(all.sack && all.timestamps && all.window_scale);
        assert_eq!((all.window_shift, all.mss), (LARGEST_SHIFT, 1448));
        // Without timestamps their bytes are payload, as far as both ends' limits allow.
        for (config, peer, mss) in [
            (&plain, syn(true, ALL), 1448),
            (&config, syn(false, SynOptions { mss: Some(1460), ..SynOptions::default() }), 1460),
        ] {
            let agreed = Negotiated::after(config, &peer);
            assert!(!agreed.sack && !agreed.timestamps && !agreed.window_scale);
            assert_eq!((agreed.window_shift, agreed.mss), (0, mss));
        }
    }

    #[test]
    fn without_an_offer_a_segment_is_of_536_bytes() {
        let agreed = Negotiated::after(&Config::default(), &syn(true, SynOptions::default()));
        assert_eq!(agreed.mss, 524);
    }
}
