//! How the review was made, what it cannot see, by whose leave, and the words it uses.

use serde::Serialize;

use super::reader::{Reader, Text};
use crate::inventory::VantageKind;
use crate::report::words::number;
use crate::review::{AuthorisationLine, PackLine, PluginLine, RefusedLine};

#[derive(Debug, Serialize)]
pub(super) struct Method {
    facts: Vec<Fact>,
    limits: Vec<String>,
    loosened: Vec<Loosened>,
    hosts: Vec<Host>,
    hosts_words: String,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: String,
    values: Vec<String>,
    code: bool,
}

#[derive(Debug, Serialize)]
struct Loosened {
    check: String,
    what: String,
    why: Text,
    at: String,
}

#[derive(Debug, Serialize)]
struct Host {
    id: String,
    fragile: bool,
    system: Option<Text>,
    names: Vec<String>,
    addresses: Vec<String>,
    declared: String,
}

impl Method {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        let review = reader.review;
        let loosened = review.loosened.iter().map(|line| Loosened {
            check: reader.bounded(&line.check.0),
            what: reader.bounded(&line.what),
            why: reader.english(&line.why),
            at: reader.bounded(&line.at),
        });
        let system = |id: &str| review.systems.iter().find(|system| system.id == id);
        let hosts = review.hosts.iter().map(|host| Host {
            id: reader.bounded(&host.id.0),
            fragile: host.fragile,
            system: host.system.as_deref().and_then(system).map(|system| reader.said(&system.purpose)),
            names: host.names.iter().map(|name| reader.bounded(name)).collect(),
            addresses: host.addresses.iter().map(ToString::to_string).collect(),
            declared: reader.bounded(&format!("{}:{}", host.declared_at.path, host.declared_at.line)),
        });
        Self {
            facts: facts(reader),
            limits: limits(reader),
            loosened: loosened.collect(),
            hosts: hosts.collect(),
            hosts_words: reader.words.count("method.hosts", review.hosts.len() as u64, &[]),
        }
    }
}

fn facts(reader: &Reader<'_>) -> Vec<Fact> {
    let words = reader.words;
    let (scan, tool, coverage) = (&reader.review.scan, &reader.review.tool, &reader.review.coverage);
    let fact = |name: &str, values: Vec<String>| Fact { name: words.plain(name).to_owned(), values, code: false };
    let code = |name: &str, value: &str| Fact { code: true, ..fact(name, vec![reader.bounded(value)]) };
    let or = |values: Vec<String>, none: &str| if values.is_empty() { vec![words.plain(none).to_owned()] } else { values };
    let kind = words.plain(match scan.vantage_kind {
        VantageKind::Internet => "vantage.internet",
        VantageKind::Partner => "vantage.partner",
        VantageKind::Inside => "vantage.inside",
    });
    let (all, host) = scan.pace;
    let ports = match scan.ports.as_str() {
        "" => words.plain("method.ports.declared").to_owned(),
        ports => words.say("method.ports.value", &[("ports", &reader.bounded(&ports.replace(',', ", ")))]),
    };
    let settled = coverage.pass + coverage.fail;
    let wanted = settled + coverage.inconclusive + coverage.not_tested;
    let settled_fills = [
        ("percent", coverage.settled_percent.to_string()),
        ("settled", number(settled)),
        ("wanted", number(wanted)),
        ("planned", number(coverage.planned)),
    ];
    let sent = [("connections", number(scan.connections)), ("datagrams", number(scan.datagrams))];
    let identity = scan.identity.iter().map(|(what, is)| reader.bounded(&format!("{what}: {is}")));
    let plugins: Vec<String> = tool.plugins.iter().map(|plugin| program(reader, plugin)).collect();
    let plugins = (!plugins.is_empty()).then(|| fact("method.plugins", plugins));
    let facts = vec![
        fact("method.scanned", vec![words.span(scan.began, scan.ended)]),
        fact("method.vantage", vec![words.say("method.vantage.value", &[("id", &reader.bounded(&scan.vantage)), ("kind", kind)])]),
        fact("method.sources", or(scan.sources.iter().map(ToString::to_string).collect(), "method.sources.none")),
        fact("method.identity", or(identity.collect(), "method.sources.none")),
        fact("method.pace", vec![words.say("method.pace.value", &[("all", &all.to_string()), ("host", &host.to_string())])]),
        fact("method.ports", vec![ports]),
        fact("method.sweeps", or(sweeps(reader), "method.sweeps.none")),
        fact("method.connections", vec![words.say("method.connections.value", &pairs(&sent))]),
        fact("method.resolvers", or(scan.resolvers.iter().map(ToString::to_string).collect(), "method.resolvers.none")),
        fact("method.settled", vec![words.say("method.settled.value", &pairs(&settled_fills))]),
        fact("method.tool", vec![words.say("method.tool.value", &[("version", &reader.bounded(&tool.version))])]),
        fact("method.profile", vec![reader.bounded(&tool.profile)]),
        code("method.profile.digest", &tool.profile_digest),
        code("method.catalogue.digest", &tool.catalogue_digest),
        fact("method.packs", tool.packs.iter().map(|pack| origin(reader, pack)).collect()),
        code("method.book.digest", &scan.book_digest),
    ];
    facts.into_iter().chain(plugins).collect()
}

