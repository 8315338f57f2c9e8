//! Choosing checks by id, glob and tag.

use std::sync::Arc;

use crate::catalogue::{Catalogue, Check, misnamed};

/// The checks that a pattern means.
///
/// # Errors
/// None is meant: says so, and what may have been.
pub(crate) fn meant<'c>(
    pattern: &str,
    catalogue: &'c Catalogue,
) -> Result<Vec<&'c Arc<Check>>, String> {
    let all = catalogue.checks();
    let found: Vec<_> = all.iter().filter(|check| means(pattern, check)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    Err(match pattern.strip_prefix("tag:") {
        Some(tag) => {
            let known = all.iter().flat_map(|check| check.tags.iter().map(String::as_str));
            misnamed(tag, "is not a tag of any check", known)
        }
        None => misnamed(pattern, "is not a check", all.iter().map(|check| check.id.0.as_str())),
    })
}

/// Whether a pattern means a check: `tls/old-version`, `tls/*`, `tag:remote-access`.
pub(crate) fn means(pattern: &str, check: &Check) -> bool {
    match pattern.strip_prefix("tag:") {
        Some(tag) => check.tags.iter().any(|known| known == tag),
        None => glob(pattern, &check.id.0),
    }
}

/// Whether a glob matches a text; `*` stands for any characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or(""),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn globs() {
        for (pattern, text, wanted) in [
            ("tls/*", "tls/old-version", true),
            ("tls/*", "web/no-hsts", false),
            ("tls/old-version", "tls/old-version", true),
            ("tls/old-version", "tls/old-versions", false),
            ("*", "tls/old-version", true),
            ("*/*-reachable-from-internet", "service/rdp-reachable-from-internet", true),
            ("*/*-reachable", "service/rdp-reachable-from-internet", false),
            ("s*d*t", "service/rdp-reachable-from-internet", true),
            ("", "tls/old-version", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(glob(pattern, text), wanted, "{pattern} {text}");
        }
    }
}
