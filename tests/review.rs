//! From a book to a review, end to end: waivers, changes, evidence, the exposure matrix, dates and the gate.

#[path = "review/again.rs"]
mod again;
#[path = "review/book.rs"]
mod book;
#[path = "review/sight.rs"]
mod sight;

use book::{Book, NO_NEED, PORTS, UNDECLARED, VERSION, at, declared};
use postern::inventory::waivers::Waiver;
use postern::model::severity::Severity;
use postern::review::{
    Because, Changes, ExposureCell, Finding, FindingState, GateVerdict, Letter, Review, WaiverState,
};
use serde_json::{Value as Json, json};

const PROUD: &str = "220 (vsFTPd 3.0.3)\r\n";
const SHY: &str = "220 Welcome\r\n";

/// A critical finding on 23/tcp, and a low one on 21/tcp.
fn weak() -> Book {
    Book::small(&[declared("21/tcp", "internet")], &[(21, PROUD), (23, SHY)])
}

/// Nothing wrong.
fn good() -> Book {
    Book::small(&[declared("21/tcp", "internet")], &[(21, SHY)])
}

/// The checks and places of findings, in order.
fn found(review: &Review) -> Vec<(String, String)> {
    let place = |one: &Finding| (one.check.to_string(), one.places[0].subject.place());
    review.findings.iter().map(place).collect()
}

fn finding<'r>(review: &'r Review, check: &str) -> &'r Finding {
    let found = review.findings.iter().find(|one| one.check.0 == check);
    found.unwrap_or_else(|| panic!("no finding of {check}"))
}

/// A waiver for the critical finding of [`weak`], with these fields set otherwise; null takes one out.
fn waiver(changed: &Json) -> Waiver {
    let mut waiver = json!({
        "id": "W-1", "check": UNDECLARED, "host": "web1", "treatment": "reduce",
        "reason": {"en": "It goes next month."}, "owner": "Lee", "approved_by": "Chan",
        "created": "2026-11-01", "expires": "2027-01-31",
    });
    let fields = waiver.as_object_mut().expect("a map");
    for (name, value) in changed.as_object().expect("a map") {
        match value {
            Json::Null => fields.remove(name),
            value => fields.insert(name.clone(), value.clone()),
        };
    }
    serde_json::from_value(waiver).expect("a waiver")
}

#[test]
fn what_becomes_of_a_waiver() {
    use WaiverState::{Ended, EndsSoon, InForce, NotYet, Unused};
    let fingerprint = finding(&weak().review(), UNDECLARED).fingerprint.clone();
    let by = |fingerprint: &str| json!({"host": null, "fingerprint": fingerprint});
    let noon = "2026-11-24T12:00:00Z";
    // What is changed, the time of the review, the waiver's state, whether it covers the finding, whether it holds.
    let cases = [
        (json!({}), noon, InForce, true, true),
        (by(&fingerprint), noon, InForce, true, true),
        (json!({"port": "23/tcp"}), noon, InForce, true, true),
        (json!({"expires": "2026-12-24"}), "2026-11-24T00:00:00Z", InForce, true, true),
        (json!({"expires": "2026-12-23"}), "2026-11-24T00:00:00Z", EndsSoon, true, true),
        (json!({"expires": "2026-11-24"}), noon, EndsSoon, true, true),
        // Days begin and end in Hong Kong, eight hours before they do in UTC, as the report prints them.
        (json!({"expires": "2026-11-24"}), "2026-11-24T15:59:59Z", EndsSoon, true, true),
        (json!({"expires": "2026-11-24"}), "2026-11-24T16:00:00Z", Ended, true, false),
        (json!({"created": "2026-11-24"}), "2026-11-23T15:59:59Z", NotYet, true, false),
        (json!({"created": "2026-11-24"}), "2026-11-23T16:00:00Z", InForce, true, true),
        (json!({"created": "2026-12-24"}), noon, NotYet, true, false),
        (json!({"created": "2026-12-24", "host": "web2"}), noon, NotYet, false, false),
        (json!({"expires": "2026-11-02"}), noon, Ended, true, false),
        (by("pf1-0000000000000000"), noon, Unused, false, false),
        (json!({"host": "web2"}), noon, Unused, false, false),
        (json!({"check": NO_NEED}), noon, Unused, false, false),
        (json!({"port": "24/tcp"}), noon, Unused, false, false),
        (json!({"port": "23/udp"}), noon, Unused, false, false),
        (json!({"host": "web2", "expires": "2026-11-02"}), noon, Ended, false, false),
    ];
    for (changed, now, state, covers, holds) in cases {
        let mut book = weak();
        (book.waivers, book.now) = (vec![waiver(&changed)], at(now));
        let review = book.review();
        let line = &review.waivers[0];
        let covered = if covers { vec![fingerprint.clone()] } else { Vec::new() };
        assert_eq!((line.state, &line.findings), (state, &covered), "{changed} {now}");
        let open = finding(&review, UNDECLARED);
        assert_eq!(open.waived_by.is_some(), holds, "{changed} {now}");
        assert_eq!(finding(&review, VERSION).waived_by, None, "{changed}");
        let (verdict, letter) = if holds {
            (GateVerdict::GoWithConditions, Letter::D)
        } else {
            (GateVerdict::NoGo, Letter::F)
        };
        assert_eq!((review.decision.verdict, review.grade.letter), (verdict, letter), "{changed}");
        assert_eq!(review.grade.accepted_risk, holds, "{changed}");
    }
}

