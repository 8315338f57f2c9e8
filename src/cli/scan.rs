//! `postern scan`: scans, judges and writes the review.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::complain::say;
use super::conclude::{self, Outputs};
use super::further::Languages;
use super::given::Given;
use super::load::Loaded;
use super::meter::{Meter, Talkative};
use super::stopped::Stopped;
use super::weigh::{Measure, read_review, weigh};
use super::{Exit, Globals};
use crate::book::Book;
use crate::engine::journal::{Journal, Progress, Resumed, Unusable};
use crate::engine::programs::Programs;
use crate::engine::{self, Ended, Event, Stop, World, wall_clock};
use crate::model::complaint::Complaint;
use crate::model::moment::Moment;
use crate::model::plan::Plan;
use crate::model::record::{BOOK_SCHEMA, Opened, Row};
use crate::review::Review;

/// What a book is called in the folder of the results.
const BOOK: &str = "book.jsonl";

/// Scan, judge and write the review
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  postern scan --inventory inventory.yaml --authorisation auth-2026-11.yaml
  postern scan --inventory inventory.yaml --profile dhc-vendor --lang en,zh-Hant --out review
  postern scan www.example.org=192.0.2.10 --authorised-by \"A. Chan, Acme IT, by mail of 23 November\"
  postern scan --resume postern-review-2026-11-23/book.jsonl

Ctrl-C stops sending within a second and writes a review of what is known; once more ends at once. What was killed
goes on with --resume, and asks nothing twice that was answered. It needs no other option: all are remembered in the
book. What is given with it wins, for this once: another --lang, --format or --last is another review of the same scan;
another inventory, authorisation, profile, pace or name of ours would be another scan, and is refused. The results are
written to where the book lies, unless --out says otherwise.")]
pub(crate) struct Scan {
    #[command(flatten)]
    given: Given,
    #[command(flatten)]
    outputs: Outputs,
    /// Go on with a scan that was interrupted: its book. Options that are not given are taken from there.
    #[arg(long, value_name = "BOOK", env = "POSTERN_RESUME", help_heading = "Results")]
    resume: Option<PathBuf>,
}

impl Scan {
    pub(crate) fn run(&self, globals: &Globals) -> Exit {
        self.scan(globals).unwrap_or_else(|stopped| stopped.tell(globals))
    }

    fn scan(&self, globals: &Globals) -> Result<Exit, Stopped> {
        let begun = match &self.resume {
            Some(book) => self.resumed(book)?,
            None => self.fresh(globals)?,
        };
        let Begun { loaded, plan, book, journal, progress, results } = begun;
        if progress.is_complete() {
            drop(journal);
        } else {
            let on = format!("go on with: postern scan --resume {}", book.display());
            carry_out(&loaded, plan, &journal, progress, &on, globals)?;
            drop(journal);
        }
        let read = Book::load(&book).map_err(Stopped::ours)?;
        let measure = Measure {
            catalogue: &loaded.rulebook.catalogue,
            profile: &loaded.rulebook.profile,
            frameworks: &loaded.rulebook.frameworks,
            packs: &loaded.rulebook.packs,
            waivers: Some(&loaded.waivers),
            last: results.last.as_ref(),
            now: wall_clock(),
        };
        let review = weigh(&read, &measure).map_err(|one| vec![one])?;
        let Results { outputs, languages, .. } = &results;
        let folder = outputs.out.clone().unwrap_or_else(|| beside(&book));
        languages.say_how_whole(&loaded.rulebook.catalogue, globals);
        Ok(conclude::publish(&review, &folder, outputs, languages, globals)?)
    }

    /// Every option that was given, for the book.
    fn remembered(&self) -> BTreeMap<String, Vec<String>> {
        let Given { packs, plugins, .. } = &self.given;
        let all = [self.given.words(), packs.words(), plugins.words(), self.outputs.words()];
        all.into_iter().flatten().collect()
    }

    /// A new scan: everything is read, planned and held against the scope before a book is opened.
    fn fresh(&self, globals: &Globals) -> Result<Begun, Stopped> {
        let now = wall_clock();
        let mut wrong = Vec::new();
        let results = Results::read(self.outputs.clone(), &mut wrong);
        // Whoever mends what is wrong with the results wants to know of everything else too.
        let loaded = match Loaded::read(&self.given, &results.languages, now) {
            Ok(loaded) if wrong.is_empty() => loaded,
            other => {
                wrong.extend(other.err().into_iter().flatten());
                return Err(wrong.into());
            }
        };
        let uncovered = loaded.uncovered();
        if !uncovered.is_empty() {
            return Err(Stopped::Refused(uncovered));
        }
        let plan = loaded.plan(now, now);
        if let (true, Some(left)) = (plan.steps.is_empty(), plan.untested.first()) {
            return Err(Stopped::Closed(format!("nothing may be asked: {}", left.why)));
        }
        let folder = match &self.outputs.out {
            Some(folder) => folder.clone(),
            None => free_folder(now),
        };
        fs::create_dir_all(&folder).map_err(|wrong| unwritable(&folder, &wrong))?;
        let book = folder.join(BOOK);
        let opened = head(&loaded, &plan, now, self.remembered())?;
        let journal = Journal::create(&book, &opened).map_err(|wrong| told(&wrong))?;
        if !globals.quiet {
            say(&format!(
                "{} steps on {} hosts, into {}",
                plan.steps.len(),
                loaded.inventory.hosts.len(),
                book.display()
            ));
        }
        let progress = Progress::default();
        Ok(Begun { loaded, plan, book, journal, progress, results })
    }

