//! Conversations that are written down in a check's tests, played against the interpreter that real ones run on.

use std::ops::Range;
use std::sync::Arc;

use super::took::NOWHERE;
use super::{
    Asking, DnsAnswer, Ending, Enough, Fetch, Hear, Method, Page, Question, Run, Turn, Until,
};
use crate::model::heard;
use crate::model::value::Value;

/// What a path or a name stands for when nothing else fits.
const ELSE: &str = "*";
/// A rehearsal never takes more turns.
const TURNS: usize = 10_000;

/// The other side of a conversation.
#[derive(Debug)]
pub(in super::super) enum Script {
    /// What is said, line by line.
    Wire(Vec<Line>),
    /// Pages by path.
    Pages(Vec<(String, Result<Page, Ending>)>),
    /// DNS answers by name.
    Answers(Vec<(String, Result<DnsAnswer, Ending>)>),
}

/// A line of a conversation.
#[derive(Debug)]
pub(in super::super) struct Line {
    pub(super) says: Says,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Us(Vec<u8>),
    Them(Vec<u8>),
    End(Ending),
    Reconnect,
}

/// Why a rehearsal broke off.
#[derive(Debug)]
pub(in super::super) struct Mismatch {
    /// What went otherwise.
    pub(in super::super) title: String,
    /// What to do about it.
    pub(in super::super) help: String,
    /// The line that it is about; none for the test as a whole.
    pub(in super::super) at: Option<Range<usize>>,
}

impl Mismatch {
    fn new(title: impl Into<String>, help: impl Into<String>, at: Option<&Line>) -> Self {
        let at = at.map(|line| line.at.clone());
        Self { title: title.into(), help: help.into(), at }
    }
}

impl Script {
    /// Plays it: the record that the conversation comes to.
    pub(in super::super) fn play(&self, asking: Asking) -> Result<Vec<Value>, Mismatch> {
        let goes_nowhere = asking.medium.has_ports() && asking.ports.is_empty();
        let mut run = Run::new(&Arc::new(asking), NOWHERE);
        if goes_nowhere {
            return Ok(run.record());
        }
        run.known_alive();
        let mut peer = Peer { lines: &[], heard: Vec::new() };
        if let Self::Wire(lines) = self {
            peer.lines = lines;
            peer.before(&mut run);
        }
        for _ in 0..TURNS {
            match run.turn() {
                Turn::Say(bytes) => peer.is_told(&bytes, &mut run)?,
                Turn::Hear(hear) => peer.speaks(&hear, &mut run)?,
                Turn::Reconnect => peer.is_called_again(&mut run)?,
                Turn::Fetch(fetch) => {
                    let page = self.page(&fetch)?;
                    run.fetched(page.as_ref().map_err(|end| *end));
                }
                Turn::Ask(question) => run.told(self.answer(&question)?),
                Turn::End => {
                    peer.is_done()?;
                    return Ok(run.record());
                }
            }
        }
        Err(Mismatch::new("this conversation does not end", "", None))
    }

    /// The page for a request, redirects followed.
    fn page(&self, fetch: &Fetch) -> Result<Result<Page, Ending>, Mismatch> {
        let mut path = fetch.path.clone();
        let mut hops = if fetch.follow { Fetch::HOPS } else { 0 };
        loop {
            let mut page = match self.by_path(&path)? {
                Err(end) => return Ok(Err(end)),
                Ok(page) => page.clone(),
            };
            let location = page.headers.iter().find(|(name, _)| name == "location");
            match location
                .filter(|(_, to)| to.starts_with('/') && (300..400).contains(&page.status))
            {
                Some((_, to)) if hops > 0 => {
                    hops -= 1;
                    path.clone_from(to);
                }
                _ => {
                    page.url = format!("https://web1.example{path}");
                    if fetch.method == Method::Head {
                        page.body.clear();
                    }
                    if page.body.len() > fetch.most {
                        let end = (0..=fetch.most).rev().find(|at| page.body.is_char_boundary(*at));
                        page.body.truncate(end.unwrap_or(0));
                        page.truncated = true;
                    }
                    return Ok(Ok(page));
                }
            }
        }
    }

    fn by_path(&self, path: &str) -> Result<Result<&Page, Ending>, Mismatch> {
        let Self::Pages(pages) = self else { return Ok(Err(Ending::Silent)) };
        let named = |name: &str| pages.iter().find(|(known, _)| known == name);
        match named(path).or_else(|| named(ELSE)) {
            Some((_, Ok(page))) => Ok(Ok(page)),
            Some((_, Err(end))) => Ok(Err(*end)),
            None => {
                let help = format!("add it under `pages`, or `\"{ELSE}\"` for every other path");
                Err(Mismatch::new(
                    format!("the probe asks for `{path}`, which the test has not"),
                    help,
                    None,
                ))
            }
        }
    }

