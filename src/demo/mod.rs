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
            database: free(&[5432, 5433, 3306])?,
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

    /// A profile that asks for the vendor's own ports only, so that whatever else this machine offers on every address
    /// stays out of the review.
    pub fn profile(&self) -> String {
        let Ports { https, http, admin, ssh, database, ftp } = self.ports;
        let ports = crate::model::net::port_ranges(&[https, http, admin, ssh, database, ftp]);
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
const WEAKNESSES: &[Weakness] = &[];

/// What only shows where this machine has IPv6.
const WEAKNESSES_OVER_IPV6: &[Weakness] = &[("exposure/ipv6-wider-than-ipv4", "admin")];

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
