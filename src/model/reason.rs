//! Why something is not known, does not apply or was not tested, so that it can be told in any language: by a key with its
//! parameters where the words are ours, and as it stands where they are somebody else's.
//!
//! Books hold reasons as English sentences, and are judged again years later; so do facts, which are made of books. The
//! table below is all that this program says there. A sentence is taken apart by it once, when a review is made, and the
//! review holds the key. What the table does not have was said by a peer, a file or another version, and stays as it is.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::said::Said;

/// A reason that can be told in any language.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(untagged, deny_unknown_fields)]
pub enum Reason {
    /// Our own words: `reason.<key>` of a words file.
    Ours {
        /// The key, as the table of reasons has it.
        key: String,
        /// What stands in the sentence, by placeholder.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        with: BTreeMap<String, Part>,
    },
    /// The words of a check's file.
    Check {
        /// The text, by language.
        said: Said,
    },
    /// What a peer, a file or another version said, as it stands; control characters made visible, not yet escaped.
    Verbatim {
        /// The text.
        verbatim: String,
    },
}

/// What stands for a placeholder of a reason.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(untagged)]
pub enum Part {
    /// A number, an address, a name: the same in every language.
    Text(String),
    /// Reasons within the reason.
    Reasons(Vec<Reason>),
}

/// Longer texts are no reasons of ours: no peer makes us search through a megabyte.
const LONGEST: usize = 4_000;

impl Reason {
    /// Takes English sentences apart, several where they are joined by semicolons.
    pub fn all(text: &str) -> Vec<Self> {
        if text.len() > LONGEST {
            return vec![Self::verbatim(text)];
        }
        split(text).into_iter().map(Self::one).collect()
    }

    /// The same, with another word for that host: where the host stands beside the reason, many hosts' reasons are one.
    #[must_use]
    pub fn told_of(&self, host: &str, word: &str) -> Self {
        let mut reason = self.clone();
        if let Self::Ours { with, .. } = &mut reason
            && let Some(Part::Text(named)) = with.get_mut("host")
            && named == host
        {
            word.clone_into(named);
        }
        reason
    }

    /// What somebody else said.
    pub fn verbatim(text: &str) -> Self {
        Self::Verbatim { verbatim: super::heard::shown(text) }
    }

    /// Takes one English sentence apart.
    pub fn one(text: &str) -> Self {
        for (key, sentence) in SENTENCES {
            let mut found = Vec::new();
            if matches(sentence, text, &mut found) {
                let part = |(name, value): (&str, &str)| (name.to_owned(), part(name, value));
                let with = found.into_iter().map(part).collect();
                return Self::Ours { key: (*key).to_owned(), with };
            }
        }
        Self::verbatim(text)
    }

    /// The English sentence of a key.
    pub fn sentence(key: &str) -> Option<&'static str> {
        SENTENCES.iter().find(|(known, _)| *known == key).map(|(_, sentence)| *sentence)
    }

    /// Every key with its English sentence.
    pub fn vocabulary() -> impl Iterator<Item = (&'static str, &'static str)> {
        SENTENCES.iter().copied()
    }
}

/// Placeholders that hold sentences themselves.
const SENTENCES_WITHIN: [&str; 5] = ["reason", "place", "leave", "what", "party"];

fn part(name: &str, value: &str) -> Part {
    if SENTENCES_WITHIN.contains(&name) {
        Part::Reasons(Reason::all(value))
    } else {
        Part::Text(super::heard::shown(value))
    }
}

/// The parts of a text between semicolons, those in brackets left whole.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let mut start = 0;
    let mut parts = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ';' if depth == 0 && text.get(at..).is_some_and(|rest| rest.starts_with("; ")) => {
                parts.extend(text.get(start..at));
                start = at + 2;
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// Whether a text is that sentence, and what stands for its placeholders.
fn matches<'t>(sentence: &'t str, text: &'t str, found: &mut Vec<(&'t str, &'t str)>) -> bool {
    let Some((before, rest)) = sentence.split_once('{') else { return sentence == text };
    let (Some(text), Some((name, rest))) = (text.strip_prefix(before), rest.split_once('}')) else {
        return false;
    };
    let next = rest.split('{').next().unwrap_or("");
    if next.is_empty() {
        found.push((name, text));
        return rest.is_empty() && fits(name, text);
    }
    let known = found.len();
    for (at, _) in text.match_indices(next) {
        let (value, after) = text.split_at(at);
        if fits(name, value) {
            found.push((name, value));
            if matches(rest, after, found) {
                return true;
            }
            found.truncate(known);
        }
    }
    false
}

