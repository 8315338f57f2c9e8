//! The fourteen attacks on whoever reads files that others wrote, each against every kind of file that it fits, and
//! against the real program: one clear error with file, line, column and what to do; bounded in time and memory; exit
//! code 2; no panic. What a peer answers is the fourteenth: it stays text wherever it is shown.

#![allow(
    clippy::disallowed_methods,
    clippy::format_collect,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "it reads well here"
)]

#[path = "attacks/bounded.rs"]
mod bounded;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use bounded::{postern, tells_a_place};

/// No attack gets more memory, in KiB; an ordinary file needs a tenth of that.
const MOST_MEMORY: u32 = 500_000;

/// Every kind of file that somebody else may have written.
const KINDS: [&str; 9] = [
    "inventory",
    "authorisation",
    "waivers",
    "profile",
    "controls",
    "pack",
    "plugins",
    "check",
    "words",
];

/// A check that is right; attacks take the place of a part of it.
const CHECK: &str = r#"schema: postern/check/v1
revision: 1
title: {en: The page has a policy, zh-Hant: 網頁設有政策}
impact: low
likelihood: low
on: http
expect: 'http.referrer_policy != ""'
says:
  fail: {en: '{{ place }} has none', zh-Hant: '{{ place }} 沒有'}
why: {en: It matters., zh-Hant: 這很重要。}
fix: [{text: {en: Mend it., zh-Hant: 修正。}}]
refs: [RFC 9325]
tags: [web]
"#;

/// What stands in it for the condition, and for the message.
const CONDITION: &str = r#"'http.referrer_policy != ""'"#;
const MESSAGE: &str = "'{{ place }} has none'";

/// A check with a probe of its own that is right.
const PROBE: &str = r#"schema: postern/check/v1
revision: 1
title: {en: It does not answer, zh-Hant: 沒有回應}
impact: low
likelihood: low
on: service
when: service.port == 7
probe:
  tcp:
    steps:
      - send: "x"
      - read: {as: answer, line: true}
  facts:
    yes: answer == "x"
expect: "!probe.yes"
says:
  fail: {en: '{{ place }} answers', zh-Hant: '{{ place }} 有回應'}
why: {en: It matters., zh-Hant: 這很重要。}
fix: [{text: {en: Mend it., zh-Hant: 修正。}}]
refs: [RFC 9325]
"#;

/// An attack by one file.
struct Attack {
    /// Its number and what it is.
    name: String,
    /// The file's path, and its text.
    file: (String, String),
    /// What must be said.
    says: &'static str,
}

