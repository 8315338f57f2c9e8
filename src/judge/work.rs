//! How the judging is laid out: which subjects each check has, dealt out to as many threads as there are cores.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

use super::grid::{Grid, Hosts};
use super::{About, Cell, Judgement, Judges, Unaccounted};
use crate::catalogue::Verdict;
use crate::facts::FactBase;
use crate::model::outcome::{Outcome, Why};
use crate::model::plan::Wanted;

pub(super) fn judge_all<C: Judges>(
    checks: &[C],
    facts: &FactBase,
    wanted: &[Wanted],
) -> Result<Judgement, Unaccounted> {
    let hosts = Hosts::of(wanted);
    let grid = Grid::of(checks, wanted, &hosts)?;
    let kinds = Subjects::by_kind(facts, &hosts);
    let none = Subjects::default();
    let subjects = |check: &C| kinds.get(usize::from(check.on())).unwrap_or(&none);

    let sizes: Vec<usize> =
        (0..).zip(checks).map(|(at, check)| subjects(check).count(&grid, at)).collect();
    let blank = Cell { check: 0, outcome: Outcome::Pass, about: About::Host(0), detail: 0 };
    let mut cells = vec![blank; sizes.iter().sum()];
    let mut details = vec![Vec::new(); checks.len()];
    let mut accounted = Grid::blank(checks.len(), &hosts);

    let mut jobs = Vec::with_capacity(checks.len());
    let mut rest = cells.as_mut_slice();
    let rows = details.iter_mut().zip(accounted.rows_mut()).zip(checks).zip(sizes);
    for (number, (((details, accounted), check), size)) in (0..).zip(rows) {
        let (cells, after) = rest.split_at_mut(size);
        rest = after;
        jobs.push(Job { number, check, cells, details, accounted });
    }
    on_all_cores(jobs, |job| {
        let own = job.check.own().and_then(|kind| kinds.get(usize::from(kind)));
        let subjects = subjects(job.check);
        job.carry_out(subjects, own, facts, &grid);
    });

    let missing = |pair: &&Wanted| !accounted.holds(checks, pair, &hosts);
    let pairs: Vec<_> = if grid == accounted {
        Vec::new()
    } else {
        wanted.iter().filter(missing).cloned().collect()
    };
    if pairs.is_empty() {
        Ok(Judgement { hosts: hosts.names, cells, details })
    } else {
        Err(Unaccounted { pairs })
    }
}

/// What has facts of one kind, and which hosts have none or may have more: places in the fact base, each with the
/// place of its host.
#[derive(Clone, Default)]
struct Subjects {
    entries: Vec<(u32, u32)>,
    absent: Vec<(u32, u32)>,
}

impl Subjects {
    fn by_kind(facts: &FactBase, hosts: &Hosts<'_>) -> Vec<Self> {
        let of_entries = facts.entries.iter().flat_map(|entry| entry.facts.iter().map(|(k, _)| *k));
        let highest = of_entries.chain(facts.absent.iter().map(|absent| absent.kind)).max();
        let mut kinds = vec![Self::default(); highest.map_or(0, |kind| usize::from(kind) + 1)];
        for (at, entry) in (0..).zip(&facts.entries) {
            let Some(host) = hosts.place(&entry.subject.host) else { continue };
            for (kind, _) in &entry.facts {
                if let Some(subjects) = kinds.get_mut(usize::from(*kind)) {
                    subjects.entries.push((at, host));
                }
            }
        }
        for (at, absent) in (0..).zip(&facts.absent) {
            let Some(host) = hosts.place(&absent.host) else { continue };
            if let Some(subjects) = kinds.get_mut(usize::from(absent.kind)) {
                subjects.absent.push((at, host));
            }
        }
        kinds
    }

    fn count(&self, grid: &Grid, check: usize) -> usize {
        let all = self.entries.iter().chain(&self.absent);
        all.filter(|(_, host)| grid.has(check, *host)).count()
    }
}

