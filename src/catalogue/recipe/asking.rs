//! What goes on the wire: a recipe with the parameters of its check filled in, named after all that it does.

use std::fmt::Write as _;
use std::sync::Arc;

use super::super::expr::{Env, Truth};
use super::compose;
use super::deeds::{Deed, Does, deeds, hops, ports};
use super::{Caps, Fetch, Medium, Question, Read, Recipe, Until};
use crate::model::digest::Digest;
use crate::model::heard;
use crate::model::plan::{Bound, Class};
use crate::model::value::{Kind, Value};

/// How many bytes of a message a plan shows.
const SHOWN: usize = 60;
/// How many paths a plan shows.
const PATHS: usize = 12;

/// A recipe with its parameters: two that would say and hear the same bear the same name, and are asked once.
#[derive(Clone, Debug)]
pub struct Asking {
    /// `ask-` and the first 16 hexadecimal digits of the SHA-256 of all that it does.
    pub name: String,
    /// What it speaks.
    pub medium: Medium,
    /// How much it does to a peer.
    pub class: Class,
    /// How much of it there is at most, at one place.
    pub caps: Caps,
    /// The ports that it goes to at every address; empty where it goes to services that were found.
    pub ports: Vec<u16>,
    /// The worst case at one place.
    pub bound: Bound,
    /// What it sends, in words, for plans that a vendor reads.
    pub sends: String,
    /// The kind of its record, with its name as the probe.
    pub kind: Kind,
    pub(super) recipe: Arc<Recipe>,
    pub(super) params: Vec<Value>,
    pub(super) deeds: Vec<Deed>,
    /// Lists of pages of which some are not asked for, and why.
    pub(super) short: Vec<(usize, String)>,
}

impl Asking {
    pub(super) fn of(recipe: &Arc<Recipe>, params: &[Value]) -> Self {
        let mut short = Vec::new();
        let mut room = recipe.caps.connections;
        let steps = recipe.steps.iter().enumerate();
        let deeds: Vec<Deed> =
            steps.flat_map(|(at, step)| deeds(at, step, params, &mut room, &mut short)).collect();
        let mut asking = Self {
            name: String::new(),
            medium: recipe.medium,
            class: recipe.class,
            caps: recipe.caps,
            ports: ports(&recipe.ports, params),
            bound: Bound::default(),
            sends: String::new(),
            kind: recipe.kind.clone(),
            recipe: Arc::clone(recipe),
            params: params.to_vec(),
            deeds,
            short,
        };
        let lines = asking.lines();
        let digest = Digest::of_parts(lines.iter().map(String::as_bytes)).to_string();
        asking.name = format!("ask-{}", digest.get(..16).unwrap_or(&digest));
        asking.kind.probe = asking.name.clone().into();
        asking.bound = asking.worst();
        asking.sends = asking.words();
        asking
    }

    /// How often a datagram is sent before silence counts.
    pub fn tries(&self) -> u32 {
        self.recipe.tries
    }

    /// Whether the condition of a step holds on what was heard so far.
    pub(super) fn wants(&self, deed: &Deed, record: &[Value]) -> bool {
        let Some(when) = self.recipe.steps.get(deed.step).and_then(|step| step.when.as_ref())
        else {
            return true;
        };
        let lookup = |_| Some(record);
        when.truth(&Env::new(&self.params, &lookup)) == Truth::True
    }

    /// All that it does, one line each: what its name is made of. These lines never change their form, or old books would
    /// no longer be understood.
    fn lines(&self) -> Vec<String> {
        let Caps { connections, bytes, time } = self.caps;
        let medium = match self.medium {
            Medium::Tcp => "tcp",
            Medium::Tls => "tls",
            Medium::Udp => "udp",
            Medium::Dns => "dns",
            Medium::DnsTcp => "dns-tcp",
            Medium::Http => "http",
        };
        let class = self.class as u8;
        let mut lines = vec![
            format!("{medium} class {class} tries {} ports {:?}", self.tries(), self.ports),
            format!("caps {connections} {bytes} {}", time.as_millis()),
        ];
        for deed in &self.deeds {
            if let Some(when) = self.recipe.steps.get(deed.step).and_then(|step| step.when.as_ref())
            {
                let used = when.uses().into_iter().filter_map(|at| self.params.get(at));
                let used: Vec<String> = used.map(ToString::to_string).collect();
                lines.push(format!("if {} [{}]", self.spelt(when), used.join("; ")));
            }
            lines.push(match &deed.does {
                Does::Send(bytes) => format!("send {}", hex(bytes)),
                Does::Echo(from) => format!("echo {}", self.called(*from)),
                Does::Compose(message) => {
                    format!("compose {}", compose::spelt(message, &|name| self.spelt(name)))
                }
                Does::Read(read) => {
                    let Read { into, hear, form, optional } = read;
                    let until = match &hear.until {
                        Until::Said(end) => format!("until {}", hex(end)),
                        Until::Bytes(count) => format!("bytes {count}"),
                        Until::Quiet => "quiet".into(),
                        Until::End => "end".into(),
                        Until::Datagram => "datagram".into(),
                    };
                    let (most, patience) = (hear.most, hear.patience.as_millis());
                    let form = match form {
                        super::Form::Text => "text",
                        super::Form::Hex => "hex",
                    };
                    let rest = if *optional { " optional" } else { "" };
                    format!(
                        "read {} {until} most {most} within {patience} as {form}{rest}",
                        self.called(*into)
                    )
                }
                Does::Reconnect => "reconnect".into(),
                Does::Fetch { into, fetch, listed } => {
                    let Fetch { method, path, headers, follow, most } = fetch;
                    let list = if *listed { " listed" } else { "" };
                    let follow = if *follow { " follow" } else { "" };
                    let method = method.word();
                    format!(
                        "fetch {}{list} {method} {path} {headers:?}{follow} most {most}",
                        self.called(*into)
                    )
                }
                Does::Ask { into, question } => {
                    let Question { name, of, class, recurse } = question;
                    let recurse = if *recurse { " recurse" } else { "" };
                    format!("ask {} {name} {of} {class}{recurse}", self.called(*into))
                }
            });
        }
        lines.extend(self.short.iter().map(|(into, why)| format!("short {into} {why}")));
        lines
    }

