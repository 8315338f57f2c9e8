//! One host on loopback, checks with probes of their own, and what comes of a scan.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use postern::book::Book;
use postern::catalogue::{Catalogue, File};
use postern::engine::journal::{Journal, Progress};
use postern::engine::{Scan, Stop, World, run, wall_clock};
use postern::facts::{FactBase, Vocabulary, derive};
use postern::inventory::Inventory;
use postern::judge::{About, Judgement, judge};
use postern::model::complaint::Source;
use postern::model::net::{CheckId, Transport};
use postern::model::outcome::Outcome;
use postern::model::plan::{Class, Over, Step};
use postern::model::record::{Opened, Row};
use postern::model::value::Value;
use postern::plan::{Guide, Inputs, Wish, asked, plan};
use postern::probe::built_in;
use postern::profile::Profile;
use postern::scope::{Scope, Setup};

pub(crate) mod server;

/// A check file with a probe: its id and its text.
pub(crate) fn check(id: &str, on: &str, when: &str, probe: &str, expect: &str) -> (String, String) {
    let when = if when.is_empty() { String::new() } else { format!("when: '{when}'\n") };
    let text = format!(
        "schema: postern/check/v1\nrevision: 1\n\
         title: {{en: The lab is safe, zh-Hant: 實驗室安全}}\n\
         impact: low\nlikelihood: low\non: {on}\n{when}probe:{probe}expect: '{expect}'\n\
         says:\n  fail: {{en: It is not., zh-Hant: 並非如此。}}\n\
         why: {{en: It matters., zh-Hant: 這很重要。}}\n\
         fix: [{{text: {{en: Mend it., zh-Hant: 修正。}}}}]\n\
         refs: [RFC 9325]\n"
    );
    (id.to_owned(), text)
}

/// A scan to be.
pub(crate) struct Lab {
    checks: Vec<(String, String)>,
    ports: Vec<u16>,
    pub(crate) fragile: bool,
}

/// What a lab was made into.
struct Made {
    catalogue: Catalogue,
    profile: Profile,
    inventory: Inventory,
    guide: Arc<Guide>,
    scope: Scope,
}

impl Lab {
    pub(crate) fn of(checks: impl IntoIterator<Item = (String, String)>, ports: &[u16]) -> Self {
        Self { checks: checks.into_iter().collect(), ports: ports.to_vec(), fragile: false }
    }

    fn made(&self) -> Made {
        let file = |(id, text): &(String, String)| {
            let source = Source { path: format!("{id}.yaml").into(), text: text.clone() };
            File { id: id.clone(), source: Arc::new(source) }
        };
        let files: Vec<File> = self.checks.iter().map(file).collect();
        let (catalogue, wrong) = Catalogue::read(&files, &Vocabulary::built_in());
        let told: Vec<_> = wrong.iter().map(|one| format!("{one:?}")).collect();
        assert!(told.is_empty(), "{}", told.join("\n"));
        let mut ports: Vec<String> = self.ports.iter().map(ToString::to_string).collect();
        if ports.is_empty() {
            ports.push("1".into());
        }
        let text = format!(
            "schema: postern/profile/v1\ntitle: {{en: A lab, zh-Hant: 實驗室}}\nselect: ['lab/*']\nports: \"{}\"\n\
             class: read-only\n\
             limits: {{per-second: 2000, per-host-per-second: 2000, per-host-parallel: 16}}\n\
             due: {{critical: 1, high: 2, medium: 3, low: 4}}\n",
            ports.join(",")
        );
        let profile = file(&("lab".to_owned(), text));
        let profile = Profile::read("lab", &[profile], &catalogue).expect("a profile");
        let inventory: Inventory = serde_json::from_value(serde_json::json!({
            "schema": "postern/inventory/v1",
            "operator": {"id": "test", "name": {"en": "A test"}},
            "hosts": [{"id": "h1", "addresses": ["127.0.0.1"], "fragile": self.fragile}],
        }))
        .expect("an inventory");
        let wishes = profile.chosen.iter().filter_map(|chosen| {
            let asking = Arc::new(chosen.asking()?);
            Some(Wish { check: Arc::clone(&chosen.check), params: chosen.params.clone(), asking })
        });
        let vocabulary = profile.vocabulary(&catalogue);
        let guide = Arc::new(Guide::new(&inventory, &vocabulary, &[], wishes.collect()));
        let pace = profile.limits;
        let setup = Setup { inventory: &inventory, authorisations: &[], resolvers: &[], pace };
        let scope = Scope::new(&setup);
        Made { catalogue, profile, inventory, guide, scope }
    }

    /// Plans and scans.
    pub(crate) async fn run(self) -> Seen {
        let made = self.made();
        let now = wall_clock();
        let probes: Vec<_> = built_in().into_iter().chain(made.guide.probes()).collect();
        let plan = plan(&Inputs {
            inventory: &made.inventory,
            profile: "lab",
            checks: &asked(&made.profile, &made.profile.vocabulary(&made.catalogue)),
            ports: &made.profile.ports,
            declared: true,
            class: Class::ReadOnly,
            limits: made.profile.limits,
            probes: &probes.iter().collect::<Vec<_>>(),
            guide: Some(&made.guide),
            allows: &|want| made.scope.allows(want, now),
            resolves: &|host| made.scope.resolves(host, now),
            vantage: "here",
            resolvers: &[],
            now,
        });
        let opened: Opened = serde_json::from_value(serde_json::json!({
            "schema": postern::model::record::BOOK_SCHEMA, "version": "0.0.0", "at": now, "vantage": "here",
            "identity": {}, "inventory": {}, "authorisations": [], "waivers": [], "profile": "lab", "plan": plan,
            "digests": {},
        }))
        .expect("a head");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("book.jsonl");
        let journal = Journal::create(&path, &opened).expect("a book");
        go(self, made, (folder, path), journal, Progress::default(), opened).await
    }
}

