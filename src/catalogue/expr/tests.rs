//! The language by small cases: what is true of given facts, and what is refused when it is read.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::model::value::{Field, Kind, Level, List, Scale};
use crate::model::value::{Type as T, Value as V};

static TLS_VERSION: Scale =
    Scale { name: "TlsVersion", names: &["SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"] };

fn vocabulary() -> Vocabulary {
    let field = |name: &'static str, of| Field::new(name, of, "A test's field.");
    let kind = |name: &'static str, tier, fields: Vec<Field>| {
        Kind::new(name, tier, "A test's kind.", fields)
    };
    let cookie = T::record([field("name", T::Text), field("secure", T::Bool)]);
    Vocabulary::new(vec![
        kind(
            "host",
            Tier::Host,
            vec![
                field("open", T::list(T::Int)),
                field("open6", T::list(T::Int)),
                field("address", T::Text),
                field("seen", T::Moment),
            ],
        ),
        kind(
            "tls",
            Tier::Site,
            vec![
                field("versions", T::list(T::Scale(&TLS_VERSION))),
                field("lowest", T::Scale(&TLS_VERSION)),
                field("days", T::Int),
                field("name", T::Text),
                field("trusted", T::Bool),
                field("silent", T::Bool),
                field("cookies", T::list(cookie)),
                field("part", T::list(T::Int)),
                field("none", T::list(T::Int)),
                field("mixed", T::list(T::Int)),
                field("lost", T::list(T::Int)),
            ],
        ),
    ])
}

fn params() -> Vec<(String, T)> {
    vec![
        ("oldest".into(), T::Scale(&TLS_VERSION)),
        ("days".into(), T::Int),
        ("nets".into(), T::list(T::Text)),
        ("ports".into(), T::list(T::Int)),
    ]
}

fn level(name: &str) -> V {
    V::Level(Level::named(&TLS_VERSION, name).expect("a version"))
}

fn facts() -> Vec<Vec<V>> {
    let ints = |all: &[i64]| all.iter().map(|n| V::Int(*n)).collect::<Vec<_>>();
    let cookie = |name, secure| V::Record([V::text(name), secure].into());
    let part = List { items: ints(&[1, 2]).into(), unseen: Some(Why::new("cut off")) };
    vec![
        vec![
            V::list(ints(&[80, 443])),
            V::list(ints(&[22, 443, 8080])),
            V::text("192.0.2.7"),
            V::Moment("2026-11-23T12:00:00Z".parse().expect("a time")),
        ],
        vec![
            V::list([level("TLSv1.0"), level("TLSv1.2")]),
            level("TLSv1.0"),
            V::Int(12),
            V::text("Booking.Example"),
            V::Bool(true),
            V::unknown("timed out"),
            V::list([
                cookie("sid", V::Bool(false)),
                cookie("lang", V::Bool(true)),
                cookie("odd", V::unknown("unread")),
            ]),
            V::List(part),
            V::list([]),
            V::list([V::Int(1), V::unknown("garbled")]),
            V::unknown("reset"),
        ],
    ]
}

fn read(text: &str) -> Result<Condition, Vec<Fault>> {
    let (vocabulary, params) = (vocabulary(), params());
    Condition::read(
        text,
        &Names {
            vocabulary: &vocabulary,
            tier: Tier::Site,
            params: &params,
            own: None,
            patterns: &Cell::new(PATTERNS),
        },
    )
}

/// The outcome in words: `true`, `false`, or the reason; and the blame, when false.
fn outcome(text: &str) -> (String, String) {
    let condition = read(text).unwrap_or_else(|faults| panic!("{text}: {faults:?}"));
    let params = vec![
        level("TLSv1.2"),
        V::Int(30),
        V::list([V::text("192.0.2.0/24")]),
        V::list([V::Int(8080)]),
    ];
    let facts = facts();
    let lookup = |kind: KindId| facts.get(usize::from(kind)).map(Vec::as_slice);
    let env = Env::new(&params, &lookup);
    match condition.truth(&env) {
        Truth::True => ("true".into(), String::new()),
        Truth::Unknown(why) => (why.to_string(), String::new()),
        Truth::False => {
            let blamed = condition.blame(&env);
            let words: Vec<String> =
                blamed.iter().map(|(value, _)| value.keep().to_string()).collect();
            ("false".into(), words.join(" | "))
        }
    }
}

