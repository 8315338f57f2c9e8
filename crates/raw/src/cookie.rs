//! What proves that an answer is one to a SYN of ours: the sequence number is a keyed hash of the connection's two ends.
//! Nothing needs to be remembered, and who did not see the SYN cannot make up an answer (as in RFC 6528, turned round).

use std::net::IpAddr;

/// The low bits of a sequence number that tell which SYN to a port it was.
pub(crate) const NUMBERS: u8 = 16;

/// A key for one pair of addresses.
pub(crate) struct Cookie {
    key: [u64; 2],
}

impl Cookie {
    pub(crate) fn new(secret: [u8; 16], local: IpAddr, remote: IpAddr) -> Self {
        let secret = halves(u128::from_le_bytes(secret));
        let ([a, b], [c, d]) = (halves(bits(local)), halves(bits(remote)));
        Self { key: [0, 1].map(|which| siphash(secret, &[a, b, c, d, which])) }
    }

    /// The sequence number of a SYN, with its number in the low bits, and 32 bits more that nobody else can know.
    ///
    /// Two SYNs to one port have numbers far from each other. That matters where the first one was answered and the answer
    /// lost: a second one with a sequence number *inside* the window would make the server reset the half-open connection,
    /// which looks like a closed port. Outside of it, it makes the server acknowledge the first (RFC 9293 §3.10.7.4).
    pub(crate) fn sequence(&self, from: u16, to: u16, number: u8) -> (u32, u32) {
        let number = number % NUMBERS;
        let word = u64::from(from) << 32 | u64::from(to) << 16 | u64::from(number);
        let [low, high] = [0, 32].map(|shift| {
            let part = siphash(self.key, &[word]) >> shift & u64::from(u32::MAX);
            u32::try_from(part).unwrap_or_default()
        });
        (low & !u32::from(NUMBERS - 1) | u32::from(number), high)
    }

    /// Which SYN it was, if this is the sequence number of one.
    pub(crate) fn number(&self, from: u16, to: u16, sequence: u32) -> Option<u8> {
        let number = u8::try_from(sequence % u32::from(NUMBERS)).ok()?;
        (self.sequence(from, to, number).0 == sequence).then_some(number)
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn halves(of: u128) -> [u64; 2] {
    [0, 64].map(|shift| u64::try_from(of >> shift & u128::from(u64::MAX)).unwrap_or_default())
}

/// `SipHash-2-4` of whole words (Aumasson and Bernstein, "`SipHash`: a fast short-input PRF", 2012, §2).
fn siphash([k0, k1]: [u64; 2], words: &[u64]) -> u64 {
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    let length = (words.len() as u64).wrapping_mul(8) << 56;
    for word in words.iter().copied().chain([length]) {
        v[3] ^= word;
        v = round(round(v));
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    round(round(round(round(v)))).into_iter().fold(0, |all, one| all ^ one)
}

fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    b = b.rotate_left(13) ^ a;
    a = a.rotate_left(32);
    c = c.wrapping_add(d);
    d = d.rotate_left(16) ^ c;
    a = a.wrapping_add(d);
    d = d.rotate_left(21) ^ a;
    c = c.wrapping_add(b);
    b = b.rotate_left(17) ^ c;
    c = c.rotate_left(32);
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_its_authors() {
        // Key 00 01 … 0f, and the first bytes of 00 01 …: the authors' table of vectors, rows 0 and 8.
        let key = [0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908];
        assert_eq!(
            siphash(key, &[]).to_le_bytes(),
            [0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72]
        );
        let row = [0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93];
        assert_eq!(siphash(key, &[0x0706_0504_0302_0100]).to_le_bytes(), row);
    }

    #[test]
    fn a_sequence_number_proves_both_ends_and_carries_the_number() {
        let [a, b, c] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|a| a.parse().expect("one"));
        let cookie = Cookie::new([7; 16], a, b);
        for number in 0..NUMBERS {
            let (sequence, _) = cookie.sequence(40_000, 443, number);
            assert_eq!(cookie.number(40_000, 443, sequence), Some(number));
            assert_eq!(cookie.number(40_000, 444, sequence), None);
            assert_eq!(cookie.number(40_001, 443, sequence), None);
            assert_eq!(cookie.number(40_000, 443, sequence ^ 1), None, "the number is sealed too");
            assert_eq!(cookie.number(40_000, 443, sequence ^ 0x100), None);
            for other in [Cookie::new([8; 16], a, b), Cookie::new([7; 16], a, c)] {
                assert_eq!(other.number(40_000, 443, sequence), None);
            }
        }
    }

    #[test]
    fn sequence_numbers_of_one_port_lie_outside_of_each_others_windows() {
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|a| a.parse().expect("one"));
        let cookie = Cookie::new([7; 16], a, b);
        let near = (1..=1000).flat_map(|port| (1..NUMBERS).map(move |number| (port, number)));
        let near = near.filter(|(port, number)| {
            let [first, later] = [0, *number].map(|number| cookie.sequence(9, *port, number).0);
            later.wrapping_sub(first) <= 0xffff
        });
        assert!(near.count() <= 3, "15,000 pairs, each near with a chance of 2^-16");
    }
}
