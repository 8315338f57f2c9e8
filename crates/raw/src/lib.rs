//! The operating system's lower doors, behind a safe face: raw SYNs and what answers them, the socket error queue, which
//! tells who refused a packet and why, what the system knows about a connection, how many descriptors a process may hold,
//! and process groups.
//!
//! Everything but [`SynSocket`] works without privileges.
#![deny(unsafe_code)]

mod cookie;
mod ends;
mod filter;
mod options;
mod syn;
mod watch;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, killpg};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

pub use options::{TcpInfo, drops, tcp_info};
pub use syn::{Heard, SynSocket, What};
pub use watch::Watch;

/// An ICMP (RFC 792) or `ICMPv6` (RFC 4443) error that came back for a packet of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IcmpError {
    /// Its type: 3 is "destination unreachable" in ICMP, 1 in `ICMPv6`.
    pub kind: u8,
    /// Its code: for type 3, 3 is "port unreachable" and 13 "administratively prohibited".
    pub code: u8,
    /// Who sent it, where the system says so: seldom the one who was asked.
    pub from: Option<IpAddr>,
}

/// Asks the system to keep ICMP errors of this socket in its error queue (`IP_RECVERR`, `IPV6_RECVERR`; see ip(7)).
///
/// # Errors
/// What the system says, when it knows no error queue for such a socket.
pub fn keep_errors(socket: &impl AsFd, to: SocketAddr) -> io::Result<()> {
    match to {
        SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// Takes the next ICMP error out of the socket's error queue; none when there is none. Never waits.
///
/// Errors of the machine's own making (`SO_EE_ORIGIN_LOCAL`) are passed over: no packet came back for them.
///
/// # Errors
/// What the system says, when the queue cannot be read.
pub fn take_icmp_error(socket: &impl AsRawFd) -> io::Result<Option<IcmpError>> {
    Ok(take_error_and_peer(socket)?.map(|(error, _)| error))
}

/// The same of a socket that sends to many: also to whom the packet was sent for which the error came back.
///
/// # Errors
/// What the system says, when the queue cannot be read.
pub fn take_icmp_error_of(socket: &impl AsRawFd) -> io::Result<Option<(SocketAddr, IcmpError)>> {
    loop {
        match take_error_and_peer(socket)? {
            None => return Ok(None),
            Some((error, Some(peer))) => return Ok(Some((peer, error))),
            Some((_, None)) => {}
        }
    }
}

fn take_error_and_peer(
    socket: &impl AsRawFd,
) -> io::Result<Option<(IcmpError, Option<SocketAddr>)>> {
    let mut space = nix::cmsg_space!([u8; 512]);
    loop {
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let fd = socket.as_raw_fd();
        let message = match recvmsg::<SockaddrStorage>(fd, &mut [], Some(&mut space), flags) {
            Ok(message) => message,
            Err(nix::errno::Errno::EAGAIN) => return Ok(None),
            Err(wrong) => return Err(wrong.into()),
        };
        let found = message.cmsgs()?.find_map(|control| icmp_error(&control));
        if let Some(found) = found {
            return Ok(Some((found, message.address.and_then(place))));
        }
    }
}

/// An address of the system's as one of the standard library's.
fn place(of: SockaddrStorage) -> Option<SocketAddr> {
    let four = of.as_sockaddr_in().map(|four| SocketAddrV4::from(*four).into());
    four.or_else(|| of.as_sockaddr_in6().map(|six| SocketAddrV6::from(*six).into()))
}

/// The ICMP error in what the system says beside a row of the queue, if it is one.
pub(crate) fn icmp_error(control: &ControlMessageOwned) -> Option<IcmpError> {
    match control {
        ControlMessageOwned::Ipv4RecvErr(error, from) => {
            let from = from.map(|from| Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr)));
            icmp(*error, from.map(IpAddr::V4))
        }
        ControlMessageOwned::Ipv6RecvErr(error, from) => {
            let from = from.map(|from| Ipv6Addr::from(from.sin6_addr.s6_addr));
            icmp(*error, from.map(IpAddr::V6))
        }
        _ => None,
    }
}

/// The ICMP error in a row of the queue, if it is one.
fn icmp(error: libc::sock_extended_err, from: Option<IpAddr>) -> Option<IcmpError> {
    let by_icmp = matches!(error.ee_origin, libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6);
    let from = from.filter(|from| !from.is_unspecified());
    by_icmp.then_some(IcmpError { kind: error.ee_type, code: error.ee_code, from })
}