#[test]
fn what_holds() {
    for (text, wanted) in [
        ("tls.trusted", "true"),
        ("!tls.trusted", "false"),
        ("!!tls.trusted", "true"),
        ("tls.trusted == true", "true"),
        ("tls.trusted != true", "false"),
        ("tls.days == 12", "true"),
        ("12 == tls.days", "true"),
        ("tls.days < 13", "true"),
        ("tls.days <= 12", "true"),
        ("tls.days > 12", "false"),
        ("tls.days >= 12", "true"),
        ("tls.days >= params.days", "false"),
        ("tls.days > -1", "true"),
        ("tls.days + 18 == params.days", "true"),
        ("params.days - tls.days == 18", "true"),
        ("tls.days - 2 - 3 == 7", "true"),
        ("-tls.days == -12", "true"),
        ("tls.days in [11, 12]", "true"),
        ("tls.days in [11, tls.days]", "true"),
        ("tls.days in []", "false"),
        ("tls.lowest == \"TLSv1.0\"", "true"),
        ("tls.lowest == TLSv1.0", "true"),
        ("TLSv1.0 == tls.lowest", "true"),
        ("tls.lowest < TLSv1.2", "true"),
        ("TLSv1.2 > tls.lowest", "true"),
        ("tls.lowest == SSLv3", "false"),
        ("tls.lowest in [\"TLSv1.0\", TLSv1.1]", "true"),
        ("TLSv1.2 in tls.versions", "true"),
        ("\"TLSv1.3\" in tls.versions", "false"),
        ("tls.versions == [TLSv1.0, TLSv1.2]", "true"),
        ("tls.versions != []", "true"),
        ("tls.none == []", "true"),
        ("tls.versions.all(v, v >= params.oldest)", "false"),
        ("tls.versions.exists(v, v >= params.oldest)", "true"),
        ("tls.versions.filter(v, v >= params.oldest).size() == 1", "true"),
        ("tls.versions.map(v, v < TLSv1.2).exists(old, old)", "true"),
        ("tls.versions[0] == TLSv1.0", "true"),
        ("tls.versions[1] == TLSv1.0", "false"),
        ("tls.none.all(x, x == 1)", "true"),
        ("tls.none.exists(x, x == 1)", "false"),
        ("tls.none.size() == 0", "true"),
        ("tls.name.size() == 15", "true"),
        ("tls.name.startsWith(\"Book\")", "true"),
        ("tls.name.endsWith('.Example')", "true"),
        ("tls.name.contains(\"king\")", "true"),
        ("tls.name.lower() == \"booking.example\"", "true"),
        ("tls.name.lower().capture(\"^([a-z]+)\") == \"booking\"", "true"),
        ("tls.name.matches(\"(?i)booking\")", "true"),
        ("tls.name.matches(\"^example\")", "false"),
        ("tls.name.matches(r\"\\.Ex\")", "true"),
        ("tls.name.matches(\"\\\\.Ex\")", "true"),
        ("tls.name.capture(\"([A-Z][a-z]+)$\") == \"Example\"", "true"),
        ("tls.name in [\"a\", \"Booking.Example\"]", "true"),
        ("in_net(host.address, \"192.0.2.0/24\")", "true"),
        ("in_net(host.address, \"198.51.100.0/24\")", "false"),
        ("in_net(host.address, [\"2001:db8::/32\", \"192.0.2.7\"])", "true"),
        ("in_net(host.address, params.nets)", "true"),
        ("host.seen > \"2026-11-23\"", "true"),
        ("host.seen < \"2026-11-23T20:00:00+08:00\"", "false"),
        ("host.open6.all(p, p in host.open)", "false"),
        ("host.open6.all(p, p in host.open || p in params.ports || p == 22)", "true"),
        ("host.open.exists(p, host.open6.exists(q, p == q))", "true"),
        ("host.open.all(p, host.open6.exists(q, p == q))", "false"),
        ("tls.cookies.exists(c, c.name == \"lang\" && c.secure)", "true"),
        ("tls.cookies.map(c, c.name) == [\"sid\", \"lang\", \"odd\"]", "true"),
        ("tls.cookies[0].name == \"sid\"", "true"),
        ("tls.trusted ? tls.days == 12 : tls.silent", "true"),
        ("(tls.trusted ? tls.days : 0) == 12", "true"),
        ("tls.trusted && tls.days == 12 || tls.silent", "true"),
        ("tls.days == 1 || tls.days == 2 && tls.trusted", "false"),
        ("(tls.days == 12 || tls.silent) && tls.trusted", "true"),
        ("!(tls.days == 12) == false", "true"),
    ] {
        assert_eq!(outcome(text).0, wanted, "{text}");
    }
}

