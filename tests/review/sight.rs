//! A go rests on evidence: what nobody could ask from where we stood is no answer, and nothing at all is no pass.

use postern::model::net::CheckId;
use postern::report::words::Words;
use postern::report::{FORMATS, Options};
use postern::review::{Because, GateVerdict, Letter};
use serde_json::json;

use super::book::{Book, NO_NEED, UNDECLARED, declared};
use super::good;

const SSH: &str = "ssh/reachable-from-internet";

#[test]
fn what_nobody_can_ask_from_here_leaves_the_verdict_open() {
    use GateVerdict::{Go, NotEnoughEvidence};
    let one_port =
        "set: {ssh/reachable-from-internet: {params: {ports: [22]}, why: one is enough}}\n";
    let book = |vantage| good().asking(SSH).setting(one_port).from(vantage);
    let strict = "exposure/undeclared-open, ssh/reachable-from-internet";
    let borne = "exposure/undeclared-open, ssh/reachable-from-internet], out-of-sight: borne, \
                 why: it stands inside, without: [";
    let sight = Because::GateOutOfSight { check: CheckId(SSH.into()) };
    let cases = [
        ("from outside", book("outside").gate(strict), Go, false),
        ("from within", book("within").gate(strict), NotEnoughEvidence, true),
        ("from within, where the profile bears it", book("within").gate(borne), Go, true),
        ("from within, and it is no gate", book("within"), Go, false),
        // What is declared for others only: that is no matter of what strangers reach.
        (
            "it applies to nothing, wherever one stands",
            Book::small(&[declared("21/tcp", "clinic")], &[])
                .asking("exposure/declared-but-closed")
                .gate("exposure/declared-but-closed"),
            Go,
            false,
        ),
    ];
    for (name, book, verdict, hidden) in cases {
        let decision = book.review().decision;
        assert_eq!(decision.verdict, verdict, "{name}: {:?}", decision.because);
        let named = decision.out_of_sight == [CheckId(SSH.into())];
        assert_eq!((named, decision.out_of_sight.is_empty()), (hidden, !hidden), "{name}");
        let said = decision.because.contains(&sight);
        assert_eq!(said, hidden && verdict == NotEnoughEvidence, "{name}");
    }
}

#[test]
fn nothing_settled_is_no_pass() {
    // Every check that is asked applies to nothing here.
    let book = Book::small(&[], &[])
        .without(&[UNDECLARED])
        .gate(NO_NEED)
        .declaring(|inventory| inventory["hosts"][0]["exposure"] = json!([]));
    let review = book.review();
    let settled = review.coverage;
    assert_eq!((settled.pass + settled.fail, settled.inconclusive, settled.not_tested), (0, 0, 0));
    assert!(settled.not_applicable > 0);
    assert_eq!(settled.settled_percent, 0);
    assert_eq!(review.decision.verdict, GateVerdict::NotEnoughEvidence);
    assert_eq!(review.decision.because, [Because::NothingSettled]);
    assert_eq!(review.grade.letter, Letter::B);
}

/// Both are told in words, in both languages, on the page and on the terminal.
#[test]
fn why_it_is_not_enough_is_told_in_words() {
    let hidden = good().asking(SSH).from("within").gate(SSH).review();
    let nothing = Book::small(&[], &[]).without(&[UNDECLARED]).gate(NO_NEED).review();
    for lang in Words::languages() {
        let words = Words::built_in(lang).expect("it is built in");
        let title = hidden.checks.iter().find(|line| line.id.0 == SSH).expect("chosen");
        let sight = words.say("decision.because.sight", &[("title", title.title.in_lang(lang))]);
        let none = words.plain("decision.because.nothing").to_owned();
        for (review, sentence) in [(&hidden, sight), (&nothing, none)] {
            for format in FORMATS.iter().filter(|format| ["html", "text"].contains(&format.name)) {
                let mut options = Options::new(lang);
                options.columns = 500;
                let bytes = (format.render)(review, &options).expect("it renders");
                let page = String::from_utf8(bytes).expect("UTF-8");
                assert!(page.contains(&sentence), "{lang} {}: {sentence}", format.name);
            }
        }
    }
}