fn main() -> ExitCode {
    let attacks = everywhere().into_iter().chain(coercions()).chain(in_checks()).chain(elsewhere());
    let alone = attacks.map(|attack| {
        let name = format!("{}: {}", attack.name, attack.file.0);
        Trial::test(name, move || {
            let folder = tempfile::tempdir()?;
            put(folder.path(), &attack.file.0, &attack.file.1)?;
            refused(folder.path(), &["validate", &attack.file.0], attack.says)
        })
    });
    let others = [
        Trial::test("P04 include loop: twenty thousand profiles in a row", a_row_of_profiles),
        Trial::test("P08 path traversal: a lock that names what lies outside", a_lock_that_climbs),
        Trial::test("P11 two signatures: one behind the other", two_signatures),
        Trial::test("P14 what a peer says stays text, everywhere", what_a_peer_says),
        Trial::test("one bad pack or profile hides nothing", one_bad_of_many),
        Trial::test("the files under attack are right without it", the_others_are_right),
    ];
    let trials = alone.chain(others).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Attacks on how a file is written, whatever it is about.
fn everywhere() -> Vec<Attack> {
    let nine = |of: &str| [of; 9].join(", ");
    let bomb: String = (0..12)
        .map(|level| match level {
            0 => format!("a0: &a0 [{}]\n", nine("x")),
            _ => format!("a{level}: &a{level} [{}]\n", nine(&format!("*a{}", level - 1))),
        })
        .collect();
    let shapes = [
        ("P01 YAML bomb", bomb, "the aliases of this file stand for more than"),
        (
            "P02 200,000 brackets",
            format!("title: {}\n", "[".repeat(200_000)),
            "stand in each other",
        ),
        ("P03 a map 5,000 deep", "{a: ".repeat(5_000), "stand in each other"),
        ("P03 a map 5,000 deep, by indentation", indented(3_000), "stand in each other"),
        ("P04 include", "title: !include /etc/passwd\n".into(), "`!include`"),
        ("P05 duplicate keys", "title: {en: A}\ntitle: {en: B}\n".into(), "a second time"),
        ("P06 merge", "x: &x {en: A}\ntitle:\n  <<: *x\n".into(), "`<<`"),
        ("P11 lone carriage returns", "title: {en: A}\rrevision: 1\r".into(), "carriage return"),
        ("P12 unknown field", "titel: {en: A}\n".into(), "there is no field `titel`"),
        ("a file of nine megabytes", "# x\n".repeat(9 << 18), "are read"),
        ("a tab that indents", "title:\n\ten: A\n".into(), "a tab"),
    ];
    let of = |kind: &str| {
        let attack = |(name, text, says): &(&str, String, &'static str)| {
            let separator = if text.starts_with('{') { "x: " } else { "" };
            let text = format!("schema: postern/{kind}/v1\n{separator}{text}");
            Attack { name: (*name).to_owned(), file: (path(kind), text), says }
        };
        shapes.iter().map(attack).collect::<Vec<_>>()
    };
    KINDS.into_iter().flat_map(of).collect()
}

fn path(kind: &str) -> String {
    if kind == "check" { "web/attack.yaml".into() } else { format!("{kind}.yaml") }
}

fn indented(levels: usize) -> String {
    (0..levels).map(|level| format!("{}a:\n", " ".repeat(level))).collect()
}

/// Words that some readers of YAML take for something else than they look like.
fn coercions() -> Vec<Attack> {
    let cases = [
        ("inventory", "operator: {id: no, name: {en: A}}\nhosts: []\n", "`no`"),
        ("inventory", "operator: {id: a, name: {en: 1.10}}\nhosts: []\n", "`1.10`"),
        ("authorisation", "id: 0755\n", "`0755`"),
        ("waivers", "waivers: [{check: on}]\n", "`on`"),
        ("profile", "title: {en: 1.10}\nselect: ['*/*']\n", "`1.10`"),
        ("profile", "title: {en: A}\nselect: [off]\n", "`off`"),
        ("controls", "edition: 1.10\n", "`1.10`"),
        ("pack", "name: a\nversion: 1.10\ntitle: {en: A}\n", "`1.10`"),
        ("pack", "name: no\nversion: 1.1.0\ntitle: {en: A}\n", "`no`"),
        ("words", "lang: no\n", "`no`"),
    ];
    let file = |(kind, text, says): &(&str, &str, &'static str)| {
        let text = format!("schema: postern/{kind}/v1\n{text}");
        Attack { name: "P07 coercion".into(), file: (path(kind), text), says }
    };
    let written = [("title:", "title: 0755 #", "0755"), ("tags: [", "tags: [no, 1.10, ", "`1.10`")];
    let check = written.map(|(part, with, says)| changed("P07 coercion", CHECK, part, with, says));
    cases.iter().map(file).chain(check).collect()
}

/// A check of which a part is another.
fn changed(name: &str, check: &str, part: &str, with: &str, says: &'static str) -> Attack {
    assert!(check.contains(part), "the check has no {part}");
    let text = check.replacen(part, with, 1);
    Attack { name: name.into(), file: ("web/attack.yaml".into(), text), says }
}

/// Attacks by the language of conditions and by that of messages.
fn in_checks() -> Vec<Attack> {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let condition =
        |name: &str, text: &str, says| changed(name, CHECK, CONDITION, &quoted(text), says);
    let fact = |name: &str, facts: &[String], says| {
        changed(name, PROBE, "  facts:\n", &format!("  facts:\n{}", facts.concat()), says)
    };
    let message = |name: &str, text: &str, says| changed(name, CHECK, MESSAGE, &quoted(text), says);
    let text = "http.referrer_policy";
    let twice = |n: usize| format!("    f{n}: f{} && f{}\n", n - 1, n - 1);
    let doubling: Vec<String> = std::iter::once("    f0: answer.size() > 0\n".to_owned())
        .chain((1..40).map(twice))
        .collect();
    let long_row: Vec<String> = (0..60)
        .map(|n| {
            let below = if n == 0 { "(answer.size() > 0)".into() } else { format!("h{}", n - 1) };
            format!("    h{n}: '{}{below}{}'\n", "!(".repeat(20), ")".repeat(20))
        })
        .collect();
    let many: Vec<String> =
        (0..5_000).map(|n| format!("    k{n}: answer.size() > {n}\n")).collect();
    let patterns = (0..65).map(|n| format!("{text}.matches(\"a{{{n}}}\")")).collect::<Vec<_>>();
    let conditions = [
        ("P09 regex bomb", format!("{text}.matches(\"((a{{1000}}){{1000}}){{1000}}\")"), "too big"),
        (
            "P09 regex bomb, nested",
            format!("{text}.matches(\"{}{}\")", "(".repeat(200), ")".repeat(200)),
            "not a pattern",
        ),
        (
            "P09 regex bomb, in bulk",
            format!("[{}].exists(p, p)", patterns.join(", ")),
            "may have 64 patterns",
        ),
        ("P13 environment", "env(\"HOME\") == \"\"".into(), "is not a function"),
        ("P13 environment, as a value", "env.HOME == \"\"".into(), "is not known here"),
        ("P13 file", "file(\"/etc/passwd\").size() > 0".into(), "is not a function"),
        ("P13 a method that reads", format!("{text}.read(\"/etc/passwd\")"), "has no `.read()`"),
        ("P13 shell", format!("{text} == $(id)"), "`$`"),
        (
            "a condition of nine thousand bytes",
            format!("{text} == \"{}\"", "x".repeat(9_000)),
            "longer than",
        ),
        ("a condition 5,000 deep", format!("{}{text} == \"\"", "!".repeat(5_000)), "too deep"),
        ("a condition with 2,000 brackets", format!("{text} in {}", "[".repeat(2_000)), "too deep"),
        ("a number beyond all bounds", format!("{text}.size() > 99999999999999999999"), "number"),
    ];
    let messages = [
        (
            "P08 path traversal in include",
            "{% include \"../../../etc/passwd\" %}",
            "has no `include`",
        ),
        ("P08 path traversal in import", "{% from \"/etc/passwd\" import x %}", "has no `from`"),
        ("P10 template loop", "{% for a in range(1000000000) %}x{% endfor %}", "has no `for`"),
        (
            "P10 a text that doubles",
            "{% set a = place %}{% set a = a ~ a %}{{ a }}",
            "has no `set`",
        ),
        (
            "P10 a text a thousand million times",
            "{{ \"x\" * 1000000000 }}",
            "does not work out `*`",
        ),
        (
            "P10 a macro that calls itself",
            "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
            "has no `macro`",
        ),
        ("P10 a block that extends itself", "{% extends \"attack\" %}", "has no `extends`"),
        ("P13 environment", "{{ env.HOME }}", "`env` is not known here"),
        ("P13 what stands behind a value", "{{ place.__class__.__mro__ }}", "place"),
        ("P13 a function that reads", "{{ open(\"/etc/passwd\") }}", "is not known here"),
        ("P13 a filter that reads", "{{ place | read_file }}", "is not a filter"),
        (
            "P13 a filter that hides between apostrophes",
            "It's {{ place | tojson }}, isn't it",
            "is not a filter",
        ),
    ];
    let mut all: Vec<Attack> =
        conditions.iter().map(|(name, text, says)| condition(name, text, *says)).collect();
    all.extend(messages.iter().map(|(name, text, says)| message(name, text, *says)));
    all.push(fact(
        "P01 a bomb of facts that name facts",
        &doubling,
        "once the facts that it names",
    ));
    all.push(fact("P03 facts that stand in each other", &long_row, "once the facts that it names"));
    all.push(fact(
        "P04 facts that rest on each other",
        &["    a1: b1\n    b1: a1\n".into()],
        "rest on each other",
    ));
    all.push(fact("a thousand facts", &many, "at most 64 facts"));
    all.push(changed(
        "P08 a path that climbs",
        PROBE,
        "  tcp:\n",
        "  http: {requests: [{get: \"/../../etc/passwd\\r\\nX: y\", as: x}]}\n  tcp:\n",
        "speaks one thing only",
    ));
    all
}

/// Attacks by what other files say.
fn elsewhere() -> Vec<Attack> {
    let of = |name: &str, kind: &str, text: &str, says| {
        let text = format!("schema: postern/{kind}/v1\n{text}");
        Attack { name: name.into(), file: (path(kind), text), says }
    };
    let title = "title: {en: A, zh-Hant: 甲}\n";
    vec![
        of(
            "P04 include loop",
            "profile",
            &format!("{title}extends: [profile]\n"),
            "extend each other",
        ),
        of(
            "P08 path traversal in include",
            "profile",
            &format!("{title}extends: [../../etc/passwd]\n"),
            "is not a profile",
        ),
        of(
            "P08 path traversal in include, from the root",
            "profile",
            &format!("{title}extends: [/etc/passwd]\n"),
            "is not a profile",
        ),
        of(
            "P08 path traversal in a name",
            "pack",
            "name: ../../x\nversion: 1.0.0\ntitle: {en: A}\n",
            "cannot be the name",
        ),
        of(
            "P08 path traversal in a name",
            "inventory",
            "operator: {id: a, name: {en: A}}\nhosts: [{id: ../../x, addresses: [192.0.2.1]}]\n",
            "../../x",
        ),
        of("P08 path traversal in a language", "words", "lang: ../../x\n", "../../x"),
        of(
            "P10 template loop",
            "words",
            "lang: fr\nchecks:\n  web/no-referrer-policy:\n    says: {fail: \"{% for a in range(1000000000) %}x{% endfor %}\"}\n",
            "missing",
        ),
        Attack {
            name: "P08 path traversal in a check's own name".into(),
            file: ("web/..attack.yaml".into(), CHECK.into()),
            says: "is not a name for a check",
        },
    ]
}

fn put(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder"))?;
    fs::write(path, text)
}

/// Runs the program, and holds what it says.
fn refused(folder: &Path, words: &[&str], says: &str) -> Result<(), Failed> {
    let ran = postern(folder, words, MOST_MEMORY)?;
    let err = &ran.err;
    let wrong = [
        (ran.code != Some(2), "the exit code is not 2"),
        (err.contains("panicked") || err.contains("overflowed"), "it breaks down"),
        (!err.contains(says), "it does not say what is wrong"),
        (!tells_a_place(err), "no line and column are told"),
        (!err.contains("= help: "), "it does not say what to do"),
        (err.chars().any(|c| c.is_control() && c != '\n'), "a control character gets through"),
        (err.len() > 200_000, "it says more than anybody reads"),
    ];
    match wrong.into_iter().find(|(is, _)| *is) {
        Some((_, what)) => {
            let short: String = err.chars().take(3_000).collect();
            Err(format!("{what} (wanted: {says}); {:?}: {short}", ran.code).into())
        }
        None => Ok(()),
    }
}

fn a_row_of_profiles() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for number in 0..20_000 {
        let parent = if number == 19_999 { "baseline".into() } else { format!("p{}", number + 1) };
        let text = format!("schema: postern/profile/v1\ntitle: {{en: A}}\nextends: [{parent}]\n");
        put(folder.path(), &format!("row/p{number}.yaml"), &text)?;
    }
    let words = ["profile", "explain", "p0", "--profiles", "row"];
    refused(folder.path(), &words, "profiles extend each other in a row")
}

