//! The demo vendor: a deliberately weak provider inside this process, on loopback, with its known weaknesses.
//!
//! Real listeners, real TLS, real certificates made at start: what the audit of it finds, it finds through sockets.
//! Every weakness is written down in [`weaknesses`], and a test compares the audit with that list.

mod certificates;
mod services;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::model::moment::Moment;
use certificates::Authority;
use services::{Headers, Page, Service};

/// A weakness that the demo vendor has: the check that must find it, on which host.
pub type Weakness = (&'static str, &'static str);

/// The demo vendor while it runs; dropping it closes every door.
#[derive(Debug)]
pub struct Vendor {
    ports: Ports,
    ipv6: bool,
    authority_pem: String,
    _services: JoinSet<()>,
}

/// The ports that it uses on its addresses.
#[derive(Clone, Copy, Debug)]
struct Ports {
    https: u16,
    http: u16,
    admin: u16,
    ssh: u16,
    database: u16,
    ftp: u16,
}

const BOOKING: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 10));
const PORTAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 20));
const ADMIN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 30));
const ADMIN_V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
const DATABASE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 40));
const FILES: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 77, 0, 50));
const ADDRESSES: [IpAddr; 5] = [BOOKING, PORTAL, ADMIN, DATABASE, FILES];

impl Vendor {
    /// Opens the vendor's doors.
    ///
    /// # Errors
    /// When no free port can be found on loopback, or certificates cannot be made.
    pub async fn start(now: Moment) -> io::Result<Self> {
        let ipv6 = TcpListener::bind((ADMIN_V6, 0)).await.is_ok();
        let mut taken = Vec::new();
        let mut free = |candidates: &'static [u16]| {
            let port = free_port(candidates, &taken, ipv6);
            taken.extend(port.as_ref().ok());
            port
        };
        let ports = Ports {
            https: free(&[8443, 9443, 10443])?,
            http: free(&[8080, 8081, 8888])?,
            admin: free(&[9090, 10000, 8000])?,
            ssh: free(&[2222, 22222, 2022])?,
            database: free(&[5432, 5433])?,
            ftp: free(&[2121, 2100, 8021])?,
        };
        let authority = Authority::new(now).map_err(io::Error::other)?;
        let mut services = JoinSet::new();
        let mut open = |address, port, service| -> io::Result<()> {
            services.spawn(services::serve(listener((address, port).into())?, service));
            Ok(())
        };

        let old = authority
            .server("booking.postern.test", now.plus_days(-400), now.plus_days(-3))
            .map_err(io::Error::other)?;
        let booking =
            Page { title: "Book a visit", headers: Headers::Careless, login: true, redirect: None };
        open(BOOKING, ports.https, Service::Https(old.tls12_only()?, booking.clone()))?;
        open(BOOKING, ports.http, Service::Http(booking))?;

        let fresh = authority
            .server("portal.postern.test", now.plus_days(-20), now.plus_days(70))
            .map_err(io::Error::other)?;
        let portal =
            Page { title: "Members", headers: Headers::Careful, login: true, redirect: None };
        let to = format!("https://portal.postern.test:{}/", ports.https);
        let moved =
            Page { title: "Moved", headers: Headers::Careful, login: false, redirect: Some(to) };
        open(PORTAL, ports.https, Service::Https(fresh.modern()?, portal))?;
        open(PORTAL, ports.http, Service::Http(moved))?;

        let panel = Page {
            title: "Administration",
            headers: Headers::Careful,
            login: true,
            redirect: None,
        };
        open(ADMIN, ports.admin, Service::Http(panel.clone()))?;
        if ipv6 {
            open(ADMIN_V6, ports.admin, Service::Http(panel))?;
            open(ADMIN_V6, ports.ssh, Service::Greets("SSH-2.0-OpenSSH\r\n"))?;
        }
        open(DATABASE, ports.database, Service::Postgres)?;
        open(FILES, ports.ftp, Service::Greets("220 (vsFTPd 3.0.3)\r\n"))?;
        Ok(Self { ports, ipv6, authority_pem: authority.pem(), _services: services })
    }

    /// What the vendor declares, as an inventory file; `trust` is where [`Vendor::authority_pem`] was written.
    pub fn inventory(&self, trust: &str) -> String {
        let Ports { https, http, admin, .. } = self.ports;
        let ftp = self.ports.ftp;
        let admin_v6 = if self.ipv6 { ", \"::1\"" } else { "" };
        include_str!("inventory.yaml")
            .replace("{https}", &https.to_string())
            .replace("{http}", &http.to_string())
            .replace("{admin}", &admin.to_string())
            .replace("{ftp}", &ftp.to_string())
            .replace("{admin-v6}", admin_v6)
            .replace("{trust}", trust)
    }

    /// The baseline, asked of the vendor's ports as well, and not of those that `strangers` hold: what else this
    /// machine offers on every address is no door of the vendor's.
    pub fn profile(&self, baseline: &[u16], strangers: &[u16]) -> String {
        let Ports { https, http, admin, ssh, database, ftp } = self.ports;
        let own = [https, http, admin, ssh, database, ftp];
        let asked = baseline.iter().filter(|port| !strangers.contains(port)).chain(&own);
        let ports = crate::model::net::port_ranges(&asked.copied().collect::<Vec<_>>());
        include_str!("profile.yaml").replace("{ports}", &ports)
    }

    /// The certificate of the vendor's own authority, PEM.
    pub fn authority_pem(&self) -> &str {
        &self.authority_pem
    }
}

