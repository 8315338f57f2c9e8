//! The comparison with the last review: what may be called mended, what is carried on, and what comes back.

use postern::model::moment::Moment;
use postern::review::{Became, Differs, FindingState, Review};
use serde_json::json;

use super::book::{Book, PORTS, VERSION, declared};
use super::{SHY, finding, good, weak};

const SSH: &str = "ssh/reachable-from-internet";

/// What became of each finding of the last review that is not in this one, by check and place.
fn became(now: &Review) -> Vec<(String, Became)> {
    let changes = now.changes.as_ref().expect("compared");
    for line in &changes.fixed {
        assert!(line.became.is_mended(), "{line:?}");
    }
    for line in &changes.not_seen_again {
        assert!(!line.became.is_mended(), "{line:?}");
    }
    let all = changes.fixed.iter().chain(&changes.not_seen_again);
    all.map(|line| (format!("{} {}", line.check, line.place), line.became)).collect()
}

/// The host with SSH open to all on a port.
fn ssh(port: u16) -> Book {
    Book::small(&[], &[(port, "SSH-2.0-OpenSSH_9.6\r\n")]).asking(SSH)
}

#[test]
fn only_the_same_question_from_the_same_place_tells_that_something_is_mended() {
    use Became::{
        AddressNotExamined, CheckChanged, DoesNotApply, NotSettled, OtherVantage, Passes,
        PortNotAsked, Shut,
    };
    let doors = [declared("21/tcp", "internet")];
    let swept = |address: &str, states: &[(&str, &str)]| {
        Book::of(&[address], &doors).swept(address, states).ended(None)
    };
    let heard = |said: &str| Book::small(&doors, &[(21, said)]);
    // The last review has undeclared Telnet on 23/tcp, and a version in the greeting of 21/tcp.
    let cases: [(&str, Book, Became, Became); 12] = [
        ("mended", good(), Shut, Passes),
        ("all shut", swept("192.0.2.1", &[(PORTS, "closed")]), Shut, Shut),
        (
            "the answer of another port was lost",
            {
                Book::of(&["192.0.2.1"], &doors)
                    .swept(
                        "192.0.2.1",
                        &[(PORTS, "closed"), ("23", "inconclusive"), ("21", "open")],
                    )
                    .heard(21, SHY, &[])
                    .ended(None)
            },
            NotSettled,
            Passes,
        ),
        ("seen from another vantage", good().from("away"), OtherVantage, OtherVantage),
        ("seen from within", good().from("within"), OtherVantage, OtherVantage),
        (
            "the vantage of that name stands elsewhere now",
            good().declaring(|inventory| inventory["vantages"][0]["kind"] = json!("partner")),
            OtherVantage,
            OtherVantage,
        ),
        (
            "the port is not asked any more",
            swept("192.0.2.1", &[("1-22", "closed"), ("21", "open")]).asked("1-22"),
            PortNotAsked,
            NotSettled,
        ),
        (
            "silence from everywhere",
            swept("192.0.2.1", &[(PORTS, "filtered")]),
            NotSettled,
            NotSettled,
        ),
        (
            "moved to a new address",
            {
                Book::of(&["192.0.2.7"], &doors)
                    .swept("192.0.2.7", &[(PORTS, "closed"), ("21", "open")])
                    .heard_at("192.0.2.7", 21, SHY, &[])
                    .ended(None)
            },
            Shut,
            Passes,
        ),
        (
            "the address was taken out, and only another family is left",
            swept("2001:db8::1", &[(PORTS, "closed")]),
            AddressNotExamined,
            AddressNotExamined,
        ),
        (
            "the greeting is silent now, so the check has nothing to apply to",
            heard(""),
            Shut,
            DoesNotApply,
        ),
        ("the door is open and nobody declares it", { Book::small(&[], &[(80, SHY)]) }, Shut, Shut),
    ];
    let last = weak().review();
    for (name, book, telnet, ftp) in cases {
        let now = book.days_later(30).after(&last);
        let all = became(&now);
        let of = |place: &str| all.iter().find(|(what, _)| what.contains(place)).map(|(_, b)| *b);
        assert_eq!((of("23/tcp"), of("21/tcp")), (Some(telnet), Some(ftp)), "{name}: {all:?}");
    }

    // A milder setting asks another question; that the answer is a pass now mends nothing.
    let param = "set: {ssh/reachable-from-internet: {params: {ports: [2022]}, why: moved}}\n";
    let now = ssh(100).review();
    assert_eq!(finding(&now, SSH).places[0].subject.place(), "web1 100/tcp");
    let quiet = Book::small(&[], &[(100, SHY)]).asking(SSH);
    let milder = quiet.clone().setting(param).days_later(7).after(&now);
    let of_ssh = |review: &Review| became(review).into_iter().find(|(what, _)| what.contains(SSH));
    assert_eq!(of_ssh(&milder).map(|(_, b)| b), Some(CheckChanged));
    // The port answers still, and something else may hide the old fault: nothing is certain.
    let moved = ssh(22).after(&now);
    assert_eq!(of_ssh(&moved).map(|(_, b)| b), Some(Shut));
    let both = Book::small(&[], &[(22, "SSH-2.0-x\r\n"), (100, SHY)]).asking(SSH).after(&now);
    assert_eq!(of_ssh(&both).map(|(_, b)| b), Some(Became::FailsOtherwise));
}