    /// A condition with the facts that it names: two checks may give one name to different ones.
    fn spelt(&self, when: &super::super::expr::Expression) -> String {
        let named = super::super::expr::mentions(when.text());
        let facts = self.recipe.facts.iter().filter(|(name, _)| named.contains(name));
        facts.fold(when.text().to_owned(), |mut text, (name, fact)| {
            let _ = write!(text, " where {name} is {}", self.spelt(fact));
            text
        })
    }

    fn called(&self, slot: usize) -> &str {
        self.kind.fields.get(slot).map_or("", |field| &field.name)
    }

    fn worst(&self) -> Bound {
        let count = |wanted: fn(&Does) -> bool| {
            self.deeds.iter().filter(|deed| wanted(&deed.does)).count() as u64
        };
        let tries = u64::from(self.tries());
        let cap = u64::from(self.caps.connections);
        let (connections, datagrams) = match self.medium {
            Medium::Tcp | Medium::Tls => {
                (cap.min(1 + count(|does| matches!(does, Does::Reconnect))), 0)
            }
            Medium::Udp => (0, tries * count(Does::says)),
            Medium::Dns => (0, tries * count(|does| matches!(does, Does::Ask { .. }))),
            Medium::DnsTcp => (cap.min(count(|does| matches!(does, Does::Ask { .. }))), 0),
            Medium::Http => (cap.min(self.deeds.iter().map(|deed| hops(&deed.does)).sum()), 0),
        };
        Bound { connections, datagrams, seconds: self.caps.time.as_secs() }
    }

    /// What it sends, in words.
    fn words(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut paths: Vec<String> = Vec::new();
        for deed in &self.deeds {
            match &deed.does {
                Does::Send(bytes) => parts.push(format!("says {}", spoken(bytes))),
                Does::Echo(_) => parts.push("says back what it heard".into()),
                Does::Compose(message) => {
                    let bytes = compose::spelt(message, &|name| name.text().to_owned());
                    parts.push(format!("says the bytes {bytes}, with what it heard for the names"));
                }
                Does::Reconnect => parts.push("connects once more".into()),
                Does::Ask { question, .. } => {
                    let Question { name, of, class, .. } = question;
                    parts.push(format!("asks for {class} {of} of {name}"));
                }
                Does::Fetch { fetch, .. } => {
                    let path = fetch.path.replace(super::NONCE, "a path that cannot exist");
                    paths.push(format!("{} {}", fetch.method.word(), heard::shown(&path)));
                }
                Does::Read(_) => {}
            }
        }
        if !paths.is_empty() {
            let more = match paths.len().saturating_sub(PATHS) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            paths.truncate(PATHS);
            parts.push(format!("asks for {}{more}", paths.join(", ")));
        }
        if parts.is_empty() {
            parts.push("listens and says nothing".into());
        }
        let over = match self.medium {
            Medium::Tcp => "Over TCP",
            Medium::Tls => "Inside TLS",
            Medium::Udp => "Over UDP",
            Medium::Dns => "By DNS over UDP",
            Medium::DnsTcp => "By DNS over TCP",
            Medium::Http => "By HTTP",
        };
        let Caps { bytes, time, .. } = self.caps;
        let parts = parts.join("; ");
        format!("{over}: {parts}. Ends after {} s or {bytes} bytes at the latest.", time.as_secs())
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A message as a plan shows it.
fn spoken(bytes: &[u8]) -> String {
    let short = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = match bytes.len().saturating_sub(short.len()) {
        0 => String::new(),
        more => format!(" and {more} bytes more"),
    };
    let is_text = |byte: &u8| byte.is_ascii_graphic() || b" \r\n\t".contains(byte);
    if short.iter().all(is_text) {
        format!("“{}”{more}", heard::shown(&String::from_utf8_lossy(short)))
    } else {
        format!("the bytes {}{more}", hex(short))
    }
}