#[test]
fn what_is_open_on_one_port_is_not_what_is_open_on_another() {
    const SSH: &str = "ssh/reachable-from-internet";
    let ssh = "SSH-2.0-OpenSSH_9.6\r\n";
    let open = |ports: &[(u16, &str)]| Book::small(&[], ports).asking(SSH);
    let of_ssh = |review: &Review| -> Vec<Finding> {
        review.findings.iter().filter(|one| one.check.0 == SSH).cloned().collect()
    };
    let mut book = open(&[(22, ssh), (100, ssh)]);
    book.waivers = vec![waiver(&json!({"check": SSH, "port": "22/tcp"}))];
    let review = book.review();
    let findings = of_ssh(&review);
    let told = findings.iter().map(|one| {
        (
            one.places[0].subject.place(),
            one.places[0].message.in_lang("en"),
            one.waived_by.as_deref(),
        )
    });
    let message = |port| format!("SSH can be reached from the internet: 192.0.2.1 {port}/tcp.");
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("web1 22/tcp".to_owned(), &*message(22), Some("W-1")),
            ("web1 100/tcp".to_owned(), &*message(100), None)
        ]
    );
    for (finding, port) in findings.iter().zip(["22/tcp", "100/tcp"]) {
        let row = review.exposure.iter().find(|row| row.port == port).expect("a row");
        assert!(row.findings.contains(&finding.fingerprint), "{row:?}");
        let lines = finding.places[0].evidence.iter().flat_map(|evidence| &evidence.lines);
        assert!(lines.clone().any(|line| *line == format!("! {port} open")), "{finding:?}");
    }

    // What was accepted on one port by its fingerprint says nothing of the next one.
    let first = open(&[(22, ssh)]).review();
    let accepted = of_ssh(&first)[0].fingerprint.clone();
    let mut moved = open(&[(100, ssh)]).days_later(7);
    moved.waivers =
        vec![waiver(&json!({"check": SSH, "host": null, "fingerprint": accepted.clone()}))];
    let review = moved.after(&first);
    assert_eq!(of_ssh(&review)[0].waived_by, None);
    assert_eq!(of_ssh(&review)[0].state, FindingState::New);

    // A host that was not settled this time has nothing mended.
    let silent = Book::of(&["192.0.2.1"], &[])
        .swept("192.0.2.1", &[(PORTS, "inconclusive")])
        .ended(None)
        .asking(SSH)
        .after(&first);
    let gone = silent.changes.expect("changes");
    assert!(gone.fixed.iter().all(|line| line.fingerprint != accepted), "{gone:?}");

    // Several addresses of the same port are several places of one finding.
    let states = [(PORTS, "closed"), ("22", "open")];
    let book = Book::of(&["192.0.2.1", "2001:db8::1"], &[]).swept("192.0.2.1", &states);
    let book = book.swept("2001:db8::1", &states).heard(22, ssh, &[]);
    let book = book.heard_at("2001:db8::1", 22, ssh, &[]);
    let both = book.ended(None).asking(SSH).review();
    assert_eq!(of_ssh(&both).iter().map(|one| one.places.len()).collect::<Vec<_>>(), [2]);
    assert_eq!(of_ssh(&both)[0].fingerprint, accepted);
}

#[test]
fn of_two_waivers_the_one_in_force_counts() {
    let mut book = weak();
    book.waivers = vec![waiver(&json!({"id": "old", "expires": "2026-11-20"})), waiver(&json!({}))];
    let review = book.review();
    assert_eq!(finding(&review, UNDECLARED).waived_by.as_deref(), Some("W-1"));
    let states: Vec<_> = review.waivers.iter().map(|line| line.state).collect();
    assert_eq!(states, [WaiverState::Ended, WaiverState::InForce]);
}