async fn go(
    lab: Lab,
    made: Made,
    (folder, path): (tempfile::TempDir, PathBuf),
    journal: Journal,
    already: Progress,
    opened: Opened,
) -> Seen {
    let scan = Scan {
        plan: Arc::new(opened.plan),
        probes: built_in().into_iter().chain(made.guide.probes()).collect(),
        guide: Some(Arc::clone(&made.guide)),
        scope: Arc::new(made.scope.clone()),
        world: World::new("Postern test"),
        already,
        journal,
        stop: Stop::default(),
    };
    let ended = run(scan, &mut |_| {}).await;
    assert!(ended.complete, "{ended:?}");
    let book = Book::load(&path).expect("a book");
    let vocabulary = made.profile.vocabulary(&made.catalogue);
    let plan = &book.opened().plan;
    let facts = derive(&made.inventory, plan, book.rows(), &vocabulary, &[]);
    let judgement = judge(&made.profile, &facts, &plan.wanted).expect("every pair has a result");
    Seen { lab, made, folder, path, book, facts, judgement, vocabulary }
}

/// What came of a scan.
pub(crate) struct Seen {
    lab: Lab,
    made: Made,
    folder: tempfile::TempDir,
    path: PathBuf,
    book: Book,
    facts: FactBase,
    judgement: Judgement,
    vocabulary: Vocabulary,
}

impl Seen {
    /// What a check came to at a port.
    pub(crate) fn outcome(&self, check: &str, port: u16) -> Option<Outcome> {
        let chosen = &self.made.profile.chosen;
        let at = chosen.iter().position(|chosen| chosen.check.id == CheckId(check.into()))?;
        let cell = self.judgement.cells.iter().find(|cell| {
            let About::Entry(entry) = cell.about else { return false };
            let subject = &self.facts.entries[entry as usize].subject;
            usize::from(cell.check) == at && subject.service.is_some_and(|(_, p)| p == port)
        });
        cell.map(|cell| cell.outcome)
    }

    /// The rows of what recipes saw.
    fn recipes(&self) -> impl Iterator<Item = &postern::model::observation::Observation> {
        self.book.rows().iter().filter_map(|(_, row)| match row {
            Row::Saw(saw) if saw.probe.starts_with("ask-") => Some(saw),
            _ => None,
        })
    }

    /// How often recipes were asked.
    pub(crate) fn asked(&self) -> usize {
        self.recipes().count()
    }

    /// What a recipe saw at a port.
    pub(crate) fn saw(&self, port: u16) -> &serde_json::Value {
        let mut all = self.recipes().filter(|saw| saw.spot.service.is_some_and(|(_, p)| p == port));
        &all.next().unwrap_or_else(|| panic!("nothing was asked at {port}: {}", self.text())).saw
    }

    /// How long a recipe took at a port.
    pub(crate) fn took(&self, port: u16) -> Duration {
        let of = self.recipes().filter(|saw| saw.spot.service.is_some_and(|(_, p)| p == port));
        Duration::from_millis(of.map(|saw| u64::from(saw.took_ms)).max().unwrap_or(0))
    }

    /// How many packets the audit log tells of.
    pub(crate) fn dials(&self, transport: Transport, port: u16) -> usize {
        let to = |row: &&(u64, Row)| matches!(&row.1, Row::Dial(dial) if dial.port == port && dial.transport == transport);
        self.book.rows().iter().filter(to).count()
    }

    /// The steps of recipes.
    pub(crate) fn recipe_steps(&self) -> Vec<&Step> {
        let steps = self.book.opened().plan.steps.iter();
        let recipe = |step: &&Step| matches!(step.over, Over::Door { .. } | Over::Port { .. });
        steps.filter(recipe).collect()
    }

    /// Why what is not tested is not.
    pub(crate) fn untested(&self) -> Vec<&str> {
        let untested = self.book.opened().plan.untested.iter();
        untested
            .filter(|left| left.probe.starts_with("ask-"))
            .map(|left| left.why.as_str())
            .collect()
    }

    /// The book's text.
    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.path).expect("a book")
    }

    /// The UDP ports that answered.
    pub(crate) fn open_udp(&self) -> Vec<i64> {
        let Some(Value::List(list)) = self.field("udp", "open", None) else { return Vec::new() };
        let number =
            |value: &Value| if let Value::Int(number) = value { Some(*number) } else { None };
        list.items.iter().filter_map(number).collect()
    }

    /// The state of a service, in words.
    pub(crate) fn service_state(&self, transport: Transport, port: u16) -> String {
        let state = self.field("service", "state", Some((transport, port)));
        state.map_or_else(|| "no such service".to_owned(), |state| state.to_string())
    }

    fn field(&self, kind: &str, field: &str, at: Option<(Transport, u16)>) -> Option<Value> {
        let id = self.vocabulary.id(kind)?;
        let slot = self.vocabulary.kind(id)?.slot(field)?;
        let entry = self.facts.entries.iter().find(|entry| entry.subject.service == at)?;
        self.facts.record(entry, id)?.get(slot).cloned()
    }

    /// Takes the book up again as if the scan had been killed before its last row.
    pub(crate) async fn resume(self) -> Self {
        let Self { lab, made, folder, path, .. } = self;
        let text = std::fs::read_to_string(&path).expect("a book");
        let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
        std::fs::write(&path, &text[..last]).expect("writable");
        let resumed = Journal::resume(&path).expect("a book");
        go(lab, made, (folder, path), resumed.journal, resumed.progress, resumed.opened).await
    }
}
