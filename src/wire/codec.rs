//! Segments to bytes and back, with the checksum of RFC 9293 §3.1. Worlds pass segments as values;
//! the bytes are for captures, for proving that damage is caught, and for edges that speak IP. The ECN field
//! is none of TCP's bytes.

use std::net::Ipv4Addr;

use super::{
    Ecn, EcnBytes, EcnOrder, Flags, Options, Payload, SackBlocks, Segment, SeqNumber, SynOptions, Timestamps,
};

/// Protocol number of TCP in the pseudo-header.
const TCP: u8 = 6;

/// The two ends of a segment, for header and checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Address and port of the sender.
    pub source: (Ipv4Addr, u16),
    /// Address and port of the receiver.
    pub destination: (Ipv4Addr, u16),
}

/// Reason for which bytes are no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the header needs.
    #[error("fewer bytes than a TCP header")]
    Short,
    /// The checksum does not fit the bytes.
    #[error("the checksum does not fit")]
    Checksum,
    /// The data offset points into the fixed header or past the end.
    #[error("the data offset is impossible")]
    DataOffset,
    /// An option runs past the header or has an impossible length.
    #[error("an option is malformed")]
    Option,
}

/// The bytes of `segment` between `ends`. Panics if the segment exceeds 64 KiB.
pub fn encode(segment: &Segment, ends: Ends) -> Vec<u8> {
    let header = segment.header_len() as usize;
    let mut out = Vec::with_capacity(header + segment.payload.len() as usize);
    out.extend_from_slice(&ends.source.1.to_be_bytes());
    out.extend_from_slice(&ends.destination.1.to_be_bytes());
    out.extend_from_slice(&segment.seq.0.to_be_bytes());
    out.extend_from_slice(&segment.ack.0.to_be_bytes());
    out.extend_from_slice(&(((header / 4) as u16) << 12 | segment.flags.0).to_be_bytes());
    out.extend_from_slice(&segment.window.to_be_bytes());
    // Checksum and urgent pointer.
    out.extend_from_slice(&[0; 4]);
    encode_options(segment, &mut out);
    debug_assert_eq!(out.len(), header);
    segment.payload.copy_to(&mut out);
    let sum = checksum_of(&out, ends, TCP);
    out[16..18].copy_from_slice(&sum.to_be_bytes());
    out
}

fn encode_options(segment: &Segment, out: &mut Vec<u8>) {
    const NOP: u8 = 1;
    let mut sack_permitted = false;
    if let Options::Syn(syn) = segment.options {
        if let Some(mss) = syn.mss {
            out.extend_from_slice(&[2, 4]);
            out.extend_from_slice(&mss.to_be_bytes());
        }
        sack_permitted = syn.sack_permitted;
    }
    if let Some(Timestamps { value, echo }) = segment.timestamps {
        out.extend_from_slice(if sack_permitted { &[4, 2] } else { &[NOP, NOP] });
        out.extend_from_slice(&[8, 10]);
        out.extend_from_slice(&value.to_be_bytes());
        out.extend_from_slice(&echo.to_be_bytes());
    } else if sack_permitted {
        out.extend_from_slice(&[NOP, NOP, 4, 2]);
    }
    if let Options::Syn(SynOptions { window_scale: Some(shift), .. }) = segment.options {
        out.extend_from_slice(&[NOP, 3, 3, shift]);
    }
    let blocks = segment.sack_blocks();
    if !blocks.is_empty() {
        out.extend_from_slice(&[NOP, NOP, 5, 2 + 8 * blocks.len() as u8]);
        for (start, end) in blocks {
            out.extend_from_slice(&start.0.to_be_bytes());
            out.extend_from_slice(&end.0.to_be_bytes());
        }
    }
    if let Some(bytes) = segment.ecn_bytes() {
        let len = 2 + 3 * bytes.fields().len();
        out.resize(out.len() + bytes.wire_len() as usize - len, NOP);
        out.extend_from_slice(&[bytes.order().kind(), len as u8]);
        out.extend_from_slice(bytes.fields().as_flattened());
    }
}