#[test]
fn what_is_not_known_says_why() {
    for (text, wanted) in [
        ("tls.silent", "timed out"),
        ("!tls.silent", "timed out"),
        ("tls.silent == true", "timed out"),
        ("tls.silent ? true : true", "timed out"),
        // Kleene: what decides, decides.
        ("tls.silent && tls.trusted", "timed out"),
        ("tls.trusted && tls.silent", "timed out"),
        ("tls.silent && !tls.trusted", "false"),
        ("!tls.trusted && tls.silent", "false"),
        ("tls.silent || tls.trusted", "true"),
        ("tls.trusted || tls.silent", "true"),
        ("tls.silent || !tls.trusted", "timed out"),
        ("!tls.trusted || tls.silent", "timed out"),
        ("tls.silent && tls.silent", "timed out"),
        ("tls.silent || tls.silent", "timed out"),
        ("tls.silent || tls.lost.size() == 1", "timed out"),
        ("tls.lost.size() == 1 && tls.silent", "reset"),
        // Lists of which a part was seen.
        ("tls.part.all(x, x > 0)", "cut off"),
        ("tls.part.all(x, x > 1)", "false"),
        ("tls.part.exists(x, x == 2)", "true"),
        ("tls.part.exists(x, x == 3)", "cut off"),
        ("1 in tls.part", "true"),
        ("3 in tls.part", "cut off"),
        ("!(3 in tls.part)", "cut off"),
        ("tls.part.size() == 2", "cut off"),
        ("tls.part.size() >= 2", "true"),
        ("tls.part.size() > 2", "cut off"),
        ("tls.part.size() > 1", "true"),
        ("tls.part.size() < 2", "false"),
        ("tls.part.size() < 3", "cut off"),
        ("tls.part.size() <= 1", "false"),
        ("tls.part.size() == 1", "false"),
        ("tls.part.size() != 1", "true"),
        ("tls.part.filter(x, x > 1).size() == 0", "false"),
        ("tls.part.filter(x, x > 5).size() == 0", "cut off"),
        ("tls.part.map(x, x + 1).exists(x, x == 3)", "true"),
        ("tls.part.map(x, x + 1).all(x, x < 9)", "cut off"),
        ("tls.part == [1, 2]", "cut off"),
        ("tls.part == [1]", "false"),
        ("tls.part[0] == 1", "true"),
        ("tls.part[5] == 1", "cut off"),
        ("tls.none[0] == 1", "the list has no element of that number"),
        ("tls.none[-1] == 1", "the list has no element of that number"),
        // Lists with elements that are not known.
        ("tls.mixed.all(x, x == 1)", "garbled"),
        ("tls.mixed.all(x, x == 2)", "false"),
        ("tls.mixed.exists(x, x == 1)", "true"),
        ("tls.mixed.exists(x, x == 2)", "garbled"),
        ("1 in tls.mixed", "true"),
        ("2 in tls.mixed", "garbled"),
        ("tls.mixed.size() == 2", "true"),
        ("tls.mixed.filter(x, x == 1).size() == 1", "garbled"),
        ("tls.mixed.filter(x, x == 1).size() >= 1", "true"),
        ("tls.mixed == [1, 1]", "garbled"),
        ("tls.mixed == [2, 1]", "false"),
        ("tls.cookies.all(c, c.secure)", "false"),
        ("tls.cookies.filter(c, c.name != \"sid\").all(c, c.secure)", "unread"),
        ("tls.lost.all(x, x == 1)", "reset"),
        ("tls.lost.exists(x, x == 1)", "reset"),
        ("tls.lost.size() == 0", "reset"),
        ("1 in tls.lost", "reset"),
        ("tls.lost.filter(x, x == 1).size() == 0", "reset"),
        ("tls.lost[0] == 1", "reset"),
        ("tls.lost == []", "reset"),
        ("tls.name.capture(\"^([0-9]+)\") == \"1\"", "the text has no part like ^([0-9]+)"),
        ("in_net(tls.name, \"192.0.2.0/24\")", "the text is not an address"),
    ] {
        assert_eq!(outcome(text).0, wanted, "{text}");
    }
}