/// Which loopback this machine has: where there is no IPv6, one weakness cannot show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loopback {
    /// 127.0.0.0/8 only.
    V4,
    /// `::1` as well.
    Both,
}

/// Everything that is wrong with the vendor, sorted: what an audit must find, no less and no more.
pub fn weaknesses(loopback: Loopback) -> Vec<Weakness> {
    let over_ipv6 = if loopback == Loopback::Both { WEAKNESSES_OVER_IPV6 } else { &[] };
    let mut known = [WEAKNESSES, over_ipv6].concat();
    known.sort_unstable();
    known
}

/// By host, in the inventory's order. The member portal is the well-kept one: it has none.
const WEAKNESSES: &[Weakness] = &[
    ("certificate/expired", "booking"),
    ("tls/no-tls13", "booking"),
    ("web/cookie-no-samesite", "booking"),
    ("web/cookie-not-httponly", "booking"),
    ("web/cookie-not-secure", "booking"),
    ("web/framable", "booking"),
    ("web/login-without-encryption", "booking"),
    ("web/mime-sniffing", "booking"),
    ("web/no-content-security-policy", "booking"),
    ("web/no-hsts", "booking"),
    ("web/no-https-redirect", "booking"),
    ("web/no-referrer-policy", "booking"),
    ("web/no-security-txt", "booking"),
    ("web/version-disclosed", "booking"),
    ("exposure/undeclared-open", "admin"),
    ("web/admin-page-exposed", "admin"),
    ("web/login-without-encryption", "admin"),
    ("web/no-https-redirect", "admin"),
    ("database/postgresql-reachable-from-internet", "database"),
    ("service/postgresql-without-encryption", "database"),
    ("exposure/undeclared-open", "database"),
    ("exposure/declared-but-closed", "files"),
    ("service/ftp-reachable-from-internet", "files"),
    ("service/version-in-greeting", "files"),
];

/// What only shows where this machine has IPv6.
const WEAKNESSES_OVER_IPV6: &[Weakness] =
    &[("exposure/ipv6-wider-than-ipv4", "admin"), ("ssh/reachable-from-internet", "admin")];

/// The ports on which something listens on every address of this machine, or on `::1`, from the kernel's own tables
/// (`/proc/net/tcp` and `tcp6`, as proc(5) describes them): their texts are given.
pub fn strangers(tables: &[String]) -> Vec<u16> {
    let listening = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (address, port) = words.next()?.split_once(':')?;
        let listens = words.nth(1)? == "0A";
        let everywhere = address.bytes().all(|digit| digit == b'0')
            || address == "00000000000000000000000001000000";
        u16::from_str_radix(port, 16).ok().filter(|_| listens && everywhere)
    };
    tables.iter().flat_map(|table| table.lines().filter_map(listening)).collect()
}

/// A port that is free on every address of the vendor's, so that none of its hosts shows a stranger's service.
fn free_port(candidates: &[u16], taken: &[u16], ipv6: bool) -> io::Result<u16> {
    let mut addresses = ADDRESSES.to_vec();
    addresses.extend(ipv6.then_some(ADMIN_V6));
    let free =
        |port: u16| addresses.iter().all(|address| listener((*address, port).into()).is_ok());
    candidates.iter().copied().find(|port| !taken.contains(port) && free(*port)).ok_or_else(|| {
        io::Error::other(format!(
            "the demo needs one of the ports {candidates:?} free on this machine's loopback"
        ))
    })
}

/// A listener on exactly that address.
fn listener(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = if at.is_ipv4() {
        tokio::net::TcpSocket::new_v4()
    } else {
        tokio::net::TcpSocket::new_v6()
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_read_from_the_kernels_tables() {
        let tcp = "  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A 0\n   \
                   1: 0100007F:1538 00000000:0000 0A 0\n   2: 00000000:0017 0100007F:0018 01 0\n";
        let tcp6 = "   0: 00000000000000000000000001000000:0277 00000000000000000000000000000000:0000 0A 0\n";
        assert_eq!(strangers(&[tcp.into(), tcp6.into()]), [22, 631]);
    }
}