/// Reads a segment and its ports, after checking its checksum between these addresses.
pub fn decode(bytes: &[u8], source: Ipv4Addr, destination: Ipv4Addr) -> Result<(Segment, Ends), DecodeError> {
    if bytes.len() < 20 {
        return Err(DecodeError::Short);
    }
    let u16_at = |i: usize| u16::from_be_bytes([bytes[i], bytes[i + 1]]);
    let ends = Ends { source: (source, u16_at(0)), destination: (destination, u16_at(2)) };
    // Summed with the checksum in place, intact bytes give zero (RFC 1071).
    if checksum_of(bytes, ends, TCP) != 0 {
        return Err(DecodeError::Checksum);
    }
    let header = usize::from(bytes[12] >> 4) * 4;
    if header < 20 || header > bytes.len() {
        return Err(DecodeError::DataOffset);
    }
    let flags = Flags(u16_at(12) & 0x01ff);
    let (timestamps, options) = decode_options(&bytes[20..header], flags.has(Flags::SYN))?;
    let payload = match &bytes[header..] {
        [] => Payload::default(),
        data => Payload::shared(data),
    };
    let segment = Segment {
        seq: SeqNumber(u32_at(bytes, 4)),
        ack: SeqNumber(u32_at(bytes, 8)),
        window: u16_at(14),
        flags,
        // Part of the IP header, which is not here.
        ecn: Ecn::NotEct,
        timestamps,
        options,
        payload,
    };
    Ok((segment, ends))
}

fn decode_options(mut bytes: &[u8], is_syn: bool) -> Result<(Option<Timestamps>, Options), DecodeError> {
    let mut timestamps = None;
    let mut syn = SynOptions::default();
    let mut blocks = SackBlocks::default();
    let mut counted = None;
    while let Some((&kind, rest)) = bytes.split_first() {
        match kind {
            // End of options; no-operation (RFC 9293 §3.2).
            0 => break,
            1 => {
                bytes = rest;
                continue;
            }
            _ => {}
        }
        let len = usize::from(*rest.first().ok_or(DecodeError::Option)?);
        if len < 2 || len > bytes.len() {
            return Err(DecodeError::Option);
        }
        let data = &bytes[2..len];
        match (kind, data.len()) {
            (2, 2) => syn.mss = Some(u16::from_be_bytes([data[0], data[1]])),
            (3, 1) => syn.window_scale = Some(data[0]),
            (4, 0) => syn.sack_permitted = true,
            (5, n) if n % 8 == 0 => {
                for block in data.chunks_exact(8) {
                    blocks.push(SeqNumber(u32_at(block, 0)), SeqNumber(u32_at(block, 4)));
                }
            }
            (8, 8) => timestamps = Some(Timestamps { value: u32_at(data, 0), echo: u32_at(data, 4) }),
            (2..=5 | 8, _) => return Err(DecodeError::Option),
            // RFC 9768 §3.2.3: of any other length, the fields that fit.
            (172 | 174, _) => {
                let fields = data.as_chunks::<3>().0;
                counted = EcnOrder::of_kind(kind).map(|order| EcnBytes::of_wire(order, fields));
            }
            // RFC 9293 MUST-6: ignore options one does not know.
            _ => {}
        }
        bytes = &bytes[len..];
    }
    let options = match counted {
        _ if is_syn => Options::Syn(SynOptions { counted, ..syn }),
        Some(bytes) => Options::Counted(bytes, blocks.first_two()),
        None => Options::Sack(blocks),
    };
    Ok((timestamps, options))
}

fn u32_at(bytes: &[u8], i: usize) -> u32 {
    u32::from_be_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]])
}

/// The Internet checksum (RFC 1071) over pseudo-header and segment, or another protocol's bytes.
pub(super) fn checksum_of(bytes: &[u8], ends: Ends, protocol: u8) -> u16 {
    let mut sum = u32::from(protocol) + u32::try_from(bytes.len()).expect("a segment below 4 GiB");
    for address in [ends.source.0, ends.destination.0] {
        let [a, b, c, d] = address.octets();
        sum += u32::from(u16::from_be_bytes([a, b])) + u32::from(u16::from_be_bytes([c, d]));
    }
    folded(sum, bytes)
}

