//! Socket options that have no safe face elsewhere, read as bytes.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd as _};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

/// What the system knows about a TCP connection (tcp(7), `TCP_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    /// Whether the three-way handshake is done and nobody has closed (RFC 9293 §3.3.2, ESTABLISHED).
    pub established: bool,
    /// How much the peer can take now, in bytes, scaled; from Linux 5.4 on. A SYN proxy shows 0 until the server behind it
    /// has answered.
    pub window: Option<u32>,
    /// The smoothed round-trip time.
    pub rtt: Duration,
    /// How many segments were sent again, the SYN included.
    pub retransmitted: u32,
}

/// Asks the system about a TCP connection.
///
/// # Errors
/// What the system says, when this is no TCP socket.
pub fn tcp_info(socket: &impl AsFd) -> io::Result<TcpInfo> {
    const ESTABLISHED: u8 = 1;
    let info = Info(option(socket, libc::IPPROTO_TCP, libc::TCP_INFO)?);
    Ok(TcpInfo {
        established: info.0.first() == Some(&ESTABLISHED),
        window: info.word(offset_of!(libc::tcp_info, tcpi_snd_wnd)),
        rtt: Duration::from_micros(
            info.word(offset_of!(libc::tcp_info, tcpi_rtt)).unwrap_or_default().into(),
        ),
        retransmitted: info
            .word(offset_of!(libc::tcp_info, tcpi_total_retrans))
            .unwrap_or_default(),
    })
}

/// How many packets the system threw away because this socket's receive buffer was full (`SO_MEMINFO`, Linux 4.12).
///
/// # Errors
/// What the system says, when it does not tell.
pub fn drops(socket: &impl AsFd) -> io::Result<u64> {
    let info = Info(option(socket, libc::SOL_SOCKET, libc::SO_MEMINFO)?);
    let at = usize::try_from(libc::SK_MEMINFO_DROPS).unwrap_or_default() * size_of::<u32>();
    info.word(at).map(u64::from).ok_or_else(|| Errno::ENOPROTOOPT.into())
}

/// What the system wrote, as long as it made it: older ones know fewer fields.
struct Info(Vec<u8>);

impl Info {
    fn word(&self, at: usize) -> Option<u32> {
        self.0.get(at..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
    }
}

/// getsockopt(2), into bytes.
#[expect(unsafe_code, reason = "these options have no safe wrapper that bears other lengths")]
fn option(socket: &impl AsFd, level: libc::c_int, name: libc::c_int) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0_u8; 1024];
    let mut length = libc::socklen_t::try_from(bytes.len()).unwrap_or_default();
    let fd = socket.as_fd();
    // SAFETY: the descriptor is borrowed, so it is open; the system writes at most `length` bytes, which is how many `bytes`
    // has, and then into `length` how many they were.
    let done = unsafe {
        libc::getsockopt(fd.as_raw_fd(), level, name, bytes.as_mut_ptr().cast(), &raw mut length)
    };
    Errno::result(done)?;
    bytes.truncate(usize::try_from(length).unwrap_or_default());
    Ok(bytes)
}
