//! One check pointed at one target: carried out by the same engine as a scan, under the same scope.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use crate::book::Book;
use crate::catalogue::{Check, File};
use crate::cli::Globals;
use crate::cli::further::{Further, Languages};
use crate::cli::given::{Given, Leave};
use crate::cli::library::{Library, Packs, check_files};
use crate::cli::load::{Loaded, Rulebook};
use crate::cli::scan::{carry_out, head, told};
use crate::cli::scratch::Scratch;
use crate::cli::stopped::Stopped;
use crate::cli::weigh::{self, Judged, Measure};
use crate::engine::journal::{Journal, Progress};
use crate::engine::wall_clock;
use crate::model::complaint::{Complaint, Source, nearest};
use crate::model::net::{Transport, port_ranges};
use crate::model::plan::Class;
use crate::probe::recipe::{Tape, recorded};
use crate::profile::Chosen;

/// The name of the profile that is made on the fly.
const PROFILE: &str = "one-check";
/// More ports than this are no statement of where a check goes; those of the baseline are asked then.
const FEW: usize = 64;

/// A check, and what it is pointed at.
#[derive(Debug, Args)]
pub(super) struct Aim {
    /// The check: an id, as `postern check list` shows it, or a check file.
    #[arg(value_name = "CHECK")]
    check: String,
    /// An address, a name, a name with its address (www.example.org=192.0.2.10), or with --inventory one of its hosts.
    #[arg(value_name = "TARGET")]
    pub(super) target: String,
    /// The ports to look at; may be given more than once. Where the check has a parameter `ports`, it is these [default:
    /// those that the check speaks of, or else those of the baseline].
    #[arg(long, value_name = "N", value_delimiter = ',', help_heading = "Checks")]
    port: Vec<u16>,
    /// Sets a parameter of the check, as a profile would; may be given more than once.
    #[arg(long = "set", value_name = "NAME=VALUE", help_heading = "Checks")]
    set: Vec<String>,
    /// A folder of check files that add to the built-in ones, or replace those of the same name.
    #[arg(long, value_name = "DIR", env = "POSTERN_CHECKS", help_heading = "Checks")]
    checks: Option<PathBuf>,
    #[command(flatten)]
    packs: Packs,
    #[command(flatten)]
    leave: Leave,
    /// Keeps the book of what was sent and seen in this file; otherwise nothing is kept.
    #[arg(long, value_name = "FILE", help_heading = "How")]
    book: Option<PathBuf>,
}

/// What came of it.
pub(super) struct Hit {
    pub(super) loaded: Loaded,
    pub(super) book: Book,
    pub(super) judged: Judged,
    pub(super) languages: Languages,
}

impl Hit {
    /// The check, with its parameters.
    pub(super) fn chosen(&self) -> Result<&Chosen, Stopped> {
        let none = || Stopped::Ours("the profile of one check chose none".into());
        self.loaded.rulebook.profile.chosen.first().ok_or_else(none)
    }

    /// What its book is weighed by.
    pub(super) fn measure(&self) -> Measure<'_> {
        measure(&self.loaded)
    }
}

fn measure(loaded: &Loaded) -> Measure<'_> {
    Measure {
        catalogue: &loaded.rulebook.catalogue,
        profile: &loaded.rulebook.profile,
        frameworks: &loaded.rulebook.frameworks,
        packs: &loaded.rulebook.packs,
        waivers: Some(&[]),
        last: None,
        now: wall_clock(),
    }
}

impl Aim {
    /// Carries the check out. Every turn of its own probe goes onto the tape, where there is one.
    pub(super) fn carry_out(
        &self,
        further: &Further,
        tape: Option<&Tape>,
        globals: &Globals,
    ) -> Result<Hit, Stopped> {
        let now = wall_clock();
        let mut wrong = Vec::new();
        let languages = further.read(&mut wrong);
        let rulebook = self.rulebook(&languages, wrong);
        let mut loaded = Loaded::by(rulebook, &self.given(), now)?;
        if let Some(tape) = tape {
            loaded.probes = loaded.probes.iter().map(|probe| recorded(probe, tape)).collect();
        }
        let uncovered = loaded.uncovered();
        if !uncovered.is_empty() {
            return Err(Stopped::Refused(uncovered));
        }
        let plan = loaded.plan(now, now);
        if let (true, Some(left)) = (plan.steps.is_empty(), plan.untested.first()) {
            return Err(Stopped::Closed(format!("nothing may be asked: {}", left.why)));
        }
        let scratch = Scratch::new("check")?;
        let path = self.book.clone().unwrap_or_else(|| scratch.path().join("book.jsonl"));
        let opened = head(&loaded, &plan, now, BTreeMap::new())?;
        let journal = Journal::create(&path, &opened).map_err(|wrong| told(&wrong))?;
        let on = "begin again with the same command";
        carry_out(&loaded, plan, &journal, Progress::default(), on, globals)?;
        drop(journal);
        let book = Book::load(&path).map_err(Stopped::ours)?;
        let judged = weigh::judged(&book, &measure(&loaded)).map_err(|one| vec![one])?;
        Ok(Hit { loaded, book, judged, languages })
    }