    /// An interrupted scan: the same files must say the same, and the plan is the book's own.
    fn resumed(&self, book: &Path) -> Result<Begun, Stopped> {
        let Resumed { journal, progress, opened, torn } =
            Journal::resume(book).map_err(|wrong| told(&wrong))?;
        if torn > 0 {
            say(&format!(
                "{}: a row that was half written ({torn} bytes) was cut off",
                book.display()
            ));
        }
        let packs = self.given.packs.or(&opened.given).map_err(Stopped::Ours)?;
        let plugins = self.given.plugins.or(&opened.given).map_err(Stopped::Ours)?;
        let given =
            Given { packs, plugins, ..self.given.or(&opened.given).map_err(Stopped::Ours)? };
        let outputs = self.outputs.or(&opened.given).map_err(Stopped::Ours)?;
        let mut wrong = Vec::new();
        let results = Results::read(outputs, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong.into());
        }
        let loaded = Loaded::read(&given, &results.languages, opened.at)?;
        let plan = loaded.plan(opened.at, opened.at);
        let now = loaded.digests(&plan);
        let changed: Vec<&str> = now
            .iter()
            .filter(|(name, digest)| opened.digests.get(*name) != Some(digest))
            .map(|(name, _)| name.as_str())
            .collect();
        if !changed.is_empty() {
            return Err(different(&changed, &opened));
        }
        let standing = loaded.plan(opened.at, wall_clock());
        if standing.steps.is_empty() && !plan.steps.is_empty() && !progress.is_complete() {
            let since = standing.untested.iter().find(|left| !plan.untested.contains(left));
            let why = since.map_or("nothing may be asked now", |left| &left.why);
            return Err(Stopped::Closed(format!("nothing may be asked: {why}")));
        }
        Ok(Begun { loaded, plan, book: book.to_owned(), journal, progress, results })
    }
}

/// The head of a new book; `given` is every option, in words.
pub(super) fn head(
    loaded: &Loaded,
    plan: &Plan,
    now: Moment,
    given: BTreeMap<String, Vec<String>>,
) -> Result<Opened, Stopped> {
    let leaves = loaded.authorisations.iter().map(serde_json::to_value);
    let plugins = loaded.programs.iter().map(|program| serde_json::to_value(&*program.plugin));
    Ok(Opened {
        schema: BOOK_SCHEMA.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        at: now,
        vantage: loaded.vantage.clone(),
        identity: loaded.identity.clone(),
        inventory: serde_json::to_value(&loaded.inventory).map_err(Stopped::ours)?,
        declared_at: loaded.declared_at.clone(),
        trust: loaded.trust.clone(),
        authorisations: leaves.collect::<Result<_, _>>().map_err(Stopped::ours)?,
        waivers: serde_json::to_value(&loaded.waivers).map_err(Stopped::ours)?,
        profile: loaded.rulebook.profile.name.clone(),
        plan: plan.clone(),
        digests: loaded.digests(plan),
        given,
        plugins: plugins.collect::<Result<_, _>>().map_err(Stopped::ours)?,
    })
}

/// A scan that is ready to be carried out.
struct Begun {
    loaded: Loaded,
    plan: Plan,
    book: PathBuf,
    journal: Journal,
    progress: Progress,
    results: Results,
}

/// What becomes of a scan.
struct Results {
    outputs: Outputs,
    languages: Languages,
    last: Option<Review>,
}

impl Results {
    /// Reads what the options name; what is wrong with it joins the other complaints.
    fn read(outputs: Outputs, wrong: &mut Vec<Complaint>) -> Self {
        let languages = outputs.check(wrong);
        let last = outputs.last.as_deref().map(read_review).transpose();
        let last = last.map_err(|one| wrong.push(one)).unwrap_or_default();
        Self { outputs, languages, last }
    }
}

/// Carries the plan out, with its progress on stderr, until it ends or somebody stops it; `on` says how to go on then.
pub(super) fn carry_out(
    loaded: &Loaded,
    plan: Plan,
    journal: &Journal,
    already: Progress,
    on: &str,
    globals: &Globals,
) -> Result<Ended, Stopped> {
    carry_out_telling(loaded, plan, journal, already, on, globals, &mut |_| {})
}

