//! The interpreter of recipes: a machine that says what to do next and is told what came of it.
//!
//! It touches nothing itself. The engine drives it over sockets, and a check's tests drive it over a conversation that
//! is written down; both by the same turns.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::asking::{Asking, hex};
use super::compose;
use super::deeds::Does;
use super::http::TOO_MANY;
use super::record::{dns_value, page_value};
use super::{
    ANSWERED, CAPTURES, DnsAnswer, ENDED, Ending, Enough, Fetch, Form, Hear, Page, Question, Read,
    Took, Until,
};
use crate::facts::as_json;
use crate::model::outcome::Why;
use crate::model::value::{List, Value};

/// Why the rest is not asked once a site has answered that it is asked too much.
const ASKED_TO_STOP: &str =
    "it was not asked, because the site had answered that it is asked too much";

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Send these bytes; over UDP they are one datagram.
    Say(Vec<u8>),
    /// Listen, and tell what came by [`Run::heard`].
    Hear(Hear),
    /// Hang up and connect again.
    Reconnect,
    /// Ask for a page, and tell what came by [`Run::fetched`].
    Fetch(Fetch),
    /// Put a question to the DNS server, and tell what came by [`Run::told`].
    Ask(Question),
    /// Hang up: it is over.
    End,
}

/// A conversation in the making. Ask it for its [`turn`](Self::turn), do that, tell it what came, until it ends; then
/// take its record.
#[derive(Debug)]
pub struct Run {
    asking: Arc<Asking>,
    nonce: String,
    record: Vec<Value>,
    /// What was heard as it came, for saying it back.
    raw: BTreeMap<usize, Vec<u8>>,
    /// Lists of pages so far.
    listed: BTreeMap<usize, Vec<Value>>,
    /// Why a list is not whole.
    missing: BTreeMap<usize, String>,
    at: usize,
    line: Line,
    heard: usize,
    connections: u32,
    /// The last message, for another try.
    said: Vec<u8>,
    tries_left: u32,
    again: bool,
    came: bool,
    /// How a read ended that came to nothing, though the conversation went on.
    missed: Option<Ending>,
    alive: bool,
    ended: Option<Ending>,
    /// Every turn, where somebody wants to write the conversation down.
    tape: Option<Vec<Took>>,
}

/// The state of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// It can be spoken over.
    Open,
    /// It cannot, and why; connecting again mends it.
    Down(&'static str),
    /// Nothing more will be done, and why.
    Stopped(String),
}

impl Run {
    /// A conversation that has not begun: the first connection is open, or there is none to open. `nonce` is a word that
    /// no server can know, for the path that cannot exist.
    pub fn new(asking: &Arc<Asking>, nonce: &str) -> Self {
        let unasked = || Value::unknown("it was not asked");
        let mut missing = BTreeMap::new();
        for (into, why) in &asking.short {
            missing.entry(*into).or_insert_with(|| why.clone());
        }
        let lists = asking.deeds.iter().filter_map(|deed| match deed.does {
            Does::Fetch { into, listed: true, .. } => Some((into, Vec::new())),
            _ => None,
        });
        Self {
            record: asking.kind.fields.iter().map(|_| unasked()).collect(),
            listed: lists.chain(missing.keys().map(|into| (*into, Vec::new()))).collect(),
            missing,
            raw: BTreeMap::new(),
            asking: Arc::clone(asking),
            nonce: nonce.to_owned(),
            at: 0,
            line: Line::Open,
            heard: 0,
            connections: 1,
            said: Vec::new(),
            tries_left: 0,
            again: false,
            came: false,
            missed: None,
            alive: false,
            ended: None,
            tape: None,
        }
    }

    /// Remembers every turn from here on.
    pub fn remember(&mut self) {
        self.tape.get_or_insert_default();
    }

    /// The turns that were remembered.
    pub fn remembered(self) -> Vec<Took> {
        self.tape.unwrap_or_default()
    }

    fn took(&mut self, turn: impl FnOnce() -> Took) {
        if let Some(tape) = &mut self.tape {
            tape.push(turn());
        }
    }

    /// What to do next. Asked twice without being told anything between, it answers the same for all turns that want
    /// telling.
    pub fn turn(&mut self) -> Turn {
        if std::mem::take(&mut self.again) {
            return Turn::Say(self.said.clone());
        }
        while let Some(deed) = self.asking.deeds.get(self.at).cloned() {
            if matches!(self.line, Line::Stopped(_)) {
                break;
            }
            let wanted = self.asking.wants(&deed, &self.record);
            match (deed.does, &self.line) {
                (Does::Reconnect, _)
                    if wanted && self.connections < self.asking.caps.connections =>
                {
                    self.at += 1;
                    self.connections += 1;
                    self.line = Line::Open;
                    self.took(|| Took::Reconnected);
                    return Turn::Reconnect;
                }
                (does, Line::Open) if wanted => {
                    if let Some(turn) = self.begin(does) {
                        return turn;
                    }
                }
                (does, Line::Down(why)) if wanted => self.passed(&does, why),
                (does, _) => {
                    self.passed(&does, "it was not asked, because its condition did not hold");
                }
            }
            self.at += 1;
        }
        Turn::End
    }

