//! Which addresses requests may go to.
//!
//! Who may define a connection decides where this server sends requests. What lies on link-local addresses answers
//! because of *where* a request comes from: the metadata services of clouds hand out the machine's own credentials
//! there. Nothing that somebody wants to read is at such an address, so they are refused, by what a name resolves to:
//! for APIs, DynamoDB's endpoint and databases alike.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Metadata services at addresses that are not link-local: Alibaba Cloud, Oracle Cloud, Azure's host.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(168, 63, 129, 16)];
/// Amazon's.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254);

/// Which addresses a client may connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    loopback: bool,
}

/// An address that a client does not connect to.
#[derive(Debug, thiserror::Error)]
#[error("{address} is {why}")]
pub(super) struct Refused {
    pub(super) address: IpAddr,
    pub(super) why: &'static str,
}

impl Reach {
    /// No address of a link, of metadata services, or of many hosts; `loopback` says whether services of this machine
    /// may be reached.
    pub fn guarded(loopback: bool) -> Self {
        Self { loopback }
    }

    /// What is wrong with an address.
    fn refuses(self, address: IpAddr) -> Option<&'static str> {
        let metadata = "an address of metadata services";
        match plain(address) {
            IpAddr::V4(v4) if METADATA_V4.contains(&v4) => Some(metadata),
            IpAddr::V6(METADATA_V6) => Some(metadata),
            IpAddr::V4(v4) if v4.is_link_local() => Some("link-local"),
            IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("link-local"),
            IpAddr::V4(v4) if v4.octets()[0] == 0 || v4.is_broadcast() => Some("no address of a host"),
            address if address.is_unspecified() || address.is_multicast() => Some("no address of a host"),
            address if address.is_loopback() && !self.loopback => {
                Some("this machine itself, which a server that listens on a network does not ask")
            }
            _ => None,
        }
    }

    /// The addresses of a host, which may be one itself: those that may be connected to, and one that may not.
    async fn look_up(self, host: &str) -> std::io::Result<(Vec<SocketAddr>, Option<Refused>)> {
        let mut refused = None;
        let mut found = Vec::new();
        for address in tokio::net::lookup_host((host, 0)).await? {
            match self.refuses(address.ip()) {
                Some(why) => refused = Some(Refused { address: address.ip(), why }),
                None => found.push(address),
            }
        }
        Ok((found, refused))
    }

    /// Admits a host for clients that look names up themselves: all that it resolves to must be in reach.
    ///
    /// # Errors
    /// An address that is refused, or the system's reason why there is none.
    pub(crate) async fn admit(self, host: &str) -> std::io::Result<()> {
        match self.look_up(host).await? {
            (_, Some(refused)) => Err(std::io::Error::other(refused)),
            (_, None) => Ok(()),
        }
    }

    /// What is wrong with an address's host, where it is no name.
    pub(super) fn refuses_host(self, url: &Url) -> Option<(IpAddr, &'static str)> {
        let address = match url.host()? {
            url::Host::Ipv4(v4) => IpAddr::V4(v4),
            url::Host::Ipv6(v6) => IpAddr::V6(v6),
            url::Host::Domain(_) => return None,
        };
        self.refuses(address).map(|why| (address, why))
    }
}

/// The IPv4 address that an IPv6 address stands for (mapped, NAT64 of RFC 6052, 6to4 of RFC 3056), else itself.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address.to_canonical() else { return address.to_canonical() };
    let octets = v6.octets();
    let embedded = match v6.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some([octets[12], octets[13], octets[14], octets[15]]),
        [0x2002, ..] => Some([octets[2], octets[3], octets[4], octets[5]]),
        _ => None,
    };
    embedded.map_or(IpAddr::V6(v6), |octets| IpAddr::V4(octets.into()))
}

/// Resolves names, and leaves out addresses that are refused.
pub(super) struct Guard(pub(super) Reach);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        Box::pin(async move {
            match reach.look_up(name.as_str()).await? {
                (found, Some(refused)) if found.is_empty() => Err(refused.into()),
                (found, _) => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_services_are_out_of_reach_however_they_are_written() {
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9.254.0251.0376",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            let url = Url::parse(&format!("http://{host}/latest")).unwrap();
            assert!(Reach::guarded(true).refuses_host(&url).is_some(), "{host}");
        }
        for host in ["10.0.0.1", "192.168.1.1", "8.8.8.8", "[2001:db8::1]", "[fd00::1]", "169.253.1.1"] {
            let url = Url::parse(&format!("http://{host}/")).unwrap();
            assert_eq!(Reach::guarded(false).refuses_host(&url), None, "{host}");
        }
    }

    #[test]
    fn this_machine_is_in_reach_only_where_it_is_said() {
        for host in ["127.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"] {
            let url = Url::parse(&format!("http://{host}:1/")).unwrap();
            assert_eq!(Reach::guarded(true).refuses_host(&url), None, "{host}");
            assert!(Reach::guarded(false).refuses_host(&url).is_some(), "{host}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_what_they_resolve_to() {
        let resolve = |reach: Reach| async move {
            let found = Guard(reach).resolve("localhost".parse().unwrap()).await;
            found.map(|found| found.count()).map_err(|error| error.to_string())
        };
        assert!(resolve(Reach::guarded(true)).await.unwrap() > 0);
        assert!(resolve(Reach::guarded(false)).await.unwrap_err().contains("this machine itself"));
    }

    #[tokio::test]
    async fn clients_that_look_names_up_themselves_are_told_before() {
        for host in ["169.254.169.254", "2852039166", "::ffff:169.254.1.1", "fe80::1"] {
            let error = Reach::guarded(true).admit(host).await.unwrap_err().to_string();
            assert!(error.contains("is link-local"), "{host}: {error}");
        }
        for host in ["127.0.0.1", "::1", "localhost"] {
            Reach::guarded(true).admit(host).await.unwrap();
            assert!(Reach::guarded(false).admit(host).await.is_err(), "{host}");
        }
    }
}
