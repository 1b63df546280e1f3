//! Where a call comes from.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A client's address. Of IPv6 it is the network of 64 bits, all of which one client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// The address in a header that the nearest proxy writes: the last one of a list, those before are what the client said.
    pub(crate) fn forwarded(value: &str) -> Option<Self> {
        let last = value.rsplit(',').next()?.trim();
        let bare = last.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(last, |(address, _)| address);
        let address = bare.parse().or_else(|_| last.parse::<SocketAddr>().map(|address| address.ip()));
        address.ok().map(Self::of)
    }

    /// The other end of the connection, as Spin tells it. An address of a private network is nobody's in particular: of a
    /// proxy, mostly, behind which are all clients. Another component of the application has none at all (0.0.0.0).
    pub(crate) fn connected(value: &str) -> Option<Self> {
        let client = Self::forwarded(value)?;
        let private = match client.0 {
            IpAddr::V4(address) => {
                address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified()
            }
            IpAddr::V6(address) => address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local(),
        };
        (!private).then_some(client)
    }

    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                Self(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into())
            }
            address => Self(address),
        }
    }

    /// What tells it from others.
    pub(crate) fn text(self) -> String {
        self.0.to_string()
    }

    /// Whom to ask about it, without telling the client: the log is no place for an address.
    pub(crate) fn network(self) -> String {
        match self.0 {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> 48));
                format!("{network}/48")
            }
        }
    }
}
