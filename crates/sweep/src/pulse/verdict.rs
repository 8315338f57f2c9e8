//! What became of an epoch, and what follows for the rate.
//!
//! An epoch is judged when every canary of it has been answered or given up: answers come sooner than it is clear that one
//! will not come, so that whoever looks earlier sees nothing but answers. Only while the rate still doubles is that borne:
//! it costs a few thousand packets once, and saves most of the time that a short sweep takes.

use core::time::Duration;

use super::{
    BLACKOUT, CALM, CLEARLY, DOUBTFUL, EPOCH, EXPERIMENT, FLOOR, LOSS_MARGIN, MORE, Noticed,
    PLAINLY, PRIOR, Pulse, RISE, SURE,
};
use crate::said::Time;

/// What became of the canaries of a stretch of time.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Epoch {
    pub(super) sent: u32,
    pub(super) resolved: u32,
    pub(super) lost: u32,
    /// Packets of all kinds, the canaries among them.
    pub(super) packets: u32,
    /// As many were under way as may be: it could not go faster.
    pub(super) full: bool,
    pub(super) begun: Time,
    /// How long it took, once nothing more is sent in it.
    took: Option<Duration>,
    /// Nothing got through, or nobody knows.
    pub(super) void: bool,
    /// More was lost than usual, because more was sent than gets through.
    pub(super) congested: bool,
    /// As much was sent as gets through, or nearly.
    pub(super) loaded: bool,
}

impl Epoch {
    pub(super) fn new(begun: Time) -> Self {
        Self { begun, ..Self::default() }
    }

    /// How fast it went, where less was sent than that rate allows: then that nothing was lost says nothing of the rate.
    fn slower_than(&self, rate: f64) -> Option<f64> {
        let took = self.took.map(|took| took.as_secs_f64()).filter(|took| *took > 0.0)?;
        let went = f64::from(self.packets) / took;
        (went < 0.7 * rate).then_some(went)
    }
}

/// A rate that was lowered, until it is known whether that helped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub(super) before: f64,
    lost: u32,
    all: u32,
    /// Lost and all at the lower rate.
    seen: (u32, u32),
}

/// The chance of being misled by luck at the lower rate that is borne.
const LUCK: f64 = 0.02;

impl Cut {
    /// Whether enough was seen at the lower rate: if it did not help, that as little is lost would be luck.
    fn is_enough(self) -> bool {
        let needed = LUCK.ln() / (1.0 - self.loss()).max(0.01).ln();
        f64::from(self.seen.1) >= needed.clamp(f64::from(EPOCH), f64::from(4 * EPOCH))
    }

    fn loss(self) -> f64 {
        f64::from(self.lost) / f64::from(self.all.max(1))
    }
}

impl Pulse {
    /// What is sent from now on belongs to another epoch.
    pub(super) fn next_epoch(&mut self, now: Time) {
        if let Some(of) = self.epochs.last_mut() {
            of.took = Some(now.saturating_sub(of.begun));
        }
        if self.epochs.len() >= usize::from(u16::MAX) {
            // After hours of it, the last one stands for all that follow.
            self.epochs.pop();
        }
        self.epochs.push(Epoch::new(now));
    }

    /// Goes at that rate from now on, within its bounds.
    pub(super) fn go_at(&mut self, rate: f64, now: Time) {
        self.rate = rate.max(self.ceiling.min(FLOOR)).min(self.ceiling);
        self.slow_start &= self.rate < self.ceiling;
        self.highest = self.highest.max(self.rate);
        self.next_epoch(now);
        self.held = (0, 0);
        self.decides = self.epochs.len() - 1;
    }

    /// Judges the epochs of which all is known, and goes faster or slower.
    pub(super) fn judge(&mut self, now: Time) -> Option<Noticed> {
        if self.lost_in_a_row >= BLACKOUT {
            return None;
        }
        let mut noticed = None;
        while let Some(of) = self.epochs.get(self.judged).copied() {
            let here = self.judged;
            let long = self.round_trip().unwrap_or_default();
            let enough = if of.lost == 0 { EPOCH } else { 2 * EPOCH };
            let early =
                self.slow_start && of.resolved >= enough && now.saturating_sub(of.begun) >= long;
            if !early && (of.took.is_none() || of.resolved < of.sent) {
                break;
            }
            self.judged += 1;
            if of.void || of.resolved == 0 {
                // Nothing is known of it.
            } else if here < self.decides {
                self.note(here);
            } else {
                noticed = noticed.or(self.turn(here, now));
            }
        }
        noticed
    }