const PACK: &str = "schema: postern/pack/v1\nname: a\nversion: 1.0.0\ntitle: {en: A}\n";

fn a_lock_that_climbs() -> Result<(), Failed> {
    let digest = "0".repeat(64);
    for line in
        ["../../etc/passwd", "/etc/passwd", "checks/../../x", "checks//x", "./x", "a\\..\\b"]
    {
        let folder = tempfile::tempdir()?;
        put(folder.path(), "pack/pack.yaml", PACK)?;
        put(folder.path(), "pack/pack.lock", &format!("{digest}  {line}\n"))?;
        let ran = postern(folder.path(), &["pack", "verify", "pack"], MOST_MEMORY)?;
        if ran.code != Some(2) || ran.err.contains("panicked") || !ran.err.contains("error") {
            return Err(format!("{line}: {ran:?}").into());
        }
    }
    Ok(())
}

fn two_signatures() -> Result<(), Failed> {
    let signature = "untrusted comment: a\nRUQ=\ntrusted comment: a\nRUQ=\n";
    let folder = tempfile::tempdir()?;
    put(folder.path(), "pack/pack.yaml", PACK)?;
    put(folder.path(), "pack/checks/web/own.yaml", CHECK)?;
    let locked = postern(folder.path(), &["pack", "lock", "pack"], MOST_MEMORY)?;
    if locked.code != Some(0) {
        return Err(format!("{locked:?}").into());
    }
    for (text, says) in [
        (signature.repeat(2), "four lines"),
        (signature.replace('\n', "\r"), "carriage"),
        (signature.replace('\n', "\r\n"), "four lines"),
    ] {
        put(folder.path(), "pack/pack.lock.minisig", &text)?;
        let ran = postern(folder.path(), &["pack", "verify", "pack"], MOST_MEMORY)?;
        let told = ran.err.contains(says) || ran.err.contains("four lines");
        if ran.code != Some(2) || !told || !tells_a_place(&ran.err) {
            return Err(format!("{text:?}: {ran:?}").into());
        }
    }
    Ok(())
}

