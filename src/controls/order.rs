//! The order of requirement ids: letters as letters, numbers as numbers, so that 1.2.5 stands before 1.10.1.

use std::cmp::Ordering;

/// Compares two ids.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    pieces(a).cmp(&pieces(b))
}

/// An id as its runs of digits and of other characters; a number stands before a text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    Number(u64),
    Text(&'a str),
}

fn pieces(id: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = id;
    while let Some(first) = rest.chars().next() {
        let digits = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        pieces.push(match run.parse() {
            Ok(number) if digits => Piece::Number(number),
            _ => Piece::Text(run),
        });
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers() {
        for (first, then) in [
            ("A.8.2", "A.8.20"),
            ("A.8.9", "A.8.15"),
            ("SC-7", "SC-7(5)"),
            ("SC-7(5)", "SC-7(21)"),
            ("SC-8(1)", "SC-12"),
            ("1.2.7", "1.10.1"),
            ("15.1(b)", "15.1(i)"),
            ("DE.CM-06", "PR.AA-03"),
            ("4.2.1", "4.2.1.1"),
        ] {
            assert_eq!(compare(first, then), Ordering::Less, "{first} {then}");
            assert_eq!(compare(then, first), Ordering::Greater, "{first} {then}");
        }
        assert_eq!(compare("A.8.9", "A.8.9"), Ordering::Equal);
    }
}