    /// By how many standard deviations more of so many were lost than usual.
    fn beyond(&self, lost: u32, all: u32) -> f64 {
        let (lost, all) = (f64::from(lost), f64::from(all.max(1)));
        // Where as much is sent as gets through, that is what is usual.
        let loaded = if self.is_loaded() { self.lately.0 / self.lately.1 } else { 0.0 };
        let usual = loaded.min(self.loss() + LOSS_MARGIN).max(self.loss());
        let spread = (usual * (1.0 - usual) * (1.0 / all + 1.0 / self.usual.1)).sqrt();
        (lost / all - usual - LOSS_MARGIN) / spread
    }

    /// Whether as much is sent as gets through, or nearly.
    fn is_loaded(&self) -> bool {
        self.soft.is_some_and(|soft| self.rate >= soft * 0.7)
    }

    /// An epoch at another rate than that of now: it is only noted whether more was sent than gets through.
    fn note(&mut self, here: usize) {
        let Some(of) = self.epochs.get(here).copied() else { return };
        if of.lost >= 3 && self.beyond(of.lost, of.resolved) > SURE {
            self.is_congested(here);
        }
    }

    fn is_congested(&mut self, here: usize) {
        let Some(of) = self.epochs.get_mut(here) else { return };
        of.congested = true;
        let (lost, all) = (f64::from(of.lost), f64::from(of.resolved));
        if lost >= CLEARLY * all {
            self.forget(lost, all);
        }
    }

    /// An epoch at the rate of now: goes faster or slower.
    fn turn(&mut self, here: usize, now: Time) -> Option<Noticed> {
        let of = self.epochs.get(here).copied()?;
        let share = f64::from(of.lost) / f64::from(of.resolved.max(1));
        // What was not clear of the epochs before is looked at together with this one.
        let (lost, all) = (of.lost + self.held.0, of.resolved + self.held.1);
        let beyond = self.beyond(lost, all);
        let excess = lost >= 3 && beyond > SURE;
        let mut noticed = None;
        if let Some(cut) = &mut self.cut {
            cut.seen = (cut.seen.0 + of.lost, cut.seen.1 + of.resolved);
            if !cut.is_enough() {
                return None;
            }
        }
        let rate = match self.cut.take() {
            Some(cut) if self.helped(cut) => {
                if cut.loss() < PLAINLY && self.narrow == 0 {
                    // It may have been chance: the same once more will tell.
                    self.narrow = 1;
                    self.count(here);
                    cut.before / RISE
                } else {
                    self.narrow += 1;
                    let through = |lost: f64| (0.85 * (1.0 - lost)).max(0.1);
                    let soft = if excess {
                        self.is_congested(here);
                        self.rate * through(share)
                    } else {
                        cut.before * through(cut.loss())
                    };
                    let soft = soft / (1.0 - self.loss()).max(0.5);
                    let soft = soft.min(cut.before).max(FLOOR);
                    self.soft = Some(soft);
                    (self.calm_since, self.more) = (now, MORE);
                    (self.lately, self.lowered) = (PRIOR, 0);
                    noticed = Some(Noticed::Bottleneck(soft));
                    soft
                }
            }
            // It did not help, but that a path loses so much by itself is believed when it does at a small part of the rate.
            Some(cut) if cut.loss() >= CLEARLY && self.rate > cut.before * 0.1 => {
                self.is_congested(here);
                self.cut = Some(Cut { seen: (0, 0), ..cut });
                self.rate * EXPERIMENT
            }
            // It did not help to send less: the path loses as much by itself.
            Some(cut) => {
                self.learn(cut.seen.0 + cut.lost, cut.seen.1 + cut.all);
                cut.before
            }
            None if excess => {
                self.slow_start = false;
                self.is_congested(here);
                let before = of.slower_than(self.rate).filter(|_| of.full).unwrap_or(self.rate);
                self.cut = Some(Cut { before, lost, all, seen: (0, 0) });
                before * EXPERIMENT
            }
            None => {
                if lost >= 3 && beyond > DOUBTFUL && all < 4 * EPOCH {
                    self.held = (lost, all);
                    return None;
                }
                if self.soft.is_none() {
                    // Nothing was wrong with it: what was before was chance.
                    self.narrow = 0;
                }
                self.count(here);
                match of.slower_than(self.rate) {
                    None => self.faster(now),
                    // Otherwise as many would leave at once as were answered or given up at once.
                    Some(went) if of.full => (went * 3.0).min(self.rate),
                    Some(_) => self.rate,
                }
            }
        };
        #[expect(clippy::float_cmp, reason = "whether it is the same, not whether it is as much")]
        if rate.min(self.ceiling) != self.rate {
            self.go_at(rate, now);
        }
        noticed
    }