/// The same, and tells `hear` of everything that happens.
pub(super) fn carry_out_telling(
    loaded: &Loaded,
    plan: Plan,
    journal: &Journal,
    already: Progress,
    on: &str,
    globals: &Globals,
    hear: &mut (dyn FnMut(&Event) + Send),
) -> Result<Ended, Stopped> {
    let programs = Programs::keep(&loaded.programs).map_err(|wrong| {
        let title = format!("the plug-ins cannot be copied to where they are started: {wrong}");
        Stopped::yours(title, "name a folder that may be written with TMPDIR")
    })?;
    let began = Row::Began { at: wall_clock(), version: env!("CARGO_PKG_VERSION").into() };
    journal.append(&began).map_err(Stopped::ours)?;
    let agent = loaded.identity.get("user-agent").cloned().unwrap_or_default();
    let talkative = match (globals.quiet, globals.verbose) {
        (true, _) => Talkative::Silent,
        (false, 0) => Talkative::Progress,
        (false, _) => Talkative::Notes,
    };
    let meter = Arc::new(Meter::new(talkative));
    let stop = Stop::default();
    watch_signals(&stop, &meter, on)?;
    let scan = engine::Scan {
        plan: Arc::new(plan),
        probes: loaded.probes.clone(),
        guide: Some(Arc::clone(&loaded.guide)),
        scope: Arc::new(loaded.scope.clone()),
        world: World {
            programs: Arc::new(programs),
            examining: loaded.examining,
            ..World::new(agent)
        },
        already,
        journal: journal.clone(),
        stop,
    };
    // One thread: a scan waits for others, and what wakes another thread for each answer costs more than it brings.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Stopped::ours)?;
    let mut tell = |event: Event| {
        hear(&event);
        meter.tell(event, talkative);
    };
    let ended = runtime.block_on(engine::run(scan, &mut tell));
    runtime.shutdown_background();
    meter.end();
    journal.sync().map_err(|wrong| Stopped::yours(wrong.to_string(), on))?;
    if let (false, Some(why), false) = (ended.complete, &ended.why, globals.quiet) {
        say(&format!("the scan is incomplete: {why}; {on}"));
    }
    Ok(ended)
}

/// From the first Ctrl-C (or SIGTERM) on nothing is sent; the second ends the program, and the book is whole all the
/// same. The thread lives as long as the program.
fn watch_signals(stop: &Stop, meter: &Arc<Meter>, on: &str) -> Result<(), Stopped> {
    let (stop, meter) = (stop.clone(), Arc::clone(meter));
    let resume = format!("ended at once; {on}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Stopped::ours)?;
    let watch = async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        for nth in 0.. {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if nth > 0 {
                say(&resume);
                end_at_once();
            }
            stop.now("interrupted");
            meter.stopping();
        }
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || runtime.block_on(watch)).map(drop).map_err(Stopped::ours)
}

#[expect(
    clippy::exit,
    reason = "somebody asked twice to end at once; every row is written already"
)]
fn end_at_once() -> ! {
    std::process::exit(i32::from(Exit::Incomplete.code()))
}

/// The folder for the results when none is named: by date, and by number where there is one already.
fn free_folder(now: Moment) -> PathBuf {
    let name = format!("postern-review-{}", now.date());
    let mut folder = PathBuf::from(&name);
    let mut nth = 2;
    while folder.join(BOOK).exists() {
        folder = PathBuf::from(format!("{name}-{nth}"));
        nth += 1;
    }
    folder
}

/// The folder that a book lies in.
fn beside(book: &Path) -> PathBuf {
    book.parent().map_or_else(PathBuf::new, Path::to_owned)
}

fn unwritable(folder: &Path, wrong: &std::io::Error) -> Stopped {
    Stopped::yours(format!("{}: {wrong}", folder.display()), "name another folder with --out")
}

/// Why a journal cannot be used, with what to do.
pub(super) fn told(wrong: &Unusable) -> Stopped {
    let help = match wrong {
        Unusable::InUse(_) => "wait for it, or end it",
        Unusable::Exists(_) => "go on with it by --resume, or name another folder with --out",
        Unusable::Broken(..) => "scan again into another folder; what was changed is no evidence",
        Unusable::Io(..) => "is the folder there, and may it be written?",
    };
    Stopped::yours(wrong.to_string(), help)
}

/// A resumed scan that would not be the same scan.
fn different(changed: &[&str], opened: &Opened) -> Stopped {
    let title = format!("not the same scan: changed since it began: {}", changed.join(", "));
    let version = env!("CARGO_PKG_VERSION");
    let mut help =
        String::from("bring the files back as they were, or scan again into another folder");
    if opened.version != version {
        help = format!("{help}; the book is by version {}, and this is {version}", opened.version);
    }
    Stopped::yours(title, help)
}