/// The new, the fixed, those not seen again and those still open, by port.
fn changed(changes: &Changes, now: &Review) -> [Vec<String>; 4] {
    let named = |fingerprints: &[String]| {
        let known = now.findings.iter().filter(|one| fingerprints.contains(&one.fingerprint));
        known.map(|one| one.places[0].subject.place()).collect()
    };
    let gone = |lines: &[postern::review::GoneLine]| {
        lines.iter().map(|line| line.place.clone()).collect::<Vec<_>>()
    };
    let Changes { new, fixed, not_seen_again, still_open, .. } = changes;
    [named(new), gone(fixed), gone(not_seen_again), named(still_open)]
}

#[test]
fn only_what_passes_now_is_fixed() {
    let last = weak().review();
    let (ftp, telnet, web) = ("web1 21/tcp", "web1 23/tcp", "web1 80/tcp");
    let doors = [declared("21/tcp", "internet")];
    let swept = |states: &[(&str, &str)]| {
        Book::of(&["192.0.2.1"], &doors).swept("192.0.2.1", states).ended(None)
    };
    let begun = || Book::of(&["192.0.2.1"], &doors);
    let cases: [(&str, Book, [&[&str]; 4]); 8] = [
        ("the same again", weak(), [&[], &[], &[], &[telnet, ftp]]),
        ("all mended", good(), [&[], &[telnet, ftp], &[], &[]]),
        (
            "one closed, one new",
            Book::small(&doors, &[(21, PROUD), (80, SHY)]),
            [&[web], &[telnet], &[], &[ftp]],
        ),
        ("the service is closed", swept(&[(PORTS, "closed")]), [&[], &[telnet, ftp], &[], &[]]),
        (
            "the answers were lost",
            swept(&[(PORTS, "closed"), ("21,23", "inconclusive")]),
            [&[], &[], &[telnet, ftp], &[]],
        ),
        (
            "one answer was lost, the other service did not say a word",
            swept(&[(PORTS, "closed"), ("23", "inconclusive"), ("21", "open")]),
            [&[], &[], &[telnet, ftp], &[]],
        ),
        ("killed before anything was asked", begun(), [&[], &[], &[telnet, ftp], &[]]),
        ("interrupted", begun().ended(Some("interrupted")), [&[], &[], &[telnet, ftp], &[]]),
    ];
    for (name, book, expected) in cases {
        let now = book.days_later(30).after(&last);
        let changes = now.changes.as_ref().expect("compared");
        assert_eq!(changed(changes, &now), expected.map(<[&str]>::to_vec), "{name}");
        assert!(changes.same_measure(), "{name}");
        assert_eq!((changes.last_letter, changes.last_burden), (Letter::F, 1001), "{name}");
    }
}

#[test]
fn a_finding_is_dated_from_when_it_was_first_seen() {
    let first = weak().review();
    let began = at("2026-11-23T12:00:00Z");
    for (check, severity, days) in
        [(UNDECLARED, Severity::Critical, 7), (VERSION, Severity::Low, 180)]
    {
        let before = finding(&first, check);
        assert_eq!((before.severity, before.state), (severity, FindingState::New));
        assert_eq!((before.first_seen, before.due), (began, began.plus_days(days)));
        let later = weak().days_later(100).after(&first);
        let after = finding(&later, check);
        assert_eq!(after.state, FindingState::StillOpen);
        assert_eq!((after.first_seen, after.due), (before.first_seen, before.due));
    }

    let bare = json!({"port": "21/tcp", "from": ["internet"]});
    let medium = Book::small(&[bare], &[(21, SHY)]);
    let first = medium.review();
    assert_eq!((first.grade.letter, found(&first).len()), (Letter::B, 1));
    let overdue = medium.clone().days_later(91).after(&first);
    assert_eq!(overdue.grade.letter, Letter::C, "the medium finding is past its date");
    assert_eq!(medium.days_later(80).after(&first).grade.letter, Letter::B);
}

#[test]
fn what_a_waiver_covered_is_open_again_and_said_so() {
    let mut accepted = weak();
    accepted.waivers = vec![waiver(&json!({"expires": "2026-12-01"}))];
    let last = accepted.review();
    let now = accepted.days_later(30).after(&last);
    let open = finding(&now, UNDECLARED);
    assert_eq!((open.state, &open.waived_by), (FindingState::WaiverEnded, &None));
    assert_eq!(finding(&now, VERSION).state, FindingState::StillOpen);
    let changes = now.changes.as_ref().expect("compared");
    assert_eq!((changes.new.len(), changes.still_open.len()), (0, 2));
    let next = weak().days_later(60).after(&now);
    assert_eq!(finding(&next, UNDECLARED).state, FindingState::StillOpen);
}