    fn answer(&self, question: &Question) -> Result<Result<&DnsAnswer, Ending>, Mismatch> {
        let Self::Answers(answers) = self else { return Ok(Err(Ending::Silent)) };
        let named = |name: &str| answers.iter().find(|(known, _)| known == name);
        match named(&question.name).or_else(|| named(ELSE)) {
            Some((_, Ok(answer))) => Ok(Ok(answer)),
            Some((_, Err(end))) => Ok(Err(*end)),
            None => {
                let title =
                    format!("the probe asks for `{}`, which the test has not", question.name);
                let help = format!("add it under `answers`, or `\"{ELSE}\"` for every other name");
                Err(Mismatch::new(title, help, None))
            }
        }
    }
}

/// A peer that keeps to its lines.
struct Peer<'s> {
    lines: &'s [Line],
    /// What it said and nobody has read yet.
    heard: Vec<u8>,
}

impl<'s> Peer<'s> {
    fn next(&self) -> Option<&'s Line> {
        self.lines.first()
    }

    fn pass(&mut self) {
        self.lines = self.lines.get(1..).unwrap_or_default();
    }

    /// What keeps the conversation from beginning at all.
    fn before(&mut self, run: &mut Run) {
        if let Some(Line { says: Says::End(end), .. }) = self.next()
            && matches!(end, Ending::Refused | Ending::Unreachable | Ending::Garbled)
        {
            self.pass();
            run.cut(*end);
        }
    }

    fn is_told(&mut self, bytes: &[u8], run: &mut Run) -> Result<(), Mismatch> {
        let line = self.next();
        match line.map(|line| &line.says) {
            Some(Says::Us(wanted)) if wanted == bytes => self.pass(),
            // Nobody is there to hear it any more.
            Some(Says::End(end)) if *end != Ending::Silent => {
                self.pass();
                run.cut(*end);
            }
            _ => {
                let title = format!("here the probe says {}", quoted(bytes));
                return Err(Mismatch::new(title, "write that line with `> ` before it", line));
            }
        }
        Ok(())
    }

    fn speaks(&mut self, hear: &Hear, run: &mut Run) -> Result<(), Mismatch> {
        loop {
            let fresh = hear.until == Until::Datagram && self.heard.is_empty();
            match hear.enough(&self.heard) {
                Enough::Yes(_) if fresh => {}
                Enough::Yes(count) => {
                    let later = self.heard.split_off(count.min(self.heard.len()));
                    let said = std::mem::replace(&mut self.heard, later);
                    if hear.until == Until::Datagram {
                        // The rest of a datagram that is too long is lost.
                        self.heard.clear();
                    }
                    run.heard(&said, None);
                    return Ok(());
                }
                Enough::TooMuch => {
                    let said: Vec<u8> =
                        self.heard.drain(..hear.most.min(self.heard.len())).collect();
                    run.heard(&said, Some(Ending::TooMuch));
                    return Ok(());
                }
                Enough::NotYet => {}
            }
            let line = self.next();
            match line.map(|line| &line.says) {
                Some(Says::Them(bytes)) => {
                    self.heard.extend(bytes);
                    self.pass();
                }
                Some(Says::End(end)) => {
                    let said = std::mem::take(&mut self.heard);
                    run.heard(&said, Some(*end));
                    self.after_silence(*end, run);
                    return Ok(());
                }
                _ if hear.until == Until::Quiet && !self.heard.is_empty() => {
                    run.heard(&std::mem::take(&mut self.heard), None);
                    return Ok(());
                }
                _ => {
                    let help = "say how it goes on: `< …`, `! silent`, `! closed` or `! reset`";
                    return Err(Mismatch::new("here the probe still listens", help, line));
                }
            }
        }
    }

    /// One line of silence stands for all tries of a datagram.
    fn after_silence(&mut self, end: Ending, run: &mut Run) {
        self.pass();
        while end == Ending::Silent && run.tries_again() {
            run.turn();
            run.heard(&[], Some(Ending::Silent));
        }
    }

    fn is_called_again(&mut self, run: &mut Run) -> Result<(), Mismatch> {
        self.heard.clear();
        while let Some(Line { says: Says::End(Ending::Closed), .. }) = self.next() {
            self.pass();
        }
        let line = self.next();
        if line.is_none_or(|line| line.says != Says::Reconnect) {
            let help = "write `! reconnect`, and after it what is said over the new connection";
            return Err(Mismatch::new("here the probe connects once more", help, line));
        }
        self.pass();
        self.before(run);
        Ok(())
    }

    /// Nothing may be left but that the connection ends.
    fn is_done(&self) -> Result<(), Mismatch> {
        match self.lines.iter().find(|line| !matches!(line.says, Says::End(_))) {
            Some(line) => {
                let title = "the probe hangs up before this line";
                Err(Mismatch::new(
                    title,
                    "take it out, or add the step that comes to it",
                    Some(line),
                ))
            }
            None => Ok(()),
        }
    }
}

/// Bytes as a test writes them.
fn quoted(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("“{}”", heard::shown(text)),
        Err(_) => format!("{{hex: {}}}", super::asking::hex(bytes)),
    }
}
