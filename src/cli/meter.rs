//! How far a scan has come: a bar on a terminal, else a line now and then, always on stderr.

use std::io::IsTerminal as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::{Event, Standing};
use crate::plan::duration;

/// Without a terminal, a line as often as this.
const EVERY: Duration = Duration::from_secs(10);

/// Shows how far a scan has come, until it is dropped.
pub(crate) struct Meter {
    shared: Arc<Shared>,
    teller: Option<JoinHandle<()>>,
}

struct Shared {
    shown: Mutex<Shown>,
    over: Condvar,
}

struct Shown {
    standing: Standing,
    bar: Option<ProgressBar>,
    stopping: bool,
    over: bool,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talkative {
    /// Nothing.
    Silent,
    /// How far it has come.
    Progress,
    /// That, and a line for whatever is worth one.
    Notes,
}

impl Meter {
    /// Starts showing progress in the way that fits stderr.
    pub(crate) fn new(talkative: Talkative) -> Self {
        let bar = (talkative != Talkative::Silent && std::io::stderr().is_terminal()).then(bar);
        let lines = talkative != Talkative::Silent && bar.is_none();
        let shown = Shown { standing: Standing::default(), bar, stopping: false, over: false };
        let shared = Arc::new(Shared { shown: Mutex::new(shown), over: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let teller = std::thread::Builder::new().name("meter".into());
        let teller = lines.then(|| teller.spawn(move || theirs.tell_now_and_then()).ok()).flatten();
        Self { shared, teller }
    }

    /// Shows what happened.
    pub(crate) fn tell(&self, event: Event, talkative: Talkative) {
        let mut shown = self.shared.lock();
        match event {
            Event::At(standing) => {
                shown.standing = standing;
                shown.show();
            }
            Event::HostDone(host) if talkative == Talkative::Notes => shown.note(&host, "done"),
            Event::Note(note) if talkative == Talkative::Notes => shown.note(&note, ""),
            Event::HostDone(_) | Event::Note(_) | Event::Ports { .. } => {}
        }
    }

    /// The scan is over: nothing more is shown.
    pub(crate) fn end(&self) {
        let mut shown = self.shared.lock();
        shown.over = true;
        if let Some(bar) = shown.bar.take() {
            bar.finish_and_clear();
        }
        self.shared.over.notify_all();
    }

    /// From here on nothing is sent.
    pub(crate) fn stopping(&self) {
        let mut shown = self.shared.lock();
        if shown.over {
            return;
        }
        shown.stopping = true;
        shown.note("stopping: nothing more is sent; once more to end at once", "");
        shown.show();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.end();
        if let Some(teller) = self.teller.take() {
            let _ = teller.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of the thread that writes lines.
    #[expect(clippy::print_stderr, reason = "this is where progress is shown")]
    fn tell_now_and_then(&self) {
        let mut shown = self.lock();
        loop {
            let waited = self.over.wait_timeout_while(shown, EVERY, |shown| !shown.over);
            shown = waited.unwrap_or_else(PoisonError::into_inner).0;
            if shown.over {
                return;
            }
            eprintln!("postern: {}", shown.words());
        }
    }
}

impl Shown {
    fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_length(self.standing.steps.max(1) as u64);
            bar.set_position(self.standing.steps_done as u64);
            bar.set_message(self.words());
        }
    }

    /// A line of its own, above the bar where there is one.
    #[expect(clippy::print_stderr, reason = "this is where progress is shown")]
    fn note(&self, what: &str, more: &str) {
        let line = format!("postern: {what} {more}");
        match &self.bar {
            Some(bar) => bar.println(line.trim_end()),
            None => eprintln!("{}", line.trim_end()),
        }
    }

    /// `3 of 12 hosts, 14 of 60 steps, 210 sent, about 3 min left`
    fn words(&self) -> String {
        let at = &self.standing;
        let mut words = format!(
            "{} of {} hosts, {} of {} steps, {} sent",
            at.hosts_done,
            at.hosts,
            at.steps_done,
            at.steps,
            at.connections + at.datagrams
        );
        match at.left {
            _ if self.stopping => words += ", stopping",
            Some(left) => {
                words = format!("{words}, about {} left", duration(left.as_secs().max(1)));
            }
            None => {}
        }
        words
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {percent:>3} %  {wide_msg}");
    let bar =
        ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
