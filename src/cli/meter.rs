//! How far a scan has come: bars on a terminal, else a line now and then, always on stderr.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::model::net::HostId;
use crate::model::observation::StepId;
use crate::model::plan::Plan;
use crate::plan::{duration, likely_sent};

/// Without a terminal, a line as often as this.
const EVERY: Duration = Duration::from_secs(10);

/// Shows how far a scan has come, until it is dropped.
pub(crate) struct Meter {
    shared: Arc<Shared>,
    teller: Option<JoinHandle<()>>,
}

struct Shared {
    standing: Mutex<Standing>,
    over: Condvar,
}

/// How far it has come.
struct Standing {
    began: Instant,
    /// Steps that are not over, by host.
    left: BTreeMap<HostId, u64>,
    hosts: usize,
    steps: u64,
    steps_over: u64,
    /// What is likely to be sent, step by step; the measure of progress.
    weight: Vec<u64>,
    weight_all: u64,
    weight_over: u64,
    likely: Duration,
    sent: u64,
    stopping: bool,
    over: bool,
    bar: Option<ProgressBar>,
}

impl Meter {
    /// Starts showing the progress of that plan, in the way that fits stderr; nothing at all when `quiet`.
    pub(crate) fn new(plan: &Plan, quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(bar);
        let mut left: BTreeMap<HostId, u64> = BTreeMap::new();
        for step in &plan.steps {
            *left.entry(step.host.clone()).or_default() += 1;
        }
        let weight: Vec<u64> = plan.steps.iter().map(likely_sent).collect();
        let standing = Standing {
            began: Instant::now(),
            hosts: left.len(),
            left,
            steps: plan.steps.len() as u64,
            steps_over: 0,
            weight_all: weight.iter().sum::<u64>().max(1),
            weight,
            weight_over: 0,
            likely: Duration::from_secs(crate::plan::likely_seconds(plan)),
            sent: 0,
            stopping: false,
            over: false,
            bar,
        };
        let lines = !quiet && standing.bar.is_none();
        let shared = Arc::new(Shared { standing: Mutex::new(standing), over: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let teller = lines.then(|| std::thread::spawn(move || theirs.tell_now_and_then()));
        Self { shared, teller }
    }

    /// A step has come to its end everywhere on its host.
    pub(crate) fn step_over(&self, step: StepId, host: &HostId) {
        let mut standing = self.shared.lock();
        standing.steps_over += 1;
        standing.weight_over += standing.weight.get(step as usize).copied().unwrap_or(0);
        if let Some(left) = standing.left.get_mut(host) {
            *left = left.saturating_sub(1);
            if *left == 0 {
                standing.left.remove(host);
            }
        }
        standing.show();
    }

    /// A connection was begun or a datagram sent.
    pub(crate) fn sent(&self) {
        let mut standing = self.shared.lock();
        standing.sent += 1;
        standing.show();
    }

    /// Nothing more is sent.
    pub(crate) fn stopping(&self) {
        let mut standing = self.shared.lock();
        standing.stopping = true;
        standing.show();
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut standing = self.shared.lock();
        standing.over = true;
        if let Some(bar) = standing.bar.take() {
            bar.finish_and_clear();
        }
        drop(standing);
        self.shared.over.notify_all();
        if let Some(teller) = self.teller.take() {
            let _ = teller.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of the thread that writes lines.
    #[expect(clippy::print_stderr, reason = "this is where progress is shown")]
    fn tell_now_and_then(&self) {
        let mut standing = self.lock();
        loop {
            let waited = self.over.wait_timeout_while(standing, EVERY, |standing| !standing.over);
            standing = waited.unwrap_or_else(PoisonError::into_inner).0;
            if standing.over {
                return;
            }
            eprintln!("postern: {}", standing.words());
        }
    }
}

impl Standing {
    fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_length(self.weight_all);
            bar.set_position(self.weight_over);
            bar.set_message(self.words());
        }
    }

    /// `3 of 12 hosts, 14 of 60 steps, 210 sent, about 3 min left`
    fn words(&self) -> String {
        let hosts = self.hosts - self.left.len();
        let rest = match self.remaining() {
            _ if self.stopping => "stopping: nothing more is sent".into(),
            left => format!("about {} left", duration(left.as_secs())),
        };
        format!(
            "{hosts} of {} hosts, {} of {} steps, {} sent, {rest}",
            self.hosts, self.steps_over, self.steps, self.sent
        )
    }

    /// How long it will take yet: as the plan says, until enough is done to tell by.
    fn remaining(&self) -> Duration {
        let elapsed = self.began.elapsed();
        let left = self.weight_all.saturating_sub(self.weight_over);
        if self.weight_over * 50 < self.weight_all {
            return self.likely.saturating_sub(elapsed).max(Duration::from_secs(1));
        }
        elapsed.mul_f64(lossy(left) / lossy(self.weight_over.max(1)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a guess needs no more than fifty-two bits")]
fn lossy(n: u64) -> f64 {
    n as f64
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:24} {percent:>3} % {wide_msg}");
    let bar =
        ProgressBar::new(1).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