    /// Begins a deed; none when there is nothing to do.
    fn begin(&mut self, does: Does) -> Option<Turn> {
        match does {
            Does::Send(bytes) => Some(self.say(bytes.to_vec())),
            Does::Echo(from) => {
                let heard = self.raw.get(&from).cloned();
                if heard.is_none() {
                    self.line = Line::Down("there was nothing to say back");
                }
                heard.map(|bytes| self.say(bytes))
            }
            Does::Compose(message) => {
                let bytes = compose::bytes(&message, &self.asking.params, &self.record);
                if bytes.is_none() {
                    self.line = Line::Down("what it would say rests on what was not heard");
                }
                bytes.map(|bytes| self.say(bytes))
            }
            Does::Read(read) => match self.asking.caps.bytes.saturating_sub(self.heard) {
                0 => {
                    self.passed(&Does::Read(read), Ending::TooMuch.why());
                    self.down(Ending::TooMuch);
                    None
                }
                left => Some(Turn::Hear(Hear { most: read.hear.most.min(left), ..read.hear })),
            },
            Does::Fetch { fetch, .. } => {
                let path = fetch.path.replace(super::NONCE, &self.nonce);
                Some(Turn::Fetch(Fetch { path, ..fetch }))
            }
            Does::Ask { question, .. } => Some(Turn::Ask(question)),
            Does::Reconnect => {
                self.line = Line::Down("as many connections were made as it may make");
                None
            }
        }
    }

    fn say(&mut self, bytes: Vec<u8>) -> Turn {
        self.at += 1;
        self.took(|| Took::Said(bytes.clone()));
        self.said.clone_from(&bytes);
        self.tries_left = self.asking.tries().saturating_sub(1);
        Turn::Say(bytes)
    }

    /// Whether the last question is about to be put again.
    pub(super) fn tries_again(&self) -> bool {
        self.again
    }

    /// Tells what was heard, and what ended it when that was not the listener having enough: for [`Until::Quiet`] and
    /// [`Until::End`] falling silent and closing.
    pub fn heard(&mut self, bytes: &[u8], end: Option<Ending>) {
        let Some(Does::Read(read)) = self.deed() else { return };
        self.came |= !bytes.is_empty();
        self.heard = self.heard.saturating_add(bytes.len());
        if bytes.is_empty() && end == Some(Ending::Silent) && self.try_again() {
            return;
        }
        self.took(|| Took::Heard { bytes: bytes.to_vec(), until: read.hear.until.clone(), end });
        self.at += 1;
        let whole = whole(&read.hear, bytes, end);
        let kept = whole || (read.optional && !bytes.is_empty());
        let why = end.unwrap_or(Ending::Closed).why();
        if kept {
            self.raw.insert(read.into, bytes.to_vec());
        }
        let value = if kept { text(bytes, read.form) } else { Value::unknown(why) };
        self.set(read.into, value);
        match end {
            Some(Ending::Silent) if kept => {}
            Some(end @ Ending::Silent) if read.optional => self.missed = Some(end),
            Some(end) => self.down(end),
            None => {}
        }
    }

    /// Tells what came of a request for a page.
    pub fn fetched(&mut self, page: Result<&Page, Ending>) {
        let Some(Does::Fetch { into, listed, fetch }) = self.deed() else { return };
        self.took(|| Took::fetched(&fetch, page));
        self.at += 1;
        self.came |= page.is_ok();
        match page.map(|page| (page, page.withheld())) {
            Ok((page, Some(why))) => {
                self.lack(into, listed, &why);
                // Whoever is told that it asks too much asks no more.
                if page.status == TOO_MANY && self.line == Line::Open {
                    self.line = Line::Down(ASKED_TO_STOP);
                }
            }
            Ok((page, None)) if listed => {
                self.listed.entry(into).or_default().push(page_value(page));
            }
            Ok((page, None)) => self.set(into, page_value(page)),
            Err(end) => {
                self.lack(into, listed, end.why());
                if !matches!(end, Ending::Garbled | Ending::TooMuch) {
                    self.down(end);
                }
            }
        }
    }

    /// Tells what a DNS server said.
    pub fn told(&mut self, answer: Result<&DnsAnswer, Ending>) {
        let Some(Does::Ask { into, question }) = self.deed() else { return };
        self.took(|| Took::Told { name: question.name, answer: answer.cloned() });
        self.at += 1;
        self.came |= answer.is_ok();
        match answer {
            Ok(answer) => self.set(into, dns_value(answer)),
            Err(end) => {
                self.set(into, Value::unknown(end.why()));
                self.down(end);
            }
        }
    }