#[test]
fn what_is_blamed() {
    for (text, wanted) in [
        ("tls.versions.all(v, v >= TLSv1.2)", "TLSv1.0"),
        ("!tls.versions.exists(v, v < TLSv1.3)", "TLSv1.0 | TLSv1.2"),
        ("host.open6.all(p, p in host.open || p in params.ports)", "22"),
        ("tls.days >= params.days", "12"),
        ("params.days <= tls.days", "12"),
        ("tls.cookies.all(c, c.secure)", "sid, false"),
        ("tls.cookies.filter(c, !c.secure).size() == 0", "sid, false"),
        ("host.open.filter(p, p == 80).size() == 0", "80"),
        ("!tls.name.matches(\"(?i)booking\")", "Booking.Example"),
        ("tls.name.lower().startsWith(\"x\")", "Booking.Example"),
        ("!(443 in host.open)", "443"),
        ("22 in host.open", "80 | 443"),
        ("tls.lowest in [TLSv1.2, TLSv1.3]", "TLSv1.0"),
        ("!tls.trusted", ""),
        ("tls.trusted && tls.days > 30", "12"),
        ("tls.days > 30 && tls.lowest > TLSv1.1", "12 | TLSv1.0"),
        ("!tls.trusted || tls.days > 30", "12"),
        ("tls.trusted ? tls.days > 30 : tls.silent", "12"),
        ("!in_net(host.address, \"192.0.2.0/24\")", "192.0.2.7"),
        ("tls.none.size() > 0", ""),
        ("tls.silent && !tls.trusted", ""),
    ] {
        let (came, blamed) = outcome(text);
        assert_eq!((came.as_str(), blamed.as_str()), ("false", wanted), "{text}");
    }
}