/// Whatever was refused above is refused for the attack, and not for the file around it.
fn the_others_are_right() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    put(folder.path(), "web/attack.yaml", CHECK)?;
    put(folder.path(), "web/probe.yaml", PROBE)?;
    put(
        folder.path(),
        "profile.yaml",
        "schema: postern/profile/v1\ntitle: {en: A}\nextends: [baseline]\n",
    )?;
    put(folder.path(), "pack.yaml", PACK)?;
    let words = ["validate", "web/attack.yaml", "web/probe.yaml", "profile.yaml", "pack.yaml"];
    let ran = postern(folder.path(), &words, MOST_MEMORY)?;
    if ran.code == Some(0) { Ok(()) } else { Err(format!("{ran:?}").into()) }
}

/// A bad pack is left out whole and said so, and a bad profile too; the good ones beside them are there.
fn one_bad_of_many() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut words =
        vec!["profile".to_owned(), "list".to_owned(), "--profiles".into(), "more".into()];
    for number in 0..20 {
        let name = format!("pack-{number}");
        let head = PACK.replace("name: a", &format!("name: {name}"));
        let head = if number == 7 { head.replace("title", "titel") } else { head };
        put(folder.path(), &format!("{name}/pack.yaml"), &head)?;
        let text = "schema: postern/profile/v1\ntitle: {en: A}\nextends: [baseline]\n";
        put(folder.path(), &format!("{name}/profiles/of-{number}.yaml"), text)?;
        words.extend(["--pack".into(), name]);
    }
    for number in 0..200 {
        let title = if number == 7 { "titel" } else { "title" };
        let text = format!("schema: postern/profile/v1\n{title}: {{en: A}}\nextends: [baseline]\n");
        put(folder.path(), &format!("more/more-{number}.yaml"), &text)?;
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = postern(folder.path(), &words, MOST_MEMORY)?;
    let there = (0..20).filter(|n| *n != 7).all(|n| ran.out.contains(&format!("of-{n}")))
        && (0..200).filter(|n| *n != 7).all(|n| ran.out.contains(&format!("more-{n}")));
    let said = ran.err.contains("pack-7/pack.yaml:4:1") && ran.err.contains("more/more-7.yaml:2:1");
    if ran.code == Some(2) && there && said { Ok(()) } else { Err(format!("{ran:?}").into()) }
}

