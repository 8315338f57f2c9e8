//! Bytes to structs and back, as the RFCs draw them, without any I/O to import.
//!
//! `read` takes a packet apart and answers `None` when it is none; whatever bytes come, it never panics. `write` puts one
//! together, with its checksum, and answers how many bytes that took, or `None` when they have no room.
#![no_std]

pub mod checksum;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod tcp;

/// The protocol number of ICMP, in IPv4 (IANA, "Assigned Internet Protocol Numbers").
pub const ICMP: u8 = 1;
/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;
/// The next header number of `ICMPv6`.
pub const ICMPV6: u8 = 58;

/// Takes the first bytes of what is left to be read.
fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = input.split_first_chunk::<N>()?;
    *input = rest;
    Some(*first)
}

/// The room that is left to be written.
struct Room<'a>(&'a mut [u8]);

impl Room<'_> {
    /// Puts bytes in front of it.
    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        let (first, rest) = core::mem::take(&mut self.0).split_first_chunk_mut::<N>()?;
        *first = bytes;
        self.0 = rest;
        Some(())
    }
}
