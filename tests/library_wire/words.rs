//! What a check's file says that it sends, held against what was heard.

use std::collections::BTreeSet;

use postern::catalogue::recipe::{
    Asking, HexFile, OtherBytes, RequestFile, SendFile, StepFile, WireFile,
};
use postern::catalogue::{CheckFile, TestFile};

use super::peer::Heard;

/// A line of a conversation in a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Us(Vec<u8>),
    Them(Vec<u8>),
    Closed,
    Reset,
    Silent,
    Reconnect,
    /// What no peer that is there can do: refuse, be out of reach.
    Never,
}

/// The conversation of a test.
pub(crate) fn lines(test: &TestFile) -> Vec<Line> {
    let line = |line: &WireFile| match line {
        WireFile::Line(text) => match text.split_at_checked(2) {
            Some(("> ", said)) => Line::Us(said.into()),
            Some(("< ", said)) => Line::Them(said.into()),
            Some(("! ", "closed")) => Line::Closed,
            Some(("! ", "reset")) => Line::Reset,
            Some(("! ", "silent")) => Line::Silent,
            Some(("! ", "reconnect")) => Line::Reconnect,
            _ => Line::Never,
        },
        WireFile::Bytes(bytes) => match (&bytes.us, &bytes.them) {
            (Some(us), _) => Line::Us(hex(us)),
            (_, Some(them)) => Line::Them(hex(them)),
            _ => Line::Never,
        },
    };
    test.wire.iter().map(line).collect()
}

/// Whether a peer on loopback can play it.
pub(crate) fn can_be_played(test: &TestFile) -> bool {
    !lines(test).contains(&Line::Never)
}

fn hex(file: &HexFile) -> Vec<u8> {
    digits(&file.hex).unwrap_or_default()
}

/// The bytes of hexadecimal digits; none where something else stands among them.
fn digits(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair.get(1)?).ok()).collect()
}

/// What was said otherwise than the conversation of a test has it, byte for byte.
pub(crate) fn other_bytes(lines: &[Line], heard: &Heard, tries: u32) -> Vec<String> {
    let mut wanted: Vec<&[u8]> = Vec::new();
    for line in lines {
        if let Line::Us(bytes) = line {
            wanted.push(bytes);
        }
    }
    if heard.datagrams.is_empty() {
        let (came, wanted) = (heard.connections.concat(), wanted.concat());
        let differs = came != wanted;
        return differs.then(|| differing(&came, &wanted)).into_iter().collect();
    }
    // A datagram may be said again, and counts as often as that.
    let mut came = heard.datagrams.clone();
    came.dedup();
    let often = heard.datagrams.len() > wanted.len() * tries as usize;
    let mut wrong = Vec::new();
    if came != wanted && came.len() > 1
        || came.first().map(Vec::as_slice) != wanted.first().copied()
    {
        wrong.push(differing(&came.concat(), &wanted.concat()));
    }
    if often {
        wrong.push(format!("{} datagrams for {} lines", heard.datagrams.len(), wanted.len()));
    }
    wrong
}

fn differing(came: &[u8], wanted: &[u8]) -> String {
    format!("“{}” was said, and written down is “{}”", came.escape_ascii(), wanted.escape_ascii())
}

/// Everything that a check's file says that its probe may send.
pub(crate) struct Written {
    /// The messages in order; none stands for one that is put together from what was heard.
    sends: Vec<Option<Vec<u8>>>,
    /// Method and path of each request, as they may stand on the wire.
    requests: BTreeSet<(String, String)>,
    /// The names of header fields that some request has besides those that all have.
    headers: BTreeSet<String>,
    /// Name, type and class of each DNS question.
    questions: BTreeSet<(String, String, String)>,
    /// What the plan says to the vendor.
    told: String,
    /// The tests of the file, in which peers send on to other pages of the site.
    tests: String,
}