#[test]
fn what_was_not_seen_keeps_its_dates() {
    let first = weak().review();
    let before = finding(&first, VERSION).clone();
    let silent =
        Book::of(&["192.0.2.1"], &[declared("21/tcp", "internet")]).ended(Some("interrupted"));
    let second = silent.clone().days_later(30).after(&first);
    assert!(second.findings.is_empty());
    let third = silent.days_later(60).after(&second);
    for review in [&second, &third] {
        let lines = &review.changes.as_ref().expect("compared").not_seen_again;
        let line = lines.iter().find(|line| line.check.0 == VERSION).expect("carried on");
        assert_eq!((line.first_seen, line.due), (before.first_seen, before.due));
        assert_eq!(line.last_seen, first.made);
    }
    // Written and read back, as between two half-years.
    let third: Review =
        serde_json::from_str(&serde_json::to_string(&third).expect("JSON")).expect("a review");
    let fourth = weak().days_later(90).after(&third);
    let after = finding(&fourth, VERSION);
    assert_eq!(after.state, FindingState::StillOpen);
    assert_eq!((after.first_seen, after.due), (before.first_seen, before.due));
    // Seen to be mended at last, it is carried no further.
    let mended = good().days_later(120).after(&third);
    let changes = mended.changes.as_ref().expect("compared");
    assert_eq!((changes.fixed.len(), changes.not_seen_again.len()), (2, 0));
}

#[test]
fn what_was_mended_and_is_here_again_has_come_back() {
    let first = weak().review();
    let second = good().days_later(30).after(&first);
    let third = good().days_later(60).after(&second);
    assert_eq!(third.changes.as_ref().expect("compared").fixed.len(), 0);
    for (days, last) in [(60, &second), (90, &third)] {
        let now = weak().days_later(days).after(last);
        let back = finding(&now, VERSION);
        assert_eq!(back.state, FindingState::CameBack);
        let began: Moment = now.scan.began;
        assert_eq!((back.first_seen, back.due), (began, began.plus_days(180)));
        let changes = now.changes.as_ref().expect("compared");
        assert_eq!(
            (changes.new.len(), changes.came_back.len(), changes.still_open.len()),
            (0, 2, 0)
        );
        assert!(changes.mended_before.is_empty());
        let next = weak().days_later(days + 30).after(&now);
        assert_eq!(finding(&next, VERSION).state, FindingState::StillOpen);
        assert_eq!(finding(&next, VERSION).first_seen, began);
    }
}

#[test]
fn a_review_says_in_what_it_was_made_otherwise() {
    let last = weak().review();
    let differs = |book: Book| book.after(&last).changes.expect("compared").differs;
    assert_eq!(differs(weak()), []);
    let vantage = |now: &str| Differs::Vantage { then: "outside".into(), now: now.into() };
    assert_eq!(differs(weak().from("within")), [vantage("within")]);
    let partner = weak().declaring(|inventory| inventory["vantages"][0]["kind"] = json!("partner"));
    assert_eq!(differs(partner), [vantage("outside")]);
    let fewer = differs(weak().asked("1-100"));
    assert!(
        fewer.contains(&Differs::Ports { then: PORTS.into(), now: "1-100".into() }),
        "{fewer:?}"
    );
    let fragile = weak().declaring(|inventory| inventory["hosts"][0]["fragile"] = json!(true));
    assert_eq!(differs(fragile), [Differs::Fragile { hosts: vec![last.hosts[0].id.clone()] }]);
    let other = weak().asking(SSH);
    let small = || String::from("small");
    assert_eq!(differs(other), [Differs::Profile { then: small(), now: small() }]);
    let mut gone = last.clone();
    gone.hosts[0].id.0 = "web9".into();
    let now = weak().after(&gone).changes.expect("compared");
    let hosts = |id: &str| vec![postern::model::net::HostId(id.into())];
    let moved = Differs::Hosts { added: hosts("web1"), left_out: hosts("web9") };
    assert_eq!(now.differs, [moved]);
}