    fn given(&self) -> Given {
        Given {
            checks: self.checks.clone(),
            packs: self.packs.clone(),
            ..self.leave.given(std::slice::from_ref(&self.target))
        }
    }

    /// The checks, and a profile that chooses this one and stops at it.
    fn rulebook(
        &self,
        languages: &Languages,
        mut wrong: Vec<Complaint>,
    ) -> Result<Rulebook, Vec<Complaint>> {
        let path = Path::new(&self.check);
        let by_path = path.extension().is_some_and(|ending| ending == "yaml");
        let handed = if by_path { check_files(path, &mut wrong) } else { Vec::new() };
        let id = handed.first().map_or_else(|| self.check.clone(), |file| file.id.clone());
        let (mut library, complaints) = Library::open_with(&self.given().folders(), handed);
        wrong.extend(complaints);
        wrong.extend(library.learn(languages));
        let Some(check) = library.catalogue.check(&id).cloned() else {
            // A file that cannot be read as a check was complained of.
            if wrong.is_empty() {
                wrong.push(unknown(&id, &library));
            }
            return Err(wrong);
        };
        let text = |ports: &[u16]| {
            let text = self.profile(&check, ports)?;
            let source = Arc::new(Source { path: "command-line".into(), text });
            Ok(File { id: PROFILE.into(), source })
        };
        let file = match text(&[443]) {
            Ok(file) => file,
            Err(one) => {
                wrong.push(one);
                return Err(wrong);
            }
        };
        library.profiles.push(file);
        // Where it goes, its parameters decide, as they were set; what is wrong with them is said below.
        if let Some(chosen) =
            library.profile(PROFILE).ok().and_then(|one| one.chosen.into_iter().next())
        {
            wrong.extend(self.elsewhere(&chosen));
            library.profiles.extend(text(&self.ports(&chosen, &library)).ok());
        }
        Rulebook::of(library, PROFILE, wrong)
    }

    /// A complaint where ports were typed, and the check's own probe goes to others, which its file fixes.
    fn elsewhere(&self, chosen: &Chosen) -> Option<Complaint> {
        let ports = chosen.asking()?.ports;
        if ports.is_empty()
            || self.port.is_empty()
            || self.port.iter().any(|port| ports.contains(port))
        {
            return None;
        }
        let title =
            format!("the probe of `{}` goes to {} only", chosen.check.id, port_ranges(&ports));
        Some(Complaint::nowhere(title).help(
            "change `ports:` in its file, or make it a parameter: `ports: params.ports`; --port then sets it",
        ))
    }

    /// The text of the profile.
    fn profile(&self, check: &Check, ports: &[u16]) -> Result<String, Complaint> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut params = Vec::new();
        if !self.port.is_empty() && check.params.iter().any(|param| param.name == "ports") {
            params.push(format!("ports: {:?}", self.port));
        }
        for one in &self.set {
            let help = "write --set NAME=VALUE, the value as in a check file: --set ports=[6379]";
            match one.split_once('=') {
                Some((name, value)) if !one.contains('\n') => {
                    params.push(format!("{}: {value}", quoted(name.trim())));
                }
                _ => return Err(Complaint::nowhere(format!("`{one}` sets nothing")).help(help)),
            }
        }
        let id = quoted(&check.id.0);
        let class = check.recipe().map_or(Class::ReadOnly, |recipe| recipe.class);
        let class = serde_json::to_value(class.max(Class::ReadOnly)).unwrap_or_default();
        let set = match params.as_slice() {
            [] => String::new(),
            params => format!(
                "set: {{{id}: {{params: {{{}}}, why: typed on the command line}}}}\n",
                params.join(", ")
            ),
        };
        let ports = port_ranges(ports);
        Ok(format!(
            "schema: postern/profile/v1\ntitle: {{en: One check, zh-Hant: 單一檢查}}\nselect: [{id}]\n\
             gate: {{checks: [{id}]}}\nclass: {class}\nports: {}\n{set}",
            quoted(&ports)
        ))
    }

    /// The TCP ports to ask: those that were typed, else those that the check speaks of where they are few, else those of
    /// the baseline.
    fn ports(&self, chosen: &Chosen, library: &Library) -> Vec<u16> {
        if !self.port.is_empty() {
            return self.port.clone();
        }
        chosen.check.ports(&chosen.params, Transport::Tcp, FEW).unwrap_or_else(|| {
            library.profile("baseline").map(|baseline| baseline.ports).unwrap_or_default()
        })
    }
}

fn unknown(id: &str, library: &Library) -> Complaint {
    let known = library.catalogue.checks().iter().map(|check| check.id.0.as_str());
    let near = nearest(id, known).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Complaint::nowhere(format!("`{id}` is not a check{near}"))
        .help("`postern check list` shows every check; a file of your own is named with its .yaml")
}
