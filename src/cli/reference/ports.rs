//! The page of the sets of ports.

use std::fmt::Write as _;

use super::cell;
use crate::model::net::port_ranges;
use crate::profile::ports::SETS;

/// The page, without its first line.
pub(super) fn page() -> String {
    let mut text = String::from(
        "# Sets of ports\n\nNames that stand for ports, in `ports:` of a profile and in `postern ports -p`.\n\
         They mix with numbers and ranges: `top-100,8000-8100,management`.\n\
         A profile asks for the ports that the inventory declares whatever else it names; `postern ports -p` asks for \
         exactly those that are named, so that `declared` has to be among them where those are wanted.\n\n\
         | set | ports | holds |\n|---|---|---|\n",
    );
    for set in &SETS {
        let count = match set.ports().len() {
            0 => "as declared".to_owned(),
            count => count.to_string(),
        };
        let _ = writeln!(text, "| `{}` | {count} | {} |", set.name, set.holds);
    }
    let mut told = String::new();
    for set in SETS.iter().filter(|set| !set.source().is_empty()) {
        let source = set.source();
        let said = if source == told { "By the same ranking." } else { &source };
        let _ = write!(text, "\n## {}\n\n{said}\n", set.name);
        told = source;
        let lines = set.lines();
        if lines.is_empty() {
            let _ = write!(text, "\n`{}`\n", port_ranges(&set.ports()));
            continue;
        }
        text.push_str("\n| port | what is there |\n|---|---|\n");
        for line in lines {
            let _ = writeln!(text, "| {} | {} |", port_ranges(&line.ports), cell(line.means));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::SETS;
    use crate::cli::library::Library;
    use crate::model::value::Value;

    #[test]
    fn every_port_that_a_check_looks_at_is_among_the_first_thousand() {
        let thousand = SETS.iter().find(|set| set.name == "top-1000");
        let thousand = thousand.expect("a set of a thousand").ports();
        let (library, _) = Library::built_in();
        let mut looked_at = 0;
        for check in library.catalogue.checks() {
            for (param, value) in check.params.iter().zip(check.defaults().iter()) {
                let (true, Value::List(ports)) = (param.name.ends_with("ports"), value) else {
                    continue;
                };
                for port in ports.items.iter() {
                    let Value::Int(port) = port else { continue };
                    let ranked = thousand.iter().any(|ranked| i64::from(*ranked) == *port);
                    assert!(ranked, "{} looks at {port}", check.id);
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 100, "{looked_at} ports");
    }
}
