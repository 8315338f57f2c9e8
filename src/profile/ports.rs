//! Ports as they are written: numbers, ranges, and sets by name.

mod sets;

use crate::model::complaint::nearest;
use crate::model::net::parse_port_ranges;

pub(crate) use sets::{SETS, asked_gently, most_usual, usual};

/// Ports that somebody chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// Their numbers, sorted and each once.
    pub(crate) numbers: Vec<u16>,
    /// Whether those that the inventory declares for a host are among them.
    pub(crate) declared: bool,
}

/// The names that may stand among numbers and ranges.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|set| set.name)
}

/// Reads `top-100,8000-8100,management`.
///
/// # Errors
/// Says which part is no port, no rising range and no set, and which set is the nearest.
pub(crate) fn read(text: &str) -> Result<Ports, String> {
    let mut ports = Ports::default();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if !part.starts_with(|c: char| c.is_alphabetic()) {
            ports.numbers.extend(parse_port_ranges(part)?);
        } else if let Some(set) = SETS.iter().find(|set| set.name == part) {
            ports.numbers.extend(set.ports());
            ports.declared |= set.name == "declared";
        } else {
            let near = nearest(&part.to_lowercase(), names());
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            return Err(format!("`{part}` is no set of ports{near}"));
        }
    }
    if ports.numbers.contains(&0) {
        return Err("there is no port 0; all ports are 1-65535, or `all`".into());
    }
    ports.numbers.sort_unstable();
    ports.numbers.dedup();
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Result<Vec<u16>, String> {
        read(text).map(|ports| ports.numbers)
    }

    #[test]
    fn names_numbers_and_ranges_mix() {
        assert_eq!(numbers("443, 22,80-81"), Ok(vec![22, 80, 81, 443]));
        assert_eq!(numbers("all").map(|ports| ports.len()), Ok(65_535));
        assert_eq!(numbers("well-known").map(|ports| ports.len()), Ok(1023));
        assert!(numbers("common,65000").expect("ports").contains(&65_000));
        let mixed = numbers("top-20,8000-8100,management").expect("ports");
        assert!([22, 443, 8050, 8291].iter().all(|port| mixed.binary_search(port).is_ok()));
        assert!(mixed.windows(2).all(|two| two[0] < two[1]), "not sorted, or one twice");
    }

    #[test]
    fn those_declared_are_the_inventory_s_to_tell() {
        let both = read("declared,22").expect("ports");
        assert_eq!(both, Ports { numbers: vec![22], declared: true });
        assert!(!read("all").expect("ports").declared);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_nearest_set() {
        for (text, says) in [
            ("comon", "`comon` is no set of ports; did you mean `common`?"),
            ("22,top20", "`top20` is no set of ports; did you mean `top-20`?"),
            ("Databases", "`Databases` is no set of ports; did you mean `databases`?"),
            ("http", "`http` is no set of ports"),
            ("0-3", "there is no port 0; all ports are 1-65535, or `all`"),
            ("70000", "`70000` is not a port (0 to 65535)"),
            ("9-1", "`9-1` goes down; write it as 1-9"),
        ] {
            assert_eq!(read(text), Err(says.to_owned()), "{text}");
        }
    }
}