impl Written {
    pub(crate) fn of(file: &CheckFile, asking: &Asking) -> Self {
        let probe = file.probe.as_ref().expect("a probe");
        let steps: &[StepFile] = match (&probe.tcp, &probe.tls, &probe.udp) {
            (Some(stream), ..) | (_, Some(stream), _) => &stream.steps,
            (_, _, Some(datagrams)) => &datagrams.steps,
            _ => &[],
        };
        let sends = steps.iter().filter_map(|step| step.send.as_ref()).map(|send| match send {
            SendFile::Text(text) => Some(text.as_bytes().to_vec()),
            SendFile::Other(OtherBytes { hex: Some(hex), .. }) => digits(hex),
            SendFile::Other(_) => None,
        });
        let (mut requests, mut headers) = (BTreeSet::new(), BTreeSet::new());
        if let Some(http) = &probe.http {
            for request in &http.requests {
                requests.extend(wanted(request, file));
                headers.extend(request.headers.keys().map(|name| name.to_ascii_lowercase()));
            }
            if http.baseline.is_some() {
                requests.insert(("GET".into(), format!("/{NONCE}")));
            }
        }
        let asked = probe.dns.iter().flat_map(|dns| &dns.questions).map(|question| {
            let word = |value: serde_json::Value| value.as_str().unwrap_or("IN").to_owned();
            let of = word(serde_json::to_value(question.of).expect("a word"));
            let class = question.class.map_or_else(
                || "IN".to_owned(),
                |class| word(serde_json::to_value(class).expect("a word")),
            );
            (question.name.trim_end_matches('.').to_ascii_lowercase(), of, class)
        });
        let (sends, questions) = (sends.collect(), asked.collect());
        Self {
            sends,
            requests,
            headers,
            questions,
            tests: serde_json::to_string(&file.tests).expect("JSON"),
            told: asking.sends.clone(),
        }
    }

    /// Bytes that are none of the messages, against a peer that says anything.
    pub(crate) fn unknown_bytes(&self, heard: &Heard) -> Vec<String> {
        // What is put together from the peer's own words cannot be foreseen here; the tests' conversations hold it.
        if self.sends.contains(&None) {
            return Vec::new();
        }
        let known: Vec<&[u8]> = self.sends.iter().flatten().map(Vec::as_slice).collect();
        let strange = |said: &&[u8]| !is_of(said, &known);
        let told = |said: &[u8]| format!("“{}” is written nowhere", said.escape_ascii());
        heard.all().filter(strange).map(told).collect()
    }

    /// Requests that are not written down, in their method, path, header or body.
    pub(crate) fn other_requests(&self, heard: &Heard) -> Vec<String> {
        const ALWAYS: [&str; 5] = ["host", "user-agent", "accept", "accept-encoding", "connection"];
        let mut wrong = Vec::new();
        for said in heard.all().filter(|said| !said.is_empty()) {
            let text = String::from_utf8_lossy(said).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                wrong.push(format!("“{text}” is no request"));
                continue;
            };
            let mut fields = head.split("\r\n");
            let first = fields.next().unwrap_or("");
            let mut words = first.split(' ');
            let (method, path) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            if !["GET", "HEAD", "OPTIONS"].contains(&method) {
                wrong.push(format!("{method} is not harmless"));
            }
            let known = self.requests.iter().any(|(m, p)| m == method && fits(p, path));
            if !known && !path.starts_with("/again/") && !self.is_sent_on(path) {
                wrong.push(format!("{first} is written nowhere"));
            }
            for field in fields {
                let name = field.split(':').next().unwrap_or("").to_ascii_lowercase();
                if !ALWAYS.contains(&name.as_str()) && !self.headers.contains(&name) {
                    wrong.push(format!("the field `{name}` is written nowhere"));
                }
            }
            if !body.is_empty() {
                wrong.push(format!("{first} has a body"));
            }
        }
        for (method, _) in &self.requests {
            if !self.told.contains(method.as_str()) {
                wrong.push(format!("the plan does not tell of {method}: {}", self.told));
            }
        }
        wrong
    }

    /// Whether a request of the file follows redirects to anywhere within the site: the peers of tests send nowhere else.
    fn is_sent_on(&self, path: &str) -> bool {
        let same = |known: &str| known.trim_end_matches('/') == path.trim_end_matches('/');
        let to = self.tests.split("ocation\":\"").skip(1);
        let mut to = to.filter_map(|rest| rest.split('"').next());
        self.requests.iter().any(|(_, known)| same(known)) || to.any(|to| to.ends_with(path))
    }

    /// DNS questions that are not written down, or that carry more than a question.
    pub(crate) fn other_questions(&self, heard: &Heard) -> Vec<String> {
        let mut wrong = Vec::new();
        let over_tcp = !heard.connections.is_empty();
        for said in heard.all() {
            let message = if over_tcp { said.get(2..).unwrap_or(&[]) } else { said };
            let Some((name, of)) = question(message) else {
                wrong.push(format!("“{}” is no question", said.escape_ascii()));
                continue;
            };
            // RFC 1035 section 4.1.1: a standard query (opcode 0), one question, and nothing after it.
            let counts = message.get(4..12) == Some(&[0, 1, 0, 0, 0, 0, 0, 0]);
            if !counts || message[2] & 0xfe != 0 || message[3] != 0 {
                wrong.push(format!("“{}” is more than a question", said.escape_ascii()));
            }
            let class = message[message.len() - 1];
            let class = if class == 3 { "CH" } else { "IN" };
            let of = TYPES.iter().find(|(_, number)| *number == of).map_or("?", |(name, _)| name);
            if !self.questions.contains(&(name.clone(), of.into(), class.into())) {
                wrong.push(format!("{name} {of} {class} is written nowhere"));
            }
            if !self.told.to_ascii_lowercase().contains(&name) {
                wrong.push(format!("the plan does not tell of {name}: {}", self.told));
            }
        }
        wrong
    }
}