/// What a peer says, once it was scanned: a template, and everything that a page or a terminal could trip over.
const SAID: &str = "nginx/1.2.3 {{ 7 * 191 }}{% for a in [1] %}x{% endfor %}${7*191} <b>&amp;]]>";

fn what_a_peer_says() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        for mut wire in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut heard = [0; 2048];
                let _ = wire.set_read_timeout(Some(std::time::Duration::from_secs(5)));
                let _ = wire.read(&mut heard);
                let page = format!(
                    "HTTP/1.1 200 OK\r\nServer: {SAID}\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
                );
                let _ = wire.write_all(page.as_bytes());
            });
        }
    });
    let folder = tempfile::tempdir()?;
    let profile = format!(
        "schema: postern/profile/v1\ntitle: {{en: A, zh-Hant: 甲}}\nselect: [web/version-disclosed]\nports: \"{port}\"\n"
    );
    put(folder.path(), "peer.yaml", &profile)?;
    let scan = [
        "scan",
        "127.0.0.1",
        "--profile",
        "peer.yaml",
        "--out",
        "out",
        "--lang",
        "en",
        "--format",
        "html,sarif,junit,json,text",
    ];
    let ran = postern(folder.path(), &scan, 4_000_000)?;
    let mut shown = vec![("the terminal".to_owned(), ran.out.clone() + &ran.err)];
    for entry in fs::read_dir(folder.path().join("out"))? {
        let path = entry?.path();
        if path.is_file() {
            let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
            shown.push((path.display().to_string(), text));
        }
    }
    let with: Vec<&str> = shown
        .iter()
        .filter(|(_, text)| text.contains("7 * 191"))
        .map(|(name, _)| name.rsplit('/').next().unwrap_or(name))
        .collect();
    for file in ["report.html", "sarif", "junit", "review.json"] {
        if !with.iter().any(|name| name.contains(file)) {
            return Err(format!("{file} does not show it: {with:?}; {ran:?}").into());
        }
    }
    for (name, text) in &shown {
        if text.contains("1337") && !text.contains(":1337")
            || text.contains("<b>&amp;]]>") && name.ends_with(".html")
        {
            return Err(format!("{name} took it for more than text").into());
        }
    }
    Ok(())
}