/// Raises the number of descriptors that this process may hold as far as it may without privilege, and answers it.
///
/// # Errors
/// What the system says, when it will not even tell.
pub fn raise_descriptor_limit() -> io::Result<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = hard.min(65_536).max(soft);
    if wanted > soft && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        return Ok(wanted);
    }
    Ok(soft)
}

/// How many descriptors this process may hold now.
///
/// # Errors
/// What the system says, when it will not tell.
pub fn max_descriptors() -> io::Result<u64> {
    Ok(getrlimit(Resource::RLIMIT_NOFILE)?.0)
}

/// Whether a child of this process has ended. It stays in the system's table until its status is taken, so that its number
/// is nobody else's meanwhile (waitid(2), `WNOWAIT`).
///
/// # Errors
/// What the system says, when there is no such child.
pub fn has_ended(child: u32) -> io::Result<bool> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let status = waitid(Id::Pid(number(child)?), flags)?;
    Ok(!matches!(status, WaitStatus::StillAlive))
}

/// Kills everybody in a process group (`SIGKILL`).
///
/// # Errors
/// What the system says, when there is nobody.
pub fn kill_group(group: u32) -> io::Result<()> {
    Ok(killpg(number(group)?, Signal::SIGKILL)?)
}

/// The number of a process. 0 and 1 would mean ourselves or everybody.
fn number(of: u32) -> io::Result<Pid> {
    let number = i32::try_from(of).ok().filter(|number| *number > 1);
    number.map(Pid::from_raw).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::time::Duration;

    use super::*;

    /// Loopback answers a datagram to a closed port with "port unreachable", which the queue tells in full.
    #[expect(
        clippy::disallowed_methods,
        reason = "the error queue is tested on a socket that meets an error"
    )]
    fn port_unreachable(from: &str, kind: u8, code: u8) {
        let from: SocketAddr = from.parse().expect("an address");
        let closed = UdpSocket::bind(from).expect("a port");
        let to = closed.local_addr().expect("its address");
        let socket = UdpSocket::bind(from).expect("a port");
        drop(closed);
        keep_errors(&socket, to).expect("an error queue");
        assert_eq!(take_icmp_error(&socket).expect("a queue"), None);
        socket.connect(to).expect("a peer");
        socket.send(b"?").expect("a datagram leaves");
        std::thread::sleep(Duration::from_millis(20));
        let error = IcmpError { kind, code, from: Some(to.ip()) };
        assert_eq!(take_icmp_error(&socket).expect("a queue"), Some(error));
        assert_eq!(take_icmp_error(&socket).expect("a queue"), None);
    }

    /// One socket that sends to two closed ports hears of each.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the error queue is tested")]
    fn the_queue_says_whose_packet_it_was() {
        for from in ["127.0.0.1:0", "[::1]:0"] {
            let socket = UdpSocket::bind(from).expect("a port");
            let closed = [(); 2].map(|()| UdpSocket::bind(from).expect("a port"));
            let to = closed.map(|closed| closed.local_addr().expect("its address"));
            keep_errors(&socket, to[0]).expect("an error queue");
            for to in to {
                while socket.send_to(b"?", to).is_err() {}
            }
            std::thread::sleep(Duration::from_millis(20));
            let mut told = Vec::new();
            while let Some((to, error)) = take_icmp_error_of(&socket).expect("a queue") {
                assert_eq!(error.from, Some(to.ip()));
                told.push(to);
            }
            assert_eq!(told, to);
        }
    }

    #[test]
    fn the_queue_says_which_icmp_error_and_from_whom() {
        port_unreachable("127.0.0.1:0", 3, 3);
        port_unreachable("[::1]:0", 1, 4);
    }

    #[test]
    fn a_child_that_has_ended_keeps_its_number_until_its_status_is_taken() {
        use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

        let sleeping = std::process::Command::new("sleep").arg("300").process_group(0).spawn();
        let mut child = sleeping.expect("a child");
        assert!(!has_ended(child.id()).expect("it is ours"));
        kill_group(child.id()).expect("a group");
        while !has_ended(child.id()).expect("it is ours") {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(child.wait().expect("a status").signal(), Some(9));
        assert!(has_ended(child.id()).is_err(), "nobody has that number now");
        for everybody in [0, 1, u32::MAX] {
            assert!(kill_group(everybody).is_err() && has_ended(everybody).is_err());
        }
    }

    #[test]
    fn the_descriptor_limit_never_falls() {
        let before = raise_descriptor_limit().expect("a limit");
        assert!(before > 0 && raise_descriptor_limit().expect("a limit") >= before);
    }
}