/// The Internet checksum over these bytes alone.
pub(super) fn sum_of(bytes: &[u8]) -> u16 {
    folded(0, bytes)
}

fn folded(mut sum: u32, bytes: &[u8]) -> u16 {
    let mut pairs = bytes.chunks_exact(2);
    for pair in &mut pairs {
        sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if let [last] = pairs.remainder() {
        sum += u32::from(*last) << 8;
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ends() -> Ends {
        Ends {
            source: (Ipv4Addr::new(10, 0, 0, 1), 40_000),
            destination: (Ipv4Addr::new(10, 255, 0, 1), 7000),
        }
    }

    fn segments() -> impl Strategy<Value = Segment> {
        let sack = proptest::collection::vec((any::<u32>(), any::<u32>()), 0..=3).prop_map(|list| {
            let mut blocks = SackBlocks::default();
            for (start, end) in list {
                blocks.push(SeqNumber(start), SeqNumber(end));
            }
            (0u16, Options::Sack(blocks))
        });
        let counters = (any::<bool>(), 0usize..=3, any::<u32>()).prop_map(|(last, len, count)| {
            let order = if last { EcnOrder::Ect1First } else { EcnOrder::Ect0First };
            EcnBytes::new(order, len, |ecn| count.rotate_left(8 * ecn as u32))
        });
        let syn = (
            any::<Option<u16>>(),
            proptest::option::of(0u8..15),
            any::<bool>(),
            proptest::option::of(counters.clone()),
        )
            .prop_map(|(mss, window_scale, sack_permitted, counted)| {
                (Flags::SYN.0, Options::Syn(SynOptions { mss, window_scale, sack_permitted, counted }))
            });
        let block = || (any::<u32>(), 1u32..1 << 30);
        let counted = (counters, proptest::collection::vec(block(), 0..=2)).prop_map(|(bytes, list)| {
            let mut blocks = SackBlocks::default();
            // With three counters there is room for one.
            let room = if bytes.fields().len() > 2 { 1 } else { 2 };
            for (start, len) in list.into_iter().take(room) {
                blocks.push(SeqNumber(start), SeqNumber(start).add(len));
            }
            (0u16, Options::Counted(bytes, blocks.first_two()))
        });
        let stamps = proptest::option::of(
            (any::<u32>(), any::<u32>()).prop_map(|(value, echo)| Timestamps { value, echo }),
        );
        let payload = proptest::collection::vec(any::<u8>(), 0..64);
        (any::<(u32, u32, u16, u16)>(), stamps, prop_oneof![sack, syn, counted], payload).prop_map(
            |((seq, ack, window, bits), timestamps, (syn, options), payload)| Segment {
                seq: SeqNumber(seq),
                ack: SeqNumber(ack),
                window,
                flags: Flags(bits & 0x01ff & !Flags::SYN.0 | syn),
                ecn: Ecn::NotEct,
                timestamps,
                options,
                payload: if payload.is_empty() { Payload::default() } else { Payload::shared(payload) },
            },
        )
    }

    proptest! {
        #[test]
        fn round_trip(segment in segments()) {
            let bytes = encode(&segment, ends());
            prop_assert_eq!(decode(&bytes, ends().source.0, ends().destination.0), Ok((segment, ends())));
        }

        #[test]
        fn every_flipped_bit_is_caught(segment in segments(), at: prop::sample::Index, bit in 0u32..8) {
            let mut bytes = encode(&segment, ends());
            let i = at.index(bytes.len());
            bytes[i] ^= 1u8 << bit;
            let got = decode(&bytes, ends().source.0, ends().destination.0);
            prop_assert_eq!(got.map(|_| ()), Err(DecodeError::Checksum));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&bytes, ends().source.0, ends().destination.0);
            let _ = decode_options(&bytes, true);
        }
    }
}
