//! Which check is wanted on which host: a bit for each pair.

use std::collections::HashMap;

use super::{Judges, Unaccounted};
use crate::model::net::HostId;
use crate::model::plan::Wanted;

/// The hosts of a plan, and their places in it.
pub(super) struct Hosts<'a> {
    pub(super) names: Vec<HostId>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Hosts<'a> {
    pub(super) fn of(wanted: &'a [Wanted]) -> Self {
        let mut hosts = Self { names: Vec::new(), places: HashMap::new() };
        for Wanted { host, .. } in wanted {
            let next = u32::try_from(hosts.names.len()).unwrap_or(u32::MAX);
            hosts.places.entry(&host.0).or_insert_with(|| {
                hosts.names.push(host.clone());
                next
            });
        }
        hosts
    }

    pub(super) fn place(&self, host: &HostId) -> Option<u32> {
        self.places.get(host.0.as_str()).copied()
    }
}

/// A bit for each check and host.
#[derive(PartialEq, Eq)]
pub(super) struct Grid {
    /// Words of 64 hosts for one check.
    width: usize,
    words: Vec<u64>,
}

impl Grid {
    /// No bit set.
    pub(super) fn blank(checks: usize, hosts: &Hosts<'_>) -> Self {
        let width = hosts.names.len().div_ceil(64).max(1);
        Self { width, words: vec![0; width * checks] }
    }

    /// A bit for each pair that is wanted.
    ///
    /// # Errors
    /// Some are of a check that is not among these.
    pub(super) fn of<C: Judges>(
        checks: &[C],
        wanted: &[Wanted],
        hosts: &Hosts<'_>,
    ) -> Result<Self, Unaccounted> {
        let places: HashMap<&str, usize> =
            (0..).zip(checks).map(|(at, check)| (check.id().0.as_str(), at)).collect();
        let mut grid = Self::blank(checks.len(), hosts);
        let mut unknown = Vec::new();
        for pair in wanted {
            match (places.get(pair.check.0.as_str()), hosts.place(&pair.host)) {
                (Some(check), Some(host)) => {
                    let start = check * grid.width;
                    Self::mark(grid.words.get_mut(start..).unwrap_or_default(), host);
                }
                _ => unknown.push(pair.clone()),
            }
        }
        if unknown.is_empty() { Ok(grid) } else { Err(Unaccounted { pairs: unknown }) }
    }

    /// The bits of each check, in order.
    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u64]> {
        self.words.chunks_mut(self.width)
    }

    /// Sets a host's bit in one check's row.
    pub(super) fn mark(row: &mut [u64], host: u32) {
        if let Some(word) = row.get_mut(host as usize / 64) {
            *word |= 1 << (host % 64);
        }
    }

    /// Whether that pair's bit is set.
    pub(super) fn has(&self, check: usize, host: u32) -> bool {
        let word = self.words.get(check * self.width + host as usize / 64);
        word.is_some_and(|word| word >> (host % 64) & 1 == 1)
    }

    /// Whether the bit of that pair, by name, is set.
    pub(super) fn holds<C: Judges>(&self, checks: &[C], pair: &Wanted, hosts: &Hosts<'_>) -> bool {
        let check = checks.iter().position(|check| *check.id() == pair.check);
        let host = hosts.place(&pair.host);
        check.zip(host).is_some_and(|(check, host)| self.has(check, host))
    }
}
