//! The sets of ports that have a name: a line here each, and where a set is no range, a file in `profiles/ports`.

use crate::model::net::parse_port_ranges;

/// The sets, in the order in which they are told.
pub(crate) const SETS: [Set; 11] = [
    Set { name: "all", holds: "every port, 1-65535", of: Of::Range(1, u16::MAX) },
    Set { name: "well-known", holds: "the system ports, 1-1023", of: Of::Range(1, 1023) },
    Set { name: "top-20", holds: "the first 20 of our own ranking", of: Of::First(20, RANKING) },
    Set { name: "top-100", holds: "the first 100 of it", of: Of::First(100, RANKING) },
    Set { name: "top-1000", holds: "all 1000 of it", of: Of::First(1000, RANKING) },
    Set {
        name: "common",
        holds: "where something worth knowing of usually listens",
        of: Of::Listed(include_str!("../../../profiles/ports/common.txt")),
    },
    Set {
        name: "management",
        holds: "remote administration: shells, desktops, firewalls, hypervisors, panels, clusters",
        of: Of::Listed(include_str!("../../../profiles/ports/management.txt")),
    },
    Set {
        name: "databases",
        holds: "where data is kept, searched or queued",
        of: Of::Listed(include_str!("../../../profiles/ports/databases.txt")),
    },
    Set {
        name: "medical",
        holds: "medical devices: DICOM, HL7; asked last, by whole connects",
        of: Of::Listed(MEDICAL),
    },
    Set {
        name: "industrial",
        holds: "controllers of buildings, power and plants; asked last, by whole connects",
        of: Of::Listed(INDUSTRIAL),
    },
    Set {
        name: "declared",
        holds: "the TCP ports that the inventory declares for the host",
        of: Of::Declared,
    },
];

const RANKING: &str = include_str!("../../../profiles/ports/ranking.txt");
const MEDICAL: &str = include_str!("../../../profiles/ports/medical.txt");
const INDUSTRIAL: &str = include_str!("../../../profiles/ports/industrial.txt");

/// A set of ports.
pub(crate) struct Set {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it holds, in a few words.
    pub(crate) holds: &'static str,
    pub(super) of: Of,
}

/// Where the ports of a set are from.
pub(super) enum Of {
    /// From one to another.
    Range(u16, u16),
    /// So many of a file.
    First(usize, &'static str),
    /// A file.
    Listed(&'static str),
    /// The inventory.
    Declared,
}

/// Ports of a file, with what is there.
pub(crate) struct Line {
    pub(crate) ports: Vec<u16>,
    pub(crate) means: &'static str,
}

impl Set {
    /// Its ports, in the order of its file; none for those that an inventory has to tell.
    pub(crate) fn ports(&self) -> Vec<u16> {
        match self.of {
            Of::Range(first, last) => (first..=last).collect(),
            Of::First(count, text) => ports(text).take(count).collect(),
            Of::Listed(text) => ports(text).collect(),
            Of::Declared => Vec::new(),
        }
    }

    /// The lines of its file, where it is one.
    pub(crate) fn lines(&self) -> Vec<Line> {
        match self.of {
            Of::Listed(text) => lines(text).collect(),
            _ => Vec::new(),
        }
    }

    /// What its file says of itself: where it comes from.
    pub(crate) fn source(&self) -> String {
        let (Of::First(_, text) | Of::Listed(text)) = self.of else { return String::new() };
        let head = text.lines().map_while(|line| line.strip_prefix("# "));
        head.collect::<Vec<_>>().join("\n")
    }
}

/// The ports on which devices listen that may bear little: they are asked after all others, and by whole connects only.
pub(crate) fn asked_gently() -> Vec<u16> {
    let mut all: Vec<u16> = ports(MEDICAL).chain(ports(INDUSTRIAL)).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Those of which some are open on most hosts that offer anything.
pub(crate) fn usual() -> Vec<u16> {
    sorted("top-100")
}

/// The few that are most often open.
pub(crate) fn most_usual() -> Vec<u16> {
    sorted("top-20")
}

fn sorted(name: &str) -> Vec<u16> {
    let set = SETS.iter().find(|set| set.name == name);
    let mut all: Vec<u16> = set.into_iter().flat_map(Set::ports).collect();
    all.sort_unstable();
    all
}

fn ports(text: &'static str) -> impl Iterator<Item = u16> {
    lines(text).flat_map(|line| line.ports)
}

fn lines(text: &'static str) -> impl Iterator<Item = Line> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| {
        let (ports, means) = line.split_once(' ').unwrap_or((line, ""));
        Line { ports: parse_port_ranges(ports).unwrap_or_default(), means }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn set(name: &str) -> BTreeSet<u16> {
        let set = SETS.iter().find(|set| set.name == name).expect("a set of that name");
        set.ports().into_iter().collect()
    }

    #[test]
    fn every_line_of_every_file_says_which_ports_and_what_is_there() {
        for set in &SETS {
            let (Of::First(_, text) | Of::Listed(text)) = set.of else { continue };
            let source = set.source().replace('\n', " ");
            assert!(source.contains("is no measurement of the internet"), "{}: {source}", set.name);
            for line in lines(text) {
                assert!(!line.ports.is_empty(), "{}: {} without a port", set.name, line.means);
                assert!(line.means.len() > 1, "{}: {:?} means nothing", set.name, line.ports);
            }
            let all: Vec<u16> = ports(text).collect();
            let once: BTreeSet<u16> = all.iter().copied().collect();
            assert_eq!(all.len(), once.len(), "{}: a port twice", set.name);
            assert!(!once.contains(&0), "{}: port 0", set.name);
            if matches!(set.of, Of::Listed(_)) {
                assert!(all.is_sorted(), "{}: not sorted", set.name);
            }
        }
    }

    #[test]
    fn the_ranking_has_a_thousand_ports_and_each_set_is_the_beginning_of_the_next() {
        for (name, count) in [("top-20", 20), ("top-100", 100), ("top-1000", 1000)] {
            assert_eq!(set(name).len(), count, "{name}");
        }
        assert_eq!(ports(RANKING).count(), 1000, "nothing stands there that no set holds");
        assert!(set("top-20").is_subset(&set("top-100")));
        assert!(set("top-100").is_subset(&set("top-1000")));
        for name in ["common", "management", "databases", "medical", "industrial"] {
            let (all, own) = (set("top-1000"), set(name));
            let left: Vec<_> = own.difference(&all).collect();
            assert!(left.is_empty(), "{name}: {left:?} are not among the first thousand");
        }
    }

    #[test]
    fn names_are_distinct_and_said_in_a_line() {
        let names: BTreeSet<&str> = SETS.iter().map(|set| set.name).collect();
        assert_eq!(names.len(), SETS.len());
        assert!(SETS.iter().all(|set| set.holds.len() < 90 && !set.holds.ends_with('.')));
    }

    #[test]
    fn what_bears_little_is_asked_gently() {
        let gently = asked_gently();
        assert!(
            [102, 104, 502, 2575, 11112, 20000, 44818, 47808].iter().all(|p| gently.contains(p))
        );
        assert!(gently.is_sorted());
        // What everybody asks anyway is no such port.
        assert!(set("top-20").iter().all(|port| !gently.contains(port)));
    }
}