    /// Tells that a connection could not be made, or that nothing could be said over it.
    pub fn cut(&mut self, end: Ending) {
        self.took(|| Took::Cut(end));
        self.down(end);
    }

    /// Tells that nothing more will be asked, and why: by a rule of ours, not by anything that the peer did.
    pub fn stop(&mut self, why: &str) {
        self.line = Line::Stopped(why.to_owned());
    }

    /// Tells that the address answers otherwise, so that silence over UDP comes from the port.
    pub fn known_alive(&mut self) {
        self.alive = true;
    }

    /// The record of what came, in the order of the kind's fields.
    pub fn record(&self) -> Vec<Value> {
        let mut record = self.record.clone();
        let mut put = |slot: usize, value: Value| {
            if let Some(place) = record.get_mut(slot) {
                *place = value;
            }
        };
        for (into, pages) in &self.listed {
            let unseen = self.missing.get(into).map(String::as_str).or(match &self.line {
                Line::Stopped(why) => Some(why.as_str()),
                Line::Open | Line::Down(_) => None,
            });
            let unseen = unseen.map(Why::new);
            put(*into, Value::List(List { items: pages.clone().into(), unseen }));
        }
        if let Line::Stopped(why) = &self.line {
            let left = self.asking.deeds.get(self.at..).unwrap_or_default();
            for into in left.iter().filter_map(|deed| into(&deed.does)) {
                if !self.listed.contains_key(&into) {
                    put(into, Value::unknown(why.as_str()));
                }
            }
        }
        put(ANSWERED, self.answered());
        put(ENDED, Value::text(self.ended.map_or("", Ending::word)));
        record
    }

    /// The record as a probe's observation holds it.
    pub fn saw(&self) -> serde_json::Value {
        as_json(&self.record(), &self.asking.kind.fields)
    }

    fn answered(&self) -> Value {
        match (self.came, self.ended.or(self.missed), &self.line) {
            (true, ..) => Value::Bool(true),
            (_, Some(Ending::Refused | Ending::Unreachable), _) => Value::Bool(false),
            (_, Some(Ending::Silent), _) if self.alive && self.asking.medium.is_datagrams() => {
                Value::Bool(false)
            }
            (_, Some(end), _) => Value::unknown(end.why()),
            (_, None, Line::Stopped(why)) => Value::unknown(why.as_str()),
            (_, None, _) => Value::unknown("nothing was waited for"),
        }
    }

    fn deed(&self) -> Option<Does> {
        self.asking.deeds.get(self.at).map(|deed| deed.does.clone())
    }

    /// Over UDP a question that stayed unanswered is put again.
    fn try_again(&mut self) -> bool {
        let again =
            self.asking.medium.is_datagrams() && self.tries_left > 0 && !self.said.is_empty();
        if again {
            self.tries_left -= 1;
            self.again = true;
        }
        again
    }

    /// The connection is of no more use.
    fn down(&mut self, end: Ending) {
        self.ended = Some(end);
        if self.line == Line::Open {
            self.line = Line::Down(end.why());
        }
    }

    /// A deed is not done.
    fn passed(&mut self, does: &Does, why: &str) {
        if let Some(into) = into(does) {
            self.lack(into, matches!(does, Does::Fetch { listed: true, .. }), why);
        }
    }

    fn lack(&mut self, into: usize, listed: bool, why: &str) {
        if listed {
            self.missing.entry(into).or_insert_with(|| why.to_owned());
        } else {
            self.set(into, Value::unknown(why));
        }
    }

    fn set(&mut self, slot: usize, value: Value) {
        if let Some(place) = self.record.get_mut(slot).filter(|_| slot >= CAPTURES) {
            *place = value;
        }
    }
}

/// Where a deed keeps what comes.
fn into(does: &Does) -> Option<usize> {
    match does {
        Does::Read(Read { into, .. }) | Does::Fetch { into, .. } | Does::Ask { into, .. } => {
            Some(*into)
        }
        Does::Send(_) | Does::Echo(_) | Does::Compose(_) | Does::Reconnect => None,
    }
}

/// Whether what was wanted came.
fn whole(hear: &Hear, bytes: &[u8], end: Option<Ending>) -> bool {
    match &hear.until {
        Until::Said(_) | Until::Bytes(_) => matches!(hear.enough(bytes), Enough::Yes(_)),
        Until::Quiet => {
            !bytes.is_empty() && matches!(end, None | Some(Ending::Silent | Ending::Closed))
        }
        Until::End => end == Some(Ending::Closed),
        Until::Datagram => !bytes.is_empty(),
    }
}

fn text(bytes: &[u8], form: Form) -> Value {
    match form {
        Form::Text => Value::text(String::from_utf8_lossy(bytes)),
        Form::Hex => Value::text(hex(bytes)),
    }
}
