//! A set of ports, small and quick: one bit a port.

use std::ops::RangeInclusive;

/// Some of the ports 0 to 65535.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct PortSet(Box<[u64]>);

impl PortSet {
    /// No port.
    pub(super) fn none() -> Self {
        Self(vec![0; 1024].into())
    }

    /// Every port.
    pub(super) fn all() -> Self {
        Self(vec![u64::MAX; 1024].into())
    }

    /// Puts ports in.
    pub(super) fn add(&mut self, ports: RangeInclusive<u16>) {
        let (first, last) = (*ports.start(), *ports.end());
        for at in first / 64..=last / 64 {
            let from = first.saturating_sub(at * 64);
            let to = (last - at * 64).min(63);
            if let Some(word) = self.0.get_mut(usize::from(at)) {
                *word |= (u64::MAX << from) & (u64::MAX >> (63 - to));
            }
        }
    }

    /// Keeps what is in both.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= theirs);
    }

    /// Takes in what is in the other.
    pub(super) fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }

    /// Takes out what is in the other.
    pub(super) fn remove(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine &= !theirs);
    }

    /// The ports, in rising order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        (0_u16..).zip(&self.0).filter(|(_, word)| **word != 0).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    /// How many they are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_go_in_and_come_out_in_order() {
        let mut some = PortSet::none();
        some.add(63..=65);
        some.add(65_535..=65_535);
        some.add(0..=0);
        let mut many = PortSet::none();
        many.add(10..=1000);
        assert!(many.iter().eq(10..=1000) && many.len() == 991);
        assert_eq!(some.iter().collect::<Vec<_>>(), [0, 63, 64, 65, 65_535]);
        let mut rest = PortSet::all();
        rest.remove(&some);
        assert_eq!(rest.len(), 65_536 - 5);
        rest.join(&some);
        assert!(rest == PortSet::all());
        rest.keep(&some);
        assert_eq!((rest.len(), rest == some), (5, true));
    }
}