/// How the ports were examined, for each way in which packets were sent.
fn sweeps(reader: &Reader<'_>) -> Vec<String> {
    let sweeps = &reader.review.scan.sweeps;
    let ways = [("connect", "method.sweeps.connect"), ("syn", "method.sweeps.syn"), ("udp", "method.sweeps.udp")];
    let told = |(by, key): (&str, &str)| {
        let these = || sweeps.iter().filter(move |sweep| sweep.by == by);
        let addresses = these().count() as u64;
        let fills = [
            ("way", reader.words.plain(key).to_owned()),
            ("packets", number(these().map(|sweep| sweep.sent).sum())),
            ("tries", number(these().map(|sweep| u64::from(sweep.tries)).max()?)),
        ];
        let mut line = reader.words.count("method.sweeps.value", addresses, &pairs(&fills));
        if let Some(least) = these().filter_map(|sweep| sweep.missed_one_in).min() {
            line.push_str(&reader.words.say("method.sweeps.missed", &[("n", &number(least))]));
        }
        Some(line)
    };
    ways.into_iter().filter_map(told).collect()
}

/// A program of the operator's own that asked.
fn program(reader: &Reader<'_>, plugin: &PluginLine) -> String {
    reader.words.say(
        "method.plugins.value",
        &[
            ("name", &reader.bounded(&plugin.name)),
            ("program", &reader.bounded(&plugin.program)),
            ("digest", &reader.bounded(&plugin.sha256)),
        ],
    )
}

/// Where checks and profiles come from, and who vouches for them.
fn origin(reader: &Reader<'_>, pack: &PackLine) -> String {
    let mut name = reader.bounded(&pack.name);
    if !pack.version.is_empty() {
        name = format!("{name} {}", reader.bounded(&pack.version));
    }
    let digest = pack.digest.get(..16).unwrap_or(&pack.digest);
    let signer = pack.signer.as_deref().map(|by| reader.bounded(by)).unwrap_or_default();
    let seal = match pack.seal.as_str() {
        "built-in" => "method.packs.built-in",
        "signed" => "method.packs.signed",
        "signed-by-stranger" => "method.packs.signed-by-stranger",
        "locked" => "method.packs.locked",
        "unlocked" => "method.packs.unlocked",
        _ => "method.packs.local",
    };
    let seal = reader.words.say(seal, &[("by", &signer)]);
    reader.words.say(
        "method.packs.value",
        &[("name", &name), ("seal", &seal), ("digest", &reader.bounded(digest))],
    )
}