#[test]
fn the_review_of_another_operator_is_not_compared_with() {
    let mut last = weak().review();
    last.operator.id = "somebody-else".into();
    let wrong = weak().compared(Some(&last)).expect_err("refused").to_string();
    assert!(wrong.contains("`somebody-else`") && wrong.contains("`dhc`"), "{wrong}");
}

#[test]
fn evidence_is_bounded_and_made_visible() {
    let flood = "A".repeat(1 << 20);
    let attack = "220 (vsFTPd 3.0.3)\u{1b}[2J\u{202e}\0\u{7}\r\nnext".to_owned();
    let lines: Vec<String> = (0..100).map(|n| format!("{attack} {n}")).collect();
    let many: Vec<&str> = lines.iter().map(String::as_str).collect();
    let doors = [declared("21/tcp", "internet")];
    let begun = || {
        Book::of(&["192.0.2.1"], &doors).swept("192.0.2.1", &[(PORTS, "closed"), ("21", "open")])
    };
    let proud = format!("220 (vsFTPd 3.0.3) {flood}");
    let cases: [(&str, &[&str]); 4] =
        [(&attack, &[]), (&attack, &many), (&attack, &[&flood]), (&proud, &[])];
    for (said, transcript) in cases {
        // Asked again and again: the book has many rows about one place.
        let book = (0..10).fold(begun(), |book, _| book.heard(21, said, transcript));
        let review = book.ended(None).review();
        let place = &finding(&review, VERSION).places[0];
        assert!((1..=6).contains(&place.evidence.len()), "{}", place.evidence.len());
        let all = place.evidence.iter().flat_map(|one| &one.lines);
        let texts = all.chain(place.message.0.values()).chain(&place.witness);
        for text in texts {
            assert!(text.chars().count() <= 600, "{} characters", text.chars().count());
            assert_eq!(text, &postern::model::heard::shown(text));
        }
        for one in &place.evidence {
            assert!((1..=21).contains(&one.lines.len()), "{} lines", one.lines.len());
            assert!(one.lines.iter().all(|line| line.chars().count() <= 201));
        }
        let heard = place.evidence.iter().find(|one| one.probe == "greeting").expect("a witness");
        assert!(heard.lines[0].starts_with("< "), "{:?}", heard.lines[0]);
        assert_eq!(heard.again.as_deref(), Some("nc -w 5 192.0.2.1 21 < /dev/null"));
    }
}

#[test]
fn declared_against_observed() {
    use ExposureCell::{
        AsDeclared, DeclaredButClosed, DeclaredButFiltered, NotSettled, ShutAsDeclared, Undeclared,
    };
    // Declared for whom, the state at each of two addresses, and what that is.
    let cases = [
        ("internet", "open", "open", AsDeclared),
        ("internet", "open", "closed", AsDeclared),
        ("internet", "inconclusive", "open", AsDeclared),
        ("internet", "closed", "closed", DeclaredButClosed),
        ("internet", "closed", "filtered", DeclaredButFiltered),
        ("internet", "closed", "inconclusive", NotSettled),
        ("clinic", "closed", "filtered", ShutAsDeclared),
        ("clinic", "closed", "inconclusive", NotSettled),
        ("clinic", "closed", "open", Undeclared),
        ("", "open", "closed", Undeclared),
        ("", "inconclusive", "open", Undeclared),
    ];
    let port = |at: usize| (100 + at).to_string();
    let mut doors = Vec::new();
    let (mut v4, mut v6) = (vec![(PORTS.to_owned(), "closed")], vec![(PORTS.to_owned(), "closed")]);
    for (n, (from, one, other, _)) in cases.iter().enumerate() {
        v4.push((port(n), one));
        v6.push((port(n), other));
        if !from.is_empty() {
            doors.push(declared(&format!("{}/tcp", port(n)), from));
        }
    }
    doors.push(declared("53/udp", "internet"));
    doors.push(declared("8080/tcp", "internet"));
    let v4: Vec<(&str, &str)> = v4.iter().map(|(ports, state)| (ports.as_str(), *state)).collect();
    let v6: Vec<(&str, &str)> = v6.iter().map(|(ports, state)| (ports.as_str(), *state)).collect();
    let book = Book::of(&["192.0.2.1", "2001:db8::1"], &doors);
    let review = book.swept("192.0.2.1", &v4).swept("2001:db8::1", &v6).ended(None).review();
    let row = |port: &str| {
        let found = review.exposure.iter().find(|row| row.port == port);
        found.unwrap_or_else(|| panic!("no row for {port}"))
    };
    for (n, (from, one, other, cell)) in cases.iter().enumerate() {
        let row = row(&format!("{}/tcp", port(n)));
        assert_eq!(row.cell, *cell, "for {from:?}: {one} and {other}");
        let observed: Vec<_> = row.observed.iter().map(|(_, state)| state.as_str()).collect();
        assert_eq!(observed, [*one, *other], "{}", row.port);
        let is_finding = from.is_empty() && *cell == Undeclared;
        assert_eq!(!row.findings.is_empty(), is_finding, "{}: {:?}", row.port, row.findings);
    }
    assert_eq!(row("53/udp").cell, NotSettled);
    assert_eq!(row("8080/tcp").cell, NotSettled);
    assert_eq!(review.exposure.len(), cases.len() + 2, "closed and undeclared is no row");
}

