//! Packets as bytes on an Ethernet, for captures: Ethernet, IPv4 (RFC 791), TCP (RFC 9293) or UDP (RFC 768).

use std::net::Ipv4Addr;

use super::codec::{self, Ends};
use super::{Direction, FlowId, IP_HEADER, Packet, Segment};

/// Bytes of an Ethernet header.
const ETHERNET: usize = 14;
/// Hops that a packet may make.
const TTL: u8 = 64;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Of the servers; no dissector claims the port.
const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 50_000);
/// First of the addresses that clients have: 10.0.0.1.
const FIRST_CLIENT: u32 = 0x0a00_0001;
/// First of the ports that clients take.
const FIRST_PORT: u16 = 50_001;

/// Addresses of a flow's packets: clients are 10.0.0.1 and following by the flow's number, the server is
/// 192.0.2.1 (RFC 5737).
pub fn ends(packet: &Packet) -> Ends {
    let client = FIRST_CLIENT + packet.flow.0 % 0x00ff_fffe;
    let port = FIRST_PORT + (packet.flow.0 % 10_000) as u16;
    let client = (Ipv4Addr::from(client), port);
    match packet.direction {
        Direction::Up => Ends { source: client, destination: SERVER },
        Direction::Down => Ends { source: SERVER, destination: client },
    }
}

/// The bytes of a packet. Of one that a link damaged the last byte is another, so that its checksum fails. A
/// datagram's data begin with its number and the time of its sending in nanoseconds.
pub fn bytes(packet: &Packet) -> Vec<u8> {
    let ends = ends(packet);
    let mut data = match packet.as_datagram() {
        Some(datagram) => {
            let mut data = Vec::with_capacity(8 + datagram.payload as usize);
            for port in [ends.source.1, ends.destination.1] {
                data.extend_from_slice(&port.to_be_bytes());
            }
            data.extend_from_slice(&(8 + datagram.payload as u16).to_be_bytes());
            data.extend_from_slice(&[0; 2]);
            data.extend_from_slice(&datagram.number.to_be_bytes());
            data.extend_from_slice(&datagram.sent.as_nanos().to_be_bytes());
            data.resize(8 + datagram.payload as usize, 0);
            let sum = match codec::checksum_of(&data, ends, UDP) {
                // Zero says that there is no checksum (RFC 768).
                0 => u16::MAX,
                sum => sum,
            };
            data[6..8].copy_from_slice(&sum.to_be_bytes());
            data
        }
        None => codec::encode(&packet.segment, ends),
    };
    if let Some(last) = data.last_mut().filter(|_| packet.is_corrupted()) {
        *last ^= 0xff;
    }
    let mut out = Vec::with_capacity(ETHERNET + IP_HEADER as usize + data.len());
    for (address, _) in [ends.destination, ends.source] {
        // A locally administered address that says whose it is.
        out.extend_from_slice(&[0x02, 0]);
        out.extend_from_slice(&address.octets());
    }
    out.extend_from_slice(&0x0800u16.to_be_bytes());
    out.extend_from_slice(&ip_header(packet, ends, data.len() as u16));
    out.extend_from_slice(&data);
    out
}

/// The segment in the bytes of a frame, with its flow and direction; `None` of a datagram, of one that was damaged, and
/// of a frame that [`bytes`] does not make.
pub fn segment(frame: &[u8]) -> Option<(FlowId, Direction, Segment)> {
    let (header, data) = frame.get(ETHERNET..)?.split_at_checked(IP_HEADER as usize)?;
    if (header[0], header[9]) != (0x45, TCP) {
        return None;
    }
    let address = |at: usize| Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]);
    let (source, destination) = (address(12), address(16));
    let (segment, _) = codec::decode(data, source, destination).ok()?;
    let (client, direction) =
        if source == SERVER.0 { (destination, Direction::Down) } else { (source, Direction::Up) };
    Some((FlowId(u32::from(client).checked_sub(FIRST_CLIENT)?), direction, segment))
}

fn ip_header(packet: &Packet, ends: Ends, data: u16) -> [u8; IP_HEADER as usize] {
    let mut header = [0; IP_HEADER as usize];
    header[0] = 0x45;
    header[1] = packet.class.0.min(63) << 2 | packet.segment.ecn as u8;
    header[2..4].copy_from_slice(&(IP_HEADER as u16 + data).to_be_bytes());
    // Don't fragment; then the identification says nothing (RFC 6864).
    header[6] = 0x40;
    header[8] = TTL.saturating_sub(packet.hop);
    header[9] = if packet.is_datagram() { UDP } else { TCP };
    header[12..16].copy_from_slice(&ends.source.0.octets());
    header[16..20].copy_from_slice(&ends.destination.0.octets());
    let sum = codec::sum_of(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Datagram;
    use crate::time::Instant;
    use crate::wire::{Ecn, FlowId, Payload, Segment, Timestamps};

    fn full() -> Packet {
        let timestamps = Some(Timestamps { value: 1, echo: 2 });
        let segment =
            Segment { timestamps, payload: Payload::zeros(1448), ecn: Ecn::Ce, ..Segment::default() };
        Packet::new(FlowId(0), Direction::Up, segment)
    }

    #[test]
    fn a_frame_is_as_long_as_its_packet_and_its_checksums_hold() {
        let packet = full();
        let frame = bytes(&packet);
        assert_eq!(frame.len(), ETHERNET + packet.size() as usize);
        let ip = &frame[ETHERNET..ETHERNET + 20];
        assert_eq!((ip[1] & 3, codec::sum_of(ip)), (3, 0), "CE, and a sum that holds");
        let Ends { source, destination } = ends(&packet);
        let decoded = codec::decode(&frame[ETHERNET + 20..], source.0, destination.0);
        assert_eq!(decoded.map(|(segment, _)| segment.payload.len()), Ok(1448));
        let mut damaged = full();
        damaged.corrupt();
        let frame = bytes(&damaged);
        let decoded = codec::decode(&frame[ETHERNET + 20..], source.0, destination.0);
        assert_eq!(decoded.map(|_| ()), Err(codec::DecodeError::Checksum));
    }

    #[test]
    fn a_datagram_is_one_of_udp() {
        let datagram = Datagram { number: 7, payload: 56, sent: Instant::from_nanos(9) };
        for direction in Direction::BOTH {
            let packet = Packet::datagram(FlowId(3), direction, datagram);
            let frame = bytes(&packet);
            assert_eq!(frame.len(), ETHERNET + packet.size() as usize);
            let udp = &frame[ETHERNET + 20..];
            assert_eq!((frame[ETHERNET + 9], udp[4..6].to_vec()), (UDP, vec![0, 64]));
            assert_eq!(codec::checksum_of(udp, ends(&packet), UDP), 0);
            assert_eq!((&udp[8..12], &udp[12..20]), (&[0, 0, 0, 7][..], &[0, 0, 0, 0, 0, 0, 0, 9][..]));
        }
    }
}