/// Whether a value can stand for a placeholder of that name.
fn fits(name: &str, value: &str) -> bool {
    let all = |is: fn(char) -> bool| !value.is_empty() && value.chars().all(is);
    match name {
        "address" | "from" => all(|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.')),
        "ports" => all(|c| c.is_ascii_digit() || matches!(c, ',' | '-')),
        "port" | "n" | "limit" | "type" | "code" => all(|c| c.is_ascii_digit()),
        "text" | "condition" | "versions" | "times" => !value.is_empty(),
        name if SENTENCES_WITHIN.contains(&name) => !value.is_empty(),
        _ => all(|c| !c.is_whitespace()),
    }
}

/// Everything that this program gives as a reason. Of two sentences that fit, the first counts; so what begins with a
/// placeholder stands after what begins with words, and the widest last.
const SENTENCES: &[(&str, &str)] = &[
    // The scope's refusal for some ports of an address, around any other.
    ("for-ports", "{reason} (ports {ports})"),
    // The scan as a whole.
    ("ended-because", "the scan ended before this was asked: {reason}"),
    ("ended", "the scan ended before this was asked"),
    ("interrupted", "interrupted"),
    ("window-closed", "the window closed: {reason}"),
    ("journal", "the journal cannot be written: {text}"),
    ("step-did-not-end", "a step did not end"),
    ("cut-off", "the scan was cut off"),
    ("never-begun", "the scan was never begun"),
    ("time-of-plan", "the time that the plan gives the scan is used up"),
    ("time-of-step", "the step's time is used up"),
    ("bound-connections", "no connections are left of the plan's bound"),
    ("bound-datagrams", "no datagrams are left of the plan's bound"),
    ("our-error", "an error of our own: {text}"),
    ("our-error-judging", "an error of our own in judging: please report it"),
    ("subject-missing", "the subject is not among the facts"),
    ("host-missing", "the host is not among the facts"),
    ("stranger", "the inventory has no such host"),
    ("unplanned", "no check of the plan asks for it"),
    ("no-udp", "no check of the plan asks it over UDP"),
    ("more", "and {n} more such reasons"),
    ("not-derived", "this version of Postern does not derive it"),
    ("probe-silent", "the probe did not say"),
    ("no-answer-in-book", "the book holds no answer"),
    ("unreadable", "what the book holds of {place} cannot be read"),
    ("nobody-answered", "nothing on {host} answered the question of {probe}"),
    // Probes of check files.
    ("udp-unseen", "a service may keep silent over UDP to a question that it does not know"),
    ("udp-silent", "it kept silent to every question that was put to it over UDP"),
    ("recipe-unasked", "it was not asked"),
    ("recipe-passed", "it was not asked, because its condition did not hold"),
    ("recipe-no-echo", "there was nothing to say back"),
    ("recipe-unheard", "what it would say rests on what was not heard"),
    ("recipe-connections", "as many connections were made as it may make"),
    ("recipe-not-waited", "nothing was waited for"),
    ("recipe-no-path", "`{path}` is not a path"),
    ("recipe-first", "only the first {asked} of {all} were asked"),
    ("recipe-own", "the check's own probe was not put to this"),
    ("recipe-elsewhere", "no check that wants it is about this place"),
    ("recipe-no-site", "no web site was seen at this place"),
    ("recipe-nobody", "the address accepts connections everywhere, and nobody spoke at this port"),
    ("recipe-before", "it is not known before it was asked"),
    ("recipe-time", "the time that the recipe may take was used up"),
    ("recipe-withheld", "the site answered {status}, which does not say what is there"),
    (
        "recipe-left-alone",
        "it was not asked, because the site had answered that it is asked too much",
    ),
    ("page-was-cut", "the page was cut"),
    ("ended-closed", "the peer closed the connection"),
    ("ended-silent", "no answer came in time"),
    ("ended-unreachable", "the network said that it cannot be reached"),
    ("ended-too-much", "it said more than is read"),
    ("ended-garbled", "what it said is not of the protocol"),
    ("tls-suites", "suites without forward secrecy cannot be offered yet"),
    // Names and addresses.
    ("no-address", "it has no address: none of its names resolves to one"),
    ("no-address-of-name", "it has no address"),
    ("no-address-known", "no address is known ({reason})"),
    ("all-refused", "every address is refused"),
    ("dns", "DNS gave no {record} answer for {name}: {reason}"),
    ("dns-timed-out", "timed out"),
    ("dns-nobody", "no resolver answers"),
    ("dns-not-asked", "not asked"),
    ("dns-no-name", "it is no name"),
    ("no-resolver", "no resolver is configured"),
    ("no-ports-asked", "no address was asked for its ports"),
    ("many-addresses", "more than {n} addresses"),
    ("many-ports", "more than {n} ports of the address are open"),
    // Ports.
    ("host-ports-not-asked", "its ports were not asked"),
    ("few-ports", "only the ports that the profile or the inventory names were asked"),
    ("port-unsettled", "whether the port is open is not known"),
    ("port-not-asked", "the port was not asked"),
    ("ports-not-asked", "they were not asked"),
    ("port-given-up", "it was given up: {reason}"),
    ("nobody-any-more", "nobody answered any more"),
    ("port-not-sent", "this machine was too short of something to ask it"),
    (
        "sweep-no-sign",
        "it gave no sign on the ports that are most often open, and no others were asked",
    ),
    (
        "sweep-sign-echo",
        "no port answered, but somebody is there who replied to an echo request (ICMP)",
    ),
    (
        "sweep-sign-neighbour",
        "no port answered, but somebody is there who was found on this machine's own link (ARP, NDP)",
    ),
    ("sweep-silence", "nothing came back on any port: the address may be down, or drop everything"),
    (
        "sweep-ban",
        "after {n} packets a second nobody answered for a while, as after a ban: what was asked meanwhile was asked again, more slowly",
    ),
    ("sweep-gave-up", "in the end nobody answered any more, and the rest was given up"),
    ("sweep-bottleneck", "no more than about {n} packets a second get through"),
    (
        "sweep-limited",
        "refusals come {n} times a second at most: open ports are exact, the others are told from a sample",
    ),
    (
        "sweep-proxy",
        "somebody in front of the host answers every handshake: only confirmed ports are open",
    ),
    ("sweep-decoy", "nearly every port stays open: it may be a decoy"),
    (
        "sweep-blind",
        "no port replied again and again, so that nobody knows what gets through: it went slowly, and {n} % are thought to be lost",
    ),
    ("sweep-trouble", "this machine was short of something {n} times: it went slower"),
    ("no-such-state", "no such state"),
    ("no-clear-answer", "no clear answer"),
    ("no-service", "no port of {host} is open, and none is declared"),
    (
        "silent",
        "no port of {address} answered at all, so it cannot be told from a host that is away or that shuts us out",
    ),
    // How a conversation ended.
    ("timed-out", "no answer in time"),
    ("refused", "the connection was refused"),
    ("reset", "the connection was reset"),
    ("hung-up", "the peer closed the connection too soon"),
    ("too-much", "it sent more than is listened to"),
    ("unreachable-from", "the network cannot reach it (ICMP type {type}, code {code} from {from})"),
    ("unreachable", "the network cannot reach it (ICMP type {type}, code {code})"),
    ("garbled", "what it said is not of the protocol: {text}"),
    // Plug-ins.
    ("plugin-too-slow", "the plug-in {plugin} was not done in time and was ended"),
    ("plugin-too-much", "the plug-in {plugin} said more than it may and was ended"),
    ("plugin-code", "the plug-in {plugin} ended with code {code}"),
    ("plugin-signal", "the plug-in {plugin} was ended by signal {code}"),
    ("plugin-garbled", "what the plug-in {plugin} answered is not of its protocol: {text}"),
    ("plugin-not-started", "the plug-in {plugin} cannot be started: {text}"),
    ("plugin-stranger", "no plug-in {plugin} is allowed in this scan"),
    (
        "plugin-changed",
        "the program of the plug-in {plugin} is no longer the one that the configuration allows",
    ),
    // This machine's own ways.
    ("no-route", "this machine has no {family} route to {address}"),
    ("no-source", "this machine has no {family} address that reaches {address}"),
    ("no-family", "this machine speaks no {family}"),
    ("own-rules", "this machine's own rules forbid it to reach {to}"),
    // Declarations.
    ("no-sources", "the inventory gives no source addresses for this vantage"),
    ("no-review-day", "no day of review is set"),
    // TLS and certificates.
    ("no-tls", "no service on {host} speaks TLS"),
    ("tls-unclear", "whether {place} speaks TLS did not become clear: {reason}"),
    ("version-unclear", "whether it accepts {version} did not become clear: {reason}"),
    ("versions-not-offered", "{versions} cannot be offered yet"),
    ("no-handshake", "no handshake came to its end"),
    ("suite-unknown", "the suite is not known"),
    ("alert", "it answered with the alert {alert}"),
    ("no-certificate", "no service on {host} presents a certificate"),
    ("certificate-too-big", "a certificate of more than 64 KiB is not judged"),
    ("certificate-names", "only the first of its {n} names are looked at"),
    ("certificate-signature", "the signature algorithm {text} is not known"),
    ("certificate-key", "the algorithm {text} is not known"),
    ("certificate-key-size", "the size of its key is not known"),
    ("certificate-no-name-asked", "no name was asked for"),
    ("certificate-nothing-to-compare", "the inventory gives no name to compare with"),
    ("certificate-name", "whether it is for {name} cannot be told"),
    // The web.
    ("no-http", "no service on {host} speaks HTTP"),
    ("http-unclear", "HTTP at {place} did not become clear: {reason}"),
    ("locked", "what {place} says inside TLS was not seen: no handshake succeeded"),
    ("header-fields", "only the first {limit} of {n} header fields are kept"),
    ("cookies", "only the first {limit} of {n} cookies are kept"),
    ("page-cut", "only the beginning of the page was read"),
    // Conditions of checks.
    ("condition", "it applies only where {condition}"),
    ("does-not-apply", "it does not apply"),
    ("too-long", "the lists are too long to be compared within the limit of work"),
    ("not-an-address", "the text is not an address"),
    ("not-a-network", "a parameter is not a network"),
    ("no-parameter", "a parameter was not given"),
    ("not-of-its-type", "a fact is not of the type that its field declares"),
    ("no-such-part", "the text has no part like {text}"),
    ("no-such-facts", "there are no `{kind}` facts about this"),
    ("no-such-element", "the list has no element of that number"),
    // The scope.
    ("profile-too-mild", "the profile {profile} wants no probe as strong"),
    ("no-port-named", "the profile and the inventory name no port"),
    ("port-zero", "there is no port 0"),
    ("no-leave-for-names", "no authorisation covers the names of {host}"),
    ("no-leave-for-host", "no authorisation covers {address} of {host}"),
    ("no-leave", "no authorisation covers {address}"),
    ("port-not-planned", "port {port} of {host} is none that the plan asks"),
    ("written-only", "it is reached only where its address is written"),
    ("no-search", "{leave} does not let every address of a network with {address} be searched"),
    ("lists-no-networks", "is written for none of its hosts, and it lists no networks"),
    ("in-no-network", "lies in none of its networks"),
    ("neither", "is written for none of its hosts and lies in none of its networks"),
    ("party-operator", "operator"),
    ("party-provider", "provider"),
    ("leave-typed", "the leave typed as --authorised-by"),
    ("special-this", "an address of this network itself"),
    ("special-metadata-link", "link-local, where clouds keep their metadata service"),
    ("special-metadata", "a cloud's metadata service"),
    ("special-cloud", "a cloud's own service"),
    ("special-multicast", "multicast"),
    ("special-reserved", "reserved or broadcast"),
    ("special-link", "link-local"),
    ("special-site", "site-local"),
    ("special-translated", "an IPv4 address behind a translator"),
    ("special-6to4", "an IPv4 address behind 6to4"),
    ("special-teredo", "an IPv4 address behind Teredo"),
    ("special-discard", "an address that swallows everything"),
    ("special-none", "no address of a host"),
    // From here on, what begins with a placeholder.
    ("no-host", "{host} is no host of the inventory"),
    ("fragile", "{host} is fragile: it gets connects and nothing else"),
    ("excluded", "{host} is excluded by {leave}"),
    ("loopback", "{address} is loopback, which is reached only where its address is written"),
    ("no-known-address", "{address} is no known address of {host}"),
    ("foreign-name", "{name} is no name of {host} in the inventory"),
    ("no-resolver-address", "{address} is no configured resolver"),
    ("no-resolver-port", "{to} is no resolver's port"),
    ("special", "{address} is {what}"),
    ("resolved-refused", "{address}, which a name of it resolves to, was not tested: {reason}"),
    (
        "decoys",
        "{address} accepts connections on {n} ports where nobody speaks, which proves nothing",
    ),
    ("version-not-offered", "{version} was not offered"),
    ("certificate-missing", "{place} speaks TLS and presented no certificate"),
    ("not-of-leave", "{host} is not among the hosts of {leave}"),
    (
        "beyond-resolved",
        "{leave} does not cover {address}, to which a name leads, for {host}: it {reason}",
    ),
    (
        "beyond-redirected",
        "{leave} does not cover {address}, to which a peer sends us, for {host}: it {reason}",
    ),
    ("beyond", "{leave} does not cover {address} for {host}: it {reason}"),
    ("too-strong", "{leave} allows {allowed} probes at most, and this one is {wanted}"),
    ("unsigned", "{leave} is not signed yet: the {party} has still to agree"),
    ("other-time", "{leave} holds {times} only, and it is {now}"),
    ("at-ports", "{ports}/{transport} of {address}: {reason}"),
    ("place-site", "{port}/{transport} of {address} ({name})"),
    ("place-service", "{port}/{transport} of {address}"),
    ("place-named", "{address} ({name})"),
    ("at", "{name}: {reason}"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A value that fits a placeholder and no other sentence.
    fn example(name: &str) -> &'static str {
        match name {
            "address" | "from" => "2001:db8::1",
            "ports" => "21-23,80",
            "port" | "n" | "limit" | "type" | "code" => "7",
            "text" | "condition" | "versions" | "times" => "some text",
            "reason" => "no answer in time",
            "place" => "443/tcp of 192.0.2.1",
            "leave" => "auth-2026-11",
            "what" => "multicast",
            "party" => "provider",
            _ => "x",
        }
    }

    #[test]
    fn every_sentence_is_known_again_by_its_key() {
        let mut keys = BTreeSet::new();
        for (key, sentence) in SENTENCES {
            assert!(keys.insert(key), "{key} stands there twice");
            let mut text = String::new();
            for (at, piece) in sentence.split(['{', '}']).enumerate() {
                text.push_str(if at % 2 == 0 { piece } else { example(piece) });
            }
            let reasons = Reason::all(&text);
            let [Reason::Ours { key: found, with }] = reasons.as_slice() else {
                panic!("{key}: {text}: {reasons:?}");
            };
            assert_eq!(found, key, "{text}");
            for (name, part) in with {
                let known = match part {
                    Part::Text(text) => text == example(name),
                    Part::Reasons(within) => *within == Reason::all(example(name)),
                };
                assert!(known, "{key}: {name}: {part:?}");
            }
        }
    }

    #[test]
    fn several_reasons_come_apart_and_what_others_said_stays() {
        let key = |reason: &Reason| match reason {
            Reason::Ours { key, .. } => key.clone(),
            Reason::Verbatim { verbatim } => format!("“{verbatim}”"),
            Reason::Check { .. } => "check".into(),
        };
        let keys = |text: &str| Reason::all(text).iter().map(key).collect::<Vec<_>>();
        for (text, wanted) in [
            (
                "no answer in time; its ports were not asked",
                &["timed-out", "host-ports-not-asked"][..],
            ),
            (
                "no address is known (a.example: NXDOMAIN; b.example: timed out)",
                &["no-address-known"],
            ),
            (
                "169.254.1.1 is link-local; it is reached only where its address is written",
                &["special", "written-only"],
            ),
            ("they \u{1b}[2J said so", &["“they \\x1b[2J said so”"]),
            ("; ", &["“”", "“”"]),
        ] {
            assert_eq!(keys(text), wanted, "{text}");
        }
        let long = "a: ".repeat(100_000);
        assert_eq!(Reason::all(&long), [Reason::verbatim(&long)]);
    }
}
