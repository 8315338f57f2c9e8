//! How fast this machine is now, measured by a fixed piece of work, so that a bar means the same on a busy one.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long the piece of work takes on the two quiet cores that the bars were set on.
const THERE: Duration = Duration::from_millis(18);

/// Keeps the best time of the piece of work.
pub(crate) struct Yardstick(Duration);

#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "it measures, and says so")]
impl Yardstick {
    /// Does the piece of work some times.
    pub(crate) fn new() -> Self {
        let mut one = Self(Duration::MAX);
        (0..3).for_each(|_| one.measure());
        one
    }

    /// Does the piece of work once more, to be done beside what is measured.
    pub(crate) fn measure(&mut self) {
        let began = Instant::now();
        black_box(work());
        self.0 = self.0.min(began.elapsed());
    }

    /// A bar, as this machine is now: longer where it is slower, and never shorter. But for the full run, half of it more is
    /// borne, since not everything slows down alike.
    pub(crate) fn bar(&self, bar: Duration) -> Duration {
        let slower = (self.0.as_secs_f64() / THERE.as_secs_f64()).max(1.0);
        let borne = if std::env::var_os("POSTERN_FULL").is_some() { 1.0 } else { 1.5 };
        let times = slower * borne;
        eprintln!(
            "the fixed piece of work took {:.1?}: the bar is {times:.2} times itself",
            self.0
        );
        bar.mul_f64(times)
    }
}

/// Text is made, taken apart, and put in order.
fn work() -> usize {
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    let mut state = 1_u64;
    for nth in 0..40_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let word = format!("{:x}-{nth}", state >> 40);
        let key = word.split('-').next().unwrap_or_default().to_owned();
        *words.entry(key).or_default() += word.len();
    }
    words.values().sum()
}
