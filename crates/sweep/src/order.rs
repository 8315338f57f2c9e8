//! The order of the ports: the commonest first, so that somebody soon answers; the rest by chance, so that no two tries on a
//! port fall into the same short trouble; some last.

use crate::said::Way;

/// Ports on which somebody answers most often: web, remote access, mail, names, and the like.
const COMMON: [u16; 16] =
    [443, 80, 22, 25, 3389, 8080, 53, 21, 445, 8443, 110, 143, 3306, 139, 23, 135];
/// The same over UDP: names, time, management, VPNs, and the like.
const COMMON_UDP: [u16; 16] =
    [53, 123, 161, 500, 137, 111, 5060, 1900, 69, 3478, 443, 4500, 1194, 389, 88, 623];

/// A fast generator of numbers that look like chance (Steele, Lea, Flood: Fast splittable pseudorandom number generators,
/// 2014).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below that one.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        let most = most.max(1) as u64;
        usize::try_from(self.next() % most).unwrap_or(0)
    }

    /// Puts them into another order (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for at in (1..all.len()).rev() {
            all.swap(at, self.below(at + 1));
        }
    }
}

/// The ports in the order in which they are asked, each once; there is no port 0.
pub(crate) fn order(ports: &[u16], way: Way, last: &[u16], seed: u64) -> Vec<u16> {
    let common = if way == Way::Udp { COMMON_UDP } else { COMMON };
    let mut known = vec![false; 65_536];
    let mut take = |port: &u16| {
        *port != 0 && known.get_mut(usize::from(*port)).is_some_and(|k| !std::mem::replace(k, true))
    };
    let mut all: Vec<u16> = ports.iter().copied().filter(|port| take(port)).collect();
    Chance::new(seed).shuffle(&mut all);
    let mut rank = vec![common.len(); 65_536];
    for (nth, port) in common.iter().enumerate() {
        if let Some(rank) = rank.get_mut(usize::from(*port)) {
            *rank = nth;
        }
    }
    for port in last {
        if let Some(rank) = rank.get_mut(usize::from(*port)) {
            *rank = common.len() + 1;
        }
    }
    all.sort_by_key(|port| rank.get(usize::from(*port)).copied().unwrap_or(0));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_comes_once_the_commonest_first_and_some_last() {
        let ports: Vec<u16> = (0..=65_535).chain([22, 80]).collect();
        let order = order(&ports, Way::Syn, &[104, 502, 443], 7);
        assert_eq!(order.len(), 65_535);
        assert_eq!(order.get(..4), Some([80, 22, 25, 3389].as_slice()));
        let mut end: Vec<u16> = order.iter().rev().take(3).copied().collect();
        end.sort_unstable();
        assert_eq!(end, [104, 443, 502]);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(1..=65_535));
        assert_ne!(order, super::order(&ports, Way::Syn, &[104, 502, 443], 8));
    }
}
