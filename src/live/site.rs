//! Origin of a connection, as far as it can be kept out.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// An address or, of IPv6, its first 64 bits: a machine there has 2^64 of them and may change its own at will
/// (RFC 8981). A whole classroom may be one site, by IPv6 as well as behind an address translator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(IpAddr);

impl Site {
    /// Site of this address. IPv4 within IPv6 (RFC 4291 §2.5.5.2) is IPv4.
    pub fn of(address: IpAddr) -> Site {
        Site(match address.to_canonical() {
            // These have one network for all.
            IpAddr::V6(address) if address.is_loopback() || address.is_unicast_link_local() => address.into(),
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
            address @ IpAddr::V4(_) => address,
        })
    }

    /// A number that no other site has.
    pub fn to_bits(self) -> u128 {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V6(address) if !address.is_loopback() && !address.is_unicast_link_local() => {
                write!(f, "{address}/64")
            }
            address => write!(f, "{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_site_has_one_address_or_64_bits_of_them() {
        let site = |text: &str| Site::of(text.parse().expect("an address"));
        for (a, b) in [
            ("10.0.0.5", "::ffff:10.0.0.5"),
            ("2001:db8::1", "2001:db8::ffff:1:2:3"),
            ("::ffff:127.0.0.1", "127.0.0.1"),
        ] {
            assert_eq!(site(a), site(b));
        }
        for (a, b) in [
            ("10.0.0.5", "10.0.0.6"),
            ("2001:db8::1", "2001:db8:0:1::1"),
            ("fe80::1", "fe80::2"),
            ("::1", "127.0.0.1"),
        ] {
            assert_ne!(site(a), site(b));
        }
        let shown = ["::ffff:10.0.0.5", "2001:db8::5", "fe80::1", "::1"].map(|text| site(text).to_string());
        assert_eq!(shown, ["10.0.0.5", "2001:db8::/64", "fe80::1", "::1"]);
    }
}
