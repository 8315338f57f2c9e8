//! What every row made of some small books, as it was when its revision was last raised.
//!
//! A row's revision goes up when the same observations come to other facts; nobody remembers that by himself. So each
//! row has a file under `derived/` that opens with its revision and holds, book by book, the facts that came of it.
//! `UPDATE=1 cargo test --lib revisions` writes them anew, but never other facts under the old revision: a change of
//! meaning has to raise it. A new book may be added freely. What the books do not touch, this cannot see.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::ROWS;
use super::sample::{Facts, Sample, spot};
use crate::model::net::port_ranges;
use crate::model::record::End;
use crate::model::value::Value;

/// A book, made and derived.
type Book = fn() -> Facts;

/// The books. One that is here stays as it is; what is to be seen besides goes into a further one.
const BOOKS: [(&str, Book); 4] = [
    ("a web site", web_site),
    ("greetings", greetings),
    ("doors that say little", silence),
    ("certificates", certificates),
];

/// A site that answers in TLS and in clear, over both families, one port declared over UDP.
fn web_site() -> Facts {
    let mut sample = Sample::of(json!([{"id": "web1", "role": "web", "system": "booking",
        "names": ["booking.example"], "addresses": ["192.0.2.1", "2001:db8::1"],
        "exposure": [{"port": "443/tcp", "from": ["internet"], "service": "https", "need": {"en": "booking"},
            "approved_by": "A. Chan", "review_by": "2026-12-01"}, {"port": "53/udp", "from": ["clinic"]}]}]));
    sample.open("80,443");
    sample.swept("2001:db8::1", "443");
    for (address, port) in [("192.0.2.1", 443), ("2001:db8::1", 443), ("192.0.2.1", 80)] {
        sample.saw(
            "greeting",
            spot(address, port, ""),
            json!({"said": null, "cut": {"how": "timed-out"}}),
        );
    }
    let agreed = |version: &str, suite: &str| json!({"version": version, "agreed": {"suite": suite, "group": "X25519"}});
    let old = agreed("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    let new = agreed("TLSv1.3", "TLS_AES_128_GCM_SHA256");
    let site = |address| spot(address, 443, "booking.example");
    let saw = json!({"speaks": true, "tried": [new, old], "chain": [], "alpn": "h2"});
    sample.saw("tls", site("192.0.2.1"), saw);
    let saw = json!({"speaks": true, "tried": [{"version": "TLSv1.3", "alert": "protocol_version"}, old], "chain": []});
    sample.saw("tls", site("2001:db8::1"), saw);
    let why = End::NotNeeded { why: "it speaks in clear".into() };
    sample.done("tls", spot("192.0.2.1", 80, "booking.example"), why);
    let headers = json!([
        ["Server", "Apache/2.4.6"],
        ["Content-Type", "text/html"],
        ["Set-Cookie", "s=1; Secure; Path=/"],
        ["Strict-Transport-Security", "max-age=600; includeSubDomains"],
        ["X-Frame-Options", "DENY"],
        ["X-Content-Type-Options", "nosniff"],
        ["Referrer-Policy", "no-referrer"],
        ["Content-Security-Policy", "default-src 'self'"],
        ["WWW-Authenticate", "Basic realm=x"]
    ]);
    let page = json!({"url": "https://booking.example/", "status": 200, "headers": headers, "title": "Book a visit",
        "body": "<form><input type=password></form>", "truncated": false});
    sample.saw("http", site("192.0.2.1"), json!({"speaks": true, "answers": [page]}));
    let bare = json!({"url": "https://[2001:db8::1]/", "status": 200, "headers": [["Content-Type", "text/html"]],
        "body": "<title>Index of /</title><h1>Index of /</h1><a href=\"../\">", "truncated": true});
    sample.saw("http", site("2001:db8::1"), json!({"speaks": true, "answers": [bare]}));
    let moved = json!({"url": "http://booking.example/", "status": 301,
        "headers": [["Location", "https://booking.example/"]], "body": "", "truncated": false});
    let plain = spot("192.0.2.1", 80, "booking.example");
    sample.saw("http", plain, json!({"speaks": true, "answers": [moved]}));
    sample.closed(true, None);
    sample.facts()
}

/// Services that speak first.
fn greetings() -> Facts {
    let mut sample =
        Sample::web1(json!([{"port": "21/tcp", "from": ["clinic"], "service": "ftp"}]));
    let said = [
        (21, "220 (vsFTPd 3.0.3)\r\n"),
        (22, "SSH-2.0-OpenSSH_8.4p1 Debian-5\r\n"),
        (25, "220 mail.example ESMTP Postfix\r\n"),
        (23, "\u{fffd}\u{fffd}\u{18}login: "),
        (90, "RFB 003.008\n"),
        (99, "who goes there?\n"),
    ];
    sample.open("21-23,25,90,99");
    for (port, said) in said {
        sample.saw("greeting", spot("192.0.2.1", port, ""), json!({"said": said, "cut": null}));
        for probe in ["tls", "http"] {
            let why = End::NotNeeded { why: "its service spoke first".into() };
            sample.done(probe, spot("192.0.2.1", port, "booking.example"), why);
        }
    }
    sample.closed(true, None);
    sample.facts()
}

/// Ports that are filtered, that nobody listened to, that hung up, that answered with nonsense, that the scope refused.
fn silence() -> Facts {
    let mut sample = Sample::web1(
        json!([{"port": "22/tcp", "from": ["internet"]}, {"port": "8080/tcp", "from": ["internet"]}]),
    );
    sample.saw(
        "tcp",
        spot("192.0.2.1", 0, ""),
        json!({"states": [
            {"ports": "1-52,54-79,85-100", "state": "filtered", "reason": {"how": "timed-out"}},
            {"ports": "84", "state": "inconclusive", "reason": {"how": "reset"}},
            {"ports": "53,80-83,443", "state": "open"},
        ]}),
    );
    let cut = |how: &str| json!({"said": null, "cut": {"how": how}});
    for (port, how) in [(53, "closed"), (80, "reset"), (81, "timed-out"), (443, "closed")] {
        sample.saw("greeting", spot("192.0.2.1", port, ""), cut(how));
    }
    for (port, how) in [(53, "closed"), (80, "timed-out"), (81, "reset"), (443, "closed")] {
        let site = || spot("192.0.2.1", port, "booking.example");
        let tried = json!([{"version": "TLSv1.3", "cut": {"how": how}}, {"version": "TLSv1.2", "cut": {"how": how}}]);
        sample.saw("tls", site(), json!({"speaks": null, "tried": tried, "chain": []}));
        sample.saw("http", site(), json!({"speaks": null, "answers": [], "cut": {"how": how}}));
    }
    sample.refused("greeting", spot("192.0.2.1", 82, ""), "the window closed");
    sample.closed(false, Some("interrupted"));
    sample.facts()
}

/// One that signs itself, not yet valid, for another name; and what is no certificate at all.
fn certificates() -> Facts {
    let mut sample = Sample::web1(json!([]));
    sample.open("443,88,99");
    let chains = [(443, json!([SELF_SIGNED])), (88, json!(["AAAA"])), (99, json!([]))];
    for (port, chain) in chains {
        sample.saw(
            "greeting",
            spot("192.0.2.1", port, ""),
            json!({"said": null, "cut": {"how": "timed-out"}}),
        );
        let site = || spot("192.0.2.1", port, "booking.example");
        let agreed = json!({"suite": "TLS_AES_128_GCM_SHA256", "group": "X25519"});
        let saw = json!({"speaks": true, "tried": [{"version": "TLSv1.3", "agreed": agreed}], "chain": chain});
        sample.saw("tls", site(), saw);
        sample.saw("http", site(), json!({"speaks": false, "answers": []}));
    }
    sample.closed(true, None);
    sample.facts()
}

/// CN=old.example for old.example and 192.0.2.9, Ed25519, begun after all samples were made; made once with openssl.
const SELF_SIGNED: &str = "MIIBXzCCARGgAwIBAgIUP3pXq5Kr9BcNcl7Vir+FMP60J/cwBQYDK2VwMBYxFDASBgNVBAMMC29sZC5leGFtcGxlMB4XDTI2MTEy\
    NTIyMjE1MVoXDTI3MDIyMzIyMjE1MVowFjEUMBIGA1UEAwwLb2xkLmV4YW1wbGUwKjAFBgMrZXADIQCFMdZBZljTH60/dHBOFsE+\
    rO8DrufcN6IZgjRhcRSsNaNxMG8wHQYDVR0OBBYEFNE1Ou/M1XAJ1PcRXIe4e3Jzqfi4MB8GA1UdIwQYMBaAFNE1Ou/M1XAJ1PcR\
    XIe4e3Jzqfi4MA8GA1UdEwEB/wQFMAMBAf8wHAYDVR0RBBUwE4ILb2xkLmV4YW1wbGWHBMAAAgkwBQYDK2VwA0EA6kpD6Scv8J5o\
    sTAm7AN360dwYKutCz+Z03AJ7D0fbDq9F8UyTdHoybsSY7bSUnv42FOpaCr3kZ4V/yzswhO/CQ==";

/// A value with everything inside it, why a list is partial included; ports as ranges.
fn whole(value: &Value) -> String {
    match value {
        Value::List(list) => {
            let number = |item: &Value| match item {
                Value::Int(number) => u16::try_from(*number).ok(),
                _ => None,
            };
            let ports: Option<Vec<u16>> = list.items.iter().map(number).collect();
            let items = match ports {
                Some(ports) => port_ranges(&ports),
                None => list.items.iter().map(whole).collect::<Vec<_>>().join(", "),
            };
            let unseen = list.unseen.as_ref().map(|why| format!(" … {why}")).unwrap_or_default();
            format!("[{items}{unseen}]")
        }
        Value::Record(fields) => {
            format!("{{{}}}", fields.iter().map(whole).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// What a row made of a book, in lines.
fn told(facts: &Facts, yields: &str) -> String {
    let kind =
        facts.vocabulary.id(yields).and_then(|id| facts.vocabulary.kind(id)).expect("a kind");
    let mut text = String::new();
    for entry in facts.entries(yields) {
        let _ = writeln!(text, "{}", entry.subject.place());
        for field in kind.fields.iter() {
            let value = facts.value_at(entry, &format!("{yields}.{}", field.name));
            let _ = writeln!(text, "  {}: {}", field.name, whole(&value));
        }
        let rows: Vec<String> = entry.evidence.iter().map(u64::to_string).collect();
        let _ = writeln!(text, "  rests on: {}", rows.join(" "));
    }
    if let Some((outcome, why)) = facts.absent(yields) {
        let _ = writeln!(text, "absent: {}: {why}", outcome.word());
    }
    text
}

/// The revision and the books of a file under `derived/`.
fn parsed(text: &str) -> (u16, BTreeMap<String, String>) {
    let mut parts = text.split("\n## ");
    let head = parts.next().and_then(|head| head.trim().strip_prefix("revision ")?.parse().ok());
    let books = parts.filter_map(|part| part.split_once("\n\n"));
    let books = books.map(|(name, told)| (name.to_owned(), told.trim_end().to_owned())).collect();
    (head.unwrap_or(0), books)
}

/// What is wrong with a row that now makes `new` of the books, and made `old` of them at the revision kept.
fn wrong(row: &str, revision: u16, kept: &str, new: &BTreeMap<String, String>) -> Option<String> {
    let (before, old) = parsed(kept);
    let changed = old.iter().filter(|(book, told)| new.get(*book) != Some(told));
    let changed: Vec<&str> = changed.map(|(book, _)| book.as_str()).collect();
    match (before.cmp(&revision), changed.is_empty()) {
        (std::cmp::Ordering::Greater, _) => {
            Some(format!("{row}: its revision went down from {before}"))
        }
        (std::cmp::Ordering::Equal, false) => Some(format!(
            "{row}: the same observations come to other facts ({}); raise its revision",
            changed.join(", ")
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_change_of_meaning_raises_the_revision() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/facts/derived");
        let books: Vec<(&str, Facts)> = BOOKS.iter().map(|(name, make)| (*name, make())).collect();
        for row in ROWS {
            let path = folder.join(format!("{}.txt", row.name));
            let kept = fs::read_to_string(&path).unwrap_or_default();
            let told = books.iter().map(|(name, facts)| {
                ((*name).to_owned(), told(facts, row.yields).trim_end().to_owned())
            });
            let told: BTreeMap<String, String> = told.collect();
            assert_eq!(wrong(row.name, row.revision, &kept, &told), None);
            let mut text = format!("revision {}\n", row.revision);
            for (name, told) in &told {
                let _ = write!(text, "\n## {name}\n\n{told}\n");
            }
            if std::env::var_os("UPDATE").is_some() {
                fs::write(&path, &text).expect("it can be written");
            } else {
                assert_eq!(
                    kept,
                    text,
                    "UPDATE=1 cargo test --lib revisions writes {}",
                    path.display()
                );
            }
        }
    }

    #[test]
    fn other_facts_under_the_same_revision_are_noticed() {
        let book = |told: &str| BTreeMap::from([("a book".to_owned(), told.to_owned())]);
        let kept = "revision 2\n\n## a book\n\nopen: 80\n";
        assert_eq!(parsed(kept), (2, book("open: 80")));
        assert_eq!(wrong("ports", 2, kept, &book("open: 80")), None);
        assert_eq!(wrong("ports", 3, kept, &book("open: none")), None);
        assert!(
            wrong("ports", 2, kept, &book("open: none")).is_some_and(|why| why.contains("raise"))
        );
        assert!(
            wrong("ports", 2, kept, &BTreeMap::new()).is_some_and(|why| why.contains("a book"))
        );
        assert!(wrong("ports", 1, kept, &book("open: 80")).is_some_and(|why| why.contains("down")));
        let mut more = book("open: 80");
        more.insert("another book".into(), "open: 22".into());
        assert_eq!(wrong("ports", 2, kept, &more), None);
    }
}