#[test]
fn what_is_refused_when_it_is_read() {
    // The text, the bytes that are marked, and what is said.
    for (text, mark, said) in [
        (
            "tls.versons.all(v, v > TLSv1.1)",
            "versons",
            "`tls` has no field `versons`; did you mean `versions`?",
        ),
        ("tsl.days > 1", "tsl", "`tsl` is not known here; did you mean `tls`?"),
        (
            "tls.lowest >= \"TLSv1,2\"",
            "\"TLSv1,2\"",
            "`TLSv1,2` is not a TlsVersion; did you mean `TLSv1.2`?",
        ),
        (
            "tls.lowest >= TLSv1.4",
            "TLSv1.4",
            "`TLSv1.4` is not a TlsVersion; did you mean `TLSv1.0`?",
        ),
        (
            "tls.versions.all(v, v >= TSLv1.2)",
            "TSLv1.2",
            "`TSLv1.2` is not a TlsVersion; did you mean `TLSv1.2`?",
        ),
        ("tls.days in [\"12\"]", "\"12\"", "this is text; a number is needed here"),
        ("tls.days == \"12\"", "\"12\"", "this is text; a number is needed here"),
        ("tls.name == 12", "12", "this is a number; text is needed here"),
        ("tls.days", "tls.days", "this is a number; true or false is needed here"),
        (
            "tls.versions",
            "tls.versions",
            "this is a list of TlsVersion; true or false is needed here",
        ),
        (
            "tls.days >= params.day",
            "day",
            "`day` is not a parameter of this check; did you mean `days`?",
        ),
        (
            "tls.versions.al(v, v > SSLv3)",
            "al",
            "a list of TlsVersion has no `.al()`; did you mean `.all()`?",
        ),
        ("tls.versions.contains(SSLv3)", "contains", "a list of TlsVersion has no `.contains()`"),
        ("tls.name.all(c, true)", "all", "text has no `.all()`"),
        ("tls.days.size() > 1", "size", "a number has no `.size()`"),
        ("tls.name < \"b\"", "tls.name < \"b\"", "text cannot be compared by <"),
        (
            "tls.versions < tls.versions",
            "tls.versions < tls.versions",
            "a list of TlsVersion cannot be compared by <",
        ),
        (
            "tls.cookies[0] == tls.cookies[1]",
            "tls.cookies[0] == tls.cookies[1]",
            "a record cannot be compared by ==",
        ),
        ("tls.name.matches(\"(\")", "\"(\"", "this is not a pattern: unclosed group"),
        ("tls.name.matches(tls.name)", "tls.name", "a pattern must be written out"),
        ("tls.name.capture(\"abc\") == \"a\"", "\"abc\"", "this pattern has no group to capture"),
        (
            "tls.name.matches(\"(x{900}){900}\")",
            "\"(x{900}){900}\"",
            "this pattern is too big when compiled",
        ),
        (
            "in_net(host.address, \"192.0.2.0/33\")",
            "\"192.0.2.0/33\"",
            "`192.0.2.0/33` is not a network",
        ),
        (
            "in_net(host.address, \"192.0.2.1/24\")",
            "\"192.0.2.1/24\"",
            "`192.0.2.1/24` is not a network",
        ),
        (
            "in_net(host.open, \"192.0.2.0/24\")",
            "host.open",
            "this is a list of number; text is needed here",
        ),
        (
            "innet(host.address, \"192.0.2.0/24\")",
            "innet",
            "`innet` is not a function; did you mean `in_net`?",
        ),
        ("size(tls.versions) == 1", "size", "`size` is not a function"),
        ("tls.days = 12", "=", "`=` means nothing here"),
        ("tls.days == 12 & tls.trusted", "&", "`&` means nothing here"),
        (
            "tls.days == 12 and tls.trusted",
            "and",
            "`and` was not expected here; the condition should end here",
        ),
        (
            "not tls.trusted",
            "not",
            "`not` was not expected here; a fact, a parameter or a value should stand here",
        ),
        ("tls.days > 1 > 0", ">", "comparisons cannot be chained"),
        ("(tls.trusted", "", "the condition stops too early; the bracket should be closed by )"),
        ("tls.trusted)", ")", "`)` was not expected here; the condition should end here"),
        ("tls.", "", "the condition stops too early; the name of a field should follow the dot"),
        (
            "tls.days in",
            "",
            "the condition stops too early; a fact, a parameter or a value should stand here",
        ),
        ("tls.name == \"a", "\"a", "this text has no closing quote"),
        ("tls.name == \"\\d\"", "\\d", "`\\d` is not an escape"),
        ("tls.days == 12x", "12x", "`12x` is not a whole number"),
        (
            "tls.days == 99999999999999999999",
            "99999999999999999999",
            "`99999999999999999999` is not a whole number",
        ),
        ("tls", "tls", "`tls` is a kind of fact, not a value; say which of its fields"),
        (
            "params.days > 3",
            "params.days > 3",
            "this condition looks at no fact, so it always comes out the same",
        ),
        ("true", "true", "this condition looks at no fact, so it always comes out the same"),
        ("", "", "a condition is missing here"),
        (
            "tls.cookies.all(c, c.secur)",
            "secur",
            "`secur` is not a field of this; did you mean `secure`?",
        ),
        ("tls.versions.all(tls, true)", "tls", "`tls` already means something else"),
        (
            "tls.versions.all(v)",
            "all(v)",
            "`all` takes two things, with a comma between them, in its brackets",
        ),
        ("tls.versions.all(1, true)", "1", "a name for the element should stand here"),
        ("tls.days == x", "x", "`x` is not known here"),
        ("tls.name == booking", "booking", "`booking` is not known here"),
        ("tls.days in tls.name", "tls.name", "this is text; a list is needed after `in`"),
        (
            "tls.days in tls.versions",
            "tls.versions",
            "this is a list of TlsVersion; a list of number is needed here",
        ),
        ("tls.days.x > 1", "x", "this is a number and has no fields"),
        ("tls.versions.size > 1", "size", "this is a list of TlsVersion and has no fields"),
        ("tls.days[0] == 1", "tls.days", "this is a number; only a list has numbered elements"),
        ("tls.trusted ? 1 : tls.days", "1", "this is a number; true or false is needed here"),
        ("[].size() == tls.days", "[]", "nothing says what this empty list is a list of"),
        (
            "host.seen > \"soon\"",
            "\"soon\"",
            "`soon` is not a time; write it as 2026-11-23T22:00:00+08:00 or 2026-11-23",
        ),
        ("tls.trusted + 1 == 2", "tls.trusted", "this is true or false; a number is needed here"),
        ("tls.days == “12”", "“", "`“` means nothing here"),
    ] {
        let faults = read(text).map(|_| ()).expect_err(text);
        let first = faults.first().expect("a fault");
        assert_eq!(first.title.split(" (").next(), said.split(" (").next(), "{text}");
        if said != "`x` is not known here" {
            assert_eq!(text.get(first.at.clone()), Some(mark), "{text}");
        }
    }
}

