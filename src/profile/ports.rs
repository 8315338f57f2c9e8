//! Lists of ports by name and by range.

use crate::model::complaint::nearest;
use crate::model::net::parse_port_ranges;

/// Our list of ports where something worth knowing of usually listens; the file says where it comes from.
const COMMON: &str = include_str!("../../profiles/ports/common.txt");

/// The names that may stand among ranges.
pub(crate) const NAMES: [&str; 3] = ["common", "well-known", "all"];

/// Reads `1-1024,3306` and named lists, sorted and each port once.
pub(crate) fn read(text: &str) -> Result<Vec<u16>, String> {
    let mut ports = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        match part {
            "common" => ports.extend(common()),
            "well-known" => ports.extend(1..=1023),
            "all" => ports.extend(1..=u16::MAX),
            _ if part.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                let near = nearest(part, NAMES);
                let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                return Err(format!("`{part}` is not a list of ports{near}"));
            }
            _ => ports.extend(parse_port_ranges(part)?),
        }
    }
    if ports.contains(&0) {
        return Err("port 0 cannot be asked".into());
    }
    ports.sort_unstable();
    ports.dedup();
    Ok(ports)
}

/// The ports of our own list.
fn common() -> impl Iterator<Item = u16> {
    let lines = COMMON.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ranges_mix() {
        assert_eq!(read("443, 22,80-81"), Ok(vec![22, 80, 81, 443]));
        assert_eq!(read("all").map(|ports| ports.len()), Ok(65_535));
        assert_eq!(read("well-known").map(|ports| ports.len()), Ok(1023));
        assert!(read("common,65000").expect("ports").contains(&65_000));
        assert_eq!(
            read("comon"),
            Err("`comon` is not a list of ports; did you mean `common`?".into())
        );
        assert!(read("0-3").is_err());
        assert!(read("70000").is_err());
    }

    #[test]
    fn our_list_is_sorted_and_says_what_each_port_is() {
        let lines: Vec<&str> = COMMON.lines().filter(|line| !line.starts_with('#')).collect();
        let ports: Vec<u16> = common().collect();
        assert_eq!(ports.len(), lines.len(), "a line that does not begin with a port");
        assert!(ports.windows(2).all(|two| two[0] < two[1]), "not sorted, or one twice");
        assert!(lines.iter().all(|line| line.split_whitespace().count() > 1));
        assert!(ports.len() > 150);
    }
}