fn limits(reader: &Reader<'_>) -> Vec<String> {
    let always = [
        "method.limit.intrusion",
        "method.limit.moment",
        "method.limit.inside",
        "method.limit.udp",
        "method.limit.tls",
        "method.limit.credentials",
    ];
    let fragile: Vec<usize> = reader.review.hosts.iter().enumerate().filter(|(_, host)| host.fragile).map(|(at, _)| at).collect();
    let count = fragile.len() as u64;
    let named = (count > 0).then(|| reader.words.count("method.limit.fragile", count, &[("hosts", &reader.hosts(fragile))]));
    let ports = reader.review.scan.troubles();
    let ports = ports.into_iter().map(|(reason, hosts)| {
        let reason = reader.bounded(&reader.words.reason(reason));
        let hosts = reader.words.list(hosts.into_iter().map(|host| reader.bounded(&host.0)));
        reader.words.say("sweep.trouble", &[("hosts", &hosts), ("reason", &reason)])
    });
    let scan = &reader.review.scan;
    let searched = (!scan.searched.is_empty()).then(|| {
        let networks = reader.words.list(scan.searched.iter().map(ToString::to_string));
        let fills = [("networks", networks)];
        let key = if scan.no_echo { "method.limit.no-sign-echo" } else { "method.limit.no-sign" };
        reader.words.count(key, scan.no_sign.len() as u64, &pairs(&fills))
    });
    let always = always.into_iter().map(|key| reader.words.plain(key).to_owned());
    always.chain(named).chain(searched).chain(ports).collect()
}

#[derive(Debug, Serialize)]
pub(super) struct Leave {
    given: Vec<Given>,
    refused: Vec<Refused>,
}

#[derive(Debug, Serialize)]
struct Given {
    name: String,
    ad_hoc: bool,
    entitled: Vec<Text>,
    windows: Vec<String>,
    covers: Vec<Text>,
    excludes: Vec<Text>,
    class: Text,
}

#[derive(Debug, Serialize)]
struct Refused {
    host: String,
    address: Option<String>,
    rule: Text,
}

impl Leave {
    pub(super) fn new(reader: &Reader<'_>) -> Self {
        Self {
            given: reader.review.authorisations.iter().map(|line| given(reader, line)).collect(),
            refused: reader.review.refused.iter().map(|line| refused(reader, line)).collect(),
        }
    }
}

fn given(reader: &Reader<'_>, line: &AuthorisationLine) -> Given {
    let words = reader.words;
    let texts = |lines: &[String]| lines.iter().map(|line| reader.english(line)).collect();
    let window = |(from, to): &(_, _)| words.span(*from, *to);
    Given {
        name: words.say("leave.id", &[("id", &reader.bounded(&line.id))]),
        ad_hoc: line.ad_hoc,
        entitled: texts(&line.entitled),
        windows: line.windows.iter().map(window).collect(),
        covers: texts(&line.covers),
        excludes: texts(&line.excludes),
        class: reader.english(&line.class),
    }
}

fn refused(reader: &Reader<'_>, line: &RefusedLine) -> Refused {
    Refused {
        host: reader.bounded(&line.host.0),
        address: line.address.map(|address| address.to_string()),
        rule: Reader::bare(reader.bounded(&reader.words.reasons(&line.rule))),
    }
}

/// A word of the glossary and its meaning.
#[derive(Debug, Serialize)]
pub(super) struct Term {
    word: String,
    means: String,
}

/// The glossary, in the order in which readers meet the words.
pub(super) fn glossary(reader: &Reader<'_>) -> Vec<Term> {
    let terms = [
        ("term.host", "term.host.means"),
        ("term.exposure", "term.exposure.means"),
        ("term.port", "term.port.means"),
        ("term.finding", "term.finding.means"),
        ("term.gate", "term.gate.means"),
        ("term.inconclusive", "term.inconclusive.means"),
        ("term.filtered", "term.filtered.means"),
        ("term.tls", "term.tls.means"),
        ("term.certificate", "term.certificate.means"),
        ("term.vantage", "term.vantage.means"),
        ("term.waiver", "term.waiver.means"),
        ("term.book", "term.book.means"),
        ("term.burden", "term.burden.means"),
    ];
    let word = |key| reader.words.plain(key).to_owned();
    terms.into_iter().map(|(term, means)| Term { word: word(term), means: word(means) }).collect()
}

fn pairs<'a, const N: usize>(filled: &'a [(&'a str, String); N]) -> [(&'a str, &'a str); N] {
    filled.each_ref().map(|(name, value)| (*name, value.as_str()))
}