#[test]
fn all_mistakes_of_a_condition_are_told_at_once() {
    let text = "tls.versons.all(v, v > SSLv3) && tls.days == \"x\" && tls.lowest > TLSv9";
    let titles: Vec<String> =
        read(text).expect_err("three mistakes").into_iter().map(|fault| fault.title).collect();
    assert_eq!(titles.len(), 3, "{titles:#?}");
}

#[test]
fn a_kind_below_the_check_cannot_be_seen() {
    let vocabulary = vocabulary();
    let names = Names {
        vocabulary: &vocabulary,
        tier: Tier::Host,
        params: &[],
        own: None,
        patterns: &Cell::new(PATTERNS),
    };
    let faults = Condition::read("tls.trusted", &names).expect_err("tls is below host");
    let said = "`tls` is known for each site, and this check is about a host";
    assert_eq!(faults.first().map(|fault| fault.title.as_str()), Some(said));
    assert!(Condition::read("host.open.size() > 0", &names).is_ok());
}

#[test]
fn what_nests_too_deeply_is_refused_and_not_climbed() {
    for text in [
        "(".repeat(5000),
        "!".repeat(5000) + "tls.trusted",
        "-".repeat(5000) + "1 == 1",
        "tls.trusted".to_owned() + &" && tls.trusted".repeat(300),
        "[".repeat(5000),
        "tls.cookies".to_owned() + &".filter(c, true)".repeat(300),
        "tls.trusted ? ".repeat(300),
        "tls.cookies".to_owned() + &"[0]".repeat(2000),
    ] {
        let faults = read(&text).map(|_| ()).expect_err("too deep");
        assert!(faults.first().is_some_and(|fault| fault.title.contains("deep")), "{faults:?}");
    }
    assert!(read(&" ".repeat(9000)).is_err());
}

#[test]
fn long_lists_cost_no_more_than_the_budget() {
    let (vocabulary, everything) = (vocabulary(), V::list((0..65_536).map(V::Int)));
    let names = Names {
        vocabulary: &vocabulary,
        tier: Tier::Host,
        params: &[],
        own: None,
        patterns: &Cell::new(PATTERNS),
    };
    for text in [
        "host.open.all(p, !(p + 100000 in host.open6))",
        "host.open.all(p, host.open6.all(q, host.open == host.open6))",
        "host.open.all(p, host.open6.all(q, [p, q, p, q, p, q, p, q].size() == 8))",
        "host.open.all(p, host.open6.all(q, !host.address.contains(\"xy\")))",
        "host.open.all(p, host.open6.all(q, host.address.lower() != \"y\"))",
        "host.open.all(p, host.open6.all(q, host.address.matches(\"(x|xx)*$\")))",
        "host.open.all(p, host.open6.all(q, host.address.capture(\"(x)$\") == \"x\"))",
    ] {
        let condition = Condition::read(text, &names).expect("a condition");
        let long = V::text("x".repeat(16 << 10));
        let record = [everything.clone(), everything.clone(), long];
        let lookup = |_: KindId| Some(record.as_slice());
        let truth = condition.truth(&Env::new(&[], &lookup));
        let told = matches!(truth, Truth::Unknown(why) if why.to_string().contains("too long"));
        assert!(told, "{text}: {truth:?}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,80}") {
        let _ = read(&text);
    }

    #[test]
    fn reading_what_looks_like_the_language_never_panics(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "tls", ".", "versions", "all", "(", ")", "v", ",", ">=", "TLSv1", "1", "2", "\"x\"", "[", "]", "&&",
                "||", "!", "in", "==", "?", ":", "params", "days", "host", "size", "filter", "matches", "r\"", "-", "+",
                "cookies", "c", "secure", " ", "exists", "in_net", "'", "\\", "é",
            ]),
            0..30,
        )
    ) {
        let text = words.concat();
        if let Err(faults) = read(&text) {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(text.get(fault.at.clone()).is_some(), "{:?} of {}", fault.at, text);
            }
        }
    }
}