    /// Counts an epoch in which nothing was wrong.
    fn count(&mut self, here: usize) {
        let is_loaded = self.is_loaded();
        let held = std::mem::take(&mut self.held);
        let Some(of) = self.epochs.get_mut(here) else { return };
        let (lost, all) = (of.lost + held.0, of.resolved + held.1);
        if is_loaded {
            of.loaded = true;
            for of in [&mut self.loaded, &mut self.lately] {
                of.0 += f64::from(lost);
                of.1 += f64::from(all);
            }
        } else if of.took.is_some() {
            // Of one that has not come to its end only what was answered is known.
            self.learn(lost, all);
        }
    }

    /// What is tried next where nothing was wrong.
    fn faster(&mut self, now: Time) -> f64 {
        let rate = self.rate;
        match (self.slow_start, self.soft) {
            (true, _) => rate * 2.0,
            (false, None) => rate * RISE,
            (false, Some(soft)) if now >= self.calm_since + CALM * self.narrow.clamp(1, 4) => {
                self.calm_since = now;
                let lately = std::mem::replace(&mut self.lately, PRIOR);
                if lately.0 / lately.1 > self.loss() + LOSS_MARGIN && self.lowered < 2 {
                    // It is as much as gets through, or more already.
                    self.lowered += 1;
                    self.soft = Some(soft * 0.9);
                    return soft * 0.9;
                }
                if self.lowered > 0 {
                    // Whatever is lost still, the path loses by itself.
                    self.lowered = 0;
                    self.usual = (self.usual.0 + lately.0, self.usual.1 + lately.1);
                }
                let soft = soft * (1.0 + self.more);
                self.more = (self.more * 1.5).min(1.0);
                self.soft = Some(soft);
                soft
            }
            (false, Some(soft)) => (rate * RISE).min(soft),
        }
    }

    /// One more canary of that epoch was answered, or lost.
    pub(super) fn resolved(&mut self, epoch: u16, lost: bool) {
        let Some(of) = self.epochs.get_mut(usize::from(epoch)) else { return };
        of.resolved += 1;
        of.lost += u32::from(lost);
        if !of.congested && !of.void {
            self.overall.0 += f64::from(u8::from(lost));
            self.overall.1 += 1.0;
        }
    }

    /// Of so many in all so many were lost to something that has nothing to do with the path.
    pub(super) fn forget(&mut self, lost: f64, all: f64) {
        self.overall.0 = (self.overall.0 - lost).max(PRIOR.0);
        self.overall.1 = (self.overall.1 - all).max(PRIOR.1);
    }

    /// Whether it helped to send less.
    fn helped(&self, cut: Cut) -> bool {
        // If no more gets through than did before, so much would be lost now; if the path loses so much by itself, as much
        // as before. It is the one that what came is nearer to, each by its own uncertainty.
        let all = f64::from(cut.seen.1.max(1));
        let loss = f64::from(cut.seen.0) / all;
        let times = cut.before / self.rate.max(0.1);
        let narrow = (1.0 - (1.0 - cut.loss()) * times).max(self.loss());
        let spread = |share: f64, all: f64| {
            let share = share.clamp(1.0 / all, 1.0 - 1.0 / all.max(2.0));
            share * (1.0 - share) / all
        };
        let before = spread(cut.loss(), f64::from(cut.all.max(2)));
        let now = spread(loss, all.max(2.0));
        let from_narrow = (loss - narrow).max(0.0) / (now + before * times * times).sqrt();
        let from_own = (cut.loss() - loss).max(0.0) / (now + before).sqrt();
        from_narrow < from_own
    }

    fn learn(&mut self, lost: u32, all: u32) {
        self.usual.0 += f64::from(lost);
        self.usual.1 += f64::from(all);
    }
}