/// RFC 1035 section 3.2.2, RFC 3596, RFC 4034, RFC 2782, RFC 8659.
const TYPES: [(&str, u16); 12] = [
    ("A", 1),
    ("AAAA", 28),
    ("ANY", 255),
    ("CAA", 257),
    ("CNAME", 5),
    ("DNSKEY", 48),
    ("MX", 15),
    ("NS", 2),
    ("PTR", 12),
    ("SOA", 6),
    ("SRV", 33),
    ("TXT", 16),
];

const NONCE: &str = "{{ nonce }}";

/// Name and type of the first question of a DNS message.
pub(crate) fn question(message: &[u8]) -> Option<(String, u16)> {
    let mut rest = message.get(12..)?;
    let mut labels = Vec::new();
    loop {
        let (length, after) = rest.split_first()?;
        if *length == 0 {
            rest = after;
            break;
        }
        let (label, after) = after.split_at_checked(usize::from(*length))?;
        labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
        rest = after;
    }
    let of = u16::from_be_bytes([*rest.first()?, *rest.get(1)?]);
    Some((labels.join("."), of))
}

/// Method and path of a request as they may stand on the wire, once for each text of its list.
fn wanted(request: &RequestFile, file: &CheckFile) -> Vec<(String, String)> {
    let methods = [
        ("GET", &request.get),
        ("HEAD", &request.head),
        ("OPTIONS", &request.options),
        ("POST", &request.post),
        ("TRACE", &request.trace),
    ];
    let mut all = Vec::new();
    for (method, path) in methods {
        let Some(path) = path else { continue };
        let list = request.each.as_ref().map(|name| {
            let param = file.params.get(name.trim_start_matches("params.")).expect("a parameter");
            param.default.as_array().expect("a list")
        });
        match list {
            None => all.push((method.to_owned(), path.clone())),
            Some(list) => all.extend(list.iter().filter_map(|text| {
                Some((method.to_owned(), path.replace("{{ each }}", text.as_str()?)))
            })),
        }
    }
    all
}

/// Whether a path is the written one, with any word for the one that nobody can know.
fn fits(written: &str, path: &str) -> bool {
    match written.split_once(NONCE) {
        Some((before, after)) => {
            path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(
                |word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()),
            )
        }
        None => written == path,
    }
}

/// Whether bytes are some of the messages, one behind the other, in their order.
fn is_of(said: &[u8], known: &[&[u8]]) -> bool {
    if said.is_empty() {
        return true;
    }
    known.iter().enumerate().any(|(at, message)| {
        !message.is_empty()
            && said.strip_prefix(*message).is_some_and(|rest| is_of(rest, &known[at + 1..]))
    })
}