#[test]
fn a_host_that_answers_on_everything_is_one_row() {
    let book = Book::of(&["192.0.2.1"], &[declared("80/tcp", "internet")]);
    let review = book.swept("192.0.2.1", &[(PORTS, "open")]).ended(None).review();
    let rows: Vec<_> = review.exposure.iter().map(|row| (row.port.as_str(), row.cell)).collect();
    let rest = ("1-79,81-200/tcp", ExposureCell::Undeclared);
    assert_eq!(rows, [("80/tcp", ExposureCell::AsDeclared), rest]);
}

#[test]
fn the_gate() {
    use GateVerdict::{Go, GoWithConditions, NoGo, NotEnoughEvidence};
    let door = || vec![declared("21/tcp", "internet")];
    let bare = || vec![json!({"port": "21/tcp", "from": ["internet"]})];
    let swept =
        |states: &[(&str, &str)]| Book::of(&["192.0.2.1"], &door()).swept("192.0.2.1", states);
    let unclosed = |mut book: Book| {
        book.rows.pop();
        book
    };
    let cases = [
        ("nothing wrong", good(), Go),
        ("a low finding", Book::small(&door(), &[(21, PROUD)]), Go),
        ("a medium finding", Book::small(&bare(), &[(21, SHY)]), GoWithConditions),
        ("a gate finding", weak(), NoGo),
        ("a gate finding, in a scan that was killed", unclosed(weak()), NoGo),
        ("killed after all was seen", unclosed(good()), NotEnoughEvidence),
        ("interrupted", unclosed(good()).ended(Some("interrupted")), NotEnoughEvidence),
        (
            "a gate check did not settle",
            swept(&[(PORTS, "closed"), ("21", "open"), ("23", "inconclusive")])
                .heard(21, SHY, &[])
                .ended(None),
            NotEnoughEvidence,
        ),
        (
            "nobody heard the service",
            swept(&[(PORTS, "closed"), ("21", "open")]).ended(None),
            NotEnoughEvidence,
        ),
        ("no port answered at all", swept(&[(PORTS, "filtered")]).ended(None), NotEnoughEvidence),
        ("nothing was asked", Book::of(&["192.0.2.1"], &door()).ended(None), NotEnoughEvidence),
    ];
    for (name, book, verdict) in cases {
        let Review { decision, scan, .. } = book.review();
        assert_eq!(decision.verdict, verdict, "{name}: {:?}", decision.because);
        let says_so = decision.because.contains(&Because::Incomplete);
        assert_eq!(says_so, !scan.complete && verdict == NotEnoughEvidence, "{name}");
        assert_eq!(decision.because.is_empty(), verdict == Go, "{name}");
        assert_eq!(scan.complete, scan.incomplete_because.is_empty(), "{name}");
    }
}

/// Killed at any moment, resumed and killed again: whatever the book lacks, the answer is never `go`.
#[test]
fn a_book_that_was_not_closed_never_gives_go() {
    let whole = good();
    assert_eq!(whole.review().decision.verdict, GateVerdict::Go);
    for length in 0..whole.rows.len() {
        let mut killed = whole.clone();
        killed.rows.truncate(length);
        let verdict = killed.review().decision.verdict;
        assert_eq!(verdict, GateVerdict::NotEnoughEvidence, "after {length} rows");
    }
    let mut resumed = whole.clone();
    resumed.rows.extend(whole.rows.first().cloned());
    assert_eq!(resumed.review().decision.verdict, GateVerdict::NotEnoughEvidence);
    assert_eq!(resumed.ended(None).review().decision.verdict, GateVerdict::Go);
}
