//! A classic BPF program (Linux, Documentation/networking/filter.rst) that lets through what may be an answer to our SYNs.

use socket2::SockFilter;

/// Segments to a port of the block of 16 that begins with `block`, with RST or ACK set. The peer is seen to by connect(2).
/// A raw socket of IPv4 sees the IP header first, one of IPv6 does not (raw(7), ipv6(7)).
pub(crate) fn answers_to(block: u16, with_header: bool) -> Vec<SockFilter> {
    const LOAD_LENGTH: u16 = 0xb1; // ldx 4*([k]&0xf)
    const LOAD_HALF: u16 = 0x28; // ldh [k]
    const LOAD_HALF_BEHIND: u16 = 0x48; // ldh [x + k]
    const LOAD_BYTE: u16 = 0x30; // ldb [k]
    const LOAD_BYTE_BEHIND: u16 = 0x50; // ldb [x + k]
    const AND: u16 = 0x54;
    const IF_EQUAL: u16 = 0x15;
    const IF_ANY: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const RST_OR_ACK: u32 = 0x14;
    let plain = |code, k| SockFilter::new(code, 0, 0, k);
    let (half, byte) =
        if with_header { (LOAD_HALF_BEHIND, LOAD_BYTE_BEHIND) } else { (LOAD_HALF, LOAD_BYTE) };
    let mut program = Vec::with_capacity(8);
    if with_header {
        program.push(plain(LOAD_LENGTH, 0));
    }
    program.extend([
        plain(half, 2),
        plain(AND, 0xfff0),
        SockFilter::new(IF_EQUAL, 0, 3, block.into()),
        plain(byte, 13),
        SockFilter::new(IF_ANY, 0, 1, RST_OR_ACK),
        plain(RETURN, 0xffff),
        plain(RETURN, 0),
    ]);
    program
}