/// One check on everything that it is wanted on, with the room for what it comes to.
struct Job<'a, C> {
    number: u16,
    check: &'a C,
    cells: &'a mut [Cell],
    details: &'a mut Vec<Verdict>,
    accounted: &'a mut [u64],
}

impl<C: Judges> Job<'_, C> {
    /// `own` are the subjects of the check's own probe.
    fn carry_out(self, subjects: &Subjects, own: Option<&Subjects>, facts: &FactBase, grid: &Grid) {
        let Self { number, check, cells, details, accounted } = self;
        let row = usize::from(number);
        let wanted = |(_, host): &&(u32, u32)| grid.has(row, *host);
        let unasked: BTreeMap<u32, u32> =
            own.iter().flat_map(|own| &own.absent).map(|(at, host)| (*host, *at)).collect();
        let seen = subjects.entries.iter().filter(wanted).map(|(at, host)| {
            let verdict = judge_entry(check, facts, *at);
            let verdict = for_want_of_asking(verdict, check, facts, *at, unasked.get(host));
            (About::Entry(*at), *host, verdict)
        });
        let unseen = subjects
            .absent
            .iter()
            .filter(wanted)
            .map(|(at, host)| (About::Host(*host), *host, absent(facts, *at)));
        for (cell, (about, host, verdict)) in cells.iter_mut().zip(seen.chain(unseen)) {
            Grid::mark(accounted, host);
            let outcome = verdict.outcome;
            let mut detail = Cell::NO_DETAIL;
            if outcome != Outcome::Pass {
                detail = u32::try_from(details.len()).unwrap_or(Cell::NO_DETAIL);
                details.push(verdict);
            }
            *cell = Cell { check: number, outcome, about, detail };
        }
        details.shrink_to_fit();
    }
}

/// One check on one subject. A panic in it is an error of ours: it costs this one result, and is never a finding.
fn judge_entry<C: Judges>(check: &C, facts: &FactBase, at: u32) -> Verdict {
    let Some(entry) = facts.entries.get(at as usize) else {
        return not_tested("the subject is not among the facts");
    };
    let judged = catch_unwind(AssertUnwindSafe(|| check.judge(&|kind| facts.record(entry, kind))));
    judged.unwrap_or_else(|_| not_tested("an error of our own in judging: please report it"))
}

/// Where a check does not know because its own probe was not put to the subject, why it was not says more: it may not
/// have been allowed to.
fn for_want_of_asking<C: Judges>(
    verdict: Verdict,
    check: &C,
    facts: &FactBase,
    at: u32,
    unasked: Option<&u32>,
) -> Verdict {
    let (Some(kind), Some(unasked)) = (check.own(), unasked) else { return verdict };
    let heard =
        || facts.entries.get(at as usize).is_some_and(|entry| facts.record(entry, kind).is_some());
    if verdict.outcome != Outcome::Inconclusive || heard() {
        return verdict;
    }
    match absent(facts, *unasked) {
        why if why.outcome == Outcome::NotApplicable => verdict,
        why => why,
    }
}

fn absent(facts: &FactBase, at: u32) -> Verdict {
    let Some(absent) = facts.absent.get(at as usize) else {
        return not_tested("the host is not among the facts");
    };
    Verdict { outcome: absent.outcome, witness: Vec::new(), why: Some(absent.why.clone()) }
}

fn not_tested(why: &'static str) -> Verdict {
    Verdict { outcome: Outcome::NotTested, witness: Vec::new(), why: Some(Why::new(why)) }
}

/// Carries out every job, on as many threads as the machine has cores. Where a job leaves its results does not depend
/// on who carries it out, so the order stays the same.
fn on_all_cores<J: Send>(jobs: Vec<J>, carry_out: impl Fn(J) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(jobs.len());
    let jobs = Mutex::new(jobs.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // A poisoned lock means that a thread has panicked; its scope passes that on.
                while let Some(job) = jobs.lock().ok().and_then(|mut jobs| jobs.next()) {
                    carry_out(job);
                }
            });
        }
    });
}
